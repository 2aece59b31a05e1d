"""Whole arrays as `fit`, `evaluate` and `predict` are given them.

`ArraySource` holds the arrays, from which the core takes the rows itself. What yields batches is in
`chainrule.training.batches`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import _core
from chainrule.base import config, tree
from chainrule.base.errors import DataError, NonFiniteError, ShapeError, too_deep
from chainrule.base.tables import as_numbers, missing_in

Array = NDArray[Any]

# Rows that are looked at together.
_BLOCK = 256

_CONVERTED = {
    "float16": "float32",
    "int8": "int32",
    "int16": "int32",
    "uint16": "int32",
    "bfloat16": "float32",
}


def to_array(x: Any, name: str) -> Array:
    """`x` as a C-contiguous, aligned array of a dtype that the core reads.

    float16, bfloat16 and the narrow integers become the nearest wider dtype, long doubles
    float64; a list of floats becomes `floatx()`. Of data frames and objects, numbers and booleans
    are taken.

    Raises
    ------
    DTypeError
        For strings, dates, complex numbers and other objects; names the columns of a data frame.
    ShapeError
        For nested lists of different lengths.
    """
    try:
        array = np.asarray(x)
    except ValueError as error:
        raise ShapeError(
            f"{name}: expected rows of one shape, got a nested list of different lengths ({error})"
        ) from error
    except TypeError:  # a table of pyarrow whose columns have no common dtype
        array = as_numbers(x, name)
    if array.dtype.kind not in "biuf" and array.dtype.name not in _CONVERTED:
        array = as_numbers(x, name)
    if isinstance(x, (list, tuple)) and array.dtype == np.float64:
        array = array.astype(config.floatx())
    kind = array.dtype.name
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        array = array.astype("float64")
    elif kind in _CONVERTED:
        array = array.astype(_CONVERTED[kind])
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    return np.require(array, requirements=("C", "A")).reshape(array.shape)


def is_array(x: Any) -> bool:
    """Whether NumPy sees an array in `x`."""
    return any(hasattr(x, name) for name in ("shape", "__array__", "__array_interface__"))


def to_arrays(structure: Any, name: str, convert: Callable[[Any, str], Any] = to_array) -> Any:
    """Each leaf of the structure as an array; a plain list of numbers is one array."""
    if structure is None:
        return None
    if isinstance(structure, dict):
        try:
            return {
                key: to_arrays(value, f"{name}[{key!r}]", convert)
                for key, value in structure.items()
            }
        except RecursionError:
            raise too_deep("data") from None
    if isinstance(structure, (list, tuple)) and any(
        is_array(leaf) for leaf in tree.flatten(structure)
    ):
        parts = [to_arrays(leaf, f"{name}[{i}]", convert) for i, leaf in enumerate(structure)]
        return type(structure)(parts) if type(structure) in (list, tuple) else parts
    return convert(structure, name)


def check_finite(structure: Any, name: str, action: str, given: Any = None) -> None:
    """Warn of, or refuse, NaN and infinity in float arrays.

    Parameters
    ----------
    structure : structure of arrays
    name : str
    action : {"warn", "raise", "ignore"}
    given : any
        What the arrays were made of: of a table, the message names the columns.

    Raises
    ------
    NonFiniteError
        Where `action` is "raise".
    """
    if action == "ignore":
        return
    for array in flat(structure):
        if array is None or array.dtype.kind != "f":
            continue
        blocks = array.blocks() if hasattr(array, "blocks") else [(0, array)]
        row = next((n + _first_bad_row(a) for n, a in blocks if not _core.all_finite(a)), None)
        if row is None:
            continue
        message = f"{name}: expected finite numbers, got NaN or infinity (first in row {row}){missing_in(given)}"
        if action == "raise":
            raise NonFiniteError(message)
        warnings.warn(message, RuntimeWarning, stacklevel=4)


def _first_bad_row(array: Array) -> int:
    """The first row with NaN or infinity, looked for block by block: memory stays small."""
    rows = array if array.ndim else array.reshape(1)
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        bad = ~np.isfinite(block).reshape(len(block), -1).all(axis=1)
        if bad.any():
            return start + int(np.argmax(bad))
    raise AssertionError("an array that is not finite has a row that is not")


@dataclass
class ArraySource:
    """Whole arrays: `x`, `y` and `sample_weight` are structures of arrays of one length.

    An array may be `MappedRows`, of which only the rows of a batch are ever in memory.
    """

    x: Any
    y: Any
    sample_weight: Any

    def __post_init__(self) -> None:
        lengths = {}
        parts = {"x": self.x, "y": self.y, "sample_weight": self.sample_weight}
        for name, structure in parts.items():
            for i, array in enumerate(flat(structure)):
                if array is None:
                    continue
                if array.ndim == 0:
                    raise ShapeError(f"{name}: expected an array of rows, got a scalar")
                lengths[name if i == 0 else f"{name}[{i}]"] = len(array)
        if len(set(lengths.values())) > 1:
            shown = ", ".join(f"{name} has {n}" for name, n in lengths.items())
            raise ShapeError(f"data: expected x, y and sample_weight of one length, got: {shown}")
        self.rows = next(iter(lengths.values()), 0)
        if self.rows == 0:
            raise DataError("data: expected at least one row, got empty arrays")

    def leaves(self) -> list[Array]:
        """The flat arrays to feed."""
        parts = (self.x, self.y, self.sample_weight)
        return [a for part in parts for a in flat(part) if a is not None]

    def batch(self, rows: slice) -> tuple[Any, Any, Any]:
        """Structures of the rows."""
        return self._map(lambda array: array[rows])

    def part(self, rows: slice) -> ArraySource:
        """The source of these rows; nothing is copied."""
        return ArraySource(*self._map(lambda a: a.part(rows) if hasattr(a, "part") else a[rows]))

    def _map(self, cut: Callable[[Any], Any]) -> tuple[Any, Any, Any]:
        def each(array: Any) -> Any:
            return None if array is None else cut(array)

        parts = (self.x, self.y, self.sample_weight)
        x, y, w = (None if p is None else tree.map_structure(each, p) for p in parts)
        return x, y, w


def flat(structure: Any) -> list[Any]:
    """The leaves; none of None."""
    if type(structure) is np.ndarray:
        return [structure]
    return [] if structure is None else list(tree.flatten(structure))


def is_place_in(expected: dict[str, Any], given: dict[str, Any]) -> bool:
    """Whether the place that a backup holds is one of data of this size; a warning if not."""
    if given == expected:
        return True
    warnings.warn(
        f"The backup is of other data: expected {expected}, got {given}. The epoch begins anew.",
        stacklevel=2,
    )
    return False


def class_weights(y: Any, class_weight: dict[int, float]) -> Array:
    """A weight for each row from its label: y of integers (n,) or (n, 1), or one-hot (n, classes).

    Raises
    ------
    DataError
        A key that is no class number; labels that are none, or more than one a row.
    """
    if not isinstance(class_weight, Mapping):
        raise DataError(
            "class_weight: expected a dict of weights by class number, got "
            f"{type(class_weight).__name__}"
        )
    labels = np.asarray(y[:] if hasattr(y, "blocks") else y)
    if labels.ndim == 2:
        labels = labels.argmax(axis=-1) if labels.shape[-1] != 1 else labels[:, 0]
    if labels.ndim != 1:
        raise DataError(
            f"class_weight: expected one label a row, got targets of shape {np.shape(y)}; for more "
            "than one a row pass `sample_weight`"
        )
    if any(not _is_class(c) for c in class_weight):
        raise DataError(f"class_weight: expected class numbers as keys, got {list(class_weight)}")
    bad = ~((labels >= 0) & np.isfinite(labels))
    if bad.any():
        row = int(np.argmax(bad))
        raise DataError(
            f"class_weight: expected labels of 0 or more, got {labels[row]} in row {row}"
        )
    numbers = np.rint(labels).astype("int64")
    if not class_weight:
        return np.ones(len(numbers), config.floatx())
    known = np.array(sorted(map(int, class_weight)))
    values = np.array([class_weight[label] for label in known.tolist()], config.floatx())
    place = np.searchsorted(known, numbers).clip(max=len(known) - 1)
    return np.asarray(np.where(known[place] == numbers, values[place], values.dtype.type(1)))


def _is_class(key: Any) -> bool:
    return isinstance(key, (int, float, np.number)) and bool(int(key) == key and key >= 0)


def weigh_classes(y: Any, sample_weight: Any, class_weight: dict[int, float]) -> Array:
    """The weights of the rows by their class, times those that were given by row.

    Raises
    ------
    DataError
        A model with more than one target, or none, and what `class_weights` refuses.
    """
    targets = flat(y)
    if len(targets) != 1:
        raise DataError(f"class_weight: expected a model with one target, got {len(targets)}")
    by_class = class_weights(targets[0], class_weight)
    if sample_weight is None:
        return by_class
    given = flat(sample_weight)[0]
    return np.asarray(given * by_class.reshape(-1, *(1,) * (given.ndim - 1)))


def split_validation(source: ArraySource, fraction: float) -> tuple[ArraySource, ArraySource]:
    """The last `fraction` of the rows for validation, taken before any shuffling.

    Raises
    ------
    DataError
        A fraction outside (0, 1), or one that leaves a side empty.
    """
    if not 0.0 < fraction < 1.0:
        raise DataError(f"validation_split: expected a number in (0, 1), got {fraction}")
    at = int(np.floor(source.rows * (1.0 - fraction)))
    if at in (0, source.rows):
        raise DataError(
            f"validation_split: expected rows on both sides, got {source.rows} rows "
            f"split at {fraction}"
        )
    return source.part(slice(None, at)), source.part(slice(at, None))

