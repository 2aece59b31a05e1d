"""Sizes that are not known: their arithmetic, and shapes inferred from them."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule
from chainrule import _core, layers, ops
from chainrule.base.sizes import Size, at_least, at_most, broadcast, divides, may_be
from chainrule.tracing.tensor import KerasTensor, shape_equal
from tests import cases
from tests.harness import of_row
from tests.rows import Row

SYMBOLS = [Size.symbol(i) for i in range(3)]
SIZES = st.lists(st.integers(1, 9), min_size=3, max_size=3)
Expression = Callable[[list[Any]], Any]


def of(function: Callable[..., Any], *parts: Expression) -> Expression:
    return lambda sizes: function(*(part(sizes) for part in parts))


def constant(n: int) -> Expression:
    return lambda sizes: n


leaves = st.sampled_from([operator.itemgetter(i) for i in range(3)]) | st.builds(
    constant, st.integers(-4, 6)
)
expressions = st.recursive(
    leaves,
    lambda inner: st.builds(
        of, st.sampled_from([operator.add, operator.sub, operator.mul, at_least]), inner, inner
    )
    | st.builds(
        lambda part, n, f: of(lambda size: f(size, n), part),
        inner,
        st.integers(1, 5),
        st.sampled_from([operator.floordiv, operator.mod]),
    ),
    max_leaves=8,
)


@given(expressions, expressions, SIZES)
def test_what_is_said_of_sizes_holds_for_numbers(
    first: Expression, second: Expression, sizes: list[int]
) -> None:
    a, b = first(SYMBOLS), second(SYMBOLS)
    m, n = first(list(sizes)), second(list(sizes))
    if not isinstance(a, Size):
        assert a == m
    if a == b:
        assert m == n and hash(a) == hash(b)
    if not may_be(a, b):
        assert m != n
    for compare in (operator.lt, operator.le, operator.gt, operator.ge):
        try:
            answer = compare(a, b)
        except TypeError:
            continue
        assert answer == compare(m, n)


@given(expressions, expressions)
def test_products_divide(first: Expression, second: Expression) -> None:
    a, b = first(SYMBOLS), second(SYMBOLS)
    if not may_be(b, 0):
        assert a * b // b == a
        assert divides(b, a * b)


@given(expressions, SIZES)
def test_sums_of_products_say_how_a_size_is_computed(expression: Expression, sizes: list[int]) -> None:
    n = expression(SYMBOLS)
    if isinstance(n, Size):
        assert number_of(n, sizes) == expression(list(sizes))
        assert Size.of_word(hash(n)) == n


def number_of(n: Any, sizes: list[int]) -> int:
    if not isinstance(n, Size):
        return n
    total = 0
    for count, factors in n.products():
        for kind, a, b in factors:
            if kind == "symbol":
                count *= sizes[a]
                continue
            x, y = number_of(a, sizes), number_of(b, sizes)
            count *= {"quotient": x // (y or 1), "larger": max(x, y), "product": x * y}[kind]
        total += count
    return total


def test_words_of_no_size_are_refused() -> None:
    assert Size.of_word(-3) == -3 and Size.of_word(7) == 7
    with pytest.raises(ValueError, match="expected the word of a size, got"):
        Size.of_word(-(2**63) + (1 << 39))


def test_sizes_beside_other_things() -> None:
    (n, m, _) = SYMBOLS
    assert repr([n, n + 1]) == "[None, None]"
    assert n != "n" and n != 3 and n is not None and bool(n)
    assert n**2 == n * n and 12 // n != n and np.isnan(1.0 / n) and np.isnan(n**-0.5)
    assert at_most(3, n) == 3 and broadcast((n, 1), (3,), (1, m, 1)) == (1, m, 3)
    for wrong in (range, np.zeros, operator.index, lambda n: n > m, lambda n: [0] * n):
        with pytest.raises(TypeError, match="None|not known|can't multiply"):
            wrong(n)
    with pytest.raises(ZeroDivisionError):
        n // 0
    with pytest.raises(ValueError, match="broadcast"):
        broadcast((n, 2), (3, 3))


ROWS = [row for op in cases.names() for row in cases.load(op).ROWS]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_shapes_of_every_op_are_inferred(row: Row) -> None:
    """Whatever axis is not known, the rule gives a shape that fits, and gradients of the inputs'."""
    run = of_row(row, "float32")
    known, _ = specs(run.op, run.attrs, run.inputs, None, row.grad)
    if any(0 in shape for shape, _ in known):
        return  # an unknown size is 1 or more
    for number, array in enumerate(run.inputs):
        for axis in range(array.ndim if array.size else 0):
            found, gradients = specs(run.op, run.attrs, run.inputs, (number, axis), row.grad)
            for (shape, dtype), (wanted, wanted_dtype) in zip(found, known, strict=True):
                assert dtype == wanted_dtype
                assert shape_equal(shape, wanted), (number, axis)
            for at, (shape, _) in zip(row.grad, gradients, strict=True):
                assert shape_equal(shape, run.inputs[at].shape), (number, axis, at)


