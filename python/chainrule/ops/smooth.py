"""Smooth activations. Integers are cast to `floatx()`."""

from __future__ import annotations

import math
from typing import Any

from chainrule.ops._common import binary, unary
from chainrule.ops.rectifiers import _above, _bent, _choose, _number
from chainrule.tracing.casting import as_float
from chainrule.tracing.recording import operation

__all__ = [
    "celu", "elu", "gelu", "log_sigmoid", "selu", "sigmoid", "silu", "softplus", "softsign",
    "squareplus", "swish", "tanh_shrink",
]  # fmt: skip

_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946


@operation
def sigmoid(x: Any) -> Any:
    """s = 1/(1 + exp(-x)), as `jax.nn.sigmoid`; derivative s (1 - s).

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
    >>> sigmoid([0.0]).tolist()
    [0.5]
    """
    return unary("sigmoid", as_float(x))


@operation
def softplus(x: Any) -> Any:
    """ln(1 + exp(x)), without overflow, as `jax.nn.softplus`; derivative sigmoid(x).

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
    >>> f"{float(softplus(0.0)):.4f}"
    '0.6931'
    """
    return unary("softplus", as_float(x))


@operation
def softsign(x: Any) -> Any:
    """x/(1 + |x|), as `jax.nn.soft_sign`; derivative 1/(1 + |x|)^2. -1 and 1 at the infinities.

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
    >>> softsign([1.0, -3.0]).tolist()
    [0.5, -0.75]
    """
    x = as_float(x)
    endless = unary("is_inf", x)
    near = _choose(endless, _number(x, 0.0), x)
    ratio = binary("div", near, binary("add", unary("abs", near), _number(x, 1.0)))
    return _choose(endless, unary("sign", x), ratio)


@operation
def silu(x: Any) -> Any:
    """x s with s = sigmoid(x), as `jax.nn.silu`; derivative s (1 + x (1 - s)).

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
    Elfwing, Uchibe and Doya, Sigmoid-Weighted Linear Units for Neural Network Function
    Approximation in Reinforcement Learning, 2017.

    Examples
    --------
    >>> f"{float(silu(1.0)):.4f}"
    '0.7311'
    """
    return _bent(as_float(x), lambda near: unary("silu", near), 1000.0)


@operation
def swish(x: Any) -> Any:
    """x sigmoid(x), as `jax.nn.swish`; the same as `silu`.

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
    Ramachandran, Zoph and Le, Searching for Activation Functions, 2017.

    Examples
    --------
    >>> f"{float(swish(1.0)):.4f}"
    '0.7311'
    """
    return silu(x)


@operation
def squareplus(x: Any, b: float = 4) -> Any:
    """(x + sqrt(x^2 + b))/2, as `jax.nn.squareplus`; derivative (1 + x/sqrt(x^2 + b))/2.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.
    b : float
        How wide the bend at 0 is, from 0 (relu) up. Default 4.

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
    Barron, Squareplus: A Softplus-Like Algebraic Rectifier, 2021.

    Examples
    --------
    >>> squareplus([0.0]).tolist()
    [1.0]
    """

    def bend(x: Any) -> Any:
        root = unary("sqrt", binary("add", unary("square", x), _number(x, b)))
        return binary("mul", binary("add", x, root), _number(x, 0.5))

    return _bent(as_float(x), bend, 1e18)


@operation
def log_sigmoid(x: Any) -> Any:
    """ln(sigmoid(x)), without overflow, as `jax.nn.log_sigmoid`; derivative sigmoid(-x).

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
    >>> f"{float(log_sigmoid(0.0)):.4f}"
    '-0.6931'
    """
    return unary("log_sigmoid", as_float(x))


def _elu(x: Any, alpha: float) -> Any:
    positive = _above(x, 0.0)
    safe = _choose(positive, _number(x, 0.0), x)
    return _choose(positive, x, binary("mul", unary("expm1", safe), _number(x, alpha)))


@operation
def elu(x: Any, alpha: float = 1.0) -> Any:
    """x above 0, alpha (exp(x) - 1) below, as `jax.nn.elu`; derivatives 1 and alpha exp(x).

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.
    alpha : float
        -alpha is the limit at minus infinity. Default 1.0.

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
    Clevert, Unterthiner and Hochreiter, Fast and Accurate Deep Network Learning by Exponential
    Linear Units (ELUs), 2015.

    Examples
    --------
    >>> elu([0.0, 2.0]).tolist()
    [0.0, 2.0]
    """
    return _elu(as_float(x), alpha)


@operation
def selu(x: Any) -> Any:
    """1.0507 elu(x, 1.6733), which keeps mean 0 and variance 1; as `jax.nn.selu`.

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
    Klambauer, Unterthiner, Mayr and Hochreiter, Self-Normalizing Neural Networks, 2017.

    Examples
    --------
    >>> f"{float(selu(1.0)):.4f}"
    '1.0507'
    """
    x = as_float(x)
    return binary("mul", _elu(x, _SELU_ALPHA), _number(x, _SELU_SCALE))


@operation
def celu(x: Any, alpha: float = 1.0) -> Any:
    """x above 0, alpha (exp(x/alpha) - 1) below, as `jax.nn.celu`; derivative 1 at 0.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.
    alpha : float
        -alpha is the limit at minus infinity; not 0. Default 1.0.

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
    Barron, Continuously Differentiable Exponential Linear Units, 2017.

    Examples
    --------
    >>> celu([0.0, 2.0]).tolist()
    [0.0, 2.0]
    """
    x = as_float(x)
    positive = _above(x, 0.0)
    low = _choose(positive, _number(x, 0.0), x)
    bent = unary("expm1", binary("div", low, _number(x, alpha)))
    return _choose(positive, x, binary("mul", bent, _number(x, alpha)))


@operation
def gelu(x: Any, approximate: bool = True) -> Any:
    """x Phi(x) with the normal distribution's Phi, or its tanh approximation; as `jax.nn.gelu`.

    The approximation is x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))).

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.
    approximate : bool
        Whether to take the approximation. Default True.

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
    Hendrycks and Gimpel, Gaussian Error Linear Units (GELUs), 2016.

    Examples
    --------
    >>> f"{float(gelu(1.0)):.4f}", f"{float(gelu(1.0, approximate=False)):.4f}"
    ('0.8412', '0.8413')
    """
    x = as_float(x)
    return _bent(x, _gelu_tanh, 100.0) if approximate else unary("gelu", x)


def _gelu_tanh(x: Any) -> Any:
    cube = binary("mul", unary("square", x), x)
    inner = binary("add", x, binary("mul", cube, _number(x, 0.044715)))
    return _below(x, unary("tanh", binary("mul", inner, _number(x, math.sqrt(2.0 / math.pi)))))


def _below(x: Any, bent: Any) -> Any:
    """x (1 + bent)/2"""
    half = binary("mul", binary("add", bent, _number(x, 1.0)), _number(x, 0.5))
    return binary("mul", x, half)


@operation
def tanh_shrink(x: Any) -> Any:
    """x - tanh(x), as PyTorch's `torch.nn.functional.tanhshrink`; derivative tanh(x)^2.

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
    >>> tanh_shrink([0.0]).tolist()
    [0.0]
    """
    x = as_float(x)
    return binary("sub", x, unary("tanh", x))
