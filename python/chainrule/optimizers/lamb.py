"""LAMB: Adam with a step as long, relative to the weights, as the learning rate says."""

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


class Lamb(Optimizer):
    """``w <- w - lr * (||w|| / ||d||) * d``, where ``d`` is Adam's direction.

    ``d = (m / (1 - b1 ** t)) / (sqrt(v / (1 - b2 ** t)) + epsilon)``; the ratio is 1 where either
    norm is 0.

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable
        A number, a schedule, or a function without arguments.
    beta_1, beta_2 : float
        ``b1`` and ``b2``, the discounts of the two averages.
    epsilon : float
        A small number beside the root.
    **options : settings of `Optimizer`
        Weight decay, clipping, averaging, ...: see `Optimizer`.

    References
    ----------
    You et al. (2020), "Large batch optimization for deep learning: training BERT in 76 minutes".
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta_1 = checked("beta_1", beta_1)
        self.beta_2 = checked("beta_2", beta_2)
        self.epsilon = checked("epsilon", epsilon)
        self._momentums: list[Variable] = []
        self._velocities: list[Variable] = []

    def build(self, variables: Sequence[Variable]) -> None:
        """Add two averages a variable."""
        if self.built:
            return
        super().build(variables)
        self._momentums, self._velocities = self.add_optimizer_variables(
            variables, ["momentum", "velocity"]
        )

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """One step for one variable."""
        index = self._get_variable_index(variable)
        learning_rate = ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        m = self._momentums[index]
        v = self._velocities[index]
        self.assign_add(m, ops.multiply(ops.subtract(gradient, m), 1 - self.beta_1))
        self.assign_add(v, ops.multiply(ops.subtract(ops.square(gradient), v), 1 - self.beta_2))

        m_hat = ops.divide(m, self._unbiased(self.beta_1, variable.dtype))
        v_hat = ops.divide(v, self._unbiased(self.beta_2, variable.dtype))
        direction = ops.divide(m_hat, ops.add(ops.sqrt(v_hat), self.epsilon))
        weight_norm = ops.sqrt(ops.sum(ops.square(variable)))
        step_norm = ops.sqrt(ops.sum(ops.square(direction)))
        both = ops.logical_and(ops.greater(weight_norm, 0.0), ops.greater(step_norm, 0.0))
        ratio = ops.where(both, ops.divide(weight_norm, step_norm), ops.ones_like(weight_norm))
        self.assign_sub(variable, ops.multiply(ops.multiply(ratio, learning_rate), direction))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
