"""Derivatives of the user's own: `ops.custom_gradient`, on arrays, under tapes and in compiled steps."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import chainrule as keras
from chainrule import GradientTape, Variable, ops
from chainrule.errors import ShapeError
from chainrule.tracing.trace import Trace
from tests.test_tape import both, compiled


@ops.custom_gradient
def log1pexp(x: Any) -> Any:
    e = ops.exp(x)

    def grad(*args: Any, upstream: Any = None) -> Any:
        if upstream is None:
            (upstream,) = args
        return ops.multiply(upstream, 1.0 - 1.0 / ops.add(1, e))

    return ops.log(1 + e), grad


@ops.custom_gradient
def reversed_gradient(x: Any) -> Any:
    return x, lambda upstream: -upstream


@ops.custom_gradient
def scaled(a: Any, b: Any) -> Any:
    return a * b, lambda dy: (10.0 * dy * b, 100.0 * dy * a)


def test_the_guides_example() -> None:
    assert float(log1pexp(np.array(1.0))) == pytest.approx(np.log1p(np.e))
    assert float(keras.grad(log1pexp)(np.array(100.0))) == 1.0
    naive = keras.grad(lambda x: ops.log(1 + ops.exp(x)))(np.array(1000.0))
    assert np.isnan(naive)


def test_under_a_tape_and_in_a_program() -> None:
    def slopes(a: Any, b: Any) -> Any:
        with GradientTape() as tape:
            a, b = tape.watch((a, b))
            y = ops.sum(scaled(a, b) * 2.0)
        return tape.gradient(y, [a, b])

    by_a, by_b = both(slopes, np.array([1.0, 2.0]), np.array([3.0, 5.0]))
    assert by_a.tolist() == [60.0, 100.0] and by_b.tolist() == [200.0, 400.0]


def test_both_ways_to_call_the_gradient() -> None:
    @ops.custom_gradient
    def by_keyword(x: Any, w: Any) -> Any:
        def grad(x: Any, w: Any, upstream: Any) -> Any:
            return upstream * w, upstream * x * 7.0

        return x * w, grad

    found = keras.grad(by_keyword, argnums=(0, 1))(np.array(2.0), np.array(3.0))
    assert [float(g) for g in found] == [3.0, 14.0]

    @ops.custom_gradient
    def two(x: Any) -> Any:
        return (x * 2.0, ops.argmax(x), x * 3.0), lambda da, dn, db: 5.0 * da + 7.0 * db

    def f(x: Any) -> Any:
        a, n, b = two(x)
        return ops.sum(a) + 10.0 * ops.sum(b) + ops.cast(n, a.dtype)

    assert keras.grad(f)(np.array([1.0, 4.0])).tolist() == [75.0, 75.0]


def test_second_derivatives_come_from_the_gradients_ops() -> None:
    @ops.custom_gradient
    def cube(x: Any) -> Any:
        square = x * x
        return square * x, lambda dy: 3.0 * dy * square

    def slopes(x: Any) -> Any:
        with GradientTape() as outer:
            x = outer.watch(x)
            with GradientTape() as inner:
                x = inner.watch(x)
                y = cube(x)
            first = inner.gradient(y, x)
        return first, outer.gradient(first, x)

    first, second = both(slopes, np.array(2.0))
    assert (float(first), float(second)) == (12.0, 12.0)


def test_none_stops_the_gradient() -> None:
    @ops.custom_gradient
    def f(x: Any, w: Any) -> Any:
        return x * w, lambda dy: (None, dy * x)

    def slopes(x: Any, w: Any) -> Any:
        with GradientTape() as tape:
            x, w = tape.watch((x, w))
            y = f(x, w)
        return tape.gradient(y, [x, w])

    by_x, by_w = both(slopes, np.array(2.0), np.array(3.0))
    assert by_x is None and float(by_w) == 2.0


def test_settings_and_closures_count_under_a_tape() -> None:
    def slope(power: int, factor: float, weight: Any) -> float:
        @ops.custom_gradient
        def f(x: Any, power: int, weight: Any = None) -> Any:
            return weight * x**power, lambda dy: (factor * weight * dy, None)

        with GradientTape() as tape:
            x = tape.watch(np.array(3.0))
            y = f(x, power, weight=weight)
        assert float(y) == float(weight) * 3.0**power
        return float(tape.gradient(y, x))

    assert slope(2, 5.0, np.array(1.0)) == 5.0
    assert slope(2, 7.0, np.array(1.0)) == 7.0
    assert slope(3, 7.0, np.array(2.0)) == 14.0


def test_nothing_flows_but_by_the_arguments() -> None:
    z = np.array(5.0)

    def f(x: Any, z: Any) -> Any:
        g = ops.custom_gradient(lambda x: (x * z, lambda dy: dy * z))
        return g(x)

    by_x, by_z = keras.grad(f, argnums=(0, 1))(np.array(2.0), z)
    assert (float(by_x), float(by_z)) == (5.0, 0.0)


def test_methods_and_layers() -> None:
    class Reversal(keras.layers.Layer):
        @ops.custom_gradient
        def turned(self, x: Any) -> Any:
            return x, lambda dy: -2.0 * dy

        def call(self, x: Any) -> Any:
            return self.turned(x)

    layer = Reversal()
    assert keras.grad(lambda x: ops.sum(layer(x)))(np.ones((1, 2))).tolist() == [[-2.0, -2.0]]


def _network() -> Any:
    inputs = keras.Input((3,))
    x = keras.layers.Dense(4, activation="tanh")(inputs)
    x = log1pexp(x)
    return keras.Model(inputs, keras.layers.Dense(1)(x))


def test_a_functional_model_trains_and_its_gradients_check() -> None:
    keras.utils.set_random_seed(1)
    model = _network()
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).normal(size=(16, 3)).astype("float32")
    y = x.sum(axis=1)
    report = model.check_gradients(x, y)
    assert report.ok, report
    plain = keras.Sequential(
        [keras.layers.Dense(4, "tanh"), keras.layers.Activation("softplus"), keras.layers.Dense(1)]
    )
    plain.compile("sgd", "mse")
    plain.build((None, 3))
    plain.set_weights(model.get_weights())
    losses = model.fit(x, y, epochs=3, verbose=0, shuffle=False).history["loss"]
    expected = plain.fit(x, y, epochs=3, verbose=0, shuffle=False).history["loss"]
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    assert losses[-1] < losses[0]


def test_check_gradients_finds_a_wrong_one() -> None:
    wrong = ops.custom_gradient(lambda x: (x * x, lambda dy: dy * x))
    inputs = keras.Input((3,))
    outputs = wrong(keras.layers.Dense(2)(inputs))
    model = keras.Model(inputs, outputs)
    model.compile("sgd", "mse")
    report = model.check_gradients(np.ones((4, 3)), np.zeros((4, 2)))
    assert not report.ok
    assert "custom_gradient" in str(report)


def test_the_forward_pass_costs_no_more_tasks() -> None:
    def tasks(f: Any) -> list[str]:
        with Trace() as trace:
            x = trace.input("x", (4, 4), "float32")
            program = trace.compile([f(x)])
        return [task["op"] for task in program.explain()]

    plain = tasks(lambda x: ops.matmul(ops.log(1 + ops.exp(x)), x))
    assert tasks(lambda x: ops.matmul(log1pexp(x), x)) == plain


def test_copies_pickles_and_configs() -> None:
    assert pickle.loads(pickle.dumps(log1pexp)) is log1pexp
    keras.utils.set_random_seed(1)
    model = _network()
    again = copy.deepcopy(model)
    x = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    np.testing.assert_array_equal(model(x), again(x))
    with pytest.raises(NotImplementedError, match="log1pexp .*layer of your own"):
        model.get_config()


def test_errors_say_what_is_wrong() -> None:
    x = np.array([1.0, 2.0])
    with pytest.raises(TypeError, match=r"\(outputs, grad\)"):
        ops.custom_gradient(lambda x: x)(x)
    with pytest.raises(ShapeError, match=r"\(2,\).*got \(\)"):
        keras.grad(lambda x: ops.sum(ops.custom_gradient(lambda x: (x, lambda d: ops.sum(d)))(x)))(x)
    with pytest.raises(ValueError, match="expected 1 gradients.*got 2"):
        keras.grad(lambda x: ops.sum(ops.custom_gradient(lambda x: (x, lambda d: (d, d)))(x)))(x)
    w = Variable(2.0, name="weight_of_mine")
    reading = ops.custom_gradient(lambda x: (x * w, lambda d: d * w))
    with pytest.raises(TypeError, match="weight_of_mine.*argument"):
        keras.grad(lambda x: ops.sum(reading(x)))(x)
    given = ops.custom_gradient(lambda x, w: (x * w, lambda d: (d * w, ops.sum(d * x))))
    assert float(keras.grad(lambda v: ops.sum(given(x, v)))(w)) == 3.0


def test_a_random_and_stateful_function_runs_once() -> None:
    counter = Variable(0, dtype="int32", trainable=False)
    seed = keras.random.SeedGenerator(3)

    @ops.custom_gradient
    def noisy(x: Any) -> Any:
        counter.assign_add(1)
        mask = ops.cast(keras.random.uniform(x.shape, seed=seed) > 0.5, x.dtype)
        return x * mask, lambda dy: dy * mask

    def f(x: Any) -> Any:
        y = noisy(x)
        return ops.sum(y), y

    (_, y), slope = keras.value_and_grad(f, has_aux=True)(np.ones(40))
    np.testing.assert_array_equal(y, slope)
    assert int(counter.numpy()) == 1 and int(seed.state.numpy()[1]) == 1
    assert 5 < y.sum() < 35
    assert compiled(lambda x: noisy(x), np.ones(3)).shape == (3,)
