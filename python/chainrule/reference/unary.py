"""y = f(x), element by element.

dx = dout * f'(x)

Shapes: x any, y as x. Dtypes: float to float; neg, abs, sign, square, floor, ceil, round, trunc,
relu also keep integers; is_nan, is_inf, is_finite, logical_not give bool and no gradient.
At kinks: abs'(0) = 0, relu'(0) = 0; sign, floor, ceil, round, trunc have derivative 0 everywhere.
Source: Abramowitz and Stegun, Handbook of Mathematical Functions, chapters 4, 6, 7.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from chainrule.reference._arrays import Array, Attrs, is_float, needed

Derivative: TypeAlias = Callable[[Array, Array], Array]


def _each(scalar: Callable[[float], float], x: Array) -> Array:
    """A scalar function of the standard library at every element, in x's dtype."""
    flat = [scalar(float(v)) for v in np.ravel(x)]
    return np.array(flat, dtype=np.float64).reshape(x.shape).astype(x.dtype)


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)); only exp of something negative is taken, so nothing overflows."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + e), e / (1 + e))


def softplus(x: Array) -> Array:
    """log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|))"""
    y: Array = np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))
    return y


def erf(x: Array) -> Array:
    """2 / sqrt(pi) * integral of exp(-t^2) from 0 to x"""
    return _each(math.erf, x)


def _normal_cdf(x: Array) -> Array:
    """Phi(x) = erfc(-x / sqrt(2)) / 2"""
    return _each(lambda v: 0.5 * math.erfc(-v / math.sqrt(2)), x)


def gelu(x: Array) -> Array:
    """x Phi(x), which goes to 0 at minus infinity"""
    return np.asarray(np.where(x < -40, 0, x) * _normal_cdf(x))


def gelu_slope(x: Array) -> Array:
    """Phi(x) + x exp(-x^2 / 2) / sqrt(2 pi)"""
    c = np.clip(x, -40, 40)
    return np.asarray(_normal_cdf(x) + c * np.exp(-c * c / 2) / math.sqrt(2 * math.pi))


def _gelu_bend(x: Array, y: Array) -> Array:
    """(2 - x^2) exp(-x^2 / 2) / sqrt(2 pi)"""
    c = np.clip(x, -40, 40)
    return np.asarray((2 - c * c) * np.exp(-c * c / 2) / math.sqrt(2 * math.pi))


def _erfinv(y: float) -> float:
    """Newton's method on erf, or on log(erfc) in the tails, from Winitzki's estimate."""
    a = abs(y)
    if not a < 1.0:
        return math.copysign(math.inf, y) if a == 1.0 else math.nan
    if a == 0.0:
        return y
    log_tail = math.log1p(-a * a)
    middle = 2 / (math.pi * 0.147) + log_tail / 2
    x = math.sqrt(math.sqrt(middle * middle - log_tail / 0.147) - middle)
    for _ in range(6):
        slope = 2 / math.sqrt(math.pi) * math.exp(-x * x)
        if a < 0.5:
            x -= (math.erf(x) - a) / slope
        else:
            rest = math.erfc(x)
            x += math.log(rest / (1 - a)) * rest / slope
    return math.copysign(x, y)


def erfinv(y: Array) -> Array:
    """The x with erf(x) = y; infinite at -1 and 1, NaN outside."""
    return _each(_erfinv, y)


def _lgamma(x: float) -> float:
    at_a_pole = x <= 0 and x == math.floor(x)
    if at_a_pole or x > 1e305:
        return math.inf
    return math.lgamma(x)


def lgamma(x: Array) -> Array:
    """log |Gamma(x)|; infinite at 0, -1, -2, ..."""
    return _each(_lgamma, x)


def _digamma(x: float) -> float:
    """psi(x) = psi(x + 1) - 1/x up to x >= 10, then a series in 1/x^2; reflection below zero."""
    if math.isnan(x) or x == -math.inf:
        return math.nan
    if x == math.inf:
        return math.inf
    if x <= 0:
        if x == math.floor(x):
            return math.nan
        return _digamma(1 - x) - math.pi / math.tan(math.pi * (x - math.floor(x)))
    total = 0.0
    while x < 10:
        total -= 1 / x
        x += 1
    # psi(x) ~ log x - 1/(2x) - sum B_2n / (2n x^2n): Abramowitz and Stegun 6.3.18.
    r = 1 / (x * x)
    series = 0.0
    for coefficient in (691 / 32760, -1 / 132, 1 / 240, -1 / 252, 1 / 120, -1 / 12):
        series = r * (coefficient + series)
    return total + math.log(x) - 0.5 / x + series


