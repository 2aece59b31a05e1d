"""Every op's backward pass alone: the reference's gradient against differences of its forward pass.

For an op ``y = f(x)`` whose outputs have the cotangents ``u``, and for a direction ``v`` of one input,
``<u, (f(x + h v) - f(x - h v)) / 2h>`` is ``<dx, v>``. By the chain rule a network's gradient is right
when this holds for each op on the way, and an op where it does not is the one at fault.

At a kink (a ReLU at 0, a tie of maxima) the slopes to both sides differ, and no derivative is there to
compare with. An output is taken for kinked by its forward pass alone: when its slopes to the two sides
keep differing as the step shrinks. Its cotangent is then left out, ``dx`` is computed for the others,
and the op is judged once more beside the point, where the kink is left behind.
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
# How many units in the last place the sums inside an op may be off.
_ROUNDING = 16 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Edge:
    """The gradient of one node by one of its inputs.

    Attributes
    ----------
    error : float
        ``|<dx, v> - difference| / sum |dx v|``, the largest over the directions and places.
    kinked : int
        How many of the outputs that carry a gradient lie at a kink.
    """

    error: float
    kinked: int


def check(
    node: walk.Node,
    values: dict[int, Array],
    douts: Sequence[Array | None],
    number: int,
    directions: int,
    generator: np.random.Generator,
    every_kink: bool = False,
) -> Edge:
    """Judge the gradient of a node by its input with this number.

    Parameters
    ----------
    values
        What the reference computed, by value id.
    douts
        The cotangents of the outputs.
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
    place = _Place(node, [values[v] for v in node["inputs"]], number)
    if not all(np.isfinite(a).all() for a in (*douts, place.gradient(douts)) if a is not None):
        return Edge(float("nan"), 0)
    worst, kinked = 0.0, 0
    for index in range(directions):
        if not every_kink:
            error = place.error(douts, index, generator)
            if error <= TOLERANCE:
                worst = max(worst, error)
                continue
        error, masked = place.error_off_kinks(douts, index, generator)
        if masked:
            kinked = max(kinked, masked)
            beside = place.beside(douts, index, generator)
            error = beside if np.isnan(error) else max(error, beside)
        worst = max(worst, error)
    return Edge(worst, kinked)


class _Place:
    """A node at certain inputs, of which one is moved."""

    def __init__(self, node: walk.Node, inputs: list[Array], number: int) -> None:
        self.node = node
        self.inputs = inputs
        self.number = number
        self.x = inputs[number]
        self.outputs = walk.forward(node, inputs)
        self.scale = magnitude(self.x)

    def at(self, shift: Array) -> list[Array]:
        """The outputs with the input moved by `shift`."""
        inputs = list(self.inputs)
        inputs[self.number] = self.x + shift
        return walk.forward(self.node, inputs)

    def gradient(self, douts: Sequence[Array | None]) -> Array:
        """dx by the reference; zeros where it gives none."""
        node = self.node
        values = dict(zip(node["inputs"], self.inputs))
        values.update(zip(node["outputs"], self.outputs))
        found = walk.backward(node, values, douts)[self.number]
        return np.zeros_like(self.x) if found is None else found

    def direction(self, gradient: Array, index: int, generator: np.random.Generator) -> Array:
        """About as long as the input, element by element."""
        signs = np.where(generator.random(self.x.shape) < 0.5, -1.0, 1.0)
        if index == 0:
            signs = np.where(gradient == 0, signs, np.sign(gradient))
        return np.asarray(signs * self.scale * (0.5 + generator.random(self.x.shape)))

    def error(
        self, douts: Sequence[Array | None], index: int, generator: np.random.Generator
    ) -> float:
        """The error by central differences of all outputs."""
        gradient = self.gradient(douts)
        way = self.direction(gradient, index, generator)
        h = _FIRST_STEP
        slope, noise = 0.0, 0.0
        with np.errstate(all="ignore"):
            for y, up, down, u in zip(self.outputs, self.at(h * way), self.at(-h * way), douts):
                if u is not None:
                    slope += _weighed(u, (up - down) / (2 * h))
                    noise += _weighed(np.abs(u), np.abs(y)) * _ROUNDING / h
        return _error(slope, gradient, way, noise + self._rounded(gradient, h))

    def error_off_kinks(
        self, douts: Sequence[Array | None], index: int, generator: np.random.Generator
    ) -> tuple[float, int]:
        """The error over the outputs that have one slope, and how many others carry a gradient.

        NaN where no output that carries a gradient has one slope.
        """
        way = self.direction(self.gradient(douts), index, generator)
        kept: list[Array | None] = []
        slope, noise, masked, carried = 0.0, 0.0, 0, 0
        for y, u, (slopes, smooth, rounding) in zip(self.outputs, douts, self._slopes(way)):
            if u is None:
                kept.append(None)
                continue
            masked += int(np.count_nonzero(~smooth & (u != 0)))
            carried += int(np.count_nonzero(smooth & (u != 0)))
            u = np.where(smooth, u, 0.0)
            kept.append(u)
            slope += _weighed(u, slopes)
            noise += _weighed(np.abs(u), rounding)
        if masked and not carried:
            return float("nan"), masked
        gradient = self.gradient(kept)
        return _error(slope, gradient, way, noise + self._rounded(gradient, _STEPS[0])), masked

    def beside(
        self, douts: Sequence[Array | None], index: int, generator: np.random.Generator
    ) -> float:
        """The error at inputs a thousandth of their size away, where kinks are left."""
        for _ in range(_TRIES):
            inputs = [
                x + _BESIDE * magnitude(x) * generator.standard_normal(x.shape) if is_float(x) else x
                for x in self.inputs
            ]
            error, _ = _Place(self.node, inputs, self.number).error_off_kinks(
                douts, index, generator
            )
            if not np.isnan(error):
                return error
        return float("inf")

    def _slopes(self, way: Array) -> list[tuple[Array, Array, Array]]:
        """For each output its slope, where both sides have the same, and how far rounding goes."""
        slopes = [np.zeros(y.shape) for y in self.outputs]
        smooth = [np.zeros(y.shape, bool) for y in self.outputs]
        rounding = [np.zeros(y.shape) for y in self.outputs]
        for h in _STEPS:
            points = [self.at(step * way) for step in (h, 2 * h, -h, -2 * h)]
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

    def _rounded(self, gradient: Array, h: float) -> float:
        """What the rounding of ``x + h v`` does to a slope."""
        return _weighed(np.abs(gradient), np.abs(self.x)) * _ROUNDING / h


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
