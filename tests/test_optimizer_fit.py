"""Training through `fit` with every kind of optimizer: the losses and weights of Keras itself."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule

MAKE: dict[str, Callable[[Any], Any]] = {
    "accumulation": lambda o: o.SGD(0.1, momentum=0.9, gradient_accumulation_steps=3),
    "averages": lambda o: o.Adam(
        0.01, use_ema=True, ema_overwrite_frequency=4, global_clipnorm=0.5
    ),
    "schedule": lambda o: o.AdamW(
        o.schedules.CosineDecay(0.0, 20, warmup_target=0.05, warmup_steps=5), clipvalue=0.1
    ),
    "loss scale": lambda o: o.LossScaleOptimizer(
        o.RMSprop(0.01), initial_scale=8.0, dynamic_growth_steps=3
    ),
    "decay": lambda o: o.Nadam(0.02, weight_decay=0.1),
    "muon": lambda o: o.Muon(0.02),
    "several": lambda o: o.MultiOptimizer(o.OptimizerMap(o.SGD(0.1), {".*bias": o.Lion(0.01)})),
    "factored": lambda o: o.Adafactor(0.1),
    "schedule-free": lambda o: o.ScheduleFreeAdamW(0.01),
}


def train(keras: Any, make: Callable[[Any], Any]) -> tuple[list[float], list[np.ndarray]]:
    """Losses of four epochs whose learning rate halves, and the last weights."""

    class Halve(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            optimizer = self.model.optimizer
            if isinstance(getattr(optimizer, "_learning_rate", None), keras.Variable):
                if not isinstance(optimizer, keras.optimizers.MultiOptimizer):
                    optimizer.learning_rate = 0.5 * float(optimizer.learning_rate)

    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(50, 6)).astype("float32"), rng.integers(0, 3, 50)
    model = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(
                5, activation="tanh", kernel_constraint=keras.constraints.MaxNorm(1.5)
            ),
            keras.layers.Dense(3, kernel_regularizer=keras.regularizers.L1L2(0.01, 0.02)),
        ]
    )
    model.set_weights([0.5 * rng.normal(size=w.shape) for w in model.get_weights()])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(make(keras.optimizers), loss=loss)
    history = model.fit(
        x, y, batch_size=16, epochs=4, shuffle=False, verbose=0, callbacks=[Halve()]
    )
    return history.history["loss"], model.get_weights()


@pytest.mark.parametrize("name", MAKE)
def test_fit_lowers_the_loss_and_repeats_bit_for_bit(name: str) -> None:
    losses, weights = train(chainrule, MAKE[name])
    again, same = train(chainrule, MAKE[name])
    assert losses[-1] < losses[0] and losses == again
    assert [w.tobytes() for w in weights] == [w.tobytes() for w in same]


@pytest.mark.parametrize("name", MAKE)
def test_fit_equals_keras(name: str) -> None:
    os.environ.setdefault("KERAS_BACKEND", "jax")
    keras = pytest.importorskip("keras", minversion="3.15")
    losses, weights = train(chainrule, MAKE[name])
    expected_losses, expected_weights = train(keras, MAKE[name])
    np.testing.assert_allclose(losses, expected_losses, rtol=2e-5)
    for ours, theirs in zip(weights, expected_weights):
        np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=2e-5)
