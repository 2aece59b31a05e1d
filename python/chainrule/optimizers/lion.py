"""Lion: the sign of an interpolated momentum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chainrule import ops
from chainrule.optimizers.optimizer import Optimizer
from chainrule.optimizers.options import Range, checked
from chainrule.tracing.variable import Variable

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from chainrule.optimizers.options import OptimizerOptions


class Lion(Optimizer):
    """``w <- w - lr * sign(b1 * m + (1 - b1) * g)``, then ``m <- b2 * m + (1 - b2) * g``.

    Every element moves by exactly the learning rate, which is best 3 to 10 times smaller than
    Adam's, with a weight decay as many times larger.

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable
        A number, a schedule, or a function without arguments.
    beta_1 : float
        ``b1``, the weight of the momentum in the step, in (0, 1].
    beta_2 : float
        ``b2``, the discount of the momentum.
    **options : settings of `Optimizer`
        Weight decay, clipping, averaging, ...: see `Optimizer`.

    Raises
    ------
    ValueError
        For a `beta_1` outside (0, 1].

    References
    ----------
    Chen et al. (2023), "Symbolic discovery of optimization algorithms".
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)
        # At 0 the update would be the sign of the gradient alone.
        self.beta_1 = checked("beta_1", beta_1, Range(0, 1, "(]"))
        self.beta_2 = checked("beta_2", beta_2)
        self._momentums: list[Variable] = []

    def build(self, variables: Sequence[Variable]) -> None:
        """Add one momentum a variable."""
        if self.built:
            return
        super().build(variables)
        self._momentums = self.add_optimizer_variables(variables, "momentum")

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """One step for one variable."""
        learning_rate = ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        m = self._momentums[self._get_variable_index(variable)]
        direction = ops.sign(self._mix(m, gradient, self.beta_1))
        self.assign_sub(variable, ops.multiply(learning_rate, direction))
        self.assign(m, self._mix(m, gradient, self.beta_2))

    def _mix(self, momentum: Any, gradient: Any, beta: float) -> Any:
        return ops.add(ops.multiply(momentum, beta), ops.multiply(gradient, 1.0 - beta))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2}
