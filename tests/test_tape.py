"""GradientTape, on arrays and inside compiled steps: the same numbers, derived by hand or by differences."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as keras
from chainrule import GradientTape, Variable, ops
from chainrule.errors import DTypeError, ShapeError
from chainrule.tracing.trace import Trace


def compiled(f: Callable[..., Any], *arrays: Any) -> Any:
    """What `f` gives as part of a compiled program; None stays None."""
    with Trace() as trace:
        inside = [trace.input("", np.shape(x), np.asarray(x).dtype.name) for x in arrays]
        result = f(*inside)
        leaves = keras.tree.flatten(result)
        program = trace.compile([x for x in leaves if x is not None])
    found = iter(program.run([np.asarray(x) for x in arrays]))
    return keras.tree.pack_sequence_as(
        result, [None if x is None else next(found) for x in leaves]
    )


def both(f: Callable[..., Any], *arrays: Any, rtol: float = 0.0) -> Any:
    """What `f` gives on arrays, which is what it gives in a compiled program; to the bit, unless sums of
    more terms may be in another order."""
    eager = f(*[np.asarray(x) for x in arrays])
    inside = compiled(f, *arrays)
    for a, b in zip(keras.tree.flatten(eager), keras.tree.flatten(inside), strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)
            assert a.dtype == b.dtype
    return eager


def differences(f: Callable[[Any], Any], x: np.ndarray, h: float = 1e-6) -> np.ndarray:
    """df/dx of a function with one value, by central differences in float64."""
    x = x.astype("float64")
    slope = np.zeros_like(x)
    for at in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[at] = h
        slope[at] = (float(f(x + step)) - float(f(x - step))) / (2 * h)
    return slope


# First derivatives


def test_a_constant_that_is_watched() -> None:
    def slope(x: Any) -> Any:
        with GradientTape() as tape:
            x = tape.watch(x)
            y = x * x
        return tape.gradient(y, x)

    assert float(both(slope, np.float32(3.0))) == 6.0


def test_arrays_made_before_are_known_to_ops_as_they_are() -> None:
    x = np.array([1.0, 2.0])
    with GradientTape() as tape:
        tape.watch(x)
        y = ops.square(x)
    assert tape.gradient(y, x).tolist() == [2.0, 4.0]


def test_trainable_variables_are_watched_by_themselves() -> None:
    w, fixed = Variable([[1.0], [2.0]]), Variable(3.0, trainable=False)

    def slopes(x: Any) -> Any:
        with GradientTape() as tape:
            loss = ops.mean((x @ w * fixed) ** 2)
        assert [v is w for v in tape.watched_variables()] == [True]
        return tape.gradient(loss, [w, fixed])

    x = np.array([[1.0, 1.0], [0.0, 2.0]], "float32")
    by_w, by_fixed = both(slopes, x)
    # (9 * (9 + 16)) / 2; d/dw = 9 * x^T (x w), a mean over two
    assert by_w.tolist() == [[27.0], [99.0]] and by_fixed is None


def test_a_layer_in_the_form_of_the_guide() -> None:
    layer = keras.layers.Dense(2, activation="relu")
    x = np.array([[1.0, 2.0, 3.0]], "float32")
    with GradientTape() as tape:
        y = layer(x)
        loss = ops.mean(y**2)
    grads = tape.gradient(loss, layer.trainable_variables)
    y = np.maximum(x @ layer.kernel.numpy() + layer.bias.numpy(), 0)
    np.testing.assert_allclose(grads[0], x.T @ y, rtol=1e-6)
    np.testing.assert_allclose(grads[1], y[0], rtol=1e-6)


def test_numpy_arithmetic_on_what_ops_give() -> None:
    target = np.array([0.5, -1.0, 2.0])

    def loss(w: Any) -> Any:
        y = ops.tanh(w)
        error = (target - y)[::-1]
        rest = np.sum(np.abs(np.exp(y) / 2 - 1.0)) + y.mean() * y.std() - np.linalg.norm(y)
        total = 0.0
        for e in error:
            total += e**2
        rest = rest + (+y).std(ddof=0) + np.rint(y).sum() + np.radians(y.view()).sum()
        return total + rest + y[y > 0].sum() + y.reshape(3, 1).T.max() + float(0.5)

    w = np.array([0.3, -0.8, 1.1])
    with GradientTape() as tape:
        inside = tape.watch(w)
        value = loss(inside)
    found = tape.gradient(value, inside)
    np.testing.assert_allclose(found, differences(loss, w), rtol=1e-7)


def test_targets_and_sources_in_structures() -> None:
    def slopes(x: Any, y: Any) -> Any:
        with GradientTape() as tape:
            x, y = tape.watch((x, y))
            targets = {"sum": x + y, "product": [x * y]}
        return tape.gradient(targets, {"x": x, "rest": (y,)})

    found = both(slopes, np.array([2.0, 3.0]), np.array([5.0, 7.0]))
    assert found["x"].tolist() == [6.0, 8.0] and found["rest"][0].tolist() == [3.0, 4.0]


def test_output_gradients_weigh_the_targets() -> None:
    def slope(x: Any) -> Any:
        with GradientTape() as tape:
            x = tape.watch(x)
            y = x * x
        return tape.gradient(y, x, output_gradients=np.array([1.0, 10.0]))

    assert both(slope, np.array([2.0, 3.0])).tolist() == [4.0, 60.0]


def test_intermediate_values_as_sources() -> None:
    def slopes(x: Any) -> Any:
        with GradientTape() as tape:
            x = tape.watch(x)
            y = x * x
            z = y * y
        return tape.gradient(z, [y, x])

    by_y, by_x = both(slopes, np.array(3.0))
    assert (float(by_y), float(by_x)) == (18.0, 108.0)


def test_equal_values_are_different_sources() -> None:
    with GradientTape() as tape:
        a, b = tape.watch((np.array(2.0), np.array(2.0)))
        twice = [ops.square(a), ops.square(a)]
        y = a * b + 3.0 * twice[0]
    by_a, by_b, by_first, by_second = tape.gradient(y, [a, b, *twice])
    assert (float(by_a), float(by_b), float(by_first)) == (14.0, 2.0, 3.0)
    assert by_second is None


def test_what_nothing_depends_on() -> None:
    v, w = Variable([1.0, 2.0]), Variable(3.0)

    def slopes(unconnected: str) -> Callable[..., Any]:
        def f() -> Any:
            with GradientTape() as tape:
                y = ops.stop_gradient(w) * v[0]
            return tape.gradient(y, [v, w], unconnected_gradients=unconnected)

        return f

    by_v, by_w = both(slopes("none"))
    assert by_v.tolist() == [3.0, 0.0] and by_w is None
    assert [g.tolist() for g in both(slopes("zero"))] == [[3.0, 0.0], 0.0]


def test_unwatched_tensors_have_no_derivative() -> None:
    def slope(x: Any) -> Any:
        with GradientTape() as tape:
            y = ops.square(x)
        return tape.gradient(y, x)

    assert both(slope, np.array(3.0)) is None


def test_only_what_is_watched_where_so_asked() -> None:
    a, b = Variable(2.0), Variable(5.0)

    def slopes() -> Any:
        with GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(a)
            y = a * b
        return tape.gradient(y, [a, b])

    by_a, by_b = both(slopes)
    assert float(by_a) == 5.0 and by_b is None


def test_a_variable_is_differentiated_as_it_was_read() -> None:
    def slope() -> Any:
        v = Variable(2.0)
        with GradientTape() as tape:
            y = v * v
            v.assign(10.0)
            y = y + 3.0 * v
        return tape.gradient(y, v)

    assert float(both(slope)) == 2 * 2.0 + 3.0


def test_nothing_flows_through_an_assignment() -> None:
    def slope(x: Any) -> Any:
        v = Variable(np.array(2.0))
        with GradientTape() as tape:
            x = tape.watch(x)
            v.assign(x * 5.0)
            y = v * x
        return tape.gradient(y, [x, v])

    by_x, by_v = both(slope, np.array(3.0))
    assert (float(by_x), float(by_v)) == (15.0, 3.0)


# More than one derivative


def test_nested_tapes_give_second_derivatives() -> None:
    def slopes(x: Any) -> Any:
        with GradientTape() as outer:
            x = outer.watch(x)
            with GradientTape() as inner:
                inner.watch(x)
                y = ops.sum(x**3 * ops.sin(x))
            first = inner.gradient(y, x)
        return first, outer.gradient(first, x)

    x = np.array([0.5, -1.25])
    first, second = both(slopes, x)
    np.testing.assert_allclose(first, 3 * x**2 * np.sin(x) + x**3 * np.cos(x), rtol=1e-12)
    expected = 6 * x * np.sin(x) + 6 * x**2 * np.cos(x) - x**3 * np.sin(x)
    np.testing.assert_allclose(second, expected, rtol=1e-12)


def test_variables_twice() -> None:
    w = Variable(np.array([1.0, 2.0]))

    def slopes() -> Any:
        with GradientTape() as outer:
            with GradientTape() as inner:
                loss = ops.sum(w**4)
            first = inner.gradient(loss, w)
            penalty = ops.sum(first**2)
        return outer.gradient(penalty, w)

    # d/dw sum (4 w^3)^2 = 96 w^5
    np.testing.assert_allclose(both(slopes), 96 * np.array([1.0, 2.0]) ** 5, rtol=1e-12)


def test_the_outer_tape_sees_what_the_inner_does_not_watch() -> None:
    def slopes(x: Any, z: Any) -> Any:
        with GradientTape(persistent=True) as outer:
            z = outer.watch(z)
            with GradientTape() as inner:
                x = inner.watch(x)
                y = x * z * z
            first = inner.gradient(y, x)
        return first, outer.gradient(first, z), outer.gradient(y, z)

    first, by_z, of_y = both(slopes, np.array(3.0), np.array(5.0))
    assert (float(first), float(by_z), float(of_y)) == (25.0, 10.0, 30.0)


def test_a_gradient_penalty() -> None:
    model = keras.Sequential([keras.layers.Dense(4, "tanh"), keras.layers.Dense(1)])
    model.build((None, 3))
    x = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")

    def penalty(x: Any) -> Any:
        with GradientTape() as inner:
            x = inner.watch(x)
            scores = model(x, training=True)
        slopes = inner.gradient(scores, x)
        norm = ops.sqrt(ops.sum(ops.square(slopes), axis=1))
        return ops.mean((norm - 1.0) ** 2)

    def by_weights(x: Any) -> Any:
        with GradientTape() as tape:
            loss = penalty(x)
        return tape.gradient(loss, model.trainable_weights, unconnected_gradients="zero")

    found = both(by_weights, x)
    kernel = model.trainable_weights[0]
    start = kernel.numpy()

    def moved(value: np.ndarray) -> float:
        kernel.assign(value)
        result = float(penalty(x))
        kernel.assign(start)
        return result

    np.testing.assert_allclose(found[0], differences(moved, start, 1e-2), rtol=2e-2, atol=2e-4)
    assert not found[3].any() and found[2].any()


def test_a_persistent_tape_answers_again() -> None:
    def slopes(x: Any) -> Any:
        with GradientTape(persistent=True) as tape:
            x = tape.watch(x)
            y = x * x
            z = y * y
        return tape.gradient(z, x), tape.gradient(y, x), tape.gradient(z, y)

    assert [float(g) for g in both(slopes, np.array(3.0))] == [108.0, 6.0, 18.0]


def test_a_persistent_tape_records_its_own_derivatives() -> None:
    def second(x: Any) -> Any:
        with GradientTape(persistent=True) as tape:
            x = tape.watch(x)
            y = x**3
            slope = tape.gradient(y, x)
        return tape.gradient(slope, x)

    assert float(both(second, np.array(2.0))) == 12.0


def test_a_tape_answers_once() -> None:
    with GradientTape() as tape:
        x = tape.watch(np.array(3.0))
        y = x * x
    tape.gradient(y, x)
    with pytest.raises(RuntimeError, match="persistent=True"):
        tape.gradient(y, x)


def test_a_gradient_inside_ends_the_recording() -> None:
    with GradientTape() as tape:
        x = tape.watch(np.array(3.0))
        assert float(tape.gradient(x * x, x)) == 6.0
        assert not tape.is_recording
        assert type(x * x) is not type(x)


def test_stop_recording() -> None:
    def slopes(x: Any) -> Any:
        with GradientTape(persistent=True) as tape:
            x = tape.watch(x)
            y = x * x
            with tape.stop_recording():
                z = ops.exp(x)
            u = z * y
        return tape.gradient(u, x), tape.gradient(z, x)

    by_x, through_z = both(slopes, np.array(3.0))
    assert float(by_x) == pytest.approx(6 * np.exp(3.0)) and through_z is None


def test_reset() -> None:
    v = Variable(3.0)

    def slopes() -> Any:
        with GradientTape() as tape:
            y = v * v
            tape.reset()
            y = y + 2.0 * v
        return tape.gradient(y, v)

    assert float(both(slopes)) == 2.0


# Random and stateful layers, loops, branches


def test_dropout_draws_once() -> None:
    layer = keras.layers.Dropout(0.5, seed=3)
    x = np.ones((4, 50), "float32")
    with GradientTape() as tape:
        x = tape.watch(x)
        y = layer(x, training=True)
    np.testing.assert_array_equal(tape.gradient(y, x), y)


def test_loops_and_branches() -> None:
    def slope(x: Any) -> Any:
        with GradientTape() as tape:
            x = tape.watch(x)
            last, _ = ops.scan(lambda c, t: (c * x + t, c), x, np.arange(3.0))
            y = ops.cond(ops.sum(x) > 0, lambda: last * 2.0, lambda: last)
        return tape.gradient(y, x)

    # 2 (x^4 + x + 2): 2 (4 x^3 + 1)
    assert float(both(slope, np.array(1.5))) == pytest.approx(2 * (4 * 1.5**3 + 1))


def test_value_and_grad_under_a_tape() -> None:
    w = Variable(np.array(2.0))
    slope_of = keras.grad(lambda x: w * x**3)

    def slopes(x: Any) -> Any:
        with GradientTape() as tape:
            x = tape.watch(x)
            y = slope_of(x)
        return tape.gradient(y, [x, w])

    by_x, by_w = both(slopes, np.array(3.0))
    assert (float(by_x), float(by_w)) == (36.0, 27.0)

    def alone(x: Any) -> Any:
        with GradientTape() as tape:
            x = tape.watch(x)
            y = keras.grad(lambda x: x**3)(x) + ops.sum(keras.jacobian(lambda x: x**2)(x))
        return tape.gradient(y, x)

    assert float(both(alone, np.array(3.0))) == 20.0


def test_half_precision_keeps_its_dtype() -> None:
    with GradientTape() as tape:
        x = tape.watch(np.array([1.0, 2.0], "float16"))
        y = ops.cast(ops.square(x), "float32") * 3.0
    found = tape.gradient(y, x)
    assert found.dtype == "float16" and found.tolist() == [6.0, 12.0]


def test_a_custom_loop_compiles_its_derivative_once() -> None:
    from chainrule.tracing import record

    w = Variable(np.zeros(3))
    rng = np.random.default_rng(1)
    goal = np.array([1.0, -2.0, 0.5])
    before = set(record._programs)
    for _ in range(200):
        x = rng.normal(size=(8, 3))
        with GradientTape() as tape:
            loss = ops.mean((x @ goal - ops.matmul(x, w)) ** 2)
        w.assign_sub(0.1 * tape.gradient(loss, w))
    np.testing.assert_allclose(w.numpy(), goal, atol=1e-6)
    assert len(set(record._programs) - before) <= 1


class Taped(keras.Model):
    """The train_step of Keras's guides for TensorFlow."""

    def train_step(self, data: Any) -> Any:
        x, y = data
        with GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x=x, y=y, y_pred=y_pred)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)
        return {m.name: m.result() for m in self.metrics}


