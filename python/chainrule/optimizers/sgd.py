"""Gradient descent, with momentum."""

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


class SGD(Optimizer):
    """``w <- w - lr * g``; with momentum ``m``: ``v <- m * v - lr * g``, ``w <- w + v``.

    With ``nesterov``, ``w <- w + m * v - lr * g``, where ``v`` is the new velocity.

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable
        A number, a schedule, or a function without arguments.
    momentum : float
        ``m`` in [0, 1], a float. At 0, no velocity is kept.
    nesterov : bool
        Whether to look ahead along the new velocity.
    **options : settings of `Optimizer`
        Weight decay, clipping, averaging, ...: see `Optimizer`.

    Raises
    ------
    ValueError
        For a momentum outside [0, 1].

    References
    ----------
    Polyak (1964), "Some methods of speeding up the convergence of iteration methods".
    Sutskever, Martens, Dahl & Hinton (2013), "On the importance of initialization and momentum
    in deep learning".

    Examples
    --------
    >>> import chainrule as keras
    >>> w = keras.Variable([1.0, 2.0])
    >>> keras.optimizers.SGD(learning_rate=0.5).apply([keras.ops.array([1.0, -1.0])], [w])
    >>> w.numpy()
    array([0.5, 2.5], dtype=float32)
    """

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.momentum = float(checked("momentum", momentum))
        self.nesterov = nesterov
        self.momentums: list[Variable] = []

    def build(self, variables: Sequence[Variable]) -> None:
        """Add one velocity a variable, if there is momentum."""
        if self.built:
            return
        super().build(variables)
        if self.momentum != 0:
            self.momentums = self.add_optimizer_variables(variables, "momentum")

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """One step for one variable."""
        gradient = ops.cast(gradient, variable.dtype)
        step = ops.multiply(gradient, ops.cast(learning_rate, variable.dtype))
        if self.momentum == 0:
            self.assign_sub(variable, step)
            return
        velocity = self.momentums[self._get_variable_index(variable)]
        self.assign(velocity, ops.subtract(ops.multiply(velocity, self.momentum), step))
        if self.nesterov:
            ahead = ops.multiply(velocity, self.momentum)
            self.assign_add(variable, ops.subtract(ahead, step))
        else:
            self.assign_add(variable, velocity)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "momentum": self.momentum, "nesterov": self.nesterov}
