"""Where the core's forward or backward pass leaves the reference: op by op, from the core's own values.

The reference gets what the core had at each op, so no rounding is carried from op to op, and a
pre-activation that rounding puts on the other side of a kink is on the same side for both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.reference import walk
from chainrule.reference._arrays import Array, is_float

_FLOOR = 1e-3


class Core:
    """What the core computes of a traced loss: every value, and the gradient by every float value.

    Parameters
    ----------
    graph : _core.Graph
    nodes
        What ``graph.nodes()`` listed before anything was differentiated.
    leaves
        The value of each input and read, by value id.
    feeds
        The arrays of the graph's inputs.
    loss
        The value id of the loss.
    """

    def __init__(
        self,
        graph: Any,
        nodes: Sequence[walk.Node],
        leaves: dict[int, Array],
        feeds: Sequence[Array],
        loss: int,
        weights: Sequence[int],
    ) -> None:
        self.nodes = walk.ancestors(nodes, [loss])
        inner = [v for node in self.nodes if not walk.is_leaf(node) for v in node["outputs"]]
        self.values = {
            node["outputs"][0]: np.asarray(node["attrs"]["value"])
            for node in self.nodes
            if node["op"] == "constant"
        }
        self.values.update(leaves)
        self.values.update(zip(inner, graph.compile(inner, assign=False).run(feeds)))
        self.values = {v: _wide(x) for v, x in self.values.items()}
        moved = set(weights)
        for node in self.nodes:
            if moved.intersection(node["inputs"]) and node["op"] != "stop_gradient":
                moved.update(v for v in node["outputs"] if is_float(self.values[v]))
        wrt = sorted((moved - {loss}) & set(self.values))
        numbers = graph.gradients(loss, wrt)
        found = graph.compile(numbers, assign=False).run(feeds)
        self.cotangents = {v: _wide(x) for v, x in zip(wrt, found)}
        self.cotangents[loss] = np.ones_like(self.values[loss])

    def forward_errors(self) -> dict[int, float]:
        """By the number of the node, how far its outputs are from the reference's of its inputs."""
        errors = {}
        for number, node in enumerate(self.nodes):
            if walk.is_leaf(node):
                continue
            inputs = [self.values[v] for v in node["inputs"]]
            floor = 0.1 * max((_peak(x) for x in inputs if is_float(x)), default=0.0)
            errors[number] = max(
                _apart(self.values[v], want, floor)
                for v, want in zip(node["outputs"], walk.forward(node, inputs), strict=True)
            )
        return errors

    def backward_errors(self) -> dict[int, float]:
        """By value id, how far the core's gradient is from what its readers should give it."""
        wanted: dict[int, Array] = {}
        floors: dict[int, float] = {}
        for node in reversed(self.nodes):
            if walk.is_leaf(node) or not any(v in self.cotangents for v in node["outputs"]):
                continue
            douts = walk.douts_of(node, self.values, self.cotangents)
            dinputs = walk.backward(node, self.values, douts)
            for value, dinput in zip(node["inputs"], dinputs, strict=True):
                if value not in self.cotangents:
                    continue
                wanted.setdefault(value, np.zeros_like(self.values[value]))
                floors[value] = max(floors.get(value, 0.0), self._floor(node, value, douts))
                if dinput is not None:
                    wanted[value] = wanted[value] + dinput
        return {v: _apart(self.cotangents[v], want, floors[v]) for v, want in wanted.items()}

    def at_fault(self, value: int) -> tuple[int, walk.Node]:
        """The reader that a value's wrong gradient comes from: the one whose share goes with it."""
        douts = {}
        for number, node in enumerate(self.nodes):
            if value in node["inputs"] and any(v in self.cotangents for v in node["outputs"]):
                douts[number] = walk.douts_of(node, self.values, self.cotangents)
        shares = {}
        for number, u in douts.items():
            node = self.nodes[number]
            dinputs = walk.backward(node, self.values, u)
            given = [d for v, d in zip(node["inputs"], dinputs) if v == value and d is not None]
            shares[number] = sum(given, np.zeros_like(self.values[value]))
        apart = self.cotangents[value] - sum(shares.values())
        number = max(shares, key=lambda n: _along(apart, shares[n]))
        return number, self.nodes[number]

    def _floor(self, node: walk.Node, value: int, douts: Sequence[Array | None]) -> float:
        """Below this a gradient is the rounding of a sum that cancels.

        A thousandth of the gradient that comes, or of what it is worth to the loss, shared by the
        value's elements.
        """
        coming = max((_peak(u) for u in douts if u is not None), default=0.0)
        with np.errstate(all="ignore"):
            worth = sum(
                float(np.abs(u * self.values[v]).sum())
                for v, u in zip(node["outputs"], douts)
                if u is not None
            )
        size = float(np.abs(self.values[value]).sum())
        shared = worth / size if size else coming
        return _FLOOR * (min(coming, shared) if np.isfinite(shared) else coming)


def _wide(x: Any) -> Array:
    array = np.asarray(x)
    return array.astype(np.float64) if is_float(array) else array


def _along(a: Array, b: Array) -> float:
    """|cos| of the angle between two arrays."""
    length = float(np.linalg.norm(a) * np.linalg.norm(b))
    return abs(float((a * b).sum())) / length if length else 0.0


def _peak(x: Array) -> float:
    return float(np.abs(x).max(initial=0.0))


def _apart(got: Array, want: Array, floor: float) -> float:
    """max |got - want| / max |want|; NaN and infinities must be at the same places."""
    if not is_float(want):
        return 0.0 if np.array_equal(got, want) else float("inf")
    same = (got == want) | (np.isnan(got) & np.isnan(want))
    if same.all():
        return 0.0
    if not (np.isfinite(got[~same]).all() and np.isfinite(want[~same]).all()):
        return float("inf")
    scale = max(_peak(want[np.isfinite(want)]), floor)
    return float(np.abs(got[~same] - want[~same]).max()) / scale if scale else float("inf")
