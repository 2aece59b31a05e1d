"""Adagrad: gradients divided by the root of the sum of their squares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chainrule import initializers, ops
from chainrule.optimizers.optimizer import Optimizer
from chainrule.optimizers.options import checked
from chainrule.tracing.variable import Variable

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from chainrule.optimizers.options import OptimizerOptions


class Adagrad(Optimizer):
    """``s <- s + g ** 2``, ``w <- w - lr * g / sqrt(s + epsilon)``.

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable
        A number, a schedule, or a function without arguments.
    initial_accumulator_value : float
        What ``s`` starts from.
    epsilon : float
        A small number under the root.
    **options : settings of `Optimizer`
        Weight decay, clipping, averaging, ...: see `Optimizer`.

    References
    ----------
    Duchi, Hazan & Singer (2011), "Adaptive subgradient methods for online learning and stochastic
    optimization".
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.initial_accumulator_value = checked(
            "initial_accumulator_value", initial_accumulator_value
        )
        self.epsilon = checked("epsilon", epsilon)
        self._accumulators: list[Variable] = []

    def build(self, variables: Sequence[Variable]) -> None:
        """Add one sum of squares a variable."""
        if self.built:
            return
        super().build(variables)
        self._accumulators = self.add_optimizer_variables(
            variables, "accumulator", initializers.Constant(self.initial_accumulator_value)
        )

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """One step for one variable."""
        learning_rate = ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        accumulator = self._accumulators[self._get_variable_index(variable)]
        self.assign_add(accumulator, ops.square(gradient))
        root = ops.sqrt(ops.add(accumulator, self.epsilon))
        self.assign_sub(variable, ops.divide(ops.multiply(learning_rate, gradient), root))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "initial_accumulator_value": self.initial_accumulator_value,
            "epsilon": self.epsilon,
        }
