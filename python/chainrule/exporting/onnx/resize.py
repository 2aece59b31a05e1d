"""y = R x C^T for every image and channel: Resize, or the matrices where both sizes are known"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule import _core
from chainrule.base.sizes import Size
from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._layouts import axis_first
from chainrule.exporting.onnx._values import Array, First, Made, Node, Value

_MODES = {"nearest": "nearest", "bilinear": "linear", "bicubic": "cubic"}


def _matrix(attrs: Any, before: int, after: int, dtype: str) -> Array:
    """The matrix (after, before) of one axis, by which the core resizes unit images"""
    units = np.eye(before, dtype=dtype)[None, :, :, None]
    settings = {**attrs, "size": [after, before]}
    found: Array = _core.eager("resize", settings, [units])[0][0, :, :, 0]
    return found


def _copied(g: Graph, x: Value, node: Node) -> Made:
    """Rows and columns by their numbers"""
    name, spec = (g.first(x) if x.is_first else g.tensor(x)), node.spec
    for axis in (1, 2):
        before, after = x.shape[axis], spec.shape[axis]
        if before != after:
            numbers = np.arange(before, dtype="float32")[None, :, None, None]
            settings = {**node.attrs, "size": [after, 1]}
            rows = _core.eager("resize", settings, [numbers])[0].ravel().astype("int64")
            place = axis_first(axis, 4) if x.is_first else axis
            name = g.node("Gather", name, rows, axis=place)
    return First(name) if x.is_first else name


def _ratio(before: Any, after: Any) -> int | None:
    """How many times as large an axis becomes, where that is a whole number whatever its size is"""
    if not isinstance(before, Size):
        return None
    ratio = after // before
    return None if isinstance(ratio, Size) or ratio * before != after else int(ratio)


def translate(g: Graph, node: Node) -> Made:
    """Of known sizes our own weights; of others the node's, which are the same but for its rounding"""
    (x,) = node.inputs
    method = node.attrs["method"]
    sizes = [(x.shape[axis], node.spec.shape[axis]) for axis in (1, 2)]
    if not any(isinstance(n, Size) for pair in sizes for n in pair):
        if method == "nearest":
            return _copied(g, x, node)
        name = g.first(x)
        (height, rows), (width, columns) = sizes
        if width != columns:
            name = g.node("MatMul", name, _matrix(node.attrs, width, columns, x.dtype).T)
        if height != rows:
            name = g.node("MatMul", _matrix(node.attrs, height, rows, x.dtype), name)
        return First(name)
    if method not in _MODES:
        raise ValueError(
            f"export: layer '{g.root.layer}' resizes images of unknown size by '{method}', which has no "
            "ONNX form: expected an input_signature with the size, or one of " + ", ".join(_MODES)
        )
    shape = (x.shape[0], x.shape[3], node.spec.shape[1], node.spec.shape[2])
    settings: dict[str, Any] = {"coordinate_transformation_mode": "half_pixel"}
    if method == "nearest":
        settings["nearest_mode"] = "round_prefer_ceil"
    elif method == "bicubic":
        settings |= {"cubic_coeff_a": -0.5, "exclude_outside": 1}
    if node.attrs["antialias"] and method != "nearest":
        settings["antialias"] = 1
    ratios = [_ratio(*pair) for pair in sizes]
    ends: tuple[str | None, str | None]
    if None in ratios:
        ends = None, g.vector(shape)
    else:
        ends = g.constant(np.asarray([1, 1, *ratios], "float32")), None
    return First(g.node("Resize", g.first(x), None, *ends, mode=_MODES[method], **settings))
