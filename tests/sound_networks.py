"""Sound networks of every kind, of which `diagnose` should say nothing, fresh or trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import chainrule as keras
from chainrule import nlp
from tests import made_data

__all__ = ["SOUND", "Sound"]

L = keras.layers
SPARSE = "sparse_categorical_crossentropy"
Made = tuple[Any, Any, Any, dict[str, Any]]


@dataclass(frozen=True)
class Sound:
    """A kind of network, and how to make one from a seed: model, x, y and the arguments of `fit`."""

    name: str
    make: Callable[[np.random.Generator], Made]


def width(rng: np.random.Generator) -> int:
    return int(rng.choice([16, 32, 64, 96]))


def _compiled(model: Any, x: Any, y: Any, loss: Any, optimizer: Any = "adam", **fit: Any) -> Made:
    model.compile(optimizer=optimizer, loss=loss)
    return model, x, y, {"epochs": 8, **fit}


def _blobs(rng: np.random.Generator, layers: list[Any], optimizer: Any = "adam", **fit: Any) -> Made:
    x, y = made_data.blobs(rng, 384, features=8, classes=3)
    model = keras.Sequential([*layers, L.Dense(3, activation="softmax")])
    return _compiled(model, x, y, SPARSE, optimizer, **fit)


def _digits(rng: np.random.Generator, layers: list[Any], optimizer: Any = "adam", **fit: Any) -> Made:
    x, y = made_data.digits(rng, 512)
    model = keras.Sequential([*layers, L.Dense(10, activation="softmax")])
    return _compiled(model, x, y, SPARSE, optimizer, **{"epochs": 5, **fit})


def dense(rng: np.random.Generator) -> Made:
    return _blobs(rng, [L.Dense(width(rng), activation="relu") for _ in range(2)])


def deep_dense(rng: np.random.Generator) -> Made:
    layers = [
        L.Dense(width(rng), activation="relu", kernel_initializer="he_normal") for _ in range(8)
    ]
    return _blobs(rng, layers)


def tanh_dense(rng: np.random.Generator) -> Made:
    return _blobs(rng, [L.Dense(width(rng), activation="tanh") for _ in range(3)], "rmsprop")


def sigmoid_dense(rng: np.random.Generator) -> Made:
    layers = [L.Dense(width(rng), activation="sigmoid")]
    return _blobs(rng, layers, keras.optimizers.SGD(0.1, momentum=0.9))


def selu_dense(rng: np.random.Generator) -> Made:
    layers = [
        L.Dense(48, activation="selu", kernel_initializer="lecun_normal") for _ in range(6)
    ]
    return _blobs(rng, [*layers, L.AlphaDropout(0.05)])


def sgd_momentum(rng: np.random.Generator) -> Made:
    layers = [L.Dense(width(rng), activation="relu") for _ in range(2)]
    return _blobs(rng, layers, keras.optimizers.SGD(0.05, momentum=0.9))


def plain_sgd(rng: np.random.Generator) -> Made:
    return _blobs(rng, [L.Dense(width(rng), activation="relu")], "sgd")


def batch_norm(rng: np.random.Generator) -> Made:
    layers: list[Any] = []
    for _ in range(3):
        layers += [L.Dense(width(rng), use_bias=False), L.BatchNormalization(), L.ReLU()]
    return _blobs(rng, layers)


def dropout(rng: np.random.Generator) -> Made:
    x, y = made_data.blobs(rng, 512, features=8, classes=3)
    layers = [L.Dense(96, activation="relu"), L.Dropout(0.4), L.Dense(64, activation="relu")]
    model = keras.Sequential([*layers, L.Dropout(0.3), L.Dense(3, activation="softmax")])
    held = (x[384:], y[384:])
    return _compiled(model, x[:384], y[:384], SPARSE, validation_data=held)


def logits(rng: np.random.Generator) -> Made:
    x, y = made_data.blobs(rng, 384, features=8, classes=3)
    model = keras.Sequential([L.Dense(width(rng), activation="gelu"), L.Dense(3)])
    return _compiled(model, x, y, keras.losses.SparseCategoricalCrossentropy(from_logits=True))


def conv(rng: np.random.Generator) -> Made:
    layers = [
        L.Conv2D(16, 3, activation="relu"),
        L.MaxPooling2D(),
        L.Conv2D(32, 3, activation="relu"),
        L.Flatten(),
    ]
    return _digits(rng, layers)


def conv_norm(rng: np.random.Generator) -> Made:
    layers: list[Any] = []
    for filters in (16, 32):
        layers += [
            L.Conv2D(filters, 3, padding="same", use_bias=False),
            L.BatchNormalization(),
            L.Activation("relu"),
        ]
    return _digits(rng, [*layers, L.GlobalAveragePooling2D()])


def residual(rng: np.random.Generator) -> Made:
    x, y = made_data.digits(rng, 512)
    image = keras.Input((8, 8, 1))
    z = L.Conv2D(16, 3, padding="same", activation="relu")(image)
    for _ in range(3):
        inner = L.BatchNormalization()(L.Conv2D(16, 3, padding="same", activation="relu")(z))
        z = L.Add()([z, L.Conv2D(16, 3, padding="same")(inner)])
    z = L.Dense(10, activation="softmax")(L.Flatten()(z))
    return _compiled(keras.Model(image, z), x, y, SPARSE, epochs=4)


def separable(rng: np.random.Generator) -> Made:
    layers = [
        L.SeparableConv2D(24, 3, activation="relu"),
        L.DepthwiseConv2D(3, activation="relu"),
        L.Flatten(),
    ]
    return _digits(rng, layers)


def simple_rnn(rng: np.random.Generator) -> Made:
    x, y = made_data.tones(rng, 384)
    model = keras.Sequential([L.SimpleRNN(width(rng)), L.Dense(3, activation="softmax")])
    return _compiled(model, x, y, SPARSE, keras.optimizers.Adam(5e-3), epochs=12)


def lstm(rng: np.random.Generator) -> Made:
    x, y = made_data.tones(rng, 384)
    model = keras.Sequential(
        [L.LSTM(24, return_sequences=True), L.LSTM(16), L.Dense(3, activation="softmax")]
    )
    return _compiled(model, x, y, SPARSE, keras.optimizers.Adam(5e-3))


def gru(rng: np.random.Generator) -> Made:
    x, y = made_data.words(rng, 384)
    model = keras.Sequential(
        [
            L.Embedding(40, 16, mask_zero=True),
            L.Bidirectional(L.GRU(16)),
            L.Dense(1, activation="sigmoid"),
        ]
    )
    return _compiled(model, x, y, "binary_crossentropy", keras.optimizers.Adam(5e-3))


def text_convolutions(rng: np.random.Generator) -> Made:
    x, y = made_data.words(rng, 384)
    model = keras.Sequential(
        [
            L.Embedding(40, 16),
            L.Conv1D(32, 3, activation="relu"),
            L.GlobalMaxPooling1D(),
            L.Dense(1, activation="sigmoid"),
        ]
    )
    return _compiled(model, x, y, "binary_crossentropy")


def transformer(rng: np.random.Generator) -> Made:
    x, y = made_data.words(rng, 384)
    steps = keras.Input((12,), dtype="int32")
    z = nlp.TokenAndPositionEmbedding(40, 12, 32)(steps)
    for _ in range(2):
        z = nlp.TransformerEncoder(64, 4)(z)
    z = L.Dense(1, activation="sigmoid")(L.GlobalAveragePooling1D()(z))
    return _compiled(keras.Model(steps, z), x, y, "binary_crossentropy")


def autoencoder(rng: np.random.Generator) -> Made:
    x, _ = made_data.digits(rng, 512)
    x = x.reshape(len(x), -1)
    sizes = (48, 12, 48)
    layers = [L.Dense(n, activation="relu") for n in sizes]
    model = keras.Sequential([*layers, L.Dense(64, activation="sigmoid")])
    loss = str(rng.choice(["mse", "binary_crossentropy"]))
    return _compiled(model, x, x, loss, keras.optimizers.Adam(3e-3), epochs=15)


def regression(rng: np.random.Generator) -> Made:
    x, y = made_data.waves(rng, 512)
    layers = [L.Dense(width(rng), activation="relu") for _ in range(2)]
    held = (x[384:], y[384:])
    model = keras.Sequential([*layers, L.Dense(1)])
    loss = str(rng.choice(["mse", "mae", "huber"]))
    return _compiled(model, x[:384], y[:384], loss, validation_data=held)


def multi_label(rng: np.random.Generator) -> Made:
    x = rng.normal(size=(384, 8)).astype("float32")
    y = (x @ rng.normal(size=(8, 5)) > 1).astype("float32")
    model = keras.Sequential([L.Dense(64, activation="relu"), L.Dense(5, activation="sigmoid")])
    return _compiled(model, x, y, "binary_crossentropy")


def one_hot(rng: np.random.Generator) -> Made:
    x, y = made_data.blobs(rng, 384, features=8, classes=4)
    model = keras.Sequential([L.Dense(48, activation="silu"), L.Dense(4, activation="softmax")])
    return _compiled(model, x, np.eye(4, dtype="float32")[y], "categorical_crossentropy")


def multi_output(rng: np.random.Generator) -> Made:
    x, y = made_data.waves(rng, 384)
    entry = keras.Input((4,))
    z = L.Dense(64, activation="relu")(entry)
    number = L.Dense(1, name="number")(L.Dense(32, activation="relu")(z))
    sign = L.Dense(1, activation="sigmoid", name="sign")(z)
    model = keras.Model(entry, [number, sign])
    return _compiled(
        model, x, [y, (y > 0).astype("float32")], ["mse", "binary_crossentropy"]
    )


def two_inputs(rng: np.random.Generator) -> Made:
    x, y = made_data.waves(rng, 384)
    a, b = keras.Input((2,), name="a"), keras.Input((2,), name="b")
    z = L.Concatenate()([L.Dense(24, activation="relu")(a), L.Dense(24, activation="tanh")(b)])
    model = keras.Model([a, b], L.Dense(1)(L.Dense(24, activation="relu")(z)))
    return _compiled(model, [x[:, :2], x[:, 2:]], y, "mse")


class Subclassed(keras.Model):
    """With blocks in a list and a skip connection."""

    def __init__(self) -> None:
        super().__init__()
        self.first = L.Dense(32, activation="relu")
        self.blocks = [L.Dense(32, activation="relu") for _ in range(3)]
        self.last = L.Dense(3, activation="softmax")

    def call(self, x: Any) -> Any:
        x = self.first(x)
        for block in self.blocks:
            x = x + block(x)
        return self.last(x)


def subclassed(rng: np.random.Generator) -> Made:
    x, y = made_data.blobs(rng, 384, features=8, classes=3)
    return _compiled(Subclassed(), x, y, SPARSE)


def normalized_inside(rng: np.random.Generator) -> Made:
    x, y = made_data.blobs(rng, 384, features=8, classes=3)
    x = x * 40 + 200
    normal = L.Normalization()
    normal.adapt(x)
    model = keras.Sequential([normal, L.Dense(48, activation="relu"), L.Dense(3, activation="softmax")])
    return _compiled(model, x, y, SPARSE)


def frozen_body(rng: np.random.Generator) -> Made:
    x, y = made_data.digits(rng, 512)
    hidden = [L.Dense(64, activation="relu"), L.Dense(32, activation="relu")]
    body = keras.Sequential([L.Flatten(), *hidden])
    whole = keras.Sequential([body, L.Dense(10, activation="softmax")])
    whole.compile(optimizer="adam", loss=SPARSE)
    whole.fit(x, y, epochs=10, verbose=0)
    body.trainable = False
    model = keras.Sequential([body, L.Dense(10, activation="softmax")])
    return _compiled(model, x, y, SPARSE)


SOUND = [
    Sound("dense", dense),
    Sound("dense, eight layers of He's weights", deep_dense),
    Sound("dense, tanh, RMSprop", tanh_dense),
    Sound("dense, sigmoid, momentum", sigmoid_dense),
    Sound("dense, SELU", selu_dense),
    Sound("dense, momentum", sgd_momentum),
    Sound("dense, plain SGD", plain_sgd),
    Sound("dense, batch normalisation", batch_norm),
    Sound("dense, dropout, validation", dropout),
    Sound("dense, logits", logits),
    Sound("convolutions", conv),
    Sound("convolutions, batch normalisation", conv_norm),
    Sound("convolutions, residual, functional", residual),
    Sound("convolutions, separable", separable),
    Sound("SimpleRNN", simple_rnn),
    Sound("LSTM, two layers", lstm),
    Sound("GRU of words, bidirectional, masked", gru),
    Sound("convolutions over words", text_convolutions),
    Sound("Transformer", transformer),
    Sound("autoencoder", autoencoder),
    Sound("regression", regression),
    Sound("multi-label", multi_label),
    Sound("one-hot targets", one_hot),
    Sound("two outputs", multi_output),
    Sound("two inputs", two_inputs),
    Sound("subclassed", subclassed),
    Sound("normalised inside", normalized_inside),
    Sound("a trained body, frozen", frozen_body),
]
