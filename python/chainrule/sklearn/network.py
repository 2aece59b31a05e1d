"""A perceptron of dense layers, written in ops: its outputs, and its losses from what they are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import ops
from chainrule.tracing import dispatch

__all__ = ["ACTIVATIONS", "OUTPUTS", "forward", "loss", "outputs", "penalty"]

Array = NDArray[Any]

# scikit-learn's names of hidden activations, and the core's.
ACTIVATIONS = {"identity": "linear", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}
# What stands behind the last layer, by scikit-learn's name.
OUTPUTS = {
    "identity": lambda z: z,
    "exp": ops.exp,
    "logistic": ops.sigmoid,
    "softmax": ops.softmax,
}


def forward(x: Any, coefs: Sequence[Any], intercepts: Sequence[Any], activation: str) -> Any:
    """The last layer's ``z = h @ coefs[-1] + intercepts[-1]``, with ``h = activation(...)`` before it.

    Shapes: x (N, K), coefs[i] (units[i], units[i + 1]), z (N, units[-1]).
    """
    last = len(coefs) - 1
    for i, (kernel, bias) in enumerate(zip(coefs, intercepts)):
        name = "linear" if i == last else ACTIVATIONS[activation]
        x = dispatch.apply("dense", {"activation": name}, [x, kernel, bias])
    return x


def outputs(
    x: Any, coefs: Sequence[Any], intercepts: Sequence[Any], activation: str, out: str
) -> Any:
    """What the perceptron predicts: probabilities, or means."""
    return OUTPUTS[out](forward(x, coefs, intercepts, activation))


def loss(z: Any, y: Any, weight: Any, out: str) -> tuple[Any, Any]:
    """Sums over rows: of what is minimised, and of what scikit-learn reports as the loss.

    By z, the first has the derivative ``weight * (output - y)`` for each kind of output. The second
    cuts logarithms off where probabilities are below the dtype's epsilon, counts Poisson's constant,
    and takes the mean over targets of squared errors.

    Parameters
    ----------
    z : tensor
        (N, C), before the output's activation.
    y : tensor
        Of "softmax" class numbers (N,), else (N, C).
    weight : tensor or None
        (N,).
    out : str
        A name of `OUTPUTS`.
    """
    largest = -float(np.log(np.finfo(z.dtype).eps))
    if out == "softmax":
        rows = ops.sparse_categorical_crossentropy(y, z, from_logits=True)
        told = ops.minimum(rows, largest)
    elif out == "logistic":
        each = ops.binary_crossentropy(y, z, from_logits=True)
        rows = ops.sum(each, axis=1)
        told = ops.sum(ops.minimum(each, largest), axis=1)
    elif out == "exp":
        rows = ops.sum(ops.subtract(ops.exp(z), ops.multiply(y, z)), axis=1)
        told = ops.add(rows, ops.sum(ops.subtract(_y_log_y(y), y), axis=1))
    else:
        rows = ops.multiply(0.5, ops.sum(ops.square(ops.subtract(z, y)), axis=1))
        told = ops.divide(rows, z.shape[1])
    if weight is not None:
        rows, told = ops.multiply(rows, weight), ops.multiply(told, weight)
    return ops.sum(rows), ops.sum(told)


def _y_log_y(y: Any) -> Any:
    return ops.multiply(y, ops.log(ops.where(ops.greater(y, 0), y, ops.ones_like(y))))


def penalty(coefs: Sequence[Any], alpha: float) -> Any:
    """``alpha / 2 * sum(w ** 2)`` of all matrices."""
    squares = [ops.sum(ops.square(kernel)) for kernel in coefs]
    total = squares[0]
    for square in squares[1:]:
        total = ops.add(total, square)
    return ops.multiply(0.5 * alpha, total)
