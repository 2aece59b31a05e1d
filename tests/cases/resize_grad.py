from __future__ import annotations

from hypothesis import strategies as st

from tests.cases import resize
from tests.cases.resize import METHODS, attributes
from tests.rows import Bad, Drawn, Row, Spec, integers


def _row(
    name: str, x: Spec, size: list[int], method: str = "bilinear", antialias: bool = False
) -> Row:
    return Row("resize_grad", name, attributes(size, method, antialias), (x,), (0,))


def _bad(name: str, x: Spec, size: list[int], error: str, *match: str, **attrs: object) -> Bad:
    return Bad("resize_grad", name, {**attributes(size, "bilinear"), **attrs}, (x,), error, match)


ROWS = [
    *(
        _row(f"{method}-{kind}", Spec((2, 6, 5, 3)), size, method, antialias)
        for method in METHODS
        for kind, size, antialias in (
            ("up", [9, 13], False),
            ("down", [4, 2], False),
            ("antialias", [15, 11], True),
            ("same", [6, 5], False),
        )
    ),
    _row("gray", Spec((2, 4, 3, 1)), [5, 7], "bicubic"),
    _row("many-channels", Spec((2, 4, 3, 37)), [5, 7], "bicubic"),
    _row("wide", Spec((2, 67, 131, 3)), [50, 203], "lanczos3"),
    _row("no-images", Spec((0, 4, 5, 3)), [2, 3]),
    _row("no-channels", Spec((2, 4, 5, 0)), [2, 3]),
    *(
        _row(layout, Spec((2, 4, 6, 3), layout=layout), [3, 7])
        for layout in ("F", "every_other", "backwards")
    ),
]

_X = Spec((2, 4, 5, 3))
BAD = [
    _bad("rank", Spec((4, 5, 3)), [2, 2], "ShapeError", "(4, 5, 3)"),
    _bad("no-size", _X, [2, 0], "ValueError", "size", "(2, 0)"),
    _bad("method", _X, [2, 2], "ValueError", "bicubic", "area", method="area"),
    _bad("ints", Spec((2, 4, 5, 3), integers(0, 9), "int32"), [2, 2], "DTypeError", "int32"),
]


def draw(data: st.DataObject) -> Drawn:
    return resize.draw(data)
