"""RMSprop: gradients divided by their running root mean square."""

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


class RMSprop(Optimizer):
    """``v <- rho * v + (1 - rho) * g ** 2``, ``w <- w - lr * g / sqrt(v + epsilon)``.

    With ``centered``, ``a <- rho * a + (1 - rho) * g`` and ``v - a ** 2`` stands under the root.
    With momentum ``m``, ``u <- m * u + lr * g / sqrt(...)`` and ``w <- w - u``.

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable
        A number, a schedule, or a function without arguments.
    rho : float
        The discount of the averages.
    momentum : float
        ``m``; at 0 none is kept.
    epsilon : float
        A small number under the root.
    centered : bool
        Whether to divide by the gradient's standard deviation.
    **options : settings of `Optimizer`
        Weight decay, clipping, averaging, ...: see `Optimizer`.

    References
    ----------
    Tieleman & Hinton (2012), "Lecture 6.5: rmsprop", Neural Networks for Machine Learning.
    Graves (2013), "Generating sequences with recurrent neural networks" (centered).

    Examples
    --------
    >>> import chainrule as keras
    >>> w = keras.Variable(10.0)
    >>> keras.optimizers.RMSprop(learning_rate=0.1).apply([keras.ops.array(10.0)], [w])
    >>> print(f"{float(w):.4f}")
    9.6838
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.rho = checked("rho", rho)
        self.momentum = checked("momentum", momentum)
        self.epsilon = checked("epsilon", epsilon)
        self.centered = centered
        self._velocities: list[Variable] = []
        self._momentums: list[Variable] = []
        self._average_gradients: list[Variable] = []

    def build(self, variables: Sequence[Variable]) -> None:
        """Add the averages that the settings call for, one of each a variable."""
        if self.built:
            return
        super().build(variables)
        self._velocities = self.add_optimizer_variables(variables, "velocity")
        if self.momentum > 0:
            self._momentums = self.add_optimizer_variables(variables, "momentum")
        if self.centered:
            self._average_gradients = self.add_optimizer_variables(variables, "average_gradient")

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """One step for one variable."""
        index = self._get_variable_index(variable)
        learning_rate = ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        velocity = self._velocities[index]
        self.assign(velocity, self._average(velocity, ops.square(gradient)))
        power = velocity
        if self.centered:
            mean = self._average_gradients[index]
            self.assign(mean, self._average(mean, gradient))
            power = ops.subtract(velocity, ops.square(mean))
        root = ops.sqrt(ops.add(power, self.epsilon))
        step = ops.divide(ops.multiply(learning_rate, gradient), root)
        if self.momentum > 0:
            momentum = self._momentums[index]
            self.assign(momentum, ops.add(ops.multiply(self.momentum, momentum), step))
            self.assign_sub(variable, momentum)
        else:
            self.assign_sub(variable, step)

    def _average(self, average: Any, value: Any) -> Any:
        return ops.add(ops.multiply(self.rho, average), ops.multiply(1 - self.rho, value))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "rho": self.rho,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "centered": self.centered,
        }
