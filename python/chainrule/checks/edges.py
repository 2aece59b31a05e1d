"""Every op's backward pass alone: the reference's gradient against differences of its forward pass.

For an op ``y = f(x)`` whose outputs have the cotangents ``u``, and for a direction ``v`` of one input,
``<u, (f(x + h v) - f(x - h v)) / 2h>`` is ``<dx, v>``. By the chain rule a network's gradient is right
when this holds for each op on the way, and an op where it does not is the one at fault.

At a kink (a ReLU at 0, a tie of maxima) the slopes to both sides differ, and no derivative is there to
compare with. An output is taken for kinked by its forward pass alone: when its slopes to the two sides
keep differing as the step shrinks, or do not add up along two parts of a direction. The op is then
judged beside the point, where the kink is left behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.reference import walk
from chainrule.reference._arrays import Array, is_float

TOLERANCE = 1e-6
_STEPS = (1e-5, 1e-7, 1e-9)
_FIRST_STEP = 1e-6
_AGREE = 1e-6
_BESIDE = 1e-3
_TRIES = 3
_SPLITS = 6
# How many units in the last place the sums inside an op may be off.
_ROUNDING = 16 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Edge:
    """What was found of the gradient of one node by one of its inputs.

    Attributes
    ----------
    error : float
        ``|<dx, v> - difference| / sum |dx v|``, the largest over the directions and places.
    kinked : int
        How many of the outputs that carry a gradient lie at a kink.
    """

    error: float
    kinked: int


class Node:
    """An op at certain inputs, with the cotangents that come to its outputs.

    Parameters
    ----------
    node
        As ``Graph.nodes()`` lists it.
    inputs, douts
        Arrays of the reference.
    """

    def __init__(
        self, node: walk.Node, inputs: Sequence[Array], douts: Sequence[Array | None]
    ) -> None:
        self.node = node
        self.inputs = list(inputs)
        self.douts = list(douts)
        self.outputs = walk.forward(node, self.inputs)
        self.gradients = self._backward(self.douts)
        self._kept: tuple[list[Array | None], list[Array], int] | None = None

    def check(
        self,
        number: int,
        directions: int,
        generator: np.random.Generator,
        every_kink: bool = False,
    ) -> Edge:
        """Judge the gradient by one input.

        Parameters
        ----------
        number : int
            Which input.
        directions : int
            The first goes with the signs of the gradient, so that a wrong factor shows in full; the
            others are random.
        every_kink : bool
            Whether to look for kinks where the mean of both sides happens to be the gradient.

        Returns
        -------
        Edge
            Its error is NaN where the gradient that comes or goes is not finite.
        """
        arrays = [self.gradients[number], *(u for u in self.douts if u is not None)]
        if not all(np.isfinite(a).all() for a in arrays):
            return Edge(float("nan"), 0)
        worst, kinked = 0.0, 0
        for index in range(directions):
            way = self._direction(number, index, generator)
            error = self._error(number, way, self.douts, self.gradients)
            if error > TOLERANCE or np.isnan(error) or every_kink:
                error, masked = self._off_kinks(number, way, generator)
                if masked:
                    error = worst if kinked else self._beside(number, generator)
                kinked = max(kinked, masked)
            worst = max(worst, error)
        return Edge(worst, kinked)

    def _at(self, number: int, shift: Array) -> list[Array]:
        """The outputs with one input moved."""
        inputs = list(self.inputs)
        inputs[number] = inputs[number] + shift
        return walk.forward(self.node, inputs)

    def _backward(self, douts: Sequence[Array | None]) -> list[Array]:
        """dx by the reference; zeros where it gives none."""
        values = dict(zip(self.node["inputs"], self.inputs))
        values.update(zip(self.node["outputs"], self.outputs))
        found = walk.backward(self.node, values, douts)
        return [np.zeros(np.shape(x)) if d is None else d for d, x in zip(found, self.inputs)]

    def _direction(self, number: int, index: int, generator: np.random.Generator) -> Array:
        """About as long as the input, element by element."""
        x, gradient = self.inputs[number], self.gradients[number]
        signs = np.where(generator.random(x.shape) < 0.5, -1.0, 1.0)
        if index == 0:
            signs = np.where(gradient == 0, signs, np.sign(gradient))
        return np.asarray(signs * magnitude(x) * (0.5 + generator.random(x.shape)))

    def _error(
        self, number: int, way: Array, douts: Sequence[Array | None], gradients: Sequence[Array]
    ) -> float:
        """The error by central differences of the outputs with these cotangents."""
        h = _FIRST_STEP
        slope, noise = 0.0, 0.0
        ups, downs = self._at(number, h * way), self._at(number, -h * way)
        with np.errstate(all="ignore"):
            for y, up, down, u in zip(self.outputs, ups, downs, douts):
                if u is not None:
                    slope += _weighed(u, (up - down) / (2 * h))
                    noise += _weighed(np.abs(u), np.abs(y)) * _ROUNDING / h
        noise += self._rounded(number, gradients, h)
        return _error(slope, gradients[number], way, noise)

    def _off_kinks(
        self, number: int, way: Array, generator: np.random.Generator
    ) -> tuple[float, int]:
        """The error over the outputs that have one slope, and how many others carry a gradient.

        NaN where no output that carries a gradient has one slope. The kinks found by one input and
        direction serve the next ones as long as they are all.
        """
        if self._kept is not None:
            douts, gradients, masked = self._kept
            error = self._error(number, way, douts, gradients)
            if error <= TOLERANCE:
                return error, masked
        found = self._slopes(number, way)
        error, masked = self._judge(number, way, found)
        if error > TOLERANCE and not masked:
            masked = self._not_additive(number, way, found, generator)
        return error, masked

    def _not_additive(
        self,
        number: int,
        way: Array,
        found: list[tuple[Array, Array, Array]],
        generator: np.random.Generator,
    ) -> int:
        """How many outputs have a slope that is not the sum of those along two parts of the way.

        The median of ties has the same slope to both sides, and still no derivative.
        """
        for _ in range(_SPLITS):
            part = way * generator.standard_normal(way.shape)
            parts = zip(self._slopes(number, part), self._slopes(number, way - part))
            count = 0
            for u, (slopes, _, noise), ((a, _, noise_a), (b, _, noise_b)) in zip(
                self.douts, found, parts
            ):
                largest = np.maximum(np.abs(slopes), np.maximum(np.abs(a), np.abs(b)))
                allowed = 10 * _AGREE * largest + 4 * (noise + noise_a + noise_b)
                bent = np.abs(a + b - slopes) > allowed
                count += 0 if u is None else int(np.count_nonzero(bent & (u != 0)))
            if count:
                return count
        return 0

    def _judge(
        self, number: int, way: Array, found: list[tuple[Array, Array, Array]]
    ) -> tuple[float, int]:
        """The error over the smooth outputs, and how many others carry a gradient."""
        kept: list[Array | None] = []
        slope, noise, masked, carried = 0.0, 0.0, 0, 0
        for u, (slopes, smooth, rounding) in zip(self.douts, found):
            if u is None:
                kept.append(None)
                continue
            masked += int(np.count_nonzero(~smooth & (u != 0)))
            carried += int(np.count_nonzero(smooth & (u != 0)))
            u = np.where(smooth, u, 0.0)
            kept.append(u)
            slope += _weighed(u, slopes)
            noise += _weighed(np.abs(u), rounding)
        gradients = self.gradients
        if masked:
            gradients = self._backward(kept)
            self._kept = kept, gradients, masked
            if not carried:
                return float("nan"), masked
        noise += self._rounded(number, gradients, _STEPS[0])
        return _error(slope, gradients[number], way, noise), masked

    def _beside(self, number: int, generator: np.random.Generator) -> float:
        """The error at inputs a thousandth of their size away, where kinks are left."""
        error = float("nan")
        for _ in range(_TRIES):
            inputs = [
                x + _BESIDE * magnitude(x) * generator.standard_normal(x.shape) if is_float(x) else x
                for x in self.inputs
            ]
            there = Node(self.node, inputs, self.douts)
            way = there._direction(number, 0, generator)
            error = there._error(number, way, there.douts, there.gradients)
            masked = 0
            if not error <= TOLERANCE:
                error, masked = there._off_kinks(number, way, generator)
            if error <= TOLERANCE or not masked:
                return error
        return float("inf") if np.isnan(error) else error

    def _slopes(self, number: int, way: Array) -> list[tuple[Array, Array, Array]]:
        """For each output its slope, where both sides have the same, and how far rounding goes."""
        slopes = [np.zeros(y.shape) for y in self.outputs]
        smooth = [np.zeros(y.shape, bool) for y in self.outputs]
        rounding = [np.zeros(y.shape) for y in self.outputs]
        for h in _STEPS:
            points = [self._at(number, step * way) for step in (h, 2 * h, -h, -2 * h)]
            for i, y in enumerate(self.outputs):
                if not is_float(y):
                    continue
                up, up2, down, down2 = (point[i] for point in points)
                with np.errstate(all="ignore"):
                    right = (4 * up - up2 - 3 * y) / (2 * h)
                    left = (3 * y - 4 * down + down2) / (2 * h)
                    mean = (up - down) / (2 * h)
                    noise = (np.abs(y) + np.abs(up) + np.abs(down)) * _ROUNDING / h
                    largest = np.maximum(np.abs(right), np.abs(left))
                    apart = np.maximum(np.abs(right - mean), np.abs(mean - left))
                    new = ~smooth[i] & (apart <= _AGREE * largest + 4 * noise)
                    slopes[i] = np.where(new, mean, slopes[i])
                rounding[i] = np.where(new, noise, rounding[i])
                smooth[i] |= new
            if all(s.all() for s, y in zip(smooth, self.outputs) if is_float(y)):
                break
        return list(zip(slopes, smooth, rounding))

    def _rounded(self, number: int, gradients: Sequence[Array], h: float) -> float:
        """What the rounding of ``x + h v`` does to a slope."""
        return _weighed(np.abs(gradients[number]), np.abs(self.inputs[number])) * _ROUNDING / h


def magnitude(x: Array) -> Array:
    """How large a step is of the order of each element: itself, at least a hundredth of the root
    mean square, or 1 for zeros."""
    size = np.where(np.isfinite(x), np.abs(x), 0.0)
    peak = float(size.max(initial=0.0))
    if peak == 0:
        return np.ones_like(x)
    root = peak * float(np.sqrt(np.mean(np.square(size / peak))))
    return np.maximum(size, 0.01 * root)


def _weighed(u: Array, y: Array) -> float:
    """sum u y over the elements with a cotangent: 0 times infinity counts for nothing."""
    return float(np.sum(np.where(u == 0, 0.0, u * y)))


def _error(slope: float, gradient: Array, way: Array, noise: float) -> float:
    expected = float((gradient * way).sum())
    scale = max(float(np.abs(gradient * way).sum()), noise / TOLERANCE)
    if slope == expected:
        return 0.0
    return abs(slope - expected) / scale if scale else float("inf")
