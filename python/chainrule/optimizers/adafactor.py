"""Adafactor: Adam with a factored second moment and no momentum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chainrule import ops
from chainrule.optimizers.optimizer import Optimizer
from chainrule.optimizers.options import checked
from chainrule.optimizers.state import is_overwritten
from chainrule.tracing.variable import Variable

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from chainrule.optimizers.options import OptimizerOptions


class Adafactor(Optimizer):
    """``w <- w - a * u / max(1, rms(u) / d)``, with ``u = g / sqrt(v)``.

    ``a = max(epsilon_2, rms(w)) * min(lr, 1 / sqrt(t))``. For matrices, and more axes, ``v`` is
    the outer product of running means of ``g ** 2 + epsilon_1`` over the last axis and over the
    one before it; otherwise it is the running mean itself. The discount is
    ``1 - t ** beta_2_decay``, and ``rms(x) = sqrt(mean(x ** 2))``.

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable
        A number, a schedule, or a function without arguments.
    beta_2_decay : float
        The decay of the discount's distance to 1, below 0.
    epsilon_1 : float
        A small number beside the squared gradients.
    epsilon_2 : float
        The smallest scale of the weights.
    clip_threshold : float
        ``d``, the largest root mean square of a step.
    relative_step : bool
        Kept in the configuration for Keras's sake: the learning rate is always at most
        ``1 / sqrt(t)``, as in Keras.
    **options : settings of `Optimizer`
        Weight decay, clipping, averaging, ...: see `Optimizer`.

    References
    ----------
    Shazeer & Stern (2018), "Adafactor: adaptive learning rates with sublinear memory cost".
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta_2_decay = checked("beta_2_decay", beta_2_decay)
        self.epsilon_1 = checked("epsilon_1", epsilon_1)
        self.epsilon_2 = checked("epsilon_2", epsilon_2)
        self.clip_threshold = checked("clip_threshold", clip_threshold)
        self.relative_step = relative_step
        self._r: list[Variable | None] = []
        self._c: list[Variable | None] = []
        self._v: list[Variable] = []

    def build(self, variables: Sequence[Variable]) -> None:
        """Add ``v`` for each variable, and its two factors where there are two axes."""
        if self.built:
            return
        super().build(variables)
        for variable in variables:
            shape = tuple(variable.shape)
            rows = columns = None
            if len(shape) < 2:
                # Keras's files have numbers in the place of the factors.
                for name in ("row", "column"):
                    self.add_variable((), dtype="int32", name=name)
            elif not is_overwritten(variable):
                rows = self.add_variable(shape[:-1], dtype=variable.dtype, name="row")
                columns = self.add_variable(
                    shape[:-2] + shape[-1:], dtype=variable.dtype, name="column"
                )
            self._r.append(rows)
            self._c.append(columns)
            self._v += self.add_optimizer_variables([variable], "velocity")

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """One step for one variable."""
        index = self._get_variable_index(variable)
        gradient = ops.cast(gradient, variable.dtype)
        step = self._step(variable.dtype)
        rate = ops.minimum(ops.cast(learning_rate, variable.dtype), ops.divide(1.0, ops.sqrt(step)))
        scale = ops.multiply(ops.maximum(self.epsilon_2, _rms(variable)), rate)
        beta = ops.subtract(1.0, ops.power(step, self.beta_2_decay))
        square = ops.add(ops.square(gradient), self.epsilon_1)

        rows, columns, v = self._r[index], self._c[index], self._v[index]
        if rows is not None and columns is not None:
            self.assign(rows, _average(beta, rows, ops.mean(square, axis=-1)))
            self.assign(columns, _average(beta, columns, ops.mean(square, axis=-2)))
            share = ops.divide(rows, ops.mean(rows, axis=-1, keepdims=True))
            self.assign(v, ops.multiply(ops.expand_dims(share, -1), ops.expand_dims(columns, -2)))
        else:
            self.assign(v, _average(beta, v, square))
        direction = ops.divide(gradient, ops.sqrt(v))
        excess = ops.maximum(1.0, ops.divide(_rms(direction), self.clip_threshold))
        self.assign_sub(variable, ops.multiply(scale, ops.divide(direction, excess)))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "beta_2_decay": self.beta_2_decay,
            "epsilon_1": self.epsilon_1,
            "epsilon_2": self.epsilon_2,
            "clip_threshold": self.clip_threshold,
            "relative_step": self.relative_step,
        }


def _rms(x: Any) -> Any:
    return ops.sqrt(ops.mean(ops.square(x)))


def _average(beta: Any, average: Any, value: Any) -> Any:
    return ops.add(ops.multiply(beta, average), ops.multiply(ops.subtract(1.0, beta), value))
