"""SpectralNormalization: against Keras, against singular values, in steps and in files."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import layers

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(8, 6, 6, 2)).astype("float32")

WRAPPED = {
    "dense": (lambda k: k.layers.Dense(3, activation="tanh"), (5,)),
    "conv": (lambda k: k.layers.Conv2D(4, 3, padding="same", use_bias=False), (6, 6, 2)),
    "conv1d": (lambda k: k.layers.Conv1D(3, 2), (7, 3)),
    "transposed": (lambda k: k.layers.Conv2DTranspose(3, 2, strides=2), (4, 4, 2)),
    "depthwise": (lambda k: k.layers.DepthwiseConv2D(2, depth_multiplier=2), (5, 5, 2)),
    "einsum": (lambda k: k.layers.EinsumDense("abc,cd->abd", (3, 4)), (3, 5)),
}


@pytest.fixture
def keras(monkeypatch: Any) -> Any:
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    module = pytest.importorskip("keras")
    if module.backend.backend() != "jax":
        pytest.skip("Keras runs on another backend")
    cr.utils.clear_session()
    module.utils.clear_session()
    return module


def both(keras: Any, make: Any, inputs: Any, iterations: int = 1) -> tuple[Any, Any]:
    """The same model twice, with the same weights."""
    models = []
    for k in (cr, keras):
        layer = k.layers.SpectralNormalization(make(k), power_iterations=iterations, name="sn")
        models.append(k.Sequential([k.Input(inputs), layer, k.layers.Flatten(), k.layers.Dense(2)]))
    ours, theirs = models
    assert [w.path for w in ours.weights] == [w.path for w in theirs.weights]
    assert [w.shape for w in ours.weights] == [tuple(w.shape) for w in theirs.weights]
    theirs.set_weights(ours.get_weights())
    return ours, theirs


def assert_same(ours: Any, theirs: Any, tolerance: float = 2e-5) -> None:
    for one, other in zip(ours.weights, theirs.weights, strict=True):
        np.testing.assert_allclose(
            one.numpy(), np.asarray(other), rtol=tolerance, atol=tolerance, err_msg=one.path
        )


@pytest.mark.parametrize("iterations", [1, 3])
@pytest.mark.parametrize("name", WRAPPED)
def test_training_steps_as_keras(keras: Any, name: str, iterations: int) -> None:
    make, shape = WRAPPED[name]
    ours, theirs = both(keras, make, shape, iterations)
    x = RNG.normal(size=(16, *shape)).astype("float32")
    y = RNG.normal(size=(16, 2)).astype("float32")
    before = ours.get_weights()
    losses = []
    for model, k in ((ours, cr), (theirs, keras)):
        model.compile(k.optimizers.SGD(0.05, momentum=0.9), "mse")
        history = model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0)
        losses.append(history.history["loss"])
    np.testing.assert_allclose(*losses, rtol=1e-5)
    assert_same(ours, theirs)
    moved = [not np.array_equal(a, b) for a, b in zip(before, ours.get_weights(), strict=True)]
    assert all(moved)
    np.testing.assert_allclose(
        ours.predict(x, verbose=0), theirs.predict(x, verbose=0), rtol=1e-4, atol=1e-5
    )


def test_a_frozen_layer_as_keras(keras: Any) -> None:
    ours, theirs = both(keras, *WRAPPED["conv"])
    before = ours.get_weights()[0]
    y = RNG.normal(size=(8, 2)).astype("float32")
    for model in (ours, theirs):
        model.layers[0].trainable = False
        model.compile("sgd", "mse")
        model.fit(IMAGES, y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    assert_same(ours, theirs)
    assert not np.array_equal(ours.get_weights()[0], before)


@pytest.mark.parametrize("name", WRAPPED)
def test_calls_as_keras(keras: Any, name: str) -> None:
    make, shape = WRAPPED[name]
    ours, theirs = both(keras, make, shape)
    x = RNG.normal(size=(4, *shape)).astype("float32")
    for _ in range(3):
        for training in (False, True):
            one = ours.layers[0](x, training=training)
            other = theirs.layers[0](x, training=training)
            np.testing.assert_allclose(one, np.asarray(other), rtol=1e-4, atol=1e-5)
            assert_same(ours, theirs)


def test_the_largest_singular_value_becomes_one() -> None:
    layer = layers.SpectralNormalization(layers.Dense(6), power_iterations=60)
    layer(np.ones((1, 9)))
    # The largest singular value lies well apart from the others, so that 60 iterations find it.
    left, _, right = np.linalg.svd(np.random.default_rng(0).normal(size=(9, 6)), False)
    layer.kernel.assign((left * [3, 2, 2, 1, 1, 0.5]) @ right)
    singular = np.linalg.svd(layer.kernel.numpy(), compute_uv=False)
    layer(np.ones((1, 9)), training=True)
    found = np.linalg.svd(layer.kernel.numpy(), compute_uv=False)
    np.testing.assert_allclose(found, singular / singular[0], rtol=1e-4)
    u = np.linalg.svd(layer.kernel.numpy())[2][0]
    np.testing.assert_allclose(abs(layer.vector_u.numpy()[0] @ u), 1.0, rtol=1e-5)


def test_a_kernel_of_zeros_stays() -> None:
    layer = layers.SpectralNormalization(layers.Dense(2, kernel_initializer="zeros"))
    model = cr.Sequential([cr.Input((3,)), layer])
    before = layer.vector_u.numpy()
    assert np.array_equal(layer(np.ones((1, 3)), training=True), [[0.0, 0.0]])
    model.compile(cr.optimizers.SGD(0.0), "mse")
    model.fit(np.ones((2, 3)), np.ones((2, 2)), verbose=0)
    assert np.array_equal(layer.vector_u.numpy(), before)
    assert np.array_equal(layer.kernel.numpy(), np.zeros((3, 2)))
    model.compile(cr.optimizers.SGD(1.0), "mse")
    model.fit(np.ones((2, 3)), np.ones((2, 2)), verbose=0)
    assert np.array_equal(layer.kernel.numpy(), np.ones((3, 2)))


def test_embeddings_keep_their_dtype() -> None:
    layer = layers.SpectralNormalization(layers.Embedding(5, 3))
    out = layer(np.array([[1, 2, 4]]), training=True)
    assert out.shape == (1, 3, 3) and out.dtype == np.float32
    assert np.array_equal(out[0], layer.layer.embeddings.numpy()[[1, 2, 4]])


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_keeps_the_kernel_whole(policy: str) -> None:
    inner = layers.Dense(3, dtype=policy)
    layer = layers.SpectralNormalization(inner, dtype=policy)
    model = cr.Sequential([cr.Input((5,)), layer])
    model.compile(cr.optimizers.SGD(0.0), "mse")
    before = inner.kernel.numpy()
    model.fit(np.ones((4, 5)), np.ones((4, 3)), verbose=0)
    assert np.array_equal(inner.kernel.numpy(), before)
    # NumPy knows bfloat16 only where another library has taught it that name.
    expected = cr.ops.cast(np.ones(1), policy[6:]).dtype
    assert layer(np.ones((1, 5), "float32"), training=True).dtype == expected
    assert inner.kernel.dtype == "float32"


def test_gradients() -> None:
    # After many iterations u is the singular vector, whose movement changes sigma by nothing; they
    # suffice where the two largest singular values of the seed's kernels lie well apart.
    cr.utils.set_random_seed(2)
    conv = layers.Conv2D(3, 3, activation="tanh")
    model = cr.Sequential(
        [
            cr.Input((6, 6, 2)),
            layers.SpectralNormalization(conv, power_iterations=200),
            layers.Flatten(),
            layers.SpectralNormalization(layers.Dense(2), power_iterations=200),
        ]
    )
    model.compile("sgd", "mse")
    report = model.check_gradients(IMAGES, RNG.normal(size=(8, 2)).astype("float32"))
    assert report.ok, report


def test_files(tmp_path: Any) -> None:
    layer = layers.SpectralNormalization(layers.Conv2D(3, 3), power_iterations=2)
    model = cr.Sequential([cr.Input((6, 6, 2)), layer])
    layer(IMAGES, training=True)
    for name in ("m.chainrule", "n.chainrule"):
        model.save(tmp_path / name)
        again = cr.saving.load_model(tmp_path / name)
        assert np.array_equal(again.predict(IMAGES, verbose=0), model.predict(IMAGES, verbose=0))
        assert again.layers[0].power_iterations == 2
        assert np.array_equal(again.layers[0].vector_u.numpy(), layer.vector_u.numpy())
        assert again.to_json() == model.to_json()


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match="`power_iterations` should be greater than zero"):
        layers.SpectralNormalization(layers.Dense(2), power_iterations=0)
    with pytest.raises(ValueError, match="Flatten object has no attribute 'kernel'"):
        layers.SpectralNormalization(layers.Flatten())(np.ones((2, 3)))
    with pytest.raises(ValueError, match="isn't a supported layer type"):
        layers.SpectralNormalization("dense")
