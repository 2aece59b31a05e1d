"""Digits out of noise, step by step: `python -m chainrule.examples.diffusion`.

A network learns which noise was mixed into a scan, at any strength,

    x_t = sqrt(a_t) x_0 + sqrt(1 - a_t) noise,   loss = E |noise - network(x_t, t)|^2,

and digits are then drawn by taking a little of it away, many times, from noise alone (Ho et al.
2020, arXiv 2006.11239; a_t is a squared cosine, Nichol and Dhariwal 2021, arXiv 2102.09672). The
step has the form for JAX: a function of the state, which it returns. A network that knows nothing
has a loss of 1; a classifier of real digits scores what is drawn, from 1 to 10.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import chainrule as keras
from chainrule import layers, ops
from chainrule.examples._data import digit_scans
from chainrule.examples._judge import Judge, tiled
from chainrule.examples._training import options_of, print_result, save_figure

__all__ = ["Diffusion", "Result", "main"]

Array = npt.NDArray[Any]
STEPS = 200
WAVES = 16


class Result(NamedTuple):
    """The loss on test scans, and the scores of what is drawn and of real scans."""

    loss: float
    score: float
    real: float


def kept_shares() -> Array:
    """a_t for t = 0 to STEPS - 1: the share of a scan's variance that is left."""
    t = np.arange(STEPS + 1) / STEPS
    curve = np.cos((t + 0.008) / 1.008 * np.pi / 2) ** 2
    strengths = np.minimum(1 - curve[1:] / curve[:-1], 0.999)
    return np.cumprod(1 - strengths).astype("float32")


def block(x: Any, moment: Any, channels: int) -> Any:
    """Two convolutions around a residual connection; the moment shifts the channels between them."""
    y = layers.Conv2D(channels, 3, padding="same")(layers.Activation("silu")(x))
    y = y + layers.Reshape((1, 1, channels))(layers.Dense(channels)(moment))
    y = layers.Activation("silu")(layers.GroupNormalization(8)(y))
    y = layers.Conv2D(channels, 3, padding="same", kernel_initializer="zeros")(y)
    return y + (x if x.shape[-1] == channels else layers.Conv2D(channels, 1)(x))


def build_network(side: int, channels: int) -> Any:
    """A small U-Net (Ronneberger et al. 2015): noisy images and (batch, 2 * WAVES) waves to noise."""
    image, waves = keras.Input((side, side, 1)), keras.Input((2 * WAVES,))
    moment = layers.Dense(4 * channels, activation="silu")(waves)
    above = layers.Conv2D(channels, 3, padding="same")(image)
    above = block(above, moment, channels)
    x = layers.Conv2D(2 * channels, 3, strides=2, padding="same")(above)
    x = block(block(x, moment, 2 * channels), moment, 2 * channels)
    x = layers.Conv2DTranspose(channels, 2, strides=2)(x)
    x = block(layers.Concatenate()([x, above]), moment, channels)
    noise = layers.Conv2D(1, 3, padding="same")(x)
    return keras.Model([image, waves], noise, name="network")


