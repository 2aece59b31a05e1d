from __future__ import annotations

from hypothesis import strategies as st

from tests.cases._fourier import INTS, LAYOUTS, LEADING, LENGTHS
from tests.rows import Bad, Drawn, Row, Spec, draw_array, draw_shape, normal

WAYS = [(both, mean) for both in (False, True) for mean in (False, True)]


def _attrs(both: bool, mean: bool) -> dict:
    return {"both": both, "mean": mean}


def _row(name: str, x: Spec, both: bool = False, mean: bool = False) -> Row:
    way = ("-both" if both else "") + ("-mean" if mean else "")
    return Row("rfft", name + way, _attrs(both, mean), (x,), (0,))


def _bad(name: str, inputs: tuple[Spec, ...], error: str, *match: str) -> Bad:
    return Bad("rfft", name, _attrs(False, False), inputs, error, match)


ROWS = [
    *(_row(f"of-{n}", Spec((2, n))) for n in LENGTHS),
    *(
        _row(f"leading-{i}-of-{n}", Spec((*LEADING[i], n)), *way)
        for n in (12, 13)
        for i, way in enumerate(WAYS)
    ),
    _row("many-rows", Spec((300, 60))),
    _row("long", Spec((1000,)), True, True),
    _row("no-rows", Spec((0, 7))),
    *(_row(layout, Spec((4, 6), layout=layout)) for layout in LAYOUTS),
]

BAD = [
    _bad("two-inputs", (Spec((3,)), Spec((3,))), "ShapeError", "1 inputs", "2"),
    _bad("scalar", (Spec(()),), "ShapeError", "rank 1", "()"),
    _bad("empty-axis", (Spec((2, 0)),), "ShapeError", "1 element", "(2, 0)"),
    _bad("of-ints", (INTS,), "DTypeError", "int32"),
]


def draw(data: st.DataObject) -> Drawn:
    shape = (*draw_shape(data, most=2), data.draw(st.integers(1, 80), label="n"))
    way = data.draw(st.sampled_from(WAYS), label="both, mean")
    return Drawn(_attrs(*way), [draw_array(data, shape, normal)], (0,))
