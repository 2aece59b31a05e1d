from __future__ import annotations

from hypothesis import strategies as st

from tests.cases._fourier import LAYOUTS
from tests.rows import Bad, Drawn, Row, Spec, coins, draw_array, draw_shape, integers, normal

# n, length, stride: side by side, laid over one another, with gaps, one window, none, a rest.
CUTS = {
    "beside": (12, 3, 3),
    "over": (11, 4, 1),
    "over-by-2": (13, 5, 2),
    "gaps": (20, 3, 7),
    "one": (5, 5, 2),
    "none": (4, 5, 1),
    "of-1": (6, 1, 1),
    "rest": (10, 4, 4),
}


def attrs(length: int, stride: int) -> dict:
    return {"length": length, "stride": stride}


def _row(name: str, x: Spec, length: int, stride: int, grad=(0,)) -> Row:
    return Row("frame", name, attrs(length, stride), (x,), grad)


def _bad(name: str, x: Spec, length: int, stride: int, error: str, *match: str) -> Bad:
    return Bad("frame", name, attrs(length, stride), (x,), error, match)


ROWS = [
    *(_row(name, Spec((2, n)), length, stride) for name, (n, length, stride) in CUTS.items()),
    _row("vector", Spec((9,)), 4, 2),
    _row("several-axes", Spec((2, 1, 3, 9)), 4, 2),
    _row("no-rows", Spec((0, 9)), 4, 2),
    _row("empty-axis", Spec((3, 0)), 4, 2),
    _row("long", Spec((3, 20011)), 512, 128),
    *(_row(layout, Spec((4, 9), layout=layout), 4, 2) for layout in LAYOUTS),
    _row("of-ints", Spec((2, 9), integers(0, 9), "int32"), 4, 2, ()),
    _row("of-bools", Spec((2, 9), coins, "bool"), 4, 2, ()),
]

_X = Spec((2, 9))
BAD = [
    _bad("scalar", Spec(()), 1, 1, "ShapeError", "rank 1", "()"),
    _bad("length-0", _X, 0, 1, "ValueError", "length 0"),
    _bad("length-below-0", _X, -1, 1, "ValueError", "-1"),
    _bad("stride-0", _X, 1, 0, "ValueError", "stride 0"),
    _bad("stride-below-0", _X, 1, -2, "ValueError", "-2"),
]


def draw(data: st.DataObject) -> Drawn:
    shape = (*draw_shape(data, most=2), data.draw(st.integers(1, 12), label="n"))
    length, stride = (data.draw(st.integers(1, 5), label=label) for label in ("length", "stride"))
    return Drawn(attrs(length, stride), [draw_array(data, shape, normal)], (0,))
