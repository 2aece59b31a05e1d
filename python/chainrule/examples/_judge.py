"""How good drawn digits are: what a classifier of real ones makes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

import chainrule as keras
from chainrule import layers
from chainrule.examples._data import Scans

__all__ = ["Judge", "tiled"]

Array = npt.NDArray[Any]


class Judge:
    """A network trained to read real scans, which scores drawn ones."""

    def __init__(self, scans: Scans, epochs: int) -> None:
        shape = scans.x_train.shape[1:]
        self.network = keras.Sequential(
            [
                keras.Input(shape),
                layers.Flatten(),
                layers.Dense(128, activation="relu"),
                layers.Dropout(0.3),
                layers.Dense(10, activation="softmax"),
            ]
        )
        self.network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        self.network.fit(scans.x_train, scans.y_train, epochs=epochs, batch_size=64, verbose=0)
        data = scans.x_test, scans.y_test
        self.accuracy = float(self.network.evaluate(*data, verbose=0)[1])

    def score(self, images: Array) -> float:
        """exp E KL(p(y | x) || p(y)): 10 where each image is surely a digit, all as frequent; 1 at worst.

        Salimans et al. 2016, arXiv 1606.03498, with a reader of digits in Inception's place.
        """
        p = np.maximum(self.network.predict(images, batch_size=256, verbose=0), 1e-12)
        entropies = p * (np.log(p) - np.log(p.mean(axis=0)))
        return float(np.exp(entropies.sum(axis=1).mean()))

    def digits(self, images: Array) -> Array:
        """What is read from each image."""
        found: Array = self.network.predict(images, batch_size=256, verbose=0).argmax(axis=-1)
        return found


def tiled(images: Array, across: int) -> Array:
    """Images (N, H, W, 1) as one of rows of `across`, a line of NaN between them.

    Examples
    --------
    >>> tiled(np.ones((4, 2, 2, 1)), 2).shape
    (5, 5)
    """
    padded = np.pad(images[..., 0], ((0, 0), (0, 1), (0, 1)), constant_values=np.nan)
    n, h, w = padded.shape
    rows = padded.reshape(n // across, across, h, w).swapaxes(1, 2)
    return np.asarray(rows.reshape(n // across * h, across * w)[:-1, :-1])
