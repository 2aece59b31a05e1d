"""Products of matrices and tensors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.base.dtypes import is_float_dtype, result_type, standardize_dtype
from chainrule.base.errors import ShapeError
from chainrule.base.sizes import agreed, may_be
from chainrule.ops._common import binary, normalize_axis, sequence
from chainrule.ops.arithmetic import multiply
from chainrule.ops.shaping import _reshape, expand_dims, ravel, transpose
from chainrule.tracing.casting import as_dtype, as_tensor, promote
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation

__all__ = ["dot", "inner", "kron", "matmul", "outer", "tensordot", "vdot"]


def _factors(x1: Any, x2: Any) -> tuple[Any, Any, str]:
    """Both in one dtype that can be multiplied and summed, and the dtype of the result."""
    x1, x2 = as_tensor(x1), as_tensor(x2)
    dtype = result_type(x1.dtype, x2.dtype)
    if standardize_dtype(x1.dtype) == standardize_dtype(x2.dtype) == "int8":
        dtype = "int32"
    compute = "int32" if dtype == "bool" else dtype
    return as_dtype(x1, compute), as_dtype(x2, compute), dtype


def _product(x1: Any, x2: Any) -> Any:
    """The core's matrix product; integers wrap around, as sums of their products do."""
    dtype = standardize_dtype(x1.dtype)
    attrs = {"transpose_a": False, "transpose_b": False}
    if is_float_dtype(dtype):
        return apply("matmul", attrs, [x1, x2])
    # Of parts of 16 bits float64 adds up 2^21 products without rounding.
    wide = "uint64" if dtype == "uint64" else "int64"
    left, right = _parts(x1, dtype), _parts(x2, dtype)
    total = None
    for i, a in enumerate(left):
        for j, b in enumerate(right[: len(left) - i]):
            part = as_dtype(apply("matmul", attrs, [a, b]), wide)
            if i + j:
                part = binary("mul", part, as_dtype(1 << 16 * (i + j), wide))
            total = part if total is None else binary("add", total, part)
    return as_dtype(total, dtype)


