"""The tasks on sequences: a recurrent network, its data, its initial weights."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from contestants.task import LEARNING_RATE, Array


@dataclass(frozen=True)
class SequenceTask:
    """`cell` of so many units over sequences, the last state to a softmax over the classes, Adam.

    With a vocabulary, inputs are ids that an embedding of `features` reads; else vectors of features.
    """

    name: str
    cell: str  # lstm, gru
    both_ways: bool
    vocabulary: int
    steps_long: int
    features: int
    units: int
    classes: int
    batch: int
    rows: int
    epochs: int  # a round
    target: float  # times as fast as the fastest peer
    learning_rate: float = LEARNING_RATE
    decay: float = 0.0  # of the weights, as AdamW's
    dropout: float = 0.0
    items: str = "sequences"

    @property
    def steps(self) -> int:
        """An epoch's."""
        return self.rows // self.batch

    @property
    def gates(self) -> int:
        """Gates of the cell."""
        return {"lstm": 4, "gru": 3}[self.cell]

    @property
    def ways(self) -> int:
        """Directions."""
        return 1 + self.both_ways

    @property
    def flops(self) -> int:
        """Of a step: products of inputs and states with their weights, and of both gradients."""
        rows, wide = self.batch * self.steps_long, self.gates * self.units
        of_inputs = self.features * (3 if self.vocabulary else 2)
        return 2 * self.ways * rows * wide * (of_inputs + 3 * self.units)

    def data(self) -> tuple[Array, Array]:
        """x (rows, steps) int32 or (rows, steps, features) float32, y (rows,) int32.

        The label depends on what stands at the end of a sequence.
        """
        rng = np.random.default_rng(1)
        y = rng.integers(0, self.classes, self.rows).astype(np.int32)
        if self.vocabulary:
            x = rng.integers(0, self.vocabulary, (self.rows, self.steps_long)).astype(np.int32)
            x[:, -1] = y
            return x, y
        shape = (self.rows, self.steps_long, self.features)
        x = rng.standard_normal(shape, dtype=np.float32)
        x[np.arange(self.rows), -1, y] += 3
        return x, y

    def weights(self) -> dict[str, Array]:
        """By name: the table, each direction's kernel, recurrent kernel and bias, the last layer's."""
        rng = np.random.default_rng(2)

        def uniform(*shape: int) -> Array:
            limit = np.sqrt(6 / sum(shape))
            return rng.uniform(-limit, limit, shape).astype(np.float32)

        wide, made = self.gates * self.units, {}
        if self.vocabulary:
            made["table"] = uniform(self.vocabulary, self.features)
        for way in ("forward", "backward")[: self.ways]:
            made[f"{way}_kernel"] = uniform(self.features, wide)
            made[f"{way}_recurrent"] = uniform(self.units, wide)
            shape = (2, wide) if self.cell == "gru" else (wide,)
            made[f"{way}_bias"] = np.zeros(shape, np.float32)
        made["kernel"] = uniform(self.ways * self.units, self.classes)
        made["bias"] = np.zeros(self.classes, np.float32)
        return made

    def short(self) -> SequenceTask:
        """A few steps of it."""
        return replace(self, rows=min(self.rows, 3 * self.batch))

    def order(self, epoch: int) -> Array:
        """A permutation of the rows."""
        return np.random.default_rng([3, epoch]).permutation(self.rows)


TASKS = {
    "text_lstm": SequenceTask(
        "embedding 20000 x 128, LSTM 128, length 100", "lstm", False, 20000, 100, 128, 128, 2,
        batch=32, rows=640, epochs=1, target=2.0,
    ),
    "speech_gru": SequenceTask(
        "bidirectional GRU 128, length 50, 40 features", "gru", True, 0, 50, 40, 128, 10,
        batch=64, rows=1280, epochs=1, target=2.5,
    ),
}  # fmt: skip
