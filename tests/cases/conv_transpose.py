from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from chainrule.reference._convolution import output_sizes
from tests.rows import Bad, Drawn, Row, Spec, draw_array, integers, uniform
from tests.windows import convolution, draw_windows

SMALL = uniform(-0.6, 0.6)


def _row(
    name: str, rows: int, sizes: tuple[int, ...], w: tuple[int, ...], layout: str = "C", **rest: Any
) -> Row:
    attrs = {**convolution(len(sizes), **rest), "sizes": list(sizes)}
    dy = (rows, *output_sizes(attrs, sizes, w[:-2]), w[-1])
    inputs = (Spec(dy, layout=layout), Spec(w, SMALL, layout=layout))
    return Row("conv_transpose", name, attrs, inputs, (0, 1))


ROWS = [
    _row("1d", 2, (9,), (3, 3, 5)),
    _row("2d", 2, (7, 6), (3, 2, 3, 5)),
    _row("3d", 1, (5, 4, 6), (2, 3, 2, 3, 4)),
    _row("2d-same", 2, (7, 6), (3, 3, 3, 5), padding=1),
    _row("2d-asymmetric", 2, (7, 6), (3, 2, 3, 5), padding=(2, 0, 1, 3)),
    _row("2d-larger-than-kernel", 1, (4, 3), (2, 2, 2, 3), padding=(4, 3, 5, 2)),
    _row("2d-all-outside", 1, (1, 1), (3, 3, 2, 3), padding=3, strides=2),
    _row("1d-stride-3", 2, (14,), (4, 3, 5), strides=3),
    _row("1d-stride-beyond-kernel", 2, (14,), (2, 3, 5), strides=5),
    _row("2d-strides", 2, (9, 8), (3, 3, 3, 4), strides=(2, 3)),
    _row("2d-strides-left-over", 1, (8, 9), (2, 3, 2, 3), strides=(3, 4)),
    _row("2d-strides-same", 2, (14, 14), (3, 3, 5, 4), strides=2, padding=(0, 1, 0, 1)),
    _row("3d-strides", 1, (5, 7, 6), (2, 3, 2, 2, 3), strides=(1, 2, 3)),
    _row("1d-dilation", 2, (12,), (3, 3, 5), dilations=4),
    _row("2d-dilations", 2, (9, 8), (3, 2, 3, 4), dilations=(2, 3), padding=1),
    _row("2d-strides-and-dilations", 1, (11, 12), (3, 2, 2, 3), strides=(2, 3), dilations=(2, 4),
         padding=(1, 0, 0, 2)),
    _row("2d-groups", 2, (6, 5), (3, 2, 2, 6), groups=2, padding=1),
    _row("2d-groups-strides", 2, (9, 8), (3, 3, 2, 9), groups=3, strides=2),
    _row("1d-depthwise", 2, (9,), (3, 1, 5), groups=5),
    _row("2d-depthwise", 2, (7, 6), (3, 3, 1, 17), groups=17, padding=1),
    _row("2d-depthwise-twice", 2, (7, 6), (3, 3, 1, 6), groups=3, padding=1),
    _row("2d-depthwise-strides", 2, (9, 8), (3, 3, 1, 33), groups=33, strides=2, padding=1),
    _row("2d-1x1", 2, (6, 5), (1, 1, 7, 5)),
    _row("2d-1x1-strides", 2, (7, 6), (1, 1, 7, 5), strides=2),
    *(
        _row(f"2d-channels-{i}-{c}", 1, (6, 7), (3, 3, i, c), padding=1)
        for i, c in ((1, 1), (1, 33), (3, 17), (17, 5), (33, 1), (33, 35))
    ),
    _row("2d-kernel-as-large", 3, (4, 5), (4, 5, 3, 7)),
    _row("2d-one-pixel", 3, (1, 1), (1, 1, 2, 3)),
    _row("2d-one-image-tiles", 1, (61, 67), (3, 3, 3, 5), padding=1),
    _row("2d-many-tiles", 5, (29, 31), (3, 3, 8, 17), padding=1),
    _row("2d-many-tiles-strides", 5, (29, 31), (3, 3, 8, 17), padding=1, strides=2),
    _row("2d-deep", 1, (5, 5), (3, 3, 4, 270)),
    _row("1d-long", 1, (2053,), (5, 2, 3), padding=2),
    _row("3d-tiles", 2, (9, 11, 10), (3, 3, 3, 4, 6), padding=1),
    _row("2d-no-images", 0, (5, 4), (3, 3, 3, 2)),
    *(
        _row(f"2d-{layout}", 2, (5, 6), (3, 2, 4, 6), layout)
        for layout in ("F", "every_other", "backwards", "read_only")
    ),
]  # fmt: skip


def _bad(
    name: str,
    error: str,
    *match: str,
    dy: Spec = Spec((2, 3, 4, 5)),
    w: Spec = Spec((3, 2, 3, 5)),
    **attrs: Any,
) -> Bad:
    whole = {**convolution(2), "sizes": [5, 5], **attrs}
    return Bad("conv_transpose", name, whole, (dy, w), error, match)


BAD = [
    _bad("sizes", "ShapeError", "(2, 3, 4, 5)", sizes=[6, 5]),
    _bad("sizes-by-strides", "ShapeError", "(2, 3, 4, 5)", strides=[2, 1]),
    _bad("sizes-below-the-kernel", "ShapeError", sizes=[2, 5]),
    _bad("sizes-of-another-rank", "ValueError", "sizes", sizes=[5]),
    _bad("rank", "ShapeError", "(4, 5)", dy=Spec((4, 5))),
    _bad("rank-of-kernel", "ShapeError", "(3, 3, 5)", w=Spec((3, 3, 5))),
    _bad("channels", "ShapeError", "(2, 3, 4, 4)", dy=Spec((2, 3, 4, 4))),
    _bad("channels-by-groups", "ShapeError", "5", groups=2),
    _bad("dtype", "DTypeError", "int32", dy=Spec((2, 3, 4, 5), integers(0, 3), "int32")),
    _bad("dtype-of-kernel", "DTypeError", "float64", w=Spec((3, 2, 3, 5), dtype="float64")),
    _bad("stride-0", "ValueError", "strides", strides=[1, 0]),
    _bad("stride-beyond-all", "ValueError", "strides", strides=[1, 2**40]),
    _bad(
        "more-than-memory-holds",
        "ShapeError",
        "memory",
        dy=Spec((2, 1, 1, 5)),
        strides=[2**31, 2**31],
        sizes=[2**31, 2**31],
    ),
    _bad("dilation-0", "ValueError", "dilations", dilations=[0, 1]),
]


def draw(data: st.DataObject) -> Drawn:
    drawn = draw_windows(data)
    groups = drawn.attrs["groups"]
    n, i, c = (data.draw(st.integers(1, 3), label=label) for label in ("rows", "in", "out"))
    dy = draw_array(data, (n, *drawn.outputs, groups * c), SMALL)
    w = draw_array(data, (*drawn.kernel, i, groups * c), SMALL)
    return Drawn({**drawn.attrs, "sizes": list(drawn.sizes)}, [dy, w], (0, 1))
