"""Fifty steps of a model give the same weights, to the last bit, for any number of threads and on
any instruction set."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

import chainrule as keras
from chainrule import _core
from tests.processes import printed

# Large enough that products, sums and updates are cut among threads.
ROWS, WIDTH, HIDDEN, CLASSES, STEPS = 6400, 96, 160, 10, 50


def weights_digest() -> str:
    """SHA-256 of every variable after 50 steps with dropout, batch normalisation and global clipping."""
    keras.utils.set_random_seed(7)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, WIDTH)).astype("float32")
    y = (x @ rng.normal(size=(WIDTH, CLASSES))).argmax(axis=1)
    model = keras.Sequential(
        [
            keras.layers.Dense(HIDDEN, use_bias=False, kernel_regularizer="l2"),
            keras.layers.BatchNormalization(),
            keras.layers.Activation("tanh"),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(HIDDEN, activation="gelu"),
            keras.layers.LayerNormalization(),
            keras.layers.GaussianNoise(0.1),
            keras.layers.Dense(CLASSES, activation="softmax"),
        ]
    )
    model.compile(
        keras.optimizers.AdamW(1e-3, global_clipnorm=0.5),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    model.fit(x, y, batch_size=ROWS // STEPS, epochs=1, verbose=0)
    assert int(model.optimizer.iterations.numpy()) == STEPS
    digest = hashlib.sha256()
    for variable in [*model.variables, *model.optimizer.variables]:
        value = variable.numpy()
        assert np.isfinite(value).all()
        digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()


def in_a_process(threads: int, isa: str) -> str:
    return printed("from tests.test_same_weights import *; print(weights_digest())", threads, isa)


@pytest.fixture(scope="module")
def here() -> str:
    return weights_digest()


def test_again_in_this_process(here: str) -> None:
    assert weights_digest() == here


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_any_number_of_threads(here: str, threads: int) -> None:
    assert in_a_process(threads, _core.isa()) == here


@pytest.mark.parametrize("isa", ["scalar", "avx2", "avx512", "neon"])
def test_any_instruction_set(here: str, isa: str) -> None:
    assert in_a_process(2, isa) == here
