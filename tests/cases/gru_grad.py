from __future__ import annotations

from hypothesis import strategies as st

from tests.cases import _recurrent
from tests.rows import Bad, Drawn, Spec, draw_array

ROWS = _recurrent.grad_rows("gru_grad", 3, "bias")
_ATTRS = _recurrent.attrs()
_INPUTS = _recurrent.inputs((2, 3, 4), 3, "bias")
_STATES = [Spec((2, 3, 4))] * 2
BAD = [
    Bad("gru_grad", "count", _ATTRS, (*_INPUTS, *_STATES[1:]), "ShapeError", ("inputs",)),
    Bad("gru_grad", "gradient", _ATTRS, (*_INPUTS, *_STATES[1:], Spec((2, 3, 5))), "ShapeError", ("(2, 3, 5)",)),
    Bad("gru_grad", "dtype", _ATTRS, (*_INPUTS, *_STATES[1:], Spec((2, 3, 4), dtype="float64")), "DTypeError", ("float64",)),
]


def draw(data: st.DataObject) -> Drawn:
    drawn = _recurrent.draw(data, 3, "bias")
    shape = (*drawn.inputs[0].shape[:2], drawn.inputs[2].shape[1])
    states = [draw_array(data, shape) for _ in _STATES]
    return Drawn({**drawn.attrs}, [*drawn.inputs, *states])
