"""Shapes and order of axes: reshape, transpose and their relatives."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.base.dtypes import standardize_dtype
from chainrule.base.errors import IndivisibleError, ShapeError
from chainrule.ops._common import (
    as_tensor,
    eager_only,
    normalize_axes,
    normalize_axis,
    sequence,
    static_shape,
)
from chainrule.tracing.dispatch import apply, operation
from chainrule.tracing.tensor import KerasTensor

__all__ = [
    "broadcast_to", "expand_dims", "moveaxis", "ndim", "ravel", "reshape", "size", "squeeze",
    "swapaxes", "transpose", "view",
]  # fmt: skip


def _reshape(x: Any, shape: Any) -> Any:
    return apply("reshape", {"shape": [int(n) for n in shape]}, [x])


@operation
def reshape(x: Any, newshape: Any) -> Any:
    """The same elements in the same order under another shape; one size may be -1.

    Raises
    ------
    ShapeError
        When the numbers of elements differ.

    Examples
    --------
    >>> reshape([[1, 2], [3, 4]], (4,)).tolist()
    [1, 2, 3, 4]
    """
    x = as_tensor(x)
    shape = [-1 if n is None else int(n) for n in static_or_unknown(newshape)]
    if min(shape, default=0) < -1:
        raise ShapeError(
            "reshape: each size must be a non-negative integer, or -1 for the one to be inferred, "
            f"got newshape={tuple(shape)}"
        )
    if shape.count(-1) > 1:
        raise ShapeError(
            f"reshape: there can be at most one unknown dimension (-1), got newshape={tuple(shape)}"
        )
    known, elements = math.prod(n for n in shape if n != -1), math.prod(x.shape)
    if shape.count(-1) == 1 and known and elements % known == 0:
        shape[shape.index(-1)] = elements // known
    if min(shape, default=0) < 0 or math.prod(shape) != elements:
        raise IndivisibleError(
            f"reshape: expected a shape with {elements} elements, as {tuple(x.shape)} "
            f"has, got {tuple(static_or_unknown(newshape))}",
            known // math.gcd(known, elements) if -1 in shape and known else 1,
        )
    return _reshape(x, shape)


def static_or_unknown(shape: Any) -> tuple[Any, ...]:
    """A shape argument as a tuple whose sizes may be None or -1."""
    if isinstance(shape, (int, np.integer)):
        return (int(shape),)
    return tuple(shape)


@operation
def ravel(x: Any) -> Any:
    """x flattened to one axis, in row-major order.

    Examples
    --------
    >>> ravel([[1, 2], [3, 4]]).tolist()
    [1, 2, 3, 4]
    """
    x = as_tensor(x)
    return _reshape(x, [math.prod(x.shape)])


@operation
def squeeze(x: Any, axis: Any = None) -> Any:
    """x without its axes of size 1, or without those named.

    Raises
    ------
    ShapeError
        A named axis whose size is not 1.

    Examples
    --------
    >>> squeeze([[1, 2]]).tolist()
    [1, 2]
    """
    x = as_tensor(x)
    if axis is None:
        axes = [i for i, n in enumerate(x.shape) if n == 1]
    else:
        axes = normalize_axes(axis, x.ndim, "squeeze")
    for a in axes:
        if x.shape[a] != 1:
            raise ShapeError(
                f"Cannot squeeze axis={axis}, because the dimension is not 1: the input has "
                f"shape {tuple(x.shape)}."
            )
    return _reshape(x, [n for i, n in enumerate(x.shape) if i not in axes])


@operation
def expand_dims(x: Any, axis: Any) -> Any:
    """x with a new axis of size 1 at each given place of the result.

    Examples
    --------
    >>> expand_dims([1, 2], 0).tolist()
    [[1, 2]]
    """
    x = as_tensor(x)
    places = [int(a) for a in sequence(axis)]
    axes = normalize_axes(places, x.ndim + len(places), "expand_dims")
    sizes = iter(x.shape)
    return _reshape(x, [1 if i in axes else next(sizes) for i in range(x.ndim + len(axes))])


@operation
def transpose(x: Any, axes: Any = None) -> Any:
    """x with its axes in the order `axes`; reversed by default.

    Raises
    ------
    ShapeError
        When `axes` is no permutation of x's axes.

    Examples
    --------
    >>> transpose([[1, 2], [3, 4]]).tolist()
    [[1, 3], [2, 4]]
    """
    x = as_tensor(x)
    order = list(range(x.ndim))[::-1]
    if axes is not None:
        order = [normalize_axis(a, x.ndim, "transpose") for a in axes]
    if sorted(order) != list(range(x.ndim)):
        raise ShapeError(
            f"transpose: axes must be a valid permutation of the {x.ndim} axes of shape "
            f"{tuple(x.shape)}, got axes={axes}"
        )
    return x if order == sorted(order) else apply("transpose", {"axes": order}, [x])


@operation
def moveaxis(x: Any, source: Any, destination: Any) -> Any:
    """x with the axes `source` moved to the places `destination`; the others keep their order.

    Examples
    --------
    >>> moveaxis(np.zeros((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    x = as_tensor(x)
    src = [normalize_axis(a, x.ndim, "moveaxis") for a in sequence(source)]
    dst = [normalize_axis(a, x.ndim, "moveaxis") for a in sequence(destination)]
    if len(src) != len(dst) or len(set(src)) != len(src) or len(set(dst)) != len(dst):
        raise ShapeError(
            f"moveaxis: expected as many distinct sources as destinations, got {source} "
            f"and {destination}"
        )
    order = [a for a in range(x.ndim) if a not in src]
    for place, a in sorted(zip(dst, src)):
        order.insert(place, a)
    return transpose(x, order)


@operation
def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """x with two axes exchanged.

    Examples
    --------
    >>> swapaxes([[1, 2], [3, 4]], 0, 1).tolist()
    [[1, 3], [2, 4]]
    """
    x = as_tensor(x)
    a, b = normalize_axis(axis1, x.ndim, "swapaxes"), normalize_axis(axis2, x.ndim, "swapaxes")
    order = list(range(x.ndim))
    order[a], order[b] = b, a
    return transpose(x, order)


@operation
def broadcast_to(x: Any, shape: Any) -> Any:
    """x repeated along new axes and axes of size 1 to the shape given.

    Raises
    ------
    ShapeError
        When x does not broadcast to it.

    Examples
    --------
    >>> broadcast_to([1, 2], (2, 2)).tolist()
    [[1, 2], [1, 2]]
    """
    x = as_tensor(x)
    target = static_shape(shape)
    return x if tuple(x.shape) == target else apply("broadcast_to", {"shape": list(target)}, [x])


def size(x: Any) -> int | None:
    """The number of elements; None where a symbolic tensor does not know.

    Examples
    --------
    >>> size([[1, 2], [3, 4]])
    4
    """
    count: int | None = x.size if isinstance(x, KerasTensor) else math.prod(as_tensor(x).shape)
    return count


def ndim(x: Any) -> int:
    """The number of axes.

    Examples
    --------
    >>> ndim([[1, 2], [3, 4]])
    2
    """
    return x.ndim if isinstance(x, KerasTensor) else int(as_tensor(x).ndim)


def view(x: Any, dtype: Any = None) -> Any:
    """The bytes of x read as another dtype (arrays only).

    Examples
    --------
    >>> view(np.zeros(2, "float32"), "int32").tolist()
    [0, 0]
    """
    target = np.dtype(standardize_dtype(as_tensor(x).dtype if dtype is None else dtype))
    return eager_only(lambda a: a.view(target), x, name="view")
