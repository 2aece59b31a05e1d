"""y = f(a, b), element by element, with broadcasting: the node of this name, or a few"""

from __future__ import annotations

import math
from collections.abc import Callable

from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._layouts import beside_first
from chainrule.exporting.onnx._numbers import wide
from chainrule.exporting.onnx._values import First, Made, Node

_NODES = {
    "add": "Add", "sub": "Sub", "mul": "Mul", "div": "Div", "pow": "Pow", "maximum": "Max",
    "minimum": "Min", "eq": "Equal", "lt": "Less", "le": "LessOrEqual", "gt": "Greater",
    "ge": "GreaterOrEqual", "logical_and": "And", "logical_or": "Or", "logical_xor": "Xor",
}  # fmt: skip


_BITWISE = {"bit_and": "And", "bit_or": "Or", "bit_xor": "Xor"}
# Functions of integers, and of neighbours, for which ONNX has no node that takes their dtypes.
UNKNOWN = ("gcd", "lcm", "left_shift", "next_after", "right_shift")


def _ne(g: Graph, a: str, b: str, dtype: str) -> str:
    return g.node("Not", g.node("Equal", a, b))


def _atan2(g: Graph, y: str, x: str, dtype: str) -> str:
    """atan(y / x), half a turn further where x is negative"""
    zero = g.number(0, dtype)
    on_axis = g.node("Equal", x, zero)
    slope = g.node("Div", y, g.node("Where", on_axis, g.number(1, dtype), x))
    angle = g.node("Atan", slope)
    below = g.node("Less", y, zero)
    half = g.node("Where", below, g.number(-math.pi, dtype), g.number(math.pi, dtype))
    angle = g.node("Where", g.node("Less", x, zero), g.node("Add", angle, half), angle)
    up = g.node("Mul", g.node("Sign", y), g.number(math.pi / 2, dtype))
    return g.node("Where", on_axis, up, angle)


def _safe(g: Graph, b: str, dtype: str) -> tuple[str, str, str]:
    """Whether an integer is 0, whether it is -1, and it or 1: division by these two may end a process"""
    zero = g.node("Equal", b, g.number(0, dtype))
    minus = g.node("Equal", b, g.number(-1, dtype))
    divisor = g.node("Where", g.node("Or", zero, minus), g.number(1, dtype), b)
    return zero, minus, divisor


def _floor_div(g: Graph, a: str, b: str, dtype: str) -> str:
    """Rounded towards minus infinity; an integer divided by 0 gives 0"""
    if dtype.startswith("float"):
        # Of the quotient alone the rounding may come out one too high.
        rest = _mod(g, a, b, dtype)
        return g.node("Round", g.node("Div", g.node("Sub", a, rest), b))
    zero, minus, divisor = _safe(g, b, dtype)
    none = g.number(0, dtype)
    whole = g.node("Sub", a, g.node("Mod", a, divisor))
    quotient = g.node("Where", minus, g.node("Sub", none, a), g.node("Div", whole, divisor))
    return g.node("Where", zero, none, quotient)


def _mod(g: Graph, a: str, b: str, dtype: str) -> str:
    """With the sign of the divisor; of an integer by 0 it is 0"""
    zero = g.number(0, dtype)
    if not dtype.startswith("float"):
        return g.node("Mod", a, _safe(g, b, dtype)[2])
    rest = g.node("Mod", a, b, fmod=1)
    signs = g.node("Less", rest, zero), g.node("Less", b, zero)
    other = g.node("And", g.node("Xor", *signs), _ne(g, rest, zero, dtype))
    return g.node("Where", other, g.node("Add", rest, b), rest)


_COMPOSED: dict[str, Callable[[Graph, str, str, str], str]] = {
    "ne": _ne,
    "atan2": _atan2,
    "floor_div": _floor_div,
    "mod": _mod,
}


def translate(g: Graph, node: Node) -> Made:
    """f of the tensors, of channels where they are"""
    a, b = node.inputs
    name, source = node.attrs["function"], a.dtype
    if name in UNKNOWN:
        raise ValueError(
            f"export: layer '{g.root.layer}' calls the op 'binary {name}', which has no ONNX form"
        )
    given = beside_first(g, node.inputs)
    x, y = (g.tensor(a), g.tensor(b)) if given is None else given
    dtype = source if name.startswith("logical") or name in ("eq", "ne") and source == "bool" else wide(source)
    x, y = g.cast(x, source, dtype), g.cast(y, source, dtype)
    if name in _BITWISE:
        kind = _BITWISE[name] if source == "bool" else f"Bitwise{_BITWISE[name]}"
        made = g.node(kind, g.cast(x, dtype, source), g.cast(y, dtype, source))
        return made if given is None else First(made)
    composed = _COMPOSED.get(name)
    made = g.node(_NODES[name], x, y) if composed is None else composed(g, x, y, dtype)
    if node.spec.dtype == source:
        made = g.cast(made, dtype, source)
    return made if given is None else First(made)
