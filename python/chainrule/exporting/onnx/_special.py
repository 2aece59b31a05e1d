"""Functions for which ONNX has no node, in single precision."""

from __future__ import annotations

import math
from collections.abc import Sequence

from chainrule.exporting.onnx._graph import Graph

__all__ = ["digamma", "erfinv", "lgamma"]

# Giles, Approximating the erfinv function, 2011: by w - 2.5 where w < 5, else by sqrt(w) - 3.
_CENTRE = (
    2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087, -0.00125372503,
    -0.00417768164, 0.246640727, 1.50140941,
)  # fmt: skip
_TAIL = (
    -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613,
    0.00943887047, 1.00167406, 2.83297682,
)  # fmt: skip


def _polynomial(g: Graph, x: str, coefficients: Sequence[float], dtype: str) -> str:
    total = g.number(coefficients[0], dtype)
    for coefficient in coefficients[1:]:
        total = g.node("Add", g.node("Mul", total, x), g.number(coefficient, dtype))
    return total


def erfinv(g: Graph, x: str, dtype: str) -> str:
    """The y with erf(y) = x, infinite at -1 and 1"""
    one = g.number(1, dtype)
    product = g.node("Mul", g.node("Sub", one, x), g.node("Add", one, x))
    w = g.node("Neg", g.node("Log", product))
    centre = _polynomial(g, g.node("Sub", w, g.number(2.5, dtype)), _CENTRE, dtype)
    root = g.node("Sub", g.node("Sqrt", w), g.number(3, dtype))
    tail = _polynomial(g, root, _TAIL, dtype)
    y = g.node("Mul", g.node("Where", g.node("Less", w, g.number(5, dtype)), centre, tail), x)
    ends = g.node("Equal", g.node("Abs", x), one)
    return g.node("Where", ends, g.node("Mul", x, g.number(math.inf, dtype)), y)


def _reflected(g: Graph, x: str, dtype: str) -> tuple[str, str]:
    """Whether x is below 1/2, and the larger one of x and 1 - x"""
    below = g.node("Less", x, g.number(0.5, dtype))
    return below, g.node("Where", below, g.node("Sub", g.number(1, dtype), x), x)


def _shifted(g: Graph, x: str, dtype: str, count: int) -> list[str]:
    return [x if i == 0 else g.node("Add", x, g.number(i, dtype)) for i in range(count)]


# Steps of the recurrence, after which the series is exact in single precision.
_STEPS = 8


def lgamma(g: Graph, x: str, dtype: str) -> str:
    """log |Gamma(x)| by Stirling's series at x + 8, Gamma(x) Gamma(1 - x) = pi / sin(pi x) below 1/2

    Source: Abramowitz and Stegun, 6.1.17 and 6.1.41.
    """
    below, z = _reflected(g, x, dtype)
    product: str | None = None
    for factor in _shifted(g, z, dtype, _STEPS):
        product = factor if product is None else g.node("Mul", product, factor)
    far = g.node("Add", z, g.number(_STEPS, dtype))
    inverse = g.node("Reciprocal", far)
    series = g.node("Mul", inverse, g.number(1 / 12, dtype))
    cube = g.node("Mul", inverse, g.node("Mul", inverse, inverse))
    series = g.node("Sub", series, g.node("Mul", cube, g.number(1 / 360, dtype)))
    main = g.node("Mul", g.node("Sub", far, g.number(0.5, dtype)), g.node("Log", far))
    main = g.node("Add", g.node("Sub", main, far), g.number(0.5 * math.log(2 * math.pi), dtype))
    y = g.node("Sub", g.node("Add", main, series), g.node("Log", product))
    sine = g.node("Abs", g.node("Sin", g.node("Mul", _fraction(g, x), g.number(math.pi, dtype))))
    turned = g.node("Sub", g.node("Sub", g.number(math.log(math.pi), dtype), g.node("Log", sine)), y)
    y = g.node("Where", below, turned, y)
    return g.node("Where", g.node("IsInf", x), g.number(math.inf, dtype), y)


def _fraction(g: Graph, x: str) -> str:
    return g.node("Sub", x, g.node("Floor", x))


def digamma(g: Graph, x: str, dtype: str) -> str:
    """d lgamma(x) / dx by its series at x + 8, psi(1 - x) - psi(x) = pi cot(pi x) below 1/2

    Source: Abramowitz and Stegun, 6.3.6, 6.3.7 and 6.3.18.
    """
    below, z = _reflected(g, x, dtype)
    far = g.node("Add", z, g.number(_STEPS, dtype))
    inverse = g.node("Reciprocal", far)
    square = g.node("Mul", inverse, inverse)
    series = _polynomial(g, square, (-1 / 252, 1 / 120, -1 / 12, 0.0), dtype)
    y = g.node("Sub", g.node("Log", far), g.node("Mul", inverse, g.number(0.5, dtype)))
    y = g.node("Add", y, series)
    for term in _shifted(g, z, dtype, _STEPS):
        y = g.node("Sub", y, g.node("Reciprocal", term))
    angle = g.node("Mul", _fraction(g, x), g.number(math.pi, dtype))
    turned = g.node("Div", g.number(math.pi, dtype), g.node("Tan", angle))
    return g.node("Where", below, g.node("Sub", y, turned), y)
