from __future__ import annotations

from hypothesis import strategies as st

from tests.cases import ctc_loss
from tests.rows import Bad, Drawn, Row, Spec, draw_array, normal


def _row(row: Row) -> Row:
    """The gradient of what the row of `ctc_loss` computes."""
    losses = Spec(row.inputs[3].shape, layout=row.inputs[3].layout)
    return Row("ctc_loss_grad", row.id, row.attrs, (*row.inputs, losses))


ROWS = [_row(row) for row in ctc_loss.ROWS]

_GOOD = ctc_loss.inputs((2, 4, 3), [[1, 2], [2]], [4, 4])
BAD = [
    *ctc_loss.bads("ctc_loss_grad", Spec((2,))),
    *(
        Bad("ctc_loss_grad", name, {"mask_index": 0}, given, error, match)
        for name, given, error, match in [
            ("count", _GOOD, "ShapeError", ("5 inputs", "4")),
            ("dout", (*_GOOD, Spec((3,))), "ShapeError", ("(2,)", "(3,)")),
            ("dtype", (*_GOOD, Spec((2,), dtype="float64")), "DTypeError", ("float64",)),
        ]
    ),
]


def draw(data: st.DataObject) -> Drawn:
    drawn = ctc_loss.draw(data)
    dout = draw_array(data, drawn.inputs[3].shape, normal)
    return Drawn(drawn.attrs, [*drawn.inputs, dout])
