"""Steps of mnist_convnet and ResNet-20 with augmentation and dropout give the same weights, to the
last bit, for any number of threads and on any instruction set."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest

import chainrule as keras
from chainrule import _core
from tests.image_networks import CLASSES, NETWORKS
from tests.processes import printed

ROWS, STEPS = 24, 4


def augmentation() -> list[Any]:
    """One layer of each kind that the networks' examples use."""
    layers = keras.layers
    return [
        layers.RandomFlip("horizontal", seed=1),
        layers.RandomRotation(0.1, seed=2),
        layers.RandomTranslation(0.1, 0.1, seed=3),
        layers.RandomZoom(0.1, seed=4),
        layers.RandomContrast(0.2, value_range=(-4.0, 4.0), seed=5),
    ]


def weights_digest(name: str) -> str:
    """SHA-256 of every variable of the model and its optimizer after a few steps."""
    keras.utils.set_random_seed(7)
    make, shape = NETWORKS[name]
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS * STEPS, *shape)).astype("float32")
    y = rng.integers(0, CLASSES, len(x))
    model = make(keras, augmentation(), dropout=0.5)
    model.compile(
        keras.optimizers.Adam(1e-3),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    before = model.get_weights()
    model.fit(x, y, batch_size=ROWS, epochs=1, verbose=0)
    assert int(model.optimizer.iterations.numpy()) == STEPS
    assert all((a != b).any() for a, b in zip(before, model.get_weights()))
    digest = hashlib.sha256()
    for variable in [*model.variables, *model.optimizer.variables]:
        value = variable.numpy()
        assert np.isfinite(value).all()
        digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()


def both_digests() -> str:
    """Of the two networks."""
    return " ".join(weights_digest(name) for name in NETWORKS)


def in_a_process(threads: int, isa: str) -> str:
    return printed("from tests.test_same_weights_images import *; print(both_digests())", threads, isa)


@pytest.fixture(scope="module")
def here() -> str:
    return both_digests()


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_any_number_of_threads(here: str, threads: int) -> None:
    assert in_a_process(threads, _core.isa()) == here


@pytest.mark.parametrize("isa", ["scalar", "avx2", "avx512", "neon"])
def test_any_instruction_set(here: str, isa: str) -> None:
    assert in_a_process(2, isa) == here
