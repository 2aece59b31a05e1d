"""Rows that the recurrent ops share."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.rows import Bad, Drawn, Row, Spec, coins, draw_array, exactly, uniform

# (rows, steps, units)
SHAPES = {
    "usual": (3, 5, 4),
    "one-step": (2, 1, 3),
    "one-row": (1, 4, 3),
    "one-unit": (3, 4, 1),
    "tasks": (35, 3, 5),
    "large": (18, 6, 40),
    "no-rows": (0, 3, 2),
    "no-steps": (2, 0, 3),
}
WEIGHTS = uniform(-0.7, 0.7)


def attrs(reverse: bool = False, masked: bool = False, **more: Any) -> dict:
    return {"reverse": reverse, "masked": masked, **more}


def inputs(
    shape: tuple[int, int, int],
    gates: int,
    own: str,
    masked: bool = False,
    layout: str = "C",
) -> tuple[Spec, ...]:
    rows, steps, units = shape
    specs = [
        Spec((rows, steps, gates * units), layout=layout),
        Spec((units, gates * units), WEIGHTS, layout=layout),
        Spec((rows, units), layout=layout),
    ]
    if own:
        specs.append(Spec((rows, units) if own == "carry" else (gates * units,)))
    if masked:
        specs.append(Spec((rows, steps), coins, "bool"))
    return tuple(specs)


def rows(op: str, gates: int, own: str, **more: Any) -> list[Row]:
    """Every shape; reversed and masked; in other layouts; masked whole."""
    grad = (0, 1, 2, 3) if own else (0, 1, 2)

    def row(name: str, specs: tuple[Spec, ...], **ways: bool) -> Row:
        return Row(op, name, attrs(**ways, **more), specs, grad)

    usual = SHAPES["usual"]
    none = Spec((3, 5), exactly(np.zeros((3, 5))), "bool")
    ragged = Spec((3, 5), exactly([[1, 1, 1, 0, 0], [0, 0, 0, 0, 0], [1, 0, 1, 1, 1]]), "bool")
    return [
        *(row(name, inputs(shape, gates, own)) for name, shape in SHAPES.items()),
        *(
            row(
                f"{name}{'-reverse' * r}{'-masked' * m}",
                inputs(SHAPES[name], gates, own, m),
                reverse=r,
                masked=m,
            )
            for name in ("usual", "tasks")
            for r, m in [(True, False), (False, True), (True, True)]
        ),
        *(
            row(f"mask-{name}", (*inputs(usual, gates, own), mask), masked=True)
            for name, mask in (("none", none), ("ragged", ragged))
        ),
        *(row(layout, inputs(usual, gates, own, layout=layout)) for layout in ("F", "backwards")),
    ]


def grad_rows(op: str, gates: int, own: str, **more: Any) -> list[Row]:
    """The op of gradients, on states within reach of the forward pass."""
    seen = 3 if own == "carry" else 1

    def row(name: str, shape: tuple[int, int, int], carried: bool, **ways: bool) -> Row:
        specs = inputs(shape, gates, own, ways.get("masked", False))
        given = {**more, "by_carries": carried} if own == "carry" else more
        count = seen - (own == "carry" and not carried) + 1
        return Row(op, name, attrs(**ways, **given), (*specs, *[Spec(shape)] * count), ())

    carries = (False, True) if own == "carry" else (False,)
    return [
        row(f"{name}{'-carried' * carried}", shape, carried)
        for name, shape in SHAPES.items()
        for carried in carries
    ] + [row("all", SHAPES["tasks"], True, reverse=True, masked=True)]


def bad(op: str, gates: int, own: str, **more: Any) -> list[Bad]:
    usual = inputs((2, 3, 4), gates, own)
    x, w, first = usual[:3]
    rest = usual[3:]
    wide = gates * 4

    def one(name: str, specs: tuple[Spec, ...], error: str, *match: str, **ways: bool) -> Bad:
        return Bad(op, name, attrs(**ways, **more), specs, error, match)

    mask = Spec((2, 3), coins, "bool")
    return [
        one("no-mask", usual, "ShapeError", f"{len(usual) + 1} inputs", masked=True),
        one("too-many", (*usual, mask), "ShapeError", f"{len(usual)} inputs"),
        one("flat", (Spec((2, wide)), w, first, *rest), "ShapeError", f"(2, {wide})"),
        one("width", (Spec((2, 3, wide + 1)), w, first, *rest), "ShapeError", f"{wide + 1}"),
        one("weights", (x, Spec((5, wide)), first, *rest), "ShapeError", f"(5, {wide})"),
        one("weights-flat", (x, Spec((wide,)), first, *rest), "ShapeError", f"({wide},)"),
        one("initial", (x, w, Spec((3, 4)), *rest), "ShapeError", "(2, 4)", "(3, 4)"),
        one("mask-shape", (*usual, Spec((3, 2), coins, "bool")), "ShapeError", "(3, 2)", masked=True),
        one("mask-dtype", (*usual, Spec((2, 3))), "DTypeError", "mask", masked=True),
        one("dtype", (x, w, Spec((2, 4), dtype="float64"), *rest), "DTypeError", "float64"),
        one("of-ints", (Spec((2, 3, wide), dtype="int32"), w, first, *rest), "DTypeError", "int32"),
    ]


def draw(data: st.DataObject, gates: int, own: str, **more: Any) -> Drawn:
    shape = tuple(data.draw(st.integers(1, 5), label=name) for name in ("rows", "steps", "units"))
    ways = [data.draw(st.booleans(), label=name) for name in ("reverse", "masked")]
    specs = inputs(shape, gates, own, ways[1])
    arrays = [draw_array(data, spec.shape, spec.values, "float64") for spec in specs]
    if ways[1]:
        at = 4 if own else 3
        arrays[at] = arrays[at].astype(bool)
    grad = (0, 1, 2, 3) if own else (0, 1, 2)
    return Drawn(attrs(*ways, **more), arrays, grad)
