"""The five checks on every row of every op, in float32 and float64, and on drawn cases."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule import _core
from tests import cases
from tests.harness import (
    FLOATS,
    check_backward,
    check_bad,
    check_compiled,
    check_differences,
    check_forward,
    of_draw,
    of_row,
)
from tests.rows import Bad, Row

ROWS: list[Row] = [row for op in cases.names() for row in cases.load(op).ROWS]
BAD: list[Bad] = [bad for op in cases.names() for bad in cases.load(op).BAD]

each_row = pytest.mark.parametrize("row", ROWS, ids=str)
each_dtype = pytest.mark.parametrize("dtype", FLOATS)


def test_rows_have_names_of_their_own() -> None:
    names = [str(case) for case in (*ROWS, *BAD)]
    twice = {name for name in names if names.count(name) > 1}
    assert not twice


@each_row
@each_dtype
def test_forward_equals_the_reference(row: Row, dtype: str) -> None:
    check_forward(of_row(row, dtype))


@pytest.mark.parametrize("row", [row for row in ROWS if row.grad], ids=str)
@each_dtype
def test_backward_equals_the_reference(row: Row, dtype: str) -> None:
    check_backward(of_row(row, dtype))


@pytest.mark.parametrize("row", [row for row in ROWS if row.grad and row.differences], ids=str)
def test_reference_equals_finite_differences(row: Row) -> None:
    check_differences(of_row(row, "float64"))


@each_row
@each_dtype
def test_compiled_equals_eager_bit_for_bit(row: Row, dtype: str) -> None:
    check_compiled(of_row(row, dtype))


@pytest.mark.parametrize("bad", BAD, ids=str)
def test_bad_input_is_refused(bad: Bad) -> None:
    check_bad(bad)


@pytest.mark.parametrize("op", cases.names())
@given(data=st.data())
def test_drawn_cases(op: str, data: st.DataObject) -> None:
    drawn = cases.load(op).draw(data)
    for dtype in FLOATS:
        run = of_draw(op, drawn, dtype)
        check_forward(run)
        check_backward(run)
        check_compiled(run)
    if drawn.differences:
        check_differences(run)


def test_digamma_has_no_derivative() -> None:
    graph = _core.Graph()
    x = graph.input("x", (), "float64")
    (y,) = graph.push("unary", {"function": "digamma"}, [x])
    with pytest.raises(TypeError, match="unary.*digamma"):
        graph.gradients(y, [x])


def test_random_streams_differ_by_key_and_step() -> None:
    attrs = {"distribution": "bits", "shape": [64], "dtype": "uint32"}
    seeds = np.array([[0, 0], [0, 1], [1, 0]], np.uint32)
    streams = [_core.eager("random", attrs, [seed])[0] for seed in seeds]
    assert len({stream.tobytes() for stream in streams}) == 3
    # The known answer of Philox4x32-10 for key 0 and counter 0.
    assert streams[0][:4].tolist() == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]


def test_unaligned_arrays_are_taken() -> None:
    memory = np.zeros(4 * 8 + 1, np.uint8)
    unaligned = memory[1:].view(np.float64)
    (y,) = _core.eager("unary", {"function": "exp"}, [unaligned])
    assert y.tolist() == [1.0] * 4
    graph = _core.Graph()
    program = graph.compile(
        graph.push("unary", {"function": "exp"}, [graph.input("x", (4,), "float64")])
    )
    (y,) = program.run([unaligned])
    assert y.tolist() == [1.0] * 4
