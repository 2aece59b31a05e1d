from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.rows import Bad, Drawn, Row, Spec, draw_array, integers, uniform
from tests.windows import convolution, draw_windows

ACTIVATIONS = ("linear", "relu", "sigmoid", "tanh")
SMALL = uniform(-0.6, 0.6)
BIAS = uniform(-0.1, 0.1)


def _row(
    name: str,
    x: tuple[int, ...],
    w: tuple[int, ...],
    activation: str = "linear",
    bias: bool = True,
    layout: str = "C",
    **attrs: Any,
) -> Row:
    inputs = [Spec(x, layout=layout), Spec(w, SMALL, layout=layout)]
    if bias:
        inputs.append(Spec(w[-1:], BIAS, layout=layout))
    shared = {**convolution(len(x) - 2, **attrs), "activation": activation}
    return Row("conv", name, shared, tuple(inputs), tuple(range(len(inputs))))


X1, X2, X3 = (2, 9, 3), (2, 7, 6, 3), (1, 5, 4, 6, 3)
W1, W2, W3 = (3, 3, 5), (3, 2, 3, 5), (2, 3, 2, 3, 4)

ROWS = [
    _row("1d", X1, W1),
    _row("2d", X2, W2),
    _row("3d", X3, W3),
    *(_row(f"2d-{activation}", X2, W2, activation, padding=1) for activation in ACTIVATIONS),
    *(_row(f"1d-{activation}", X1, W1, activation, strides=2) for activation in ACTIVATIONS),
    _row("2d-no-bias", X2, W2, bias=False),
    _row("2d-no-bias-relu", X2, W2, "relu", bias=False, padding=(0, 1, 2, 0)),
    _row("3d-no-bias-tanh", X3, W3, "tanh", bias=False),
    # Paddings
    _row("1d-same", X1, W1, padding=(1, 1)),
    _row("1d-causal", X1, (3, 3, 4), padding=(4, 0), dilations=2),
    _row("2d-same-strides", (2, 7, 8, 3), (3, 3, 3, 4), padding=(1, 1, 0, 1), strides=2),
    _row("2d-asymmetric", X2, W2, padding=(2, 0, 1, 3)),
    _row("2d-larger-than-kernel", (1, 4, 3, 2), (2, 2, 2, 3), padding=(4, 3, 5, 2)),
    _row("2d-all-outside", (1, 1, 1, 2), (3, 3, 2, 3), padding=3, strides=2),
    _row("3d-same", X3, (3, 3, 3, 3, 4), "relu", padding=1),
    # Strides and dilations
    _row("1d-stride-3", (2, 14, 3), (4, 3, 5), strides=3),
    _row("1d-stride-beyond-kernel", (2, 14, 3), (2, 3, 5), strides=5),
    _row("2d-strides", (2, 9, 8, 3), (3, 3, 3, 4), strides=(2, 3)),
    _row("2d-strides-left-over", (1, 8, 9, 2), (2, 3, 2, 3), strides=(3, 4)),
    _row("3d-strides", (1, 5, 7, 6, 2), (2, 3, 2, 2, 3), strides=(1, 2, 3)),
    _row("1d-dilation", (2, 12, 3), (3, 3, 5), dilations=4),
    _row("2d-dilations", (2, 9, 8, 3), (3, 2, 3, 4), dilations=(2, 3), padding=1),
    _row("3d-dilations", (1, 5, 5, 6, 2), (2, 2, 2, 2, 3), dilations=(3, 1, 2)),
    _row("2d-strides-and-dilations", (1, 11, 12, 2), (3, 2, 2, 3), strides=(2, 3),
         dilations=(2, 4), padding=(1, 0, 0, 2)),
    # Groups
    _row("1d-groups", (2, 9, 4), (3, 2, 6), groups=2),
    _row("2d-groups", (2, 6, 5, 4), (3, 2, 2, 6), "relu", groups=2, padding=1),
    _row("2d-groups-strides", (2, 9, 8, 6), (3, 3, 2, 9), groups=3, strides=2),
    _row("3d-groups", (1, 4, 4, 3, 4), (2, 2, 2, 2, 4), groups=2),
    *(
        _row(f"2d-depthwise-{c}x{multiplier}", (2, 7, 6, c), (3, 3, 1, c * multiplier), "relu",
             groups=c, padding=1)
        for c in (3, 17)
        for multiplier in (1, 2)
    ),
    _row("1d-depthwise", (2, 9, 5), (3, 1, 5), groups=5, dilations=2),
    _row("2d-depthwise-strides", (2, 9, 8, 33), (3, 3, 1, 33), groups=33, strides=2, padding=1),
    _row("2d-depthwise-wide", (1, 12, 40, 32), (5, 5, 1, 32), groups=32, padding=2),
    _row("3d-depthwise", (1, 4, 3, 5, 3), (2, 2, 2, 1, 6), groups=3),
    # 1 x 1
    _row("1d-1", (2, 9, 7), (1, 7, 5)),
    _row("2d-1x1", (2, 6, 5, 7), (1, 1, 7, 5), "relu"),
    _row("2d-1x1-strides", (2, 7, 6, 7), (1, 1, 7, 5), strides=2),
    _row("2d-1x1-padding", (2, 4, 3, 3), (1, 1, 3, 2), padding=(1, 0, 0, 2)),
    _row("2d-1x1-groups", (2, 4, 3, 6), (1, 1, 3, 4), groups=2),
    _row("3d-1x1x1", (1, 3, 4, 2, 5), (1, 1, 1, 5, 6)),
    # Channels that do not fill vectors
    *(
        _row(f"2d-channels-{i}-{c}", (1, 6, 7, i), (3, 3, i, c), padding=1)
        for i, c in ((1, 1), (1, 33), (3, 17), (5, 3), (17, 5), (33, 1), (33, 35), (16, 32))
    ),
    # Sizes
    _row("2d-kernel-as-large", (3, 4, 5, 3), (4, 5, 3, 7), "tanh"),
    _row("2d-kernel-as-large-padded", (2, 3, 4, 3), (5, 5, 3, 2), padding=(1, 1, 1, 0)),
    _row("2d-one-pixel", (3, 1, 1, 2), (1, 1, 2, 3)),
    _row("2d-one-row", (2, 1, 17, 2), (1, 4, 2, 3), "relu"),
    _row("2d-one-column", (2, 19, 1, 2), (4, 1, 2, 3)),
    _row("2d-one-image-tiles", (1, 61, 67, 3), (3, 3, 3, 5), "relu", padding=1),
    _row("2d-many-tiles", (5, 29, 31, 8), (3, 3, 8, 17), padding=1),
    _row("2d-many-images", (67, 6, 5, 3), (3, 3, 3, 4), "relu"),
    _row("2d-deep", (1, 5, 5, 270), (3, 3, 270, 4)),
    _row("2d-wide", (1, 4, 4, 4), (3, 3, 4, 140)),
    _row("1d-long", (1, 2053, 2), (5, 2, 3), padding=2),
    _row("3d-tiles", (2, 9, 11, 10, 4), (3, 3, 3, 4, 6), padding=1),
    _row("2d-no-images", (0, 5, 4, 3), (3, 3, 3, 2)),
    _row("2d-no-channels", (2, 5, 4, 0), (3, 3, 0, 2), "tanh"),
    _row("2d-no-filters", (2, 5, 4, 3), (3, 3, 3, 0)),
    *(
        _row(f"2d-{layout}", (2, 5, 6, 4), (3, 2, 4, 6), "relu", layout=layout)
        for layout in ("F", "every_other", "backwards", "read_only")
    ),
]  # fmt: skip


