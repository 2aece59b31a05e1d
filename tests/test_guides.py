"""What Keras's guides on `fit` and on loops from scratch do with TensorFlow's tape, in other words: the
standard steps written out, several networks in one step, draws, second derivatives, loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as keras
from chainrule import layers, ops
from tests.test_custom_steps import KINDS, X, Y, Written, bits, classifier, of_arrays

RNG = np.random.default_rng(7)


class Taped(Written):
    """The standard steps, with a tape."""

    def train_step(self, data: Any) -> Any:
        x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
        with keras.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=weight)
        variables = self.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
        return self._add_to_metrics(loss, x, y, y_pred, weight)


def test_a_tape_gives_the_bits_of_the_standard_step() -> None:
    found = []
    for kind in (keras.Model, Taped, *KINDS[:1]):
        model = classifier(kind)
        found.append((of_arrays(model), bits(model)))
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("compiled", [True, False])
def test_a_loop_gives_the_bits_of_fit_compiled_and_op_by_op(compiled: bool) -> None:
    standard = classifier(keras.Model)
    told = standard.fit(X, Y, batch_size=80, epochs=2, shuffle=False, verbose=0).history
    model = classifier(keras.Model)
    optimizer, mean = model.optimizer, keras.metrics.Mean()

    def train_step(x: Any, y: Any) -> Any:
        with keras.GradientTape() as tape:
            loss = model.compute_loss(x, y, model(x, training=True))
        variables = model.trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)
        mean.update_state(loss, sample_weight=ops.shape(x)[0])
        return loss

    step = keras.function(train_step) if compiled else train_step
    losses = []
    for _ in range(2):
        mean.reset_state()
        for at in range(0, len(X), 80):
            step(X[at : at + 80], Y[at : at + 80])
        losses.append(float(mean.result()))
    assert losses == told["loss"]
    assert bits(model)[: len(model.variables)] == bits(standard)[: len(model.variables)]


class Sampling(layers.Layer):
    """A draw of a normal distribution, by its mean and the logarithm of its variance."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seeds = keras.random.SeedGenerator(1337)

    def call(self, inputs: Any) -> Any:
        mean, log_variance = inputs
        noise = keras.random.normal(ops.shape(mean), seed=self.seeds)
        return mean + ops.exp(0.5 * log_variance) * noise


