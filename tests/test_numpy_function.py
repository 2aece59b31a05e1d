"""`ops.numpy_function`: the user's own NumPy code, with its own backward, inside compiled steps."""

from __future__ import annotations

import copy
import gc
import pickle
from typing import Any

import numpy as np
import pytest

import chainrule as keras
from chainrule import GradientTape, Variable, ops
from chainrule.errors import DTypeError, GradientError, ShapeError
from tests.test_tape import both, compiled

CUBE = ops.numpy_function(lambda x: x**3, lambda x, y, dy: 3 * x[0] ** 2 * dy[0], name="cube")


def _median_back(x: Any, y: Any, dy: Any) -> Any:
    (x,), (y,), (dy,) = x, y, dy
    hit = x == y[:, None]
    return hit / hit.sum(axis=1, keepdims=True) * dy[:, None]


# The median of each row, which the core has not.
MEDIAN = ops.numpy_function(
    lambda x: np.median(x, axis=1), _median_back, lambda x: (x.shape[:1], x.dtype), name="median"
)


def test_it_is_the_code() -> None:
    x = np.array([1.0, -2.0], "float32")
    assert CUBE(x).tolist() == [1.0, -8.0] and CUBE(x).dtype == "float32"
    np.testing.assert_array_equal(compiled(CUBE, x), [1.0, -8.0])
    assert MEDIAN(np.array([[3.0, 1.0, 2.0], [0.0, 5.0, 9.0]])).tolist() == [2.0, 5.0]


def test_its_gradient_is_the_code_too() -> None:
    def slope(x: Any) -> Any:
        with GradientTape() as tape:
            x = tape.watch(x)
            y = ops.sum(CUBE(x) * ops.exp(x))
        return tape.gradient(y, x)

    x = np.array([0.5, -1.0])
    expected = (3 * x**2 + x**3) * np.exp(x)
    np.testing.assert_allclose(both(slope, x), expected, rtol=1e-12)


def test_several_inputs_and_outputs_of_several_dtypes() -> None:
    def forward(x: Any, n: Any, w: Any) -> Any:
        return x[n] * w, np.argmax(x), np.array(w > 0)

    def backward(inputs: Any, outputs: Any, douts: Any) -> Any:
        x, n, w = inputs
        dy, d_int, d_bool = douts
        assert d_int is None and d_bool is None
        dx = np.zeros_like(x)
        np.add.at(dx, n, dy * w)
        return dx, np.sum(dy * x[n])

    f = ops.numpy_function(
        forward,
        backward,
        lambda x, n, w: [(n.shape, x.dtype), ((), "int32"), ((), "bool")],
    )
    n = np.array([0, 2, 2])

    def g(x: Any, w: Any) -> Any:
        y, place, positive = f(x, n, w)
        return ops.sum(y), (place, positive)

    (value, aux), (dx, dw) = keras.value_and_grad(g, (0, 1), has_aux=True)(
        np.array([1.0, 5.0, 2.0]), np.array(3.0)
    )
    assert float(value) == 15.0 and int(aux[0]) == 1 and bool(aux[1])
    assert aux[0].dtype == "int32" and aux[1].dtype == "bool"
    assert dx.tolist() == [3.0, 0.0, 6.0] and float(dw) == 5.0


def test_none_for_zeros_and_no_backward() -> None:
    f = ops.numpy_function(lambda x, w: x * w, lambda x, y, dy: (None, dy[0] * x[0]))
    dx, dw = keras.grad(lambda x, w: ops.sum(f(x, w)), (0, 1))(np.ones(2), np.ones(2))
    assert dx.tolist() == [0.0, 0.0] and dw.tolist() == [1.0, 1.0]
    g = ops.numpy_function(np.sinc)
    assert g(np.array([0.0]))[0] == 1.0
    with pytest.raises(GradientError, match="numpy_function: .*backward"):
        keras.grad(lambda x: ops.sum(g(x)))(np.ones(2))


def _model(layer: Any) -> Any:
    inputs = keras.Input((5,))
    x = keras.layers.Dense(5, activation="tanh", name="first")(inputs)
    outputs = keras.layers.Dense(1, name="last")(layer(x))
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.SGD(0.05), "mse")
    return model


class Median(keras.layers.Layer):
    """The median of a row beside the row."""

    def call(self, x: Any) -> Any:
        return ops.concatenate([x, ops.expand_dims(MEDIAN(x), 1)], axis=1)


def _data() -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(0).normal(size=(24, 5)).astype("float32")
    return x, np.median(x, axis=1)


