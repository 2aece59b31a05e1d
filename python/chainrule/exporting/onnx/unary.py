"""y = f(x), element by element: the node of this name, or a few"""

from __future__ import annotations

import math
from collections.abc import Callable

from chainrule.exporting.onnx import _special
from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._numbers import wide
from chainrule.exporting.onnx._values import First, Made, Node

# Of a tensor and its dtype.
Function = Callable[[Graph, str, str], str]

_NODES = {
    "neg": "Neg", "abs": "Abs", "sign": "Sign", "exp": "Exp", "log": "Log", "sqrt": "Sqrt",
    "reciprocal": "Reciprocal", "sin": "Sin", "cos": "Cos", "tan": "Tan", "asin": "Asin",
    "acos": "Acos", "atan": "Atan", "sinh": "Sinh", "cosh": "Cosh", "tanh": "Tanh", "asinh": "Asinh",
    "acosh": "Acosh", "atanh": "Atanh", "sigmoid": "Sigmoid", "softplus": "Softplus", "relu": "Relu",
    "erf": "Erf", "floor": "Floor", "ceil": "Ceil", "round": "Round", "is_nan": "IsNaN",
    "is_inf": "IsInf", "logical_not": "Not",
}  # fmt: skip
_BOOLS = ("is_nan", "is_inf", "is_finite", "logical_not")
_WHOLE = ("floor", "ceil", "round", "trunc")


def _square(g: Graph, x: str, dtype: str) -> str:
    return g.node("Mul", x, x)


def _rsqrt(g: Graph, x: str, dtype: str) -> str:
    return g.node("Reciprocal", g.node("Sqrt", x))


def _trunc(g: Graph, x: str, dtype: str) -> str:
    below = g.node("Less", x, g.number(0, dtype))
    return g.node("Where", below, g.node("Ceil", x), g.node("Floor", x))


def _is_finite(g: Graph, x: str, dtype: str) -> str:
    return g.node("Not", g.node("Or", g.node("IsNaN", x), g.node("IsInf", x)))


def _expm1(g: Graph, x: str, dtype: str) -> str:
    """exp(x) - 1 = tanh(x / 2) (exp(x) + 1), which does not cancel"""
    half = g.node("Tanh", g.node("Mul", x, g.number(0.5, dtype)))
    return g.node("Mul", half, g.node("Add", g.node("Exp", x), g.number(1, dtype)))


def _log1p(g: Graph, x: str, dtype: str) -> str:
    """log(1 + x), near 0 as 2 atanh(x / (2 + x))"""
    one, two = g.number(1, dtype), g.number(2, dtype)
    near = g.node("Less", g.node("Abs", x), g.number(0.5, dtype))
    ratio = g.node("Div", x, g.node("Add", x, two))
    small = g.node("Mul", g.node("Atanh", ratio), two)
    return g.node("Where", near, small, g.node("Log", g.node("Add", x, one)))


def _silu(g: Graph, x: str, dtype: str) -> str:
    return g.node("Mul", x, g.node("Sigmoid", x))


def _log_sigmoid(g: Graph, x: str, dtype: str) -> str:
    return g.node("Neg", g.node("Softplus", g.node("Neg", x)))


def _normal_cdf(g: Graph, x: str, dtype: str) -> str:
    half = g.number(0.5, dtype)
    erf = g.node("Erf", g.node("Mul", x, g.number(math.sqrt(0.5), dtype)))
    return g.node("Add", g.node("Mul", erf, half), half)


def _gelu(g: Graph, x: str, dtype: str) -> str:
    """x Phi(x)"""
    if dtype == "float32":
        return g.node("Gelu", x)
    return g.node("Mul", x, _normal_cdf(g, x, dtype))


def _gelu_slope(g: Graph, x: str, dtype: str) -> str:
    """Phi(x) + x exp(-x^2 / 2) / sqrt(2 pi)"""
    bound = g.node("Clip", x, g.number(-40, dtype), g.number(40, dtype))
    square = g.node("Mul", bound, bound)
    density = g.node("Exp", g.node("Mul", square, g.number(-0.5, dtype)))
    slope = g.node("Mul", bound, g.node("Mul", density, g.number(1 / math.sqrt(2 * math.pi), dtype)))
    return g.node("Add", _normal_cdf(g, x, dtype), slope)


_COMPOSED: dict[str, Function] = {
    "square": _square,
    "rsqrt": _rsqrt,
    "trunc": _trunc,
    "is_finite": _is_finite,
    "expm1": _expm1,
    "log1p": _log1p,
    "silu": _silu,
    "log_sigmoid": _log_sigmoid,
    "gelu": _gelu,
    "gelu_slope": _gelu_slope,
    "erfinv": _special.erfinv,
    "lgamma": _special.lgamma,
    "digamma": _special.digamma,
}


def _on_integers(g: Graph, name: str, x: str, dtype: str) -> str:
    if name == "neg":
        return g.node("Sub", g.number(0, dtype), x)
    if name == "relu":
        return g.node("Max", x, g.number(0, dtype))
    return applied(g, name, x, dtype)


def applied(g: Graph, name: str, x: str, dtype: str) -> str:
    """f of a tensor of this dtype."""
    composed = _COMPOSED.get(name)
    return g.node(_NODES[name], x) if composed is None else composed(g, x, dtype)


def translate(g: Graph, node: Node) -> Made:
    """f of the tensor, of channels where they are"""
    (x,) = node.inputs
    name = node.attrs["function"]
    tensor = g.first(x) if x.is_first else g.tensor(x)
    if x.is_float or name in _BOOLS:
        made = applied(g, name, tensor, x.dtype)
    elif name in _WHOLE:
        return x
    else:
        dtype = wide(x.dtype)
        made = _on_integers(g, name, g.cast(tensor, x.dtype, dtype), dtype)
        made = g.cast(made, dtype, x.dtype)
    return First(made) if x.is_first else made
