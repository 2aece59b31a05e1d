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
    shares,
    uniform,
)

EPSILON = 1e-7
ROUNDED = "1 - epsilon rounds in float32, which moves log(1 - p) beyond 1e-5; the clip is a kink"


def _attrs(logits: bool, sparse: bool) -> dict:
    return {"from_logits": logits, "epsilon": EPSILON, "sparse": sparse}


def _row(name: str, logits: bool, pred: Spec, target: Spec, grad=(0, 1), **exception) -> Row:
    sparse = target.dtype != "float"
    grad = tuple(i for i in grad if not (sparse and i == 1))
    return Row("cross_entropy", name, _attrs(logits, sparse), (pred, target), grad, **exception)


def _bad(name: str, pred: Spec, target: Spec, error: str, *match: str) -> Bad:
    return Bad(
        "cross_entropy", name, _attrs(True, target.dtype != "float"), (pred, target), error, match
    )


def _labels(*shape: int, classes: int = 5, dtype: str = "int32", layout: str = "C") -> Spec:
    return Spec(shape, integers(0, classes), dtype, layout)


POSITIVE = uniform(0.1, 2)
# Shares of 0, under epsilon, above 1 - epsilon, and 1, of rows that do not sum to one.
CLIPPED = [
    [2.0, 0.0, 0.0],
    [0.0, 3.0, 1e-8],
    [1e-9, 1e-8, 1.0],
    [0.25, 0.5, 0.75],
    [4e-8, 1.0, 3e-8],
    [1e-30, 1.0, 1.0],
]
SHAPES = {
    "matrix": (7, 5),
    "vector": (5,),
    "deep": (2, 3, 5),
    "one-class": (3, 1),
    "empty": (0, 5),
    "long": (3, 1003),
    "many": (1029, 5),
}

ROWS = [
    *(_row(f"logits-{n}", True, Spec(s), Spec(s, shares)) for n, s in SHAPES.items()),
    *(
        _row(f"logits-sparse-{n}", True, Spec(s), _labels(*s[:-1], classes=s[-1]))
        for n, s in SHAPES.items()
    ),
    *(
        _row(f"shares-{n}", False, Spec(s, POSITIVE), Spec(s, shares))
        for n, s in SHAPES.items()
        if s[-1] > 1
    ),
    *(
        _row(f"shares-sparse-{n}", False, Spec(s, POSITIVE), _labels(*s[:-1], classes=s[-1]))
        for n, s in SHAPES.items()
        if s[-1] > 1
    ),
    *(_row(f"sparse-{d}", True, Spec((7, 5)), _labels(7, dtype=d)) for d in ("int64", "uint8")),
    _row("logits-any-targets", True, Spec((7, 5)), Spec((7, 5), normal)),
    _row("logits-large", True, Spec((3, 4), uniform(-1e4, 1e4)), Spec((3, 4), shares)),
    _row("logits-sparse-large", True, Spec((3, 4), uniform(-1e4, 1e4)), _labels(3, classes=4)),
    _row(
        "shares-clipped",
        False,
        Spec((3, 2), exactly([[1.0, 0.0], [0.0, 3.0], [1e-9, 1.0]])),
        Spec((3, 2), exactly([[0.0, 1.0], [0.0, 1.0], [0.5, 0.5]])),
        (0, 1),
        differences=False,
        native=True,
        reason=ROUNDED,
    ),
    *(
        _row(
            f"shares-clipped-label-{label}",
            False,
            Spec((6, 3), exactly(CLIPPED)),
            Spec((6,), exactly([label] * 6), "int32"),
            differences=False,
            native=True,
            reason=ROUNDED,
        )
        for label in range(3)
    ),
    _row(
        "shares-clipped-targets",
        False,
        Spec((6, 3), exactly(CLIPPED)),
        Spec((6, 3), shares),
        differences=False,
        native=True,
        reason=ROUNDED,
    ),
    _row("F", True, Spec((4, 6), layout="F"), Spec((4, 6), shares, layout="every_other")),
    _row("backwards", True, Spec((4, 5), layout="backwards"), _labels(4, layout="every_other")),
]

BAD = [
    _bad("label-above", Spec((3, 4)), Spec((3,), exactly([0, 4, 1]), "int32"), "DataError", "4"),
    _bad(
        "label-below",
        Spec((3, 4)),
        Spec((3,), exactly([0, -1, 1]), "int64"),
        "DataError",
        "-1",
        "4",
    ),
    _bad("shapes", Spec((3, 4)), Spec((3, 5)), "ShapeError", "(3, 4)", "(3, 5)"),
    _bad("sparse-shapes", Spec((3, 4)), _labels(4), "ShapeError", "(3,)", "(4,)"),
    _bad("sparse-rank", Spec((3, 4)), _labels(3, 4), "ShapeError", "(3,)", "(3, 4)"),
    _bad("scalar", Spec(()), Spec(()), "ShapeError", "()"),
    _bad("of-ints", Spec((3, 4), integers(0, 3), "int32"), Spec((3, 4)), "DTypeError", "int32"),
    Bad(
        "cross_entropy",
        "float-labels",
        _attrs(True, True),
        (Spec((3, 4)), Spec((3,))),
        "DTypeError",
        ("float32",),
    ),
    Bad(
        "cross_entropy",
        "int-targets",
        _attrs(True, False),
        (Spec((3, 4)), _labels(3, 4)),
        "DTypeError",
        ("int32",),
    ),
]


def draw(data: st.DataObject) -> Drawn:
    shape = draw_shape(data, least=1, smallest=2)
    logits, sparse = data.draw(st.booleans(), label="logits"), data.draw(
        st.booleans(), label="sparse"
    )
    pred = draw_array(data, shape, normal if logits else POSITIVE)
    if sparse:
        target = draw_array(data, shape[:-1], integers(0, shape[-1]), "int32")
    else:
        target = draw_array(data, shape, shares)
    return Drawn(_attrs(logits, sparse), [pred, target], (0,) if sparse else (0, 1))
