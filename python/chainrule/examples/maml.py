"""Learning to learn from ten points: `python -m chainrule.examples.maml`.

A network is trained such that one step of gradient descent on ten points of a sine of unknown
amplitude and phase makes it fit that sine (model-agnostic meta-learning, Finn et al. 2017,
arXiv 1703.03400, section 5.1):

    weights_task = w - rate * grad(loss of the ten points at w),   minimized by w: loss at weights_task,

of other points, so the outer gradient flows through the inner one. The same network trained on all
sines at once, without inner steps, takes the same steps at the rate that suits it best.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import chainrule as keras
from chainrule import ops
from chainrule.examples._training import options_of, print_result, save_figure

__all__ = ["Learner", "Result", "Sines", "main"]

Array = npt.NDArray[Any]
POINTS, UNITS = 10, 40
INNER_RATE = 0.01
RATES = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03)
SHOWN_STEPS, CURVE_STEPS = 10, 3
EPOCHS = 10


class Result(NamedTuple):
    """Mean squared errors on new sines, after one step on ten points of each, and without one."""

    maml: float
    maml_untouched: float
    pretrained: float
    pretrained_untouched: float


class Sines(NamedTuple):
    """Tasks: amplitudes and phases (N,)."""

    amplitudes: Array
    phases: Array

    @classmethod
    def drawn(cls, count: int, rng: np.random.Generator) -> Sines:
        """Sines of random amplitudes and phases."""
        return cls(rng.uniform(0.1, 5, count), rng.uniform(0, np.pi, count))

    def values(self, x: Array) -> Array:
        """(N, points) for places x of (N, points)."""
        return np.asarray(self.amplitudes[:, None] * np.sin(x - self.phases[:, None]))

    def points(self, count: int, rng: np.random.Generator) -> Array:
        """(N, count, 2): places between -5 and 5, and the sines there."""
        x = rng.uniform(-5, 5, (len(self.phases), count))
        return np.stack([x, self.values(x)], axis=-1).astype("float32")


def network(weights: Sequence[Any], x: Any) -> Any:
    """1-40-40-1 with ReLU: x (tasks, points, 1) through kernels (tasks, in, out) and biases (tasks, 1, out)."""
    for kernel, bias in zip(weights[:-2:2], weights[1:-2:2]):
        x = ops.relu(ops.matmul(x, kernel) + bias)
    return ops.matmul(x, weights[-2]) + weights[-1]


def task_losses(weights: Sequence[Any], points: Any) -> Any:
    """The mean squared error of each task, (tasks,)."""
    error = network(weights, points[..., :1]) - points[..., 1:]
    return ops.mean(ops.square(error), axis=(1, 2))


def total_loss(weights: Sequence[Any], points: Any) -> Any:
    """The sum over the tasks: its gradient by the weights is that of each task by its own."""
    return ops.sum(task_losses(weights, points))


def descended(weights: Sequence[Any], points: Any, rate: Any) -> list[Any]:
    """Each task's weights after a step of gradient descent on its own points."""
    gradients = keras.grad(total_loss)(list(weights), points)
    return [w - rate * g for w, g in zip(weights, gradients)]


class Learner(keras.Model):
    """The weights, and what is minimized by them.

    Parameters
    ----------
    inner_steps : int
        Steps of gradient descent through which the loss is differentiated: 1 is MAML, 0 plain training.
    """

    def __init__(self, inner_steps: int) -> None:
        super().__init__()
        self.inner_steps = inner_steps
        sizes = (1, UNITS, UNITS, 1)
        for inputs, outputs in itertools.pairwise(sizes):
            self.add_weight((1, inputs, outputs), initializer=keras.initializers.HeNormal())
            self.add_weight((1, 1, outputs), initializer="zeros")
        self.tracker = keras.metrics.Mean(name="loss")

    @property
    def metrics(self) -> list[Any]:
        return [self.tracker]

    def weights_of(self, weights: Sequence[Any], tasks: int) -> list[Any]:
        """One copy of the weights for each task."""
        return [ops.broadcast_to(w, (tasks, *w.shape[1:])) for w in weights]

    def meta_loss(self, weights: Sequence[Any], seen: Any, held_back: Any) -> Any:
        """The mean loss of the points held back, after the inner steps on those seen."""
        mine = self.weights_of(weights, ops.shape(seen)[0])
        for _ in range(self.inner_steps):
            mine = descended(mine, seen, INNER_RATE)
        return ops.mean(task_losses(mine, held_back))

    def train_step(self, data: Any) -> dict[str, Any]:
        seen, held_back = data
        weights = self.trainable_variables
        loss, gradients = keras.value_and_grad(self.meta_loss)(weights, seen, held_back)
        self.optimizer.apply(gradients, weights)
        self.tracker.update_state(loss)
        return {"loss": self.tracker.result()}

    def errors(self, seen: Array, held_back: Array, rate: float, steps: int) -> Array:
        """Each task's loss of the points held back after 0, 1, ... steps on those seen, (steps + 1, tasks)."""
        weights = self.weights_of([w.numpy() for w in self.trainable_variables], len(seen))
        found = [task_losses(weights, held_back)]
        for _ in range(steps):
            weights = descended(weights, seen, np.float32(rate))
            found.append(task_losses(weights, held_back))
        return np.asarray(found)

    def fitted(self, seen: Array, x: Array, rate: float, steps: int) -> Array:
        """What the network makes of x (points,) after steps on the points seen of one task (points, 2)."""
        weights = self.weights_of([w.numpy() for w in self.trainable_variables], 1)
        for _ in range(steps):
            weights = descended(weights, seen[None], np.float32(rate))
        return np.asarray(network(weights, x[None, :, None].astype("float32")))[0, :, 0]


