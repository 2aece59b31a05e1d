"""How many floating-point operations an op takes, from its attributes and shapes.

A multiplication and an addition count as two. Products are counted whole, also where a mask or the padding
lets the core leave some out; of what is added to a product (bias, activation, gates) nothing is counted.
Of an op that is not in `FORMULAS` the number is not known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["FORMULAS", "operations"]

Shapes = Sequence[Sequence[int]]
Formula = Callable[[Any, Shapes, Shapes], int]


def _dense(_: Any, inputs: Shapes, outputs: Shapes) -> int:
    """x (..., k), w (k, n): 2 k for each element of the result."""
    return 2 * math.prod(outputs[0]) * inputs[1][0]


def _matmul(attrs: Any, inputs: Shapes, outputs: Shapes) -> int:
    """(..., m, k) by (..., k, n): 2 k for each element of the result."""
    return 2 * math.prod(outputs[0]) * inputs[0][-2 if attrs["transpose_a"] else -1]


def _conv(_: Any, inputs: Shapes, outputs: Shapes) -> int:
    """w (*K, C / groups, M): 2 K C / groups for each element of the result."""
    return 2 * math.prod(outputs[0]) * math.prod(inputs[1][:-1])


def _conv_transpose(_: Any, inputs: Shapes, outputs: Shapes) -> int:
    """y (N, *O, M), w (*K, C / groups, M): 2 K C / groups for each element of y."""
    return 2 * math.prod(inputs[0]) * math.prod(inputs[1][:-1])


def _conv_kernel_grad(_: Any, inputs: Shapes, outputs: Shapes) -> int:
    """y (N, *O, M), the result w (*K, C / groups, M): 2 K C / groups for each element of y."""
    return 2 * math.prod(inputs[1]) * math.prod(outputs[0][:-1])


def _conv_kernel_grad_of_unpool(attrs: Any, inputs: Shapes, outputs: Shapes) -> int:
    """The same, where y is what the unpooling would make."""
    images: Sequence[int] = attrs["unpool"]["images"]["shape"]
    return 2 * math.prod(images) * math.prod(outputs[0][:-1])


def _scores(inputs: Shapes, of_queries: int, of_values: int) -> int:
    """q (B, T, N, H), k (B, S, K, H), v (B, S, K, E): so many products of length H and of length E."""
    batch, queries, heads, width = inputs[0]
    pairs = batch * queries * heads * inputs[1][1]
    return 2 * pairs * (of_queries * width + of_values * inputs[2][3])


def _attention(_: Any, inputs: Shapes, outputs: Shapes) -> int:
    """Scores, and values weighed."""
    return _scores(inputs, 1, 1)


def _attention_grad(_: Any, inputs: Shapes, outputs: Shapes) -> int:
    """Scores once more, the gradients by them and by v, and those by q and k."""
    return _scores(inputs, 3, 2)


def _recurrent(times: int) -> Formula:
    """x (N, T, gates H), w (H, gates H): so many products of a state and w a step."""
    return lambda _, inputs, outputs: 2 * times * math.prod(inputs[0]) * inputs[1][0]


def _each_result(_: Any, inputs: Shapes, outputs: Shapes) -> int:
    """One for each element of the result, whatever the function."""
    return math.prod(outputs[0])


def _each_input(_: Any, inputs: Shapes, outputs: Shapes) -> int:
    """One for each element that is read."""
    return math.prod(inputs[0])


# By op: of its attributes, the shapes of its inputs and those of its outputs.
FORMULAS: Mapping[str, Formula] = {
    "attention": _attention,
    "attention_grad": _attention_grad,
    "binary": _each_result,
    "conv": _conv,
    "conv_kernel_grad": _conv_kernel_grad,
    "conv_kernel_grad_of_unpool": _conv_kernel_grad_of_unpool,
    "conv_transpose": _conv_transpose,
    "dense": _dense,
    "gru": _recurrent(1),
    "gru_grad": _recurrent(2),
    "gru_grad_of_products": _recurrent(1),
    "gru_with_products": _recurrent(1),
    "lstm": _recurrent(1),
    "lstm_grad": _recurrent(2),
    "lstm_grad_of_products": _recurrent(1),
    "lstm_with_products": _recurrent(1),
    "matmul": _matmul,
    "reduce": _each_input,
    "simple_rnn": _recurrent(1),
    "simple_rnn_grad": _recurrent(2),
    "simple_rnn_grad_of_products": _recurrent(1),
    "simple_rnn_with_products": _recurrent(1),
    "unary": _each_result,
}


def operations(part: Mapping[str, Any]) -> int | None:
    """The operations of one op, as `Program.explain()` describes it; None where they are not known.

    Parameters
    ----------
    part : mapping
        "op", "attrs", and the shapes "inputs" and "outputs".

    Examples
    --------
    >>> operations({"op": "dense", "attrs": {}, "inputs": [(32, 8), (8, 4)], "outputs": [(32, 4)]})
    2048
    >>> operations({"op": "sort", "attrs": {}, "inputs": [(32,)], "outputs": [(32,)]}) is None
    True
    """
    formula = FORMULAS.get(part["op"])
    return None if formula is None else formula(part["attrs"], part["inputs"], part["outputs"])
