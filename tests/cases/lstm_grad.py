from __future__ import annotations

from hypothesis import strategies as st

from tests.cases import _recurrent
from tests.rows import Bad, Drawn, Spec, draw_array

ROWS = _recurrent.grad_rows("lstm_grad", 4, "carry")
_ATTRS = _recurrent.attrs(by_carries=False)
_INPUTS = _recurrent.inputs((2, 3, 4), 4, "carry")
_STATES = [Spec((2, 3, 4))] * 3
BAD = [
    Bad("lstm_grad", "count", _ATTRS, (*_INPUTS, *_STATES[1:]), "ShapeError", ("inputs",)),
    Bad("lstm_grad", "gradient", _ATTRS, (*_INPUTS, *_STATES[1:], Spec((2, 3, 5))), "ShapeError", ("(2, 3, 5)",)),
    Bad("lstm_grad", "dtype", _ATTRS, (*_INPUTS, *_STATES[1:], Spec((2, 3, 4), dtype="float64")), "DTypeError", ("float64",)),
]


def draw(data: st.DataObject) -> Drawn:
    drawn = _recurrent.draw(data, 4, "carry")
    shape = (*drawn.inputs[0].shape[:2], drawn.inputs[2].shape[1])
    states = [draw_array(data, shape) for _ in _STATES]
    return Drawn({**drawn.attrs, "by_carries": False}, [*drawn.inputs, *states])
