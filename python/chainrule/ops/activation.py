"""Activation functions. Integers are cast to `floatx()`, except where relu keeps them."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from chainrule.dispatch import apply, operation
from chainrule.dtypes import standardize_dtype
from chainrule.errors import ShapeError
from chainrule.ops import reductions
from chainrule.ops._common import (
    as_dtype,
    as_float,
    as_tensor,
    binary,
    normalize_axes,
    normalize_axis,
    unary,
)
from chainrule.ops.joining import split
from chainrule.ops.shaping import _reshape, flip, transpose

__all__ = [
    "celu", "elu", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish",
    "hard_tanh", "leaky_relu", "log_sigmoid", "log_softmax", "relu", "relu6", "selu", "sigmoid",
    "silu", "soft_shrink", "softmax", "softplus", "softsign", "sparse_plus", "sparse_sigmoid",
    "sparsemax", "squareplus", "swish", "tanh_shrink", "threshold",
]  # fmt: skip

_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946


def _number(x: Any, value: float) -> Any:
    """`value` in the dtype of x."""
    return as_dtype(value, standardize_dtype(x.dtype))


def _choose(condition: Any, x1: Any, x2: Any) -> Any:
    return apply("select", {}, [condition, x1, x2])


def _above(x: Any, value: float) -> Any:
    return binary("gt", x, _number(x, value))


def _clip(x: Any, low: float, high: float) -> Any:
    return binary("minimum", binary("maximum", x, _number(x, low)), _number(x, high))


@operation
def relu(x: Any) -> Any:
    """max(x, 0); derivative 1 above 0, else 0.

    Examples
    --------
    >>> relu([-1.0, 2.0]).tolist()
    [0.0, 2.0]
    """
    x = as_tensor(x)
    return unary("relu", as_float(x) if standardize_dtype(x.dtype) == "bool" else x)


@operation
def relu6(x: Any) -> Any:
    """min(max(x, 0), 6).

    Examples
    --------
    >>> relu6([-1.0, 2.0, 8.0]).tolist()
    [0.0, 2.0, 6.0]
    """
    return binary("minimum", relu(x), _number(as_tensor(relu(x)), 6))


@operation
def sigmoid(x: Any) -> Any:
    """s = 1/(1 + exp(-x)); derivative s (1 - s).

    Examples
    --------
    >>> sigmoid([0.0]).tolist()
    [0.5]
    """
    return unary("sigmoid", as_float(x))


@operation
def sparse_sigmoid(x: Any) -> Any:
    """0 up to -1, 1 from 1 on, (x + 1)/2 between.

    Examples
    --------
    >>> sparse_sigmoid([-2.0, 0.0, 2.0]).tolist()
    [0.0, 0.5, 1.0]
    """
    x = as_float(x)
    half = binary("mul", binary("add", x, _number(x, 1.0)), _number(x, 0.5))
    inner = _choose(_above(x, -1.0), half, _number(x, 0.0))
    return _choose(binary("ge", x, _number(x, 1.0)), _number(x, 1.0), inner)


@operation
def softplus(x: Any) -> Any:
    """ln(1 + exp(x)), without overflow; derivative sigmoid(x).

    Examples
    --------
    >>> f"{float(softplus(0.0)):.4f}"
    '0.6931'
    """
    return unary("softplus", as_float(x))


@operation
def softsign(x: Any) -> Any:
    """x/(1 + |x|); derivative 1/(1 + |x|)^2.

    Examples
    --------
    >>> softsign([1.0, -3.0]).tolist()
    [0.5, -0.75]
    """
    x = as_float(x)
    return binary("div", x, binary("add", unary("abs", x), _number(x, 1.0)))


@operation
def soft_shrink(x: Any, threshold: float = 0.5) -> Any:
    """x moved towards 0 by `threshold`, and 0 within it.

    Examples
    --------
    >>> soft_shrink([-1.0, 0.25, 1.0]).tolist()
    [-0.5, 0.0, 0.5]
    """
    x = as_float(x)
    t, zero = _number(x, threshold), _number(x, 0.0)
    low = _choose(binary("lt", x, _number(x, -threshold)), binary("add", x, t), zero)
    return _choose(binary("gt", x, t), binary("sub", x, t), low)


@operation
def sparse_plus(x: Any) -> Any:
    """0 up to -1, x from 1 on, (x + 1)^2/4 between.

    Examples
    --------
    >>> sparse_plus([-2.0, 0.0, 2.0]).tolist()
    [0.0, 0.25, 2.0]
    """
    x = as_float(x)
    bend = unary("square", binary("add", x, _number(x, 1.0)))
    inner = _choose(_above(x, -1.0), binary("mul", bend, _number(x, 0.25)), _number(x, 0.0))
    return _choose(binary("lt", x, _number(x, 1.0)), inner, x)


@operation
def silu(x: Any) -> Any:
    """x sigmoid(x).

    Examples
    --------
    >>> f"{float(silu(1.0)):.4f}"
    '0.7311'
    """
    return unary("silu", as_float(x))


@operation
def swish(x: Any) -> Any:
    """x sigmoid(x), as `silu`.

    Examples
    --------
    >>> f"{float(swish(1.0)):.4f}"
    '0.7311'
    """
    return unary("silu", as_float(x))


@operation
def squareplus(x: Any, b: float = 4) -> Any:
    """(x + sqrt(x^2 + b))/2.

    Examples
    --------
    >>> squareplus([0.0]).tolist()
    [1.0]
    """
    x = as_float(x)
    root = unary("sqrt", binary("add", unary("square", x), _number(x, b)))
    return binary("mul", binary("add", x, root), _number(x, 0.5))


@operation
def log_sigmoid(x: Any) -> Any:
    """ln(sigmoid(x)), without overflow; derivative sigmoid(-x).

    Examples
    --------
    >>> f"{float(log_sigmoid(0.0)):.4f}"
    '-0.6931'
    """
    return unary("log_sigmoid", as_float(x))


@operation
def leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
    """x from 0 on, `negative_slope` x below.

    Examples
    --------
    >>> leaky_relu([-2.0, 2.0], 0.25).tolist()
    [-0.5, 2.0]
    """
    x = as_float(x)
    below = binary("mul", x, _number(x, negative_slope))
    return _choose(binary("ge", x, _number(x, 0.0)), x, below)


@operation
def hard_sigmoid(x: Any) -> Any:
    """x/6 + 1/2 cut to [0, 1].

    Examples
    --------
    >>> hard_sigmoid([-3.0, 0.0, 3.0]).tolist()
    [0.0, 0.5, 1.0]
    """
    x = as_float(x)
    line = binary("add", binary("div", x, _number(x, 6.0)), _number(x, 0.5))
    return _clip(line, 0.0, 1.0)


@operation
def hard_silu(x: Any) -> Any:
    """x hard_sigmoid(x).

    Examples
    --------
    >>> hard_silu([-3.0, 0.0, 3.0]).tolist()
    [0.0, 0.0, 3.0]
    """
    x = as_float(x)
    product = binary("mul", x, hard_sigmoid(x))
    return binary("add", product, _number(x, 0.0))


@operation
def hard_swish(x: Any) -> Any:
    """x hard_sigmoid(x), as `hard_silu`.

    Examples
    --------
    >>> hard_swish([-3.0, 0.0, 3.0]).tolist()
    [0.0, 0.0, 3.0]
    """
    return hard_silu(x)


def _elu(x: Any, alpha: float) -> Any:
    positive = _above(x, 0.0)
    safe = _choose(positive, _number(x, 0.0), x)
    return _choose(positive, x, binary("mul", unary("expm1", safe), _number(x, alpha)))


@operation
def elu(x: Any, alpha: float = 1.0) -> Any:
    """x above 0, alpha (exp(x) - 1) below.

    Examples
    --------
    >>> elu([0.0, 2.0]).tolist()
    [0.0, 2.0]
    """
    return _elu(as_float(x), alpha)


@operation
def selu(x: Any) -> Any:
    """1.0507 elu(x, 1.6733), which keeps mean 0 and variance 1 (Klambauer et al., 2017).

    Examples
    --------
    >>> f"{float(selu(1.0)):.4f}"
    '1.0507'
    """
    x = as_float(x)
    return binary("mul", _elu(x, _SELU_ALPHA), _number(x, _SELU_SCALE))


@operation
def celu(x: Any, alpha: float = 1.0) -> Any:
    """max(x, 0) + alpha (exp(min(x, 0)/alpha) - 1).

    Examples
    --------
    >>> celu([0.0, 2.0]).tolist()
    [0.0, 2.0]
    """
    x = as_float(x)
    low = binary("minimum", x, _number(x, 0.0))
    bent = unary("expm1", binary("div", low, _number(x, alpha)))
    return binary("add", unary("relu", x), binary("mul", bent, _number(x, alpha)))


@operation
def gelu(x: Any, approximate: bool = True) -> Any:
    """x Phi(x) with the normal distribution's Phi, or its tanh approximation.

    approximate: x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) (Hendrycks and Gimpel, 2016).

    Examples
    --------
    >>> f"{float(gelu(1.0)):.4f}", f"{float(gelu(1.0, approximate=False)):.4f}"
    ('0.8412', '0.8413')
    """
    x = as_float(x)
    if approximate:
        cube = binary("mul", unary("square", x), x)
        inner = binary("add", x, binary("mul", cube, _number(x, 0.044715)))
        bent = unary("tanh", binary("mul", inner, _number(x, math.sqrt(2.0 / math.pi))))
    else:
        bent = unary("erf", binary("mul", x, _number(x, math.sqrt(0.5))))
    half = binary("mul", binary("add", bent, _number(x, 1.0)), _number(x, 0.5))
    return binary("mul", x, half)


@operation
def glu(x: Any, axis: int = -1) -> Any:
    """a sigmoid(b) for the halves a and b of x along `axis`.

    Raises
    ------
    ShapeError
        An odd size.

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