class Diffusion(keras.Model):
    """The network, what is mixed for it, and what is drawn with it.

    Parameters
    ----------
    side : int
        Of an image, in pixels; an even number.
    channels : int
        Of the U-Net's upper maps.
    """

    def __init__(self, side: int, channels: int) -> None:
        super().__init__(name="diffusion")
        self.side = side
        self.network = build_network(side, channels)
        self.seeds = keras.random.SeedGenerator()
        self.kept = kept_shares()
        self.tracker = keras.metrics.Mean(name="loss")

    @property
    def metrics(self) -> list[Any]:
        return [self.tracker]

    def predicted(self, images: Any, t: Any) -> Any:
        """The noise in images (N, H, W, 1), mixed at the times t (N,)."""
        rates = np.exp(np.linspace(0, math.log(STEPS), WAVES)).astype("float32") / STEPS
        angles = ops.cast(t, "float32")[:, None] * rates
        waves = ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1)
        return self.network([images, waves])

    def call(self, scans: Any) -> Any:
        """The loss on scans from 0 to 1, with noise and times drawn anew."""
        count = ops.shape(scans)[0]
        t = keras.random.randint((count,), 0, STEPS, seed=self.seeds)
        noise = keras.random.normal(ops.shape(scans), seed=self.seeds)
        kept = ops.take(self.kept, t)[:, None, None, None]
        mixed = ops.sqrt(kept) * (2 * scans - 1) + ops.sqrt(1 - kept) * noise
        return ops.mean(ops.square(noise - self.predicted(mixed, t)))

    def train_step(self, state: Any, data: Any) -> Any:
        trainable, other, of_optimizer, of_metrics = state
        differentiated = keras.value_and_grad(self.stateless_call, has_aux=True)
        (loss, other), gradients = differentiated(trainable, other, data, training=True)
        trainable, of_optimizer = self.optimizer.stateless_apply(of_optimizer, gradients, trainable)
        logs, of_metrics = self._logged(of_metrics, loss, data)
        return logs, (trainable, other, of_optimizer, of_metrics)

    def test_step(self, state: Any, data: Any) -> Any:
        trainable, other, of_metrics = state
        loss, other = self.stateless_call(trainable, other, data, training=False)
        logs, of_metrics = self._logged(of_metrics, loss, data)
        return logs, (trainable, other, of_metrics)

    def _logged(self, of_metrics: Any, loss: Any, data: Any) -> Any:
        count = ops.shape(data)[0]
        of_metrics = self.tracker.stateless_update_state(of_metrics, loss, sample_weight=count)
        return {"loss": self.tracker.stateless_result(of_metrics)}, of_metrics

    @keras.function
    def less_noisy(self, images: Any, t: Any, kept: Any, kept_next: Any, noise: Any) -> Any:
        """x_(t-1), drawn from its distribution where x_t and the predicted x_0 are known."""
        predicted = self.predicted(images, t)
        clean = (images - ops.sqrt(1 - kept) * predicted) / ops.sqrt(kept)
        clean = ops.clip(clean, -1.0, 1.0)
        mixed_in = 1 - kept / kept_next
        mean = (
            ops.sqrt(kept_next) * mixed_in * clean
            + ops.sqrt(kept / kept_next) * (1 - kept_next) * images
        ) / (1 - kept)
        return mean + ops.sqrt((1 - kept_next) / (1 - kept) * mixed_in) * noise

    def drawn(self, count: int, rng: np.random.Generator) -> list[Array]:
        """Images from 0 to 1 as they emerge, (count, H, W, 1) each, the last without noise."""
        shape = (count, self.side, self.side, 1)
        images = [rng.standard_normal(shape, "float32")]
        kept = [float(k) for k in self.kept]
        for t in reversed(range(STEPS)):
            times = np.full(count, t, "int32")
            noise = rng.standard_normal(shape, "float32")
            rates = kept[t], (kept[t - 1] if t else 1.0)
            images.append(self.less_noisy(images[-1], times, *rates, noise))
        return [np.clip((x + 1) / 2, 0, 1) for x in images]


def draw(whole: Any, emerging: list[Array], real: Array, losses: Sequence[float]) -> None:
    """Digits drawn, real ones, how eight of them emerge, and the loss."""
    made, known, steps, curve = whole.subplots(1, 4)
    for axis, title, images in ((made, "drawn", emerging[-1]), (known, "real", real)):
        axis.imshow(tiled(images[:100], 10), cmap="gray_r", vmin=0, vmax=1)
        axis.set(title=title, xticks=[], yticks=[])
    shown = [emerging[round(i)] for i in np.linspace(0, STEPS, 9)]
    rows = np.stack([images[:9] for images in shown], axis=1).reshape(-1, *real.shape[1:])
    steps.imshow(tiled(rows, 9), cmap="gray_r", vmin=0, vmax=1)
    steps.set(title=f"out of noise, from left to right, in {STEPS} steps", xticks=[], yticks=[])
    curve.plot(range(1, len(losses) + 1), losses)
    curve.set(title="loss", xlabel="epoch", ylim=(0, None))
    curve.xaxis.get_major_locator().set_params(integer=True)
    curve.grid(alpha=0.3)


def main(arguments: Sequence[str] | None = None) -> Result:
    """Train, draw, and give the loss and the scores."""
    options = options_of("A diffusion model of digits.").parse_args(arguments)
    start = time.perf_counter()
    keras.utils.set_random_seed(options.seed)
    scans = digit_scans(small=True)
    judge = Judge(scans, epochs=30)
    model = Diffusion(scans.x_train.shape[1], channels=16 if options.quick else 32)
    epochs, batch_size = (15, 32) if options.quick else (100, 64)
    steps = epochs * -(-len(scans.x_train) // batch_size)
    rate = keras.optimizers.schedules.CosineDecay(2e-3, steps)
    model.compile(keras.optimizers.Adam(rate, global_clipnorm=1.0))
    history = model.fit(scans.x_train, epochs=epochs, batch_size=batch_size, verbose=2)
    loss = model.evaluate(scans.x_test, batch_size=len(scans.x_test), verbose=0)
    emerging = model.drawn(100, np.random.default_rng(options.seed))
    score, real = judge.score(emerging[-1]), judge.score(scans.x_test)
    save_figure(
        options.out / "diffusion.png",
        lambda whole: draw(whole, emerging, scans.x_test, history.history["loss"]),
        (18, 4.6),
    )
    result = Result(loss, score, real)
    figures = f"loss {loss:.3f} of 1, score {score:.2f}, real {real:.2f} (1 to 10)"
    print_result("diffusion", figures, start)
    return result


if __name__ == "__main__":
    main()
