"""What the recurrent ops share: ONNX's own nodes where no step is masked, else a loop over the steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule.exporting.onnx._graph import Graph, Step
from chainrule.exporting.onnx._values import Array, Made, Node, Spec, Value
from chainrule.exporting.onnx.slice import is_last_step

__all__ = ["Layer", "layer_of", "looped", "sequence"]

# Of the graph of a step, x_t and the states: the new states.
Cell = Callable[[Graph, str, Sequence[str]], list[str]]


class Layer(NamedTuple):
    """What an ONNX node of a recurrence takes: x, kernels and bias of the gates in our order."""

    x: Value
    kernel: Array  # (features, G H)
    recurrent: Array  # (H, G H)
    bias: Array  # (G H)


def layer_of(node: Node) -> Layer | None:
    """The parts for a node that takes inputs before they are multiplied, or None where it cannot be one."""
    x, weights = node.inputs[:2]
    if node.attrs["masked"] or weights.array is None:
        return None
    width = weights.array.shape[1]
    origin = x.origin
    if origin is not None and origin.op in ("dense", "matmul") and x.rank == 3:
        kernel, *bias = [y.array for y in origin.inputs[1:]]
        attrs = origin.attrs
        if origin.op == "matmul":
            plain, bias = not (attrs["transpose_a"] or attrs["transpose_b"]), [np.zeros(width, x.dtype)]
        else:
            plain = attrs["activation"] == "linear"
        if plain and kernel is not None and kernel.ndim == 2 and bias[0] is not None:
            return Layer(origin.inputs[0], kernel, weights.array, bias[0])
    return Layer(x, np.eye(width, dtype=x.dtype), weights.array, np.zeros(width, x.dtype))


def _is_zero(x: Value) -> bool:
    origin = x.origin
    source = origin.inputs[0] if origin is not None and origin.op == "broadcast_to" else x
    return source.array is not None and not source.array.any()


def gates(x: Array, order: Sequence[int]) -> Array:
    """(rows, G H) as (1, G H, rows) with the gates in ONNX's order."""
    parts = np.split(x, len(order), axis=-1)
    found: Array = np.concatenate([parts[at] for at in order], axis=-1).T[None]
    return found


def sequence(
    g: Graph,
    kind: str,
    node: Node,
    layer: Layer,
    order: Sequence[int],
    recurrent_bias: Array | None = None,
    **settings: Any,
) -> list[Made]:
    """The node of a whole recurrence; gives our outputs, of which a carry is known at its last step."""
    reverse = bool(node.attrs["reverse"])
    hidden = layer.recurrent.shape[0]
    none = np.zeros(layer.bias.shape, layer.bias.dtype)
    biases = [gates(b[None], order)[:, :, 0] for b in (layer.bias, none if recurrent_bias is None else recurrent_bias)]
    states = [
        None if _is_zero(x) else g.unsqueeze(x, 0) for x in node.inputs[2 : 2 + len(node.outputs)]
    ]
    settings["direction"] = "reverse" if reverse else "forward"
    made = g.nodes_of(
        kind,
        len(node.outputs) + 1,
        g.transpose(layer.x, [1, 0, 2]),
        gates(layer.kernel, order),
        gates(layer.recurrent, order),
        np.concatenate(biases, axis=1),
        None,
        *states,
        hidden_size=hidden,
        **settings,
    )
    results: list[Made] = []
    for at, spec in enumerate(node.outputs):
        # All h (T, 1, N, H), of each state the last one (1, N, H).
        every = g.transpose(g.squeeze(made[0], 1), [1, 0, 2]) if _asks_all(node, at) else None
        results.append(Value(spec, name=every, last=g.transpose(made[at + 1], [1, 0, 2])))
    return results


def _asks_all(node: Node, at: int) -> bool:
    """Whether more than the last step of an output is read."""
    shape, reverse = node.outputs[at].shape, bool(node.attrs["reverse"])
    return not all(
        reader is not None and reader[0] == "slice" and is_last_step(reader[1], shape, reverse)
        for reader in node.readers[at]
    )


def asks_all_carries(node: Node) -> bool:
    """Whether a carry beside the state is read at more than the last step."""
    return any(_asks_all(node, at) for at in range(1, len(node.outputs)))


def looped(g: Graph, node: Node, cell: Cell) -> list[Made]:
    """A loop over the steps, at which states stay where the mask is false."""
    count = len(node.outputs)
    x, states = node.inputs[0], node.inputs[2 : 2 + count]
    mask = node.inputs[-1] if node.attrs["masked"] else None
    sequences = [(y, Spec((y.shape[0], *y.shape[2:]), y.dtype)) for y in (x, mask) if y is not None]

    def body(inside: Graph, before: Sequence[str], rows: Sequence[str]) -> Step:
        after = cell(inside, rows[0], before)
        if mask is not None:
            seen = inside.unsqueeze(rows[1], 1)
            after = [inside.node("Where", seen, new, old) for new, old in zip(after, before)]
        return after, [(y, s.spec) for y, s in zip(after, states)]

    carries = [(s, s.spec) for s in states]
    reverse = bool(node.attrs["reverse"])
    return list(g.scan(carries, sequences, body, axis=1, reverse=reverse)[count:])
