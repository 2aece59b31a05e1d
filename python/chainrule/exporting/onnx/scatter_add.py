"""y = zeros with x added up at the indices along an axis: ScatterElements"""

from __future__ import annotations

import math

from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._numbers import wide
from chainrule.exporting.onnx._values import Node, Spec
from chainrule.exporting.onnx.gather import as_indices


def translate(g: Graph, node: Node) -> str:
    """The indices in a row, repeated over the other axes"""
    x, indices = node.inputs
    axis = node.attrs["axis"]
    count = math.prod(indices.shape)
    shape = (*x.shape[:axis], count, *x.shape[axis + indices.rank :])
    dtype = wide(x.dtype)
    rows = g.reshape(g.cast(x, x.dtype, dtype), x.shape, shape)
    column = (count, *[1] * (len(shape) - axis - 1))
    places = g.expand(g.reshape(as_indices(g, indices), indices.shape, column), shape)
    zeros = g.zeros(Spec(node.spec.shape, dtype))
    made = g.node("ScatterElements", zeros, places, rows, axis=axis, reduction="add")
    return g.cast(made, dtype, x.dtype)
