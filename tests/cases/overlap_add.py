from __future__ import annotations

from hypothesis import strategies as st

from tests.cases._fourier import LAYOUTS
from tests.cases.frame import CUTS
from tests.rows import Bad, Drawn, Row, Spec, coins, draw_array, draw_shape, integers, normal


def _attrs(stride: int, size: int) -> dict:
    return {"stride": stride, "size": size}


def _row(name: str, x: Spec, stride: int, size: int, grad=(0,)) -> Row:
    return Row("overlap_add", name, _attrs(stride, size), (x,), grad)


def _bad(name: str, x: Spec, stride: int, size: int, error: str, *match: str) -> Bad:
    return Bad("overlap_add", name, _attrs(stride, size), (x,), error, match)


def _count(n: int, length: int, stride: int) -> int:
    return max(0, (n - length) // stride + 1)


ROWS = [
    *(
        _row(name, Spec((2, _count(n, length, stride), length)), stride, n)
        for name, (n, length, stride) in CUTS.items()
    ),
    _row("matrix", Spec((3, 4)), 2, 8),
    _row("several-axes", Spec((2, 1, 3, 3, 4)), 2, 9),
    _row("no-rows", Spec((0, 3, 4)), 2, 9),
    _row("nothing", Spec((3, 0, 4)), 2, 0),
    _row("long", Spec((3, 153, 512)), 128, 20011),
    *(_row(layout, Spec((4, 3, 4), layout=layout), 2, 9) for layout in LAYOUTS),
    _row("of-ints", Spec((2, 3, 4), integers(0, 9), "int32"), 2, 9, ()),
]

_X = Spec((2, 3, 4))
BAD = [
    _bad("vector", Spec((4,)), 1, 4, "ShapeError", "rank 2", "(4,)"),
    _bad("size-below", _X, 2, 7, "ShapeError", "2 windows of 4", "(2, 3, 4)"),
    _bad("size-above", _X, 2, 10, "ShapeError", "4 windows of 4", "(2, 3, 4)"),
    _bad("size-beyond-all", _X, 1, 2**62, "ShapeError", "(2, 3, 4)"),
    _bad("no-length", Spec((2, 3, 0)), 1, 2, "ValueError", "length 0"),
    _bad("stride-0", _X, 0, 8, "ValueError", "stride 0"),
    _bad("of-bools", Spec((2, 3, 4), coins, "bool"), 2, 8, "DTypeError", "bool"),
]


def draw(data: st.DataObject) -> Drawn:
    frames, length, stride = (
        data.draw(st.integers(1, 5), label=label) for label in ("frames", "length", "stride")
    )
    rest = data.draw(st.integers(0, stride - 1), label="rest")
    shape = (*draw_shape(data, most=2), frames, length)
    size = (frames - 1) * stride + length + rest
    return Drawn(_attrs(stride, size), [draw_array(data, shape, normal)], (0,))
