"""y[n, i, j] = images[n, v, u] at the places of projective transforms: GatherND"""

from __future__ import annotations

from typing import Any

from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._values import Node, Value


def _inside(g: Graph, fill: str, index: str, size: Any) -> str:
    """The index of the pixel that stands for one outside the image; as it is for the constant"""
    n, zero = g.scalar_size(size), g.number(0, "int64")
    end = g.node("Sub", n, g.number(1, "int64"))
    if fill in ("constant", "nearest"):
        return g.node("Clip", index, zero, end)
    if fill == "wrap":
        return g.node("Mod", index, n)
    twice = g.node("Add", n, n)
    if fill == "reflect":
        index = g.node("Mod", index, twice)
        behind = g.node("Sub", g.node("Sub", twice, g.number(1, "int64")), index)
        return g.node("Min", index, behind)
    period = g.node("Max", g.node("Sub", twice, g.number(2, "int64")), g.number(1, "int64"))
    index = g.node("Mod", index, period)
    return g.node("Min", g.node("Min", index, g.node("Sub", period, index)), end)


def _steps(g: Graph, method: str, place: str, dtype: str) -> list[tuple[str, str]]:
    """The pixels that count at a place on one axis, with their weights"""
    one = g.number(1, dtype)
    if method == "nearest":
        half = g.node("Mul", g.node("Sign", place), g.number(0.5, dtype))
        far = g.node("Add", place, half)
        index = g.node("Where", g.node("Less", far, g.number(0, dtype)), g.node("Ceil", far), g.node("Floor", far))
        return [(index, one)]
    lower = g.node("Floor", place)
    rest = g.node("Sub", place, lower)
    return [(lower, g.node("Sub", one, rest)), (g.node("Add", lower, one), rest)]


def _places(g: Graph, images: Value, transforms: str, dtype: str) -> tuple[str, str]:
    """v and u, (N, H, W)"""
    a0, a1, a2, b0, b1, b2, c0, c1 = (
        g.unsqueeze(x, 2) for x in g.nodes_of("Split", 8, transforms, axis=1, num_outputs=8)
    )  # (N, 1, 1)
    i = g.unsqueeze(g.range(images.shape[1], dtype), 1)
    j = g.range(images.shape[2], dtype)

    def plane(by_j: str, by_i: str, offset: str) -> str:
        both = g.node("Add", g.node("Mul", by_j, j), g.node("Mul", by_i, i))
        return g.node("Add", both, offset)

    k = plane(c0, c1, g.number(1, dtype))
    return g.node("Div", plane(b0, b1, b2), k), g.node("Div", plane(a0, a1, a2), k)


def _is_outside(g: Graph, index: str, size: Any) -> str:
    ends = g.node("Less", index, g.number(0, "int64")), g.node("GreaterOrEqual", index, g.scalar_size(size))
    return g.node("Or", *ends)


def translate(g: Graph, node: Node) -> str:
    """The pixels that are read, with their weights"""
    images, transforms = node.inputs
    attrs, dtype = node.attrs, images.dtype
    batch, height, width, _ = images.shape
    v, u = _places(g, images, g.cast(transforms, transforms.dtype, dtype), dtype)
    number = g.reshape(g.range(batch), (batch,), (batch, 1, 1))
    total: str | None = None
    for row, up in _steps(g, attrs["method"], v, dtype):
        for column, left in _steps(g, attrs["method"], u, dtype):
            at = [g.cast(x, dtype, "int64") for x in (row, column)]
            inside = [_inside(g, attrs["fill"], x, n) for x, n in zip(at, (height, width))]
            index = [g.expand(x, (batch, height, width)) for x in (number, *inside)]
            pixels = g.node("GatherND", images, g.node("Concat", *(g.unsqueeze(x, 3) for x in index), axis=3))
            if attrs["fill"] == "constant":
                out = g.node("Or", _is_outside(g, at[0], height), _is_outside(g, at[1], width))
                pixels = g.node("Where", g.unsqueeze(out, 3), g.number(attrs["value"], dtype), pixels)
            weight = g.node("Mul", up, left)
            if attrs["method"] != "nearest":
                pixels = g.node("Mul", pixels, g.unsqueeze(weight, 3))
            total = pixels if total is None else g.node("Add", total, pixels)
    assert total is not None, "a pixel is read at every place"
    return total
