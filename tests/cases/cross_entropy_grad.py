from __future__ import annotations

from hypothesis import strategies as st

from tests.cases import cross_entropy
from tests.cases.cross_entropy import CLIPPED, ROUNDED
from tests.rows import Bad, Drawn, Row, Spec, draw_array, exactly, integers, normal, shares


_EXCEPTION = {"differences": False, "native": True, "reason": ROUNDED}
# The kernel and a sum in a graph add in orders of their own; a share that is inside the clip by the
# one and outside by the other is left out.
_CLIPPED = [row for row in CLIPPED if row != [4e-8, 1.0, 3e-8]]


def _row(row: Row) -> Row:
    """The gradient of what the row of `cross_entropy` computes."""
    grad = (0, 2) if row.attrs["sparse"] else (0, 1, 2)
    inputs = (*row.inputs, Spec(row.inputs[0].shape[:-1]))
    return Row("cross_entropy_grad", row.id, row.attrs, inputs, grad)


def _clipped(name: str, target: Spec) -> Row:
    sparse = target.dtype != "float"
    attrs = {"from_logits": False, "epsilon": 1e-7, "sparse": sparse}
    inputs = (Spec((5, 3), exactly(_CLIPPED)), target, Spec((5,)))
    grad = (0, 2) if sparse else (0, 1, 2)
    return Row("cross_entropy_grad", f"clipped-{name}", attrs, inputs, grad, **_EXCEPTION)


def _bad(
    name: str,
    inputs: tuple[Spec, ...],
    error: str,
    *match: str,
    sparse: bool = False,
    logits: bool = True,
) -> Bad:
    attrs = {"from_logits": logits, "epsilon": 1e-7, "sparse": sparse}
    return Bad("cross_entropy_grad", name, attrs, inputs, error, match)


ROWS = [
    *(_row(row) for row in cross_entropy.ROWS if not row.reason),
    *(_clipped(f"label-{label}", Spec((5,), exactly([label] * 5), "int32")) for label in range(3)),
    _clipped("targets", Spec((5, 3), shares)),
    _clipped("any-targets", Spec((5, 3), normal)),
]

_P, _D = Spec((3, 4)), Spec((3,))
_LABELS = Spec((3,), integers(0, 4), "int32")
BAD = [
    _bad("two-inputs", (_P, _P), "ShapeError", "3 inputs", "2"),
    _bad(
        "label-above",
        (_P, Spec((3,), exactly([0, 4, 1]), "int32"), _D),
        "DataError",
        "[0, 4)",
        sparse=True,
    ),
    _bad(
        "label-below",
        (_P, Spec((3,), exactly([0, -1, 1]), "int64"), _D),
        "DataError",
        "-1",
        sparse=True,
        logits=False,
    ),
    _bad("shapes", (_P, Spec((3, 5)), _D), "ShapeError", "(3, 4)", "(3, 5)"),
    _bad("sparse-rank", (_P, Spec((3, 4), integers(0, 4), "int32"), _D), "ShapeError", "(3,)",
         "(3, 4)", sparse=True),
    _bad("dout", (_P, _P, Spec((4,))), "ShapeError", "(3,)", "(4,)"),
    _bad("dout-of-classes", (_P, _LABELS, _P), "ShapeError", "(3,)", "(3, 4)", sparse=True),
    _bad("dtype", (_P, _P, Spec((3,), dtype="float64")), "DTypeError", "float64"),
    _bad("of-ints", (Spec((3, 4), integers(0, 3), "int32"), _P, _D), "DTypeError", "int32"),
    _bad("float-labels", (_P, _D, _D), "DTypeError", "float32", sparse=True),
]


def draw(data: st.DataObject) -> Drawn:
    drawn = cross_entropy.draw(data)
    pred, target = drawn.inputs
    dout = draw_array(data, pred.shape[:-1], normal)
    return Drawn(drawn.attrs, [pred, target, dout], (0, 2) if drawn.attrs["sparse"] else (0, 1, 2))
