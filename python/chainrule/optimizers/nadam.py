"""Nadam: Adam with Nesterov's momentum."""

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


class Nadam(Optimizer):
    """``w <- w - lr * m' / (sqrt(v / (1 - b2 ** t)) + epsilon)``, ``m'`` one step ahead.

    With ``u_t = b1 * (1 - 0.5 * 0.96 ** t)`` and ``U_t = u_1 * ... * u_t``,
    ``m' = u_{t+1} * m / (1 - U_{t+1}) + (1 - u_t) * g / (1 - U_t)``; ``m`` and ``v`` are Adam's.

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
    Dozat (2015), "Incorporating Nesterov momentum into Adam".
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
        """Add two averages a variable, and the product ``U_t``."""
        if self.built:
            return
        super().build(variables)
        self._momentums, self._velocities = self.add_optimizer_variables(
            variables, ["momentum", "velocity"]
        )
        dtype = variables[0].dtype if variables else None
        self._u_product = self.add_variable((), "ones", dtype, name="u_product")

    def _backend_update_step(
        self, grads: Sequence[Any], trainable_variables: Sequence[Variable], learning_rate: Any
    ) -> None:
        step = self._step(self._u_product.dtype)
        self.assign(self._u_product, ops.multiply(self._u_product, self._discount(step)))
        super()._backend_update_step(grads, trainable_variables, learning_rate)

    def _discount(self, step: Any) -> Any:
        return ops.multiply(
            self.beta_1, ops.subtract(1.0, ops.multiply(0.5, ops.power(0.96, step)))
        )

    def _factors(self, dtype: str) -> tuple[Any, Any, Any, Any]:
        """``1 - u_t``, ``u_{t+1}``, ``1 - U_t`` and ``1 - U_{t+1}``."""
        step = self._step(dtype)
        ahead = self._discount(ops.add(step, 1.0))
        product = ops.cast(self._u_product, dtype)
        return (
            ops.subtract(1.0, self._discount(step)),
            ahead,
            ops.subtract(1.0, product),
            ops.subtract(1.0, ops.multiply(product, ahead)),
        )

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """One step for one variable."""
        index = self._get_variable_index(variable)
        dtype = variable.dtype
        learning_rate = ops.cast(learning_rate, dtype)
        gradient = ops.cast(gradient, dtype)
        now, ahead, left, left_ahead = self._once(("nadam", dtype), lambda: self._factors(dtype))

        m = self._momentums[index]
        v = self._velocities[index]
        self.assign_add(m, ops.multiply(ops.subtract(gradient, m), 1 - self.beta_1))
        self.assign_add(v, ops.multiply(ops.subtract(ops.square(gradient), v), 1 - self.beta_2))
        m_hat = ops.add(
            ops.divide(ops.multiply(ahead, m), left_ahead),
            ops.divide(ops.multiply(now, gradient), left),
        )
        v_hat = ops.divide(v, self._unbiased(self.beta_2, dtype))
        root = ops.add(ops.sqrt(v_hat), self.epsilon)
        self.assign_sub(variable, ops.divide(ops.multiply(m_hat, learning_rate), root))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
