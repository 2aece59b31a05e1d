"""`gradient_accumulation_steps`: the losses and weights of the larger batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as keras
from chainrule import layers, ops, optimizers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(96, 6)).astype("float32")
Y = np.sin(X.sum(axis=1, keepdims=True)).astype("float32")
SMALL, LARGE = 8, 32

MAKE: dict[str, Callable[..., Any]] = {
    "sgd": lambda **k: optimizers.SGD(0.1, momentum=0.9, **k),
    "adam": lambda **k: optimizers.Adam(0.02, **k),
    "decay": lambda **k: optimizers.AdamW(0.02, weight_decay=0.1, **k),
    "clipped": lambda **k: optimizers.Adam(0.02, global_clipnorm=0.05, **k),
    "clipped one by one": lambda **k: optimizers.SGD(0.1, clipnorm=0.02, **k),
    # As in Keras, a schedule counts the calls, not the updates.
    "schedule": lambda gradient_accumulation_steps=None: optimizers.RMSprop(
        optimizers.schedules.ExponentialDecay(
            0.02, 2 * (gradient_accumulation_steps or 1), 0.5, staircase=True
        ),
        gradient_accumulation_steps=gradient_accumulation_steps,
    ),
    "scaled": lambda **k: optimizers.Adam(0.02, loss_scale_factor=64.0, **k),
}


def network(kind: type[Any] = keras.Sequential) -> Any:
    keras.utils.set_random_seed(1)
    return kind([keras.Input((6,)), layers.Dense(8, activation="tanh"), layers.Dense(1)])


class Own(keras.Sequential):
    def train_step(self, data: Any) -> Any:
        return super().train_step(data)


def by_fit(model: Any, optimizer: Any, batch: int) -> list[float]:
    model.compile(optimizer, "mse")
    told = model.fit(X, Y, batch_size=batch, epochs=4, shuffle=False, verbose=0)
    return list(told.history["loss"])


def by_function(model: Any, optimizer: Any, batch: int) -> list[float]:
    @keras.function
    def step(x: Any, y: Any) -> Any:
        variables = model.trainable_variables
        loss, gradients = keras.value_and_grad(
            lambda _: ops.mean(ops.square(model(x, training=True) - y))
        )(variables)
        optimizer.apply(gradients, variables)
        return loss

    starts = range(0, len(X), batch)
    return [
        float(np.mean([step(X[at : at + batch], Y[at : at + batch]) for at in starts]))
        for _ in range(4)
    ]


@pytest.mark.parametrize("name", MAKE)
@pytest.mark.parametrize(
    ("kind", "train"),
    [(keras.Sequential, by_fit), (Own, by_fit), (keras.Sequential, by_function)],
    ids=["fit", "train_step", "function"],
)
def test_the_same_as_the_larger_batch(
    name: str, kind: type[Any], train: Callable[..., list[float]]
) -> None:
    large = network(kind)
    losses = train(large, MAKE[name](), LARGE)
    assert losses[-1] < losses[0]
    small, optimizer = network(kind), MAKE[name](gradient_accumulation_steps=LARGE // SMALL)
    np.testing.assert_allclose(train(small, optimizer, SMALL), losses, rtol=2e-5)
    for ours, theirs in zip(small.get_weights(), large.get_weights()):
        np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=2e-5)
    assert int(optimizer.iterations) == 4 * len(X) // LARGE


def test_nothing_moves_before_the_last_call() -> None:
    model, optimizer = network(), optimizers.Adam(0.1, gradient_accumulation_steps=3)
    model.compile(optimizer, "mse")
    start = [w.tobytes() for w in model.get_weights()]
    for call in range(1, 7):
        before = [w.tobytes() for w in model.get_weights()]
        model.train_on_batch(X[:SMALL], Y[:SMALL])
        now = [w.tobytes() for w in model.get_weights()]
        assert (now == before) == (call % 3 != 0)
    assert now != start
