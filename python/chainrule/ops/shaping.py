"""Shapes and order of axes: reshape, transpose and their relatives."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.base.dtypes import standardize_dtype
from chainrule.base.errors import IndivisibleError, ShapeError
from chainrule.base.sizes import as_size, divides, is_size, may_be
from chainrule.ops._common import eager_only, normalize_axes, normalize_axis, sequence, static_shape
from chainrule.tracing.arrays import engine_dtype
from chainrule.tracing.casting import as_tensor
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation
from chainrule.tracing.tensor import KerasTensor

__all__ = [
    "broadcast_to", "expand_dims", "moveaxis", "ndim", "ravel", "reshape", "size", "squeeze",
    "swapaxes", "transpose", "view",
]  # fmt: skip


def _reshape(x: Any, shape: Any) -> Any:
    return apply("reshape", {"shape": [as_size(n) for n in shape]}, [x])


@operation
def reshape(x: Any, newshape: Any) -> Any:
    """The same elements in the same order under another shape, as NumPy's `np.reshape`.

    Parameters
    ----------
    x : tensor
        Of any shape and dtype; elements are read in row-major order.
    newshape : int or ints
        With as many elements as x; one size may be -1 or None, and follows from the others.

    Returns
    -------
    tensor
        The shape `newshape`, in the dtype of x.

    Raises
    ------
    ShapeError
        Numbers of elements that differ, more than one -1, or a size below -1.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> reshape([[1, 2], [3, 4]], (4,)).tolist()
    [1, 2, 3, 4]
    """
    x = as_tensor(x)
    shape = [-1 if n is None else as_size(n) for n in static_or_unknown(newshape)]
    if any(isinstance(n, int) and n < -1 for n in shape):
        raise ShapeError(
            "reshape: each size must be a non-negative integer, or -1 for the one to be inferred, "
            f"got newshape={tuple(shape)}"
        )
    if shape.count(-1) > 1:
        raise ShapeError(
            f"reshape: there can be at most one unknown dimension (-1), got newshape={tuple(shape)}"
        )
    known, elements = math.prod(n for n in shape if n != -1), math.prod(x.shape)
    if shape.count(-1) == 1 and divides(known, elements):
        shape[shape.index(-1)] = elements // known
    if any(isinstance(n, int) and n < 0 for n in shape) or not may_be(math.prod(shape), elements):
        raise IndivisibleError(
            f"reshape: expected a shape with {elements} elements, as {tuple(x.shape)} "
            f"has, got {tuple(static_or_unknown(newshape))}",
        )
    return _reshape(x, shape)


def static_or_unknown(shape: Any) -> tuple[Any, ...]:
    """A shape argument as a tuple whose sizes may be None or -1."""
    if is_size(shape):
        return (as_size(shape),)
    return tuple(shape)


@operation
def ravel(x: Any) -> Any:
    """x flattened to one axis, in row-major order, as NumPy's `np.ravel`.

    Parameters
    ----------
    x : tensor
        Of any shape and dtype.

    Returns
    -------
    tensor
        (size of x,), in the dtype of x.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> ravel([[1, 2], [3, 4]]).tolist()
    [1, 2, 3, 4]
    """
    x = as_tensor(x)
    return _reshape(x, [math.prod(x.shape)])


@operation
def squeeze(x: Any, axis: Any = None) -> Any:
    """x without its axes of size 1, or without those named, as NumPy's `np.squeeze`.

    Parameters
    ----------
    x : tensor
        Of any shape and dtype.
    axis : int, ints or None
        Axes of size 1 that go away. Default None: all of them.

    Returns
    -------
    tensor
        The shape of x without those axes, in its dtype.

    Raises
    ------
    ShapeError
        A named axis whose size is not 1, that `x` does not have, or named twice.
    DTypeError
        `x` holds no numbers.

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
        if not may_be(x.shape[a], 1):
            raise ShapeError(
                f"Cannot squeeze axis={axis}, because the dimension is not 1: the input has "
                f"shape {tuple(x.shape)}."
            )
    return _reshape(x, [n for i, n in enumerate(x.shape) if i not in axes])


