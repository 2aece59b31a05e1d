"""One neuron, and a 2-2-1 network, forward and backward, with every number beside NumPy's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

import chainrule as cr
from chainrule import layers, losses, ops
from chainrule.examples._training import save_figure
from chainrule.examples.tour import neuron_picture
from chainrule.examples.tour.both_ways import chain, largest_difference, side_by_side, sum_of_ways
from chainrule.examples.tour.page import Result, Settings
from chainrule.utils.io import print_msg

__all__ = ["TEXT", "TITLE", "run"]

Array = npt.NDArray[Any]
Numbers = dict[str, Array]

TITLE = "One neuron and a small network, by hand"
TEXT = """\
A neuron weighs its inputs, adds a bias, and bends the sum. The loss says how far its answer a is from
the target y:

    z = w1*x1 + w2*x2 + b        a = sigmoid(z) = 1 / (1 + exp(-z))        L = (a - y)^2

How L changes with a weight follows from the chain rule: multiply the slopes along the way from the
weight to the loss. Each needs only numbers that the forward pass has made:

    dL/da = 2 (a - y)            da/dz = a (1 - a)                         dz/dw1 = x1

A network is neurons that feed neurons. Backward from the loss, every slope that has been found serves
all that lies before it, and where several ways lead to the loss, their products are added.
"""
SECOND = """\
The network has two inputs x, two hidden neurons h = sigmoid(z) with z = x W + b, and one neuron of
output a = sigmoid(s) with s = h v + c. W12 leads from x1 to h2.
"""

NEURON = {"x": [1.5, -0.5], "w": [0.8, 0.4], "b": 0.1, "y": 0.0}
NETWORK = {
    "x": [0.5, -1.0],
    "W": [[0.9, -0.7], [0.3, -0.4]],
    "b": [0.1, -0.2],
    "v": [1.2, -0.8],
    "c": 0.05,
    "y": 1.0,
}
RATE = 0.5


def sigmoid(z: Array) -> Array:
    """1 / (1 + exp(-z)) in NumPy."""
    return np.asarray(1 / (1 + np.exp(-z)))


def slope(f: Callable[[Any], Any], at: Any) -> Array:
    """f'(at), entry by entry, by chainrule."""
    return np.asarray(cr.grad(lambda x: ops.sum(f(x)))(at))


def neuron_in_numpy(x: Array, w: Array, b: Array, y: Array) -> Numbers:
    """Forward and backward through the neuron, by the formulas of the text."""
    z = w[0] * x[0] + w[1] * x[1] + b
    a = sigmoid(z)
    by_a, by_z = 2 * (a - y), a * (1 - a)
    return {
        "z": z,
        "a": a,
        "L": (a - y) ** 2,
        "dL/da": by_a,
        "da/dz": by_z,
        "dL/dz": by_a * by_z,
        "dL/dw": by_a * by_z * x,
        "dL/db": by_a * by_z,
        "dL/dx": by_a * by_z * w,
    }


def neuron_in_chainrule(x: Array, w: Array, b: Array, y: Array) -> Numbers:
    """The same: only the forward pass is written, the slopes are `chainrule.grad`'s."""

    def loss_of_answer(a: Any) -> Any:
        return ops.square(a - y)

    def loss_of_sum(z: Any) -> Any:
        return loss_of_answer(ops.sigmoid(z))

    def loss(w: Any, b: Any, x: Any) -> Any:
        return loss_of_sum(ops.dot(w, x) + b)

    z = ops.dot(w, x) + b
    a = ops.sigmoid(z)
    by_w, by_b, by_x = cr.grad(loss, argnums=(0, 1, 2))(w, b, x)
    return {
        "z": z,
        "a": a,
        "L": loss(w, b, x),
        "dL/da": slope(loss_of_answer, a),
        "da/dz": slope(ops.sigmoid, z),
        "dL/dz": slope(loss_of_sum, z),
        "dL/dw": by_w,
        "dL/db": by_b,
        "dL/dx": by_x,
    }


def network_in_numpy(x: Array, W: Array, b: Array, v: Array, c: Array, y: Array) -> Numbers:
    """Forward and backward through the 2-2-1 network, layer by layer."""
    z = x @ W + b
    h = sigmoid(z)
    s = h @ v + c
    a = sigmoid(s)
    by_s = 2 * (a - y) * a * (1 - a)
    by_z = by_s * v * h * (1 - h)
    return {
        "z": z,
        "h": h,
        "s": s,
        "a": a,
        "L": (a - y) ** 2,
        "dL/da": 2 * (a - y),
        "da/ds": a * (1 - a),
        "dL/ds": by_s,
        "dL/dv": by_s * h,
        "dL/dc": by_s,
        "dL/dh": by_s * v,
        "dh/dz": h * (1 - h),
        "dL/dz": by_z,
        "dL/dW": np.outer(x, by_z),
        "dL/db": by_z,
        "dL/dx": W @ by_z,
    }


