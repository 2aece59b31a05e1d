from __future__ import annotations

from hypothesis import strategies as st

from tests.rows import (
    Bad,
    Drawn,
    Row,
    Spec,
    coins,
    draw_array,
    draw_axis,
    draw_shape,
    exactly,
    integers,
    normal,
)

FUNCTIONS = ("argmax", "argmin")
nan, inf = float("nan"), float("inf")


def _row(f: str, name: str, x: Spec, axis: int) -> Row:
    return Row("arg_reduce", f"{f}-{name}", {"function": f, "axis": axis}, (x,))


def _bad(f: str, name: str, x: Spec, axis: int, error: str, *match: str) -> Bad:
    return Bad("arg_reduce", f"{f}-{name}", {"function": f, "axis": axis}, (x,), error, match)


CASES = {
    "first": (Spec((3, 5)), 0),
    "last": (Spec((3, 5)), 1),
    "middle": (Spec((4, 3, 5)), 1),
    "one": (Spec((4, 1)), 1),
    "long": (Spec((1003,)), 0),
    "long-columns": (Spec((1029, 3)), 0),
    "ties": (Spec((40, 7), integers(0, 3)), 1),
    "all-equal": (Spec((67,), exactly([1.0] * 67)), 0),
    "bool": (Spec((9, 7), coins, "bool"), 1),
    "int32": (Spec((9, 7), integers(-9, 9), "int32"), 0),
    "uint8": (Spec((300,), integers(0, 256), "uint8"), 0),
    "infinite": (Spec((2, 3), exactly([[inf, -inf, 0], [-inf, -inf, -inf]])), 1),
    "nan": (Spec((3, 3), exactly([[1, nan, nan], [nan, inf, 0], [-inf, 5, nan]])), 1),
    "strided": (Spec((4, 6), normal, layout="every_other"), 0),
    "backwards": (Spec((4, 6), normal, layout="backwards"), 1),
    "empty-other-axis": (Spec((0, 3)), 1),
}

ROWS = [_row(f, name, x, axis) for f in FUNCTIONS for name, (x, axis) in CASES.items()]

BAD = [
    _bad("argmax", "axis", Spec((2, 3)), 2, "ShapeError", "2", "(2, 3)"),
    _bad("argmax", "scalar", Spec(()), 0, "ShapeError", "()"),
    _bad("argmin", "empty", Spec((2, 0)), 1, "ShapeError", "(2, 0)"),
    _bad("nosuch", "unknown", Spec((3,)), 0, "ValueError", "nosuch"),
]


def draw(data: st.DataObject) -> Drawn:
    x = draw_array(
        data, draw_shape(data, least=1), data.draw(st.sampled_from([normal, integers(0, 3)]))
    )
    attrs = {"function": data.draw(st.sampled_from(FUNCTIONS)), "axis": draw_axis(data, x.shape)}
    return Drawn(attrs, [x.astype("float64")])
