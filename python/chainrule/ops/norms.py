"""Norms of vectors and matrices."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from chainrule.base.dtypes import is_float_dtype, result_type, standardize_dtype
from chainrule.ops import reductions
from chainrule.ops._common import binary, normalize_axes, normalize_axis, root, unary
from chainrule.tracing.casting import as_dtype, as_tensor
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation

__all__ = ["norm"]


@operation
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """The norm of vectors (one axis) or matrices (two axes), as NumPy's `np.linalg.norm`.

    Without `ord` and `axis` the Euclidean norm of all elements. The derivative is 0 where the norm
    is.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans become float32.
    ord : int, float, str or None
        For vectors None or 2 (Euclidean), 1, inf, -inf, 0 (how many are not 0), or any p; for
        matrices None or "fro", 1, -1, inf, -inf, 2 and -2 (the largest and the least singular
        value), and "nuc" (their sum).
    axis : int, (int, int) or None
        That of vectors, or the two of matrices. Default None: all.
    keepdims : bool
        Whether they stay with size 1. Default False.

    Returns
    -------
    tensor
        The shape of x without the reduced axes, in its float dtype.

    Raises
    ------
    ValueError
        An `ord` that does not exist for so many axes, or more than two axes.
    ShapeError
        An axis that `x` does not have, or no elements for an extreme.
    DataError
        NaN or an infinity, for `ord` 2, -2 and "nuc".
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> norm([3.0, 4.0]).item()
    5.0
    """
    x = as_tensor(x)
    if not is_float_dtype(x.dtype):
        x = as_dtype(x, result_type(x.dtype, "float32"))
    if isinstance(ord, str) and ord not in ("fro", "nuc"):
        raise ValueError(
            "Invalid `ord` argument. Expected one of {'fro', 'nuc'} when using string. "
            f"Received: ord={ord}"
        )
    if axis is None:
        if ord is None:
            axes = list(range(x.ndim))
            return _euclidean(x, axes, keepdims)
        axes = list(range(x.ndim))
    elif isinstance(axis, (list, tuple)):
        axes = [normalize_axis(a, x.ndim, "norm") for a in axis]
    else:
        axes = normalize_axes(axis, x.ndim, "norm")
    if len(axes) == 1:
        return _vector_norm(x, ord, axes, keepdims)
    if len(axes) != 2:
        raise ValueError(f"norm: expected one or two axes for ord={ord}, got axis={axis}")
    return _matrix_norm(x, ord, axes, keepdims)


def _euclidean(x: Any, axes: list[int], keepdims: bool) -> Any:
    return root(reductions.sum(unary("square", x), axes, keepdims))


def _vector_norm(x: Any, ord: Any, axes: list[int], keepdims: bool) -> Any:
    if isinstance(ord, str):
        raise ValueError(f"Invalid `ord` argument for vector norm. Received: ord={ord}")
    if ord is None or ord == 2:
        return _euclidean(x, axes, keepdims)
    size = unary("abs", x)
    if ord == np.inf:
        return reductions.max(size, axes, keepdims)
    if ord == -np.inf:
        return reductions.min(size, axes, keepdims)
    name = standardize_dtype(x.dtype)
    if ord == 0:
        nonzero = as_dtype(as_dtype(x, "bool"), name)
        return reductions.sum(nonzero, axes, keepdims)
    if ord == 1:
        return reductions.sum(size, axes, keepdims)
    powers = reductions.sum(_power(size, float(ord)), axes, keepdims)
    return _power(powers, 1.0 / ord)


def _power(x: Any, exponent: float) -> Any:
    """x^exponent for x >= 0, with the derivative 0 at 0 and at infinity."""
    name = standardize_dtype(x.dtype)
    at_zero, at_infinity = (0.0, np.inf) if exponent > 0 else (np.inf, 0.0)
    zero, endless = binary("eq", x, as_dtype(0.0, name)), unary("is_inf", x)
    edge = binary("logical_or", zero, endless)
    safe = apply("select", {}, [edge, as_dtype(1.0, name), x])
    power = binary("pow", safe, as_dtype(exponent, name))
    power = apply("select", {}, [zero, as_dtype(at_zero, name), power])
    return apply("select", {}, [endless, as_dtype(at_infinity, name), power])


def _matrix_norm(x: Any, ord: Any, axes: list[int], keepdims: bool) -> Any:
    if ord in (None, "fro"):
        return _euclidean(x, axes, keepdims)
    shape = [1 if i in axes else n for i, n in enumerate(x.shape)]
    kept = shape if keepdims else [n for i, n in enumerate(x.shape) if i not in axes]
    if ord in (2, -2, "nuc"):
        lead = [i for i in range(x.ndim) if i not in axes]
        matrices = apply("transpose", {"axes": lead + axes}, [x])
        _, values, _ = apply("svd", {"full": False}, [matrices], outputs=3)
        pick = {2: reductions.max, -2: reductions.min, "nuc": reductions.sum}[ord]
        return apply("reshape", {"shape": kept}, [pick(values, -1)])
    if ord not in (1, -1, np.inf, -np.inf):
        raise ValueError(f"Invalid `ord` argument for matrix norm. Received: ord={ord}")
    rows, columns = axes if builtins.abs(ord) == 1 else axes[::-1]
    sums = reductions.sum(unary("abs", x), rows, keepdims=True)
    extreme = reductions.max if ord > 0 else reductions.min
    result = extreme(sums, columns, keepdims=True)
    return apply("reshape", {"shape": kept}, [result])