@operation
def expand_dims(x: Any, axis: Any) -> Any:
    """x with a new axis of size 1 at each given place, as NumPy's `np.expand_dims`.

    Parameters
    ----------
    x : tensor
        Of any shape and dtype.
    axis : int or ints
        Places in the shape of the result; negative ones count from its end.

    Returns
    -------
    tensor
        The shape of x with a 1 at those places, in its dtype.

    Raises
    ------
    ShapeError
        A place that the result does not have, or one named twice.
    DTypeError
        `x` holds no numbers.

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
    """x with its axes in the order `axes`, as NumPy's `np.transpose`.

    Parameters
    ----------
    x : tensor
        Of any shape and dtype.
    axes : ints, optional
        A permutation of the axes of x. Default: their reverse.

    Returns
    -------
    tensor
        The sizes of x in that order, in its dtype.

    Raises
    ------
    ShapeError
        `axes` is no permutation of the axes of `x`.
    DTypeError
        `x` holds no numbers.

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
    """x with the axes `source` moved to the places `destination`, as NumPy's `np.moveaxis`.

    The others keep their order.

    Parameters
    ----------
    x : tensor
        Of any shape and dtype.
    source : int or ints
        Axes of x.
    destination : int or ints
        Where each stands in the result; as many as in `source`.

    Returns
    -------
    tensor
        The sizes of x in the new order, in its dtype.

    Raises
    ------
    ShapeError
        An axis that `x` does not have, one named twice, or lists of different lengths.
    DTypeError
        `x` holds no numbers.

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
    """x with two axes exchanged, as NumPy's `np.swapaxes`.

    Parameters
    ----------
    x : tensor
        Of any shape and dtype.
    axis1, axis2 : int
        Axes of x.

    Returns
    -------
    tensor
        The shape of x with the two sizes exchanged, in its dtype.

    Raises
    ------
    ShapeError
        An axis that `x` does not have.
    DTypeError
        `x` holds no numbers.

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
    """x repeated along new axes and axes of size 1 to the shape given, as NumPy's
    `np.broadcast_to`.

    The gradient is summed over what was repeated.

    Parameters
    ----------
    x : tensor
        Of a shape that broadcasts to `shape`; any dtype.
    shape : int or ints
        Of the result.

    Returns
    -------
    tensor
        The shape `shape`, in the dtype of x.

    Raises
    ------
    ShapeError
        `x` does not broadcast to `shape`.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> broadcast_to([1, 2], (2, 2)).tolist()
    [[1, 2], [1, 2]]
    """
    x = as_tensor(x)
    target = static_shape(shape)
    return x if tuple(x.shape) == target else apply("broadcast_to", {"shape": list(target)}, [x])


def size(x: Any) -> int | None:
    """The number of elements, as NumPy's `np.size`.

    Parameters
    ----------
    x : tensor
        Of any shape and dtype.

    Returns
    -------
    int or None
        The product of the shape; None where a symbolic tensor has an unknown size.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> size([[1, 2], [3, 4]])
    4
    """
    count: int | None = x.size if isinstance(x, KerasTensor) else math.prod(as_tensor(x).shape)
    return count


def ndim(x: Any) -> int:
    """The number of axes, as NumPy's `np.ndim`.

    Parameters
    ----------
    x : tensor
        Of any shape and dtype.

    Returns
    -------
    int
        The length of the shape; 0 for a scalar.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> ndim([[1, 2], [3, 4]])
    2
    """
    return x.ndim if isinstance(x, KerasTensor) else int(as_tensor(x).ndim)


@operation
def view(x: Any, dtype: Any = None) -> Any:
    """The bytes of x, the lowest of an element first, read as another dtype, as NumPy's
    `np.ndarray.view`. No gradient flows through it.

    Parameters
    ----------
    x : tensor
        Of any shape; the last axis in C order where the dtypes differ in width.
    dtype : str, optional
        What the bytes are read as. Default: the dtype of x.

    Returns
    -------
    tensor
        The bytes of x in that dtype; the last size changes with the dtype's width.

    Raises
    ------
    ValueError
        An unknown dtype, or a last axis whose bytes it does not divide.
    TypeError
        Traced values that are bool or narrower than the core's dtypes, or are to be.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> view(np.zeros(2, "float32"), "int32").tolist()
    [0, 0]
    """
    x = as_tensor(x)
    own = standardize_dtype(x.dtype)
    target = own if dtype is None else standardize_dtype(dtype)
    if target == own:
        return x
    if all(engine_dtype(name) == name != "bool" for name in (own, target)):
        return apply("bitcast", {"dtype": target}, [x])
    return eager_only(lambda a: a.view(np.dtype(target)), x, name="view")
