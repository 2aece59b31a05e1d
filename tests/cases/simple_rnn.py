from __future__ import annotations

from hypothesis import strategies as st

from tests.cases import _recurrent
from tests.rows import Bad, Drawn, Row

ACTIVATIONS = ("linear", "relu", "sigmoid", "tanh")
ROWS = [
    *_recurrent.rows("simple_rnn", 1, "", activation="tanh"),
    *(
        Row("simple_rnn", name, _recurrent.attrs(activation=name),
            _recurrent.inputs((3, 4, 5), 1, ""), (0, 1, 2))
        for name in ("linear", "sigmoid", "relu")
    ),
]  # fmt: skip
BAD = [
    *_recurrent.bad("simple_rnn", 1, "", activation="tanh"),
    Bad("simple_rnn", "activation", _recurrent.attrs(activation="gelu"),
        _recurrent.inputs((3, 4, 5), 1, ""), "ValueError", ("gelu", "tanh")),
]  # fmt: skip


def draw(data: st.DataObject) -> Drawn:
    # At a kink of relu finite differences do not hold.
    smooth = [name for name in ACTIVATIONS if name != "relu"]
    return _recurrent.draw(data, 1, "", activation=data.draw(st.sampled_from(smooth)))
