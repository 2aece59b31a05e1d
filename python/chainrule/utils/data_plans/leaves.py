"""Leaves of elements: what users give as arrays, rows as batches, batches as rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.base import tree
from chainrule.base.errors import ShapeError
from chainrule.base.texts import as_texts, holds_texts
from chainrule.tracing.arrays import constant

__all__ = ["as_leaf", "as_leaves", "padded", "stacked"]

Array = npt.NDArray[Any]


def as_leaf(x: Any) -> Any:
    """A number, or a list or column of numbers or texts, as an array; arrays and a text as they are.

    Examples
    --------
    >>> as_leaf([1.0, 2.0]).dtype, as_leaf(["a", "bc"])
    (dtype('float32'), array(['a', 'bc'], dtype=object))
    """
    if isinstance(x, (np.ndarray, np.generic, str)):
        return x
    return as_texts(x, "Dataset") if holds_texts(x) else constant(x)


def as_leaves(structure: Any) -> Any:
    """Arrays in a structure of tuples and dicts; a list is one array."""
    if isinstance(structure, dict):
        return {key: as_leaves(value) for key, value in structure.items()}
    if isinstance(structure, tuple):
        return tuple(map(as_leaves, structure))
    return as_leaf(structure)


def stacked(elements: Sequence[Any]) -> Any:
    """Elements of one structure and of equal shapes as one batch.

    Raises
    ------
    ShapeError
        Shapes that differ.
    """

    def stack(*leaves: Any) -> Array:
        try:
            made = np.stack(leaves)
        except ValueError:
            shapes = sorted({np.shape(leaf) for leaf in leaves})
            raise ShapeError(
                f"Dataset.batch: expected elements of one shape, got {shapes}; `padded_batch` "
                "fills the shorter ones up"
            ) from None
        return made.astype(object) if made.dtype.kind == "U" else made

    return tree.map_structure(stack, *elements)


def padded(elements: Sequence[Any], shapes: Any, values: Any) -> Any:
    """Elements as one batch, filled up behind to `shapes`, or to the largest size of each axis.

    Parameters
    ----------
    elements : sequence
        Of one structure.
    shapes : structure of tuples, or None
        None or -1 in them is the largest size.
    values : scalar, or structure of scalars
        What to fill in; None is 0, or "" among texts.
    """
    leaves = [tree.flatten(element) for element in elements]
    width = len(leaves[0])
    flat_shapes = [None] * width if shapes is None else _flat_shapes(shapes)
    flat_values = [values] * width if not tree.is_nested(values) else tree.flatten(values)
    for name, given in (("padded_shapes", flat_shapes), ("padding_values", flat_values)):
        if len(given) != width:
            raise ValueError(
                f"Dataset.padded_batch: expected {name} for {width} arrays, got {len(given)}"
            )
    made = [
        _filled([np.asarray(leaf) for leaf in column], shape, value)
        for column, shape, value in zip(zip(*leaves, strict=True), flat_shapes, flat_values)
    ]
    return tree.pack_sequence_as(elements[0], made)


def _flat_shapes(shapes: Any) -> list[Any]:
    """The shapes of a structure: a tuple or list of sizes is one."""
    if isinstance(shapes, dict):
        return [shape for key in sorted(shapes) for shape in _flat_shapes(shapes[key])]
    if isinstance(shapes, (tuple, list)) and all(n is None or isinstance(n, int) for n in shapes):
        return [shapes]
    return [shape for part in shapes for shape in _flat_shapes(part)]


def _filled(arrays: list[Array], shape: Any, value: Any) -> Array:
    ranks = {array.ndim for array in arrays}
    if len(ranks) > 1:
        raise ShapeError(
            f"Dataset.padded_batch: expected elements of one number of axes, got {sorted(ranks)}"
        )
    sizes = [max(sizes) for sizes in zip(*(array.shape for array in arrays), strict=True)]
    if shape is not None:
        if len(shape) != len(sizes):
            raise ShapeError(
                f"Dataset.padded_batch: expected a padded shape of {len(sizes)} axes, got {shape}"
            )
        for axis, wanted in enumerate(shape):
            if wanted is None or wanted == -1:
                continue
            if sizes[axis] > wanted:
                raise ShapeError(
                    f"Dataset.padded_batch: expected elements up to {shape}, got one of "
                    f"{sizes[axis]} along axis {axis}"
                )
            sizes[axis] = wanted
    dtype = np.result_type(*arrays)
    if dtype.kind == "U":
        dtype = np.dtype(object)
    fill = ("" if dtype.kind == "O" else 0) if value is None else value
    made = np.full((len(arrays), *sizes), fill, dtype)
    for into, array in zip(made, arrays):
        into[tuple(map(slice, array.shape))] = array
    return made
