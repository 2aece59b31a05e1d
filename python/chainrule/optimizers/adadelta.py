"""Adadelta: steps scaled by the root mean square of earlier steps."""

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


class Adadelta(Optimizer):
    """``d = -g * rms(x) / rms(s)``, ``w <- w + lr * d``, where ``rms(x) = sqrt(x + epsilon)``.

    Before it ``s <- rho * s + (1 - rho) * g ** 2``; after it ``x <- rho * x + (1 - rho) * d ** 2``.

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable
        A number, a schedule, or a function without arguments. The paper's method has 1.0.
    rho : float
        The discount of the averages ``s`` and ``x``.
    epsilon : float
        A small number under the roots.
    **options : settings of `Optimizer`
        Weight decay, clipping, averaging, ...: see `Optimizer`.

    References
    ----------
    Zeiler (2012), "ADADELTA: an adaptive learning rate method".
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.rho = checked("rho", rho)
        self.epsilon = checked("epsilon", epsilon)
        self._accumulated_grads: list[Variable] = []
        self._accumulated_delta_vars: list[Variable] = []

    def build(self, variables: Sequence[Variable]) -> None:
        """Add two averages a variable: of squared gradients and of squared steps."""
        if self.built:
            return
        super().build(variables)
        self._accumulated_grads, self._accumulated_delta_vars = self.add_optimizer_variables(
            variables, ["accumulated_grad", "accumulated_delta_var"]
        )

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """One step for one variable."""
        index = self._get_variable_index(variable)
        gradient = ops.cast(gradient, variable.dtype)
        squares = self._accumulated_grads[index]
        steps = self._accumulated_delta_vars[index]
        self.assign(squares, self._average(squares, ops.square(gradient)))
        step = ops.divide(ops.multiply(self._rms(steps), gradient), self._rms(squares))
        self.assign(steps, self._average(steps, ops.square(step)))
        self.assign_sub(variable, ops.multiply(ops.cast(learning_rate, variable.dtype), step))

    def _average(self, average: Any, value: Any) -> Any:
        return ops.add(ops.multiply(self.rho, average), ops.multiply(1 - self.rho, value))

    def _rms(self, squares: Any) -> Any:
        return ops.sqrt(ops.add(squares, self.epsilon))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "rho": self.rho, "epsilon": self.epsilon}
