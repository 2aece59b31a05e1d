"""Random graphs of many ops, compiled (fused, planned, in place).

They equal op after op, eagerly, bit for bit; their gradients equal those of the reference's walk.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule import _core
from chainrule.reference import walk
from tests.graphs import Builder, eagerly, feeds_of


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
