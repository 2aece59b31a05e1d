"""Gradients are graph, so they can be differentiated again: against their finite differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from chainrule import _core, grad, losses, ops
from chainrule.errors import GradientError
from chainrule.reference import walk
from tests import cases
from tests.harness import cotangents, expected_outputs, of_row, push
from tests.rows import Row

# Ops of integers or without inputs, and those through which no gradient flows.
WITHOUT = {
    "adam", "arg_reduce", "argsort", "bitcast", "ctc_beam_search", "iota", "one_hot", "random", "stop_gradient",
}  # fmt: skip
# Ops whose gradients are made by an op that has none.
DERIVED_ONCE = {"ctc_loss", "gru", "lstm", "simple_rnn"}
# Its result goes in steps and its gradient is rounded alike, which is no derivative of anything.
ROUNDED = {"narrow"}
# The user's own backward is code without one.
GIVEN_ONCE = {"numpy_function"}
KINKS = ("binary-maximum-ties", "binary-minimum-ties")
# The derivative of lgamma is digamma, whose own is not there.
ONCE = ("unary-lgamma", *(f"{op}-" for op in sorted(DERIVED_ONCE | GIVEN_ONCE)))


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
    assert set(cases.names()) - {row.op for row in ROWS} == (
        WITHOUT | GIVEN_ONCE | ROUNDED | DERIVED_ONCE | {f"{op}_grad" for op in DERIVED_ONCE}
    )


def test_where_there_is_none_the_core_says_so() -> None:
    rows = [row for row in SMOOTH if str(row).startswith(ONCE)]
    assert rows
    for row in rows:
        with pytest.raises(GradientError, match="unary: .*digamma|_grad: |numpy_function: .*backward"):
            case = twice(row, True)
            case.graph.gradients(case.number, case.wrt)


# Functions of (2, 3) that are smooth where their parts have kinks, or 0 times infinity.
EVERYWHERE: dict[str, Callable[[Any], Any]] = {
    "logsumexp": lambda x: ops.logsumexp(x, axis=0),
    "logsumexp over all": ops.logsumexp,
    "logaddexp": lambda x: ops.logaddexp(x[0], x[1]),
    "logaddexp2": lambda x: ops.logaddexp2(x, 0.0),
    "hypot": lambda x: ops.hypot(x, 1.0),
    "softmax": lambda x: ops.softmax(x, axis=(0, 1)),
    "log_softmax": ops.log_softmax,
    "softplus": ops.softplus,
    "silu": ops.silu,
    "gelu": lambda x: ops.gelu(x, approximate=False),
    "squareplus": ops.squareplus,
    "sinc": ops.sinc,
    "prod": lambda x: ops.prod(x, axis=1),
    "cumprod": lambda x: ops.cumprod(x, axis=1),
    "square by power": lambda x: ops.power(x, 2.0),
    "powers": lambda x: ops.vander(x[0], 4),
    "power of exponents": lambda x: ops.power(ops.square(x[0]) + 1.5, x[1]),
    "variance": lambda x: ops.var(x, axis=1),
    "layer norm": lambda x: ops.layer_normalization(x, axis=-1),
    "cosine": lambda x: losses.cosine_similarity(np.ones(3), x + 1.0),
    "log_cosh": lambda x: losses.log_cosh(np.zeros(3), x),
    "entropy of logits": lambda x: losses.categorical_crossentropy(np.eye(3)[:2], x, True),
    "sparse entropy of logits": lambda x: losses.sparse_categorical_crossentropy([0, 2], x, True),
    "binary entropy of logits": lambda x: losses.binary_crossentropy(np.eye(3)[:2], x, True),
}
PLACES = {
    "zeros": np.zeros((2, 3)),
    "ties": np.full((2, 3), 0.5),
    "mixed": np.array([[0.0, 0.5, 0.5], [0.5, 0.0, 0.0]]),
    "far": np.array([[20.0, -20.0, 0.0], [0.0, 0.0, 1.0]]),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", EVERYWHERE)
def test_smooth_functions_have_their_second_derivative_everywhere(name: str, place: str) -> None:
    x, function = PLACES[place], EVERYWHERE[name]
    rng = np.random.default_rng(6)
    weights = rng.normal(size=np.shape(function(x)))
    way = rng.normal(size=x.shape)
    slope = grad(lambda a: ops.sum(function(a) * weights))
    got = np.asarray(grad(lambda a: ops.sum(slope(a) * way))(x))
    for step in 1e-5 * np.eye(6).reshape(6, 2, 3):
        above, below = (float(np.sum(slope(x + sign * step) * way)) for sign in (1, -1))
        measured = (above - below) / 2e-5
        assert float(np.sum(got * step)) / 1e-5 == pytest.approx(measured, rel=1e-4, abs=1e-4)