class Autoencoder(keras.Model):
    """A variational autoencoder (Kingma and Welling, 2013); x alone is its data."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        x = keras.Input((6,))
        h = layers.Dense(16, activation="relu")(x)
        mean, log_variance = layers.Dense(2)(h), layers.Dense(2)(h)
        self.encoder = keras.Model(x, [mean, log_variance, Sampling()([mean, log_variance])])
        self.decoder = keras.Sequential(
            [keras.Input((2,)), layers.Dense(16, activation="relu"), layers.Dense(6)]
        )
        self.total = keras.metrics.Mean(name="loss")
        self.reconstruction = keras.metrics.Mean(name="reconstruction")
        self.divergence = keras.metrics.Mean(name="divergence")

    @property
    def metrics(self) -> Any:
        return [self.total, self.reconstruction, self.divergence]

    def train_step(self, data: Any) -> Any:
        with keras.GradientTape() as tape:
            mean, log_variance, z = self.encoder(data)
            error = ops.mean(ops.sum(ops.square(data - self.decoder(z)), axis=1))
            gap = -0.5 * (1 + log_variance - ops.square(mean) - ops.exp(log_variance))
            gap = ops.mean(ops.sum(gap, axis=1))
            loss = error + 0.1 * gap
        gradients = tape.gradient(loss, self.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights))
        self.total.update_state(loss)
        self.reconstruction.update_state(error)
        self.divergence.update_state(gap)
        return {metric.name: metric.result() for metric in self.metrics}


def test_a_variational_autoencoder() -> None:
    keras.utils.set_random_seed(3)
    data = (RNG.normal(size=(256, 2)) @ RNG.normal(size=(2, 6))).astype("float32")
    model = Autoencoder()
    model.compile(optimizer=keras.optimizers.Adam(1e-2))
    told = model.fit(data, epochs=60, batch_size=64, verbose=0).history
    assert set(told) == {"loss", "reconstruction", "divergence"}
    assert told["reconstruction"][-1] < 0.3 * np.sum(data.var(axis=0)) < told["reconstruction"][0]
    for total, error, gap in zip(told["loss"], told["reconstruction"], told["divergence"]):
        assert total == pytest.approx(error + 0.1 * gap, rel=1e-4)


class Adversaries(keras.Model):
    """Two networks, each with an optimizer and a tape (Goodfellow et al., 2014); the critic's gradient is
    held to 1 between real and made (Gulrajani et al., 2017)."""

    def __init__(self) -> None:
        super().__init__()
        self.critic = keras.Sequential([layers.Dense(16, activation="tanh"), layers.Dense(1)])
        self.maker = keras.Sequential([layers.Dense(16, activation="tanh"), layers.Dense(2)])
        self.seeds = keras.random.SeedGenerator(5)

    def compile(self, critic_optimizer: Any, maker_optimizer: Any) -> None:
        super().compile()
        self.critic_optimizer, self.maker_optimizer = critic_optimizer, maker_optimizer

    def train_step(self, real: Any) -> Any:
        count = ops.shape(real)[0]
        for _ in range(2):
            made = self.maker(keras.random.normal((count, 3), seed=self.seeds))
            share = keras.random.uniform((count, 1), seed=self.seeds)
            between = share * real + (1 - share) * made
            with keras.GradientTape() as tape:
                with keras.GradientTape() as inner:
                    inner.watch(between)
                    judged = self.critic(between)
                slope = ops.norm(inner.gradient(judged, between), axis=1)
                penalty = ops.mean(ops.square(slope - 1))
                apart = ops.mean(self.critic(made)) - ops.mean(self.critic(real))
                loss = apart + 10 * penalty
            weights = self.critic.trainable_weights
            self.critic_optimizer.apply(tape.gradient(loss, weights), weights)
        noise = keras.random.normal((count, 3), seed=self.seeds)
        with keras.GradientTape() as tape:
            lost = -ops.mean(self.critic(self.maker(noise)))
        weights = self.maker.trainable_weights
        self.maker_optimizer.apply_gradients(zip(tape.gradient(lost, weights), weights))
        return {"critic": loss, "maker": lost, "penalty": penalty}


def test_adversaries_with_a_penalty_on_a_gradient() -> None:
    keras.utils.set_random_seed(2)
    model = Adversaries()
    falling = keras.optimizers.schedules.CosineDecay
    model.compile(
        keras.optimizers.Adam(falling(0.02, 3200), beta_1=0.5),
        keras.optimizers.Adam(falling(0.01, 1600), beta_1=0.5),
    )
    center = np.array([1.0, -1.0])
    real = np.random.default_rng(7).normal(center, 0.1, size=(512, 2)).astype("float32")

    def distance() -> float:
        made = np.asarray(model.maker(keras.random.normal((256, 3), seed=1)))
        return float(np.linalg.norm(made.mean(axis=0) - center))

    before = distance()
    told = model.fit(real, batch_size=64, epochs=200, verbose=0).history
    assert told["penalty"][-1] < 0.1
    assert distance() < 0.5 < 1.0 < before
    assert int(model.critic_optimizer.iterations.numpy()) == 2 * 200 * 8


def test_the_same_step_op_by_op() -> None:
    real = RNG.normal(size=(64, 2)).astype("float32")
    found = []
    for compiled in (True, False):
        keras.utils.set_random_seed(2)
        model = Adversaries()
        model.compile(keras.optimizers.SGD(0.01), keras.optimizers.SGD(0.01))
        model.critic.build((None, 2)), model.maker.build((None, 3))
        if compiled:
            model.fit(real, batch_size=32, shuffle=False, verbose=0)
        else:
            for at in (0, 32):
                model.train_step(real[at : at + 32])
        found.append([v.numpy() for v in model.variables])
    for ours, theirs in zip(*found):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
