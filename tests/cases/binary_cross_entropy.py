from __future__ import annotations

from hypothesis import strategies as st

from tests.rows import (
    Bad,
    Drawn,
    Row,
    Spec,
    draw_array,
    draw_shape,
    exactly,
    integers,
    normal,
    uniform,
)

ROUNDED = "1 - epsilon rounds in float32, which moves log(1 - p) beyond 1e-5; the clip is a kink"
SHARE = uniform(0.05, 0.95)


def _attrs(logits: bool) -> dict:
    return {"from_logits": logits, "epsilon": 1e-7}


def _row(
    name: str, logits: bool, x: Spec, t: Spec, grad: tuple[int, ...] = (0, 1), **exception
) -> Row:
    return Row("binary_cross_entropy", name, _attrs(logits), (x, t), grad, **exception)


def _bad(name: str, x: Spec, t: Spec, error: str, *match: str) -> Bad:
    return Bad("binary_cross_entropy", name, _attrs(True), (x, t), error, match)


SHAPES = {
    "matrix": (7, 5),
    "column": (7, 1),
    "scalar": (),
    "deep": (2, 3, 4),
    "empty": (0, 5),
    "long": (1003,),
}

ROWS = [
    *(_row(f"logits-{n}", True, Spec(s), Spec(s, SHARE)) for n, s in SHAPES.items()),
    *(_row(f"shares-{n}", False, Spec(s, SHARE), Spec(s, SHARE)) for n, s in SHAPES.items()),
    _row("hard-targets", True, Spec((40,)), Spec((40,), integers(0, 2))),
    _row(
        "logits-large",
        True,
        Spec((5,), exactly([-1e4, -100, 0, 100, 1e4])),
        Spec((5,), exactly([0, 1, 0.5, 0, 1])),
    ),
    _row(
        "shares-clipped",
        False,
        Spec((6,), exactly([0.0, 0.0, 1.0, 1.0, 1e-9, 0.5])),
        Spec((6,), exactly([0.0, 1.0, 0.0, 1.0, 0.5, 0.5])),
        differences=False,
        native=True,
        reason=ROUNDED,
    ),
    _row("F", True, Spec((4, 6), layout="F"), Spec((4, 6), SHARE, layout="every_other")),
    _row(
        "backwards",
        False,
        Spec((4, 6), SHARE, layout="backwards"),
        Spec((4, 6), SHARE, layout="read_only"),
    ),
]

BAD = [
    _bad("shapes", Spec((3, 1)), Spec((3,)), "ShapeError", "(3, 1)", "(3,)"),
    _bad(
        "dtypes", Spec((3,)), Spec((3,), integers(0, 2), "int32"), "DTypeError", "float32", "int32"
    ),
    _bad(
        "of-ints",
        Spec((3,), integers(0, 2), "int32"),
        Spec((3,), integers(0, 2), "int32"),
        "DTypeError",
        "int32",
    ),
]


def draw(data: st.DataObject) -> Drawn:
    shape = draw_shape(data)
    logits = data.draw(st.booleans(), label="logits")
    x = draw_array(data, shape, normal if logits else SHARE)
    return Drawn(_attrs(logits), [x, draw_array(data, shape, SHARE)], (0, 1))
