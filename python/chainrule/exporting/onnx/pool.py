"""y = the maximum or mean of each window: MaxPool, AveragePool, on channels that stand first"""

from __future__ import annotations

import numpy as np

from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._values import First, Node, Value
from chainrule.exporting.onnx.conv import padded


def translate(g: Graph, node: Node) -> First:
    """MaxPool; AveragePool over what lies inside the image"""
    (x,) = node.inputs
    attrs = node.attrs
    shape = {"kernel_shape": attrs["window"], "strides": attrs["strides"]}
    if attrs["function"] == "max":
        image, pads = padded(g, x, attrs, attrs["window"], g.number(-np.inf, x.dtype))
        return First(g.node("MaxPool", image, **shape, **(pads or {})))
    image, pads = padded(g, x, attrs, attrs["window"])
    if pads is not None:
        return First(g.node("AveragePool", image, **shape, **pads, count_include_pad=0))
    # The mean of zeros outside, over the share of each window that lies inside.
    ones = Value(x.spec, first=g.expand(g.number(1, x.dtype), (1, 1, *x.shape[1:-1])))
    inside, _ = padded(g, ones, attrs, attrs["window"])
    return First(g.node("Div", *(g.node("AveragePool", y, **shape) for y in (image, inside))))
