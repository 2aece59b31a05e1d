"""Rows of the fusions: graphs in which one is found, and graphs that it has to leave alone.

One file a fusion, by its name, with `ROWS`; what is checked of them is in `tests/test_fusions.py`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule import _core


class Chain:
    """A graph of inputs and nodes, and beside it every value computed eagerly."""

    def __init__(self, dtype: str = "float32") -> None:
        self.graph = _core.Graph()
        self.rng = np.random.default_rng(0)
        self.dtype = dtype
        self.values: dict[int, np.ndarray] = {}
        self.feeds: list[np.ndarray] = []

    def input(self, *shape: int) -> int:
        return self.fed(self.rng.normal(size=shape))

    def fed(self, value: np.ndarray, dtype: str = "") -> int:
        value = value.astype(dtype or self.dtype)
        shape = value.shape
        leaf = self.graph.input(f"x{len(self.feeds)}", shape, value.dtype.name)
        self.values[leaf] = value
        self.feeds.append(value)
        return leaf

    def constant(self, value: float) -> int:
        leaf = self.graph.constant(np.asarray(value, self.dtype))
        self.values[leaf] = np.asarray(value, self.dtype)
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
        """The sums of the columns."""
        axes = list(range(self.values[x].ndim - 1))
        return self.push("reduce", {"function": "sum", "axes": axes, "keepdims": False}, x)[0]

    def check(
        self, outputs: list[int], steps: list[str] | None = None, exact: bool = True
    ) -> _core.Program:
        """The program runs these steps and gives the eager bits, twice."""
        program = self.graph.compile(outputs)
        assert steps is None or names(program) == steps
        for _ in range(2):
            for value, got in zip(outputs, program.run(self.feeds), strict=True):
                want = self.values[value]
                assert (got.shape, got.dtype) == (want.shape, want.dtype)
                if exact:
                    assert got.tobytes() == want.tobytes()
                else:
                    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)
        return program


def names(program: _core.Program) -> list[str]:
    """The ops that the program runs."""
    return [task["op"] for task in program.explain() if task["outputs"]]


@dataclass
class Fused:
    """A graph in which the fusion is found; `exact` is false where it adds in another order."""

    name: str
    build: Callable[[Chain], list[int]]
    exact: bool = True


@dataclass
class Left:
    """A graph that the fusion leaves alone; `why` is part of the reason, none where it sees no pattern."""

    name: str
    build: Callable[[Chain], list[int]]
    why: str | None = None


def load(fusion: str) -> list[Fused | Left]:
    """The rows of one fusion."""
    rows: list[Fused | Left] = importlib.import_module(f"{__name__}.{fusion}").ROWS
    return rows


def files() -> list[str]:
    """The fusions that have a file of rows."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


MAX = {"function": "max", "window": [2, 2], "strides": [2, 2], "padding": [0, 0, 0, 0]}
MEAN = {**MAX, "function": "mean"}


def pool(c: Chain, y: int, attrs: dict[str, Any] = MAX) -> tuple[int, int]:
    """A pool of `y`, and its gradient for some gradient by the pooled values."""
    (p,) = c.push("pool", attrs, y)
    dp = c.input(*c.values[p].shape)
    return p, c.push("pool_grad", attrs, y, p, dp)[0]
