"""Quantiles of a stream of numbers, in little memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["QuantileSketch"]

Array = NDArray[Any]

# Numbers that are kept as they are.
_EXACT = 1 << 20


class QuantileSketch:
    """The quantiles of all numbers that were added: exact up to a million, then to a tolerance.

    Beyond, numbers stand for several: of those that lie beside each other in order, pairs are joined
    until there is room again, so that no rank is wrong by more than a small part of `epsilon`.

    Parameters
    ----------
    epsilon : float
        The tolerance of ranks, as a fraction of the count.
    exact : int
        How many numbers are kept before any stands for others.

    Examples
    --------
    >>> sketch = QuantileSketch(0.01)
    >>> sketch.add(np.arange(5.0))
    >>> sketch.boundaries(2)
    [2.0]
    """

    def __init__(self, epsilon: float, exact: int = _EXACT) -> None:
        self._room = max(exact, int(16 / max(epsilon, 1e-6)))
        self._new: list[Array] = []
        self._pending = 0
        self._values = np.zeros(0)
        self._weights = np.zeros(0)
        self.count = 0

    def add(self, values: Array) -> None:
        """Take numbers into account."""
        self._new.append(np.array(values, dtype="float64").ravel())
        self._pending += self._new[-1].size
        self.count += self._new[-1].size
        if self._pending + len(self._values) > 2 * self._room:
            self._merge()
            self._compress()

    def _merge(self) -> None:
        values = np.concatenate([self._values, *self._new])
        weights = np.concatenate([self._weights, np.ones(self._pending)])
        order = np.argsort(values, kind="stable")
        self._values, self._weights = values[order], weights[order]
        self._new, self._pending = [], 0

    def _compress(self) -> None:
        """One number for all whose ranks lie between two of `room` places of the same distance."""
        ends = np.cumsum(self._weights)
        places = np.floor((ends - self._weights / 2) * self._room / ends[-1])
        starts = np.flatnonzero(np.diff(places, prepend=-1.0))
        stops = np.append(starts[1:], len(places))
        self._weights = np.add.reduceat(self._weights, starts)
        self._values = self._values[(starts + stops) // 2]

    def boundaries(self, count: int) -> list[float]:
        """The `count - 1` numbers between as many parts of the same size.

        They are NumPy's quantiles (linear between neighbours) while every number is kept.
        """
        self._merge()
        if count < 2:
            return []
        wanted = np.arange(1, count) / count
        if (self._weights == 1).all():
            found = np.quantile(self._values, wanted)
        else:
            centres = np.cumsum(self._weights) - self._weights / 2
            found = np.interp(wanted * self.count, centres, self._values)
        return [float(x) for x in found]