def specs(
    op: str,
    attrs: dict[str, Any],
    inputs: list[np.ndarray],
    unknown: tuple[int, int] | None,
    grad: tuple[int, ...],
) -> tuple[list[Any], list[Any]]:
    """What the rules say of an op's outputs, and of the gradients of the sum of the first."""
    graph = _core.Graph()
    values = []
    for number, array in enumerate(inputs):
        shape: list[Any] = list(array.shape)
        if unknown is not None and unknown[0] == number:
            shape[unknown[1]] = Size.symbol(0)
        values.append(graph.input("", shape, array.dtype.name))
    outputs = graph.push(op, attrs, values)
    gradients: list[int] = []
    if grad:
        axes = list(range(len(graph.spec(outputs[0])[0])))
        total = {"function": "sum", "axes": axes, "keepdims": False}
        (loss,) = graph.push("reduce", total, outputs[:1])
        gradients = graph.gradients(loss, [values[at] for at in grad])
    return [graph.spec(v) for v in outputs], [graph.spec(v) for v in gradients]


def test_what_is_not_known_is_not_computed() -> None:
    graph = _core.Graph()
    x = graph.input("x", (Size.symbol(0), 2), "float32")
    (y,) = graph.push("reshape", {"shape": [2, Size.symbol(0)]}, [x])
    assert graph.spec(y) == ((2, Size.symbol(0)), "float32")
    with pytest.raises(chainrule.errors.ShapeError, match="known sizes.*None"):
        graph.compile([y])
    with pytest.raises(chainrule.errors.ShapeError, match="known sizes.*None"):
        _core.eager("iota", {"shape": [Size.symbol(0)], "axis": 0, "dtype": "int32"}, [])
    with pytest.raises(ValueError, match="shape"):
        graph.push("reshape", {"shape": [2, Size.symbol(0), "3"]}, [x])
    # What no size stands behind is refused, whatever way it comes.
    for word in (-(2**63) + 2**39, -1):
        with pytest.raises(ValueError, match=str(word)):
            graph.push("reshape", {"shape": [word]}, [x])