def test_a_train_step_with_a_tape_is_fit_to_the_bit() -> None:
    def trained(cls: Any) -> Any:
        keras.utils.set_random_seed(4)
        layers = keras.layers
        inputs = keras.Input((6,))
        x = layers.Dense(16, "relu", kernel_regularizer="l2")(inputs)
        x = layers.SpectralNormalization(layers.Dense(8))(layers.Dropout(0.2)(x))
        x = layers.BatchNormalization()(x)
        with keras.RematScope():
            x = layers.Dense(8, "gelu", activity_regularizer="l1")(x)
        model = cls(inputs, layers.Dense(3, "softmax")(x))
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        rng = np.random.default_rng(0)
        data = rng.normal(size=(48, 6)).astype("float32"), rng.integers(0, 3, 48)
        history = model.fit(*data, batch_size=16, epochs=3, verbose=0).history
        return history, model.get_weights()

    (history, weights), (expected, wanted) = trained(Taped), trained(keras.Model)
    assert history == expected
    for a, b in zip(weights, wanted):
        np.testing.assert_array_equal(a, b)


def test_class_activation_maps() -> None:
    """The gradient by what a layer in the middle gives, as Grad-CAM takes it."""
    inputs = keras.Input((6, 6, 1))
    maps = keras.layers.Conv2D(3, 3, activation="relu")(inputs)
    scores = keras.layers.Dense(4)(keras.layers.GlobalAveragePooling2D()(maps))
    model = keras.Model(inputs, [maps, scores])

    def weights(image: Any) -> Any:
        with GradientTape() as tape:
            seen, scores = model(image)
            score = scores[:, 2]
        return ops.mean(tape.gradient(score, seen), axis=(1, 2))

    image = np.random.default_rng(0).normal(size=(2, 6, 6, 1)).astype("float32")
    found = both(weights, image)
    kernel = model.layers[-1].kernel.numpy()
    np.testing.assert_allclose(found, np.tile(kernel[:, 2] / 16, (2, 1)), rtol=1e-5)


