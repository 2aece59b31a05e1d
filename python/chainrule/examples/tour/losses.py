"""Mean squared error and cross-entropy: their surfaces over two weights, and where each stops teaching."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

import chainrule as cr
from chainrule import ops
from chainrule.examples._training import save_figure
from chainrule.examples.tour.page import BLUE, ORANGE, Result, Settings, scans, table
from chainrule.utils.io import print_msg

__all__ = ["TEXT", "TITLE", "run"]

Array = npt.NDArray[Any]
Loss = Callable[[Any, Any], Any]

TITLE = "Mean squared error and cross-entropy"
TEXT = """\
Two losses for a neuron that answers p = sigmoid(z), where the target y is 0 or 1:

    mean squared error   MSE = mean (p - y)^2                               dMSE/dz = 2 (p - y) p (1 - p)
    cross-entropy        CE  = mean (-y log p - (1 - y) log(1 - p))         dCE/dz  = p - y

Where the neuron is sure and wrong, p (1 - p) is almost 0, and so is the slope of MSE: the sigmoid is
saturated, and the worst mistakes teach least. Cross-entropy's logarithm undoes the sigmoid's exp, the
factor cancels, and the slope is the mistake itself. For a number as an answer (a price, a temperature)
there is no sigmoid at the end, and MSE is what fits errors with a normal distribution.