@pytest.mark.parametrize(
    ("function", "shape", "expected"),
    [
        # The issue's own: what Keras gives.
        (lambda x: ops.reshape(x, (-1, 143)), (None, 13), (None, 143)),
        (lambda x: ops.reshape(x, (-1, 26)), (None, 13), (None, 26)),
        (lambda x: ops.reshape(x, (ops.shape(x)[0], -1)), (None, 4, 6), (None, 24)),
        (lambda x: ops.reshape(x, (x.shape[0] * x.shape[1], 6)), (None, None, 6), (None, 6)),
        (lambda x: ops.reshape(x, (-1, x.shape[1] * 6)), (None, None, 6), (None, None)),
        (lambda x: ops.concatenate([x, x[:, 1:]], axis=1)[:, : x.shape[1]], (None, None, 6), None),
        (lambda x: x + ops.arange(x.shape[1])[:, None], (None, None, 6), (None, None, 6)),
        (lambda x: x * (1.0 / x.shape[1]), (None, None, 6), (None, None, 6)),
        (lambda x: x / x.shape[1], (None, None, 6), (None, None, 6)),
        (lambda x: x + ops.ones((x.shape[1], 1)), (None, None, 6), (None, None, 6)),
        (lambda x: ops.tril(ops.matmul(x, ops.swapaxes(x, 1, 2))), (None, None, 6), None),
        (lambda x: ops.pad(x, ((0, 0), (2, 1), (0, 0)), "reflect"), (None, None, 6), None),
        (lambda x: ops.matmul(ops.eye(x.shape[1])[None], x), (None, None, 6), (None, None, 6)),
        (lambda x: ops.split(x, 3, axis=1)[1], (None, None, 6), None),
        (lambda x: ops.repeat(x, 3, axis=1), (None, None, 6), None),
        (lambda x: x[:, :5], (None, None, 6), None),
        (lambda x: x[:, ::-2], (None, None, 6), None),
        (lambda x: x[:, x.shape[1] - 1], (None, None, 6), (None, 6)),
        (lambda x: ops.extract_sequences(x, 3, 2), (None, None), (None, None, 3)),
        (lambda x: ops.extract_sequences(x, 20, 10**12), (None, None), (None, None, 20)),
        (lambda x: ops.diagonal(x, 2, 1, 2), (None, None, 6), (None, None)),
        (lambda x: ops.diagonal(x, -3, 2, 1), (None, None, 6), (None, None)),
        (lambda x: ops.trace(x, 0, 1, 2), (None, None, 11), (None,)),
        (lambda x: ops.median(x, 1), (None, None, 6), (None, 6)),
        (lambda x: ops.quantile(x, [0.1, 0.5], 0, keepdims=True), (None, 6), (2, 1, 6)),
        (lambda x: ops.vander(x[0]), (None, None), None),
        (lambda x: ops.vander(x[0], 3, increasing=True), (None, None), (None, 3)),
        (lambda x: ops.repeat(x, range(11), axis=1), (None, None), (None, 55)),
        (lambda x: ops.inner(x, ops.ones((4, 11))), (None, None), (None, 4)),
        (lambda x: ops.dot(x, x[:6, :, None]), (None, 6), None),
        (lambda x: ops.einsum("nij,jk->nik", x, ops.ones((11, 4))), (None, 6, None), (None, 6, 4)),
        (lambda x: ops.einsum("nii->ni", x), (None, None, 11), (None, None)),
    ],
)
def test_functions_of_unknown_shapes(
    function: Callable[[Any], Any], shape: tuple[int | None, ...], expected: Any
) -> None:
    """What is inferred is what runs give, and a layer of it makes a model."""
    x = chainrule.Input(shape[1:])
    y = layers.Lambda(function)(x)
    if expected is not None:
        assert y.shape == expected
    model = chainrule.Model(x, y)
    refused = 0
    for size in (11, 12):
        data = np.ones([size if n is None else n for n in shape], "float32")
        try:
            out = function(data)
        except chainrule.errors.ShapeError:
            refused += 1
            continue
        assert shape_equal(y.shape, out.shape)
        if out.shape[0] == len(data):
            assert model.predict(data, verbose=0).shape == out.shape
    assert refused < 2


def test_batches_are_one_size_unless_they_differ() -> None:
    x, y = KerasTensor((None, 6)), KerasTensor((None, 3, 2))
    assert ops.reshape(y, (x.shape[0] or -1, 6)).shape == (None, 6)

    class Beside(layers.Layer):
        def call(self, x: Any, y: Any) -> Any:
            return ops.reshape(y, (x.shape[0], -1))

    assert Beside()(x, y).shape == (None, 6)
    # Two tensors whose first axes cannot be of one size.
    assert ops.add(ops.concatenate([x, np.ones((1, 6), "float32")], axis=0), x).shape == (None, 6)


