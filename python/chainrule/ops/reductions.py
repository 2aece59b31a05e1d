"""Sums, means, extremes and other functions over axes.

`axis` is None (all axes), an int or several ints; with `keepdims` reduced axes stay with size 1.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.base.dtypes import is_float_dtype, result_type, standardize_dtype
from chainrule.base.errors import ShapeError
from chainrule.base.sizes import may_be
from chainrule.ops._common import binary, normalize_axes, normalize_axis, root, unary
from chainrule.ops.comparison import isclose
from chainrule.tracing.arrays import storage_dtype
from chainrule.tracing.casting import as_dtype, as_float, as_tensor, widen_integers
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation
from chainrule.tracing.tensor import shape_equal

__all__ = [
    "all", "allclose", "amax", "amin", "any", "average", "count_nonzero", "logsumexp", "max",
    "mean", "min", "prod", "ptp", "std", "sum", "var",
]  # fmt: skip


def _reduce(function: str, x: Any, axis: Any, keepdims: bool) -> Any:
    axes = normalize_axes(axis, x.ndim, function)
    attrs = {"function": function, "axes": axes, "keepdims": bool(keepdims)}
    return apply("reduce", attrs, [x])


@operation
def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The sum over axes, as NumPy's `np.sum`; 0 over none. Derivative 1.

    Parameters
    ----------
    x : tensor
        Of any shape; booleans and small integers are summed as 32-bit integers.
    axis : int, ints or None
        The axes that go away. Default None: all.
    keepdims : bool
        Whether they stay with size 1. Default False.

    Returns
    -------
    tensor
        The shape of x without the reduced axes, in its dtype (int32 or uint32 for narrower
        integers).

    Raises
    ------
    ShapeError
        An axis that `x` does not have, or one named twice.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> sum([[1, 2], [3, 4]], axis=0).tolist()
    [4, 6]
    """
    return _reduce("sum", widen_integers(as_tensor(x)), axis, keepdims)


@operation
def prod(x: Any, axis: Any = None, keepdims: bool = False, dtype: Any = None) -> Any:
    """The product over axes, as NumPy's `np.prod`; 1 over none. Derivative: the product of the
    others.

    Parameters
    ----------
    x : tensor
        Of any shape; booleans and small integers are taken as 32-bit integers.
    axis : int, ints or None
        The axes that go away. Default None: all.
    keepdims : bool
        Whether they stay with size 1. Default False.
    dtype : str, optional
        Of the factors and the result. Default: that of x, widened.

    Returns
    -------
    tensor
        The shape of x without the reduced axes, in that dtype.

    Raises
    ------
    ShapeError
        An axis that `x` does not have, or one named twice.
    ValueError
        An unknown dtype.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> prod([[1, 2], [3, 4]], axis=1).tolist()
    [2, 12]
    """
    x = as_tensor(x)
    x = widen_integers(x) if dtype is None else as_dtype(x, standardize_dtype(dtype))
    return _reduce("prod", x, axis, keepdims)


@operation
def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The mean over axes, as NumPy's `np.mean`; NaN over none. Derivative 1/count.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans become float32.
    axis : int, ints or None
        The axes that go away. Default None: all.
    keepdims : bool
        Whether they stay with size 1. Default False.

    Returns
    -------
    tensor
        The shape of x without the reduced axes, in its float dtype.

    Raises
    ------
    ShapeError
        An axis that `x` does not have, or one named twice.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> mean([[1, 2], [3, 4]], axis=0).tolist()
    [2.0, 3.0]
    """
    x = as_tensor(x)
    if not is_float_dtype(x.dtype):
        x = as_dtype(x, result_type(x.dtype, "float32"))
    return _reduce("mean", x, axis, keepdims)


@operation
def var(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """mean((x - mean(x))^2) over axes, as NumPy's `np.var`: the biased variance.

    Derivative 2 (x - mean(x))/count.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans become floats.
    axis : int, ints or None
        The axes that go away. Default None: all.
    keepdims : bool
        Whether they stay with size 1. Default False.

    Returns
    -------
    tensor
        The shape of x without the reduced axes, in its float dtype.

    Raises
    ------
    ShapeError
        An axis that `x` does not have, or one named twice.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> var([1.0, 3.0]).item()
    1.0
    """
    x = as_tensor(x)
    if not is_float_dtype(x.dtype):
        x = as_dtype(x, result_type(x.dtype, float))
    centred = binary("sub", x, _reduce("mean", x, axis, True))
    return _reduce("mean", unary("square", centred), axis, keepdims)


@operation
def std(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The square root of `var`, as NumPy's `np.std`; derivative 0 where it is 0.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.
    axis : int, ints or None
        The axes that go away. Default None: all.
    keepdims : bool
        Whether they stay with size 1. Default False.

    Returns
    -------
    tensor
        The shape of x without the reduced axes, in its float dtype.

    Raises
    ------
    ShapeError
        An axis that `x` does not have, or one named twice.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> std([1.0, 3.0]).item()
    1.0
    """
    return root(var(as_float(x), axis, keepdims))


