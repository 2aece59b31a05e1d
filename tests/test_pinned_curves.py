"""Ten training steps of three pinned models against a trainer written here in NumPy, and Keras."""

from __future__ import annotations

import importlib.util
import math
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr

STEPS = 10
ROWS = 16
Weights = list[np.ndarray[Any, Any]]


def data(classes: int) -> tuple[Any, Any]:
    generator = np.random.default_rng(5)
    x = generator.normal(size=(STEPS * ROWS, 6)).astype("float32")
    if classes:
        return x, generator.integers(0, classes, len(x))
    return x, np.sin(x.sum(axis=1, keepdims=True)).astype("float32")


def start(shapes: list[tuple[int, ...]]) -> Weights:
    """Fixed weights; those of one axis near the usual start of scales and shifts."""
    generator = np.random.default_rng(11)
    return [0.4 * generator.normal(size=shape) for shape in shapes]


class Adam:
    """Kingma and Ba, with Keras's place of epsilon."""

    def __init__(self, rate: Callable[[int], float], epsilon: float = 1e-7) -> None:
        self.rate, self.epsilon, self.step = rate, epsilon, 0
        self.m: Weights = []
        self.v: Weights = []

    def apply(self, weights: Weights, gradients: Weights) -> None:
        if not self.m:
            self.m = [np.zeros_like(w) for w in weights]
            self.v = [np.zeros_like(w) for w in weights]
        rate = self.rate(self.step)
        self.step += 1
        alpha = rate * math.sqrt(1 - 0.999**self.step) / (1 - 0.9**self.step)
        for w, g, m, v in zip(weights, gradients, self.m, self.v):
            m += (g - m) * 0.1
            v += (g * g - v) * 0.001
            w -= alpha * m / (np.sqrt(v) + self.epsilon)


# --- one: tanh, mean squared error, momentum -----------------------------------------------------


def tanh_model(keras: Any) -> Any:
    model = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(8, activation="tanh"), keras.layers.Dense(1)]
    )
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
    return model


def tanh_losses(weights: Weights) -> list[float]:
    x, y = data(0)
    w1, b1, w2, b2 = weights
    velocity = [np.zeros_like(w) for w in weights]
    losses = []
    for s in range(STEPS):
        a, t = x[s * ROWS : (s + 1) * ROWS], y[s * ROWS : (s + 1) * ROWS]
        h = np.tanh(a @ w1 + b1)
        error = h @ w2 + b2 - t
        losses.append((error**2).mean())
        d = 2 * error / error.size
        dh = (d @ w2.T) * (1 - h * h)
        for w, v, g in zip(weights, velocity, [a.T @ dh, dh.sum(0), h.T @ d, d.sum(0)]):
            v *= 0.9
            v -= 0.1 * g
            w += v
    return losses


# --- two: relu, batch normalization, softmax cross-entropy, Adam ---------------------------------


def norm_model(keras: Any) -> Any:
    model = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(8, use_bias=False),
            keras.layers.BatchNormalization(),
            keras.layers.Activation("relu"),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    return model


def softmax_loss(z: Any, labels: Any) -> tuple[float, Any]:
    """The mean cross-entropy and its gradient by the logits."""
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    rows = np.arange(len(z))
    loss = -np.log(p[rows, labels]).mean()
    p[rows, labels] -= 1
    return float(loss), p / len(z)


def norm_losses(weights: Weights) -> list[float]:
    x, y = data(3)
    w1, gamma, beta, mean, variance, w2, b2 = weights
    trained = [w1, gamma, beta, w2, b2]
    adam = Adam(lambda step: 0.01)
    losses = []
    for s in range(STEPS):
        a, t = x[s * ROWS : (s + 1) * ROWS], y[s * ROWS : (s + 1) * ROWS]
        u = a @ w1
        mu, var = u.mean(0), u.var(0)
        hat = (u - mu) / np.sqrt(var + 1e-3)
        n = gamma * hat + beta
        h = np.maximum(n, 0)
        loss, d = softmax_loss(h @ w2 + b2, t)
        losses.append(loss)
        dn = (d @ w2.T) * (n > 0)
        dhat = dn * gamma
        du = (dhat - dhat.mean(0) - hat * (dhat * hat).mean(0)) / np.sqrt(var + 1e-3)
        gradients = [a.T @ du, (dn * hat).sum(0), dn.sum(0), h.T @ d, d.sum(0)]
        adam.apply(trained, gradients)
        mean += 0.01 * (mu - mean)
        variance += 0.01 * (var - variance)
    return losses


