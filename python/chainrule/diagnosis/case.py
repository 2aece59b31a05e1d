"""Case: a model, data and what is known of its training, as the judges see it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.base import tree
from chainrule.diagnosis.measured import Measured
from chainrule.training.data import flat
from chainrule.training.targets import kind_of

__all__ = [
    "OF_NUMBERS",
    "Case",
    "Fitted",
    "HeldOut",
    "Target",
    "constant_loss",
    "curves_of",
    "predicted_loss",
    "targets_of",
]

Array = NDArray[Any]

OF_NUMBERS = frozenset(
    "mean_squared_error mean_absolute_error huber log_cosh mean_squared_logarithmic_error "
    "poisson".split()
)
_OF_PROBABILITIES = frozenset(
    "binary_crossentropy binary_focal_crossentropy categorical_crossentropy "
    "categorical_focal_crossentropy kl_divergence".split()
)
# Rows that are predicted.
_PREDICTED = 512
_SPARSE = "sparse_categorical_crossentropy"


@dataclass(frozen=True)
class Fitted:
    """What is known of the last `fit`: None where it is not."""

    shuffle: bool | None = None
    batch_size: int | None = None


@dataclass(frozen=True)
class Target:
    """The targets of one output, its loss and its weight.

    Attributes
    ----------
    kind : str
        The name of the loss's function, where it is one of chainrule's; else "".
    from_logits : bool
    values : ndarray
    shape : tuple
        Of the output, rows first.
    loss : Loss
    weight : float
    number : int
        Which output, in the order of the flat structure.
    """

    kind: str
    from_logits: bool
    values: Array
    shape: tuple[int | None, ...]
    loss: Any
    weight: float
    number: int

    @property
    def is_sparse(self) -> bool:
        """Whether the values are class numbers."""
        return self.kind == _SPARSE

    @property
    def labels(self) -> Array | None:
        """(rows,): one class number a row, where the targets are classes."""
        y = self.values
        if self.is_sparse:
            return y.reshape(-1).astype("int64") if y.size == len(y) else None
        if self.kind.startswith("categorical") and y.ndim == 2 and y.shape[1] > 1:
            return np.asarray(y.argmax(axis=1))
        if self.kind.startswith("binary") and y.size == len(y) and np.isin(y, (0, 1)).all():
            return y.reshape(-1).astype("int64")
        return None

    @cached_property
    def constant(self) -> float:
        """The loss of the best constant output, NaN where it is not known how to find it."""
        return constant_loss(self)


@dataclass(frozen=True)
class HeldOut:
    """Validation data.

    Attributes
    ----------
    x : structure of ndarray
    loss, own_loss : float
        Of the validation data and of training data, as when predicting; NaN where not known.
    """

    x: Any
    loss: float
    own_loss: float


@dataclass(frozen=True)
class Case:
    """All that judges look at.

    Attributes
    ----------
    model : Model
    x : structure of ndarray
        All rows.
    targets : list of Target
    measured : Measured, optional
        None where the step cannot be run.
    curves : dict
        `history.history`; empty where there is none.
    fitted : Fitted
    batch_size : int
    held_out : HeldOut, optional
    """

    model: Any
    x: Any
    targets: list[Target]
    measured: Measured | None
    curves: Mapping[str, Sequence[float]]
    fitted: Fitted
    batch_size: int
    held_out: HeldOut | None

    @cached_property
    def baseline(self) -> float:
        """The loss of the best constant outputs; NaN where it is not known."""
        if not self.targets:
            return math.nan
        return sum(t.constant * t.weight for t in self.targets)

    @property
    def loss(self) -> float:
        """The loss without penalties, of the model as it is."""
        return math.nan if self.measured is None else self.measured.loss - self.measured.penalty

    @property
    def learnt(self) -> float:
        """The share of the constant outputs' loss that the model has got rid of.

        Where that loss is not known, that of the first epoch stands for it; 0 without both.
        """
        start = self.baseline
        if math.isnan(start) and self.curves.get("loss"):
            start = self.curves["loss"][0]
        known = start > 0 and math.isfinite(self.loss)
        return 1 - self.loss / start if known else 0.0

    @cached_property
    def is_trained(self) -> bool:
        """Whether a step was ever made."""
        optimizer = self.model.optimizer
        return bool(self.curves) or (optimizer is not None and int(optimizer.iterations) > 0)

    @cached_property
    def predicted(self) -> float:
        """The loss of the first output on training rows as when predicting, without dropout."""
        return predicted_loss(self.model, self.x, self.targets[0])

    def rows(self, most: int = 1 << 30) -> Array:
        """(rows, features): the inputs as one table, evenly spaced rows of them."""
        leaves = [a for a in flat(self.x) if a is not None]
        parts = [np.asarray(a[:: max(1, -(-len(a) // most))]) for a in leaves]
        return np.concatenate([a.reshape(len(a), -1) for a in parts], axis=1)


def predicted_loss(model: Any, x: Any, target: Target) -> float:
    """The loss of evenly spaced rows, as when predicting."""
    step = max(1, len(target.values) // _PREDICTED)
    rows = tree.map_structure(lambda a: np.ascontiguousarray(a[::step]), x)
    outputs = tree.flatten(model.predict(rows, batch_size=_PREDICTED, verbose=0))
    return float(np.mean(target.loss(target.values[::step], outputs[target.number])))


def constant_loss(target: Target) -> float:
    """The smallest loss that an output which ignores its input can have."""
    y, kind = target.values, target.kind
    if kind == _SPARSE:
        classes = int(target.shape[-1] or 1)
        counts = np.bincount(y.reshape(-1).astype("int64"), minlength=classes)
        guesses = [counts / counts.sum()]
        shape = (*y.shape, classes) if y.ndim < len(target.shape) else (*y.shape[:-1], classes)
    elif kind in OF_NUMBERS or kind in _OF_PROBABILITIES:
        table = y.reshape(-1, y.shape[-1]) if y.ndim > 1 else y.reshape(-1, 1)
        guesses = [table.mean(axis=0, dtype="float64")]
        if kind in OF_NUMBERS:
            guesses.append(np.median(table, axis=0))
        shape = y.shape if y.ndim > 1 else (len(y), 1)
    else:
        return math.nan
    y = y if y.ndim == len(shape) or kind == _SPARSE else y.reshape(shape)
    if target.from_logits:
        guesses = [_logits(p, kind) for p in guesses]
    found = [target.loss(y, np.broadcast_to(g, shape).astype("float32")) for g in guesses]
    return min(float(np.mean(loss)) for loss in found)


def _logits(p: Array, kind: str) -> Array:
    p = np.clip(p, 1e-7, 1 - 1e-7)
    return np.asarray(np.log(p / (1 - p)) if kind.startswith("binary") else np.log(p))


def targets_of(loss: Any, y: Any, outputs: Any) -> list[Target]:
    """The targets by the parts of a compiled loss.

    Parameters
    ----------
    loss : CompileLoss
        Built.
    y : structure of ndarray
    outputs : structure of KerasTensor
    """
    numbers = {id(t): i for i, t in enumerate(tree.flatten(outputs))}
    aligned = loss.align(y, outputs)
    found = []
    for path, part, weight, _ in loss.parts:
        values, output = aligned, outputs
        for key in path:
            values, output = values[key], output[key]
        if part is None or values is None or not hasattr(output, "shape"):
            continue
        options = getattr(part, "_fn_kwargs", {})
        found.append(
            Target(
                kind_of(part),
                bool(options.get("from_logits", False)),
                np.asarray(values[:]),
                tuple(output.shape),
                part,
                1.0 if weight is None else float(weight),
                numbers.get(id(output), 0),
            )
        )
    return found


def curves_of(history: Any, model: Any) -> dict[str, list[float]]:
    """The metrics by epoch, from a `History`, its dict, or the model's last."""
    history = getattr(model, "history", None) if history is None else history
    curves = getattr(history, "history", history) or {}
    if not isinstance(curves, Mapping):
        raise TypeError(
            f"diagnose: expected history to be a History or a dict of lists, got {history!r}"
        )
    return {str(name): [float(v) for v in np.ravel(values)] for name, values in curves.items()}
