"""Sigmoid, ReLU and tanh, their derivatives, and what is left of a gradient after 20 layers of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

import chainrule as cr
from chainrule import initializers, ops
from chainrule.examples._training import save_figure
from chainrule.examples.tour.page import COLOURS, DASHES, Result, Settings, table
from chainrule.examples.tour.stacks import Rule, gradient_norms, kernels_of
from chainrule.utils.io import print_msg

__all__ = ["TEXT", "TITLE", "run"]

Array = npt.NDArray[Any]

TITLE = "Sigmoid, ReLU, tanh and their derivatives"
TEXT = """\
Without a bend between them, two layers would be one. Three common bends, and their slopes:

    sigmoid(z) = 1 / (1 + exp(-z))     slope s (1 - s)         at most 1/4, about 0 beyond 5
    tanh(z)                            slope 1 - tanh(z)^2     at most 1, about 0 beyond 3
    ReLU(z)    = max(z, 0)             slope 1 above 0, else 0

On its way back, a gradient is multiplied by the slope of every layer and by its weights. Twenty factors
of a quarter or less leave nothing, whatever the loss: the first layers of a deep network of sigmoids
hardly move. Below, dL/dW of each of 20 layers of 64 units before the first step, for weights as Glorot
and Bengio draw them (2010; variance 1/64 here) and, for ReLU, which lets half of the sums through, as He
et al. do (2015; variance 2/64). The loss is the cross-entropy of 256 scans of digits.
"""
DEPTH = 20

FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "sigmoid": ops.sigmoid,
    "tanh": ops.tanh,
    "ReLU": ops.relu,
}
SLOPES: dict[str, Callable[[Array], Array]] = {
    "sigmoid": lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2,
    "tanh": lambda z: 1 / np.cosh(z) ** 2,
    "ReLU": lambda z: np.where(z > 0, 1.0, 0.0),
}
STACKS: dict[str, tuple[str, Rule]] = {
    "sigmoid, Glorot": ("sigmoid", lambda seed: initializers.GlorotNormal(seed=seed)),
    "tanh, Glorot": ("tanh", lambda seed: initializers.GlorotNormal(seed=seed)),
    "ReLU, Glorot": ("ReLU", lambda seed: initializers.GlorotNormal(seed=seed)),
    "ReLU, He": ("ReLU", lambda seed: initializers.HeNormal(seed=seed)),
}


def derivative(name: str, z: Array) -> Array:
    """f'(z), entry by entry.

    Raises
    ------
    ArithmeticError
        Where it is not the formula's, by more than a millionth.
    """
    slopes = np.asarray(cr.grad(lambda z: ops.sum(FUNCTIONS[name](z)))(z))
    expected = SLOPES[name](z)
    if not np.allclose(slopes, expected, rtol=0, atol=1e-6):
        worst = int(np.argmax(np.abs(slopes - expected)))
        raise ArithmeticError(
            f"{name}'({z[worst]:g}): chainrule computes {slopes[worst]!r}, the formula {expected[worst]!r}"
        )
    return slopes


def factor(norms: Array) -> float:
    """What a layer multiplies the gradient by on its way back, in the mean of all but the last."""
    return float((norms[0] / norms[-2]) ** (1 / (len(norms) - 2)))


def draw(figure: Any, norms: dict[str, Array]) -> None:
    """The functions, their slopes, and the gradients by layer."""
    first, second, third = figure.subplots(1, 3, width_ratios=(1, 1, 1.4))
    z = np.linspace(-6, 6, 240)
    for name, colour, dashes in zip(FUNCTIONS, COLOURS, DASHES):
        drawn = {"color": colour, "linestyle": dashes, "linewidth": 2, "label": name}
        first.plot(z, np.asarray(FUNCTIONS[name](z)), **drawn)
        second.plot(z, derivative(name, z), **drawn)
    first.set(xlabel="z", ylabel="f(z)", title="functions", ylim=(-1.3, 2.6))
    second.set(xlabel="z", ylabel="f'(z)", title="derivatives, by chainrule.grad")
    for (name, values), mark in zip(norms.items(), "osv^"):
        function = STACKS[name][0]
        colour = COLOURS[list(FUNCTIONS).index(function)]
        label = f"{name}: x {factor(values):.2f} a layer back"
        style = "--" if name == "ReLU, Glorot" else "-"
        third.semilogy(
            range(1, len(values)), values[:-1], style, marker=mark, color=colour, label=label
        )
    third.set(xlabel="layer, the first reads the scan", ylabel="norm of dL/dW")
    third.set_title("gradients before the first step")
    third.set_xticks(range(1, DEPTH + 1, 2))
    for axis in (first, second, third):
        axis.grid(alpha=0.3)
        axis.legend(handlelength=3)


def run(settings: Settings) -> Result:
    """Check and print the derivatives, then the gradients of the stacks."""
    places = np.array([-5.0, -2.0, -0.5, 0.5, 2.0, 5.0])
    rows = [[name, *(f"{slope:.5f}" for slope in derivative(name, places))] for name in FUNCTIONS]
    print_msg("The slopes by chainrule.grad, which are those of the formulas:\n")
    print_msg(table(["slope at", *(f"{z:g}" for z in places)], rows) + "\n")
    norms, rows = {}, []
    for name, (function, rule) in STACKS.items():
        kernels = kernels_of(DEPTH, rule, settings.seed)
        norms[name] = gradient_norms(kernels, FUNCTIONS[function], 32 if settings.quick else 256)
        first, last = norms[name][[0, -2]]
        rows.append([name, f"{first:.1e}", f"{last:.1e}", f"{factor(norms[name]):.2f}"])
    print_msg(f"Norm of dL/dW in a network of {DEPTH} layers:\n")
    print_msg(table(["stack", "layer 1", f"layer {DEPTH}", "a layer back"], rows) + "\n")
    save_figure(settings.picture, lambda figure: draw(figure, norms), (15, 4.8))
    figures = {name: factor(values) for name, values in norms.items()}
    line = ", ".join(f"{value:.2f} ({name})" for name, value in figures.items())
    return Result(f"a layer back, the gradient is multiplied by {line}", figures)