# --- three: L2, layer normalization, global clipping, a schedule ---------------------------------


def clipped_model(keras: Any) -> Any:
    model = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(8, activation="sigmoid", kernel_regularizer="l2"),
            keras.layers.LayerNormalization(),
            keras.layers.Dense(3),
        ]
    )
    rate = keras.optimizers.schedules.ExponentialDecay(0.05, decay_steps=4, decay_rate=0.5)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate, global_clipnorm=0.3), loss)
    return model


def clipped_losses(weights: Weights) -> list[float]:
    x, y = data(3)
    w1, b1, gamma, beta, w2, b2 = weights
    adam = Adam(lambda step: 0.05 * 0.5 ** (step / 4))
    losses = []
    for s in range(STEPS):
        a, t = x[s * ROWS : (s + 1) * ROWS], y[s * ROWS : (s + 1) * ROWS]
        h = 1 / (1 + np.exp(-(a @ w1 + b1)))
        deviation = np.sqrt(h.var(axis=1, keepdims=True) + 1e-3)
        hat = (h - h.mean(axis=1, keepdims=True)) / deviation
        n = gamma * hat + beta
        loss, d = softmax_loss(n @ w2 + b2, t)
        losses.append(loss + 0.01 * float((w1**2).sum()))
        dn = d @ w2.T
        dhat = dn * gamma
        dh = dhat - dhat.mean(1, keepdims=True) - hat * (dhat * hat).mean(1, keepdims=True)
        du = dh / deviation * h * (1 - h)
        gradients = [
            a.T @ du + 0.02 * w1, du.sum(0), (dn * hat).sum(0), dn.sum(0), n.T @ d, d.sum(0),
        ]  # fmt: skip
        norm = math.sqrt(sum(float((g**2).sum()) for g in gradients))
        adam.apply(weights, [g * 0.3 / max(norm, 0.3) for g in gradients])
    return losses


CASES: dict[str, tuple[Any, Any, int]] = {
    "tanh": (tanh_model, tanh_losses, 0),
    "batch normalization": (norm_model, norm_losses, 3),
    "clipped": (clipped_model, clipped_losses, 3),
}


def train(keras: Any, name: str) -> tuple[list[float], Weights, Weights]:
    """The loss of each of ten steps of `fit`, the weights after them, and those before."""
    make, _, classes = CASES[name]
    model = make(keras)
    before = start([tuple(w.shape) for w in model.weights])
    for i, w in enumerate(model.weights):
        if w.name in ("moving_variance", "gamma"):
            before[i] = np.abs(before[i]) + 0.5
    model.set_weights([w.astype("float32") for w in before])
    losses: list[float] = []

    class Steps(keras.callbacks.Callback):  # type: ignore[name-defined, misc]
        total = 0.0

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            mean = float(logs["loss"]) * (batch + 1)
            losses.append(mean - self.total)
            self.total = mean

    x, y = data(classes)
    model.fit(x, y, batch_size=ROWS, shuffle=False, verbose=0, callbacks=[Steps()])
    return losses, [np.asarray(w) for w in model.get_weights()], before


@pytest.mark.parametrize("name", CASES)
def test_ten_steps_equal_numpy(name: str) -> None:
    losses, after, before = train(cr, name)
    weights = [w.astype("float32").astype("float64") for w in before]
    expected = CASES[name][1](weights)
    np.testing.assert_allclose(losses, expected, rtol=1e-5, atol=1e-5)
    for w, e in zip(after, weights):
        np.testing.assert_allclose(w, e, rtol=1e-4, atol=1e-5)


@pytest.mark.skipif(importlib.util.find_spec("keras") is None, reason="Keras is not installed")
@pytest.mark.parametrize("name", CASES)
def test_ten_steps_equal_keras(name: str) -> None:
    os.environ.setdefault("KERAS_BACKEND", "jax")
    keras = pytest.importorskip("keras")
    losses, after, _ = train(cr, name)
    expected, weights, _ = train(keras, name)
    np.testing.assert_allclose(losses, expected, rtol=1e-5, atol=1e-5)
    for w, e in zip(after, weights):
        np.testing.assert_allclose(w, e, rtol=1e-4, atol=1e-5)