def digamma(x: Array) -> Array:
    """psi(x) = d lgamma(x) / dx"""
    return _each(_digamma, x)


def _zero(x: Array, y: Array) -> Array:
    return np.zeros_like(x)


def _tanh_slope(x: Array, y: Array) -> Array:
    """1 - tanh(x)^2 = 4 e / (1 + e)^2 with e = exp(-2|x|), which does not cancel for large |x|."""
    e = np.exp(-2 * np.abs(x))
    return np.asarray(4 * e / (1 + e) ** 2)


def _round_to_even(x: Array) -> Array:
    return np.rint(x)


def _keep_integers(f: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """Rounding an integer leaves it as it is (NumPy would give a float)."""
    return lambda x: f(x) if is_float(x) else np.array(x)


FUNCTIONS: dict[str, tuple[Callable[[Array], Array], Derivative | None]] = {
    "neg": (lambda x: -x, lambda x, y: np.full_like(x, -1)),
    "abs": (np.abs, lambda x, y: np.sign(x)),
    "sign": (np.sign, _zero),
    "exp": (np.exp, lambda x, y: y),
    "expm1": (np.expm1, lambda x, y: np.exp(x)),
    "log": (np.log, lambda x, y: 1 / x),
    "log1p": (np.log1p, lambda x, y: 1 / (1 + x)),
    "sqrt": (np.sqrt, lambda x, y: 0.5 / y),
    "rsqrt": (lambda x: 1 / np.sqrt(x), lambda x, y: -0.5 * y / x),
    "square": (np.square, lambda x, y: 2 * x),
    "reciprocal": (lambda x: 1 / x, lambda x, y: -y * y),
    "sin": (np.sin, lambda x, y: np.cos(x)),
    "cos": (np.cos, lambda x, y: -np.sin(x)),
    "tan": (np.tan, lambda x, y: 1 + y * y),
    "asin": (np.arcsin, lambda x, y: 1 / np.sqrt((1 - x) * (1 + x))),
    "acos": (np.arccos, lambda x, y: -1 / np.sqrt((1 - x) * (1 + x))),
    "atan": (np.arctan, lambda x, y: 1 / (1 + x * x)),
    "sinh": (np.sinh, lambda x, y: np.cosh(x)),
    "cosh": (np.cosh, lambda x, y: np.sinh(x)),
    "tanh": (np.tanh, _tanh_slope),
    "asinh": (np.arcsinh, lambda x, y: 1 / np.hypot(1, x)),
    "acosh": (np.arccosh, lambda x, y: 1 / np.sqrt((x - 1) * (x + 1))),
    "atanh": (np.arctanh, lambda x, y: 1 / ((1 - x) * (1 + x))),
    "sigmoid": (sigmoid, lambda x, y: sigmoid(x) * sigmoid(-x)),
    "log_sigmoid": (lambda x: -softplus(-x), lambda x, y: sigmoid(-x)),
    "silu": (lambda x: x * sigmoid(x), lambda x, y: sigmoid(x) * (1 + x * sigmoid(-x))),
    "softplus": (softplus, lambda x, y: sigmoid(x)),
    "relu": (lambda x: np.maximum(x, 0), lambda x, y: (x > 0).astype(x.dtype)),
    "gelu": (gelu, lambda x, y: gelu_slope(x)),
    "gelu_slope": (gelu_slope, _gelu_bend),
    "erf": (erf, lambda x, y: 2 / math.sqrt(math.pi) * np.exp(-x * x)),
    "erfinv": (erfinv, lambda x, y: math.sqrt(math.pi) / 2 * np.exp(y * y)),
    "lgamma": (lgamma, lambda x, y: digamma(x)),
    "digamma": (digamma, None),
    "floor": (_keep_integers(np.floor), _zero),
    "ceil": (_keep_integers(np.ceil), _zero),
    "round": (_keep_integers(_round_to_even), _zero),
    "trunc": (_keep_integers(np.trunc), _zero),
    "is_nan": (np.isnan, None),
    "is_inf": (np.isinf, None),
    "is_finite": (np.isfinite, None),
    "logical_not": (np.logical_not, None),
}


def forward(attrs: Attrs, x: Array) -> Array:
    """y = f(x)"""
    with np.errstate(all="ignore"):
        y = FUNCTIONS[attrs["function"]][0](x)
    return np.asarray(y, dtype=bool if y.dtype == bool else x.dtype)


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx = dout * f'(x)"""
    (x,) = inputs
    derivative = FUNCTIONS[attrs["function"]][1]
    if derivative is None or not is_float(x):
        return (None,)
    with np.errstate(all="ignore"):
        return (np.asarray(needed(douts[0]) * derivative(x, outputs[0]), dtype=x.dtype),)
