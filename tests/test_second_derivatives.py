"""Gradients are graph, so they can be differentiated again: against their finite differences."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import _core
from tests import cases
from tests.harness import cotangents, expected_outputs, of_row, push
from tests.rows import Row

# Their backward is an op of its own, whose derivative is not there; the core says so.
ONCE = ("cross_entropy", "layer_norm", "cumulate-cumprod", "unary-lgamma")
KINKS = ("binary-maximum-ties", "binary-minimum-ties")


def _small(row: Row) -> bool:
    return sum(int(np.prod(spec.shape)) for spec in row.inputs) <= 150


ROWS = [
    row
    for op in cases.names()
    for row in cases.load(op).ROWS
    if row.grad and row.differences and _small(row) and str(row) not in KINKS
]


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


@pytest.mark.parametrize("row", [row for row in ROWS if not str(row).startswith(ONCE)], ids=str)
def test_second_derivative_equals_finite_differences(row: Row) -> None:
    run = of_row(row, "float64")
    rng = np.random.default_rng(run.seed + 3)
    graph = _core.Graph()
    inputs, outputs = push(graph, run)
    wrt = [inputs[i] for i in run.grad]
    douts = cotangents(run, expected_outputs(run))
    terms = [_weighted(graph, y, d) for y, d in zip(outputs, douts) if d is not None]
    first = graph.gradients(_sum(graph, terms), wrt)
    ways = [rng.standard_normal(run.inputs[i].shape) for i in run.grad]
    along = _sum(graph, [_weighted(graph, d, way) for d, way in zip(first, ways)])
    program = graph.compile([along, *graph.gradients(along, wrt)])
    feeds = [np.array(x, order="C") for x in run.inputs]
    _, *second = program.run(feeds)
    for i, derived, way in zip(run.grad, second, ways):

        def slope(step: float) -> float:
            moved = [*feeds[:i], np.asarray(feeds[i] + step * way), *feeds[i + 1 :]]
            return float(program.run(moved)[0])

        measured = (slope(1e-5) - slope(-1e-5)) / 2e-5
        assert float(np.sum(derived * way)) == pytest.approx(measured, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("op", ["cross_entropy", "layer_norm"])
def test_where_there_is_none_the_core_says_so(op: str) -> None:
    run = of_row(next(row for row in ROWS if row.op == op), "float64")
    graph = _core.Graph()
    inputs, outputs = push(graph, run)
    loss = _weighted(graph, outputs[0], np.ones(expected_outputs(run)[0].shape))
    (first,) = graph.gradients(loss, [inputs[0]])
    again = _weighted(graph, first, np.ones(run.inputs[0].shape))
    with pytest.raises(TypeError, match=op):
        graph.gradients(again, [inputs[0]])
