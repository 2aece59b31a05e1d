from __future__ import annotations

from hypothesis import strategies as st

from tests.rows import Bad, Drawn, Row, Spec, draw_array, draw_part, draw_shape, integers


def _row(name: str, a: Spec, b: Spec, ta: bool = False, tb: bool = False, grad=(0, 1)) -> Row:
    return Row("matmul", name, {"transpose_a": ta, "transpose_b": tb}, (a, b), grad)


def _bad(name: str, a: Spec, b: Spec, error: str, *match: str, ta: bool = False) -> Bad:
    return Bad("matmul", name, {"transpose_a": ta, "transpose_b": False}, (a, b), error, match)


def _turned(shape: tuple[int, ...], turn: bool) -> tuple[int, ...]:
    return (*shape[:-2], shape[-1], shape[-2]) if turn else shape


SHAPES = {
    "one": ((1, 1), (1, 1)),
    "square": ((4, 4), (4, 4)),
    "odd": ((5, 7), (7, 3)),
    "row": ((1, 9), (9, 5)),
    "column": ((9, 5), (5, 1)),
    "outer": ((6, 1), (1, 8)),
    "inner": ((1, 1031), (1031, 1)),
    "deep": ((3, 1031), (1031, 5)),
    "tall": ((259, 17), (17, 9)),
    "wide": ((9, 17), (17, 259)),
    "panels": ((70, 300), (300, 67)),
    "batch": ((2, 3, 4, 5), (2, 3, 5, 6)),
    "batch-left": ((3, 4, 5), (5, 6)),
    "batch-right": ((4, 5), (3, 5, 6)),
    "batch-outer": ((2, 1, 4, 5), (3, 5, 6)),
}

ROWS = [
    *(
        _row(
            f"{name}-{'t' if ta else 'n'}{'t' if tb else 'n'}",
            Spec(_turned(a, ta)),
            Spec(_turned(b, tb)),
            ta,
            tb,
        )
        for name, (a, b) in SHAPES.items()
        for ta in (False, True)
        for tb in (False, True)
    ),
    _row("no-rows", Spec((0, 5)), Spec((5, 3))),
    _row("no-columns", Spec((4, 5)), Spec((5, 0))),
    _row("no-depth", Spec((4, 0)), Spec((0, 3))),
    _row("no-batch", Spec((0, 4, 5)), Spec((0, 5, 3))),
    _row("F", Spec((6, 8), layout="F"), Spec((8, 5), layout="F")),
    _row("every-other", Spec((6, 8), layout="every_other"), Spec((8, 5), layout="every_other")),
    _row("backwards", Spec((6, 8), layout="backwards"), Spec((8, 5), layout="read_only")),
]

BAD = [
    _bad("depth", Spec((2, 3)), Spec((4, 5)), "ShapeError", "3", "4"),
    _bad("depth-transposed", Spec((3, 2)), Spec((4, 5)), "ShapeError", "3", "4", ta=True),
    _bad("vector", Spec((3,)), Spec((3, 4)), "ShapeError", "(3,)"),
    _bad("scalar", Spec((3, 4)), Spec(()), "ShapeError", "()"),
    _bad("batches", Spec((2, 3, 4)), Spec((5, 4, 3)), "ShapeError", "2", "5"),
    _bad(
        "dtypes",
        Spec((2, 3)),
        Spec((3, 2), integers(0, 3), "int32"),
        "DTypeError",
        "float32",
        "int32",
    ),
]


def draw(data: st.DataObject) -> Drawn:
    m, k, n = (data.draw(st.integers(1, 5), label=name) for name in "mkn")
    batch = draw_shape(data, most=2, side=3)
    ta, tb = data.draw(st.booleans()), data.draw(st.booleans())
    a = draw_array(data, (*batch, *_turned((m, k), ta)))
    b = draw_array(data, (*draw_part(data, batch), *_turned((k, n), tb)))
    return Drawn({"transpose_a": ta, "transpose_b": tb}, [a, b], (0, 1))
