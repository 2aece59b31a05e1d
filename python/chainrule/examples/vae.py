"""A variational autoencoder with its own `train_step`: `python -m chainrule.examples.vae`.

An encoder gives each scan of a digit a normal distribution on a plane, a decoder draws the scan from
a point of it. Both maximize a bound on the likelihood,

    log p(x) >= E[log p(x | z)] - KL(q(z | x) || N(0, I)),   z = mean + exp(log_variance / 2) * noise,

by one gradient that flows through the drawn z (Kingma and Welling 2014, arXiv 1312.6114). The
bound's negative, in nats an image, is held against that of pixels which are independent of one
another, each with its own mean.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import chainrule as keras
from chainrule import layers, ops
from chainrule.examples._data import Scans, digit_scans
from chainrule.examples._judge import tiled
from chainrule.examples._training import options_of, print_result, save_figure

__all__ = ["VAE", "Result", "main"]

Array = npt.NDArray[Any]
GRID = 15
PAIRS = 6


class Result(NamedTuple):
    """Nats an image of the test scans: the bound, and independent pixels."""

    bound: float
    independent: float


class Sampling(layers.Layer):
    """Draws z from the distribution with this mean and log variance, so that gradients reach both."""

    def __init__(self) -> None:
        super().__init__()
        self.seeds = keras.random.SeedGenerator()

    def call(self, mean: Any, log_variance: Any) -> Any:
        noise = keras.random.normal(ops.shape(mean), seed=self.seeds)
        return mean + ops.exp(log_variance / 2) * noise


def build_encoder(shape: tuple[int, ...], units: int) -> Any:
    """A scan's mean and log variance on the plane, and a point drawn there."""
    scan = keras.Input(shape)
    x = layers.Flatten()(scan)
    x = layers.Dense(units, activation="relu")(x)
    x = layers.Dense(units // 2, activation="relu")(x)
    mean, log_variance = layers.Dense(2, name="mean")(x), layers.Dense(2, name="log_variance")(x)
    return keras.Model(scan, [mean, log_variance, Sampling()(mean, log_variance)], name="encoder")


def build_decoder(shape: tuple[int, ...], units: int) -> Any:
    """A point of the plane becomes the logits of pixels."""
    return keras.Sequential(
        [
            keras.Input((2,)),
            layers.Dense(units // 2, activation="relu"),
            layers.Dense(units, activation="relu"),
            layers.Dense(int(np.prod(shape))),
            layers.Reshape(shape),
        ],
        name="decoder",
    )


class VAE(keras.Model):
    """Encoder and decoder, trained on the bound.

    Parameters
    ----------
    shape : tuple of int
        Of a scan, (H, W, 1).
    units : int
        Of the widest layer.
    """

    def __init__(self, shape: tuple[int, ...], units: int) -> None:
        super().__init__(name="vae")
        self.encoder = build_encoder(shape, units)
        self.decoder = build_decoder(shape, units)
        self.trackers = [keras.metrics.Mean(name=n) for n in ("loss", "reconstruction", "kl")]

    @property
    def metrics(self) -> list[Any]:
        return self.trackers

    def call(self, x: Any) -> Any:
        mean, _, _ = self.encoder(x)
        return ops.sigmoid(self.decoder(mean))

    def losses_of(self, x: Any) -> tuple[Any, Any, Any]:
        """The bound's negative and its two parts, means over the scans, in nats."""
        mean, log_variance, z = self.encoder(x)
        pixels = ops.binary_crossentropy(x, self.decoder(z), from_logits=True)
        reconstruction = ops.mean(ops.sum(pixels, axis=(1, 2, 3)))
        spread = ops.exp(log_variance) + ops.square(mean) - 1 - log_variance
        kl = ops.mean(ops.sum(spread, axis=-1)) / 2
        return reconstruction + kl, reconstruction, kl

    def logs_of(self, losses: tuple[Any, Any, Any], count: Any) -> dict[str, Any]:
        """What the trackers say, these losses of `count` rows included."""
        for tracker, loss in zip(self.trackers, losses):
            tracker.update_state(loss, sample_weight=count)
        return {tracker.name: tracker.result() for tracker in self.trackers}

    def train_step(self, data: Any) -> dict[str, Any]:
        with keras.GradientTape() as tape:
            losses = self.losses_of(data)
        gradients = tape.gradient(losses[0], self.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights))
        return self.logs_of(losses, ops.shape(data)[0])

    def test_step(self, data: Any) -> dict[str, Any]:
        return self.logs_of(self.losses_of(data), ops.shape(data)[0])


def independent_pixels(x_train: Array, x_test: Array) -> float:
    """Nats an image of `x_test` where each pixel has its mean over `x_train`, and nothing else is known."""
    p = np.clip(x_train.mean(axis=0, dtype="float64"), 1e-4, 1 - 1e-4)
    nats = -(x_test * np.log(p) + (1 - x_test) * np.log(1 - p))
    return float(nats.sum(axis=(1, 2, 3)).mean())


def draw(whole: Any, model: VAE, scans: Scans) -> None:
    """Where the test scans lie on the plane, what is drawn from its points, and what comes back."""
    plane, made, pairs = whole.subplots(1, 3)
    codes = model.encoder.predict(scans.x_test, batch_size=256, verbose=0)[0]
    for digit in range(10):
        x, y = codes[scans.y_test == digit].T
        plane.scatter(x, y, s=3, color=f"C{digit}", label=str(digit), rasterized=True)
    plane.legend(markerscale=4, ncols=2, fontsize=8, title="digit")
    edge = float(np.abs(codes).max()) + 0.2
    plane.set(title="mean of each test scan", xlim=(-edge, edge), ylim=(-edge, edge), aspect=1)

    steps = [NormalDist().inv_cdf((i + 0.5) / GRID) for i in range(GRID)]
    points = np.array([(x, y) for y in steps[::-1] for x in steps], "float32")
    logits = model.decoder.predict(points, verbose=0)
    made.imshow(tiled(1 / (1 + np.exp(-logits)), GRID), cmap="gray_r", vmin=0, vmax=1)
    made.set(title="drawn from points of equal probability", xticks=[], yticks=[])

    few = scans.x_test[: 3 * PAIRS]
    both = np.stack([few, model.predict(few, verbose=0)], axis=1)
    pairs.imshow(tiled(both.reshape(-1, *few.shape[1:]), 6), cmap="gray_r", vmin=0, vmax=1)
    pairs.set(title="test scans, each with what comes back", xticks=[], yticks=[])


def main(arguments: Sequence[str] | None = None) -> Result:
    """Train, draw, and give the bound beside independent pixels."""
    options = options_of("A variational autoencoder of digits.").parse_args(arguments)
    start = time.perf_counter()
    keras.utils.set_random_seed(options.seed)
    scans = digit_scans(small=options.quick)
    model = VAE(scans.x_train.shape[1:], units=128 if options.quick else 256)
    epochs, batch_size = (60, 64) if options.quick else (12, 128)
    steps = epochs * -(-len(scans.x_train) // batch_size)
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, steps)))
    model.fit(scans.x_train, epochs=epochs, batch_size=batch_size, verbose=2)
    bound = model.evaluate(scans.x_test, batch_size=256, verbose=0)[0]
    result = Result(bound, independent_pixels(scans.x_train, scans.x_test))
    save_figure(options.out / "vae.png", lambda whole: draw(whole, model, scans), (15, 5.3))
    figures = f"{result.bound:.1f} nats an image, independent pixels {result.independent:.1f}"
    print_result("vae", figures, start)
    return result


if __name__ == "__main__":
    main()
