"""keras.Function: what lies between symbolic tensors, called again."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as keras
from chainrule import layers, ops
from chainrule.errors import ShapeError


def test_it_is_called_on_arrays_and_symbols_in_its_structures() -> None:
    a, b = keras.KerasTensor((2, 3)), keras.KerasTensor((2, 3))
    total = a + b
    function = keras.Function({"a": a, "b": b}, {"triple": total * 3.0, "square": total**2})
    ones = np.ones((2, 3), "float32")
    made = function({"a": ones, "b": ones})
    assert sorted(made) == ["square", "triple"]
    np.testing.assert_array_equal(made["triple"], ones * 6)
    again = keras.Input((5,)) @ np.ones((5, 3), "float32")
    inner = keras.Function(again, ops.relu(again))
    outer = keras.Function(a, inner(a) - 1.0)
    np.testing.assert_array_equal(outer(-ones), -ones)


def test_what_lies_before_the_inputs_takes_no_part() -> None:
    x = keras.Input((3,))
    hidden = layers.Dense(4, name="before")(x)
    function = keras.Function(hidden, layers.Dense(2, name="after")(hidden))
    assert [operation.name for operation in function.operations] == ["after"]
    assert function(np.ones((5, 4), "float32")).shape == (5, 2)
    assert function.compute_output_shape((None, 4)) == (None, 2)
    assert function.compute_output_spec(keras.KerasTensor((7, 4))).shape == (7, 2)


def test_it_is_part_of_a_model_that_is_trained() -> None:
    z = keras.KerasTensor((None, 2))
    swish = keras.Function(z, z * ops.sigmoid(z))
    x = keras.Input((3,))
    model = keras.Model(x, swish(layers.Dense(2)(x)))
    model.compile("sgd", "mse")
    rows = np.ones((4, 3), "float32")
    before = model.predict(rows, verbose=0)
    kernel, bias = model.get_weights()
    dense = rows @ kernel + bias
    np.testing.assert_allclose(before, dense / (1 + np.exp(-dense)), rtol=1e-5)
    losses = model.fit(rows, np.ones((4, 2)), epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_bad_inputs_and_graphs_are_refused() -> None:
    a, b = keras.KerasTensor((None, 3)), keras.KerasTensor((2, 3))
    function = keras.Function([a, b], a + b, name="sum")
    with pytest.raises(ValueError, match="'sum' got an invalid input structure"):
        function(np.ones((2, 3)))
    for bad in (np.ones((2, 3, 1)), np.ones((2, 4))):
        with pytest.raises(
            ShapeError,
            match=r"'sum' got incompatible inputs: expected shape \(None, 3\)",
        ):
            function([bad, np.ones((2, 3))])
    with pytest.raises(ValueError, match="`outputs` argument cannot be empty"):
        keras.Function(a, [])
    with pytest.raises(ValueError, match="expected KerasTensors as `inputs`"):
        keras.Function(np.ones(3), a)
    with pytest.raises(ValueError, match="is not connected to `inputs`"):
        keras.Function(a, a + b)
