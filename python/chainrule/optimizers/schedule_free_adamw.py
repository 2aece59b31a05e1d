"""Schedule-free AdamW: averaged iterates in place of a schedule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chainrule import ops
from chainrule.optimizers.optimizer import Optimizer
from chainrule.optimizers.options import checked
from chainrule.tracing.variable import Variable

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from chainrule.optimizers.options import OptimizerOptions


class ScheduleFreeAdamW(Optimizer):
    """``w = (1 - b1) * z + b1 * x``: an interpolation of Adam's iterates and of their mean.

    ``z <- z - lr * g / (sqrt(v / (1 - b2 ** t)) + epsilon)`` and ``x <- (1 - 1/t) * x + z / t``,
    with Adam's ``v``; the learning rate rises linearly over the first `warmup_steps`.

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable
        A number, a schedule, or a function without arguments.
    beta_1 : float
        ``b1``, the weight of the mean.
    beta_2 : float
        ``b2``, the discount of the squared gradients.
    epsilon : float
        A small number beside the root.
    warmup_steps : int
        Steps until the full learning rate.
    **options : settings of `Optimizer`
        Weight decay, clipping, averaging, ...: see `Optimizer`.

    References
    ----------
    Defazio et al. (2024), "The road less scheduled".
    """

    def __init__(
        self,
        learning_rate: Any = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta_1 = checked("beta_1", beta_1)
        self.beta_2 = checked("beta_2", beta_2)
        self.epsilon = checked("epsilon", epsilon)
        self.warmup_steps = checked("warmup_steps", warmup_steps)
        self._momentums: list[Variable | None] = []
        self._velocities: list[Variable] = []

    def build(self, variables: Sequence[Variable]) -> None:
        """Add ``z``, which starts at the variable's value, and ``v`` for each variable."""
        if self.built:
            return
        super().build(variables)
        self._momentums, self._velocities = self.add_optimizer_variables(
            variables, ["momentum", "velocity"]
        )
        for momentum, variable in zip(self._momentums, variables):
            if momentum is not None:
                self.assign(momentum, variable.value)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """One step for one variable."""
        index = self._get_variable_index(variable)
        z = self._momentums[index]
        v = self._velocities[index]
        if z is None:
            return
        rate = ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        step = self._step(variable.dtype)
        if self.warmup_steps > 0:
            share = ops.minimum(ops.divide(step, float(self.warmup_steps)), 1.0)
            rate = ops.multiply(rate, share)

        outer = ops.subtract(variable, ops.multiply(1 - self.beta_1, z))
        mean = ops.divide(outer, self.beta_1)
        self.assign_add(v, ops.multiply(ops.subtract(ops.square(gradient), v), 1 - self.beta_2))
        v_hat = ops.divide(v, self._unbiased(self.beta_2, variable.dtype))
        root = ops.add(ops.sqrt(v_hat), self.epsilon)
        self.assign_sub(z, ops.divide(ops.multiply(rate, gradient), root))
        weight = ops.divide(1.0, step)
        mean = ops.add(ops.multiply(ops.subtract(1.0, weight), mean), ops.multiply(weight, z))
        self.assign(
            variable, ops.add(ops.multiply(1 - self.beta_1, z), ops.multiply(self.beta_1, mean))
        )

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "warmup_steps": self.warmup_steps,
        }