def test_a_step_through_a_step() -> None:
    """The derivative of the loss after an inner step by the weights before it, as in MAML."""
    keras.utils.set_random_seed(2)
    model = keras.Sequential([keras.layers.Dense(4, "tanh"), keras.layers.Dense(1)])
    model.build((None, 2))
    fixed = [v.numpy().astype("float64") for v in model.trainable_variables]
    for v, value in zip(model.trainable_variables, fixed):
        v.assign(value)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 7, 2)).astype("float32"), rng.normal(size=(2, 7, 1)).astype("float32")

    def after(x: Any, y: Any) -> Any:
        with GradientTape() as inner:
            loss = ops.mean((model(x[0]) - y[0]) ** 2)
        slopes = inner.gradient(loss, model.trainable_variables)
        moved = [v - 0.5 * g for v, g in zip(model.trainable_variables, slopes)]
        predicted, _ = model.stateless_call(moved, [], x[1])
        return ops.mean((predicted - y[1]) ** 2)

    def outer(x: Any, y: Any) -> Any:
        with GradientTape() as tape:
            loss = after(x, y)
        return tape.gradient(loss, model.trainable_variables)

    found = both(outer, x, y, rtol=1e-6)
    kernel = model.trainable_variables[0]
    start = kernel.numpy()

    def loss_at(value: np.ndarray) -> float:
        kernel.assign(value)
        result = float(after(x, y))
        kernel.assign(start)
        return result

    np.testing.assert_allclose(found[0], differences(loss_at, start, 1e-2), rtol=5e-2, atol=1e-3)


