"""Stochastic, mini-batch and batch gradient descent, and Adam, on the same scans from the same weights."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import chainrule as cr
from chainrule import layers, optimizers
from chainrule.examples._training import save_figure
from chainrule.examples.tour.page import COLOURS, DASHES, Result, Settings, scans, table
from chainrule.utils.io import print_msg

__all__ = ["TEXT", "TITLE", "run"]

Array = npt.NDArray[Any]

TITLE = "Stochastic, mini-batch and batch gradient descent, and Adam"
TEXT = """\
Every step moves the weights against the gradient of the loss, w <- w - rate * dL/dw. The methods
differ in how many scans L is the mean of:

    stochastic    one scan a step      steps cost little, and each points somewhere else
    mini-batch    32 scans             the noise is a sixth, and 32 rows fill the processor's lanes
    batch         all 1442 scans       the true gradient, once for a whole pass over the scans

Adam (Kingma and Ba 2015) takes mini-batches, and divides a running mean m of the gradients by the root
of a running mean v of their squares, so that every weight moves by about the rate:

    m <- 0.9 m + 0.1 g        v <- 0.999 v + 0.001 g^2        w <- w - rate * m / (sqrt(v) + 1e-7)

(with m and v divided by 1 - 0.9^t and 1 - 0.999^t at step t, since they start at 0). The same network
of 64-32-10 units starts from the same weights each time, and every method has a rate that suits it.
Time is steps times the time of one, which the fastest of three fits tells.
"""


class Method(NamedTuple):
    """A way of descending: scans a step, the optimizer, and how many passes over the scans it gets."""

    name: str
    batch: int
    make: Any
    rate: float
    passes: int


LOOKS = 60
METHODS = (
    Method("stochastic", 1, optimizers.SGD, 0.05, 20),
    Method("mini-batch", 32, optimizers.SGD, 0.5, 60),
    Method("batch", 1442, optimizers.SGD, 0.7, 400),
    Method("Adam", 32, optimizers.Adam, 0.01, 60),
)


class Run(NamedTuple):
    """The looks at a descent: after how many steps, and what the loss was then."""

    steps: list[int]
    losses: list[float]
    seconds_a_step: float
    accuracy: float


def rows_of(count: int, batch: int, passes: int, seed: int) -> Array:
    """Which scans the steps read, `batch` each: in new order in every pass, what is left over left out."""
    rng = np.random.default_rng(seed)
    whole = count // batch * batch
    return np.concatenate([rng.permutation(count)[:whole] for _ in range(passes)])


def looks(steps: int) -> list[int]:
    """After which steps the loss is looked at: closer together at first."""
    return sorted({round(step) for step in np.geomspace(1, steps, LOOKS)})


def descend(method: Method, passes: int, seed: int, data: Any) -> Run:
    """Train the network by one method, in pieces between the looks, then time its steps."""
    (x, y), (x_test, y_test) = data
    cr.utils.set_random_seed(seed)
    model = cr.Sequential(
        [
            cr.Input((64,)),
            layers.Dense(32, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(method.make(method.rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    rows = rows_of(len(x), method.batch, passes, seed)

    def fit(chosen: Array) -> float:
        start = time.perf_counter()
        model.fit(x[chosen], y[chosen], batch_size=method.batch, shuffle=False, verbose=0)
        return time.perf_counter() - start

    steps, losses = [0], [float(model.evaluate(x, y, verbose=0)[0])]
    for step in looks(len(rows) // method.batch):
        fit(rows[steps[-1] * method.batch : step * method.batch])
        steps.append(step)
        losses.append(float(model.evaluate(x, y, verbose=0)[0]))
    accuracy = float(model.evaluate(x_test, y_test, verbose=0)[1])
    timed = rows[: len(x) * (1 if method.batch == 1 else 20)]
    seconds = min(fit(timed) for _ in range(3)) / (len(timed) // method.batch)
    return Run(steps, losses, seconds, accuracy)


def draw(figure: Any, runs: dict[str, Run]) -> None:
    """The loss over the steps, over passes, and over time."""
    axes = figure.subplots(1, 3, sharey=True)
    for method, colour, dashes in zip(METHODS, COLOURS, DASHES):
        run = runs[method.name]
        drawn = {"color": colour, "linestyle": dashes, "linewidth": 2}
        passes = np.array(run.steps) * method.batch / METHODS[2].batch
        label = f"{method.name} ({method.batch} a step, rate {method.rate:g})"
        axes[0].plot(run.steps[1:], run.losses[1:], label=label, **drawn)
        axes[1].plot(passes[1:], run.losses[1:], **drawn)
        axes[2].plot(1e3 * run.seconds_a_step * np.array(run.steps[1:]), run.losses[1:], **drawn)
    axes[0].set(ylabel="loss on all training scans, nats", xlabel="steps", title="over steps")
    axes[1].set(xlabel="passes over the scans", title="over scans seen")
    axes[2].set(xlabel="time, ms", title="over time")
    for axis in axes:
        axis.set(xscale="log", yscale="log")
        axis.grid(alpha=0.3)
    axes[0].legend(fontsize=8, handlelength=4)


def run(settings: Settings) -> Result:
    """Descend by each method from the same weights, and compare."""
    data = scans()
    runs = {
        method.name: descend(
            method,
            max(1, method.passes // 10) if settings.quick else method.passes,
            settings.seed,
            data,
        )
        for method in METHODS
    }
    rows = [
        [
            name,
            str(run.steps[-1]),
            f"{1e6 * run.seconds_a_step:.0f}",
            f"{run.seconds_a_step * run.steps[-1]:.2f}",
            f"{run.losses[-1]:.4f}",
            f"{run.accuracy:.1%}",
        ]
        for name, run in runs.items()
    ]
    head = ["method", "steps", "us a step", "seconds", "loss", "right on test scans"]
    print_msg(table(head, rows) + "\n")
    save_figure(settings.picture, lambda figure: draw(figure, runs), (14, 5))
    line = "loss " + ", ".join(f"{run.losses[-1]:.4f} by {name}" for name, run in runs.items())
    figures = {name: run.losses[-1] for name, run in runs.items()}
    figures["right"] = min(run.accuracy for run in runs.values())
    return Result(line, figures)
