"""Small data of known difficulty, drawn from a generator."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import chainrule as keras

Array = NDArray[Any]
Data = tuple[Array, Array]


def blobs(
    rng: np.random.Generator, rows: int, features: int, classes: int, noise: float = 0.0
) -> Data:
    """Two clouds a class, so that no line parts the classes; a share of wrong labels."""
    centers = rng.normal(0, 1.6, (2 * classes, features))
    which = rng.integers(0, 2 * classes, rows)
    x = centers[which] + rng.normal(0, 0.8, (rows, features))
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    y = which % classes
    wrong = rng.random(rows) < noise
    return x.astype("float32"), np.where(wrong, rng.integers(0, classes, rows), y).astype("int32")


def waves(rng: np.random.Generator, rows: int, features: int = 4) -> Data:
    """A smooth function of some numbers, of mean 0 and standard deviation 1."""
    x = rng.normal(size=(rows, features))
    y = np.sin(1.5 * x[:, 0]) + 0.5 * x[:, 1] * x[:, 2] + 0.3 * x[:, -1]
    return x.astype("float32"), ((y - y.mean()) / y.std()).astype("float32")


def rings(rng: np.random.Generator, rows: int) -> Data:
    """A disk within a ring."""
    angle, y = rng.uniform(0, 2 * np.pi, rows), rng.integers(0, 2, rows)
    radius = 0.6 + 1.0 * y + rng.normal(0, 0.12, rows)
    x = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return x.astype("float32"), y.astype("int32")


def first_step(rng: np.random.Generator, rows: int, steps: int) -> Data:
    """Sequences whose class is the sign of their first five steps; the others are noise."""
    x = rng.normal(0, 1, (rows, steps, 2))
    y = rng.integers(0, 2, rows)
    x[:, :5] = 2 * (2 * y - 1)[:, None, None]
    return x.astype("float32"), y.astype("int32")


def tones(rng: np.random.Generator, rows: int, steps: int = 24, classes: int = 3) -> Data:
    """Noisy waves; the class is the frequency."""
    y = rng.integers(0, classes, rows)
    time = np.arange(steps) / steps
    phase = rng.uniform(0, 2 * np.pi, rows)
    x = np.sin(2 * np.pi * (1.5 + 1.5 * y[:, None]) * time + phase[:, None])
    return (x + rng.normal(0, 0.2, x.shape))[..., None].astype("float32"), y.astype("int32")


def words(rng: np.random.Generator, rows: int, steps: int = 12, vocabulary: int = 40) -> Data:
    """Word numbers; the class is whether more of them are below the middle."""
    x = rng.integers(1, vocabulary, (rows, steps))
    return x.astype("int32"), ((x < vocabulary // 2).mean(axis=1) > 0.5).astype("int32")


def digits(rng: np.random.Generator, rows: int) -> Data:
    """Scanned digits (rows, 8, 8, 1) in [0, 1]."""
    (x, y), _ = keras.datasets.digits.load_data()
    order = rng.permutation(len(x))[:rows]
    return (x[order] / 16.0).reshape(-1, 8, 8, 1).astype("float32"), y[order].astype("int32")
