"""The functional graph: one `Node` for every symbolic call of an operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule.base import tree
from chainrule.tracing.tensor import KerasHistory, KerasTensor


class SymbolicArguments:
    """The arguments of a call, with the KerasTensors among them listed in order."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.args = tree.map_structure(lambda x: x, args)
        self.kwargs = tree.map_structure(lambda x: x, kwargs)
        self._flat_arguments: list[Any] = tree.flatten((self.args, self.kwargs))
        self.keras_tensors = [x for x in self._flat_arguments if isinstance(x, KerasTensor)]

    def convert(self, conversion_fn: Callable[[Any], Any]) -> tuple[Any, Any]:
        """Apply a function to every leaf; returns ``(args, kwargs)``."""
        return (
            tree.map_structure(conversion_fn, self.args),
            tree.map_structure(conversion_fn, self.kwargs),
        )

    def fill_in(self, tensor_dict: dict[int, Any]) -> tuple[Any, Any]:
        """Put values in the place of KerasTensors: `tensor_dict` maps ``id(tensor)`` to a value."""
        return self.convert(
            lambda x: tensor_dict.get(id(x)) if isinstance(x, KerasTensor) else x
        )


class Node:
    """One symbolic call: the operation, its arguments and its output tensors.

    Making a node wires it in: it is appended to the operation's inbound nodes and to the outbound
    nodes of the operations that made its inputs, and each output gets its `_keras_history`.

    Parameters
    ----------
    operation : Operation
        What was called.
    call_args, call_kwargs : tuple, dict
        The arguments of the call, nested structures allowed.
    outputs : KerasTensor or nested structure
        What the call returned.

    Raises
    ------
    ValueError
        When an output is not a KerasTensor.
    """

    def __init__(
        self,
        operation: Any,
        call_args: tuple[Any, ...] = (),
        call_kwargs: dict[str, Any] | None = None,
        outputs: Any = None,
    ) -> None:
        self.operation = operation
        self.arguments = SymbolicArguments(*(call_args or ()), **(call_kwargs or {}))
        self.outputs: list[Any] = [] if outputs is None else tree.flatten(outputs)
        for x in self.outputs:
            if not isinstance(x, KerasTensor):
                raise ValueError(
                    "All operation outputs must be tensors. "
                    f"Operation {operation} returned the non-tensor {x!r} (of type {type(x)})."
                )
        self.is_input = not self.arguments.keras_tensors
        self.enter()

    def enter(self) -> None:
        """Wire the call in, unless it is: with its operation, those before it, and its outputs."""
        operation = self.operation
        inbound = operation.__dict__.setdefault("_inbound_nodes", [])
        if any(node is self for node in inbound):
            return
        recorded = all(getattr(x, "record_history", True) for x in self.arguments.keras_tensors)
        if recorded:
            for x in self.arguments.keras_tensors:
                if not hasattr(x, "_keras_history"):
                    x._keras_history = KerasHistory(None, 0, 0)
        inbound.append(self)
        for x in self.arguments.keras_tensors:
            history = getattr(x, "_keras_history", None)
            if history is not None and history.operation is not None:
                history.operation._outbound_nodes.append(self)
        if recorded:
            for tensor_index, x in enumerate(self.outputs):
                x._keras_history = KerasHistory(operation, len(inbound) - 1, tensor_index)

    def __repr__(self) -> str:
        return f"<Node operation={self.operation.name}, id={id(self)}>"

    @property
    def input_tensors(self) -> list[KerasTensor]:
        """The KerasTensors among the arguments, in order."""
        return self.arguments.keras_tensors

    @property
    def output_tensors(self) -> list[Any]:
        """The tensors the call returned, flattened."""
        return self.outputs

    @property
    def parent_nodes(self) -> list[Node]:
        """The nodes whose outputs this node takes."""
        histories = [x._keras_history for x in self.arguments.keras_tensors]
        return [
            h.operation._inbound_nodes[h.node_index] for h in histories if h.operation is not None
        ]


def is_keras_tensor(obj: object) -> bool:
    """Whether `obj` is a tensor of a functional graph."""
    return hasattr(obj, "_keras_history")


def node_of(tensor: Any) -> Node:
    """The call that made a symbolic tensor."""
    operation, node_index, _ = tensor._keras_history
    node: Node = operation._inbound_nodes[node_index]
    return node


def get_source_inputs(tensor: Any) -> list[Any]:
    """The tensors of `Input` that a symbolic tensor is computed from, in the order of the calls.

    Examples
    --------
    >>> import chainrule as keras
    >>> a, b = keras.Input((2,), name="a"), keras.Input((2,), name="b")
    >>> [x.name for x in get_source_inputs(keras.ops.add(a, keras.ops.square(b)))]
    ['a', 'b']
    """
    found: dict[int, Any] = {}
    seen: set[int] = set()
    pending = [tensor]
    while pending:
        tensor = pending.pop()
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        node = node_of(tensor)
        if not node.input_tensors:
            found[id(tensor)] = tensor
        pending.extend(reversed(node.input_tensors))
    return list(found.values())
