"""The tasks: a dense network, its data, its initial weights, and how it is trained."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

LEARNING_RATE, BETA_1, BETA_2, EPSILON = 1e-3, 0.9, 0.999, 1e-7


@dataclass(frozen=True)
class Task:
    """ReLU layers of `sizes[1:-1]` units, dropout behind each, softmax cross-entropy, Adam."""

    sizes: tuple[int, ...]
    batch: int
    dropout: float
    rows: int
    epochs: int  # a round
    target: float  # times as fast as the fastest peer
    learning_rate: float = LEARNING_RATE
    decay: float = 0.0  # of the weights, as AdamW's
    items: str = "rows"

    @property
    def name(self) -> str:
        """As "64-64-32-10"."""
        return "-".join(map(str, self.sizes))

    @property
    def steps(self) -> int:
        """An epoch's."""
        return self.rows // self.batch

    @property
    def flops(self) -> int:
        """Of a step: the products of forward, gradient by weights, and by inputs but the first."""
        pairs = list(zip(self.sizes, self.sizes[1:]))
        return 2 * self.batch * (3 * sum(m * n for m, n in pairs) - pairs[0][0] * pairs[0][1])

    def data(self) -> tuple[Array, Array]:
        """x (rows, sizes[0]) normal float32; y (rows,) int32, the largest of random projections.

        The first rows have one label of each class, so that all see the same number of classes.
        """
        rng = np.random.default_rng(1)
        x = rng.standard_normal((self.rows, self.sizes[0]), dtype=np.float32)
        y = (x @ rng.standard_normal((self.sizes[0], self.sizes[-1]), dtype=np.float32)).argmax(1)
        y[: self.sizes[-1]] = np.arange(self.sizes[-1])
        return x, y.astype(np.int32)

    def weights(self) -> list[tuple[Array, Array]]:
        """(kernel, bias) of each layer: Glorot uniform and zeros."""
        rng = np.random.default_rng(2)
        made: list[tuple[Array, Array]] = []
        for m, n in zip(self.sizes, self.sizes[1:]):
            limit = np.sqrt(6 / (m + n))
            kernel = rng.uniform(-limit, limit, (m, n)).astype(np.float32)
            made.append((kernel, np.zeros(n, np.float32)))
        return made

    def short(self) -> Task:
        """A few steps of it without dropout, in which sums in other orders do not show yet."""
        rows = min(self.rows, 3 * self.batch)
        return replace(self, rows=rows, dropout=0.0)

    def order(self, epoch: int) -> Array:
        """A permutation of the rows."""
        return np.random.default_rng([3, epoch]).permutation(self.rows)


TASKS = {
    "small": Task((64, 64, 32, 10), 32, 0.0, rows=1792, epochs=20, target=4.0),
    "medium": Task((784, 512, 256, 10), 128, 0.2, rows=7680, epochs=1, target=1.4),
    "large": Task((1024, 2048, 2048, 1000), 512, 0.0, rows=2048, epochs=1, target=1.2),
}


class Contestant(Protocol):
    """What is served in a process of its own."""

    def curve(self, epochs: int) -> list[float]:
        """The mean loss of each epoch of the task in short, from the initial weights."""

    def prepare(self) -> None:
        """Train an epoch, so that what is timed is compiled and warm."""

    def run(self, epochs: int) -> float:
        """Seconds of training for so many epochs."""

