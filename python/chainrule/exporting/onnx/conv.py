"""y = f(x * w + b): Conv, on channels that stand first"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chainrule.base.sizes import Size
from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._values import First, Node, Value
from chainrule.exporting.onnx.dense import activated
from chainrule.ops._spatial import explicit_padding


def kernel(g: Graph, w: Value) -> str:
    """(*K, I, C) as (C, I, *K)"""
    d = w.rank - 2
    return g.transpose(w, [d + 1, d, *range(d)])


def padded(
    g: Graph, x: Value, attrs: Mapping[str, Any], window: Sequence[int], fill: str | None = None
) -> tuple[str, dict[str, Any] | None]:
    """The image, and the attributes of its padding; None where it is padded, by sizes that are free."""
    padding = attrs["padding"]
    image = g.first(x)
    if not any(isinstance(n, Size) for n in padding):
        return image, {"pads": [*padding[0::2], *padding[1::2]]}
    dilations = attrs.get("dilations", [1] * len(window))
    if padding == explicit_padding("same", x.shape[1:-1], window, attrs["strides"], dilations):
        return image, {"auto_pad": "SAME_UPPER"}
    return g.node("Pad", image, g.vector([0, 0, *padding[0::2], 0, 0, *padding[1::2]]), fill), None


def windows(attrs: Mapping[str, Any], w: Value) -> dict[str, Any]:
    """The attributes that convolutions share."""
    return {
        "kernel_shape": list(w.shape[:-2]),
        "strides": attrs["strides"],
        "dilations": attrs["dilations"],
        "group": attrs["groups"],
    }


def translate(g: Graph, node: Node) -> First:
    """Conv"""
    x, w, *bias = node.inputs
    attrs = node.attrs
    image, pads = padded(g, x, attrs, w.shape[:-2])
    made = g.node("Conv", image, kernel(g, w), *bias, **windows(attrs, w), **(pads or {}))
    return First(activated(g, made, attrs["activation"], x.dtype))
