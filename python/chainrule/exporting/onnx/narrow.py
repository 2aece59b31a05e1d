"""y = x as a number of a narrower format, in its dtype: Cast there and back"""

from __future__ import annotations

from onnx import TensorProto

from chainrule.exporting.onnx._graph import Graph, element_type
from chainrule.exporting.onnx._values import First, Made, Node


def translate(g: Graph, node: Node) -> Made:
    """Cast to the format, and back"""
    (x,) = node.inputs
    name = g.first(x) if x.is_first else g.tensor(x)
    narrow = g.node("Cast", name, to=getattr(TensorProto, node.attrs["format"].upper()))
    made = g.node("Cast", narrow, to=element_type(x.dtype))
    return First(made) if x.is_first else made
