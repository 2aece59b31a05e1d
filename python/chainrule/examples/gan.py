"""Two networks against each other, two optimizers in one step: `python -m chainrule.examples.gan`.

A generator draws digits from noise, a discriminator tells them from real scans, and each is
trained against the other (Goodfellow et al. 2014, arXiv 1406.2661), as convolutional networks
(Radford et al. 2016, arXiv 1511.06434). The discriminator minimizes the cross entropy of its
answers, the generator that of "real" for what it drew. A classifier of real digits scores what
comes out, before and after: 1 is nothing to be read or always the same, 10 is best.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

import chainrule as keras
from chainrule import layers, ops
from chainrule.examples._data import digit_scans
from chainrule.examples._judge import Judge, tiled
from chainrule.examples._training import Curves, options_of, print_result, save_figure

__all__ = ["GAN", "Result", "main"]

NOISE = 32
# Real scans count as real by so much: Salimans et al. 2016, section 3.4.
REAL = 0.9


class Result(NamedTuple):
    """The score of drawn digits before and after training, and that of real scans."""

    before: float
    after: float
    real: float


def build_generator(side: int, channels: int) -> Any:
    """Noise becomes `side` x `side` pixels from 0 to 1."""
    return keras.Sequential(
        [
            keras.Input((NOISE,)),
            layers.Dense(side // 4 * (side // 4) * channels, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Reshape((side // 4, side // 4, channels)),
            layers.Conv2DTranspose(channels // 2, 4, strides=2, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2DTranspose(1, 4, strides=2, padding="same", activation="sigmoid"),
        ],
        name="generator",
    )


def build_discriminator(side: int, channels: int) -> Any:
    """The logit of an image's being real."""
    return keras.Sequential(
        [
            keras.Input((side, side, 1)),
            layers.Conv2D(channels // 2, 4, strides=2, padding="same"),
            layers.LeakyReLU(0.2),
            layers.Conv2D(channels, 4, strides=2, padding="same"),
            layers.LeakyReLU(0.2),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(1),
        ],
        name="discriminator",
    )


class GAN(keras.Model):
    """A generator and its discriminator; each has its optimizer.

    Parameters
    ----------
    side : int
        Of an image, in pixels; a multiple of 4.
    channels : int
        Of the inner maps.
    """

    def __init__(self, side: int, channels: int) -> None:
        super().__init__(name="gan")
        self.generator = build_generator(side, channels)
        self.discriminator = build_discriminator(side, channels)
        self.seeds = keras.random.SeedGenerator()
        self.cross_entropy = keras.losses.BinaryCrossentropy(from_logits=True)
        self.trackers = [keras.metrics.Mean(name=n) for n in ("discriminator", "generator")]

    def compile(  # type: ignore[override]
        self, discriminator_optimizer: Any, generator_optimizer: Any
    ) -> None:
        super().compile()
        self.discriminator_optimizer = discriminator_optimizer
        self.generator_optimizer = generator_optimizer

    @property
    def metrics(self) -> list[Any]:
        return self.trackers

    def call(self, noise: Any) -> Any:
        return self.generator(noise)

    def noise(self, count: Any) -> Any:
        """(count, NOISE): what a generator draws from."""
        return keras.random.normal((count, NOISE), seed=self.seeds)

    def train_step(self, data: Any) -> dict[str, Any]:
        count = ops.shape(data)[0]
        drawn = self.generator(self.noise(count), training=True)
        both = ops.concatenate([data, drawn])
        labels = ops.concatenate([REAL * ops.ones((count, 1)), ops.zeros((count, 1))])
        with keras.GradientTape() as tape:
            loss = self.cross_entropy(labels, self.discriminator(both, training=True))
        weights = self.discriminator.trainable_weights
        self.discriminator_optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))

        with keras.GradientTape() as tape:
            drawn = self.generator(self.noise(count), training=True)
            logits = self.discriminator(drawn, training=True)
            other_loss = self.cross_entropy(ops.ones((count, 1)), logits)
        weights = self.generator.trainable_weights
        self.generator_optimizer.apply_gradients(zip(tape.gradient(other_loss, weights), weights))

        for tracker, value in zip(self.trackers, (loss, other_loss)):
            tracker.update_state(value, sample_weight=count)
        return {tracker.name: tracker.result() for tracker in self.trackers}


def draw(whole: Any, real: Any, before: Any, after: Any, curves: Curves) -> None:
    """Digits drawn before and after, real ones beside them, and both losses."""
    axes = whole.subplots(1, 4, width_ratios=(1, 1, 1, 1.2))
    named = (("drawn before training", before), ("drawn after", after), ("real", real))
    for axis, (title, images) in zip(axes, named):
        axis.imshow(tiled(images[:100], 10), cmap="gray_r", vmin=0, vmax=1)
        axis.set(title=title, xticks=[], yticks=[])
    for name, values in curves.items():
        axes[3].plot(range(1, len(values) + 1), values, label=name)
    axes[3].set(title="loss", xlabel="epoch", ylim=(0, None))
    axes[3].xaxis.get_major_locator().set_params(integer=True)
    axes[3].grid(alpha=0.3)
    axes[3].legend()


def main(arguments: Sequence[str] | None = None) -> Result:
    """Train both networks, draw, and give the scores."""
    options = options_of("Two networks, one of which learns to draw digits.").parse_args(arguments)
    start = time.perf_counter()
    keras.utils.set_random_seed(options.seed)
    scans = digit_scans(small=options.quick)
    judge = Judge(scans, epochs=30 if options.quick else 3)
    model = GAN(scans.x_train.shape[1], channels=32)
    points = np.random.default_rng(options.seed).normal(size=(2000, NOISE)).astype("float32")
    before = model.predict(points, batch_size=200, verbose=0)
    rate = 1e-3
    model.compile(keras.optimizers.Adam(rate, beta_1=0.5), keras.optimizers.Adam(rate, beta_1=0.5))
    epochs, batch_size = (60, 32) if options.quick else (5, 64)
    history = model.fit(scans.x_train, epochs=epochs, batch_size=batch_size, verbose=2)
    after = model.predict(points, batch_size=200, verbose=0)
    result = Result(judge.score(before), judge.score(after), judge.score(scans.x_test))
    save_figure(
        options.out / "gan.png",
        lambda whole: draw(whole, scans.x_test, before, after, history.history),
        (17, 4.4),
    )
    figures = f"score {result.before:.2f} before, {result.after:.2f} after, real {result.real:.2f}"
    print_result("gan", f"{figures} (1 to 10)", start)
    return result


if __name__ == "__main__":
    main()
