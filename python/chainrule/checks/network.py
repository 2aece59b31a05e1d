"""The whole gradient against differences of the whole loss, along directions of all weights at once.

``(L(w + h d) - L(w - h d)) / 2h`` is ``<gradient, d>`` where the loss is smooth. Where it is not, the
slopes to the two sides differ by about as much as the mean of both is off; the gradient is then
judged beside ``w``. Where the two sides agree and the gradient is another, it is wrong, even when
every op alone is right: a smooth function made of parts with kinks has inherited one.

What `stop_gradient` gave is held, as it is constant by its purpose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from chainrule.checks.edges import magnitude
from chainrule.reference import walk
from chainrule.reference._arrays import Array

TOLERANCE = 1e-5
_STEPS = (1e-5, 1e-6, 1e-7)
_BESIDE = 1e-3
_TRIES = 4
_SAME = 1e-3
# Along one direction the kinks of several units may cancel, or be those of a median, whose slopes
# to both sides agree; then slopes do not add up along other directions.
_WITNESSES = 3
# How many units in the last place the loss may be off.
_ROUNDING = 64 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Slope:
    """The loss along one direction.

    Attributes
    ----------
    expected : float
        ``<gradient, d>``.
    left, right : float
        The slope before and behind the point.
    error : float
        ``|expected - mean of both| / sum |gradient d|``.
    verdict : {"ok", "kink", "wrong"}
    """

    expected: float
    left: float
    right: float
    error: float
    verdict: str

    @property
    def mean(self) -> float:
        """The slope by central differences."""
        return (self.left + self.right) / 2


class Point:
    """A traced loss at certain weights: its values and gradients by the reference.

    Parameters
    ----------
    nodes
        What ``Graph.nodes()`` lists.
    leaves
        The value of each input and read.
    loss
        The value id of the loss.
    weights
        The value ids of the weights.
    """

    def __init__(
        self,
        nodes: Sequence[walk.Node],
        leaves: Mapping[int, Array],
        loss: int,
        weights: Sequence[int],
    ) -> None:
        self.nodes = walk.ancestors(nodes, [loss])
        self.leaves = dict(leaves)
        self.loss = loss
        self.weights = list(weights)
        self.values = walk.evaluate(self.nodes, leaves, [loss, *weights])
        self.cotangents = walk.cotangents(self.nodes, self.values, loss)
        self.gradients = [
            self.cotangents.get(w, np.zeros_like(self.values[w])) for w in self.weights
        ]
        self.held = {
            value: self.values[value]
            for node in self.nodes
            if node["op"] == "stop_gradient"
            for value in node["outputs"]
        }

    def first_not_finite(self) -> int | None:
        """The number of the node next to the loss that makes its gradients NaN or infinite."""
        for number, node in reversed(list(enumerate(self.nodes))):
            if walk.is_leaf(node) or not any(v in self.cotangents for v in node["outputs"]):
                continue
            douts = walk.douts_of(node, self.values, self.cotangents)
            gradients = walk.backward(node, self.values, douts)
            if not all(np.isfinite(d).all() for d in gradients if d is not None):
                return number
        return None

    def at(self, shifts: Mapping[int, Array]) -> float:
        """The loss with weights moved."""
        moved = {w: self.values[w] + shift for w, shift in shifts.items()}
        leaves = {**self.leaves, **self.held, **moved}
        return float(walk.evaluate(self.nodes, leaves, [self.loss])[self.loss])

    def beside(self, generator: np.random.Generator) -> Point:
        """The loss at weights a thousandth of their size away."""
        leaves = dict(self.leaves)
        for w in self.weights:
            x = self.values[w]
            leaves[w] = x + _BESIDE * magnitude(x) * generator.standard_normal(x.shape)
        return Point(self.nodes, leaves, self.loss, self.weights)

    def direction(
        self, weights: Sequence[int], generator: np.random.Generator, aligned: bool
    ) -> dict[int, Array]:
        """Steps of these weights, so long that the loss moves about as much by each of them."""
        ways, moves = {}, []
        for w, gradient in zip(self.weights, self.gradients):
            if w not in weights:
                continue
            x = self.values[w]
            signs = np.where(generator.random(x.shape) < 0.5, -1.0, 1.0)
            if aligned:
                signs = np.where(gradient == 0, signs, np.sign(gradient))
            ways[w] = signs * magnitude(x) * (0.5 + generator.random(x.shape))
            moves.append(float(np.abs(gradient * ways[w]).sum()))
        least = 0.01 * max(moves, default=0.0)
        if not 0 < least < np.inf:
            return ways
        longest = max(1 / max(move, least) for move in moves)
        return {w: way / (max(m, least) * longest) for (w, way), m in zip(ways.items(), moves)}

    def slope(self, way: Mapping[int, Array]) -> Slope:
        """The gradient beside the loss's differences along one direction."""
        products = [g * way[w] for w, g in zip(self.weights, self.gradients) if w in way]
        expected = sum(float(p.sum()) for p in products)
        size = sum(float(np.abs(p).sum()) for p in products)
        middle = float(self.values[self.loss])
        found: list[tuple[float, float, bool]] = []
        left = right = error = float("nan")
        for h in _STEPS:
            up, down = (self.at({w: k * h * x for w, x in way.items()}) for k in (1, -1))
            mean = (up - down) / (2 * h)
            noise = (abs(up) + abs(down)) / 2 * _ROUNDING / h
            miss = abs(mean - expected)
            scale = max(size, noise / TOLERANCE)
            error = miss / scale if scale else (0.0 if miss == 0 else float("inf"))
            if error <= TOLERANCE:
                return Slope(expected, mean, mean, error, "ok")
            up2, down2 = (self.at({w: k * h * x for w, x in way.items()}) for k in (2, -2))
            right = (4 * up - up2 - 3 * middle) / (2 * h)
            left = (3 * middle - 4 * down + down2) / (2 * h)
            smooth = abs(right - left) <= _SAME * miss + 4 * noise
            if smooth and any(s and abs(m - mean) < 0.1 * miss for m, _, s in found):
                return Slope(expected, left, right, error, "wrong")
            if found and abs(found[-1][0] - mean) <= _SAME * abs(right - left):
                break  # at the kink itself: smaller steps give the same two slopes
            found.append((mean, error, smooth))
        return Slope(expected, left, right, error, "kink")

    def judge(
        self, weights: Sequence[int], generator: np.random.Generator, aligned: bool
    ) -> tuple[Slope, Slope, Point]:
        """The slope here, the one that gives the verdict, and its place: beside, if here is a kink.

        The second one's verdict is "kink" where no place beside is smooth either.
        """
        place = self
        here = found = self._confirmed(weights, generator, aligned)
        for _ in range(_TRIES):
            if found.verdict != "kink":
                break
            place = self.beside(generator)
            found = place._confirmed(weights, generator, aligned)
        return here, found, place

    def _confirmed(
        self, weights: Sequence[int], generator: np.random.Generator, aligned: bool
    ) -> Slope:
        """The slope along one direction; "wrong" only if it is so along others too."""
        way = self.direction(weights, generator, aligned)
        slope = self.slope(way)
        for _ in range(_WITNESSES):
            if slope.verdict != "wrong":
                break
            other = self.direction(weights, generator, False)
            along = self.slope(other)
            both = self.slope({w: x + other[w] for w, x in way.items()})
            apart = abs(both.mean - slope.mean - along.mean)
            miss = abs(slope.mean - slope.expected)
            if along.verdict != "wrong" or both.verdict == "kink" or apart > _SAME * miss:
                return replace(slope, verdict="kink")
        return slope
