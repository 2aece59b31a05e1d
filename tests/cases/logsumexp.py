from __future__ import annotations

from hypothesis import strategies as st

from tests.rows import (
    Bad,
    Drawn,
    Row,
    Spec,
    draw_array,
    draw_axes,
    draw_shape,
    exactly,
    integers,
    uniform,
)

inf = float("inf")


def _row(
    name: str, x: Spec, axes: list[int], keepdims: bool = False, grad: tuple[int, ...] = (0,)
) -> Row:
    return Row("logsumexp", name, {"axes": axes, "keepdims": keepdims}, (x,), grad)


def _bad(name: str, x: Spec, axes: list[int], error: str, *match: str) -> Bad:
    return Bad("logsumexp", name, {"axes": axes, "keepdims": False}, (x,), error, match)


ROWS = [
    _row("last", Spec((3, 5)), [1]),
    _row("first", Spec((3, 5)), [0]),
    _row("all", Spec((3, 5)), [0, 1]),
    _row("outer", Spec((4, 3, 5)), [0, 2]),
    _row("outer-kept", Spec((4, 3, 5)), [0, 2], True),
    _row("all-kept", Spec((3, 5)), [0, 1], True),
    _row("none", Spec((3, 5)), []),
    _row("scalar", Spec(()), []),
    _row("one", Spec((4, 1)), [1]),
    _row("long", Spec((1003,)), [0]),
    _row("long-columns", Spec((1029, 3)), [0]),
    _row("empty-rows", Spec((0, 3)), [1]),
    _row("large", Spec((3, 4), uniform(-1e4, 1e4)), [1]),
    _row("shifted", Spec((3, 4), uniform(1000, 1004)), [1]),
    _row("infinite", Spec((3, 2), exactly([[-inf, -inf], [inf, 0], [-inf, 1]])), [1], grad=()),
    _row("nan", Spec((2, 2), exactly([[float("nan"), 1], [0, 1]])), [1], grad=()),
    *(
        _row(layout, Spec((4, 6), layout=layout), [0])
        for layout in ("F", "every_other", "backwards")
    ),
]

BAD = [
    _bad("axis", Spec((2, 3)), [2], "ShapeError", "2", "(2, 3)"),
    _bad("empty", Spec((2, 0)), [1], "ShapeError", "(2, 0)"),
    _bad("of-ints", Spec((3,), integers(0, 3), "int32"), [0], "DTypeError", "int32"),
]


def draw(data: st.DataObject) -> Drawn:
    x = draw_array(data, draw_shape(data))
    return Drawn(
        {"axes": draw_axes(data, x.shape), "keepdims": data.draw(st.booleans())}, [x], (0,)
    )