def _bad(
    name: str,
    error: str,
    *match: str,
    x: Spec = Spec(X2),
    w: Spec = Spec(W2),
    b: Spec | None = Spec(W2[-1:]),
    **attrs: Any,
) -> Bad:
    whole = {**convolution(2), "activation": "relu", **attrs}
    return Bad("conv", name, whole, (x, w) if b is None else (x, w, b), error, match)


BAD = [
    _bad("rank-2", "ShapeError", "(7, 3)", x=Spec((7, 3))),
    _bad("rank-6", "ShapeError", "(1, 1, 1, 1, 1, 3)", x=Spec((1, 1, 1, 1, 1, 3))),
    _bad("rank-of-kernel", "ShapeError", "(3, 3, 5)", w=Spec((3, 3, 5))),
    _bad("channels", "ShapeError", "(3, 2, 4, 5)", w=Spec((3, 2, 4, 5))),
    _bad("channels-by-groups", "ShapeError", "3", groups=2),
    _bad("filters-by-groups", "ShapeError", "5", x=Spec((2, 7, 6, 6)), groups=2),
    _bad("kernel-larger", "ShapeError", "8", "(2, 7, 6, 3)", w=Spec((8, 2, 3, 5))),
    _bad("dilated-kernel-larger", "ShapeError", "(2, 7, 6, 3)", "4", dilations=[4, 1]),
    _bad("empty-image", "ShapeError", "(2, 0, 6, 3)", x=Spec((2, 0, 6, 3))),
    _bad("empty-kernel", "ShapeError", "0", w=Spec((0, 2, 3, 5))),
    _bad("bias-length", "ShapeError", "(4,)", b=Spec((4,))),
    _bad("bias-rank", "ShapeError", "(1, 5)", b=Spec((1, 5))),
    _bad("dtype", "DTypeError", "int32", x=Spec(X2, integers(0, 3), "int32")),
    _bad("dtype-of-kernel", "DTypeError", "float64", w=Spec(W2, dtype="float64")),
    _bad("dtype-of-bias", "DTypeError", "float64", b=Spec((5,), dtype="float64")),
    _bad("stride-0", "ValueError", "strides", strides=[1, 0]),
    _bad("dilation-0", "ValueError", "dilations", dilations=[0, 1]),
    _bad("groups-0", "ValueError", "groups", groups=0),
    _bad("negative-padding", "ValueError", "padding", padding=[0, -1, 0, 0]),
    _bad("strides-of-another-rank", "ValueError", "axes", strides=[1]),
    _bad("padding-of-another-rank", "ValueError", "padding", padding=[1, 1]),
    _bad("dilations-of-another-rank", "ValueError", "dilations", dilations=[1, 1, 1]),
    _bad("activation", "ValueError", "nosuch", activation="nosuch"),
    Bad("conv", "one-input", {**convolution(2), "activation": "relu"}, (Spec(X2),), "ShapeError"),
]


def draw(data: st.DataObject) -> Drawn:
    drawn = draw_windows(data)
    groups = drawn.attrs["groups"]
    n, i, c = (data.draw(st.integers(1, 3), label=label) for label in ("rows", "in", "out"))
    x = draw_array(data, (n, *drawn.sizes, groups * i), SMALL)
    inputs = [x, draw_array(data, (*drawn.kernel, i, groups * c), SMALL)]
    if data.draw(st.booleans(), label="bias"):
        inputs.append(draw_array(data, (groups * c,), BIAS))
    activation = data.draw(st.sampled_from(ACTIVATIONS), label="activation")
    attrs = {**drawn.attrs, "activation": activation}
    # A drawn z may lie on relu's kink.
    return Drawn(attrs, inputs, tuple(range(len(inputs))), activation != "relu")
