"""Adam: momentum, divided by the running root mean square, both without their bias."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chainrule import ops
from chainrule.optimizers.optimizer import Optimizer
from chainrule.optimizers.options import checked
from chainrule.tracing import dispatch
from chainrule.tracing.variable import Variable

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from chainrule.optimizers.options import OptimizerOptions


class Adam(Optimizer):
    """``w <- w - a * m / (sqrt(v) + epsilon)``, ``a = lr * sqrt(1 - b2 ** t) / (1 - b1 ** t)``.

    Before it ``m <- m + (1 - b1) * (g - m)`` and ``v <- v + (1 - b2) * (g ** 2 - v)``; ``t`` counts
    from 1. With ``amsgrad``, the largest ``v`` so far stands under the root. ``epsilon`` is the
    paper's "epsilon hat", of the formula before its section 2.1.

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable
        A number, a schedule, or a function without arguments.
    beta_1, beta_2 : float
        ``b1`` and ``b2``, the discounts of the two averages.
    epsilon : float
        A small number beside the root.
    amsgrad : bool
        Whether to divide by the largest average so far (Reddi, Kale & Kumar 2018).
    **options : settings of `Optimizer`
        Weight decay, clipping, averaging, ...: see `Optimizer`.

    References
    ----------
    Kingma & Ba (2014), "Adam: a method for stochastic optimization".
    Reddi, Kale & Kumar (2018), "On the convergence of Adam and beyond".

    Examples
    --------
    >>> import chainrule as keras
    >>> w = keras.Variable([1.0, 2.0])
    >>> keras.optimizers.Adam(learning_rate=0.5).apply([keras.ops.array([3.0, -0.1])], [w])
    >>> print(w.numpy().round(4))
    [0.5 2.5]
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta_1 = checked("beta_1", beta_1)
        self.beta_2 = checked("beta_2", beta_2)
        self.epsilon = checked("epsilon", epsilon)
        self.amsgrad = amsgrad
        self._momentums: list[Variable] = []
        self._velocities: list[Variable] = []
        self._velocity_hats: list[Variable] = []

    def build(self, variables: Sequence[Variable]) -> None:
        """Add two averages a variable, and with ``amsgrad`` the largest of the second."""
        if self.built:
            return
        super().build(variables)
        self._momentums, self._velocities = self.add_optimizer_variables(
            variables, ["momentum", "velocity"]
        )
        if self.amsgrad:
            self._velocity_hats = self.add_optimizer_variables(variables, "velocity_hat")

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """One step for one variable."""
        index = self._get_variable_index(variable)
        gradient = ops.cast(gradient, variable.dtype)
        alpha = self._alpha(learning_rate, variable.dtype)
        m = self._momentums[index]
        v = self._velocities[index]
        if not self.amsgrad:
            rates = {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
            updated = dispatch.apply("adam", rates, [variable, gradient, m, v, alpha], outputs=3)
            for state, value in zip((variable, m, v), updated):
                self.assign(state, value)
            return
        self.assign_add(m, ops.multiply(ops.subtract(gradient, m), 1 - self.beta_1))
        self.assign_add(v, ops.multiply(ops.subtract(ops.square(gradient), v), 1 - self.beta_2))
        largest = self._velocity_hats[index]
        self.assign(largest, ops.maximum(largest, v))
        root = ops.add(ops.sqrt(largest), self.epsilon)
        self.assign_sub(variable, ops.divide(ops.multiply(m, alpha), root))

    def _alpha(self, learning_rate: Any, dtype: str) -> Any:
        def compute() -> Any:
            root = ops.sqrt(self._unbiased(self.beta_2, dtype))
            rate = ops.multiply(ops.cast(learning_rate, dtype), root)
            return ops.divide(rate, self._unbiased(self.beta_1, dtype))

        return self._once(("alpha", dtype), compute)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "amsgrad": self.amsgrad,
        }
