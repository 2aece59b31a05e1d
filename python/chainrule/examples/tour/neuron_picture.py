"""The picture of the first chapter: the neuron's slopes, and the network with all its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.examples.tour.page import BLUE, ORANGE

__all__ = ["draw"]

# Where the parts of the network stand: (across, up).
PLACES = {
    "x1": (0.0, 1.0),
    "x2": (0.0, 0.0),
    "h1": (1.0, 1.0),
    "h2": (1.0, 0.0),
    "a": (2.0, 0.5),
    "L": (2.85, 0.5),
}
BOX = {"boxstyle": "square,pad=0.15", "facecolor": "white", "edgecolor": "none"}


def _values(axis: Any, at: tuple[float, float], forward: str, backward: str, size: float) -> None:
    """A number in blue, and the loss's slope by it in orange below."""
    x, y = at
    axis.text(x, y + 0.02, forward, color=BLUE, ha="center", va="bottom", fontsize=size, bbox=BOX)
    axis.text(x, y - 0.02, backward, color=ORANGE, ha="center", va="top", fontsize=size, bbox=BOX)


def _draw_neuron(axis: Any, n: Mapping[str, Any]) -> None:
    """The loss by z, where the neuron stands, and its tangent."""
    z, y = float(n["z"]), float(np.asarray(n["y"]))
    sums = np.linspace(-5, 5, 201)
    answers = 1 / (1 + np.exp(-sums))
    axis.plot(sums, answers, color="0.45", linestyle="--", label="a = sigmoid(z)")
    axis.plot(sums, (answers - y) ** 2, color=BLUE, linewidth=2, label="L = (a - y)$^2$")
    near = np.array([z - 1.6, z + 1.6])
    loss, by_z = float(n["L"]), float(n["dL/dz"])
    label = f"slope dL/dz = {by_z:.3f}"
    axis.plot(near, loss + by_z * (near - z), color=ORANGE, linewidth=2, label=label)
    axis.plot([z], [loss], "o", color=ORANGE, markersize=8)
    axis.set(xlabel="z = w1*x1 + w2*x2 + b", ylabel="a and L (no unit)")
    axis.set_title("one neuron, target y = 0")
    axis.set_ylim(-0.05, 1.25)
    axis.grid(alpha=0.3)
    axis.legend(loc="upper left")


def _named(n: Mapping[str, Any], label: str) -> tuple[float, float]:
    """A number by its name and place, as `h1`, and the loss's slope by it."""
    name, place = label[0], tuple(int(i) - 1 for i in label[1:])
    return float(n[name][place]), 1.0 if label == "L" else float(n["dL/d" + name][place])


def _draw_network(axis: Any, n: Mapping[str, Any]) -> None:
    """Every neuron and weight with its number and the loss's slope by it."""
    weights = {
        **{(f"x{i + 1}", f"h{j + 1}"): ("W", (i, j)) for i in range(2) for j in range(2)},
        **{(f"h{j + 1}", "a"): ("v", (j,)) for j in range(2)},
    }
    for (start, end), (name, place) in weights.items():
        (x0, y0), (x1, y1) = PLACES[start], PLACES[end]
        axis.annotate(
            "",
            (x1, y1),
            (x0, y0),
            arrowprops={"arrowstyle": "-|>", "color": "0.6", "shrinkA": 26, "shrinkB": 26},
        )
        crossing = name == "W" and place[0] != place[1]
        part = 0.3 if crossing else 0.5
        label = name + "".join(str(i + 1) for i in place)
        _values(
            axis,
            (x0 + part * (x1 - x0), y0 + part * (y1 - y0)),
            f"{label} = {n[name][place]:.2f}",
            f"{n['dL/d' + name][place]:+.4f}",
            9,
        )
    axis.annotate(
        "",
        PLACES["L"],
        PLACES["a"],
        arrowprops={"arrowstyle": "-|>", "color": "0.6", "shrinkA": 26, "shrinkB": 26},
    )
    for label, at in {"b1": (1, 1.24), "b2": (1, -0.24), "c": (2, 0.74)}.items():
        value, slope = _named(n, label)
        _values(axis, at, f"{label} = {value:.2f}", f"{slope:+.4f}", 9)
    for label, (x, y) in PLACES.items():
        value, slope = _named(n, label)
        axis.plot([x], [y], "o", markersize=50, markerfacecolor="white", markeredgecolor="0.3")
        middle = {"ha": "center", "va": "center"}
        axis.text(x, y + 0.07, label, fontsize=9, weight="bold", **middle)
        axis.text(x, y, f"{value:.3f}", fontsize=9, color=BLUE, **middle)
        axis.text(x, y - 0.07, f"{slope:+.4f}", fontsize=8, color=ORANGE, **middle)
    axis.set(xlim=(-0.3, 3.15), ylim=(-0.5, 1.36), title="the 2-2-1 network, target y = 1")
    axis.text(1.42, -0.48, "forward: the number", color=BLUE, ha="right")
    axis.text(1.48, -0.48, "backward: dL/d(number)", color=ORANGE, ha="left")
    axis.axis("off")


def draw(figure: Any, neuron: Mapping[str, Any], network: Mapping[str, Any]) -> None:
    """Fill the figure with the numbers of both, by the names that the tables have."""
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.6))
    _draw_neuron(left, neuron)
    _draw_network(right, network)
