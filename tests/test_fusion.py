"""What the compiler joins: pointwise chains, the sums of their columns, and what it computes again.

The numbers are those of the ops one after the other, to the last bit.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from chainrule import _core

# Rows by columns: of one block and of many, in whole vectors and not, wide rows with rows left over.
SHAPES = [
    (3, 2), (40, 5), (1000, 16), (4099, 16), (513, 10), (300, 67), (70, 512), (67, 700), (40, 1024),
    (33, 1025), (9, 7, 5, 3), (128, 8, 8, 64), (600, 1),
]


def names(program: _core.Program) -> list[str]:
    """The ops that the program runs."""
    return [re.split(r"\W", step)[0] for step in program.steps]


class Chain:
    """A graph of inputs and nodes, and beside it every value computed eagerly."""

    def __init__(self, dtype: str) -> None:
        self.graph = _core.Graph()
        self.rng = np.random.default_rng(0)
        self.dtype = dtype
        self.values: dict[int, np.ndarray] = {}
        self.feeds: list[np.ndarray] = []

    def input(self, *shape: int) -> int:
        value = self.rng.normal(size=shape).astype(self.dtype)
        leaf = self.graph.input(f"x{len(self.feeds)}", shape, self.dtype)
        self.values[leaf] = value
        self.feeds.append(value)
        return leaf

    def push(self, op: str, attrs: dict[str, Any], *inputs: int) -> list[int]:
        outputs = self.graph.push(op, attrs, list(inputs))
        results = _core.eager(op, attrs, [self.values[v] for v in inputs])
        self.values.update(zip(outputs, results, strict=True))
        return outputs

    def f(self, function: str, *inputs: int) -> int:
        """A unary or binary function."""
        op = "unary" if len(inputs) == 1 else "binary"
        return self.push(op, {"function": function}, *inputs)[0]

    def sum(self, x: int) -> int:
        axes = list(range(self.values[x].ndim - 1))
        return self.push("reduce", {"function": "sum", "axes": axes, "keepdims": False}, x)[0]

    def check(self, outputs: list[int], steps: list[str] | None = None) -> None:
        """The program runs these steps and gives the eager bits, twice."""
        program = self.graph.compile(outputs)
        assert steps is None or names(program) == steps
        for _ in range(2):
            for value, got in zip(outputs, program.run(self.feeds), strict=True):
                want = self.values[value]
                assert (got.shape, got.dtype) == (want.shape, want.dtype)
                assert got.tobytes() == want.tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_row_joins_a_pointwise_chain(shape: tuple[int, ...], dtype: str) -> None:
    c = Chain(dtype)
    x, a, b = c.input(*shape), c.input(shape[-1]), c.input(shape[-1])
    y = c.f("relu", c.f("add", c.f("mul", x, a), b))
    c.check([y], ["Fused"])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_sums_of_columns_join_what_they_sum(shape: tuple[int, ...], dtype: str) -> None:
    c = Chain(dtype)
    x, z, a = c.input(*shape), c.input(*shape), c.input(shape[-1])
    y = c.f("mul", c.f("sub", x, a), z)
    sums = [c.sum(y), c.sum(z)]
    c.check([y, *sums], ["Fused"] if 1 < shape[-1] <= 1024 else ["Fused", "Reduce", "Reduce"])
    c.check(sums)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_sum_is_not_read_by_the_chain_that_it_sums(dtype: str) -> None:
    c = Chain(dtype)
    x = c.f("tanh", c.input(50, 12))
    y = c.f("sub", x, c.sum(x))
    c.check([y, c.sum(y)], ["Fused", "Fused"])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_batch_norm_joins_what_follows(shape: tuple[int, ...], dtype: str) -> None:
    c = Chain(dtype)
    x, gamma, beta = c.input(*shape), c.input(shape[-1]), c.input(shape[-1])
    shortcut = c.input(*shape)
    y, mean, variance = c.push("batch_norm", {"epsilon": 1e-3}, x, gamma, beta)
    z = c.f("relu", c.f("add", y, shortcut))
    c.check([z, mean, variance], ["Moments", "Fused", "Fused"])
    c.check([y])


def test_the_backward_of_batch_norm_reads_memory_twice() -> None:
    c = Chain("float32")
    x, gamma, beta, d = c.input(64, 4, 4, 8), c.input(8), c.input(8), c.input(64, 4, 4, 8)
    y, _, _ = c.push("batch_norm", {"epsilon": 1e-3}, x, gamma, beta)
    y = c.f("relu", y)
    # Something between forward and backward, as in a network.
    (turned,) = c.push("transpose", {"axes": [3, 0, 1, 2]}, y)
    everything = {"function": "sum", "axes": [0, 1, 2, 3], "keepdims": False}
    (loss,) = c.push("reduce", everything, c.f("mul", y, d))
    program = c.graph.compile([turned, *c.graph.gradients(loss, [x, gamma, beta])])
    large = [step for step in program.steps if "shape: [64, 4, 4, 8], outputs" in step]
    # y; the mask and its sums; dx.
    assert names(program)[0] == "Moments" and "Reduce" not in names(program)
    assert len(large) == 3


@pytest.mark.parametrize(("function", "stored"), [("add", 1), ("pow", 2)])
def test_a_cheap_value_of_one_operand_is_computed_again(function: str, stored: int) -> None:
    c = Chain("float32")
    x, row = c.input(300, 64), c.input(64)
    y = c.f(function, x, row)
    (turned,) = c.push("transpose", {"axes": [1, 0]}, c.f("tanh", y))
    (back,) = c.push("transpose", {"axes": [1, 0]}, turned)
    z = c.f("mul", c.f("sigmoid", y), back)
    with np.errstate(invalid="ignore"):
        c.check([z], ["Fused", "Transpose", "Transpose", "Fused"])
    first = re.search(r"outputs: \[([\d, ]*)\]", c.graph.compile([z]).steps[0])
    assert first is not None and len(first[1].split(",")) == stored


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("first", ["add", "sub", "mul"])
@pytest.mark.parametrize("then", ["add", "sub", "from", "mul", "relu", "maximum"])
def test_two_steps_in_one_loop_keep_their_bits(first: str, then: str, dtype: str) -> None:
    c = Chain(dtype)
    a, b, d = c.input(31, 33), c.input(33), c.input(31, 1)
    y = c.f(first, a, b)
    if then == "from":
        z = c.f("sub", d, y)
    else:
        z = c.f(then, y) if then == "relu" else c.f(then, y, d)
    c.check([z], ["Fused"])
    c.check([c.f("mul", z, z), y])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("function", ["eq", "ne", "lt", "le", "gt", "ge"])
def test_a_comparison_that_chooses_keeps_its_bits(function: str, dtype: str) -> None:
    c = Chain(dtype)
    a, b, d = c.input(31, 33), c.input(31, 33), c.input(33)
    zero = c.f("sub", d, d)
    ties = c.f("maximum", a, zero)
    chosen = c.push("select", {}, c.f(function, ties, zero), b, a)
    c.check(chosen, ["Fused", "Fused"])
