"""Indices of categories as one-hot, multi-hot and counts, in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["encode", "encoded_shape", "spread"]

Array = NDArray[Any]
Shape = tuple[int | None, ...]


def encode(indices: Array, output_mode: str, depth: int, dtype: str) -> Array:
    """Indices 0 to depth - 1 in the form of `output_mode`; others leave no trace.

    Parameters
    ----------
    indices : ndarray of int
    output_mode : {"int", "one_hot", "multi_hot", "count"}
        The indices as they are; a row of their own for each; or one row for each sample, which is
        the last axis.
    depth : int
    dtype : str

    Examples
    --------
    >>> encode(np.array([[0, 2, 2], [1, -1, 1]]), "count", 3, "float32")
    array([[1., 0., 2.],
           [0., 2., 0.]], dtype=float32)
    """
    if output_mode == "int":
        return indices.astype(dtype)
    if output_mode == "one_hot":
        if indices.ndim > 1 and indices.shape[-1] == 1:
            indices = indices[..., 0]
        samples = indices.reshape(-1, 1)
        shape = indices.shape
    else:
        samples = indices.reshape(-1, indices.shape[-1] if indices.ndim else 1)
        shape = indices.shape[:-1]
    known = (samples >= 0) & (samples < depth)
    rows, _ = np.nonzero(known)
    return spread(rows, samples[known], len(samples), output_mode, depth, dtype).reshape(
        *shape, depth
    )


def spread(
    rows: Array, indices: Array, count: int, output_mode: str, depth: int, dtype: str
) -> Array:
    """An array (count, depth) with 1, or with how many there are, at (rows[i], indices[i])."""
    result = np.zeros((count, depth), dtype)
    if output_mode == "count":
        np.add.at(result, (rows, indices), 1)
    else:
        result[rows, indices] = 1
    return result


def encoded_shape(shape: Any, output_mode: str, depth: int | None) -> Shape:
    """The shape that `encode` gives."""
    sizes: Shape = tuple(shape)
    if output_mode == "int":
        return sizes
    if output_mode == "one_hot":
        return (*(sizes[:-1] if len(sizes) > 1 and sizes[-1] == 1 else sizes), depth)
    return (*sizes[:-1], depth)

