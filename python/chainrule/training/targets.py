"""The check of targets before a weight changes: labels within the classes, shapes that fit."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.base.errors import DataError, ShapeError
from chainrule.losses.loss import Loss

__all__ = ["check_shapes", "check_target", "kind_of"]

Array = NDArray[Any]

_FLATTEN = "; for one target a row, put `Flatten` or a global pooling layer before the last layer"
# Of these, targets are class numbers.
_SPARSE = ("sparse_categorical_crossentropy", "categorical_generalized_cross_entropy")
_LABELS = frozenset(
    {
        *_SPARSE,
        "circle",
        "ctc",
        "sparse_categorical_accuracy",
        "sparse_top_k_categorical_accuracy",
    }
)
_PROBABILITIES = ("binary_crossentropy", "binary_focal_crossentropy")
_FUNCTIONS = ("chainrule.losses", "chainrule.metrics")


def kind_of(measure: Any) -> str:
    """The name of the function behind one of chainrule's own losses and metrics, else ""."""
    function = getattr(measure, "fn", None) or getattr(measure, "_fn", None)
    own = str(getattr(function, "__module__", "")).startswith(_FUNCTIONS)
    return str(getattr(function, "__name__", "")) if own else ""


def check_shapes(
    measure: Any, y: tuple[int | None, ...], output: tuple[int | None, ...], place: str
) -> None:
    """Raise where targets of shape `y` and outputs of shape `output` should have one, and have not.

    A last axis of size one may lack on either side. Called by themselves, losses and metrics
    broadcast, as Keras's do: there, a target may stand for many outputs on purpose.

    Parameters
    ----------
    measure : Loss or Metric
        Only chainrule's own are checked: a user's function may take what it likes.
    y, output : tuple
        Rows first; None where a size is not known.
    place : str
        For the message.

    Raises
    ------
    ShapeError
        Where another axis differs.

    Examples
    --------
    >>> from chainrule import losses
    >>> check_shapes(losses.MeanSquaredError(), (8,), (8, 1), "loss 'mse'")
    >>> check_shapes(losses.MeanSquaredError(), (8, 1), (8, 3), "loss 'mse'")
    Traceback (most recent call last):
    chainrule.errors.ShapeError: loss 'mse': expected targets of shape (8, 3), got (8, 1)
    """
    kind = kind_of(measure)
    if not (kind and kind not in _LABELS) and not getattr(measure, "_one_shape", False):
        return
    if not _matches(y, output):
        wanted, got = _shown(output), _shown(y)
        hint = _hint(kind, y, output)
        raise ShapeError(f"{place}: expected targets of shape {wanted}, got {got}{hint}")


def _shown(shape: tuple[int | None, ...]) -> str:
    """A shape, "rows" for an open number of rows."""
    rest = shape[1:]
    return str(shape) if shape[:1] != (None,) else str(("rows", *rest)).replace("'rows'", "rows")


def check_target(
    loss: Loss, y: Array, output: tuple[int | None, ...], name: str, first_row: int = 0
) -> None:
    """Raise where `y` cannot be the target of an output of shape `output` under `loss`.

    Only chainrule's own losses are checked: a user's function may take what it likes.

    Parameters
    ----------
    loss : Loss
    y : array
        Targets, rows first.
    output : tuple
        Shape of the output, None for the rows.
    name : str
        The output's, for the message.
    first_row : int
        The number of the first row, for the message. Demeasure: 0.

    Raises
    ------
    ShapeError
        Targets of another shape than the output.
    DataError
        A label that is no class number below the number of classes; for binary cross-entropies a
        target outside [0, 1].

    Examples
    --------
    >>> from chainrule import losses
    >>> loss = losses.SparseCategoricalCrossentropy(name="ce")
    >>> check_target(loss, np.array([0, 3]), (None, 3), "dense")
    Traceback (most recent call last):
    chainrule.errors.DataError: loss 'ce' of output 'dense': expected labels in [0, 3), got 3 in row 1
    """
    kind = kind_of(loss)
    if not kind:
        return
    place = f"loss '{loss.name}' of output '{name}'"
    if kind in _SPARSE:
        _check_labels(loss, y, output, place, first_row)
        return
    check_shapes(loss, (None, *y.shape[1:]), output, place)
    if kind in _PROBABILITIES:
        _check_probabilities(y, place, first_row)


def _matches(shape: tuple[int | None, ...], wanted: tuple[int | None, ...]) -> bool:
    """Equal, up to a last axis of size one on either side and unknown sizes."""
    if len(shape) == len(wanted) + 1 and shape[-1] == 1:
        shape = shape[:-1]
    elif len(shape) == len(wanted) - 1 and wanted[-1] == 1:
        wanted = wanted[:-1]
    return len(shape) == len(wanted) and all(
        s is None or w is None or s == w for s, w in zip(shape, wanted)
    )


def _hint(kind: str, shape: tuple[int | None, ...], wanted: tuple[int | None, ...]) -> str:
    if kind.startswith("categorical") and shape[1:] in ((), (1,)) and len(wanted) == 2:
        what = "metric" if kind.endswith("accuracy") else "loss"
        other = kind if kind.endswith("accuracy") else "categorical_crossentropy"
        return f"; class numbers need the {what} 'sparse_{other}'"
    one_each = shape[1:] in ((), (1,)) if wanted[-1:] == (1,) else shape[1:] == wanted[-1:]
    return _FLATTEN if one_each and len(wanted) > 2 else ""


def _check_labels(
    loss: Any, y: Array, output: tuple[int | None, ...], place: str, first_row: int
) -> None:
    options = getattr(loss, "_fn_kwargs", {})
    axis = int(options.get("axis", -1)) % len(output)
    classes = output[axis]
    wanted = tuple(size for i, size in enumerate(output) if i != axis)
    if not _matches(tuple(y.shape[1:]), wanted[1:]) and not _matches(
        tuple(y.shape[1:]), (*wanted[1:], 1)
    ):
        hint = ""
        if y.shape[1:] == output[1:]:
            hint = "; one-hot targets need the loss 'categorical_crossentropy'"
        elif y.shape[1:] in ((), (1,)):
            hint = _FLATTEN
        raise ShapeError(
            f"{place}: expected a class number for each of {('rows', *wanted[1:])}, "
            f"got shape {('rows', *y.shape[1:])}{hint}".replace("'rows'", "rows")
        )
    if classes is None or not y.size or y.dtype.kind == "b":
        return
    flat = y.reshape(len(y), -1)
    low, high = flat.min(), flat.max()
    ignored = options.get("ignore_class")
    whole = y.dtype.kind != "f" or bool((flat == np.floor(flat)).all())
    if whole and low >= 0 and high < classes:
        return
    bad = ~((flat >= 0) & (flat < classes))
    if y.dtype.kind == "f":
        bad |= flat != np.floor(flat)
    if ignored is not None:
        bad &= flat != ignored
    if bad.any():
        row = int(np.argmax(bad.any(axis=1)))
        value = flat[row][bad[row]][0]
        raise DataError(
            f"{place}: expected labels in [0, {classes}), got {value} in row {first_row + row}"
        )


def _check_probabilities(y: Array, place: str, first_row: int) -> None:
    if y.dtype.kind == "b" or not y.size:
        return
    if y.min() < 0 or y.max() > 1:
        flat = y.reshape(len(y), -1)
        bad = (flat < 0) | (flat > 1)
        row = int(np.argmax(bad.any(axis=1)))
        raise DataError(
            f"{place}: expected targets in [0, 1], got {flat[row][bad[row]][0]} in row "
            f"{first_row + row}"
        )