The two weights below are those of p = sigmoid(w x + b), which tells scans of the digit 1 from those of
0 by x, the ink in the middle of the scan less the ink at its sides. Both descents begin at the same
wrong and sure place and take steps of the same rate.
"""
START = (-9.0, 6.0)
RATE = 2.0
STEPS = 400
REACH = 12.0


def squared_error(y: Any, z: Any) -> Any:
    """(sigmoid(z) - y)^2, entry by entry."""
    return ops.square(ops.sigmoid(z) - y)


def cross_entropy(y: Any, z: Any) -> Any:
    """-y log p - (1 - y) log(1 - p) with p = sigmoid(z), which is log(1 + exp(z)) - y z."""
    return ops.softplus(z) - y * z


LOSSES: dict[str, Loss] = {"MSE": squared_error, "cross-entropy": cross_entropy}
COLOURS = {"MSE": ORANGE, "cross-entropy": BLUE}


def slopes_of(loss: Loss, z: Any) -> Any:
    """dL/dz where the target is 1, entry by entry."""
    return cr.grad(lambda z: ops.sum(loss(1.0, z)))(z)


def ink() -> tuple[Array, Array]:
    """x (N,) and y (N,): the feature of the scans of 0 and 1, and which are 1."""
    (images, labels), _ = scans()
    images, labels = images[labels < 2].reshape(-1, 8, 8), labels[labels < 2]
    x = images[:, 2:6, 3:5].mean(axis=(1, 2)) - images[:, 2:6, [1, 2, 5, 6]].mean(axis=(1, 2))
    return x, labels.astype("float32")


def mean_loss(loss: Loss, x: Array, y: Array) -> Callable[[Any], Any]:
    """The mean over the scans by weights (..., 2); with many pairs of weights, a loss for each."""

    def of_weights(weights: Any) -> Any:
        w, b = weights[..., :1], weights[..., 1:]
        return ops.mean(loss(y, w * x + b), axis=-1)

    return of_weights


def gradients(f: Callable[[Any], Any], weights: Array) -> Array:
    """Of f at each pair of weights (..., 2): each loss depends on its own pair alone."""
    return np.asarray(cr.grad(lambda w: ops.sum(f(w)))(weights))


def descend(f: Callable[[Any], Any], steps: int) -> tuple[Array, Array]:
    """The weights (steps + 1, 2) of a descent from START, and the loss at each."""
    both = cr.value_and_grad(f)
    path, values = [np.array(START, "float32")], []
    for _ in range(steps):
        value, gradient = both(path[-1])
        values.append(value)
        path.append(path[-1] - np.float32(RATE) * gradient)
    return np.array(path), np.array([*values, f(path[-1])])


def accuracy(weights: Array, x: Array, y: Array) -> float:
    """The share of scans on the right side of 0."""
    return float(np.mean((weights[0] * x + weights[1] > 0) == (y > 0.5)))


def _draw_surface(axis: Any, name: str, f: Callable[[Any], Any], path: Array) -> None:
    """Heights of a loss over w and b, its arrows down, and the descent."""
    places = np.linspace(-REACH, REACH, 97, dtype="float32")
    heights = f(np.stack(np.meshgrid(places, places), axis=-1))
    filled = axis.contourf(places, places, heights, levels=16, cmap="cividis")
    axis.figure.colorbar(filled, ax=axis, label="loss" if name == "MSE" else "loss, nats")
    coarse = np.linspace(-REACH + 1, REACH - 1, 12, dtype="float32")
    points = np.stack(np.meshgrid(coarse, coarse), axis=-1)
    down = -gradients(f, points)
    axis.quiver(
        *np.moveaxis(points, -1, 0),
        *np.moveaxis(down, -1, 0),
        color="white",
        width=0.004,
        angles="xy",
        scale_units="xy",
        scale=np.linalg.norm(down, axis=-1).max() / 2,
    )
    axis.plot(path[:, 0], path[:, 1], color=ORANGE, linewidth=2.5, label=f"{len(path) - 1} steps")
    axis.plot(*path[0], "o", color=ORANGE, markeredgecolor="white", markersize=9, label="start")
    axis.plot(*path[-1], "X", color=ORANGE, markeredgecolor="white", markersize=11, label="end")
    axis.set(xlabel="weight w", ylabel="bias b", xlim=(-REACH, REACH), ylim=(-REACH, REACH))
    axis.set_title(f"{name}: surface, and minus its gradient")
    axis.legend(loc="lower left", framealpha=0.9)


def draw(
    figure: Any, surfaces: dict[str, Any], paths: dict[str, Array], losses: dict[str, Array]
) -> None:
    """Both surfaces with their descents, the slope by z, and the losses over the steps."""
    (first, second), (third, fourth) = figure.subplots(2, 2)
    for axis, (name, f) in zip((first, second), surfaces.items()):
        _draw_surface(axis, name, f, paths[name])
    z = np.linspace(-10, 10, 201, dtype="float32")
    for name, loss in LOSSES.items():
        slopes = slopes_of(loss, z)
        style = "-" if name == "MSE" else "--"
        third.plot(z, slopes, style, color=COLOURS[name], linewidth=2, label=name)
        relative = losses[name] / losses[name][0]
        fourth.plot(relative, style, color=COLOURS[name], linewidth=2, label=name)
    third.set(xlabel="z, before the sigmoid", ylabel="dL/dz", title="slope where the target is 1")
    third.annotate(
        "sure and wrong:\nMSE has no slope",
        (-8, -0.02),
        (-9.5, -0.55),
        arrowprops={"arrowstyle": "->"},
    )
    fourth.set(xlabel="step", ylabel="loss, the first = 1", title="descent at the same rate")
    for axis in (third, fourth):
        axis.grid(alpha=0.3)
        axis.legend()


def run(settings: Settings) -> Result:
    """Print the slopes of a saturated neuron, descend on both surfaces, and compare."""
    rows = []
    for z in (-8.0, -4.0, 0.0, 4.0):
        mse, ce = (slopes_of(loss, np.float32(z)) for loss in LOSSES.values())
        rows.append([f"{z:g}", f"{float(ops.sigmoid(z)):.5f}", f"{mse:.5f}", f"{ce:.5f}"])
    print_msg("A neuron whose target is 1:\n")
    print_msg(table(["z", "p", "dMSE/dz", "dCE/dz"], rows) + "\n")

    x, y = ink()
    surfaces = {name: mean_loss(loss, x, y) for name, loss in LOSSES.items()}
    paths, curves, rows, figures = {}, {}, [], {}
    for name, f in surfaces.items():
        paths[name], curves[name] = descend(f, 50 if settings.quick else STEPS)
        norms = np.linalg.norm(gradients(f, paths[name][[0, -1]]), axis=-1)
        figures[name] = accuracy(paths[name][-1], x, y)
        rows.append(
            [
                name,
                f"{curves[name][0]:.4f}",
                f"{curves[name][-1]:.4f}",
                f"{norms[0]:.5f}",
                f"{norms[1]:.5f}",
                f"{paths[name][-1][0]:.1f}, {paths[name][-1][1]:.1f}",
                f"{figures[name]:.1%}",
            ]
        )
    steps = len(paths["MSE"]) - 1
    print_msg(f"{len(x)} scans of 0 and 1, {steps} steps of rate {RATE} from (w, b) = {START}:\n")
    print_msg(
        table(["loss", "at first", "at last", "slope at first", "at last", "w, b", "right"], rows)
        + "\n"
    )
    save_figure(settings.picture, lambda figure: draw(figure, surfaces, paths, curves), (12, 10))
    line = ", ".join(f"{value:.1%} right by {name}" for name, value in figures.items())
    return Result(f"{line}, from the same start at the same rate", figures)
