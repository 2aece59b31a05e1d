"""Random graphs that read and assign cells, compiled: exchanges, values in place, late refusals.

Outputs and cells equal op after op, eagerly, bit for bit; a run that fails changes no cell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule import _core
from chainrule.errors import DataError
from tests.graphs import STEPS, Builder, assert_bits, eagerly, feeds_of


class Stateful(Builder):
    """A graph that reads and assigns cells, with ops that refuse the labels they are fed."""

    shapes = ((3, 5), (3, 5), (3, 5), (35, 37), (35, 37), (5,), ())

    def __init__(self, data: st.DataObject, dtype: str) -> None:
        super().__init__(data, dtype, smooth=False)
        self.labels = self.input(np.array([2, 0, 1], "int32"))
        self.cells = [_core.Cell(self.normal(shape)) for shape in self.shapes]
        self.reads: dict[int, int] = {}
        self.assigned: dict[int, int] = {}
        self.refusing: list[int] = []

    def read(self, cell: int) -> int:
        value = self.graph.read(self.cells[cell])
        if cell not in self.assigned and value not in self.reads:
            self.reads[value] = cell
            self.known(value, self.cells[cell].read())
        return value

    def assign(self, cell: int, value: int) -> None:
        self.graph.assign(self.cells[cell], value)
        self.assigned[cell] = value

    def choose(self, fits: Callable[[tuple[int, ...]], bool] = lambda shape: True) -> int:
        found = [i for i, shape in enumerate(self.shapes) if fits(shape)]
        return self.data.draw(st.sampled_from(found), label="cell")

    def needed(self, asked: Sequence[int]) -> set[int]:
        """The values that a program of these outputs computes."""
        needed = {*asked, *self.assigned.values()}
        for _, _, inputs, outputs in reversed(self.made):
            if needed.intersection(outputs):
                needed.update(inputs)
        return needed


def _read(b: Stateful) -> None:
    b.read(b.choose())


def _assign(b: Stateful) -> None:
    """Often a function of what the cell holds, so that it can be computed in place."""
    cell = b.choose()
    shape = b.shapes[cell]
    old = b.read(cell)
    value = b.pick(lambda x: x.shape == shape)
    match b.data.draw(st.sampled_from(("value", "update", "softmax", "product")), label="new"):
        case "update":
            (value,) = b.push("binary", {"function": "add"}, old, value)
            (value,) = b.push("unary", {"function": "tanh"}, value)
        case "softmax" if shape:
            (value,) = b.push("softmax", {"axis": 0}, old)
        case "product" if shape == (35, 37):
            attrs = {"transpose_a": False, "transpose_b": True}
            (square,) = b.push("matmul", attrs, old, old)
            (value,) = b.push("matmul", {**attrs, "transpose_b": False}, square, old)
            (value,) = b.push("softmax", {"axis": 1}, value)
    b.assign(cell, value)


def _exchange(b: Stateful) -> None:
    """Cells take each other's values, in a ring of two or three."""
    cells = b.data.draw(st.sampled_from(((0, 1), (1, 2), (3, 4), (0, 1, 2))), label="ring")
    values = [b.read(cell) for cell in cells]
    for cell, value in zip(cells, values[1:] + values[:1]):
        b.assign(cell, value)


def _refusing(b: Stateful) -> None:
    op = b.data.draw(st.sampled_from(("gather", "scatter_add", "cross_entropy")), label="refusing")
    attrs: dict[str, Any] = {"axis": 0}
    if op == "scatter_add":
        attrs["size"] = 3
    if op == "cross_entropy":
        attrs = {"from_logits": True, "epsilon": 1e-7, "sparse": True}
    x = b.pick(lambda x: x.ndim == 2 and x.shape[0] == 3 and x.shape[1] >= 3)
    (y,) = b.push(op, attrs, x, b.labels)
    b.refusing.append(y)


CELL_STEPS = (_read, _assign, _assign, _assign, _exchange, _refusing)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@given(data=st.data())
def test_drawn_programs_read_and_assign(dtype: str, data: st.DataObject) -> None:
    b = Stateful(data, dtype)
    for _ in range(data.draw(st.integers(1, 10), label="steps")):
        mine = data.draw(st.booleans(), label="a cell's step")
        data.draw(st.sampled_from(CELL_STEPS if mine else STEPS), label="step")(b)
    asked = data.draw(st.lists(st.sampled_from(sorted(b.values)), max_size=4), label="outputs")
    program = b.graph.compile(asked)
    refuses = bool(b.needed(asked).intersection(b.refusing))
    state = [cell.read() for cell in b.cells]
    for factor in (1.0, -0.5, 1.0):
        feeds = feeds_of(b, factor)
        if refuses:
            bad = list(feeds)
            bad[b.inputs.index(b.labels)] = np.array([0, 1, 100], "int32")
            with pytest.raises(DataError, match="100"):
                program.run(bad)
            assert_bits(b.cells, state)
        values = eagerly(b, feeds, {leaf: state[cell] for leaf, cell in b.reads.items()})
        for value, got in zip(asked, program.run(feeds), strict=True):
            want = values[value]
            assert (got.shape, got.dtype) == (want.shape, want.dtype)
            assert got.tobytes() == want.tobytes(), f"value {value} of {b.made}"
        for cell, value in b.assigned.items():
            state[cell] = values[value]
        assert_bits(b.cells, state)
