"""The graph between input and output tensors: its calls, and its operations in Keras's order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from chainrule.base import tree
from chainrule.layers.core.input_layer import InputLayer
from chainrule.tracing.node import Node, node_of

__all__ = ["map_graph", "replay"]


def map_graph(inputs: list[Any], outputs: list[Any], name: str) -> tuple[list[Node], list[Any]]:
    """The calls that make `outputs` from `inputs`, and the operations that are called.

    Parameters
    ----------
    inputs, outputs : list of KerasTensor
    name : str
        Of the model, for the message.

    Returns
    -------
    list of Node
        Each after those whose outputs it takes; the nodes of the inputs left out.
    list of Operation
        By decreasing depth, the number of calls between an operation and the last output, and
        among those of one depth as a search from the outputs finds them.

    Raises
    ------
    ValueError
        When an output depends on more than the inputs, or two operations have the same name.

    Examples
    --------
    >>> import chainrule as keras
    >>> a, b = keras.Input((2,), name="a"), keras.Input((2,), name="b")
    >>> hidden = keras.layers.Dense(2, name="hidden")(a)
    >>> _, operations = map_graph([a, b], [keras.layers.Add(name="sum")([hidden, b])], "m")
    >>> [operation.name for operation in operations]
    ['a', 'hidden', 'b', 'sum']
    """
    order, seen = _search(inputs, outputs, name)
    depths: dict[int, int] = {}
    depth_of: dict[int, int] = {}
    for node in reversed(order):
        depth = max(depths.get(id(node), 0), depth_of.get(id(node.operation), 0))
        depth_of[id(node.operation)] = depth
        for parent in node.parent_nodes:
            depths[id(parent)] = max(depth + 1, depths.get(id(parent), 0))
    unused = []
    for tensor in inputs:
        operation = tensor._keras_history.operation
        if isinstance(operation, InputLayer) and id(operation) not in depth_of:
            depth_of[id(operation)] = 0
            unused.append(operation)
    operations = sorted([*unused, *seen], key=lambda operation: -depth_of[id(operation)])
    counts = Counter(operation.name for operation in operations)
    for repeated in (label for label, count in counts.items() if count > 1):
        raise ValueError(
            f"Model '{name}': expected operations of different names, got {counts[repeated]} of "
            f"the name '{repeated}'. All operation names should be unique."
        )
    return [node for node in order if not isinstance(node.operation, InputLayer)], operations


def replay(
    nodes: Sequence[Node],
    values: dict[int, Any],
    call: Callable[[Any, Any, Any], Any] = lambda made, args, kwargs: made(*args, **kwargs),
) -> dict[int, Any]:
    """Repeat calls, in order, on other values.

    Parameters
    ----------
    nodes : sequence of Node
    values : dict
        A value for the id of each tensor that the nodes take from outside.
    call : callable
        ``call(operation, args, kwargs)`` gives what the call returns. Default: calls the operation.

    Returns
    -------
    dict
        `values` with those of the nodes' outputs.
    """
    values = dict(values)
    for node in nodes:
        args, kwargs = node.arguments.fill_in(values)
        made = tree.flatten(call(node.operation, args, kwargs))
        values.update({id(tensor): value for tensor, value in zip(node.outputs, made)})
    return values


def _search(inputs: list[Any], outputs: list[Any], name: str) -> tuple[list[Node], list[Any]]:
    """The nodes in the order of a depth-first search, and operations as they are met first."""
    given = {id(t) for t in inputs}
    done: set[int] = set()
    met: dict[int, Any] = {}
    order: list[Node] = []
    pending: list[tuple[Any, bool]] = [(t, False) for t in reversed(outputs)]
    while pending:
        tensor, ready = pending.pop()
        operation = tensor._keras_history.operation
        is_input = isinstance(operation, InputLayer)
        if id(tensor) in given and not is_input:
            continue
        if operation is None or (is_input and id(tensor) not in given):
            raise ValueError(
                f"Output of model '{name}' is not connected to `inputs`: expected outputs that "
                f"depend on the inputs alone, got one that depends on {tensor!r}"
            )
        node = node_of(tensor)
        if id(node) in done:
            continue
        met.setdefault(id(operation), operation)
        if ready or is_input:
            done.add(id(node))
            order.append(node)
            continue
        pending.append((tensor, True))
        pending.extend((t, False) for t in reversed(node.input_tensors))
    return order, list(met.values())
