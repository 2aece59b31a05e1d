"""Ten training steps of mnist_convnet and ResNet-20 give Keras's losses."""

from __future__ import annotations

import importlib.util
import math
import os
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from tests.image_networks import CLASSES, NETWORKS

STEPS, ROWS = 10, 32
Weights = list[np.ndarray[Any, Any]]


def data(shape: tuple[int, ...]) -> tuple[Any, Any]:
    """Images of noise, labelled by the brightest of ten random patterns in them."""
    generator = np.random.default_rng(5)
    x = generator.normal(size=(STEPS * ROWS, *shape)).astype("float32")
    patterns = generator.normal(size=(math.prod(shape), CLASSES))
    return x, (x.reshape(len(x), -1) @ patterns).argmax(axis=1).astype("int32")


def start(model: Any) -> Weights:
    """He's normal kernels; scales and variances near 1, biases and shifts near 0."""
    generator = np.random.default_rng(11)
    made: Weights = []
    for w in model.weights:
        noise = generator.normal(size=tuple(w.shape))
        if w.name == "kernel":
            made.append(noise * math.sqrt(2 / math.prod(w.shape[:-1])))
        else:
            made.append(0.05 * noise + (w.name in ("gamma", "moving_variance")))
    return [w.astype("float32") for w in made]


def train(keras: Any, name: str) -> tuple[list[float], dict[str, Any]]:
    """The loss of each of ten steps of `fit`, and the moving statistics after them, by place."""
    make, shape = NETWORKS[name]
    model = make(keras)
    # The first step of Adam is a sign, also of gradients that are no more than rounding: the rate
    # is small, or the losses of two right trainers part.
    model.compile(
        keras.optimizers.Adam(1e-4), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    model.set_weights(start(model))
    losses: list[float] = []

    class Steps(keras.callbacks.Callback):  # type: ignore[name-defined, misc]
        total = 0.0

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            mean = float(logs["loss"]) * (batch + 1)
            losses.append(mean - self.total)
            self.total = mean

    x, y = data(shape)
    model.fit(x, y, batch_size=ROWS, shuffle=False, verbose=0, callbacks=[Steps()])
    moving = {
        f"{i} {w.name}": np.asarray(value)
        for i, (w, value) in enumerate(zip(model.weights, model.get_weights()))
        if w.name.startswith("moving")
    }
    return losses, moving


@pytest.mark.skipif(importlib.util.find_spec("keras") is None, reason="Keras is not installed")
@pytest.mark.parametrize("name", NETWORKS)
def test_ten_steps_equal_keras(name: str) -> None:
    os.environ.setdefault("KERAS_BACKEND", "jax")
    keras = pytest.importorskip("keras")
    losses, moving = train(cr, name)
    expected, statistics = train(keras, name)
    assert len(losses) == len(expected) == STEPS
    assert np.ptp(losses) > 0.05, "expected the losses to move"
    np.testing.assert_allclose(losses, expected, rtol=1e-4, atol=1e-4)
    assert moving.keys() == statistics.keys()
    for key, value in moving.items():
        np.testing.assert_allclose(value, statistics[key], rtol=1e-3, atol=1e-3, err_msg=key)
