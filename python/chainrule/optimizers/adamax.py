"""Adamax: Adam with the largest gradient in place of the root mean square."""

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


class Adamax(Optimizer):
    """``w <- w - lr * m / ((1 - b1 ** t) * (u + epsilon))``.

    Before it ``m <- m + (1 - b1) * (g - m)`` and ``u <- max(b2 * u, |g|)``; ``t`` counts from 1.

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable
        A number, a schedule, or a function without arguments.
    beta_1, beta_2 : float
        ``b1`` and ``b2``, the discounts of the average and of the largest gradient.
    epsilon : float
        A small number beside ``u``.
    **options : settings of `Optimizer`
        Weight decay, clipping, averaging, ...: see `Optimizer`.

    References
    ----------
    Kingma & Ba (2014), "Adam: a method for stochastic optimization", section 7.1.
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
        self._m: list[Variable] = []
        self._u: list[Variable] = []

    def build(self, variables: Sequence[Variable]) -> None:
        """Add an average and a largest gradient a variable."""
        if self.built:
            return
        super().build(variables)
        self._m, self._u = self.add_optimizer_variables(variables, ["momentum", "norm"])

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """One step for one variable."""
        index = self._get_variable_index(variable)
        learning_rate = ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        bias = self._unbiased(self.beta_1, variable.dtype)
        m = self._m[index]
        u = self._u[index]
        self.assign_add(m, ops.multiply(ops.subtract(gradient, m), 1 - self.beta_1))
        self.assign(u, ops.maximum(ops.multiply(self.beta_2, u), ops.abs(gradient)))
        below = ops.multiply(bias, ops.add(u, self.epsilon))
        self.assign_sub(variable, ops.divide(ops.multiply(learning_rate, m), below))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
