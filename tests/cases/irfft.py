from __future__ import annotations

from hypothesis import strategies as st

from tests.cases._fourier import INTS, LAYOUTS, LEADING, LENGTHS
from tests.cases.rfft import WAYS
from tests.rows import Bad, Drawn, Row, Spec, draw_array, draw_shape, normal


def _attrs(length: int, both: bool = False, mean: bool = False) -> dict:
    return {"length": length, "both": both, "mean": mean}


def _row(
    name: str,
    n: int,
    lead: tuple[int, ...] = (2,),
    both: bool = False,
    mean: bool = False,
    layout: str = "C",
) -> Row:
    way = ("-both" if both else "") + ("-mean" if mean else "")
    x = Spec((*lead, n // 2 + 1), layout=layout)
    return Row("irfft", name + way, _attrs(n, both, mean), (x, x), (0, 1))


def _bad(name: str, length: int, inputs: tuple[Spec, ...], error: str, *match: str) -> Bad:
    return Bad("irfft", name, _attrs(length), inputs, error, match)


ROWS = [
    *(_row(f"of-{n}", n) for n in LENGTHS),
    *(
        _row(f"leading-{i}-of-{n}", n, LEADING[i], *way)
        for n in (12, 13)
        for i, way in enumerate(WAYS)
    ),
    _row("many-rows", 60, (300,)),
    _row("long", 1000, (), True, True),
    _row("no-rows", 7, (0,)),
    *(_row(layout, 7, (4,), layout=layout) for layout in LAYOUTS),
]

_X = Spec((2, 3))
BAD = [
    _bad("one-input", 4, (_X,), "ShapeError", "2 inputs", "1"),
    _bad("shapes", 4, (_X, Spec((3, 2))), "ShapeError", "(2, 3)", "(3, 2)"),
    _bad("scalars", 1, (Spec(()), Spec(())), "ShapeError", "rank 1", "()"),
    _bad("empty-axis", 1, (Spec((2, 0)), Spec((2, 0))), "ShapeError", "1 element", "(2, 0)"),
    _bad("length-0", 0, (_X, _X), "ValueError", "length of 1", "0"),
    _bad("length-below-0", -4, (_X, _X), "ValueError", "-4"),
    _bad("length-of-others", 6, (_X, _X), "ShapeError", "4", "6", "(2, 3)"),
    _bad("length-beyond-all", 2**62, (_X, _X), "ShapeError", "(2, 3)"),
    _bad("dtypes", 4, (_X, Spec((2, 3), dtype="float64")), "DTypeError", "float32", "float64"),
    _bad("of-ints", 6, (INTS, INTS), "DTypeError", "int32"),
]


def draw(data: st.DataObject) -> Drawn:
    n = data.draw(st.integers(1, 80), label="n")
    shape = (*draw_shape(data, most=2), n // 2 + 1)
    inputs = [draw_array(data, shape, normal), draw_array(data, shape, normal)]
    way = data.draw(st.sampled_from(WAYS), label="both, mean")
    return Drawn(_attrs(n, *way), inputs, (0, 1))