def trained(inner_steps: int, steps: int, tasks: int, seed: int) -> Learner:
    """A learner after `steps` outer steps of `tasks` sines each."""
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    model = Learner(inner_steps)
    rate = keras.optimizers.schedules.CosineDecay(5e-3, steps)
    model.compile(keras.optimizers.Adam(rate))
    sines = Sines.drawn(steps * tasks // EPOCHS, rng)
    data = sines.points(POINTS, rng), sines.points(POINTS, rng)
    model.fit(*data, batch_size=tasks, epochs=EPOCHS, verbose=2)
    return model


def draw(whole: Any, runs: dict[str, tuple[Learner, float, Array]], seed: int) -> None:
    """A new sine learnt from ten points by each learner, and errors over inner steps."""
    rng = np.random.default_rng(seed + 2)
    sine = Sines(np.array([3.5]), np.array([0.8]))
    seen, x = sine.points(POINTS, rng)[0], np.linspace(-5, 5, 201)
    *axes, curve = whole.subplots(1, len(runs) + 1)
    for number, (name, (model, rate, errors)) in enumerate(runs.items()):
        axis = axes[number]
        axis.plot(x, sine.values(x[None])[0], color="black", label="the sine")
        for steps, style in ((0, ":"), (1, "--"), (SHOWN_STEPS, "-")):
            made = model.fitted(seen, x, rate, steps)
            label = f"after {steps} step{'s' * (steps != 1)}"
            axis.plot(x, made, style, color=f"C{number}", label=label)
        axis.plot(*seen.T, "o", color="black", ms=5)
        axis.set(title=f"{name}: ten points", ylim=(-5, 5), xlabel="x")
        axis.legend(fontsize=8, loc="lower left", ncols=2)
        curve.plot(
            np.median(errors, axis=1), ".-", color=f"C{number}", label=f"{name}, rate {rate:g}"
        )
    curve.set(title="median error on new sines", xlabel="steps on ten points", ylim=(0, None))
    curve.grid(alpha=0.3)
    curve.legend()


def main(arguments: Sequence[str] | None = None) -> Result:
    """Train both learners, draw, and give their errors on new sines."""
    options = options_of("Learning to learn sines from ten points.").parse_args(arguments)
    start = time.perf_counter()
    steps, tasks = (8000, 10) if options.quick else (30000, 25)
    rng = np.random.default_rng(options.seed + 1)
    sines, other_sines = Sines.drawn(500, rng), Sines.drawn(500, rng)
    data, others = ((s.points(POINTS, rng), s.points(100, rng)) for s in (sines, other_sines))
    runs = {}
    for name, inner_steps in (("MAML", 1), ("plain training", 0)):
        model = trained(inner_steps, steps, tasks, options.seed)
        # MAML's rate is part of its training; the other's is chosen on other sines.
        rates = (INNER_RATE,) if inner_steps else RATES
        rate = min(rates, key=lambda r: model.errors(*others, r, 1)[1].mean())
        runs[name] = model, rate, model.errors(*data, rate, CURVE_STEPS)
    means = [errors.mean(axis=1) for _, _, errors in runs.values()]
    result = Result(*(float(mean[step]) for mean in means for step in (1, 0)))
    save_figure(options.out / "maml.png", lambda whole: draw(whole, runs, options.seed), (15, 4.6))
    figures = (
        f"error on new sines after one step {result.maml:.2f}, before it {result.maml_untouched:.2f}; "
        f"trained plainly {result.pretrained:.2f}, {result.pretrained_untouched:.2f}"
    )
    print_result("maml", figures, start)
    return result


if __name__ == "__main__":
    main()