def _extreme(function: str, x: Any, axis: Any, keepdims: bool, initial: Any) -> Any:
    x = as_tensor(x)
    dtype = standardize_dtype(x.dtype)
    axes = normalize_axes(axis, x.ndim, function)
    if math.prod(x.shape[a] for a in axes) == 0 and axes:
        if initial is None:
            raise ShapeError(f"{function}: no elements to reduce in shape {tuple(x.shape)}")
        shape = [1 if i in axes else n for i, n in enumerate(x.shape)]
        kept = shape if keepdims else [n for i, n in enumerate(x.shape) if i not in axes]
        return np.full(kept, initial, storage_dtype(dtype))
    if dtype == "bool":
        result = _reduce("any" if function == "max" else "all", x, axes, keepdims)
    else:
        result = _reduce(function, x, axes, keepdims)
    if initial is None:
        return result
    if dtype == "bool":
        either = "logical_or" if function == "max" else "logical_and"
        return binary(either, result, as_dtype(initial, "bool"))
    return binary("maximum" if function == "max" else "minimum", result, as_dtype(initial, dtype))


@operation
def max(x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Any:
    """The largest element over axes, NaN if one is, as NumPy's `np.max`; ties share the gradient
    equally.

    Parameters
    ----------
    x : tensor
        Of any shape, numbers or booleans.
    axis : int, ints or None
        The axes that go away. Default None: all.
    keepdims : bool
        Whether they stay with size 1. Default False.
    initial : float, optional
        The result is at least this; needed where there are no elements.

    Returns
    -------
    tensor
        The shape of x without the reduced axes, in its dtype.

    Raises
    ------
    ShapeError
        No elements and no `initial`, an axis that `x` does not have, or one named twice.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> max([[1, 5], [3, 2]], axis=1).tolist()
    [5, 3]
    """
    return _extreme("max", x, axis, keepdims, initial)


@operation
def min(x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Any:
    """The smallest element over axes, NaN if one is, as NumPy's `np.min`; ties share the gradient
    equally.

    Parameters
    ----------
    x : tensor
        Of any shape, numbers or booleans.
    axis : int, ints or None
        The axes that go away. Default None: all.
    keepdims : bool
        Whether they stay with size 1. Default False.
    initial : float, optional
        The result is at most this; needed where there are no elements.

    Returns
    -------
    tensor
        The shape of x without the reduced axes, in its dtype.

    Raises
    ------
    ShapeError
        No elements and no `initial`, an axis that `x` does not have, or one named twice.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> min([[1, 5], [3, 2]], axis=1).tolist()
    [1, 2]
    """
    return _extreme("min", x, axis, keepdims, initial)


@operation
def amax(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The largest element over axes, as NumPy's `np.amax`; the same as `max` without `initial`.

    Parameters
    ----------
    x : tensor
        Of any shape, numbers or booleans.
    axis : int, ints or None
        The axes that go away. Default None: all.
    keepdims : bool
        Whether they stay with size 1. Default False.

    Returns
    -------
    tensor
        The shape of x without the reduced axes, in its dtype.

    Raises
    ------
    ShapeError
        No elements, an axis that `x` does not have, or one named twice.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> amax([1, 5]).item()
    5
    """
    return _extreme("max", x, axis, keepdims, None)


@operation
def amin(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The smallest element over axes, as NumPy's `np.amin`; the same as `min` without `initial`.

    Parameters
    ----------
    x : tensor
        Of any shape, numbers or booleans.
    axis : int, ints or None
        The axes that go away. Default None: all.
    keepdims : bool
        Whether they stay with size 1. Default False.

    Returns
    -------
    tensor
        The shape of x without the reduced axes, in its dtype.

    Raises
    ------
    ShapeError
        No elements, an axis that `x` does not have, or one named twice.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> amin([1, 5]).item()
    1
    """
    return _extreme("min", x, axis, keepdims, None)


@operation
def ptp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """max - min over axes, as NumPy's `np.ptp`.

    Parameters
    ----------
    x : tensor
        Of any shape, numbers.
    axis : int, ints or None
        The axes that go away. Default None: all.
    keepdims : bool
        Whether they stay with size 1. Default False.

    Returns
    -------
    tensor
        The shape of x without the reduced axes, in its dtype.

    Raises
    ------
    ShapeError
        No elements, an axis that `x` does not have, or one named twice.
    DTypeError
        `x` holds booleans, or no numbers.

    Examples
    --------
    >>> ptp([1, 5]).item()
    4
    """
    high, low = _extreme("max", x, axis, keepdims, None), _extreme("min", x, axis, keepdims, None)
    return binary("sub", high, low)


@operation
def all(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Whether every element over the axes is true, as NumPy's `np.all`; True over none.

    Parameters
    ----------
    x : tensor
        Of any shape, booleans or numbers, which count as True unless 0.
    axis : int, ints or None
        The axes that go away. Default None: all.
    keepdims : bool
        Whether they stay with size 1. Default False.

    Returns
    -------
    bool tensor
        The shape of x without the reduced axes.

    Raises
    ------
    ShapeError
        An axis that `x` does not have, or one named twice.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> all([[True, True], [True, False]], axis=1).tolist()
    [True, False]
    """
    return _reduce("all", as_dtype(x, "bool"), axis, keepdims)


@operation
def any(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Whether some element over the axes is true, as NumPy's `np.any`; False over none.

    Parameters
    ----------
    x : tensor
        Of any shape, booleans or numbers, which count as True unless 0.
    axis : int, ints or None
        The axes that go away. Default None: all.
    keepdims : bool
        Whether they stay with size 1. Default False.

    Returns
    -------
    bool tensor
        The shape of x without the reduced axes.

    Raises
    ------
    ShapeError
        An axis that `x` does not have, or one named twice.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> any([[False, True], [False, False]], axis=1).tolist()
    [True, False]
    """
    return _reduce("any", as_dtype(x, "bool"), axis, keepdims)


@operation
def allclose(
    x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Any:
    """Whether `isclose` holds for all elements, as NumPy's `np.allclose`.

    Parameters
    ----------
    x1, x2 : tensor
        Of shapes that broadcast; integers become floats.
    rtol : float
        The tolerance relative to |x2|. Default 1e-05.
    atol : float
        The absolute tolerance. Default 1e-08.
    equal_nan : bool
        Whether NaN is close to NaN. Default False.

    Returns
    -------
    bool tensor
        A scalar.

    Raises
    ------
    ShapeError
        Shapes that do not broadcast.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> allclose([1.0], [1.000001]).item()
    True
    """
    return all(isclose(x1, x2, rtol, atol, equal_nan))


@operation
def count_nonzero(x: Any, axis: Any = None) -> Any:
    """How many elements over the axes are not 0, as NumPy's `np.count_nonzero`.

    Parameters
    ----------
    x : tensor
        Of any shape, numbers or booleans; NaN is not 0.
    axis : int, ints or None
        The axes that are counted over. Default None: all.

    Returns
    -------
    int32 tensor
        The shape of x without those axes.

    Raises
    ------
    ShapeError
        An axis that `x` does not have, or one named twice.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> count_nonzero([0, 3, 5]).item()
    2
    """
    return _reduce("sum", as_dtype(as_dtype(x, "bool"), "int32"), axis, False)


@operation
def average(x: Any, axis: Any = None, weights: Any = None) -> Any:
    """sum(weights x)/sum(weights) over axes, as NumPy's `np.average`; without weights the mean.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans become floats.
    axis : int, ints or None
        The axes that go away. Default None: all.
    weights : tensor, optional
        Of the shape of x, or (n,) along the one `axis` of size n.

    Returns
    -------
    tensor
        The shape of x without those axes, in the common float dtype; NaN where the weights sum to
        0.

    Raises
    ------
    ShapeError
        Weights whose shape is neither that of x nor that of the one axis, or an axis that `x` does
        not have.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> average([1.0, 2.0], weights=[3.0, 1.0]).item()
    1.25
    """
    x = as_tensor(x)
    if weights is None:
        return _reduce("mean", as_dtype(x, result_type(x.dtype, float)), axis, False)
    weights = as_tensor(weights)
    dtype = result_type(x.dtype, weights.dtype, float)
    x, weights = as_dtype(x, dtype), as_dtype(weights, dtype)
    if not shape_equal(weights.shape, x.shape):
        if axis is None or weights.ndim != 1:
            raise ShapeError(
                f"average: expected weights of shape {tuple(x.shape)}, or 1-D weights and one "
                f"axis, got shape {tuple(weights.shape)} and axis {axis}"
            )
        index = normalize_axis(axis, x.ndim, "average")
        shape = [-1 if i == index else 1 for i in range(x.ndim)]
        if not may_be(weights.shape[0], x.shape[index]):
            raise ShapeError(
                f"average: expected {x.shape[index]} weights along axis {axis}, "
                f"got {weights.shape[0]}"
            )
        shape[index] = weights.shape[0]
        weights = apply("reshape", {"shape": shape}, [weights])
        weights = apply("broadcast_to", {"shape": list(x.shape)}, [weights])
    total = _reduce("sum", binary("mul", x, weights), axis, False)
    return binary("div", total, _reduce("sum", weights, axis, False))


@operation
def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """ln(sum(exp(x))) over axes, without overflow, as SciPy's `scipy.special.logsumexp`.

    Derivative softmax(x).

    Parameters
    ----------
    x : tensor
        Of any shape, with elements; integers and booleans are cast to `floatx()`.
    axis : int, ints or None
        The axes that go away. Default None: all.
    keepdims : bool
        Whether they stay with size 1. Default False.

    Returns
    -------
    tensor
        The shape of x without the reduced axes, in its float dtype; -inf where all elements are.

    Raises
    ------
    ShapeError
        No elements, an axis that `x` does not have, or one named twice.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> f"{float(logsumexp([0.0, 0.0])):.4f}"
    '0.6931'
    """
    x = as_float(x)
    axes = normalize_axes(axis, x.ndim, "logsumexp")
    return apply("logsumexp", {"axes": axes, "keepdims": bool(keepdims)}, [x])
