"""Products of matrices and tensors, sums along diagonals, differences."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.dispatch import apply, operation
from chainrule.dtypes import is_float_dtype, result_type, standardize_dtype
from chainrule.errors import ShapeError
from chainrule.ops._common import (
    as_dtype,
    as_tensor,
    binary,
    normalize_axis,
    promote,
    promote_float,
    sequence,
    widen_integers,
)
from chainrule.ops.indexing import diagonal
from chainrule.ops.shaping import _reshape, block, expand_dims, moveaxis, ravel, transpose

__all__ = [
    "correlate", "cross", "diff", "dot", "inner", "kron", "matmul", "outer", "tensordot", "trace",
    "trapezoid", "vdot",
]  # fmt: skip


def _sum(x: Any, axes: list[int]) -> Any:
    return apply("reduce", {"function": "sum", "axes": axes, "keepdims": False}, [x])


def _factors(x1: Any, x2: Any) -> tuple[Any, Any, str]:
    """Both in one dtype that can be multiplied and summed, and the dtype of the result."""
    x1, x2 = as_tensor(x1), as_tensor(x2)
    dtype = result_type(x1.dtype, x2.dtype)
    if standardize_dtype(x1.dtype) == standardize_dtype(x2.dtype) == "int8":
        dtype = "int32"
    compute = "int32" if dtype == "bool" else dtype
    return as_dtype(x1, compute), as_dtype(x2, compute), dtype


def _product(x1: Any, x2: Any) -> Any:
    return apply("matmul", {"transpose_a": False, "transpose_b": False}, [x1, x2])


@operation
def matmul(x1: Any, x2: Any) -> Any:
    """x1 @ x2 over the last two axes: (..., m, k) x (..., k, n) -> (..., m, n).

    A 1-D argument is a row on the left, a column on the right. d x1 = dout x2^T,
    d x2 = x1^T dout.

    Raises
    ------
    ShapeError
        A tensor without axes, or inner sizes that differ.

    Examples
    --------
    >>> matmul([[1.0, 2.0]], [[3.0], [4.0]]).tolist()
    [[11.0]]
    """
    x1, x2, dtype = _factors(x1, x2)
    if x1.ndim == 0 or x2.ndim == 0:
        raise ShapeError(
            "matmul: expected tensors with at least one axis, got shapes "
            f"{tuple(x1.shape)} and {tuple(x2.shape)}"
        )
    row, column = x1.ndim == 1, x2.ndim == 1
    x1 = expand_dims(x1, 0) if row else x1
    x2 = expand_dims(x2, 1) if column else x2
    if x1.shape[-1] != x2.shape[-2]:
        raise ShapeError(
            "matmul: the last axis of `x1` must have the size of the last but one of `x2`, "
            f"got shapes {tuple(x1.shape)} and {tuple(x2.shape)}"
        )
    if x1.ndim > 2 and x2.ndim == 2:
        lead = list(x1.shape[:-1])
        flat = _reshape(x1, [math.prod(lead), x1.shape[-1]])
        out = _reshape(_product(flat, x2), [*lead, x2.shape[-1]])
    else:
        out = _product(x1, x2)
    shape = list(out.shape)
    if column:
        del shape[-1]
    if row:
        del shape[-1 if column else -2]
    return as_dtype(_reshape(out, shape) if row or column else out, dtype)


@operation
def dot(x1: Any, x2: Any) -> Any:
    """The sum of products over the last axis of x1 and the last but one (or only) of x2.

    Examples
    --------
    >>> dot([1.0, 2.0], [3.0, 4.0]).item()
    11.0
    """
    x1, x2, dtype = _factors(x1, x2)
    if x1.ndim == 0 or x2.ndim == 0:
        return as_dtype(binary("mul", x1, x2), dtype)
    return as_dtype(_tensordot(x1, x2, [x1.ndim - 1], [max(x2.ndim - 2, 0)]), dtype)


@operation
def inner(x1: Any, x2: Any) -> Any:
    """The sum of products over the last axes of both.

    Examples
    --------
    >>> inner([1.0, 2.0], [3.0, 4.0]).item()
    11.0
    """
    x1, x2, dtype = _factors(x1, x2)
    if x1.ndim == 0 or x2.ndim == 0:
        return as_dtype(binary("mul", x1, x2), dtype)
    return as_dtype(_tensordot(x1, x2, [x1.ndim - 1], [x2.ndim - 1]), dtype)


@operation
def vdot(x1: Any, x2: Any) -> Any:
    """The sum of products of all elements, both flattened.

    Examples
    --------
    >>> vdot([[1.0, 2.0]], [[3.0, 4.0]]).item()
    11.0
    """
    x1, x2, dtype = _factors(ravel(x1), ravel(x2))
    return as_dtype(_tensordot(x1, x2, [0], [0]), dtype)


@operation
def outer(x1: Any, x2: Any) -> Any:
    """out[i, j] = x1[i] x2[j], both flattened.

    Examples
    --------
    >>> outer([1, 2], [3, 4]).tolist()
    [[3, 4], [6, 8]]
    """
    x1, x2 = ravel(x1), ravel(x2)
    return expand_dims(x1, 1) * expand_dims(x2, 0)


@operation
def tensordot(x1: Any, x2: Any, axes: Any = 2) -> Any:
    """The sum of products over pairs of axes.

    `axes` is a number n (the last n of x1 with the first n of x2) or two lists of axes.

    Raises
    ------
    ShapeError
        Axes of different sizes.

    Examples
    --------
    >>> tensordot([[1.0, 2.0]], [[3.0], [4.0]], axes=1).tolist()
    [[11.0]]
    """
    x1, x2, dtype = _factors(x1, x2)
    if isinstance(axes, (int, np.integer)):
        a = list(range(x1.ndim - int(axes), x1.ndim))
        b = list(range(int(axes)))
    else:
        first, second = axes
        a = [normalize_axis(i, x1.ndim, "tensordot") for i in sequence(first)]
        b = [normalize_axis(i, x2.ndim, "tensordot") for i in sequence(second)]
    return as_dtype(_tensordot(x1, x2, a, b), dtype)


def _tensordot(x1: Any, x2: Any, a: list[int], b: list[int]) -> Any:
    sizes = [x1.shape[i] for i in a if i < x1.ndim]
    if min(a, default=0) < 0 or len(a) != len(b) or sizes != [x2.shape[i] for i in b if i < x2.ndim]:
        raise ShapeError(
            f"the summed axes must have equal sizes, got axes {a} of shape {tuple(x1.shape)} and "
            f"{b} of {tuple(x2.shape)}"
        )
    free1 = [i for i in range(x1.ndim) if i not in a]
    free2 = [i for i in range(x2.ndim) if i not in b]
    k = math.prod(sizes)
    lead, tail = [x1.shape[i] for i in free1], [x2.shape[i] for i in free2]
    left = _reshape(transpose(x1, free1 + a), [math.prod(lead), k])
    right = _reshape(transpose(x2, b + free2), [k, math.prod(tail)])
    return _reshape(_product(left, right), [*lead, *tail])


@operation
def kron(x1: Any, x2: Any) -> Any:
    """The Kronecker product: blocks x1[i, j] x2.

    Examples
    --------
    >>> kron([1, 2], [3, 4]).tolist()
    [3, 4, 6, 8]
    """
    x1, x2 = promote(as_tensor(x1), as_tensor(x2))
    rank = max(x1.ndim, x2.ndim)
    s1 = [1] * (rank - x1.ndim) + list(x1.shape)
    s2 = [1] * (rank - x2.ndim) + list(x2.shape)
    left = _reshape(x1, [n for size in s1 for n in (size, 1)])
    right = _reshape(x2, [n for size in s2 for n in (1, size)])
    return _reshape(left * right, [m * n for m, n in zip(s1, s2)])


@operation
def cross(
    x1: Any, x2: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    """The vector product along axes of size 3 (or 2, whose third component is 0).

    Raises
    ------
    ShapeError
        Vectors of other sizes.

    Examples
    --------
    >>> cross([1, 0, 0], [0, 1, 0]).tolist()
    [0, 0, 1]
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    x1, x2 = promote(as_tensor(x1), as_tensor(x2))
    if standardize_dtype(x1.dtype) == "bool":
        x1, x2 = as_dtype(x1, "int32"), as_dtype(x2, "int32")
    x1, x2 = moveaxis(x1, axisa, 0), moveaxis(x2, axisb, 0)
    if x1.shape[0] not in (2, 3) or x2.shape[0] not in (2, 3):
        raise ShapeError(
            "`x1`'s dim on `axis={axisa}` and `x2`'s dim on `axis={axisb}` must be either 2 or 3, "
            f"got {x1.shape[0]} and {x2.shape[0]}"
        )
    both_flat = x1.shape[0] == x2.shape[0] == 2
    a = [x1[i] for i in range(x1.shape[0])]
    b = [x2[i] for i in range(x2.shape[0])]
    z = a[0] * b[1] - a[1] * b[0]
    if both_flat:
        return z
    zero = 0 * a[0]
    a3 = a[2] if len(a) == 3 else zero
    b3 = b[2] if len(b) == 3 else 0 * b[0]
    from chainrule.ops.joining import stack

    return moveaxis(stack([a[1] * b3 - a3 * b[1], a3 * b[0] - a[0] * b3, z]), 0, axisc)


