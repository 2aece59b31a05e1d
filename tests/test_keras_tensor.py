"""KerasTensor in its two states."""

from __future__ import annotations

import re
import traceback
import warnings
from typing import Any

import numpy as np
import pytest

import chainrule
from chainrule import KerasTensor, ops
from chainrule.tracing.tensor import any_symbolic_tensors, is_keras_tensor, standardize_shape
from chainrule.tracing.trace import Trace


def test_attributes():
    x = KerasTensor((None, 3), dtype="int32", name="x")
    assert (x.shape, x.dtype, x.ndim, x.size, x.name) == ((None, 3), "int32", 2, None, "x")
    assert KerasTensor((2, 3)).size == 6
    for attribute in ("shape", "dtype", "sparse", "ragged"):
        with pytest.raises(AttributeError, match=f"`{attribute}` attribute.*immutable"):
            setattr(x, attribute, None)
    assert "shape=(None, 3), dtype=int32" in repr(x)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (None, "Undefined shapes"),
        (42, "Cannot convert '42' to a shape"),
        ((3, "4"), "invalid dimension '4'"),
        ((3, 4.0), "invalid dimension '4.0'"),
        ((3, object()), "invalid dimension"),
        ((3, -1), "Negative dimensions"),
    ],
)
def test_bad_shapes(shape, message):
    with pytest.raises(ValueError, match=message):
        KerasTensor(shape)
    assert standardize_shape([np.int64(2), None]) == (2, None)


def test_bad_arguments():
    with pytest.raises(ValueError, match="sparse=True"):
        KerasTensor((3,), sparse=True, ragged=True)
    with pytest.raises(TypeError, match="Unexpected keyword"):
        KerasTensor((3,), color="red")
    with pytest.raises(ValueError, match="Invalid dtype"):
        KerasTensor((3,), dtype="float31")


def test_symbolic_tensors_have_no_value():
    x = KerasTensor((3,))
    for convert in (np.array, float, int):
        with pytest.raises(ValueError, match="doesn't have any actual numerical value"):
            convert(x)
    with pytest.raises(TypeError, match="cannot be used as a boolean"):
        bool(x)
    with pytest.raises(NotImplementedError):
        iter(x)
    with pytest.raises(ValueError, match="cannot be used as input to a TensorFlow function"):
        x.__tf_tensor__()


