"""Random graphs of many ops, compiled (fused, planned, in place).

They equal op after op, eagerly, bit for bit; their gradients equal those of the reference's walk.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule import _core
from chainrule.reference import walk

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
        self.made: list[tuple[str, dict[str, Any], list[int], list[int]]] = []
        rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1), label="seed"))
        self.leaves = [self.input(rng.standard_normal(shape).astype(dtype)) for shape in SHAPES]
        self.seed = self.input(np.array([5, 6], np.uint32))

    def input(self, value: np.ndarray) -> int:
        leaf = self.graph.input(f"x{len(self.values)}", value.shape, value.dtype.name)
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
    inputs = [b.values[v] for v in (*b.leaves, b.seed)]
    return [np.asarray(x * factor, x.dtype) if x.dtype.kind == "f" else x for x in inputs]


def eagerly(b: Builder, feeds: list[np.ndarray]) -> dict[int, np.ndarray]:
    values = dict(zip((*b.leaves, b.seed), feeds, strict=True))
    for op, attrs, inputs, outputs in b.made:
        values.update(zip(outputs, _core.eager(op, attrs, [values[v] for v in inputs])))
    return values


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@given(data=st.data())
def test_compiled_equals_eager_bit_for_bit(dtype: str, data: st.DataObject) -> None:
    b = Builder(data, dtype, smooth=False)
    for _ in range(data.draw(st.integers(1, 12), label="steps")):
        b.step()
    asked = data.draw(st.lists(st.sampled_from(sorted(b.values)), min_size=1), label="outputs")
    program = b.graph.compile(asked)
    # The third run must not see what the second left in memory.
    for factor in (1.0, -0.5, 1.0):
        feeds = feeds_of(b, factor)
        values = eagerly(b, feeds)
        for value, got in zip(asked, program.run(feeds), strict=True):
            want = values[value]
            assert (got.shape, got.dtype) == (want.shape, want.dtype)
            assert got.tobytes() == want.tobytes(), f"value {value} of {b.made}"


@given(data=st.data())
def test_gradients_equal_the_walk(data: st.DataObject) -> None:
    b = Builder(data, "float64", smooth=True)
    for _ in range(data.draw(st.integers(1, 10), label="steps")):
        b.step()
    terms = []
    for value in data.draw(
        st.lists(st.sampled_from(b.floats), min_size=1, max_size=3), label="loss of"
    ):
        axes = list(range(b.values[value].ndim))
        terms += b.push("reduce", {"function": "sum", "axes": axes, "keepdims": False}, value)
    loss = terms[0]
    for term in terms[1:]:
        (loss,) = b.push("binary", {"function": "add"}, loss, term)
    leaves = {v: b.values[v] for v in (*b.leaves, b.seed)}
    # A leaf that the loss does not reach is still a leaf with a value.
    expected = walk.gradients(b.graph.nodes(), leaves, loss, b.leaves)
    program = b.graph.compile(b.graph.gradients(loss, b.leaves))
    for mine, theirs in zip(program.run(list(leaves.values())), expected, strict=True):
        assert mine.shape == theirs.shape
        assert np.max(np.abs(mine - theirs)) <= 1e-10 * max(1.0, float(np.max(np.abs(theirs))))


@pytest.mark.parametrize("small", [(4,), (1, 4), (5, 1)])
def test_a_cheap_value_is_computed_again_only_where_it_has_the_shape(small: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    x, slope = rng.standard_normal((5, 4)), rng.standard_normal(small)
    graph = _core.Graph()
    inputs = [graph.input(name, a.shape, "float64") for name, a in (("x", x), ("slope", slope))]
    (turned,) = graph.push("unary", {"function": "neg"}, inputs[1:])
    (product,) = graph.push("binary", {"function": "mul"}, [inputs[0], turned])
    (total,) = graph.push("binary", {"function": "add"}, [inputs[0], turned])
    got = graph.compile([product, total]).run([x, slope])
    np.testing.assert_array_equal(got[0], x * -slope)
    np.testing.assert_array_equal(got[1], x + -slope)


@pytest.mark.parametrize("function", ["max", "mean"])
@pytest.mark.parametrize("window, stride", [(2, 2), (3, 1), (2, 3)])
@pytest.mark.parametrize("batch, dtype", [(0, "float32"), (1, "float64"), (37, "float32")])
def test_a_pooled_convolution(
    function: str, window: int, stride: int, batch: int, dtype: str
) -> None:
    """Pooled image by image, its gradient made line by line; whoever asks for more gets the same."""
    rng = np.random.default_rng(batch)
    w, places = (3, 3, 3, 40), 12 // stride + 1
    shapes = {"x": (batch, 13, 13, 3), "w": w, "dp": (batch, places, places, 40)}
    feeds = [rng.standard_normal(shape).astype(dtype) for shape in shapes.values()]
    if batch == 1:  # Of more images, a sum over positions that is NaN could not tell wrong from right.
        feeds[0][0, 4, 4] = np.nan
    graph = _core.Graph()
    x, w, dp = (graph.input(name, shape, dtype) for name, shape in shapes.items())
    values = dict(zip((x, w, dp), feeds, strict=True))

    def push(op: str, attrs: dict[str, Any], *inputs: int) -> int:
        (out,) = graph.push(op, attrs, list(inputs))
        (values[out],) = _core.eager(op, attrs, [values[v] for v in inputs])
        return int(out)

    conv = {"strides": [1, 1], "padding": [1, 1, 1, 1], "dilations": [1, 1], "groups": 1}
    pool = {"function": function, "window": [window] * 2, "strides": [stride] * 2}
    pool |= {"padding": [0, window - 1] * 2}
    y = push("conv", {**conv, "activation": "relu"}, x, w)
    p = push("pool", pool, y)
    dy = push("pool_grad", pool, y, p, dp)
    dw = push("conv_kernel_grad", {**conv, "kernel": [3, 3]}, x, dy)
    dx = push("conv_transpose", {**conv, "sizes": [13, 13]}, dy, w)
    assert np.isfinite(values[dw]).all() == (batch != 1)
    for asked in ([p], [p, y], [dw], [p, dw], [dw, dx], [dw, y], [dy, dw]):
        for value, got in zip(asked, graph.compile(asked).run(feeds), strict=True):
            assert got.tobytes() == values[value].tobytes(), (asked, value)
