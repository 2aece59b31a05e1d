"""Gradients are graph, so they can be differentiated again: against their finite differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from chainrule import _core
from chainrule.errors import GradientError
from chainrule.reference import walk
from tests import cases
from tests.harness import cotangents, expected_outputs, of_row, push
from tests.rows import Row

# Ops of integers or without inputs, and those through which no gradient flows.
WITHOUT = {"adam", "arg_reduce", "argsort", "iota", "one_hot", "random", "stop_gradient"}
KINKS = ("binary-maximum-ties", "binary-minimum-ties")
# The derivative of lgamma is digamma, whose own is not there.
ONCE = "unary-lgamma"


def _small(row: Row) -> bool:
    return sum(int(np.prod(spec.shape)) for spec in row.inputs) <= 150


SMOOTH = [
    row
    for op in cases.names()
    for row in cases.load(op).ROWS
    if row.grad and row.differences and _small(row) and str(row) not in KINKS
]
ROWS = [row for row in SMOOTH if not str(row).startswith(ONCE)]


def _weighted(graph: _core.Graph, value: int, weights: np.ndarray) -> int:
    """sum(value * weights)"""
    (product,) = graph.push("binary", {"function": "mul"}, [value, graph.constant(weights)])
    axes = {"function": "sum", "axes": list(range(weights.ndim)), "keepdims": False}
    return graph.push("reduce", axes, [product])[0]


def _sum(graph: _core.Graph, terms: list[int]) -> int:
    total = terms[0]
    for term in terms[1:]:
        (total,) = graph.push("binary", {"function": "add"}, [total, term])
    return total


@dataclass
class Twice:
    """A loss of a row's op, its gradients by the inputs, and those of a number made of them."""

    graph: _core.Graph
    feeds: list[np.ndarray]
    wrt: list[int]
    number: int
    moved: tuple[int, ...]

    def run(self, values: Sequence[int], feeds: Sequence[np.ndarray] | None = None) -> list[Any]:
        return list(self.graph.compile(values).run(self.feeds if feeds is None else list(feeds)))

    def by_reference(self) -> list[np.ndarray]:
        leaves = dict(enumerate(self.feeds))
        return walk.gradients(self.graph.nodes(), leaves, self.number, self.wrt)


def twice(row: Row, penalty: bool) -> Twice:
    """The number is the sum of the gradients' squares, or of their products with random numbers."""
    run = of_row(row, "float64")
    rng = np.random.default_rng(run.seed + 3)
    graph = _core.Graph()
    inputs, outputs = push(graph, run)
    wrt = [inputs[i] for i in run.grad]
    douts = cotangents(run, expected_outputs(run))
    terms = [_weighted(graph, y, d) for y, d in zip(outputs, douts) if d is not None]
    first = graph.gradients(_sum(graph, terms), wrt)
    ways = [rng.standard_normal(run.inputs[i].shape) for i in run.grad]
    if penalty:
        squares = [graph.push("unary", {"function": "square"}, [d])[0] for d in first]
        parts = [_weighted(graph, d, np.ones(way.shape)) for d, way in zip(squares, ways)]
    else:
        parts = [_weighted(graph, d, way) for d, way in zip(first, ways)]
    feeds = [np.array(x, order="C") for x in run.inputs]
    return Twice(graph, feeds, wrt, _sum(graph, parts), run.grad)


@pytest.mark.parametrize("penalty", [False, True], ids=["products", "squares"])
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_second_derivatives(row: Row, penalty: bool) -> None:
    """The core's are the reference's, which knows every node of the first backward pass, and finite
    differences."""
    case = twice(row, penalty)
    expected = case.by_reference()
    derived = case.run(case.graph.gradients(case.number, case.wrt))
    scale = max(1.0, *(float(np.abs(e).max(initial=0.0)) for e in expected))
    rng = np.random.default_rng(5)
    program = case.graph.compile([case.number])
    for i, got, want in zip(case.moved, derived, expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-10 * scale)
        way = rng.standard_normal(want.shape)

        def number(step: float) -> float:
            moved = np.asarray(case.feeds[i] + step * way)
            return float(program.run([*case.feeds[:i], moved, *case.feeds[i + 1 :]])[0])

        measured = (number(1e-5) - number(-1e-5)) / 2e-5
        assert float(np.sum(got * way)) == pytest.approx(measured, rel=1e-5, abs=1e-5 * scale)


def test_every_op_with_a_gradient_has_a_second_one() -> None:
    assert set(cases.names()) - {row.op for row in ROWS} == WITHOUT


def test_where_there_is_none_the_core_says_so() -> None:
    rows = [row for row in SMOOTH if str(row).startswith(ONCE)]
    assert rows
    for row in rows:
        with pytest.raises(GradientError, match="unary: .*digamma"):
            case = twice(row, True)
            case.graph.gradients(case.number, case.wrt)
