"""Gradients that vanish or explode, over 20 layers and over 120 steps, and what cures them."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import chainrule as cr
from chainrule import initializers, layers, ops, optimizers
from chainrule.examples._training import save_figure
from chainrule.examples.tour.page import COLOURS, DASHES, Result, Settings, table
from chainrule.examples.tour.stacks import Rule, batch, network
from chainrule.utils.io import print_msg

__all__ = ["TEXT", "TITLE", "run"]

Array = npt.NDArray[Any]
Curves = dict[str, list[float]]

TITLE = "Vanishing and exploding gradients, and their cures"
TEXT = """\
A gradient that passes many layers, or many steps of a recurrent network, is a product of as many factors.
Are they mostly below 1, it vanishes; above 1, it explodes, and one step throws the weights far away.

    ReLU                   slope 1 instead of 1/4 or less (with He's weights)
    batch normalisation    each unit's sums get mean 0 and spread 1 over the batch, whatever the layers
                           below do (Ioffe and Szegedy 2015): a sigmoid stays where it has a slope
    clipping               a gradient whose norm is above c is shortened to c; its direction stays
                           (Pascanu et al. 2013): `clipnorm=c` of any optimizer

First 20 layers that read digits. Then networks that read 120 numbers one after the other and are to say
at the end whether the first was 1 or -1; the others are noise. Their factor is the recurrent kernel, here
a rotation times a gain. An LSTM adds to its cell instead of multiplying: with forget gates that start
open for 1 to 120 steps (Tallec and Ollivier 2018) its gradient stays.
"""
DEPTH = 20
STEPS = 120
UNITS = 32


class Deep(NamedTuple):
    """A network of 20 layers, and how it is trained."""

    activation: str
    rule: Rule
    make: Any
    normalized: bool = False


def _glorot(seed: int) -> Any:
    return initializers.GlorotNormal(seed=seed)


def _he(seed: int) -> Any:
    return initializers.HeNormal(seed=seed)


def _large(seed: int) -> Any:
    """Half as much variance again as He's: 20 layers make numbers 58 times as large."""
    return initializers.VarianceScaling(3.0, "fan_in", "truncated_normal", seed=seed)


VANISHING = {
    "sigmoid": Deep("sigmoid", _glorot, lambda: optimizers.Adam(3e-3)),
    "sigmoid, batch norm.": Deep("sigmoid", _glorot, lambda: optimizers.Adam(3e-3), True),
    "ReLU": Deep("relu", _he, lambda: optimizers.Adam(3e-3)),
}
EXPLODING = {
    "large weights": Deep("relu", _large, lambda: optimizers.SGD(0.1)),
    "large weights, clipped": Deep("relu", _large, lambda: optimizers.SGD(0.1, clipnorm=1.0)),
}


def deep_norms(model: Any) -> Array:
    """The norm of the gradient by each layer's kernel."""
    x, y = batch(256)
    kernels = [w for w in model.trainable_weights if w.name == "kernel"]

    def loss(kernels: Any) -> Any:
        scores = model(x, training=True)
        return ops.mean(cr.losses.sparse_categorical_crossentropy(y, scores, from_logits=True))

    return np.array([np.linalg.norm(g) for g in cr.grad(loss)(kernels)])


def train_deep(deep: Deep, seed: int, passes: int) -> tuple[Array, list[float], float]:
    """Gradients before training, the loss in each pass, and the accuracy in the last."""
    cr.utils.set_random_seed(seed)
    model = network(DEPTH, deep.activation, deep.rule, seed, deep.normalized)
    norms = deep_norms(model)
    loss = cr.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(deep.make(), loss, metrics=["accuracy"])
    history = model.fit(*batch(1442), epochs=passes, verbose=0).history
    return norms, history["loss"], float(history["accuracy"][-1])


def _rotation(gain: float, seed: int) -> Any:
    orthogonal = initializers.Orthogonal(gain=gain, seed=seed)
    return layers.SimpleRNN(UNITS, recurrent_initializer=orthogonal)


def _open_gates(shape: Any, dtype: Any = None) -> Array:
    """Biases of an LSTM whose forget gates keep their cells for 1 to STEPS steps: log of these."""
    steps = np.log(np.linspace(1, STEPS - 1, shape[0] // 4))
    return np.concatenate([-steps, steps, 0 * steps, 0 * steps]).astype(dtype or "float32")


def recurrent_layer(name: str, seed: int) -> tuple[Any, Any]:
    """A layer by its name in the tables, and its optimizer."""
    if name.startswith("gain"):
        clip = 0.3 if "clipped" in name else None
        gain = float(name.split(",")[0].removeprefix("gain "))
        return _rotation(gain, seed), optimizers.SGD(0.1, clipnorm=clip)
    if name == "LSTM":
        return layers.LSTM(UNITS), optimizers.Adam(0.01)
    layer = layers.LSTM(UNITS, unit_forget_bias=False, bias_initializer=_open_gates)
    return layer, optimizers.Adam(0.01)


RECURRENT = ("gain 0.7", "gain 1.4", "gain 1.4, clipped", "LSTM", "LSTM, open gates")


def first_of_many(count: int, seed: int) -> tuple[Array, Array]:
    """(count, STEPS, 1) numbers, the first 1 or -1 and the others noise, and which it was."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 0.3, (count, STEPS, 1)).astype("float32")
    y = rng.integers(0, 2, (count, 1)).astype("float32")
    x[:, 0] = 2 * y - 1
    return x, y


def train_recurrent(name: str, seed: int, passes: int) -> tuple[Array, list[float], float]:
    """Gradients by the input of each step before training, losses, and the accuracy in the last pass."""
    x, y = first_of_many(512, seed)
    layer, optimizer = recurrent_layer(name, seed)
    cr.utils.set_random_seed(seed)
    model = cr.Sequential([cr.Input((STEPS, 1)), layer, layers.Dense(1)])
    few, answers = x[:32], y[:32]

    def loss(inputs: Any) -> Any:
        return ops.mean(cr.losses.binary_crossentropy(answers, model(inputs), from_logits=True))

    norms = np.linalg.norm(cr.grad(loss)(few), axis=(0, 2))
    right = cr.metrics.BinaryAccuracy(name="right", threshold=0.0)
    model.compile(optimizer, cr.losses.BinaryCrossentropy(from_logits=True), metrics=[right])
    history = model.fit(x, y, epochs=passes, verbose=0).history
    return norms, history["loss"], float(history["right"][-1])


def _draw_curves(axis: Any, curves: Curves, colours: Any, title: str) -> None:
    for (name, losses), colour, dashes in zip(curves.items(), colours, DASHES):
        drawn = {"color": colour, "linestyle": dashes, "linewidth": 2}
        finite = [loss for loss in losses if math.isfinite(loss)]
        if finite:
            axis.plot(range(1, len(finite) + 1), finite, label=name, **drawn)
        else:
            axis.plot([], [], label=f"{name}: not a number from the first pass on", **drawn)
    axis.set(xlabel="pass over the data", ylabel="loss, nats", title=title)
    axis.xaxis.get_major_locator().set_params(integer=True)


def _draw_norms(axis: Any, norms: dict[str, Array], colours: Any, title: str) -> None:
    for (name, values), colour, dashes in zip(norms.items(), colours, DASHES):
        places = range(1, len(values) + 1)
        axis.semilogy(places, values, linestyle=dashes, color=colour, linewidth=2, label=name)
    axis.set(title=title)


def draw(figure: Any, deep: dict[str, Any], recurrent: dict[str, Any]) -> None:
    """Above the deep networks, below the recurrent ones: gradients at first, then the losses."""
    above, below = figure.subfigures(2, 1)
    first, second, third = above.subplots(1, 3)
    _draw_norms(
        first, {n: deep[n][0] for n in VANISHING}, COLOURS, "20 layers, before the first step"
    )
    first.set(xlabel="layer, the first reads the scan", ylabel="norm of dL/dW")
    first.set_xticks(range(1, DEPTH + 2, 4))
    _draw_curves(second, {n: deep[n][1] for n in VANISHING}, COLOURS, "vanishing, and two cures")
    curves = {n: deep[n][1] for n in EXPLODING}
    _draw_curves(third, curves, COLOURS[3:], "exploding, and clipped to norms of 1")
    fourth, fifth = below.subplots(1, 2)
    norms = {n: recurrent[n][0] for n in RECURRENT if "clipped" not in n}
    colours = dict(zip(RECURRENT, COLOURS))
    title = f"{STEPS} steps, before the first pass"
    _draw_norms(fourth, norms, [colours[n] for n in norms], title)
    fourth.set(xlabel="step, the first holds the answer", ylabel="norm of dL/dx of the step")
    curves = {n: recurrent[n][1] for n in RECURRENT}
    _draw_curves(fifth, curves, COLOURS, "remembering the first number, clipped to norms of 0.3")
    for axis in (first, second, third, fourth, fifth):
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8, handlelength=4)


def run(settings: Settings) -> Result:
    """Train all, and print what passed back at first and what was learnt."""
    seed, quick = settings.seed, settings.quick
    deep = {n: train_deep(d, seed, 2 if quick else 10) for n, d in (VANISHING | EXPLODING).items()}
    recurrent = {n: train_recurrent(n, seed, 3 if quick else 12) for n in RECURRENT}
    rows = {
        part: [
            [name, f"{norms[0]:.1e}", f"{norms[last]:.1e}", f"{losses[-1]:.3f}", f"{right:.0%}"]
            for name, (norms, losses, right) in found.items()
        ]
        for part, found, last in (("deep", deep, -2), ("recurrent", recurrent, -1))
    }
    head = ["norm of dL/dW", "layer 1", f"layer {DEPTH}", "loss at last", "right"]
    print_msg(table(head, rows["deep"]) + "\n")
    head = ["norm of dL/dx", "step 1", f"step {STEPS}", "loss at last", "right"]
    print_msg(table(head, rows["recurrent"]) + "\n")
    save_figure(settings.picture, lambda figure: draw(figure, deep, recurrent), (15, 9))
    figures = {name: right for name, (_, _, right) in (deep | recurrent).items()}
    line = ", ".join(f"{right:.0%} ({name})" for name, right in figures.items())
    return Result(f"right {line}", figures)
