from __future__ import annotations

from hypothesis import strategies as st

from tests.rows import (
    Bad,
    Drawn,
    Row,
    Spec,
    coins,
    distinct,
    draw_array,
    draw_shape,
    exactly,
    integers,
)

nan, inf = float("nan"), float("inf")


def _row(name: str, x: Spec, k: int, grad: tuple[int, ...] = (0,), **exception) -> Row:
    return Row("top_k", name, {"k": k}, (x,), grad, **exception)


def _bad(name: str, x: Spec, k: int, error: str, *match: str) -> Bad:
    return Bad("top_k", name, {"k": k}, (x,), error, match)


ROWS = [
    _row("matrix", Spec((3, 5), distinct()), 2),
    _row("one", Spec((3, 5), distinct()), 1),
    _row("all", Spec((3, 5), distinct()), 5),
    _row("vector", Spec((9,), distinct()), 3),
    _row("deep", Spec((2, 3, 7), distinct()), 4),
    _row("one-wide", Spec((3, 1)), 1),
    _row("empty", Spec((0, 5)), 2),
    _row("long", Spec((1003,), distinct()), 5),
    _row("infinite", Spec((2, 4), exactly([[inf, 1, -inf, 2], [-inf, -inf, 0, -inf]])), 3, ()),
    _row("int", Spec((3, 9), integers(-5, 5), "int32"), 4, ()),
    _row("int-least", Spec((3,), exactly([-(2**31), 0, 2**31 - 1]), "int32"), 3, ()),
    _row("bool", Spec((67,), coins, "bool"), 5, ()),
    _row("uint8", Spec((300,), integers(0, 256), "uint8"), 7, ()),
    *(
        _row(layout, Spec((4, 6), distinct(), layout=layout), 3)
        for layout in ("F", "every_other", "backwards")
    ),
    _row(
        "ties",
        Spec((4, 40), integers(0, 4)),
        15,
        differences=False,
        reason="equal elements change places when one moves",
    ),
]

BAD = [
    _bad("too-many", Spec((2, 3)), 4, "ShapeError", "4", "3"),
    _bad("scalar", Spec(()), 1, "ShapeError", "()"),
    _bad("negative", Spec((2, 3)), -1, "ValueError", "-1"),
]


def draw(data: st.DataObject) -> Drawn:
    tied = data.draw(st.booleans(), label="ties")
    x = draw_array(data, draw_shape(data, least=1), integers(-2, 3) if tied else distinct())
    k = data.draw(st.integers(1, x.shape[-1]), label="k")
    return Drawn({"k": k}, [x], (0,), differences=not tied)
