"""Every op writes all of its outputs: nothing of what lay in their memory shines through."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import _core
from tests import cases
from tests.harness import FLOATS, of_row, push
from tests.rows import Row


def has_rows(row: Row) -> bool:
    """Feeds of an epoch have rows."""
    return all(len(spec.shape) > 0 and spec.shape[0] > 0 for spec in row.inputs)


ROWS = [row for op in cases.names() for row in cases.load(op).ROWS if row.inputs and has_rows(row)]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_outputs_are_written_whole(row: Row, dtype: str) -> None:
    run = of_row(row, dtype)
    graph = _core.Graph()
    _, outputs = push(graph, run)
    made = _core.eager(run.op, run.attrs, run.inputs)
    expected = [y.view("uint8") if y.dtype == bool else y for y in made]
    results = [
        np.frombuffer(bytearray(b"\xff" * y.nbytes), y.dtype).reshape(y.shape) for y in expected
    ]
    feeds = [np.ascontiguousarray(x) for x in run.inputs]
    # One batch, which takes as many rows as the inputs have.
    assert graph.compile(outputs).epoch(feeds, None, 1, 0, 1, results) == 1
    for got, want in zip(results, expected, strict=True):
        np.testing.assert_array_equal(got, want)
