"""Muon: orthogonalized momentum for matrices, Adam for everything else."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from chainrule import ops
from chainrule.optimizers.optimizer import Optimizer
from chainrule.optimizers.options import checked
from chainrule.tracing.variable import Variable

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from chainrule.optimizers.options import OptionsBesidesDecay


class Muon(Optimizer):
    """``w <- w - lr * r * sqrt(max(rows, columns)) * O(m')`` for matrices; `Adam` for the others.

    ``m <- momentum * m + g``; ``m' = g + momentum * m`` with ``nesterov``, else ``m``. ``O`` moves
    the singular values of a matrix to about 1, by the Newton-Schulz iteration
    ``X <- a * X + (b * A + c * A @ A) @ X`` with ``A = X @ X.T``, from ``X = m' / ||m'||``.

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable
        A number, a schedule, or a function without arguments.
    adam_beta_1, adam_beta_2, epsilon : float
        Adam's settings, for variables that are not matrices, and excluded ones.
    adam_weight_decay : float or None
        The weight decay of these variables.
    weight_decay : float or None
        The weight decay of matrices.
    exclude_layers : list of str, optional
        Regular expressions: a matrix whose path holds a match of one is left to Adam.
    exclude_embeddings : bool
        Whether matrices of embeddings are left to Adam.
    muon_a, muon_b, muon_c : float
        ``a``, ``b`` and ``c`` of the iteration.
    adam_lr_ratio : float
        What the learning rate is multiplied by for Adam.
    momentum : float
        The discount of the momentum.
    ns_steps : int
        How many iterations.
    nesterov : bool
        Whether to look ahead.
    rms_rate : float or None
        ``r``; with None the step is ``lr * O(m')``.
    **options : settings of `Optimizer`
        Clipping, averaging, ...: see `Optimizer`.

    References
    ----------
    Jordan et al. (2024), "Muon: an optimizer for hidden layers in neural networks".
    Liu et al. (2025), "Muon is scalable for LLM training" (the scale of the step).
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        exclude_layers: list[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.7750,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
        **options: Unpack[OptionsBesidesDecay],
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, **options)
        self.adam_beta_1 = checked("adam_beta_1", adam_beta_1)
        self.adam_beta_2 = checked("adam_beta_2", adam_beta_2)
        self.adam_weight_decay = checked("adam_weight_decay", adam_weight_decay)
        self.epsilon = checked("epsilon", epsilon)
        self.exclude_layers = exclude_layers or []
        self.exclude_embeddings = exclude_embeddings
        self.muon_a = muon_a
        self.muon_b = muon_b
        self.muon_c = muon_c
        self.adam_lr_ratio = checked("adam_lr_ratio", adam_lr_ratio)
        self.momentum = checked("momentum", momentum)
        self.ns_steps = checked("ns_steps", ns_steps)
        self.nesterov = nesterov
        self.rms_rate = checked("rms_rate", rms_rate)
        self.momentums: list[Variable] = []
        self.adam_velocities: list[Variable | None] = []

    def build(self, variables: Sequence[Variable]) -> None:
        """Add a momentum a variable, and Adam's velocity for those that are left to Adam."""
        if self.built:
            return
        super().build(variables)
        for variable in variables:
            momentum = self.add_optimizer_variables([variable], "momentum")[0]
            self.momentums.append(momentum)
            adam = momentum is not None and self._should_use_adamw(variable)
            self.adam_velocities.append(
                self.add_variable_from_reference(variable, name="velocity") if adam else None
            )

    def _should_use_adamw(self, variable: Variable) -> bool:
        if len(variable.shape) != 2:
            return True
        if self.exclude_embeddings and "embedding" in variable.path.lower():
            return True
        return any(re.search(pattern, variable.path) for pattern in self.exclude_layers)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """One step for one variable."""
        index = self._get_variable_index(variable)
        learning_rate = ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        m = self.momentums[index]
        v = self.adam_velocities[index]
        if v is not None:
            rate = ops.multiply(learning_rate, self.adam_lr_ratio)
            self._adamw_update_step(gradient, variable, rate, m, v)
            return
        self.assign_add(m, ops.add(gradient, ops.multiply(m, self.momentum - 1)))
        direction = ops.add(gradient, ops.multiply(self.momentum, m)) if self.nesterov else m
        direction = self.zeropower_via_newtonschulz5(direction, self.ns_steps)
        self.assign_sub(variable, self.lr_adjust(ops.multiply(learning_rate, direction)))

    def _adamw_update_step(
        self, gradient: Any, variable: Variable, learning_rate: Any, m: Variable, v: Variable
    ) -> None:
        bias_1 = self._unbiased(self.adam_beta_1, variable.dtype)
        bias_2 = self._unbiased(self.adam_beta_2, variable.dtype)
        alpha = ops.divide(ops.multiply(learning_rate, ops.sqrt(bias_2)), bias_1)
        square = ops.square(gradient)
        self.assign_add(m, ops.multiply(ops.subtract(gradient, m), 1 - self.adam_beta_1))
        self.assign_add(v, ops.multiply(ops.subtract(square, v), 1 - self.adam_beta_2))
        root = ops.add(ops.sqrt(v), self.epsilon)
        self.assign_sub(variable, ops.divide(ops.multiply(m, alpha), root))

    def lr_adjust(self, x: Any) -> Any:
        """``x * rms_rate * sqrt(max(rows, columns))``, or ``x`` where `rms_rate` is None."""
        if self.rms_rate is None:
            return x
        return ops.multiply(x, self.rms_rate * math.sqrt(max(x.shape[0], x.shape[1])))

    def zeropower_via_newtonschulz5(self, x: Any, steps: int) -> Any:
        """Move the singular values of the matrix `x` to about 1, in `steps` iterations."""
        shape = tuple(x.shape)
        if len(shape) < 2:
            raise ValueError(
                "Expected gradient or momentum to have at least 2 dimensions. "
                f"Received: shape={shape}"
            )
        tall = shape[-2] > shape[-1]
        x = ops.swapaxes(x, -1, -2) if tall else x
        norm = ops.sqrt(ops.sum(ops.square(x), axis=(-2, -1), keepdims=True))
        x = ops.divide(x, ops.add(norm, 1e-7))
        for _ in range(steps):
            gram = ops.matmul(x, ops.swapaxes(x, -1, -2))
            mix = ops.add(
                ops.multiply(self.muon_b, gram),
                ops.multiply(self.muon_c, ops.matmul(gram, gram)),
            )
            x = ops.add(ops.multiply(self.muon_a, x), ops.matmul(mix, x))
        return ops.swapaxes(x, -1, -2) if tall else x

    def _apply_weight_decay(self, variables: Iterable[Variable]) -> None:
        for variable in variables:
            adam = self._should_use_adamw(variable)
            rate = self.adam_weight_decay if adam else self.weight_decay
            if rate is not None and self._use_weight_decay(variable):
                self._decay(variable, rate)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "adam_beta_1": self.adam_beta_1,
            "adam_beta_2": self.adam_beta_2,
            "adam_weight_decay": self.adam_weight_decay,
            "epsilon": self.epsilon,
            "exclude_layers": self.exclude_layers,
            "exclude_embeddings": self.exclude_embeddings,
            "muon_a": self.muon_a,
            "muon_b": self.muon_b,
            "muon_c": self.muon_c,
            "adam_lr_ratio": self.adam_lr_ratio,
            "momentum": self.momentum,
            "ns_steps": self.ns_steps,
            "nesterov": self.nesterov,
            "rms_rate": self.rms_rate,
        }
