"""Three small trainings whose weights are the same to the last bit on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import Input, layers, optimizers, utils
from chainrule.losses import Loss, SparseCategoricalCrossentropy
from chainrule.models import Model, Sequential
from chainrule.nlp import TokenAndPositionEmbedding, TransformerEncoder

__all__ = ["TRAININGS", "digest_of", "trained"]

Data = tuple[NDArray[Any], NDArray[Any]]
_CLASSES = 4


def _labelled(shape: tuple[int, ...], seed: int) -> Data:
    """Sixteenths, and which quarter of each row's numbers has the largest sum: exact arithmetic."""
    state = np.random.RandomState(seed)
    counts = state.randint(-32, 33, shape)
    quarters = counts.reshape(shape[0], -1, _CLASSES).sum(axis=1)
    return (counts / 16).astype("float32"), quarters.argmax(axis=1)


def _dense() -> tuple[Model, Data]:
    model = Sequential(
        [
            Input((32,)),
            layers.Dense(48, activation="gelu", kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.Dropout(0.2, seed=1),
            layers.Dense(24, activation="tanh"),
            layers.LayerNormalization(),
            layers.Dense(_CLASSES, activation="softmax"),
        ]
    )
    optimizer = optimizers.AdamW(3e-3, global_clipnorm=1.0)
    model.compile(optimizer, "sparse_categorical_crossentropy")
    return model, _labelled((480, 32), 1)


def _convolutional() -> tuple[Model, Data]:
    model = Sequential(
        [
            Input((8, 8, 2)),
            layers.RandomFlip("horizontal", seed=2),
            layers.Conv2D(8, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.SeparableConv2D(12, 3, activation="silu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(_CLASSES),
        ]
    )
    model.compile(optimizers.SGD(0.05, momentum=0.9, nesterov=True), _of_logits())
    return model, _labelled((320, 8, 8, 2), 2)


def _sequential() -> tuple[Model, Data]:
    """A recurrent layer and attention, over symbols."""
    words = Input((12,), dtype="int32")
    x: Any = TokenAndPositionEmbedding(9, 12, 16)(words)
    # An orthogonal matrix would come out of LAPACK.
    x = layers.LSTM(16, return_sequences=True, recurrent_initializer="glorot_uniform")(x)
    x = layers.GRU(16, return_sequences=True, recurrent_initializer="glorot_uniform")(x)
    x = TransformerEncoder(24, 2)(x)
    outputs = layers.Dense(_CLASSES)(layers.GlobalAveragePooling1D()(x))
    model = Model(words, outputs)
    model.compile(optimizers.Adam(3e-3), _of_logits())
    symbols = np.random.RandomState(3).randint(0, 9, (192, 12)).astype("int32")
    return model, (symbols, symbols[:, 0] % _CLASSES)


def _of_logits() -> Loss:
    return SparseCategoricalCrossentropy(from_logits=True)


TRAININGS: dict[str, Callable[[], tuple[Model, Data]]] = {
    "dense": _dense,
    "convolutional": _convolutional,
    "recurrent and attention": _sequential,
}


def trained(name: str, epochs: int = 2, batch_size: int = 32) -> Model:
    """The model of this name after its training.

    Parameters
    ----------
    name : str
        A key of `TRAININGS`.
    epochs, batch_size : int
        Default 2 epochs in batches of 32.
    """
    utils.set_random_seed(7)
    model, (x, y) = TRAININGS[name]()
    model.fit(x, y, batch_size=batch_size, epochs=epochs, shuffle=False, verbose=0)
    return model


def digest_of(model: Model) -> str:
    """SHA-256 of all variables of a model and of its optimizer."""
    digest = hashlib.sha256()
    for variable in [*model.variables, *model.optimizer.variables]:
        digest.update(np.ascontiguousarray(variable.numpy()).tobytes())
    return digest.hexdigest()
