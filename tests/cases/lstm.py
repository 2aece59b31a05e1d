from __future__ import annotations

from hypothesis import strategies as st

from tests.cases import _recurrent
from tests.rows import Drawn

ROWS = _recurrent.rows("lstm", 4, "carry")
BAD = _recurrent.bad("lstm", 4, "carry")


def draw(data: st.DataObject) -> Drawn:
    return _recurrent.draw(data, 4, "carry")
