from __future__ import annotations

from hypothesis import strategies as st

from tests.cases import _recurrent, simple_rnn
from tests.rows import Bad, Drawn, Spec, draw_array

ROWS = _recurrent.grad_rows("simple_rnn_grad", 1, "", activation="tanh")
_ATTRS = _recurrent.attrs(activation="tanh")
_INPUTS = _recurrent.inputs((2, 3, 4), 1, "")
_STATES = [Spec((2, 3, 4))] * 2
BAD = [
    Bad("simple_rnn_grad", "count", _ATTRS, (*_INPUTS, *_STATES[1:]), "ShapeError", ("inputs",)),
    Bad("simple_rnn_grad", "gradient", _ATTRS, (*_INPUTS, *_STATES[1:], Spec((2, 3, 5))), "ShapeError", ("(2, 3, 5)",)),
]


def draw(data: st.DataObject) -> Drawn:
    drawn = simple_rnn.draw(data)
    states = [draw_array(data, drawn.inputs[0].shape) for _ in _STATES]
    return Drawn(drawn.attrs, [*drawn.inputs, *states])