def _parts(x: Any, dtype: str) -> list[Any]:
    """Integers p with ``x = p[0] + 2^16 p[1] + ...`` in float64, all but the last in [0, 2^16)."""
    parts, step = [], as_dtype(1 << 16, dtype) if dtype.endswith(("32", "64")) else None
    for _ in range(np.dtype(dtype).itemsize // 2 - 1):
        above = binary("floor_div", x, step)
        parts.append(as_dtype(binary("sub", x, binary("mul", above, step)), "float64"))
        x = above
    return [*parts, as_dtype(x, "float64")]


@operation
def matmul(x1: Any, x2: Any) -> Any:
    """x1 @ x2 over the last two axes: (..., m, k) x (..., k, n) -> (..., m, n), as NumPy's
    `np.matmul`.

    A 1-D argument is a row on the left, a column on the right. d x1 = dout x2^T, d x2 = x1^T dout.

    Parameters
    ----------
    x1, x2 : tensor
        (..., m, k) or (k,), and (..., k, n) or (k,), whose leading axes broadcast; brought to their
        common dtype, in which integers wrap around.

    Returns
    -------
    tensor
        (..., m, n) without the axis of a 1-D argument, in the common dtype; int32 for int8.

    Raises
    ------
    ShapeError
        A tensor without axes, inner sizes that differ, or leading axes that do not broadcast.
    DTypeError
        An argument that holds no numbers.

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
    if not may_be(x1.shape[-1], x2.shape[-2]):
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
    """The sum of products over the last axis of x1 and the last but one (or only) of x2, as NumPy's
    `np.dot`.

    Parameters
    ----------
    x1, x2 : tensor
        (..., k), and (..., k, n) or (k,); brought to their common dtype, in which integers
        wrap around. A scalar multiplies the other.

    Returns
    -------
    tensor
        The other axes of x1, then those of x2; in the common dtype, int32 for int8.

    Raises
    ------
    ShapeError
        Summed sizes that differ.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> dot([1.0, 2.0], [3.0, 4.0]).item()
    11.0
    """
    x1, x2, dtype = _factors(x1, x2)
    if x1.ndim == 0 or x2.ndim == 0:
        return as_dtype(binary("mul", x1, x2), dtype)
    return as_dtype(_tensordot(x1, x2, [x1.ndim - 1], [max(x2.ndim - 2, 0)], "dot"), dtype)


@operation
def inner(x1: Any, x2: Any) -> Any:
    """The sum of products over the last axes of both, as NumPy's `np.inner`.

    Parameters
    ----------
    x1, x2 : tensor
        (..., k) each; brought to their common dtype, in which integers wrap around. A scalar
        multiplies the other.

    Returns
    -------
    tensor
        The other axes of x1, then those of x2; in the common dtype, int32 for int8.

    Raises
    ------
    ShapeError
        Last sizes that differ.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> inner([1.0, 2.0], [3.0, 4.0]).item()
    11.0
    """
    x1, x2, dtype = _factors(x1, x2)
    if x1.ndim == 0 or x2.ndim == 0:
        return as_dtype(binary("mul", x1, x2), dtype)
    return as_dtype(_tensordot(x1, x2, [x1.ndim - 1], [x2.ndim - 1], "inner"), dtype)


@operation
def vdot(x1: Any, x2: Any) -> Any:
    """The sum of products of all elements, both flattened, as NumPy's `np.vdot`.

    Parameters
    ----------
    x1, x2 : tensor
        Of as many elements; brought to their common dtype, in which integers wrap around.

    Returns
    -------
    tensor
        A scalar in the common dtype, int32 for int8.

    Raises
    ------
    ShapeError
        Numbers of elements that differ.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> vdot([[1.0, 2.0]], [[3.0, 4.0]]).item()
    11.0
    """
    x1, x2, dtype = _factors(ravel(x1), ravel(x2))
    return as_dtype(_tensordot(x1, x2, [0], [0], "vdot"), dtype)


@operation
def outer(x1: Any, x2: Any) -> Any:
    """out[i, j] = x1[i] x2[j], both flattened, as NumPy's `np.outer`.

    Parameters
    ----------
    x1, x2 : tensor
        Of any shapes, m and n elements; brought to their common dtype.

    Returns
    -------
    tensor
        (m, n), in the common dtype.

    Raises
    ------
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> outer([1, 2], [3, 4]).tolist()
    [[3, 4], [6, 8]]
    """
    return multiply(expand_dims(ravel(x1), 1), expand_dims(ravel(x2), 0))


@operation
def tensordot(x1: Any, x2: Any, axes: Any = 2) -> Any:
    """The sum of products over pairs of axes, as NumPy's `np.tensordot`.

    Parameters
    ----------
    x1, x2 : tensor
        Of equal sizes along the paired axes; brought to their common dtype, in which integers
        wrap around.
    axes : int or (ints, ints)
        A number n, the last n axes of x1 with the first n of x2; or two lists of axes. Default 2.

    Returns
    -------
    tensor
        The other axes of x1, then those of x2; in the common dtype, int32 for int8.

    Raises
    ------
    ShapeError
        Axes of different sizes, lists of different lengths, an axis that is not there or is named
        twice, or a number above that of the axes.
    ValueError
        `axes` that are neither a number nor two lists.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> tensordot([[1.0, 2.0]], [[3.0], [4.0]], axes=1).tolist()
    [[11.0]]
    """
    x1, x2, dtype = _factors(x1, x2)
    if isinstance(axes, (int, np.integer)):
        most = min(x1.ndim, x2.ndim)
        if not 0 <= axes <= most:
            raise ShapeError(f"tensordot: expected `axes` from 0 to {most}, got {axes}")
        a = list(range(x1.ndim - int(axes), x1.ndim))
        b = list(range(int(axes)))
    else:
        a, b = _paired(axes, x1.ndim, x2.ndim)
    return as_dtype(_tensordot(x1, x2, a, b, "tensordot"), dtype)


def _paired(axes: Any, rank1: int, rank2: int) -> tuple[list[int], list[int]]:
    """Two lists of axes, counted from the front."""
    try:
        first, second = axes
    except (TypeError, ValueError):
        raise ValueError(
            f"tensordot: expected `axes` to be a number or two lists of axes, got {axes!r}"
        ) from None
    a = [normalize_axis(i, rank1, "tensordot") for i in sequence(first)]
    b = [normalize_axis(i, rank2, "tensordot") for i in sequence(second)]
    if len(set(a)) != len(a) or len(set(b)) != len(b):
        raise ShapeError(f"tensordot: expected each axis once in `axes`, got {axes}")
    return a, b


def _tensordot(x1: Any, x2: Any, a: list[int], b: list[int], op: str) -> Any:
    sizes = [x1.shape[i] for i in a if i < x1.ndim]
    others = [x2.shape[i] for i in b if i < x2.ndim]
    fits = len(sizes) == len(a) == len(b) == len(others) and all(map(may_be, sizes, others))
    if min(a, default=0) < 0 or not fits:
        raise ShapeError(
            f"{op}: the summed axes must have equal sizes, got axes {a} of shape "
            f"{tuple(x1.shape)} and {b} of {tuple(x2.shape)}"
        )
    free1 = [i for i in range(x1.ndim) if i not in a]
    free2 = [i for i in range(x2.ndim) if i not in b]
    k = math.prod(map(agreed, sizes, others))
    lead, tail = [x1.shape[i] for i in free1], [x2.shape[i] for i in free2]
    left = _reshape(transpose(x1, free1 + a), [math.prod(lead), k])
    right = _reshape(transpose(x2, b + free2), [k, math.prod(tail)])
    return _reshape(_product(left, right), [*lead, *tail])


@operation
def kron(x1: Any, x2: Any) -> Any:
    """The Kronecker product, blocks x1[i, j] x2, as NumPy's `np.kron`.

    Parameters
    ----------
    x1, x2 : tensor
        Of any shapes; brought to their common dtype. The shorter shape gets 1s in front.

    Returns
    -------
    tensor
        The products of their sizes, in the common dtype.

    Raises
    ------
    DTypeError
        An argument that holds no numbers.

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
