"""A critic whose slope is kept at 1: `python -m chainrule.examples.wgan_gp`.

A generator moves noise to where eight heaps of points lie on a circle; a critic f estimates how far
it still is, as the largest difference of means of a function of slope 1 (Arjovsky et al. 2017,
arXiv 1701.07875; Gulrajani et al. 2017, arXiv 1704.00028),

    critic: E f(drawn) - E f(real) + weight * E (|df/dx| - 1)^2   at x between drawn and real,
    generator: -E f(drawn).

The penalty holds a gradient, so its own gradient is a second derivative: one tape inside another.
Held against it is what needs no network: the sliced Wasserstein distance (Bonneel et al. 2015),
between drawn and real points, and between two samples of real ones.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import chainrule as keras
from chainrule import layers, ops
from chainrule.examples._training import Curves, options_of, print_result, save_figure

__all__ = ["WGAN", "Result", "main", "sliced_distance"]

Array = npt.NDArray[Any]
NOISE, HEAPS, RADIUS, SPREAD = 2, 8, 1.0, 0.05
CRITIC_STEPS = 5


class Result(NamedTuple):
    """Sliced distances of drawn points before and after, and of real ones; the critic's at the end."""

    before: float
    after: float
    real: float
    critic: float
    slope: float


def real_points(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Points (*shape, 2) of the eight heaps."""
    angles = 2 * np.pi * rng.integers(0, HEAPS, shape) / HEAPS
    centres = RADIUS * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    return (centres + SPREAD * rng.standard_normal((*shape, 2))).astype("float32")


def sliced_distance(a: Array, b: Array, directions: int = 64) -> float:
    """The mean over directions of the Wasserstein distance of points' shadows; a and b are (N, 2).

    In one dimension it is the mean distance of the sorted points.
    """
    angles = np.pi * np.arange(directions) / directions
    lines = np.stack([np.cos(angles), np.sin(angles)])
    return float(np.abs(np.sort(a @ lines, axis=0) - np.sort(b @ lines, axis=0)).mean())


def build(inputs: int, units: int, outputs: int, name: str) -> Any:
    """A network of three hidden layers."""
    return keras.Sequential(
        [
            keras.Input((inputs,)),
            layers.Dense(units, activation="relu"),
            layers.Dense(units, activation="relu"),
            layers.Dense(units, activation="relu"),
            layers.Dense(outputs),
        ],
        name=name,
    )


class WGAN(keras.Model):
    """A generator and a critic, which learns `CRITIC_STEPS` times as often.

    Parameters
    ----------
    units : int
        Of each layer of both networks.
    penalty : float
        The weight of the gradient penalty.
    """

    def __init__(self, units: int, penalty: float) -> None:
        super().__init__(name="wgan")
        self.generator = build(NOISE, units, 2, "generator")
        self.critic = build(2, units, 1, "critic")
        self.penalty = penalty
        self.seeds = keras.random.SeedGenerator()
        self.trackers = [keras.metrics.Mean(name=n) for n in ("distance", "slope")]

    def compile(  # type: ignore[override]
        self, critic_optimizer: Any, generator_optimizer: Any
    ) -> None:
        super().compile()
        self.critic_optimizer = critic_optimizer
        self.generator_optimizer = generator_optimizer

    @property
    def metrics(self) -> list[Any]:
        return self.trackers

    def call(self, noise: Any) -> Any:
        return self.generator(noise)

    def drawn(self, count: Any) -> Any:
        """(count, 2): what the generator draws."""
        return self.generator(keras.random.normal((count, NOISE), seed=self.seeds))

    def slopes(self, points: Any) -> Any:
        """|df/dx| of the critic f at each of the points (N, 2)."""
        with keras.GradientTape() as tape:
            points = tape.watch(points)
            total = ops.sum(self.critic(points))
        return ops.sqrt(ops.sum(ops.square(tape.gradient(total, points)), axis=-1) + 1e-12)

    def critic_losses(self, real: Any, drawn: Any, share: Any) -> tuple[Any, Any, Any]:
        """The critic's loss, its distance and the mean slope where `share` (N, 1) of real is mixed."""
        distance = ops.mean(self.critic(real)) - ops.mean(self.critic(drawn))
        slopes = self.slopes(share * real + (1 - share) * drawn)
        penalty = ops.mean(ops.square(slopes - 1))
        return self.penalty * penalty - distance, distance, ops.mean(slopes)

    def train_step(self, data: Any) -> dict[str, Any]:
        count = ops.shape(data)[0]
        weights = self.critic.trainable_weights
        for i in range(CRITIC_STEPS):
            drawn = self.drawn(count)
            share = keras.random.uniform((count, 1), seed=self.seeds)
            with keras.GradientTape() as tape:
                loss, distance, slope = self.critic_losses(data[:, i], drawn, share)
            gradients = tape.gradient(loss, weights)
            self.critic_optimizer.apply_gradients(zip(gradients, weights))

        weights = self.generator.trainable_weights
        with keras.GradientTape() as tape:
            loss = -ops.mean(self.critic(self.drawn(count)))
        self.generator_optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
        for tracker, value in zip(self.trackers, (distance, slope)):
            tracker.update_state(value)
        return {tracker.name: tracker.result() for tracker in self.trackers}


def draw(whole: Any, model: WGAN, before: Array, after: Array, real: Array, curves: Curves) -> None:
    """Points before and after, on the critic's hills; its distance and its slope."""
    ground, hills, curve, slope = whole.subplots(1, 4)
    edge = np.linspace(-1.6, 1.6, 97, dtype="float32")
    points = np.stack(np.meshgrid(edge, edge), axis=-1).reshape(-1, 2)
    heights = model.critic.predict(points, batch_size=512, verbose=0).reshape(97, 97)
    hills.imshow(heights, cmap="Greys", alpha=0.6, extent=(-1.6, 1.6, -1.6, 1.6), origin="lower")
    for axis, made, title in ((ground, before, "before"), (hills, after, "after, and the critic")):
        axis.scatter(*real[:1000].T, s=2, color="C1", label="real")
        axis.scatter(*made[:1000].T, s=2, color="C0", label="drawn")
        axis.set(title=title, xlim=(-1.6, 1.6), ylim=(-1.6, 1.6), aspect=1)
        axis.legend(markerscale=4, loc="upper right")
    epochs = range(1, len(curves["slope"]) + 1)
    curve.plot(epochs, curves["distance"])
    curve.set(title="the critic's distance", xlabel="epoch")
    slope.plot(epochs, curves["slope"])
    slope.axhline(1, color="black", lw=0.8)
    slope.set(title="the critic's slope |df/dx|", xlabel="epoch", ylim=(0, 1.5))
    for axis in (curve, slope):
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.grid(alpha=0.3)


def main(arguments: Sequence[str] | None = None) -> Result:
    """Train, draw, and give the distances."""
    options = options_of("A generator of points, trained by a critic of slope 1.").parse_args(
        arguments
    )
    start = time.perf_counter()
    keras.utils.set_random_seed(options.seed)
    rng = np.random.default_rng(options.seed)
    units, steps, batch_size = (32, 600, 128) if options.quick else (64, 4000, 256)
    model = WGAN(units, penalty=1.0)
    noise = rng.standard_normal((4000, NOISE)).astype("float32")
    real, others = real_points((2, 4000), rng)
    before = model.predict(noise, batch_size=1000, verbose=0)
    # The critic has to keep up with the generator, so its rate stays.
    rate = keras.optimizers.schedules.CosineDecay(1e-3, steps)
    adams = [keras.optimizers.Adam(r, beta_1=0.5, beta_2=0.9) for r in (1e-3, rate)]
    model.compile(*adams)
    epochs = 20
    rows = real_points((steps // epochs * batch_size, CRITIC_STEPS), rng)
    curves = model.fit(rows, batch_size=batch_size, epochs=epochs, verbose=2).history
    after = model.predict(noise, batch_size=1000, verbose=0)
    result = Result(
        before=sliced_distance(before, real),
        after=sliced_distance(after, real),
        real=sliced_distance(others, real),
        critic=curves["distance"][-1],
        slope=curves["slope"][-1],
    )
    save_figure(
        options.out / "wgan_gp.png",
        lambda whole: draw(whole, model, before, after, real, curves),
        (17, 4.4),
    )
    figures = (
        f"distance {result.before:.3f} before, {result.after:.3f} after, of two real samples "
        f"{result.real:.3f}; the critic's {result.critic:.3f} at a slope of {result.slope:.2f}"
    )
    print_result("wgan_gp", figures, start)
    return result


if __name__ == "__main__":
    main()
