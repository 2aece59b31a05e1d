from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.rows import Bad, Drawn, Row, Spec, distinct, draw_array, exactly, integers, normal

FUNCTIONS = ("max", "mean")
Form = tuple[list[int], list[int], list[int]]

# shape of x; window, strides, padding
SHAPES: dict[str, tuple[tuple[int, ...], Form]] = {
    "1d": ((2, 7, 3), ([2], [2], [0, 0])),
    "1d-overlapping": ((2, 7, 3), ([3], [1], [1, 1])),
    "1d-gaps": ((2, 11, 5), ([2], [3], [0, 0])),
    "1d-whole": ((3, 6, 4), ([6], [1], [0, 0])),
    "2x2": ((2, 4, 6, 32), ([2, 2], [2, 2], [0, 0, 0, 0])),
    "2x2-odd": ((2, 5, 7, 33), ([2, 2], [2, 2], [0, 0, 0, 0])),
    "2x2-one-channel": ((3, 5, 5, 1), ([2, 2], [2, 2], [0, 0, 0, 0])),
    "2x2-five-channels": ((1, 4, 5, 5), ([2, 2], [1, 1], [0, 0, 0, 0])),
    "3x3-stride-2": ((2, 9, 8, 3), ([3, 3], [2, 2], [0, 1, 1, 1])),
    "3x3-same": ((1, 5, 6, 8), ([3, 3], [1, 1], [1, 1, 1, 1])),
    "uneven": ((2, 7, 9, 3), ([3, 2], [1, 3], [2, 0, 0, 1])),
    "wider-than-the-image": ((2, 2, 3, 3), ([3, 4], [1, 2], [1, 0, 1, 2])),
    "1x1": ((2, 3, 3, 5), ([1, 1], [2, 1], [0, 0, 0, 0])),
    "global": ((2, 5, 4, 33), ([5, 4], [1, 1], [0, 0, 0, 0])),
    "3d": ((1, 4, 5, 6, 3), ([2, 2, 2], [2, 2, 2], [0, 0, 0, 0, 0, 0])),
    "3d-overlapping": ((2, 3, 4, 5, 5), ([2, 3, 2], [1, 2, 1], [1, 0, 1, 1, 0, 1])),
    "no-images": ((0, 4, 4, 2), ([2, 2], [2, 2], [0, 0, 0, 0])),
    "no-channels": ((2, 4, 4, 0), ([2, 2], [2, 2], [0, 0, 0, 0])),
}

TIES = "every element of a window attains the maximum: a kink"
SPECIAL = exactly([[1.0, np.nan, 3.0, np.nan, -np.inf, -np.inf, np.inf, 2.0]])


def attrs_of(function: str, form: Form) -> dict:
    return dict(zip(("window", "strides", "padding"), form), function=function)


def _row(f: str, name: str, x: Spec, form: Form, **exception) -> Row:
    return Row("pool", f"{f}-{name}", attrs_of(f, form), (x,), (0,), **exception)


def _bad(name: str, x: Spec, form: Form, error: str, *match: str, f: str = "max") -> Bad:
    return Bad("pool", name, attrs_of(f, form), (x,), error, match)


_2X2: Form = ([2, 2], [2, 2], [0, 0, 0, 0])
ROWS = [
    *(
        _row(f, name, Spec(shape, distinct()), form)
        for f in FUNCTIONS
        for name, (shape, form) in SHAPES.items()
    ),
    *(
        _row(f, layout, Spec((2, 4, 5, 3), distinct(), layout=layout), _2X2)
        for f in FUNCTIONS
        for layout in ("F", "every_other", "backwards")
    ),
    _row("mean", "normal", Spec((2, 6, 6, 3), normal), _2X2),
    _row(
        "max",
        "ties",
        Spec((1, 4, 4, 2), exactly([3.0] * 32)),
        _2X2,
        differences=False,
        reason=TIES,
    ),
    _row(
        "max",
        "ties-overlapping",
        Spec((1, 5, 2), exactly([3.0] * 10)),
        ([3], [1], [1, 1]),
        differences=False,
        reason=TIES,
    ),
    _row(
        "max",
        "special",
        Spec((1, 8, 1), SPECIAL),
        ([4], [2], [0, 0]),
        differences=False,
        reason="NaN and infinity have no differences",
    ),
]

_IMAGE = Spec((2, 4, 4, 3))
_INTS = Spec((2, 4, 3), integers(0, 3), "int32")
BAD = [
    _bad("rank", Spec((4, 4, 3)), _2X2, "ShapeError", "rank 4", "(4, 4, 3)"),
    _bad("scalar", Spec(()), ([2], [2], [0, 0]), "ShapeError", "rank 3", "()"),
    _bad("too-wide", _IMAGE, ([2, 7], [1, 1], [0, 0, 1, 1]), "ShapeError", "6", "(2, 7)"),
    _bad("empty-axis", Spec((2, 0, 3)), ([3], [1], [2, 2]), "ShapeError", "(2, 0, 3)"),
    _bad("stride-0", _IMAGE, ([2, 2], [2, 0], [0, 0, 0, 0]), "ValueError", "strides", "(2, 0)"),
    _bad("window-0", _IMAGE, ([0, 2], [2, 2], [0, 0, 0, 0]), "ValueError", "window", "(0, 2)"),
    _bad("negative", _IMAGE, ([2, 2], [2, -1], [0, 0, 0, 0]), "ValueError", "strides", "-1"),
    _bad("no-window", _IMAGE, ([], [], []), "ValueError", "window", "()"),
    _bad("four-axes", _IMAGE, ([1] * 4, [1] * 4, [0] * 8), "ValueError", "window", "(1, 1, 1, 1)"),
    _bad("strides", _IMAGE, ([2, 2], [2], [0, 0, 0, 0]), "ValueError", "strides: 2", "(2,)"),
    _bad("padding", _IMAGE, ([2, 2], [2, 2], [0, 0]), "ValueError", "padding: 4", "(0, 0)"),
    _bad(
        "padding-only", _IMAGE, ([2, 2], [1, 1], [0, 0, 0, 2]), "ValueError", "padding", "(2, 2)"
    ),
    _bad("of-ints", _INTS, ([2], [2], [0, 0]), "DTypeError", "int32"),
    _bad("unknown", _IMAGE, _2X2, "ValueError", "nosuch", "max, mean", f="nosuch"),
]


def draw_form(data: st.DataObject) -> tuple[tuple[int, ...], Form]:
    """A shape of images, and windows that fit into it."""
    window, strides, padding, sizes = [], [], [], []
    for _ in range(data.draw(st.integers(1, 3), label="spatial axes")):
        k = data.draw(st.integers(1, 3), label="window")
        pads = [data.draw(st.integers(0, k - 1), label="padding") for _ in range(2)]
        window.append(k)
        strides.append(data.draw(st.integers(1, 4), label="stride"))
        padding += pads
        sizes.append(data.draw(st.integers(max(1, k - sum(pads)), 6), label="size"))
    images, channels = (data.draw(st.integers(1, 3), label=n) for n in ("images", "channels"))
    return (images, *sizes, channels), (window, strides, padding)


def draw(data: st.DataObject) -> Drawn:
    function = data.draw(st.sampled_from(FUNCTIONS), label="function")
    shape, form = draw_form(data)
    return Drawn(attrs_of(function, form), [draw_array(data, shape)], (0,))
