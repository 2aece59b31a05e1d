"""Transformers composed of Keras's own layers, by chainrule or by Keras, with weights in one order."""

from __future__ import annotations

from typing import Any

import numpy as np

Weights = list[np.ndarray[Any, Any]]


def _positions(keras: Any, length: int, **kwargs: Any) -> Any:
    class Positions(keras.layers.Layer):  # type: ignore[name-defined, misc]
        """Adds a learnt vector for each place."""

        def build(self, input_shape: Any) -> None:
            self.table = self.add_weight(name="table", shape=(length, input_shape[-1]))

        def call(self, x: Any) -> Any:
            return x + self.table[: x.shape[1]]

        def compute_output_shape(self, input_shape: Any) -> Any:
            return input_shape

    return Positions(**kwargs)


class Block:
    """Attention and feed-forward part with Keras's layers; their weights as `nlp` orders them."""

    def __init__(self, keras: Any, width: int, heads: int, inner: int, first: bool, epsilon: float):
        layers = keras.layers
        self.first = first
        self.attention = layers.MultiHeadAttention(heads, width // heads)
        self.norms = [layers.LayerNormalization(epsilon=epsilon) for _ in range(2)]
        self.wide = layers.Dense(inner, activation="gelu")
        self.narrow = layers.Dense(width)

    def __call__(self, x: Any, causal: bool, mask: Any = None) -> Any:
        def attention(h: Any) -> Any:
            return self.attention(h, h, use_causal_mask=causal, attention_mask=mask)

        for norm, part in zip(self.norms, (attention, lambda h: self.narrow(self.wide(h)))):
            x = x + part(norm(x)) if self.first else norm(x + part(x))
        return x

    @property
    def layers(self) -> list[Any]:
        return [self.attention, *self.norms, self.wide, self.narrow]


def composed_gpt(
    keras: Any, vocabulary: int, count: int, heads: int, width: int, length: int
) -> tuple[Any, list[Any]]:
    """A functional model as `nlp.GPT` without dropout, and its layers in the order of GPT's weights."""
    tokens = keras.Input((length,), dtype="int32")
    table = keras.layers.ReversibleEmbedding(vocabulary, width)
    places = _positions(keras, length)
    blocks = [Block(keras, width, heads, 4 * width, True, 1e-5) for _ in range(count)]
    norm = keras.layers.LayerNormalization(epsilon=1e-5)
    x = places(table(tokens))
    for block in blocks:
        x = block(x, causal=True)
    model = keras.Model(tokens, table(norm(x), reverse=True))
    return model, [table, places, *(layer for block in blocks for layer in block.layers), norm]


def composed_bert(
    keras: Any, vocabulary: int, count: int, heads: int, width: int, length: int, classes: int
) -> tuple[Any, list[Any]]:
    """A functional model as `nlp.Bert` without dropout, with classes of the mean of all tokens."""
    tokens = keras.Input((length,), dtype="int32")
    table = keras.layers.Embedding(vocabulary, width)
    places = _positions(keras, length)
    segments = keras.layers.Embedding(2, width)
    norm = keras.layers.LayerNormalization(epsilon=1e-12)
    blocks = [Block(keras, width, heads, 4 * width, False, 1e-12) for _ in range(count)]
    last = keras.layers.Dense(classes)
    x = norm(places(table(tokens)) + segments(keras.ops.zeros_like(tokens)))
    for block in blocks:
        x = block(x, causal=False)
    model = keras.Model(tokens, last(keras.layers.GlobalAveragePooling1D()(x)))
    return model, [table, places, segments, norm, *(b for k in blocks for b in k.layers), last]


def weights_of(layers: list[Any]) -> Weights:
    return [w for layer in layers for w in layer.get_weights()]


def set_weights(layers: list[Any], weights: Weights) -> None:
    """Give layers their weights out of a list, one after the other."""
    rest = list(weights)
    for layer in layers:
        count = len(layer.get_weights())
        layer.set_weights(rest[:count])
        del rest[:count]
    assert not rest


def drawn(shapes: list[tuple[int, ...]], seed: int = 3) -> Weights:
    """Weights of these shapes, small; those of one axis near the usual start."""
    rng = np.random.default_rng(seed)
    return [
        (rng.standard_normal(shape) * (0.1 if len(shape) > 1 else 0.05)).astype("float32")
        for shape in shapes
    ]