def test_operators_give_symbolic_tensors():
    x = KerasTensor((None, 3))
    b = KerasTensor((None, 3), "bool")
    for y in (x + 1, 1 - x, 2 * x, x / 2, x // 2, x % 2, x**2, -x, abs(x), round(x, 1)):
        assert (y.shape, y.dtype) == ((None, 3), "float32")
    for y in (x < 0, x <= 0, x > 0, x >= 0, x != 0, b & b, b | b, b ^ b, ~b):
        assert (y.shape, y.dtype) == ((None, 3), "bool")
    assert (x @ np.ones((3, 2), "float32")).shape == (None, 2)
    assert (np.ones((3,), "float32") + x).shape == (None, 3)
    assert x[:, 0].shape == (None,)
    assert x.reshape((-1, 1)).shape == (None, 1)
    assert x.reshape(-1, 3, 1).squeeze(2).shape == (None, 3)


def test_history_names_the_operations():
    x = KerasTensor((None, 3))
    y = ops.relu(x + 1)
    history = y._keras_history
    assert type(history.operation).__name__ == "Relu"
    (inner,) = history.operation._inbound_nodes[0].input_tensors
    assert type(inner._keras_history.operation).__name__ == "Add"


def test_traced_tensors():
    with Trace() as trace:
        x = trace.input("x", (2, 3), "float32")
        assert (x.shape, x.dtype, len(x), x.graph) == ((2, 3), "float32", 2, trace.graph)
        assert len(list(x)) == 2
        assert (x == x).dtype == "bool"
        for convert in (np.array, float, int, bool):
            with pytest.raises(TypeError, match="traced|while tracing"):
                convert(x)
    assert is_keras_tensor(x)
    assert not any_symbolic_tensors([x])
    assert any_symbolic_tensors([{"a": [KerasTensor((2,))]}])


def test_equality_of_symbolic_tensors_is_identity():
    x, y = KerasTensor((3,)), KerasTensor((3,))
    assert x == x
    assert not x == y
    assert x in [y, x]
    assert len({x, y}) == 2


def fails(function: Any, shape: tuple[int | None, ...] = (None, 8)) -> list[str]:
    """What is said, with all that led to it, where the function is a layer of a model."""

    class Own(chainrule.layers.Layer):
        def call(self, x: Any) -> Any:
            return function(x)

    texts = []
    for layer in (chainrule.layers.Lambda(function), Own()):
        with pytest.raises(Exception) as caught:
            layer(chainrule.Input(shape[1:]))
        texts.append("".join(traceback.format_exception(caught.value)))
    return texts


@pytest.mark.parametrize(
    "function",
    [
        np.tanh,
        lambda x: np.where(x > 0, x, 0),
        lambda x: ops.matmul(x, np.ones((7, 2))),
        lambda x: ops.reshape(x, (7, 3)),
        lambda x: ops.split(x, 11, axis=1),
        lambda x: {}[x.shape],
        lambda x: np.testing.assert_equal(x.shape, (3, 8)),
        lambda x: chainrule.layers.Lambda(lambda y: y.shape.index(5))(x),
        lambda x: chainrule.layers.Reshape((7,))(x),
        lambda x: int("rows %d" % ops.reshape(ops.tile(x, (3, 1)), (-1,)).shape[0]),
    ],
)
def test_messages_say_none_for_an_unknown_size(function: Any) -> None:
    """No word by which the core tells sizes apart, and no object: whatever shows a size says None."""
    for text in fails(function):
        numbers = [int(n) for n in re.findall(r"\d+", re.sub(r"line \d+|0x\w+", "", text))]
        assert not [n for n in numbers if n >= 2**40] and "Size object" not in text, text


def test_messages_say_which_sizes_are_known() -> None:
    (text, _) = fails(lambda x: ops.matmul(x, np.ones((840, 2), "float32")))
    assert "(None, 8) and (840, 2)" in text


def test_layers_within_layers_are_built_without_a_warning() -> None:
    class Block(chainrule.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = chainrule.layers.Dense(4), chainrule.layers.Dense(3)

        def call(self, x: Any) -> Any:
            return self.second(self.first(x))

    class Net(chainrule.Model):
        def __init__(self) -> None:
            super().__init__()
            self.block = Block()

        def call(self, x: Any) -> Any:
            return self.block(x)

    x = chainrule.Input((8,))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = chainrule.Model(x, Net()(x))
        other = Net()
        other.compile("sgd", "mse")
        other.fit(np.ones((4, 8)), np.ones((4, 3)), verbose=0)
    assert model.output_shape == (None, 3)


@pytest.mark.parametrize("features", [26, 13 * 16, 13 * 11, 13 * 17 * 19, 5, 9999])
def test_an_unknown_size_may_be_cut_into_anything(features: int) -> None:
    x = KerasTensor((None, 13))
    assert ops.reshape(x, (-1, features)).shape == (None, features)
    assert chainrule.layers.Lambda(lambda y: ops.reshape(y, (-1, features, 1)))(
        chainrule.Input((13,))
    ).shape == (None, features, 1)
    parts = ops.split(ops.reshape(x, (-1, features)), 11)
    assert [part.shape for part in parts] == [(None, features)] * 11
    pairs = ops.reshape(ops.reshape(x, (-1, features)), (-1, 23))
    assert pairs.shape == (None, 23)


def test_what_no_size_can_be_cut_into_is_refused() -> None:
    for shape in ((3, 5), (-1, 0), (2, -1, 0)):
        with pytest.raises(ValueError, match="reshape"):
            ops.reshape(KerasTensor((None, 13)), shape)
    with pytest.raises(ValueError, match="reshape"):
        ops.reshape(KerasTensor((4, 13)), (-1, 5))
    with pytest.raises(ValueError, match="split"):
        ops.split(KerasTensor((None, 13)), 5, axis=1)