def network_in_chainrule(x: Array, W: Array, b: Array, v: Array, c: Array, y: Array) -> Numbers:
    """The same by `chainrule.grad`; a slope by a number on the way is the one by a 0 added to it."""

    def loss(weights: Any, added: Any) -> Any:
        W, b, v, c, x = weights
        z = ops.matmul(x, W) + b + added["z"]
        h = ops.sigmoid(z) + added["h"]
        s = ops.dot(h, v) + c + added["s"]
        a = ops.sigmoid(s) + added["a"]
        return ops.square(a - y), {"z": z, "h": h, "s": s, "a": a}

    zeros = {"z": np.zeros(2), "h": np.zeros(2), "s": np.zeros(()), "a": np.zeros(())}
    both = cr.value_and_grad(loss, argnums=(0, 1), has_aux=True)
    (value, n), ((by_W, by_b, by_v, by_c, by_x), by) = both((W, b, v, c, x), zeros)
    return {
        **n,
        "L": value,
        "dL/da": by["a"],
        "da/ds": slope(ops.sigmoid, n["s"]),
        "dL/ds": by["s"],
        "dL/dv": by_v,
        "dL/dc": by_c,
        "dL/dh": by["h"],
        "dh/dz": slope(ops.sigmoid, n["z"]),
        "dL/dz": by["z"],
        "dL/dW": by_W,
        "dL/db": by_b,
        "dL/dx": by_x,
    }


def one_step(x: Array, W: Array, b: Array, v: Array, c: Array, y: Array) -> tuple[Numbers, float]:
    """The weights after one step of `Model.fit` on the same network, and the loss they give."""
    hidden = layers.Dense(2, activation="sigmoid", dtype="float64")
    out = layers.Dense(1, activation="sigmoid", dtype="float64")
    model = cr.Sequential([cr.Input((2,), dtype="float64"), hidden, out])
    model.set_weights([W, b, v[:, None], c[None]])
    model.compile(cr.optimizers.SGD(RATE), losses.MeanSquaredError(dtype="float64"))
    model.fit(x[None], y[None, None], epochs=1, verbose=0)
    after = model.evaluate(x[None], y[None, None], verbose=0)
    W, b, v, c = model.get_weights()
    return {"W": W, "b": b, "v": v[:, 0], "c": c[0]}, float(after)


def written_out(n: Numbers, x: Array, W: Array, v: Array) -> str:
    """The chain rule for a weight of each layer and for an input, with the numbers in it."""
    whole = {"dL_da": float(n["dL/da"]), "da_ds": float(n["da/ds"])}
    ways = [{f"ds_dh{j + 1}": v[j], f"dh{j + 1}_dz{j + 1}": n["dh/dz"][j]} for j in range(len(v))]
    last = [{f"dz{j + 1}_dx1": W[0, j]} for j in range(len(v))]
    return "\n".join(
        [
            chain("dL/dv1", **whole, ds_dv1=n["h"][0]),
            chain("dL/dW12", **whole, **ways[1], dz2_dW12=x[0]),
            sum_of_ways("dL/dx1", *({**whole, **way, **end} for way, end in zip(ways, last))),
        ]
    )


def run(settings: Settings) -> Result:
    """Compute both ways, compare, write the chain rule out, and take one step."""
    x, w, b, y = (np.array(NEURON[name], "float64") for name in "xwby")
    ours, theirs = neuron_in_chainrule(x, w, b, y), neuron_in_numpy(x, w, b, y)
    print_msg(side_by_side(ours, theirs) + "\n")
    slopes = {"dL_da": float(ours["dL/da"]), "da_dz": float(ours["da/dz"])}
    print_msg(chain("dL/dw1", **slopes, dz_dw1=x[0]) + "\n")
    differences = [largest_difference(ours, theirs)]

    print_msg(SECOND)
    given = {name: np.array(value, "float64") for name, value in NETWORK.items()}
    n, by_hand = network_in_chainrule(**given), network_in_numpy(**given)
    print_msg(side_by_side(n, by_hand) + "\n")
    print_msg(written_out(n, given["x"], given["W"], given["v"]) + "\n")
    differences.append(largest_difference(n, by_hand))

    print_msg(f"One step down the slope: weight - {RATE} * dL/dweight, by Model.fit and by hand:\n")
    stepped, after = one_step(**given)
    expected = {name: given[name] - RATE * by_hand[f"dL/d{name}"] for name in stepped}
    print_msg(side_by_side(stepped, expected) + "\n")
    differences.append(largest_difference(stepped, expected))

    save_figure(
        settings.picture,
        lambda figure: neuron_picture.draw(figure, {**NEURON, **ours}, {**given, **n}),
        (13, 5.2),
    )
    before = float(n["L"])
    worst = max(differences)
    line = (
        f"chainrule and NumPy agree to {f'{worst:.0e} of each number' if worst else 'the last bit'}; "
        f"one step lowers the network's loss from {before:.4f} to {after:.4f}"
    )
    figures = {"difference": worst, "loss": before, "loss after a step": after}
    return Result(line, figures)
