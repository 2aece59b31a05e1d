"""Differences, integrals by the trapezoidal rule, correlations, vector products, traces."""

from __future__ import annotations

from typing import Any

from chainrule.base.dtypes import is_float_dtype, result_type, standardize_dtype
from chainrule.base.errors import ShapeError
from chainrule.base.sizes import at_least, at_most, may_be
from chainrule.ops._common import binary, block, normalize_axis
from chainrule.ops._sized import numbers
from chainrule.ops.diagonals import diagonal
from chainrule.ops.joining import stack
from chainrule.ops.linear import _product
from chainrule.ops.shaping import _reshape, moveaxis
from chainrule.tracing.casting import as_dtype, as_tensor, promote, promote_float, widen_integers
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation

__all__ = ["correlate", "cross", "diff", "trace", "trapezoid"]


def _sum(x: Any, axes: list[int]) -> Any:
    return apply("reduce", {"function": "sum", "axes": axes, "keepdims": False}, [x])


@operation
def cross(
    x1: Any, x2: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    """The vector product along axes of size 3 (or 2, whose third component is 0), as NumPy's
    `np.cross`.

    Parameters
    ----------
    x1, x2 : tensor
        Vectors along `axisa` and `axisb`; their other axes broadcast. Brought to their common
        dtype, booleans to int32.
    axisa : int
        The axis of x1's vectors. Default -1.
    axisb : int
        The axis of x2's vectors. Default -1.
    axisc : int
        Where the vectors of the result stand. Default -1.
    axis : int, optional
        In place of all three.

    Returns
    -------
    tensor
        The broadcast shape with 3 at `axisc`, or without that axis where both have size 2; in the
        common dtype (int32 for booleans).

    Raises
    ------
    ShapeError
        Vectors of other sizes, an axis that is not there, or shapes that do not broadcast.
    DTypeError
        An argument that holds no numbers.

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
            f"cross: expected `x1`'s dim on `axis={axisa}` and `x2`'s dim on `axis={axisb}` to be "
            f"either 2 or 3, got {x1.shape[0]} and {x2.shape[0]}"
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
    return moveaxis(stack([a[1] * b3 - a3 * b[1], a3 * b[0] - a[0] * b3, z]), 0, axisc)


@operation
def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The sum of the diagonal of the matrices in two axes, as NumPy's `np.trace`.

    Parameters
    ----------
    x : tensor
        Of two axes or more; booleans and small integers are summed as 32-bit integers.
    offset : int
        Which diagonal: above 0 further up, below 0 further down. Default 0.
    axis1 : int
        The rows of the matrices. Default 0.
    axis2 : int
        Their columns. Default 1.

    Returns
    -------
    tensor
        The shape of x without the two axes, in its dtype (int32 or uint32 for narrower integers).

    Raises
    ------
    ShapeError
        Fewer than two axes, an axis that is not there, or one axis twice.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> trace([[1, 2], [3, 4]]).item()
    5
    """
    diagonals = widen_integers(diagonal(x, offset, axis1, axis2))
    return _sum(diagonals, [diagonals.ndim - 1])


@operation
def diff(a: Any, n: int = 1, axis: int = -1) -> Any:
    """a[i + 1] - a[i] along `axis`, n times, as NumPy's `np.diff`; of booleans, where they change.

    Parameters
    ----------
    a : tensor
        Of one axis or more. Integers wrap around.
    n : int
        How often, from 0 up. Default 1.
    axis : int
        Along which. Default -1.

    Returns
    -------
    tensor
        The shape of `a` with n elements less along `axis`, at least 0; in its dtype.

    Raises
    ------
    ValueError
        A negative `n`.
    ShapeError
        An axis that `a` does not have.
    DTypeError
        `a` holds no numbers.

    Examples
    --------
    >>> diff([1, 4, 9]).tolist()
    [3, 5]
    """
    if n < 0:
        raise ValueError(f"diff: expected `n` of at least 0, got {n}")
    x = as_tensor(a)
    axis = normalize_axis(axis, x.ndim, "diff")
    function = "logical_xor" if standardize_dtype(x.dtype) == "bool" else "sub"
    # Nothing is left after as many differences as there are elements.
    for _ in range(at_most(n, x.shape[axis])):
        size = x.shape[axis]
        high, low = block(x, axis, at_most(1, size), size), block(x, axis, 0, at_least(size - 1, 0))
        x = binary(function, high, low)
    return x


@operation
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """The integral of y by the trapezoidal rule, sum (y[i] + y[i + 1]) (x[i + 1] - x[i])/2; as
    NumPy's `np.trapezoid`.

    Parameters
    ----------
    y : tensor
        Of one axis or more; integers and booleans become floats.
    x : tensor, optional
        The points: as many as y has along `axis`, (n,), or with as many axes as y. Default: at
        distance `dx`.
    dx : float
        The distance of the points without `x`. Default 1.0.
    axis : int
        Along which. Default -1.

    Returns
    -------
    tensor
        The shape of y without `axis`, in its float dtype.

    Raises
    ------
    ShapeError
        An axis that `y` does not have, or points whose shape does not fit.
    DTypeError
        An argument that holds no numbers.

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
        size = y.shape[axis]
        if x.ndim not in (1, y.ndim) or not may_be(
            x.shape[axis if x.ndim == y.ndim else 0], size
        ):
            raise ShapeError(
                f"trapezoid: expected `x` of {size} points for `y` of shape {tuple(y.shape)} along "
                f"axis {axis}, got shape {tuple(x.shape)}"
            )
        width = diff(x, axis=axis if x.ndim > 1 else 0)
        if x.ndim == 1:
            width = _reshape(width, [width.shape[0] if i == axis else 1 for i in range(y.ndim)])
    size = y.shape[axis]
    both = binary("add", block(y, axis, 1, size), block(y, axis, 0, size - 1))
    half = binary("mul", binary("mul", both, width), as_dtype(0.5, dtype))
    return _sum(half, [axis])


@operation
def correlate(x1: Any, x2: Any, mode: str = "valid") -> Any:
    """out[n] = sum_k x1[n + k] x2[k], over all shifts n that `mode` names; as NumPy's
    `np.correlate`.

    Parameters
    ----------
    x1, x2 : tensor
        (m,) and (n,); integers become floats.
    mode : str
        "valid": where the shorter lies inside the longer; "full": where they meet; "same": the
        middle of "full", as long as the longer. Default "valid".

    Returns
    -------
    tensor
        |m - n| + 1, m + n - 1 or max(m, n) elements, in the common float dtype: float64 for int64.

    Raises
    ------
    ValueError
        An unknown mode.
    ShapeError
        Tensors that are not 1-D, or empty.
    DTypeError
        An argument that holds no numbers.

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
    if 0 in (x1.shape[0], x2.shape[0]):
        raise ShapeError(
            "correlate: expected tensors of at least one element, got shapes "
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
    index = numbers(count)[:, None] + numbers(n)
    windows = apply("gather", {"axis": 0}, [padded, index])
    out = _reshape(_product(windows, _reshape(short, [n, 1])), [count])
    attrs = {"start": [count - 1], "stop": [-1], "step": [-1]}
    return apply("slice", attrs, [out]) if swapped else out