WIDE = (None, None, None, 6)
LAYERS: list[tuple[Callable[[], Any], tuple[int | None, ...]]] = [
    (lambda: layers.Dense(3), (None, None, 6)),
    (lambda: layers.EinsumDense("abc,cd->abd", (None, 3)), (None, None, 6)),
    (lambda: layers.Embedding(9, 3), (None, None)),
    (lambda: layers.Conv1D(3, 4, 2, "valid"), (None, None, 6)),
    (lambda: layers.Conv1D(3, 4, 3, "same"), (None, None, 6)),
    (lambda: layers.Conv1D(3, 4, 1, "causal", dilation_rate=2), (None, None, 6)),
    (lambda: layers.Conv2D(3, 3, (1, 2), "same"), WIDE),
    (lambda: layers.Conv2D(4, 3, 2, "valid", groups=2), WIDE),
    (lambda: layers.DepthwiseConv2D(3, 2, "same"), WIDE),
    (lambda: layers.SeparableConv2D(3, 3, 1, "valid"), WIDE),
    (lambda: layers.Conv2DTranspose(3, 3, 2, "same"), WIDE),
    (lambda: layers.Conv2DTranspose(3, 3, 2, "valid"), WIDE),
    (lambda: layers.Conv1DTranspose(3, 4, 3, "same", output_padding=1), (None, None, 6)),
    (lambda: layers.MaxPooling2D(2, 2, "same"), WIDE),
    (lambda: layers.AveragePooling2D(3, 2, "valid"), WIDE),
    (lambda: layers.AdaptiveAveragePooling2D(2), WIDE),
    (lambda: layers.GlobalMaxPooling2D(), WIDE),
    (lambda: layers.UpSampling2D((2, 3)), WIDE),
    (lambda: layers.UpSampling2D(2, interpolation="bilinear"), WIDE),
    (lambda: layers.ZeroPadding2D(((1, 2), (0, 3))), WIDE),
    (lambda: layers.Cropping2D(((1, 2), (0, 3))), WIDE),
    (lambda: layers.BatchNormalization(), WIDE),
    (lambda: layers.LayerNormalization(), (None, None, 6)),
    (lambda: layers.GroupNormalization(3), WIDE),
    (lambda: layers.UnitNormalization(), (None, None, 6)),
    (lambda: layers.Flatten(), (None, None, 6)),
    (lambda: layers.Reshape((-1, 3)), (None, None, 6)),
    (lambda: layers.Permute((2, 1)), (None, None, 6)),
    (lambda: layers.RepeatVector(3), (None, 6)),
    (lambda: layers.TimeDistributed(layers.Conv1D(2, 3)), (None, None, 8, 6)),
    (lambda: layers.SpatialDropout1D(0.5), (None, None, 6)),
    (lambda: layers.GaussianNoise(0.5), (None, None, 6)),
    (lambda: layers.PReLU(shared_axes=[1]), (None, None, 6)),
    (lambda: layers.Resizing(4, 5), WIDE),
    (lambda: layers.CenterCrop(4, 5), WIDE),
    (lambda: layers.Rescaling(0.5), WIDE),
    (lambda: layers.RandomFlip(), WIDE),
    (lambda: layers.Softmax(), (None, None, 6)),
]


@pytest.mark.parametrize(("make", "shape"), LAYERS)
def test_layers_of_unknown_sizes(
    make: Callable[[], Any], shape: tuple[int | None, ...]
) -> None:
    x = chainrule.Input(shape[1:])
    y = make()(x)
    model = chainrule.Model(x, y)
    unknown = [None if n is None else n for n in y.shape]
    for size in (9, 12):
        data = np.ones([size if n is None else n for n in shape], "float32")
        out = model.predict(data, verbose=0)
        assert shape_equal(unknown, out.shape), (unknown, out.shape)


def test_channels_are_dropped_whatever_the_sizes() -> None:
    x = chainrule.Input((None, 6))
    y = layers.SpatialDropout1D(0.5, seed=1)(x, training=True)
    assert y.shape == (None, None, 6)
    model = chainrule.Model(x, y)
    assert model.compute_output_shape((3, 9, 6)) == (3, 9, 6)
    out = model(np.ones((3, 9, 6), "float32"))
    assert (out == out[:, :1]).all() and set(out.ravel().tolist()) == {0.0, 2.0}


def test_dropout_by_an_image_layer_that_trains_by_default() -> None:
    x = chainrule.Input((8, 8, 3))
    y = layers.SpatialDropout2D(0.5)(layers.RandomFlip()(x))
    model = chainrule.Model(x, layers.Flatten()(y))
    model.compile("sgd", "mse")
    model.fit(np.ones((5, 8, 8, 3), "float32"), np.ones((5, 192)), batch_size=2, verbose=0)


def test_layers_of_several_inputs() -> None:
    x, y = chainrule.Input((None, 6)), chainrule.Input((4, 6))
    assert layers.Add()([x, y]).shape == (None, None, 6)
    assert layers.Concatenate(axis=1)([x, y]).shape == (None, None, 6)
    assert layers.Concatenate(axis=2)([x, y]).shape == (None, None, 12)
    assert layers.Dot(axes=2)([x, y]).shape == (None, None, 4)
    assert layers.Dot(axes=1)([x, y]).shape == (None, 6, 6)
