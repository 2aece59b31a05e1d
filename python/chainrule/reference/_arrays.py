"""What several reference files need: the types, and the reverse of broadcasting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Attrs: TypeAlias = Mapping[str, Any]


def is_float(x: Array) -> bool:
    """Whether gradients flow through arrays of this dtype."""
    return bool(np.issubdtype(x.dtype, np.floating))


def unbroadcast(dout: Array, shape: tuple[int, ...]) -> Array:
    """The sum of dout over every axis that broadcasting from `shape` stretched or added.

    Broadcasting copies an element; the derivative of copying is the sum over the copies.

    Examples
    --------
    >>> import numpy as np
    >>> unbroadcast(np.ones((2, 3)), (3,))
    array([2., 2., 2.])
    """
    added = dout.ndim - len(shape)
    dout = dout.sum(axis=tuple(range(added)))
    stretched = tuple(i for i, n in enumerate(shape) if n == 1 and dout.shape[i] != 1)
    return np.asarray(dout.sum(axis=stretched, keepdims=True)).reshape(shape)


def needed(dout: Array | None) -> Array:
    """The cotangent of a float output; backward is never called without one."""
    if dout is None:
        raise ValueError("backward: the cotangent of a float output is missing")
    return dout


def index_along(indices: Array, axis: int) -> tuple[Array, ...]:
    """The full index whose entry at `axis` is `indices` and elsewhere the element's own place."""
    grid = list(np.ogrid[tuple(slice(n) for n in indices.shape)])
    grid[axis] = indices
    return tuple(grid)
