"""Activations made of straight pieces. Integers are cast to `floatx()`, where relu keeps them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule.base.dtypes import standardize_dtype
from chainrule.ops._common import binary, unary
from chainrule.tracing.casting import as_dtype, as_float, as_tensor
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation

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


def _bent(x: Any, bend: Callable[[Any], Any], far: float) -> Any:
    """max(x, 0) where |x| > far, where `bend` equals it to the last bit, and bend(x) elsewhere.

    `bend` never sees an infinity or a square that overflows, so neither has a gradient of NaN.
    """
    beyond = _above(unary("abs", x), far)
    return _choose(beyond, unary("relu", x), bend(_choose(beyond, _number(x, 0.0), x)))


def _clip(x: Any, low: float, high: float) -> Any:
    return binary("minimum", binary("maximum", x, _number(x, low)), _number(x, high))


@operation
def relu(x: Any) -> Any:
    """max(x, 0), as `jax.nn.relu`; derivative 1 above 0, else 0. NaN stays.

    Parameters
    ----------
    x : tensor
        Of any shape; booleans are cast to `floatx()`, integers stay.

    Returns
    -------
    tensor
        The shape and the dtype of x; `floatx()` for booleans.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> relu([-1.0, 2.0]).tolist()
    [0.0, 2.0]
    """
    x = as_tensor(x)
    return unary("relu", as_float(x) if standardize_dtype(x.dtype) == "bool" else x)


@operation
def relu6(x: Any) -> Any:
    """min(max(x, 0), 6), as `jax.nn.relu6`.

    Parameters
    ----------
    x : tensor
        Of any shape; booleans are cast to `floatx()`, integers stay.

    Returns
    -------
    tensor
        The shape and the dtype of x; `floatx()` for booleans.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    References
    ----------
    Krizhevsky, Convolutional Deep Belief Networks on CIFAR-10, 2010.

    Examples
    --------
    >>> relu6([-1.0, 2.0, 8.0]).tolist()
    [0.0, 2.0, 6.0]
    """
    return binary("minimum", relu(x), _number(as_tensor(relu(x)), 6))


@operation
def sparse_sigmoid(x: Any) -> Any:
    """0 up to -1, 1 from 1 on, (x + 1)/2 between; as `jax.nn.sparse_sigmoid`.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> sparse_sigmoid([-2.0, 0.0, 2.0]).tolist()
    [0.0, 0.5, 1.0]
    """
    x = as_float(x)
    half = binary("mul", binary("add", x, _number(x, 1.0)), _number(x, 0.5))
    inner = _choose(binary("le", x, _number(x, -1.0)), _number(x, 0.0), half)
    return _choose(binary("ge", x, _number(x, 1.0)), _number(x, 1.0), inner)


@operation
def soft_shrink(x: Any, threshold: float = 0.5) -> Any:
    """x moved towards 0 by `threshold`, and 0 within it; as PyTorch's
    `torch.nn.functional.softshrink`.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.
    threshold : float
        From 0 up. Default 0.5.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> soft_shrink([-1.0, 0.25, 1.0]).tolist()
    [-0.5, 0.0, 0.5]
    """
    x = as_float(x)
    t = _number(x, threshold)
    within = binary("logical_and", binary("le", x, t), binary("ge", x, _number(x, -threshold)))
    moved = _choose(binary("gt", x, t), binary("sub", x, t), binary("add", x, t))
    return _choose(within, _number(x, 0.0), moved)


@operation
def sparse_plus(x: Any) -> Any:
    """0 up to -1, x from 1 on, (x + 1)^2/4 between; as `jax.nn.sparse_plus`. Derivative
    `sparse_sigmoid`.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> sparse_plus([-2.0, 0.0, 2.0]).tolist()
    [0.0, 0.25, 2.0]
    """
    x = as_float(x)
    return _bent(x, _quarter_square, 1.0)


def _quarter_square(x: Any) -> Any:
    """(x + 1)^2/4, of which the derivative at 1 is 1 and at -1 is 0."""
    bend = unary("square", binary("add", x, _number(x, 1.0)))
    return binary("mul", bend, _number(x, 0.25))


@operation
def leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
    """x from 0 on, `negative_slope` x below; as `jax.nn.leaky_relu`. Derivatives 1 and
    `negative_slope`.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.
    negative_slope : float
        The slope below 0. Default 0.2.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    References
    ----------
    Maas, Hannun and Ng, Rectifier Nonlinearities Improve Neural Network Acoustic Models, 2013.

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
    """x/6 + 1/2 cut to [0, 1], as `jax.nn.hard_sigmoid`; derivative 1/6 between -3 and 3, half of
    it there, else 0.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

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
    """x (x/6 + 1/2) between -3 and 3, 0 below and x above; as `jax.nn.hard_silu`.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    References
    ----------
    Howard et al., Searching for MobileNetV3, 2019.

    Examples
    --------
    >>> hard_silu([-3.0, 0.0, 3.0]).tolist()
    [0.0, 0.0, 3.0]
    """
    return _bent(as_float(x), _times_hard_sigmoid, 3.0)


def _times_hard_sigmoid(x: Any) -> Any:
    product = binary("mul", x, hard_sigmoid(x))
    return binary("add", product, _number(x, 0.0))


@operation
def hard_swish(x: Any) -> Any:
    """x hard_sigmoid(x), as `jax.nn.hard_swish`; the same as `hard_silu`.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    References
    ----------
    Howard et al., Searching for MobileNetV3, 2019.

    Examples
    --------
    >>> hard_swish([-3.0, 0.0, 3.0]).tolist()
    [0.0, 0.0, 3.0]
    """
    return hard_silu(x)


@operation
def hard_tanh(x: Any) -> Any:
    """x cut to [-1, 1], as `jax.nn.hard_tanh`; derivative 1 inside, 0 outside, 1/2 at -1 and 1.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> hard_tanh([-2.0, 0.5]).tolist()
    [-1.0, 0.5]
    """
    return _clip(as_float(x), -1.0, 1.0)


@operation
def hard_shrink(x: Any, threshold: float = 0.5) -> Any:
    """x where |x| > threshold, else 0; as PyTorch's `torch.nn.functional.hardshrink`.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.
    threshold : float
        From 0 up. Default 0.5.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> hard_shrink([-1.0, 0.25]).tolist()
    [-1.0, 0.0]
    """
    x = as_float(x)
    within = binary("le", unary("abs", x), _number(x, threshold))
    return _choose(within, _number(x, 0.0), x)


@operation
def threshold(x: Any, threshold: float, default_value: float) -> Any:
    """x where x > threshold, else `default_value`; as PyTorch's `torch.nn.functional.threshold`.
    NaN stays.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.
    threshold : float
        Up to which x is replaced.
    default_value : float
        What replaces it.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> threshold([1.0, 3.0], 2.0, 0.0).tolist()
    [0.0, 3.0]
    """
    x = as_float(x)
    return _choose(binary("le", x, _number(x, threshold)), _number(x, default_value), x)
