from __future__ import annotations

from hypothesis import strategies as st

from tests.cases._fourier import INTS, LAYOUTS, LEADING, LENGTHS
from tests.rows import Bad, Drawn, Row, Spec, draw_array, draw_shape, normal

WAYS = [(inverse, mean) for inverse in (False, True) for mean in (False, True)]


def _attrs(inverse: bool, mean: bool) -> dict:
    return {"inverse": inverse, "mean": mean}


def _row(name: str, x: Spec, inverse: bool = False, mean: bool = False) -> Row:
    way = ("-inverse" if inverse else "") + ("-mean" if mean else "")
    return Row("fft", name + way, _attrs(inverse, mean), (x, x), (0, 1))


def _bad(name: str, inputs: tuple[Spec, ...], error: str, *match: str) -> Bad:
    return Bad("fft", name, _attrs(False, False), inputs, error, match)


ROWS = [
    *(_row(f"of-{n}", Spec((2, n)), n % 2 == 0) for n in LENGTHS),
    *(_row(f"leading-{i}", Spec((*LEADING[i], 12)), *way) for i, way in enumerate(WAYS)),
    _row("many-rows", Spec((300, 60))),
    _row("long", Spec((1000,)), True, True),
    _row("no-rows", Spec((0, 7))),
    *(_row(layout, Spec((4, 6), layout=layout)) for layout in LAYOUTS),
]

_X = Spec((2, 3))
BAD = [
    _bad("one-input", (_X,), "ShapeError", "2 inputs", "1"),
    _bad("shapes", (_X, Spec((3, 2))), "ShapeError", "(2, 3)", "(3, 2)"),
    _bad("ranks", (_X, Spec((3,))), "ShapeError", "(2, 3)", "(3,)"),
    _bad("scalars", (Spec(()), Spec(())), "ShapeError", "rank 1", "()"),
    _bad("empty-axis", (Spec((2, 0)), Spec((2, 0))), "ShapeError", "1 element", "(2, 0)"),
    _bad("dtypes", (_X, Spec((2, 3), dtype="float64")), "DTypeError", "float32", "float64"),
    _bad("of-ints", (INTS, INTS), "DTypeError", "int32"),
]


def draw(data: st.DataObject) -> Drawn:
    shape = (*draw_shape(data, most=2), data.draw(st.integers(1, 80), label="n"))
    inputs = [draw_array(data, shape, normal), draw_array(data, shape, normal)]
    return Drawn(_attrs(*data.draw(st.sampled_from(WAYS), label="inverse, mean")), inputs, (0, 1))
