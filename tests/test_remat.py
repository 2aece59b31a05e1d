"""remat and RematScope: the same bits, in less memory."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as keras
from chainrule import RematScope, ops, remat
from chainrule.tracing.remat import current_remat_mode
from chainrule.tracing.trace import Trace
from tests.test_tape import both

ROWS, WIDTH, DEPTH = 512, 8, 6


def _chain(wrap: Callable[..., Any]) -> Callable[[Any], Any]:
    """Blocks that widen and narrow again: a lot to keep inside, little between."""

    def block(x: Any) -> Any:
        wide = ops.concatenate([ops.tanh(x * (i + 1.0)) for i in range(16)], axis=1)
        return ops.sum(ops.reshape(ops.sin(wide) * wide, (ROWS, 16, WIDTH)), axis=1)

    block = wrap(block)

    def f(x: Any) -> Any:
        for _ in range(DEPTH):
            x = block(x)
        return ops.sum(ops.square(x))

    return f


def _bytes_and_slope(f: Callable[[Any], Any]) -> tuple[int, list[np.ndarray]]:
    x = np.random.default_rng(0).normal(size=(ROWS, WIDTH)).astype("float32")
    with Trace() as trace:
        inside = trace.input("x", x.shape, "float32")
        loss = f(inside)
        program = trace.compile([loss, *trace.gradients(loss, [inside])])
    return program.arena_bytes, program.run([x])


def test_the_same_bits_in_less_memory() -> None:
    kept, plain = _bytes_and_slope(_chain(lambda f: f))
    again, found = _bytes_and_slope(_chain(remat))
    for a, b in zip(plain, found):
        np.testing.assert_array_equal(a, b)
    assert again < 0.5 * kept, (again, kept)


def test_without_a_gradient_it_is_the_function() -> None:
    def tasks(wrap: Callable[..., Any]) -> list[str]:
        with Trace() as trace:
            x = trace.input("x", (ROWS, WIDTH), "float32")
            program = trace.compile([_chain(wrap)(x)])
        return [task["op"] for task in program.explain()]

    assert tasks(remat) == tasks(lambda f: f)


def test_on_arrays_it_is_the_function() -> None:
    f = remat(lambda x, n=2: x**n)
    assert f(np.array(3.0), n=3) == 27.0
    with pytest.raises(TypeError, match="a function"):
        remat(3)  # type: ignore[arg-type]


class Wave(keras.layers.Layer):
    """A layer with a method that is computed again."""

    def __init__(self) -> None:
        super().__init__()
        self.scaled = remat(self.plain)

    def plain(self, x: Any) -> Any:
        return ops.sin(x) * 2.0

    @remat
    def shifted(self, x: Any) -> Any:
        return ops.cos(x) + 1.0

    def call(self, x: Any) -> Any:
        return self.scaled(x) + self.shifted(x)


@remat
def module_function(x: Any) -> Any:
    return ops.exp(x)


def test_methods_copies_and_pickles() -> None:
    layer = Wave()
    x = np.array([[0.5, 1.0]])
    for each in (layer, copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        slope = keras.grad(lambda x: ops.sum(each(x)))(x)
        np.testing.assert_allclose(slope, 2 * np.cos(x) - np.sin(x), rtol=1e-6)
    assert pickle.loads(pickle.dumps(module_function)) is module_function


def test_second_derivatives() -> None:
    f = remat(lambda x: ops.sum(x**4))
    slope = keras.grad(lambda x: ops.sum(keras.grad(f)(x) ** 2))
    np.testing.assert_allclose(slope(np.array([1.0, 2.0])), [96.0, 96.0 * 32], rtol=1e-12)


def test_arguments_that_are_the_same_value() -> None:
    f = remat(lambda x, y: ops.sum(x * y * y))
    assert keras.grad(lambda x: f(x, x))(np.array([2.0])).tolist() == [12.0]


def _data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 12)).astype("float32")
    return x, rng.integers(0, 3, 64)


def _network() -> Any:
    keras.utils.set_random_seed(7)
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Dense(48, activation="gelu", activity_regularizer="l2", name="wide"),
            layers.BatchNormalization(name="norm"),
            layers.Dropout(0.3, name="drop"),
            layers.Dense(32, activation="tanh", kernel_regularizer="l2", name="narrow"),
            layers.Dense(3, activation="softmax", name="last"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    return model


def _trained(scope: Any) -> tuple[list[float], list[np.ndarray]]:
    with scope:
        model = _network()
    history = model.fit(*_data(), batch_size=24, epochs=3, verbose=0)
    return history.history["loss"], [v.numpy() for v in model.variables]


@pytest.mark.parametrize(
    "scope",
    [
        RematScope("full"),
        RematScope("activations"),
        RematScope("larger_than", output_size_threshold=1000),
        RematScope("list_of_layers", layer_names=["norm", "drop"]),
    ],
    ids=lambda scope: scope.mode,
)
def test_training_gives_the_same_bits(scope: Any) -> None:
    """With draws, moving statistics, regularizers and a smaller last batch."""
    losses, weights = _trained(RematScope(mode=None))
    found, again = _trained(scope)
    assert losses == found
    for a, b in zip(weights, again):
        np.testing.assert_array_equal(a, b)


def test_gradients_check() -> None:
    with RematScope():
        model = _network()
    report = model.check_gradients(*_data())
    assert report.ok, report


def _step_bytes(scope: Any) -> int:
    """The memory of a training step of a stack whose blocks hold much more than they give."""
    with scope:
        blocks = [
            keras.Sequential(
                [keras.layers.Dense(1024, activation="gelu"), keras.layers.Dense(32)],
                name=f"block_{i}",
            )
            for i in range(6)
        ]
    with RematScope(mode=None):
        model = keras.Sequential(blocks)
        model.build((None, 32))
    x = np.zeros((256, 32), "float32")
    with Trace() as trace:
        inside = trace.input("x", x.shape, "float32")
        weights = [trace.read(v) for v in model.trainable_variables]
        loss = ops.mean(ops.square(model(inside, training=True)))
        program = trace.compile([loss, *trace.gradients(loss, weights)])
    return program.arena_bytes


def test_a_step_of_remat_blocks_takes_less_memory() -> None:
    names = [f"block_{i}" for i in range(6)]
    kept = _step_bytes(RematScope(mode=None))
    again = _step_bytes(RematScope("list_of_layers", layer_names=names))
    assert again < 0.6 * kept, (again, kept)


def test_scopes_nest_and_close() -> None:
    assert current_remat_mode() is None
    with RematScope("full"):
        with RematScope("larger_than", output_size_threshold=512):
            mode = current_remat_mode()
            assert mode is not None and (mode.mode, mode.output_size_threshold) == ("larger_than", 512)
        with RematScope(mode=None):
            assert current_remat_mode() is None
        mode = current_remat_mode()
        assert mode is not None and mode.mode == "full"
    with pytest.raises(ValueError, match="'full'.*got 'all'"):
        RematScope("all")


def test_masks_pass_through() -> None:
    def outputs(scope: Any) -> Any:
        keras.utils.set_random_seed(0)
        with scope:
            model = keras.Sequential(
                [keras.layers.Embedding(9, 4, mask_zero=True), keras.layers.LSTM(3)]
            )
        model.compile("sgd", "mse")
        x = np.array([[1, 2, 0, 0], [3, 0, 0, 0]])
        return model.fit(x, np.ones((2, 3)), epochs=2, verbose=0).history["loss"]

    assert outputs(RematScope()) == outputs(RematScope(mode=None))


def test_a_functional_model_with_remat_functions() -> None:
    def losses(wrap: Callable[..., Any]) -> Any:
        keras.utils.set_random_seed(0)
        inputs = keras.Input((4,))
        x = keras.layers.Dense(8, activation="relu")(inputs)
        x = wrap(lambda x: ops.exp(-ops.square(x)))(x)
        model = keras.Model(inputs, keras.layers.Dense(1)(x))
        model.compile("adam", "mse")
        data = np.random.default_rng(0).normal(size=(8, 4))
        return model.fit(data, data[:, 0], epochs=3, verbose=0).history["loss"]

    assert losses(remat) == losses(lambda f: f)


@pytest.mark.parametrize("least", [1, 10**6])
def test_tapes_in_a_program_see_what_is_inside(least: int) -> None:
    with RematScope("larger_than", output_size_threshold=least):
        layer = keras.layers.Dense(3, activity_regularizer="l2")
    x = np.ones((2, 4), "float32")
    layer.build(x.shape)

    def slopes(x: Any) -> Any:
        with keras.GradientTape() as tape:
            x = tape.watch(x)
            y = layer(x)
            loss = ops.sum(y) + sum(layer.losses)
        return tape.gradient(loss, [x, layer.kernel, y])

    by_x, by_kernel, by_y = both(slopes, x, rtol=1e-6)
    y = x @ layer.kernel.numpy()
    dy = 1 + 0.01 * 2 * y / 2
    np.testing.assert_allclose(by_y, dy, rtol=1e-5)
    np.testing.assert_allclose(by_x, dy @ layer.kernel.numpy().T, rtol=1e-5)
    np.testing.assert_allclose(by_kernel, x.T @ dy, rtol=1e-5)


def test_inside_loops_and_tapes() -> None:
    step = remat(lambda c, t: (ops.tanh(c + t), c * t))

    def f(x: Any, step: Any) -> Any:
        with keras.GradientTape() as tape:
            x = tape.watch(x)
            last, rows = ops.scan(step, 0.0 * x[0], x)
            y = last + ops.sum(rows)
        return tape.gradient(y, x)

    x = np.array([0.3, -1.0, 0.6])
    plain = lambda c, t: (ops.tanh(c + t), c * t)  # noqa: E731
    slope = keras.grad(lambda x: ops.sum(ops.scan(step, 0.0 * x[0], x)[1]))
    expected = keras.grad(lambda x: ops.sum(ops.scan(plain, 0.0 * x[0], x)[1]))
    np.testing.assert_array_equal(slope(x), expected(x))
    np.testing.assert_array_equal(f(x, step), f(x, plain))