def test_a_model_trains_with_it_and_its_gradients_check() -> None:
    keras.utils.set_random_seed(0)
    model = _model(Median())
    x, y = _data()
    report = model.check_gradients(x, y)
    assert report.ok, report
    losses = model.fit(x, y, epochs=10, batch_size=10, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert model.predict(x[:3], verbose=0).shape == (3, 1)


def test_check_gradients_finds_a_wrong_backward() -> None:
    wrong = ops.numpy_function(lambda x: x**3, lambda x, y, dy: 2 * x[0] ** 2 * dy[0])
    model = _model(wrong)
    report = model.check_gradients(*_data())
    assert not report.ok and "numpy_function" in str(report)


class Failing(keras.layers.Layer):
    def __init__(self, where: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.limit = 3

        def forward(x: Any) -> Any:
            return self._counted(where == "forward", x)

        self.f = ops.numpy_function(
            forward, lambda x, y, dy: self._counted(where == "backward", dy[0])
        )

    def _counted(self, does_count: bool, x: Any) -> Any:
        if does_count:
            self.limit -= 1
            if self.limit == 0:
                raise LookupError("my table has no such row")
        return x

    def call(self, x: Any) -> Any:
        return self.f(x)


@pytest.mark.parametrize("where", ["forward", "backward"])
def test_what_it_raises_comes_out_and_no_weight_has_changed(where: str) -> None:
    layer = Failing(where, name="lookup")
    model = _model(layer)
    x, y = _data()
    model.fit(x[:8], y[:8], batch_size=8, verbose=0)
    model.fit(x[:8], y[:8], batch_size=8, verbose=0)
    before = [w.copy() for w in model.get_weights()]
    with pytest.raises(LookupError, match=r"lookup.*my table has no such row"):
        model.fit(x[:8], y[:8], batch_size=8, verbose=0)
    for a, b in zip(before, model.get_weights()):
        np.testing.assert_array_equal(a, b)
    assert np.isfinite(model.fit(x[:8], y[:8], batch_size=8, verbose=0).history["loss"][0])


def test_results_are_held_against_the_spec() -> None:
    x = np.ones((2, 3))
    with pytest.raises(ShapeError, match=r"numpy_function: .*\(2, 3\).*\(3, 2\)"):
        ops.numpy_function(np.transpose)(x)
    with pytest.raises(ValueError, match="expected 1 results of pair, got 2"):
        ops.numpy_function(lambda x: (x, x), name="pair")(x)
    with pytest.raises(DTypeError, match="give an array of int32, got float64"):
        ops.numpy_function(lambda x: x, None, ((2, 3), "int32"), name="whole")(x)
    with pytest.raises(ValueError, match=r"expected \(shape, dtype\)"):
        ops.numpy_function(lambda x: x, None, "float32")(x)
    short = ops.numpy_function(lambda x: x, lambda x, y, dy: dy[0][:1], name="short")
    with pytest.raises(ShapeError, match=r"the backward of short .*\(2, 3\).*\(1, 3\)"):
        keras.grad(lambda x: ops.sum(short(x)))(x)
    with pytest.raises(TypeError, match="`forward` must be a function"):
        ops.numpy_function(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="`backward` must be a function"):
        ops.numpy_function(np.sin, 3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="an input of sin"):
        ops.numpy_function(np.sin)()


def test_it_cannot_wait_for_the_weights_that_the_step_holds() -> None:
    w = Variable(np.ones(5, "float32"), name="held")
    model = _model(ops.numpy_function(lambda x: x * w.numpy(), lambda x, y, dy: dy[0]))
    with pytest.raises(RuntimeError, match="cannot read or assign variables"):
        model.fit(*_data(), verbose=0)


def test_it_may_call_ops() -> None:
    f = ops.numpy_function(lambda x: ops.softmax(x), lambda x, y, dy: ops.relu(dy[0]))
    x = np.random.default_rng(0).normal(size=(3, 4))
    np.testing.assert_array_equal(compiled(f, x), ops.softmax(x))


def test_code_is_kept_as_long_as_something_may_call_it() -> None:
    with GradientTape() as tape:
        x = tape.watch(np.array([2.0]))
        y = ops.numpy_function(lambda x: x**2, lambda x, y, dy: 2 * x[0] * dy[0])(x)
    gc.collect()
    assert tape.gradient(y, x).tolist() == [4.0]
    inputs = keras.Input((2,))
    once = ops.numpy_function(lambda x: x + 1, lambda x, y, dy: dy[0])
    model = keras.Model(inputs, once(inputs))
    del once
    gc.collect()
    np.testing.assert_array_equal(model.predict(np.ones((2, 2)), verbose=0), 2 * np.ones((2, 2)))


def _cubed(x: Any) -> Any:
    return x**3


def test_copies_and_pickles() -> None:
    f = ops.numpy_function(_cubed, name="cubed")
    assert f(np.array([2.0])).tolist() == [8.0]
    for again in (pickle.loads(pickle.dumps(f)), copy.deepcopy(f)):
        assert again(np.array([2.0])).tolist() == [8.0] and again.name == "cubed"


def test_in_loops_and_vmap() -> None:
    x = np.array([1.0, 2.0, 3.0])
    assert keras.vmap(CUBE)(x).tolist() == [1.0, 8.0, 27.0]
    slope = keras.grad(lambda x: ops.sum(ops.scan(lambda c, t: (c + CUBE(t), c), 0.0 * x[0], x)[0]))
    assert slope(x).tolist() == [3.0, 12.0, 27.0]


def test_half_precision_and_integers() -> None:
    y = CUBE(np.array([2.0], "float16"))
    assert y.dtype == "float16" and y.tolist() == [8.0]
    n = ops.numpy_function(np.bitwise_not)(np.array([1, 2], "int32"))
    assert n.tolist() == [-2, -3] and n.dtype == "int32"
