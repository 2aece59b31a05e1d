"""Where the core's forward or backward pass leaves the reference: op by op, from the core's own values.

The reference gets what the core had at each op, so no rounding is carried from op to op, and a
pre-activation that rounding puts on the other side of a kink is on the same side for both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule import reference
from chainrule.reference import walk
from chainrule.reference._arrays import Array, is_float

# How many units in the last place of its terms a sum may be off.
_UNITS = 16


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
    weights
        The value ids of the weights.
    eps : float
        The machine epsilon of the core's numbers.

    Attributes
    ----------
    nodes
        Those that the loss is computed from.
    values, cotangents : dict
        What the core computes, by value id, in float64; `own` has the values in their dtypes.
    expected : dict
        The reference's gradients of the core's values.
    """

    def __init__(
        self,
        graph: Any,
        nodes: Sequence[walk.Node],
        leaves: dict[int, Array],
        feeds: Sequence[Array],
        loss: int,
        weights: Sequence[int],
        eps: float,
    ) -> None:
        self.eps = eps
        self.nodes = walk.ancestors(nodes, [loss])
        inner = [v for node in self.nodes if not walk.is_leaf(node) for v in node["outputs"]]
        self.values = {
            node["outputs"][0]: np.asarray(node["attrs"]["value"])
            for node in self.nodes
            if node["op"] == "constant"
        }
        self.values.update(leaves)
        self.values.update(zip(inner, graph.compile(inner, assign=False).run(feeds)))
        self.own = {v: np.asarray(x) for v, x in self.values.items()}
        self.values = {v: _wide(x) for v, x in self.values.items()}
        moved = set(weights)
        for node in self.nodes:
            if moved.intersection(node["inputs"]) and node["op"] != "stop_gradient":
                moved.update(v for v in node["outputs"] if is_float(self.values[v]))
        self.expected = walk.cotangents(self.nodes, self.values, loss)
        wrt = sorted((moved - {loss}) & set(self.expected))
        numbers = graph.gradients(loss, wrt)
        found = graph.compile(numbers, assign=False).run(feeds)
        self.cotangents = {v: _wide(x) for v, x in zip(wrt, found)}
        self.cotangents[loss] = np.ones_like(self.values[loss])

    def forward_errors(self, limit: float) -> dict[int, float]:
        """By the number of the node, how far its outputs are from the reference's of its inputs.

        The reference computes in float64, and, where that is not within `limit`, in the core's
        dtype too: a constant such as ``1 - epsilon`` is another number in float32.
        """
        errors = {}
        for number, node in enumerate(self.nodes):
            if walk.is_leaf(node):
                continue
            inputs = [self.values[v] for v in node["inputs"]]
            got = [self.values[v] for v in node["outputs"]]
            floor = self._rounding(walk.forward(node, _signed(inputs)), limit)
            errors[number] = _worst(got, walk.forward(node, inputs), floor)
            if not errors[number] <= limit:
                own = [self.own.get(v, self.values[v]) for v in node["inputs"]]
                narrow = reference.forward(node["op"], node["attrs"], *own)
                errors[number] = min(errors[number], _worst(got, narrow, floor))
        return errors

    def first_not_finite(self) -> list[int]:
        """The number of the first node that makes NaN or infinity of finite numbers."""
        for number, node in enumerate(self.nodes):
            if not all(_finite(self.values[v]) for v in node["outputs"]):
                if all(_finite(self.values[v]) for v in node["inputs"]):
                    return [number]
        return []

    def backward_errors(self, limit: float) -> dict[int, float]:
        """By value id, how far the core's gradient is from what its readers should give it."""
        wanted: dict[int, Array] = {}
        floors: dict[int, float] = {}
        for node in reversed(self.nodes):
            if walk.is_leaf(node) or not any(v in self.cotangents for v in node["outputs"]):
                continue
            douts = walk.douts_of(node, self.values, self.cotangents)
            dinputs = walk.backward(node, self.values, douts)
            sizes = self._sizes(node, douts)
            for value, dinput, size in zip(node["inputs"], dinputs, sizes, strict=True):
                if value not in self.cotangents:
                    continue
                wanted.setdefault(value, np.zeros_like(self.values[value]))
                floors[value] = floors.get(value, 0.0) + self._rounding([size], limit)
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

    def _sizes(self, node: walk.Node, douts: Sequence[Array | None]) -> list[Array | None]:
        """How large the terms are of which a node's gradients are the sums: those of magnitudes, and
        those of cotangents with other signs, where terms do not cancel."""
        magnitudes = {
            v: np.abs(self.values[v]) if is_float(self.values[v]) else self.values[v]
            for v in (*node["inputs"], *node["outputs"])
        }
        sizes = [None if u is None else np.abs(u) for u in douts]
        signed = [u if size is None else _signed([size])[0] for u, size in zip(douts, sizes)]
        first = walk.backward(node, magnitudes, sizes)
        second = walk.backward(node, self.values, signed)
        return [
            a if b is None else b if a is None else np.fmax(np.abs(a), np.abs(b))
            for a, b in zip(first, second)
        ]

    def _rounding(self, sizes: Sequence[Array | None], limit: float) -> float:
        """The scale at which an error of `limit` is the rounding of a sum of terms of these sizes."""
        floats = [x[np.isfinite(x)] for x in sizes if x is not None and is_float(x)]
        return _UNITS * self.eps / limit * max((_peak(x) for x in floats), default=0.0)


def _signed(arrays: Sequence[Array]) -> list[Array]:
    """Floats with the signs + + - + - - in turn, so that neither sums nor differences cancel."""
    signed = []
    for x in arrays:
        signs = np.resize(np.array([1.0, 1.0, -1.0, 1.0, -1.0, -1.0, 1.0]), x.shape)
        signed.append(np.abs(x) * signs if is_float(x) else x)
    return signed


def _finite(x: Array) -> bool:
    return bool(np.isfinite(x).all())


def _worst(got: Sequence[Array], want: Sequence[Array], floor: float) -> float:
    return max(_apart(g, w, floor) for g, w in zip(got, want, strict=True))


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
