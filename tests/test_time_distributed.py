"""TimeDistributed: every step as by itself, masks, statistics, files."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import layers, ops
from chainrule.errors import ShapeError
from chainrule.tracing.masking import get_keras_mask

X = np.random.default_rng(0).normal(size=(4, 5, 3)).astype("float32")


def test_each_step_by_itself() -> None:
    layer = layers.TimeDistributed(layers.Dense(2, activation="tanh"))
    y = layer(X)
    for t in range(5):
        np.testing.assert_allclose(y[:, t], layer.layer(X[:, t]), rtol=1e-6)
    assert layer.compute_output_shape((None, None, 3)) == (None, None, 2)
    assert layer.compute_output_shape((7, 5, 3)) == (7, 5, 2)


def test_images_and_models_inside() -> None:
    inner = cr.Sequential([cr.Input((6, 6, 2)), layers.Flatten(), layers.Dense(3)])
    video = cr.Input((None, 6, 6, 2))
    model = cr.Model(video, layers.TimeDistributed(inner)(video))
    assert model.output_shape == (None, None, 3)
    x = np.random.default_rng(1).normal(size=(2, 4, 6, 6, 2)).astype("float32")
    expected = np.stack([inner(x[:, t]) for t in range(4)], axis=1)
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=1e-5, atol=1e-6)


def test_a_layer_without_a_shape_rule() -> None:
    class Own(layers.Layer):
        def call(self, x: Any) -> Any:
            return {"sum": ops.sum(x, axis=-1), "same": x}

    i = cr.Input((5, 3))
    out = layers.TimeDistributed(Own())(i)
    assert (out["sum"].shape, out["same"].shape) == ((None, 5), (None, 5, 3))
    y = cr.Model(i, out).predict(X, verbose=0)
    np.testing.assert_allclose(y["sum"], X.sum(-1), rtol=1e-5, atol=1e-6)


def test_batch_statistics_are_taken_step_by_step() -> None:
    layer = layers.TimeDistributed(layers.BatchNormalization())
    y = layer(X, training=True)
    expected = (X - X.mean(0)) / np.sqrt(X.var(0) + 1e-3)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)
    mean, variance = np.zeros(3), np.ones(3)
    for t in range(5):
        mean = 0.99 * mean + 0.01 * X[:, t].mean(0)
        variance = 0.99 * variance + 0.01 * X[:, t].var(0)
    np.testing.assert_allclose(layer.layer.moving_mean.numpy(), mean, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(layer.layer.moving_variance.numpy(), variance, rtol=1e-4)


def test_as_keras(monkeypatch: Any) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    keras = pytest.importorskip("keras")

    def make(k: Any) -> Any:
        return k.Sequential(
            [
                k.Input((5, 3)),
                k.layers.TimeDistributed(k.layers.Dense(4)),
                k.layers.TimeDistributed(k.layers.BatchNormalization()),
                k.layers.TimeDistributed(k.layers.Dense(2)),
            ]
        )

    cr.utils.clear_session()
    keras.utils.clear_session()
    ours, theirs = make(cr), make(keras)
    assert [w.path for w in ours.weights] == [w.path for w in theirs.weights]
    theirs.set_weights(ours.get_weights())
    for model in (ours, theirs):
        model.compile("sgd", "mse")
    histories = [
        m.fit(X, X[..., :2], epochs=4, shuffle=False, verbose=0).history["loss"]
        for m in (ours, theirs)
    ]
    np.testing.assert_allclose(*histories, rtol=1e-4)


def test_masks() -> None:
    class Masked(layers.Layer):
        supports_masking = True

        def call(self, x: Any, mask: Any = None) -> Any:
            return x if mask is None else x * ops.cast(ops.expand_dims(mask, -1), "float32")

    x = X.copy()
    x[:, 3:] = 0.0
    masked = layers.Masking()(x)
    y = layers.TimeDistributed(Masked())(masked)
    assert np.array_equal(y, x)
    mask = get_keras_mask(y)
    assert np.array_equal(np.asarray(mask), np.arange(5)[None] < np.array([[3]] * 4))
    ones = layers.TimeDistributed(Masked())(np.ones((4, 5, 3), "float32"), mask=np.asarray(mask))
    assert ones.sum() == 4 * 3 * 3
    message = r"'td': The `mask`.* has a shape \(4, 4\).* expected \(4, 5, ...\)"
    with pytest.raises(ShapeError, match=message):
        layers.TimeDistributed(Masked(), name="td")(X, mask=np.ones((4, 4), bool))


def test_dtypes_are_those_of_the_layer_inside() -> None:
    layer = layers.TimeDistributed(layers.Dense(2, dtype="float64"))
    assert layer(cr.Input((5, 3))).dtype == layer(X).dtype == "float64"

    class Count(layers.Layer):
        def call(self, x: Any) -> Any:
            return ops.cast(x > 1, "int32")

    assert layers.TimeDistributed(Count())(cr.Input((None, 3))).dtype == "int32"


def test_too_few_axes() -> None:
    with pytest.raises(ShapeError, match=r"'td': expected inputs of at least 3 axes.*\(4, 3\)"):
        layers.TimeDistributed(layers.Dense(2), name="td")(X[:, 0])
    with pytest.raises(ValueError, match="isn't a supported layer type"):
        layers.TimeDistributed("dense")


def test_files(tmp_path: Any) -> None:
    model = cr.Sequential([cr.Input((5, 3)), layers.TimeDistributed(layers.Dense(2))])
    model.save(tmp_path / "m.chainrule")
    again = cr.saving.load_model(tmp_path / "m.chainrule")
    assert np.array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    assert again.to_json() == model.to_json()


def test_gradients() -> None:
    model = cr.Sequential(
        [
            cr.Input((5, 3)),
            layers.TimeDistributed(layers.BatchNormalization()),
            layers.TimeDistributed(layers.Dense(2, activation="tanh")),
        ]
    )
    model.compile("sgd", "mse")
    report = model.check_gradients(X, X[..., :2])
    assert report.ok, report