@operation
def tanh_shrink(x: Any) -> Any:
    """x - tanh(x); derivative tanh(x)^2.

    Examples
    --------
    >>> tanh_shrink([0.0]).tolist()
    [0.0]
    """
    x = as_float(x)
    return binary("sub", x, unary("tanh", x))


@operation
def hard_tanh(x: Any) -> Any:
    """x cut to [-1, 1].

    Examples
    --------
    >>> hard_tanh([-2.0, 0.5]).tolist()
    [-1.0, 0.5]
    """
    return _clip(as_float(x), -1.0, 1.0)


@operation
def hard_shrink(x: Any, threshold: float = 0.5) -> Any:
    """x where |x| > threshold, else 0.

    Examples
    --------
    >>> hard_shrink([-1.0, 0.25]).tolist()
    [-1.0, 0.0]
    """
    x = as_float(x)
    return _choose(_above(unary("abs", x), threshold), x, _number(x, 0.0))


@operation
def threshold(x: Any, threshold: float, default_value: float) -> Any:
    """x where x > threshold, else `default_value`.

    Examples
    --------
    >>> threshold([1.0, 3.0], 2.0, 0.0).tolist()
    [0.0, 3.0]
    """
    x = as_float(x)
    return _choose(_above(x, threshold), x, _number(x, default_value))


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
    """s = exp(x)/sum(exp(x)) along one axis or several; derivative diag(s) - s s^T.

    Raises
    ------
    ShapeError
        An axis that is not there.

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
    """x - ln(sum(exp(x))) along one axis or several.

    Examples
    --------
    >>> f"{float(log_softmax([0.0, 0.0])[0]):.4f}"
    '-0.6931'
    """
    return _over_axes("log_softmax", x, axis)


@operation
def sparsemax(x: Any, axis: int = -1) -> Any:
    """The projection of x onto the probability simplex (Martins and Astudillo, 2016).

    Examples
    --------
    >>> sparsemax([0.0, 2.0]).tolist()
    [0.0, 1.0]
    """
    x = as_float(x)
    axis = normalize_axis(axis, x.ndim, "sparsemax")
    ordered = flip(apply("sort", {"axis": axis}, [x]), axis)
    total = reductions.cumsum(ordered, axis)
    shape = [n if i == axis else 1 for i, n in enumerate(x.shape)]
    ranks = as_dtype(np.arange(1, x.shape[axis] + 1).reshape(shape), standardize_dtype(x.dtype))
    excess = binary("sub", total, _number(x, 1.0))
    support = binary("gt", binary("mul", ordered, ranks), excess)
    k = reductions.sum(as_dtype(support, standardize_dtype(x.dtype)), axis, True)
    chosen = reductions.sum(_choose(support, ordered, _number(x, 0.0)), axis, True)
    tau = binary("div", binary("sub", chosen, _number(x, 1.0)), k)
    return unary("relu", binary("sub", x, tau))
