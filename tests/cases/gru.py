from __future__ import annotations

from hypothesis import strategies as st

from tests.cases import _recurrent
from tests.rows import Drawn

ROWS = _recurrent.rows("gru", 3, "bias")
BAD = _recurrent.bad("gru", 3, "bias")


def draw(data: st.DataObject) -> Drawn:
    return _recurrent.draw(data, 3, "bias")
