"""float16 and bfloat16: each result rounded once, alike in programs and outside, in models and files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as keras
from chainrule import layers, ops
from chainrule.errors import DTypeError
from chainrule.reference import narrow
from chainrule.tracing.arrays import storage_dtype

HALVES = ("float16", "bfloat16")
MIXED = ("mixed_float16", "mixed_bfloat16")
RNG = np.random.default_rng(0)
# Of bfloat16 where NumPy was taught it; else programs round, and arrays do not know.
TYPED = [d for d in HALVES if storage_dtype(d).name == d]


def _rounded(x: Any, dtype: str) -> Any:
    return narrow.forward({"format": dtype}, np.asarray(x))


@pytest.fixture(autouse=True)
def _policy() -> Any:
    yield
    keras.config.set_dtype_policy("float32")
    keras.config.set_floatx("float32")


@pytest.mark.parametrize("dtype", HALVES)
def test_cast_rounds_once(dtype: str) -> None:
    # Rounded to float32 first, this would be a tie.
    x = np.array([1 + 2**-11 + 2**-40, 1 + 2**-8 + 2**-40, 1e6, -1e39, 3e-8, 0.1])
    want = _rounded(x, dtype)
    got = ops.cast(x, dtype)
    assert got.dtype == storage_dtype(dtype)
    assert (got.astype("float32") == want).all()
    for one, scalar in zip(want, x.tolist()):
        assert float(ops.convert_to_tensor(scalar, dtype)) == one
    f = keras.function(lambda t: ops.cast(ops.cast(t, dtype), "float32"))
    assert (f(x) == want).all()


@pytest.mark.parametrize("dtype", TYPED)
@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: x + y * x,
        lambda x, y: ops.exp(x) / (y * y + 1),
        lambda x, y: ops.matmul(x, ops.transpose(y)),
        lambda x, y: ops.softmax(ops.where(x > y, x, 0.5)),
        lambda x, y: ops.sum(x, axis=0) - ops.max(y),
        lambda x, y: ops.reshape(ops.concatenate([x, y]), (-1,))[::2],
        lambda x, y: ops.layer_normalization(x, y[0], y[1]),
        lambda x, y: ops.add(ops.mean(x), 1),
        lambda x, y: ops.cumsum(x, axis=1),
        lambda x, y: ops.multiply(ops.sort(x, axis=1), 3.7),
    ],
)
def test_compiled_is_eager_bit_for_bit(dtype: str, function: Any) -> None:
    x, y = (ops.cast(RNG.normal(size=(5, 7)), dtype) for _ in range(2))
    eager, compiled = function(x, y), keras.function(function)(x, y)
    assert eager.dtype == compiled.dtype == storage_dtype(dtype)
    assert (np.asarray(eager) == np.asarray(compiled)).all()
    if dtype == "float16":
        exact = function(x.astype("float64"), y.astype("float64"))
        assert np.allclose(eager.astype("float64"), exact, rtol=4e-3, atol=4e-3)


@pytest.mark.parametrize("dtype", HALVES)
def test_what_a_program_gives_is_of_halves(dtype: str) -> None:
    x = RNG.normal(size=(8, 9)).astype("float32")
    f = keras.function(lambda t: ops.tanh(ops.cast(t, dtype)) * 3)
    got = np.asarray(f(x), "float32")
    inner = _rounded(np.tanh(_rounded(x, dtype)), dtype)
    want = _rounded(inner * np.float32(3), dtype)
    ulp = {"float16": 2.0**-10, "bfloat16": 2.0**-7}[dtype]
    assert (got == _rounded(got, dtype)).all()
    assert np.allclose(got, want, rtol=2 * ulp)
    assert (got == want).mean() > 0.9


@pytest.mark.parametrize("dtype", ["int8", "int16", "uint16"])
def test_small_integers_wrap_in_programs_too(dtype: str) -> None:
    x = np.arange(-300, 300, 7).astype(dtype)

    def function(t: Any) -> Any:
        return ops.maximum(t * t + 3, -t)

    want = np.maximum(x * x + np.array(3, dtype), -x)
    assert want.dtype == dtype
    for got in (function(x), keras.function(function)(x)):
        assert got.dtype == dtype and (got == want).all()


def test_promotion_is_keras_s() -> None:
    x = {d: ops.cast(np.ones(2), d) for d in TYPED}
    for d in TYPED:
        assert ops.add(x[d], 1.5).dtype == storage_dtype(d)
        assert ops.add(x[d], np.ones(2, "int32")).dtype == storage_dtype(d)
        assert ops.add(x[d], np.ones(2, "float32")).dtype == np.float32
    assert keras.backend.result_type("float16", "bfloat16") == "float32"


def test_complex_numbers_are_refused() -> None:
    with pytest.raises(DTypeError, match="complex64"):
        ops.exp(np.ones(2, "complex64"))


@pytest.mark.parametrize("dtype", HALVES)
def test_variables_hold_halves(dtype: str) -> None:
    v = keras.Variable([0.1, 1e-9, 1e6], dtype=dtype)
    assert v.dtype == dtype
    assert (v.numpy().astype("float32") == _rounded([0.1, 1e-9, 1e6], dtype)).all()
    v.assign_add([0.2, 0.2, 0.2])
    assert (v.numpy().astype("float32") == _rounded(v.numpy().astype("float32"), dtype)).all()
    w = keras.Variable("glorot_uniform", shape=(3, 4), dtype=dtype)
    assert (w.numpy().astype("float32") == _rounded(w.numpy().astype("float32"), dtype)).all()


def _digits() -> tuple[Any, Any]:
    (x, y), _ = keras.datasets.digits.load_data()
    return x.astype("float32") / 16, y


def _convnet() -> Any:
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(32, activation="relu"),
            layers.Dropout(0.1),
            layers.Dense(10, activation="softmax", dtype="float32"),
        ]
    )


def _transformer() -> Any:
    x = inputs = keras.Input((8, 8))
    x = layers.Dense(16)(x)
    attended = layers.MultiHeadAttention(2, 8)(x, x)
    x = layers.LayerNormalization()(x + attended)
    x = layers.LayerNormalization()(x + layers.Dense(16)(layers.Dense(32, activation="gelu")(x)))
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(inputs, layers.Dense(10, activation="softmax", dtype="float32")(x))


@pytest.mark.parametrize("make", [_convnet, _transformer])
def test_mixed_policies_train_to_the_loss_of_float32(make: Any) -> None:
    x, y = _digits()
    losses = {}
    for policy in ("float32", *MIXED):
        keras.utils.set_random_seed(0)
        keras.config.set_dtype_policy(policy)
        model = make()
        shaped = x.reshape(-1, *model.input_shape[1:])
        model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy")
        is_scaled = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
        assert is_scaled == (policy == "mixed_float16")
        history = model.fit(shaped, y, batch_size=64, epochs=5, verbose=0).history["loss"]
        losses[policy] = history[-1]
        assert {v.dtype for v in model.trainable_weights} == {"float32"}
        assert history[-1] < history[0] / 2
    for policy in MIXED:
        assert abs(losses[policy] - losses["float32"]) < 0.1 * losses["float32"] + 0.01, losses


@pytest.mark.parametrize("policy", MIXED)
def test_gradients_are_checked(policy: str) -> None:
    keras.config.set_dtype_policy(policy)
    for make in (_convnet, _transformer):
        keras.utils.set_random_seed(1)
        model = make()
        model.compile("sgd", "sparse_categorical_crossentropy")
        x, y = _digits()
        report = model.check_gradients(x[:16].reshape(-1, *model.input_shape[1:]), y[:16])
        assert report.ok, report


@pytest.mark.parametrize("policy", [*HALVES, *MIXED])
def test_predictions_are_of_the_compute_dtype(policy: str) -> None:
    model = keras.Sequential([keras.Input((5,)), layers.Dense(4, activation="tanh", dtype=policy)])
    x = RNG.normal(size=(6, 5)).astype("float32")
    half = policy.removeprefix("mixed_")
    got = model.predict(x, verbose=0)
    assert got.dtype == storage_dtype(half)
    assert (got.astype("float32") == _rounded(got.astype("float32"), half)).all()
    if half in TYPED:
        assert (np.asarray(model(x)) == got).all()


def test_a_model_of_halves_is_saved_in_halves(tmp_path: Path) -> None:
    for dtype in HALVES:
        model = keras.Sequential([keras.Input((50,)), layers.Dense(40, dtype=dtype)])
        model.save_weights(tmp_path / "w.safetensors")
        assert (tmp_path / "w.safetensors").stat().st_size < 2 * 51 * 40 + 1000
        model.save(tmp_path / "m.chainrule")
        other = keras.saving.load_model(tmp_path / "m.chainrule")
        assert other.layers[0].kernel.dtype == dtype
        for a, b in zip(model.get_weights(), other.get_weights()):
            assert a.dtype == b.dtype == storage_dtype(dtype) and (a == b).all()
        other.set_weights([np.zeros_like(w) for w in other.get_weights()])
        other.load_weights(tmp_path / "w.safetensors")
        assert all((a == b).all() for a, b in zip(model.get_weights(), other.get_weights()))


def test_floatx_of_halves() -> None:
    keras.config.set_floatx("float16")
    keras.config.set_dtype_policy("float16")
    layer = layers.Dense(3)
    y = layer(np.ones((2, 4), "float32"))
    assert layer.kernel.dtype == "float16" and y.dtype == np.float16
    assert ops.ones((2,)).dtype == np.float16


def test_loss_scale_falls_where_gradients_overflow() -> None:
    keras.config.set_dtype_policy("mixed_float16")
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    model.compile("sgd", "mse")
    before = model.layers[0].kernel.numpy()
    x, y = np.full((8, 4), 100, "float32"), np.full((8, 3), 1000, "float32")
    model.fit(x, y, epochs=1, verbose=0)
    assert (model.layers[0].kernel.numpy() == before).all()
    assert float(model.optimizer.dynamic_scale) == 2.0**14


@pytest.mark.parametrize("make", [lambda: layers.GRU(4), lambda: layers.RNN(layers.LSTMCell(4))])
@pytest.mark.parametrize("policy", MIXED)
def test_recurrences_train(make: Any, policy: str) -> None:
    keras.config.set_dtype_policy(policy)
    model = keras.Sequential([keras.Input((6, 3)), make(), layers.Dense(2)])
    model.compile("adam", "mse")
    x = RNG.normal(size=(16, 6, 3)).astype("float32")
    history = model.fit(x, x[:, -1, :2], epochs=12, verbose=0).history["loss"]
    assert history[-1] < history[0]


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "adamw"])
def test_a_model_of_halves_alone_trains(dtype: str, optimizer: str) -> None:
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy(dtype)
    model = keras.Sequential(
        [keras.Input((8,)), layers.Dense(16, activation="tanh"), layers.Dense(3)]
    )
    made = keras.optimizers.get(optimizer)
    made.learning_rate = 0.03
    made.epsilon = 1e-4
    model.compile(made, "mse", metrics=["mae"])
    x = RNG.normal(size=(64, 8)).astype("float32")
    history = model.fit(x, x[:, :3] * 0.5, epochs=12, verbose=0).history
    assert history["loss"][-1] < history["loss"][0] / 2 and history["mae"][-1] < history["mae"][0]
    for variable in model.trainable_weights:
        value = variable.numpy().astype("float32")
        assert variable.dtype == dtype and (value == _rounded(value, dtype)).all()


@pytest.mark.parametrize("policy", MIXED)
def test_outputs_of_halves_take_losses_and_metrics(policy: str) -> None:
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy(policy)
    x, y = _digits()
    x, y = x[:512].reshape(-1, 64), y[:512]
    model = keras.Sequential(
        [keras.Input((64,)), layers.Dense(32, activation="relu"), layers.Dense(10)]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    model.fit(x, y, epochs=6, verbose=0)
    found = model.evaluate(x, y, verbose=0, return_dict=True)
    assert found["accuracy"] > 0.9
    hits = model.predict(x, verbose=0).astype("float32").argmax(1) == y
    assert np.isclose(found["accuracy"], hits.mean(), atol=1e-6)
    assert model.check_gradients(x[:32], y[:32]).ok


@pytest.mark.parametrize("policy", MIXED)
def test_tapes_see_through_halves(policy: str) -> None:
    half = policy.removeprefix("mixed_")
    layer = layers.Dense(3, activation="tanh", dtype=policy)
    x = RNG.normal(size=(4, 5)).astype("float32")
    layer.build(x.shape)
    with keras.GradientTape() as tape:
        loss = ops.sum(ops.cast(layer(x), "float32"))
    gradient = tape.gradient(loss, layer.kernel)
    assert gradient.dtype == np.float32 and (gradient == _rounded(gradient, half)).all()
    plain = layers.Dense(3, activation="tanh")
    plain.build(x.shape)
    plain.set_weights(layer.get_weights())
    with keras.GradientTape() as tape:
        loss = ops.sum(plain(x))
    assert np.allclose(gradient, tape.gradient(loss, plain.kernel), rtol=0.05, atol=0.05)


@pytest.mark.parametrize("dtype", TYPED)
def test_what_ops_choose_and_draw_is_of_the_dtype(dtype: str) -> None:
    x = ops.cast(RNG.normal(size=(3, 6)), dtype)
    of = storage_dtype(dtype)
    for function in (
        lambda t: ops.top_k(t, 2)[0],
        lambda t: ops.take_along_axis(t, ops.argsort(t), axis=-1),
        lambda t: ops.max_pool(ops.reshape(t, (1, 18, 1)), 2),
        lambda t: ops.average_pool(ops.reshape(t, (1, 18, 1)), 3),
        lambda t: ops.conv(ops.reshape(t, (1, 18, 1)), ops.reshape(t[:1], (3, 1, 2))),
        lambda t: ops.logsumexp(t, axis=1),
        lambda t: ops.gelu(t),
        lambda t: ops.var(t),
    ):
        eager, compiled = function(x), keras.function(function)(x)
        assert eager.dtype == compiled.dtype == of
        assert (np.asarray(eager) == np.asarray(compiled)).all()
    drawn = keras.random.normal((100,), dtype=dtype, seed=1)
    assert drawn.dtype == of and len(np.unique(drawn.astype("float32"))) > 50


def test_the_bits_do_not_depend_on_threads() -> None:
    from chainrule import _core

    keras.config.set_dtype_policy("mixed_bfloat16")
    x, y = _digits()
    found = []
    threads = _core.num_threads()
    for count in (1, 3):
        _core.set_num_threads(count)
        keras.utils.set_random_seed(0)
        model = _convnet()
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(x[:256, ..., None], y[:256], batch_size=64, epochs=2, verbose=0)
        found.append(model.get_weights())
    _core.set_num_threads(threads)
    assert all((a == b).all() for a, b in zip(*found))
