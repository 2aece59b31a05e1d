"""Zeros, small random numbers, Xavier's and He's rules: what passes through ten layers at first."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

import chainrule as cr
from chainrule import initializers, ops
from chainrule.examples._training import save_figure
from chainrule.examples.tour.page import COLOURS, DASHES, Result, Settings, table
from chainrule.examples.tour.stacks import WIDTH, Rule, activations_of, batch, kernels_of, network
from chainrule.utils.io import print_msg

__all__ = ["TEXT", "TITLE", "run"]

Array = npt.NDArray[Any]

TITLE = "Initial weights: zeros, small random, Xavier, He"
TEXT = """\
With weights of 0 every unit gives 0 for every scan and gets a gradient of 0, so that only the last bias
ever moves; equal weights of another number keep all units of a layer equal. Random weights break the
tie, and their spread decides what passes: a sum of n inputs times weights of variance v has n v times
the inputs' variance. So small weights make every layer's numbers smaller than those of the layer before,
and large ones make them grow.

    small random    variance 0.01^2
    Xavier          variance 2 / (n + m), for n inputs and m units (Glorot and Bengio 2010): for tanh
    He              variance 2 / n (He et al. 2015): ReLU halves the mean square, the 2 makes up for it

Below, the spread (standard deviation) of what each of ten layers of 64 units gives at first, and the
loss of the same networks as they learn digits.
"""
DEPTH = 10
RULES: dict[str, Rule] = {
    "zeros": lambda seed: initializers.Zeros(),
    "small random": lambda seed: initializers.RandomNormal(stddev=0.01, seed=seed),
    "Xavier": lambda seed: initializers.GlorotNormal(seed=seed),
    "He": lambda seed: initializers.HeNormal(seed=seed),
}
FUNCTIONS = {"tanh": ops.tanh, "ReLU": ops.relu}


def spreads(rule: str, function: str, seed: int) -> Array:
    """(DEPTH,): the standard deviation of what each layer gives for 256 scans."""
    x, _ = batch(256)
    kernels = kernels_of(DEPTH, RULES[rule], seed)
    given = activations_of(kernels, FUNCTIONS[function], x)[:-1]
    return np.array([np.std(a) for a in given])


def losses(rule: str, function: str, seed: int, passes: int) -> tuple[list[float], float]:
    """The loss in each pass of a training, and how far a hidden weight has moved at most."""
    x, y = batch(1442)
    cr.utils.set_random_seed(seed)
    model = network(DEPTH, function.lower(), RULES[rule], seed)
    before = [w for w in model.get_weights() if w.shape == (WIDTH, WIDTH)]
    model.compile(
        cr.optimizers.SGD(0.03), cr.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    curve = model.fit(x, y, epochs=passes, verbose=0).history["loss"]
    after = [w for w in model.get_weights() if w.shape == (WIDTH, WIDTH)]
    return curve, max(float(np.max(np.abs(a - b))) for a, b in zip(after, before))


def draw(
    figure: Any, spread: dict[tuple[str, str], Array], loss: dict[tuple[str, str], Any]
) -> None:
    """For either function, the spread by layer and the loss by pass."""
    axes = figure.subplots(2, 2)
    for column, function in zip(axes.T, FUNCTIONS):
        for rule, colour, dashes, mark in zip(RULES, COLOURS, DASHES, "os^D"):
            # The losses of zeros and of small random weights are the same line: one shows below the other.
            width = 6 if rule == "zeros" else 2
            drawn = {"color": colour, "linestyle": dashes, "linewidth": width, "label": rule}
            values = spread[rule, function]
            if values.any():
                column[0].plot(range(1, DEPTH + 1), values, marker=mark, **drawn)
            else:
                column[0].plot([], [], **{**drawn, "label": f"{rule}: nothing passes"})
            curve = loss[rule, function]
            column[1].plot(range(1, len(curve) + 1), curve, **drawn)
        column[0].set(title=f"{function}, before the first step", yscale="log", xlabel="layer")
        column[0].set(ylabel="spread of what the layer gives")
        column[0].set_xticks(range(1, DEPTH + 1))
        column[1].set(
            title=f"{function}, training", xlabel="pass over the scans", ylabel="loss, nats"
        )
        column[1].set_ylim(0, 2.6)
        column[1].xaxis.get_major_locator().set_params(integer=True)
        for axis in column:
            axis.grid(alpha=0.3)
            axis.legend(handlelength=3)


def run(settings: Settings) -> Result:
    """Spread and losses for either function and each rule."""
    spread, curves, rows, figures = {}, {}, [], {}
    for function in FUNCTIONS:
        for rule in RULES:
            key = rule, function
            spread[key] = spreads(rule, function, settings.seed)
            curves[key], moved = losses(rule, function, settings.seed, 3 if settings.quick else 20)
            figures[f"{function}, {rule}"] = curves[key][-1]
            rows.append(
                [
                    f"{function}, {rule}",
                    f"{spread[key][0]:.1e}",
                    f"{spread[key][-1]:.1e}",
                    f"{curves[key][-1]:.3f}",
                    f"{moved:.1e}",
                ]
            )
    head = ["weights", "spread, layer 1", f"layer {DEPTH}", "loss at last", "hidden weights moved"]
    print_msg(table(head, rows) + "\n")
    save_figure(settings.picture, lambda figure: draw(figure, spread, curves), (11, 8.5))
    line = "loss " + ", ".join(f"{loss:.2f} ({name})" for name, loss in figures.items())
    return Result(line, figures)