def test_a_layer_that_differentiates_in_its_call() -> None:
    class Force(keras.layers.Layer):
        """Minus the slope of an energy."""

        def build(self, shape: Any) -> None:
            self.w = self.add_weight(shape=(shape[-1],), initializer="ones", name="w")

        def call(self, x: Any) -> Any:
            with GradientTape() as tape:
                x = tape.watch(x)
                energy = ops.sum(self.w * x**3)
            return -tape.gradient(energy, x)

    inputs = keras.Input((2,))
    model = keras.Model(inputs, Force()(inputs))
    assert model.output_shape == (None, 2)
    x = np.array([[1.0, 2.0], [3.0, 0.5]], "float32")
    np.testing.assert_allclose(model.predict(x, verbose=0), -3 * x**2, rtol=1e-6)
    model.compile(keras.optimizers.SGD(1e-4), "mse")
    report = model.check_gradients(x, np.zeros_like(x))
    assert report.ok, report
    losses = model.fit(x, np.zeros_like(x), epochs=4, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def _image(layer: Any) -> tuple[Any, np.ndarray]:
    return layer, np.random.default_rng(0).normal(size=(2, 6, 6, 3)).astype("float32")


def _sequence(layer: Any) -> tuple[Any, np.ndarray]:
    return layer, np.random.default_rng(0).normal(size=(2, 5, 4)).astype("float32")


LAYERS = {
    "conv": lambda: _image(keras.layers.Conv2D(4, 3, padding="same", activation="relu")),
    "separable": lambda: _image(keras.layers.SeparableConv2D(4, 3, strides=2)),
    "transposed": lambda: _image(keras.layers.Conv2DTranspose(3, 3, strides=2)),
    "pool": lambda: _image(keras.layers.MaxPooling2D()),
    "resize": lambda: _image(keras.layers.UpSampling2D(interpolation="bilinear")),
    "batch": lambda: _image(keras.layers.BatchNormalization()),
    "group": lambda: _image(keras.layers.GroupNormalization(3)),
    "rotation": lambda: _image(keras.layers.RandomRotation(0.2, seed=1)),
    "lstm": lambda: _sequence(keras.layers.Bidirectional(keras.layers.LSTM(3))),
    "own-cell": lambda: _sequence(keras.layers.RNN(keras.layers.LSTMCell(3, activation="relu"))),
    "conv-lstm": lambda: (
        keras.layers.ConvLSTM1D(2, 2),
        np.random.default_rng(0).normal(size=(2, 3, 4, 2)).astype("float32"),
    ),
    "attention": lambda: _sequence(keras.layers.MultiHeadAttention(2, 3)),
    "noise": lambda: _sequence(keras.layers.GaussianNoise(0.1, seed=1)),
    "distributed": lambda: _sequence(keras.layers.TimeDistributed(keras.layers.Dense(3, "gelu"))),
    "einsum": lambda: _sequence(keras.layers.EinsumDense("abc,cd->abd", (None, 3))),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_on_arrays_and_in_a_program(name: str) -> None:
    layer, x = LAYERS[name]()

    def call(x: Any) -> Any:
        return layer(x, x, training=True) if name == "attention" else layer(x, training=True)

    call(x)
    start = [v.numpy() for v in layer.variables]

    def slopes(x: Any) -> Any:
        for variable, value in zip(layer.variables, start):
            variable.assign(value)
        with GradientTape() as tape:
            x = tape.watch(x)
            y = call(x)
            loss = ops.sum(y * ops.cos(y))
        return tape.gradient(loss, [x, *layer.trainable_variables])

    assert all(g is not None and np.any(g) for g in both(slopes, x))


def test_spectral_normalization_in_a_step_is_differentiated_as_in_fit() -> None:
    layer = keras.layers.SpectralNormalization(keras.layers.Dense(3))
    x = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")
    layer.build(x.shape)
    kernel = layer.trainable_variables[0]

    def by_tape(x: Any) -> Any:
        with GradientTape() as tape:
            loss = ops.sum(layer(x, training=True) ** 2)
        return tape.gradient(loss, kernel)

    def by_grad(x: Any) -> Any:
        return keras.grad(lambda w: ops.sum(layer(x, training=True) ** 2))(kernel)

    start = layer.get_weights()
    found = compiled(by_tape, x)
    layer.set_weights(start)
    np.testing.assert_array_equal(found, compiled(by_grad, x))


# The arrays that ops give while a tape records


def test_recorded_arrays_are_arrays() -> None:
    with GradientTape() as tape:
        x = tape.watch(np.array([1.0, -2.0]))
        y = ops.square(x)
    assert isinstance(y, np.ndarray) and repr(y) == repr(np.array([1.0, 4.0]))
    assert type(y + 1) is np.ndarray and type(np.sum(y)) is not type(y)
    y[0] = 7.0
    assert y.tolist() == [7.0, 4.0] and f"{y[0]:.1f}" == "7.0"
    assert type(pickle.loads(pickle.dumps(y))) is np.ndarray
    assert type(copy.deepcopy(y)) is np.ndarray


def test_recorded_arrays_are_not_changed_in_place() -> None:
    with GradientTape() as tape:
        x = tape.watch(np.array([1.0, -2.0]))
        y = ops.square(x)
        with pytest.raises(TypeError, match="slice_update"):
            y[0] = 3.0
        z = y
        z += 1.0
    assert y.tolist() == [1.0, 4.0] and z.tolist() == [2.0, 5.0]
    assert tape.gradient(z, x).tolist() == [2.0, -4.0]


@pytest.mark.parametrize(
    "call",
    [
        lambda y: np.fft.fft(y),
        lambda y: np.frexp(y),
        lambda y: np.add.accumulate(y),
        lambda y: np.apply_along_axis(sum, 0, y),
        lambda y: y.sort(),
        lambda y: np.add(y, y, where=np.array([True, False])),
    ],
)
def test_numpy_without_an_op_is_refused(call: Callable[[Any], Any]) -> None:
    with GradientTape() as tape:
        y = ops.square(tape.watch(np.array([1.0, -2.0])))
        with pytest.raises(TypeError, match="chainrule.ops"):
            call(y)


def test_ops_without_a_derivative_are_refused() -> None:
    with GradientTape() as tape:
        x = tape.watch(np.eye(2))
        with pytest.raises(TypeError, match=r"eig: .*GradientTape"):
            ops.eig(x)
        assert ops.nonzero(x > 0)[0].tolist() == [0, 1]


# Errors


def test_a_target_of_numpy_arithmetic_is_an_error() -> None:
    x = np.array(3.0)
    with GradientTape() as tape:
        tape.watch(x)
        y = x * x
    with pytest.raises(ValueError, match="NumPy arithmetic"):
        tape.gradient(y, x)


def test_what_cannot_be_differentiated() -> None:
    with GradientTape(persistent=True) as tape:
        x = tape.watch(np.array([1.0, 2.0]))
        with pytest.raises(DTypeError, match="int32"):
            tape.watch(np.array(3, "int32"))
        index = ops.argmax(x)
        y = x * 2.0
    with pytest.raises(DTypeError, match="int32"):
        tape.gradient(index, x)
    with pytest.raises(ShapeError, match=r"\(2,\).*\(3,\)"):
        tape.gradient(y, x, output_gradients=np.ones(3))
    with pytest.raises(ValueError, match="expected 1, .* got 2"):
        tape.gradient(y, x, output_gradients=[np.ones(2), np.ones(2)])
    with pytest.raises(ValueError, match="'none', 'zero'"):
        tape.gradient(y, x, unconnected_gradients="nought")


def test_a_tape_is_entered_once_at_a_time() -> None:
    with GradientTape() as tape, pytest.raises(ValueError, match="recording"):
        with tape:
            pass
    with pytest.raises(ValueError, match="not recording"):
        with tape.stop_recording():
            pass


def test_a_tape_is_asked_where_it_was_opened() -> None:
    with GradientTape() as tape:
        x = tape.watch(np.array(3.0))
        y = x * x
    with pytest.raises(TypeError, match="outside of the trace"):
        compiled(lambda: tape.gradient(y, x))
