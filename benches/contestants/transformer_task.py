"""The tasks of Transformers: a GPT of characters, a small Bert with classes; data and initial weights."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from contestants.task import LEARNING_RATE, Array


@dataclass(frozen=True)
class TransformerTask:
    """Layers of attention and feed-forward parts of four times the width; AdamW.

    Without classes it is a language model: causal, norms first, scores of the next token from the table
    of the embedding. With classes each text has one: norms last, the mean of all places to the classes.
    """

    name: str
    vocabulary: int
    layers: int
    heads: int
    width: int
    length: int
    classes: int
    batch: int
    rows: int
    epochs: int  # a round
    target: float  # times as fast as the fastest peer
    learning_rate: float = LEARNING_RATE
    decay: float = 0.004  # Keras's AdamW
    dropout: float = 0.0
    items: str = "texts"

    @property
    def steps(self) -> int:
        """An epoch's."""
        return self.rows // self.batch

    @property
    def epsilon(self) -> float:
        """Of the norms."""
        return 1e-12 if self.classes else 1e-5

    @property
    def flops(self) -> int:
        """Of a step: the products with weights and those of attention, forward and both gradients."""
        tokens = self.batch * self.length
        weights = self.layers * 12 * self.width**2
        weights += 0 if self.classes else self.vocabulary * self.width
        attention = self.layers * 2 * self.length * self.width
        return 6 * tokens * (weights + attention)

    def data(self) -> tuple[Array, Array]:
        """x (rows, length) int32; y the tokens that follow, or (rows,) classes.

        Tokens are Zipf's, most follow the one before; a text's class is that of its first token.
        """
        rng = np.random.default_rng(1)
        odds = 1 / np.arange(1, self.vocabulary + 1)
        shape = (self.rows, self.length + 1)
        drawn = rng.choice(self.vocabulary, shape, p=odds / odds.sum())
        for at in range(1, shape[1]):
            follows = rng.random(self.rows) < 0.5
            drawn[follows, at] = (drawn[follows, at - 1] + 1) % self.vocabulary
        x = drawn.astype(np.int32)
        if self.classes:
            return x[:, :-1].copy(), x[:, 0] % self.classes
        return x[:, :-1].copy(), x[:, 1:].copy()

    def weights(self) -> dict[str, Array]:
        """By name, in the order of `nlp.GPT` and `nlp.Bert`: normal with a deviation of 0.02."""
        rng = np.random.default_rng(2)
        c, head = self.width, self.width // self.heads

        def normal(*shape: int) -> Array:
            return (0.02 * rng.standard_normal(shape)).astype(np.float32)

        def zeros(*shape: int) -> Array:
            return np.zeros(shape, np.float32)

        def norm(name: str) -> dict[str, Array]:
            return {f"{name}.gamma": np.ones(c, np.float32), f"{name}.beta": zeros(c)}

        made = {"table": normal(self.vocabulary, c), "places": normal(self.length, c)}
        if self.classes:
            made |= {"segments": normal(2, c), **norm("norm")}
        for layer in range(self.layers):
            for part in ("query", "key", "value"):
                made[f"{layer}.{part}"] = normal(c, self.heads, head)
                made[f"{layer}.{part}.bias"] = zeros(self.heads, head)
            made[f"{layer}.out"] = normal(self.heads, head, c)
            made[f"{layer}.out.bias"] = zeros(c)
            made |= norm(f"{layer}.norm1") | norm(f"{layer}.norm2")
            made[f"{layer}.wide"], made[f"{layer}.wide.bias"] = normal(c, 4 * c), zeros(4 * c)
            made[f"{layer}.narrow"], made[f"{layer}.narrow.bias"] = normal(4 * c, c), zeros(c)
        if self.classes:
            made |= {"kernel": normal(c, self.classes), "bias": zeros(self.classes)}
        else:
            made |= norm("norm")
        return made

    def short(self) -> TransformerTask:
        """A few steps of it."""
        return replace(self, rows=min(self.rows, 3 * self.batch))

    def order(self, epoch: int) -> Array:
        """A permutation of the rows."""
        return np.random.default_rng([3, epoch]).permutation(self.rows)


TASKS = {
    "char_gpt": TransformerTask(
        "character GPT: 4 layers, 4 heads, 128 channels, 64 tokens", 65, 4, 4, 128, 64, 0,
        batch=12, rows=600, epochs=1, target=1.9,
    ),
    "mini_lm": TransformerTask(
        "MiniLM-L6: 6 layers, 12 heads, 384 channels, 128 tokens", 30522, 6, 12, 384, 128, 2,
        batch=16, rows=48, epochs=1, target=1.5, learning_rate=1e-4,
    ),
}  # fmt: skip
