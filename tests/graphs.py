"""Random graphs of many ops, and beside them every value computed op after op, eagerly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from chainrule import _core

SMOOTH = ("neg", "tanh", "sigmoid", "sin", "softplus", "silu", "erf", "atan")
KINKED = ("abs", "relu", "round", "floor", "sign")
SHAPES = ((3, 5), (5,), (3, 1), (), (5, 3), (35, 37))


class Builder:
    """A graph, and beside it every value computed eagerly."""

    def __init__(self, data: st.DataObject, dtype: str, smooth: bool) -> None:
        self.data, self.dtype, self.smooth = data, dtype, smooth
        self.graph = _core.Graph()
        self.floats: list[int] = []
        self.values: dict[int, np.ndarray] = {}
        self.inputs: list[int] = []
        self.made: list[tuple[str, dict[str, Any], list[int], list[int]]] = []
        self.rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1), label="seed"))
        self.leaves = [self.input(self.normal(shape)) for shape in SHAPES]
        self.seed = self.input(np.array([5, 6], np.uint32))

    def input(self, value: np.ndarray) -> int:
        leaf = self.graph.input(f"x{len(self.values)}", value.shape, value.dtype.name)
        self.inputs.append(leaf)
        return self.known(leaf, value)

    def normal(self, shape: tuple[int, ...]) -> np.ndarray:
        return np.asarray(self.rng.standard_normal(shape), self.dtype)

    def known(self, leaf: int, value: np.ndarray) -> int:
        """Takes a leaf of this value among those that steps pick from."""
        self.values[leaf] = value
        if value.dtype.kind == "f":
            self.floats.append(leaf)
        return leaf

    def push(self, op: str, attrs: dict[str, Any], *inputs: int) -> list[int]:
        outputs = self.graph.push(op, attrs, list(inputs))
        results = _core.eager(op, attrs, [self.values[v] for v in inputs])
        self.made.append((op, attrs, list(inputs), outputs))
        for output, result in zip(outputs, results, strict=True):
            self.values[output] = result
            if result.dtype.kind == "f" and output not in self.floats:
                self.floats.append(output)
        return outputs

    def pick(self, fits: Callable[[np.ndarray], bool] = lambda x: True) -> int | None:
        """Some float value that fits, later ones first."""
        found = [v for v in self.floats[::-1] if fits(self.values[v])]
        return self.data.draw(st.sampled_from(found), label="value") if found else None

    def step(self) -> None:
        choose = self.data.draw(st.sampled_from(STEPS), label="step")
        choose(self)


def _unary(b: Builder) -> None:
    functions = SMOOTH if b.smooth else SMOOTH + KINKED
    b.push("unary", {"function": b.data.draw(st.sampled_from(functions))}, b.pick())


def _broadcasts(x: np.ndarray) -> Callable[[np.ndarray], bool]:
    def fits(y: np.ndarray) -> bool:
        try:
            np.broadcast_shapes(x.shape, y.shape)
        except ValueError:
            return False
        return True

    return fits


def _binary(b: Builder) -> None:
    functions = ("add", "sub", "mul") if b.smooth else ("add", "sub", "mul", "maximum", "minimum")
    first = b.pick()
    second = b.pick(_broadcasts(b.values[first]))
    # Bounded, so that long chains stay in range.
    (y,) = b.push("binary", {"function": b.data.draw(st.sampled_from(functions))}, first, second)
    b.push("unary", {"function": "tanh"}, y)


def _select(b: Builder) -> None:
    first = b.pick()
    second = b.pick(lambda y: y.shape == b.values[first].shape)
    # Leaves only: a comparison of computed values may turn on their last bit.
    fits = _broadcasts(b.values[first])
    leaves = [leaf for leaf in b.leaves if fits(b.values[leaf])]
    leaf = b.data.draw(st.sampled_from(leaves), label="compared")
    (cond,) = b.push("binary", {"function": "lt"}, b.leaves[3], leaf)
    b.push("select", {}, cond, first, second)


def _reduce(b: Builder) -> None:
    x = b.pick()
    rank = b.values[x].ndim
    axes = [i for i in range(rank) if b.data.draw(st.booleans())]
    functions = ("mean",) if b.smooth else ("mean", "max", "min")
    attrs = {"function": b.data.draw(st.sampled_from(functions)), "axes": axes}
    b.push("reduce", {**attrs, "keepdims": b.data.draw(st.booleans())}, x)


def _columns(b: Builder) -> None:
    x = b.pick(lambda x: x.ndim == 2)
    (y,) = b.push("unary", {"function": "tanh"}, x)
    attrs = {"function": "sum", "axes": [0], "keepdims": b.data.draw(st.booleans())}
    (total,) = b.push("reduce", attrs, b.data.draw(st.sampled_from((x, y))))
    b.push("unary", {"function": "tanh"}, total)


def _softmax(b: Builder) -> None:
    x = b.pick(lambda x: x.ndim > 0)
    op = b.data.draw(st.sampled_from(("softmax", "log_softmax")))
    (y,) = b.push(op, {"axis": b.data.draw(st.integers(0, b.values[x].ndim - 1))}, x)
    b.push("unary", {"function": "tanh"}, y)


def _move(b: Builder) -> None:
    x = b.pick(lambda x: x.ndim == 2)
    m, n = b.values[x].shape
    moves: list[tuple[str, dict[str, Any]]] = [
        ("transpose", {"axes": [1, 0]}),
        ("reshape", {"shape": [n, m]}),
        ("broadcast_to", {"shape": [2, m, n]}),
        ("slice", {"start": [0, n - 1], "stop": [m, -1], "step": [1, -1]}),
        ("stop_gradient", {}),
        ("cumulate", {"function": "cumsum", "axis": 0, "reverse": False, "exclusive": True}),
    ]
    op, attrs = b.data.draw(st.sampled_from(moves))
    b.push(op, attrs, x)


def _concat(b: Builder) -> None:
    x = b.pick(lambda x: 0 < x.ndim and x.size < 2000)
    b.push("concat", {"axis": 0}, x, b.pick(lambda y: y.shape == b.values[x].shape))


def _dense(b: Builder) -> None:
    x = b.pick(lambda x: x.ndim > 0 and x.shape[-1] == 5)
    w = b.pick(lambda w: w.shape == (5, 3))
    activation = b.data.draw(st.sampled_from(("linear", "tanh", "sigmoid")))
    bias = b.push("reshape", {"shape": [3]}, b.leaves[2])[0]
    (y,) = b.push("dense", {"activation": activation}, x, w, bias)
    b.push("unary", {"function": "tanh"}, y)


def _matmul(b: Builder) -> None:
    x = b.pick(lambda x: x.ndim == 2)
    attrs = {"transpose_a": False, "transpose_b": True}
    (y,) = b.push("matmul", attrs, x, b.pick(lambda y: y.shape == b.values[x].shape))
    b.push("unary", {"function": "tanh"}, y)


def _batch_norm(b: Builder) -> None:
    x = b.pick(lambda x: x.ndim == 2 and x.shape[1] == 5)
    b.push("batch_norm", {"epsilon": 0.1}, x, b.leaves[1], b.leaves[1])


def _conv(b: Builder) -> None:
    x = b.pick(lambda x: x.ndim == 2)
    m, n = b.values[x].shape
    (images,) = b.push("reshape", {"shape": [m, n, 1]}, x)
    (kernel,) = b.push("reshape", {"shape": [3, 1, 5]}, b.leaves[0])
    windows = {"strides": [1], "padding": [1, 1], "dilations": [1], "groups": 1}
    (y,) = b.push("conv", {**windows, "activation": "linear"}, images, kernel)
    then = b.data.draw(st.sampled_from(("nothing", "batch_norm", "pool")), label="then")
    if then == "batch_norm":
        (y, *_) = b.push("batch_norm", {"epsilon": 0.1}, y, b.leaves[1], b.leaves[1])
    if then == "pool":
        function = "mean" if b.smooth else b.data.draw(st.sampled_from(("mean", "max")))
        places = {"window": [2], "strides": [b.data.draw(st.integers(1, 3))], "padding": [1, 0]}
        b.push("pool", {"function": function, **places}, y)
    (z,) = b.push("binary", {"function": "mul"}, y, b.leaves[1])
    b.push("reduce", {"function": "sum", "axes": [0, 1], "keepdims": False}, z)
    (back,) = b.push("conv_transpose", {**windows, "sizes": [n]}, z, kernel)
    (bounded,) = b.push("unary", {"function": "tanh"}, back)
    b.push("reshape", {"shape": [m, n]}, bounded)


def _dropout(b: Builder) -> None:
    b.push("dropout", {"rate": 0.4}, b.pick(), b.seed)


STEPS = (_unary, _unary, _binary, _binary, _select, _reduce, _softmax, _move, _concat, _dense)
STEPS += (_matmul, _batch_norm, _dropout, _columns, _conv)


def feeds_of(b: Builder, factor: float) -> list[np.ndarray]:
    inputs = [b.values[v] for v in b.inputs]
    return [np.asarray(x * factor, x.dtype) if x.dtype.kind == "f" else x for x in inputs]


def eagerly(
    b: Builder, feeds: list[np.ndarray], reads: dict[int, np.ndarray] | None = None
) -> dict[int, np.ndarray]:
    """Every value for these feeds, and these values of the leaves that are read from cells."""
    values = {**dict(zip(b.inputs, feeds, strict=True)), **(reads or {})}
    for op, attrs, inputs, outputs in b.made:
        values.update(zip(outputs, _core.eager(op, attrs, [values[v] for v in inputs])))
    return values


def assert_bits(cells: Sequence[_core.Cell], expected: Sequence[np.ndarray]) -> None:
    """The cells hold these values."""
    __tracebackhide__ = True
    for at, (cell, want) in enumerate(zip(cells, expected, strict=True)):
        assert cell.read().tobytes() == want.tobytes(), f"cell {at}"
