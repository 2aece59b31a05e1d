"""A whole graph through the reference: forward in float64, then a reverse walk of its own.

For every node in reverse order, d loss / d inputs += backward(d loss / d outputs).

The graph is what ``Graph.nodes()`` lists: dicts with ``op``, ``attrs``, ``inputs`` and ``outputs``
(value ids), in the order in which they were traced. Leaves are the ops ``input``, ``read`` and
``constant``; ``assign`` is not run. Nothing here knows how the core differentiates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from chainrule import reference
from chainrule.reference._arrays import Array, Attrs, is_float

Node: TypeAlias = Mapping[str, Any]
Leaves: TypeAlias = Mapping[int, npt.ArrayLike]

FROM_OUTSIDE = ("input", "read")


def _wide(x: npt.ArrayLike) -> Array:
    """Floats in float64; other dtypes as they are."""
    array = np.asarray(x)
    return array.astype(np.float64) if is_float(array) else array


def _wide_attrs(op: str, attrs: Attrs) -> Attrs:
    """A cast between floats must not round what the walk keeps in float64."""
    if op == "narrow":
        return attrs if "int" in attrs["format"] else {**attrs, "format": "float64"}
    if op == "cast" and np.issubdtype(np.dtype(attrs["dtype"]), np.floating):
        return {**attrs, "dtype": "float64"}
    return attrs


def ancestors(nodes: Sequence[Node], targets: Iterable[int]) -> list[Node]:
    """The nodes that the targets are computed from, in their order."""
    wanted = set(targets)
    kept = []
    for node in reversed(nodes):
        if node["op"] != "assign" and wanted.intersection(node["outputs"]):
            wanted.update(node["inputs"])
            kept.append(node)
    return kept[::-1]


def evaluate(
    nodes: Sequence[Node], leaf_values: Leaves, targets: Iterable[int]
) -> dict[int, Array]:
    """Every value that the targets need, by value id, in float64.

    Parameters
    ----------
    nodes
        What ``Graph.nodes()`` lists.
    leaf_values
        An array for the value id of each ``input`` and ``read`` in use. A leaf given here wins over
        the node that makes it, so a constant or an inner value can be replaced too.
    targets
        The value ids asked for.

    Raises
    ------
    KeyError
        A leaf has no value, or an op has no reference.

    Examples
    --------
    >>> import numpy as np
    >>> nodes = [
    ...     {"op": "input", "attrs": {"name": "x"}, "inputs": [], "outputs": [0]},
    ...     {"op": "unary", "attrs": {"function": "square"}, "inputs": [0], "outputs": [1]},
    ... ]
    >>> evaluate(nodes, {0: np.array([3.0])}, [1])[1]
    array([9.])
    """
    values = {value: _wide(array) for value, array in leaf_values.items()}
    for node in ancestors(nodes, targets):
        op, attrs, outputs = node["op"], node["attrs"], node["outputs"]
        if all(value in values for value in outputs):
            continue
        if op == "constant":
            values[outputs[0]] = _wide(attrs["value"])
        elif op in FROM_OUTSIDE:
            leaf = f"{op} {dict(attrs)} (value {outputs[0]})"
            raise KeyError(f"walk: the leaf {leaf} was given no value")
        else:
            results = forward(node, [values[value] for value in node["inputs"]])
            values.update(zip(outputs, results, strict=True))
    return values


def gradients(
    nodes: Sequence[Node], leaf_values: Leaves, loss: int, wrt: Sequence[int]
) -> list[Array]:
    """d loss / d value for each value id in `wrt`, by the reverse walk; zeros where the loss does
    not depend on it.

    Parameters
    ----------
    nodes, leaf_values
        As for `evaluate`.
    loss
        The value id of a scalar.
    wrt
        Value ids of float leaves or inner values.

    Raises
    ------
    ValueError
        The loss is not a scalar.

    Examples
    --------
    >>> import numpy as np
    >>> nodes = [
    ...     {"op": "input", "attrs": {"name": "x"}, "inputs": [], "outputs": [0]},
    ...     {"op": "unary", "attrs": {"function": "square"}, "inputs": [0], "outputs": [1]},
    ... ]
    >>> gradients(nodes, {0: np.array(3.0)}, 1, [0])
    [array(6.)]
    """
    values = evaluate(nodes, leaf_values, [loss])
    missing = [value for value in wrt if value not in values]
    if missing:
        raise KeyError(f"walk: the values {missing} are neither leaves nor part of the loss")
    found = cotangents(nodes, values, loss)
    return [found.get(value, np.zeros_like(values[value])) for value in wrt]


def cotangents(
    nodes: Sequence[Node], values: Mapping[int, Array], loss: int
) -> dict[int, Array]:
    """d loss / d value for every value that the loss depends on through floats, by value id.

    Parameters
    ----------
    nodes
        As for `evaluate`.
    values
        What `evaluate` gave for the loss.
    loss
        The value id of a scalar.

    Raises
    ------
    ValueError
        The loss is not a scalar.
    """
    if values[loss].size != 1:
        raise ValueError(f"walk: the loss must be a scalar, got the shape {values[loss].shape}")
    return pulled_back(nodes, values, {loss: np.ones_like(values[loss])})


def pulled_back(
    nodes: Sequence[Node], values: Mapping[int, Array], seeds: Mapping[int, Array]
) -> dict[int, Array]:
    """d loss / d value for every value that the loss depends on through floats, by value id, from
    those of some values that are read outside.

    Parameters
    ----------
    nodes
        As for `evaluate`.
    values
        What `evaluate` gave for the values of the seeds.
    seeds
        d loss / d value by value id.
    """
    found = dict(seeds)
    for node in reversed(ancestors(nodes, seeds)):
        if is_leaf(node) or not any(v in found for v in node["outputs"]):
            continue
        dinputs = backward(node, values, douts_of(node, values, found))
        for value, dinput in zip(node["inputs"], dinputs, strict=True):
            if dinput is not None:
                found[value] = found[value] + dinput if value in found else dinput
    return found


def is_leaf(node: Node) -> bool:
    """Whether a node computes nothing: an input, a read or a constant."""
    return node["op"] in FROM_OUTSIDE or node["op"] == "constant"


def douts_of(
    node: Node, values: Mapping[int, Array], found: Mapping[int, Array]
) -> list[Array | None]:
    """The cotangents of a node's outputs: zeros where none came, None where it is no float."""
    return [
        found.get(value, np.zeros_like(values[value])) if is_float(values[value]) else None
        for value in node["outputs"]
    ]


def forward(node: Node, inputs: Sequence[Array]) -> list[Array]:
    """The outputs of one node in float64."""
    attrs = _wide_attrs(node["op"], node["attrs"])
    return [_wide(output) for output in reference.forward(node["op"], attrs, *inputs)]


def backward(
    node: Node, values: Mapping[int, Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """d loss / d inputs of one node from d loss / d outputs."""
    inputs = [values[value] for value in node["inputs"]]
    outputs = [values[value] for value in node["outputs"]]
    attrs = _wide_attrs(node["op"], node["attrs"])
    return reference.backward(node["op"], attrs, inputs, outputs, douts)
