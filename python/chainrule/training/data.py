"""What `fit`, `evaluate` and `predict` are given, as batches of arrays.

A batch source yields `(x, y, sample_weight)` in flat lists of arrays. `ArraySource` holds whole
arrays, from which the core takes the rows itself; `IteratorSource` hands over what a generator
yields.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import _core, config, tree
from chainrule.errors import DataError, DTypeError, ShapeError

Array = NDArray[Any]

_ENGINE_DTYPES = ("float32", "float64", "int32", "int64", "uint8", "uint32", "bool")
_CONVERTED = {
    "float16": "float32",
    "int8": "int32",
    "int16": "int32",
    "uint16": "int32",
    "uint64": "int64",
}


def to_array(x: Any, name: str) -> Array:
    """`x` as a C-contiguous array of a dtype that the core reads.

    Raises
    ------
    DTypeError
        For objects, strings, dates and complex numbers.
    """
    array = np.asarray(x)
    if isinstance(x, (list, tuple)) and array.dtype == np.float64:
        array = array.astype(config.floatx())
    kind = array.dtype.name
    if kind in _CONVERTED:
        array = array.astype(_CONVERTED[kind])
    elif kind not in _ENGINE_DTYPES:
        raise DTypeError(
            f"{name}: expected an array of numbers or booleans, got dtype {array.dtype} "
            f"and shape {array.shape}"
        )
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    return np.require(array, requirements=("C", "A")).reshape(array.shape)


def to_arrays(structure: Any, name: str) -> Any:
    """Each leaf of the structure as an array; a plain list of numbers is one array."""
    if structure is None:
        return None
    if isinstance(structure, dict):
        return {key: to_arrays(value, f"{name}[{key!r}]") for key, value in structure.items()}
    if isinstance(structure, (list, tuple)) and any(hasattr(leaf, "shape") for leaf in structure):
        parts = [to_arrays(leaf, f"{name}[{i}]") for i, leaf in enumerate(structure)]
        return type(structure)(parts) if type(structure) in (list, tuple) else parts
    return to_array(structure, name)


def check_finite(structure: Any, name: str, action: str) -> None:
    """Warn of, or refuse, NaN and infinity in float arrays.

    Parameters
    ----------
    action : {"warn", "raise", "ignore"}

    Raises
    ------
    NonFiniteError
        Where `action` is "raise".
    """
    import warnings

    from chainrule.errors import NonFiniteError

    if action == "ignore":
        return
    for array in tree.flatten(structure):
        if array is None or array.dtype.kind != "f" or _core.all_finite(array):
            continue
        bad = int(np.argmax(~np.isfinite(array.reshape(len(array), -1)).all(axis=1)))
        message = f"{name}: expected finite numbers, got NaN or infinity (first in row {bad})"
        if action == "raise":
            raise NonFiniteError(message)
        warnings.warn(message, stacklevel=4)


@dataclass
class ArraySource:
    """Whole arrays: `x`, `y` and `sample_weight` are structures of arrays of one length."""

    x: Any
    y: Any
    sample_weight: Any

    def __post_init__(self) -> None:
        lengths = {}
        for name, structure in (("x", self.x), ("y", self.y), ("sample_weight", self.sample_weight)):
            for i, array in enumerate(tree.flatten(structure) if structure is not None else []):
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
        return [a for part in (self.x, self.y, self.sample_weight) for a in flat(part)]

    def batch(self, rows: slice) -> tuple[Any, Any, Any]:
        """Structures of the rows."""
        parts = (self.x, self.y, self.sample_weight)
        x, y, w = (tree.map_structure(lambda a: a[rows], p) if p is not None else None for p in parts)
        return x, y, w


def flat(structure: Any) -> list[Any]:
    """The leaves; none of None."""
    return [] if structure is None else list(tree.flatten(structure))


def unpack(batch: Any) -> tuple[Any, Any, Any]:
    """`(x, y, sample_weight)` from what a generator yields: x, (x,), (x, y) or (x, y, weight)."""
    if not isinstance(batch, tuple):
        return batch, None, None
    if not 1 <= len(batch) <= 3:
        raise DataError(
            "data: expected a generator of x, (x, y) or (x, y, sample_weight), "
            f"got a tuple of length {len(batch)}"
        )
    x, y, w = (*batch, None, None)[:3]
    return x, y, w


class IteratorSource:
    """Batches as a generator, an iterable or a PyDataset yields them."""

    def __init__(self, batches: Any) -> None:
        self.batches = batches
        self._iterator: Iterator[Any] | None = None
        self.steps: int | None = None
        if hasattr(batches, "__getitem__") and hasattr(batches, "__len__"):
            self.steps = len(batches)

    def _start(self) -> Iterator[Any]:
        if hasattr(self.batches, "__getitem__") and hasattr(self.batches, "__len__"):
            return (self.batches[i] for i in range(len(self.batches)))
        return iter(self.batches)

    def epoch(self, steps: int | None) -> Iterator[tuple[Any, Any, Any]]:
        """Batches of one epoch: `steps`, or all. A generator goes on where it stopped."""
        is_stream = isinstance(self.batches, Iterator)
        if self._iterator is None or (steps is None and not is_stream):
            self._iterator = self._start()
        done = 0
        while steps is None or done < steps:
            try:
                batch = next(self._iterator)
            except StopIteration:
                if steps is None or is_stream:
                    return
                self._iterator = self._start()
                batch = next(self._iterator, None)
                if batch is None:
                    return
            done += 1
            x, y, w = unpack(batch)
            yield to_arrays(x, "x"), to_arrays(y, "y"), to_arrays(w, "sample_weight")

    def epoch_end(self) -> None:
        """Tell a PyDataset that an epoch is over."""
        if hasattr(self.batches, "on_epoch_end"):
            self.batches.on_epoch_end()


def is_batch_iterable(x: Any) -> bool:
    """Whether `x` yields batches rather than being the data itself."""
    if hasattr(x, "__array__") or hasattr(x, "__array_interface__"):
        return False
    return isinstance(x, Iterable) and not isinstance(x, (list, tuple, dict, np.ndarray, str))


def class_weights(y: Any, class_weight: dict[int, float]) -> Array:
    """A weight for each row from its label: y of integers (n,) or (n, 1), or one-hot (n, classes).

    Raises
    ------
    DataError
        A key that is no class number.
    """
    labels = np.asarray(y)
    if labels.ndim > 1 and labels.shape[-1] > 1:
        labels = labels.argmax(axis=-1)
    labels = labels.reshape(len(labels), -1)[:, 0].astype("int64")
    if any(int(c) != c or c < 0 for c in class_weight):
        raise DataError(
            f"class_weight: expected class numbers as keys, got {sorted(class_weight)}"
        )
    top = max([int(labels.max()), *map(int, class_weight)])
    table = np.ones(top + 1, dtype=config.floatx())
    for label, weight in class_weight.items():
        table[int(label)] = weight
    return np.asarray(table[labels])


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
    return ArraySource(*source.batch(slice(None, at))), ArraySource(*source.batch(slice(at, None)))


def batch_rows(leaves: Sequence[Array]) -> int:
    """The number of rows of a batch."""
    return len(leaves[0]) if leaves else 0
