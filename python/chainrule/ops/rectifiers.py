"""Activations made of straight pieces. Integers are cast to `floatx()`, where relu keeps them."""

from __future__ import annotations

from typing import Any

from chainrule.dispatch import apply, operation
from chainrule.dtypes import standardize_dtype
from chainrule.ops._common import as_dtype, as_float, as_tensor, binary, unary

__all__ = [
    "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh", "leaky_relu", "relu",
    "relu6", "soft_shrink", "sparse_plus", "sparse_sigmoid", "threshold",
]  # fmt: skip


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
