"""FTRL-proximal: follow the regularized leader."""

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


class Ftrl(Optimizer):
    """``w <- (clip(z, -l1, l1) - z) / q``, with ``q = n ** -p / lr + 2 * (l2 + beta / (2 * lr))``.

    Before it, with ``n' = n + g ** 2`` and ``g' = g + 2 * shrinkage * w``,
    ``z <- z + g' - (n' ** -p - n ** -p) / lr * w`` and ``n <- n'``.

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable
        A number, a schedule, or a function without arguments.
    learning_rate_power : float
        ``p``, at most 0; at 0 the learning rate is constant.
    initial_accumulator_value : float
        What ``n`` starts from, at least 0.
    l1_regularization_strength, l2_regularization_strength : float
        ``l1`` and ``l2``, at least 0.
    l2_shrinkage_regularization_strength : float
        ``shrinkage``, at least 0: a magnitude penalty, where ``l2`` is a stabilization.
    beta : float
        ``beta`` of the paper.
    **options : settings of `Optimizer`
        Weight decay, clipping, averaging, ...: see `Optimizer`.

    Raises
    ------
    ValueError
        For a setting outside its range.

    References
    ----------
    McMahan et al. (2013), "Ad click prediction: a view from the trenches".
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.learning_rate_power = checked("learning_rate_power", learning_rate_power)
        self.initial_accumulator_value = checked(
            "initial_accumulator_value", initial_accumulator_value
        )
        self.l1_regularization_strength = checked(
            "l1_regularization_strength", l1_regularization_strength
        )
        self.l2_regularization_strength = checked(
            "l2_regularization_strength", l2_regularization_strength
        )
        self.l2_shrinkage_regularization_strength = checked(
            "l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength
        )
        self.beta = checked("beta", beta)
        self._accumulators: list[Variable] = []
        self._linears: list[Variable] = []

    def build(self, variables: Sequence[Variable]) -> None:
        """Add ``n`` and ``z`` for each variable."""
        if self.built:
            return
        super().build(variables)
        self._accumulators, self._linears = self.add_optimizer_variables(
            variables,
            ["accumulator", "linear"],
            [initializers.Constant(self.initial_accumulator_value), "zeros"],
        )

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """One step for one variable."""
        index = self._get_variable_index(variable)
        learning_rate = ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        n = self._accumulators[index]
        z = self._linears[index]
        power = -self.learning_rate_power
        l1 = self.l1_regularization_strength

        shrinkage = ops.multiply(2 * self.l2_shrinkage_regularization_strength, variable)
        n_new = ops.add(n, ops.square(gradient))
        rate_new = ops.power(n_new, power)
        sigma = ops.divide(ops.subtract(rate_new, ops.power(n, power)), learning_rate)
        pull = ops.subtract(ops.add(gradient, shrinkage), ops.multiply(sigma, variable))
        self.assign_add(z, pull)
        l2 = ops.add(self.l2_regularization_strength, ops.divide(0.5 * self.beta, learning_rate))
        quadratic = ops.add(ops.divide(rate_new, learning_rate), ops.multiply(2.0, l2))
        self.assign(variable, ops.divide(ops.subtract(ops.clip(z, -l1, l1), z), quadratic))
        self.assign(n, n_new)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "learning_rate_power": self.learning_rate_power,
            "initial_accumulator_value": self.initial_accumulator_value,
            "l1_regularization_strength": self.l1_regularization_strength,
            "l2_regularization_strength": self.l2_regularization_strength,
            "l2_shrinkage_regularization_strength": self.l2_shrinkage_regularization_strength,
            "beta": self.beta,
        }
