"""x = the transposed convolution of y with w: ConvTranspose, on channels that stand first"""

from __future__ import annotations

from chainrule.base.sizes import Size, at_least
from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._values import First, Node
from chainrule.exporting.onnx.conv import kernel, windows


def translate(g: Graph, node: Node) -> First:
    """ConvTranspose, its ends cut off or filled up to the sizes"""
    y, w = node.inputs
    attrs = node.attrs
    d = w.rank - 2
    befores = attrs["padding"][0::2]
    rows = zip(y.shape[1:-1], w.shape, attrs["strides"], attrs["dilations"], befores, attrs["sizes"])
    # What the whole transposed convolution has behind the image; below 0, what it lacks.
    afters = [(o - 1) * s + (k - 1) * dilation + 1 - b - n for o, k, s, dilation, b, n in rows]
    lacking = [at_least(-after, 0) for after in afters]
    given = g.first(y), kernel(g, w)
    settings = windows(attrs, w)
    reach = [max(pair) for pair in zip(attrs["strides"], attrs["dilations"])]
    is_plain = not any(isinstance(n, Size) for n in (*befores, *afters))
    if is_plain and all(lack < most for lack, most in zip(lacking, reach)):
        pads = [*befores, *(max(after, 0) for after in afters)]
        more = {"output_padding": lacking} if any(lacking) else {}
        return First(g.node("ConvTranspose", *given, pads=pads, **settings, **more))
    made = g.node("ConvTranspose", *given, **settings)
    made = g.node("Pad", made, g.vector([0] * (d + 2) + [0, 0, *lacking]))
    ends = [b + n for b, n in zip(befores, attrs["sizes"])]
    axes = g.ints(*range(2, d + 2))
    return First(g.node("Slice", made, g.vector(befores), g.vector(ends), axes))
