from __future__ import annotations

from typing import Any

from chainrule import _core
from tests.fusions import Chain, Fused, Left


def _body(dtype: str, function: str, count: int = 1) -> Any:
    graph = _core.Graph()
    inputs = [graph.input("", (4, 3), dtype) for _ in range(count)]
    op = "unary" if count == 1 else "binary"
    return graph.body(inputs, graph.push(op, {"function": function}, inputs))


def _again(c: Chain, x: int) -> int:
    y = c.f("tanh", x)
    return c.push("remat", {"body": _body(c.dtype, "tanh"), "tag": 1}, y, x)[0]


def _own(c: Chain, x: int) -> int:
    attrs = {
        "forward": _body(c.dtype, "exp"),
        "backward": _body(c.dtype, "mul", 2),
        "wrt": [0],
    }
    return c.push("custom_gradient", attrs, c.f("exp", x), x)[0]


ROWS = [
    Fused("remat", lambda c: [c.f("square", _again(c, c.input(4, 3)))]),
    Fused("own", lambda c: [c.f("square", _own(c, c.input(4, 3)))]),
    Fused("both", lambda c: [_own(c, _again(c, c.input(4, 3)))]),
    Left("neither", lambda c: [c.f("tanh", c.input(4, 3))]),
]
