"""Activations over whole axes."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from chainrule.base.dtypes import standardize_dtype
from chainrule.base.errors import ShapeError
from chainrule.ops import positions, reductions
from chainrule.ops._common import binary, normalize_axes, normalize_axis, unary
from chainrule.ops._sized import numbers
from chainrule.ops.arranging import flip
from chainrule.ops.joining import split
from chainrule.ops.rectifiers import _choose, _number
from chainrule.ops.shaping import _reshape, transpose
from chainrule.tracing.casting import as_dtype, as_float, as_tensor
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation

__all__ = ["glu", "log_softmax", "softmax", "sparsemax"]


@operation
def glu(x: Any, axis: int = -1) -> Any:
    """a sigmoid(b) for the halves a and b of x along `axis`, as `jax.nn.glu`.

    Parameters
    ----------
    x : tensor
        Of any shape with an even size along `axis`; integers become floats.
    axis : int
        The axis that is halved. Default -1.

    Returns
    -------
    tensor
        The shape of x with half the size along `axis`, in its float dtype.

    Raises
    ------
    ShapeError
        An odd size, or an axis that `x` does not have.
    DTypeError
        `x` holds no numbers.

    References
    ----------
    Dauphin, Fan, Auli and Grangier, Language Modeling with Gated Convolutional Networks, 2016.

    Examples
    --------
    >>> glu([3.0, 0.0]).tolist()
    [1.5]
    """
    x = as_float(x)
    axis = normalize_axis(axis, x.ndim, "glu")
    if x.shape[axis] % 2:
        raise ShapeError(
            f"axis size must be divisible by 2. Received: x.shape={tuple(x.shape)} with axis={axis}"
        )
    a, b = split(x, 2, axis)
    return binary("mul", a, unary("sigmoid", b))


def _over_axes(op: str, x: Any, axis: Any) -> Any:
    x = as_float(x)
    if not isinstance(axis, (list, tuple)):
        if axis is None:
            return _reshape(_over_axes(op, _reshape(x, [math.prod(x.shape)]), 0), x.shape)
        return apply(op, {"axis": normalize_axis(axis, x.ndim, op)}, [x])
    axes = normalize_axes(axis, x.ndim, op)
    order = [i for i in range(x.ndim) if i not in axes] + axes
    last_first = transpose(x, order)
    lead = list(last_first.shape[: x.ndim - len(axes)])
    flat = _reshape(last_first, [*lead, math.prod(x.shape[i] for i in axes)])
    out = _reshape(apply(op, {"axis": len(lead)}, [flat]), last_first.shape)
    return transpose(out, np.argsort(order).tolist())


@operation
def softmax(x: Any, axis: Any = -1) -> Any:
    """s = exp(x)/sum(exp(x)) along one axis or several, as `jax.nn.softmax`.

    Derivative diag(s) - s s^T. The largest element is subtracted first, so that nothing overflows.
    Over an axis of size 1 the result is 1, and a warning says so.

    Parameters
    ----------
    x : tensor
        Of one axis or more; integers and booleans are cast to `floatx()`.
    axis : int, ints or None
        Along which the results sum to 1; None is all axes at once. Default -1.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    ShapeError
        An axis that `x` does not have, or one named twice.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> softmax([0.0, 0.0]).tolist()
    [0.5, 0.5]
    """
    x = as_tensor(x)
    if isinstance(axis, int) and -x.ndim <= axis < x.ndim and x.shape[axis] == 1:
        warnings.warn(
            f"You are using a softmax over axis {axis} of a tensor of shape {tuple(x.shape)}. This "
            "axis has size 1. The softmax operation will always return the value 1, which is "
            "likely not what you intended. Did you mean to use a sigmoid instead?",
            stacklevel=3,
        )
    return _over_axes("softmax", x, axis)


@operation
def log_softmax(x: Any, axis: Any = -1) -> Any:
    """x - ln(sum(exp(x))) along one axis or several, as `jax.nn.log_softmax`; without overflow.

    Derivative I - 1 s^T with s = softmax(x).

    Parameters
    ----------
    x : tensor
        Of one axis or more; integers and booleans are cast to `floatx()`.
    axis : int, ints or None
        Along which the exponentials sum to 1; None is all axes at once. Default -1.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    ShapeError
        An axis that `x` does not have, or one named twice.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> f"{float(log_softmax([0.0, 0.0])[0]):.4f}"
    '-0.6931'
    """
    return _over_axes("log_softmax", x, axis)


@operation
def sparsemax(x: Any, axis: int = -1) -> Any:
    """The point of the probability simplex along `axis` that lies nearest to x.

    max(x - t, 0) with the t for which it sums to 1.

    Parameters
    ----------
    x : tensor
        Of one axis or more; integers and booleans are cast to `floatx()`.
    axis : int
        Along which the results sum to 1. Default -1.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    ShapeError
        An axis that `x` does not have.
    DTypeError
        `x` holds no numbers.

    References
    ----------
    Martins and Astudillo, From Softmax to Sparsemax: A Sparse Model of Attention and Multi-Label
    Classification, 2016.

    Examples
    --------
    >>> sparsemax([0.0, 2.0]).tolist()
    [0.0, 1.0]
    """
    x = as_float(x)
    axis = normalize_axis(axis, x.ndim, "sparsemax")
    ordered = flip(apply("sort", {"axis": axis}, [x]), axis)
    total = positions.cumsum(ordered, axis)
    shape = [n if i == axis else 1 for i, n in enumerate(x.shape)]
    ranks = as_dtype(_reshape(numbers(x.shape[axis]) + np.int32(1), shape), standardize_dtype(x.dtype))
    excess = binary("sub", total, _number(x, 1.0))
    support = binary("gt", binary("mul", ordered, ranks), excess)
    k = reductions.sum(as_dtype(support, standardize_dtype(x.dtype)), axis, True)
    chosen = reductions.sum(_choose(support, ordered, _number(x, 0.0)), axis, True)
    tau = binary("div", binary("sub", chosen, _number(x, 1.0)), k)
    return unary("relu", binary("sub", x, tau))