@operation
def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The sum of the diagonal of the matrices in two axes.

    Examples
    --------
    >>> trace([[1, 2], [3, 4]]).item()
    5
    """
    diagonals = widen_integers(diagonal(x, offset, axis1, axis2))
    return _sum(diagonals, [diagonals.ndim - 1])


@operation
def diff(a: Any, n: int = 1, axis: int = -1) -> Any:
    """a[i + 1] - a[i] along `axis`, n times.

    Examples
    --------
    >>> diff([1, 4, 9]).tolist()
    [3, 5]
    """
    x = as_tensor(a)
    axis = normalize_axis(axis, x.ndim, "diff")
    function = "logical_xor" if standardize_dtype(x.dtype) == "bool" else "sub"
    for _ in range(n):
        size = x.shape[axis]
        high, low = block(x, axis, min(1, size), size), block(x, axis, 0, max(size - 1, 0))
        x = binary(function, high, low)
    return x


@operation
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """The integral of y by the trapezoidal rule, at points x or at distance dx.

    Examples
    --------
    >>> trapezoid([1.0, 2.0, 3.0]).item()
    4.0
    """
    y = as_tensor(y)
    y = as_dtype(y, result_type(y.dtype, float))
    dtype = standardize_dtype(y.dtype)
    axis = normalize_axis(axis, y.ndim, "trapezoid")
    if x is None:
        width = as_dtype(dx, dtype)
    else:
        x = as_dtype(x, dtype)
        width = diff(x, axis=axis if x.ndim > 1 else 0)
        if x.ndim == 1:
            width = _reshape(width, [width.shape[0] if i == axis else 1 for i in range(y.ndim)])
    size = y.shape[axis]
    both = binary("add", block(y, axis, 1, size), block(y, axis, 0, size - 1))
    half = binary("mul", binary("mul", both, width), as_dtype(0.5, dtype))
    return _sum(half, [axis])


@operation
def correlate(x1: Any, x2: Any, mode: str = "valid") -> Any:
    """sum_k x1[n + k] x2[k] for 1-D tensors, over all shifts that `mode` names.

    Raises
    ------
    ValueError
        `mode` none of "valid", "same" and "full"; tensors that are not 1-D.

    Examples
    --------
    >>> correlate([1.0, 2.0, 3.0], [0.0, 1.0]).tolist()
    [2.0, 3.0]
    """
    if mode not in ("valid", "same", "full"):
        raise ValueError(f"correlate: mode must be 'valid', 'same' or 'full', got {mode!r}")
    x1, x2 = as_tensor(x1), as_tensor(x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise ShapeError(
            "correlate: expected 1-D tensors, got shapes "
            f"{tuple(x1.shape)} and {tuple(x2.shape)}"
        )
    if not (is_float_dtype(x1.dtype) or is_float_dtype(x2.dtype)):
        wide = "int64" in (standardize_dtype(x1.dtype), standardize_dtype(x2.dtype))
        x1 = as_dtype(x1, "float64" if wide else "float32")
    x1, x2 = promote_float(x1, x2)
    swapped = x1.shape[0] < x2.shape[0]
    long, short = (x2, x1) if swapped else (x1, x2)
    m, n = long.shape[0], short.shape[0]
    before, after = {"valid": (0, 0), "full": (n - 1, n - 1), "same": (n // 2, (n - 1) // 2)}[mode]
    if swapped and mode == "same":
        before, after = after, before
    attrs = {"shape": [m + before + after], "start": [before], "step": [1]}
    padded = apply("slice_grad", attrs, [long])
    count = m + before + after - n + 1
    index = np.arange(count, dtype="int32")[:, None] + np.arange(n, dtype="int32")
    windows = apply("gather", {"axis": 0}, [padded, index])
    out = _reshape(_product(windows, _reshape(short, [n, 1])), [count])
    attrs = {"start": [count - 1], "stop": [-1], "step": [-1]}
    return apply("slice", attrs, [out]) if swapped else out
