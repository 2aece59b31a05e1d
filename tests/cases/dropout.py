from __future__ import annotations

from hypothesis import strategies as st

from tests.rows import Bad, Drawn, Row, Spec, draw_array, draw_shape, exactly, integers

SEED = Spec((2,), exactly([12345, 67]), "uint32")


def _row(name: str, rate: float, x: Spec, seed: Spec = SEED) -> Row:
    return Row("dropout", name, {"rate": rate}, (x, seed), (0,))


def _bad(name: str, rate: float, x: Spec, seed: Spec, error: str, *match: str) -> Bad:
    return Bad("dropout", name, {"rate": rate}, (x, seed), error, match)


ROWS = [
    _row("matrix", 0.3, Spec((3, 5))),
    _row("half", 0.5, Spec((67, 31))),
    _row("none", 0.0, Spec((3, 5))),
    _row("nearly-all", 0.99, Spec((1003,))),
    _row("scalar", 0.5, Spec(())),
    _row("empty", 0.5, Spec((0, 3))),
    _row("odd", 0.2, Spec((1003,)), Spec((2,), exactly([2**32 - 1, 2**31]), "uint32")),
    *(
        _row(layout, 0.4, Spec((4, 6), layout=layout))
        for layout in ("F", "every_other", "backwards")
    ),
]

BAD = [
    _bad("all", 1.0, Spec((3,)), SEED, "ValueError", "1"),
    _bad("negative", -0.5, Spec((3,)), SEED, "ValueError", "-0.5"),
    _bad("of-ints", 0.5, Spec((3,), integers(0, 9), "int32"), SEED, "DTypeError", "int32"),
    _bad(
        "seed-shape",
        0.5,
        Spec((3,)),
        Spec((1,), integers(0, 9), "uint32"),
        "ShapeError",
        "(2,)",
        "(1,)",
    ),
    _bad(
        "seed-dtype",
        0.5,
        Spec((3,)),
        Spec((2,), integers(0, 9), "int32"),
        "DTypeError",
        "uint32",
        "int32",
    ),
]


def draw(data: st.DataObject) -> Drawn:
    x = draw_array(data, draw_shape(data))
    seed = draw_array(data, (2,), integers(0, 2**32), "uint32")
    return Drawn({"rate": data.draw(st.sampled_from([0.0, 0.1, 0.5, 0.9]))}, [x, seed], (0,))
