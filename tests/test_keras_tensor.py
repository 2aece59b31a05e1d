"""KerasTensor in its two states."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import KerasTensor, ops
from chainrule.scopes import Trace
from chainrule.tensor import any_symbolic_tensors, is_keras_tensor, standardize_shape


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
