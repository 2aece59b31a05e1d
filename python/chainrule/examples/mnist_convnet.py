"""Reads handwritten digits by convolution: `python -m chainrule.examples.mnist_convnet`.

Trains the network of Keras's example on 55,000 scans of MNIST, watches 5,000 others, tests on
10,000 more, and draws the curves, the confusions and the worst mistakes where matplotlib is
installed. MNIST is read from `$CHAINRULE_DATA` or the cache, or downloaded (11 MB).
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import chainrule as cr
from chainrule import layers
from chainrule.datasets import mnist
from chainrule.examples._report import class_table, save_report

__all__ = ["main"]

Array = npt.NDArray[Any]
BATCH_SIZE = 128
HELD_BACK = 1 / 12
DIGITS = [str(digit) for digit in range(10)]


def build_model() -> Any:
    """Two convolutions with pooling, dropout, and a softmax: 34,826 weights."""
    return cr.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ],
        name="mnist_convnet",
    )


def scaled(images: Array) -> Array:
    """(N, 28, 28) bytes as (N, 28, 28, 1) floats between 0 and 1."""
    return images[..., None].astype("float32") / 255


def main(arguments: Sequence[str] | None = None) -> float:
    """Train, report, and give the test accuracy."""
    parser = argparse.ArgumentParser(
        description="Read handwritten digits with a small convolutional network."
    )
    parser.add_argument("--epochs", type=int, default=15, help="how often to see all scans")
    parser.add_argument("--limit", type=int, help="use only so many scans of each part")
    parser.add_argument("--seed", type=int, default=0, help="the same seed, the same weights")
    parser.add_argument("--out", type=Path, default=Path(), help="the folder of the picture")
    options = parser.parse_args(arguments)

    cr.utils.set_random_seed(options.seed)
    (x_train, y_train), (x_test, y_test) = (
        (x[: options.limit], y[: options.limit]) for x, y in mnist.load_data()
    )
    model = build_model()
    steps = math.ceil((1 - HELD_BACK) * len(x_train) / BATCH_SIZE) * options.epochs
    model.compile(
        optimizer=cr.optimizers.Adam(cr.optimizers.schedules.CosineDecay(2e-3, steps)),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    model.summary()
    start = time.perf_counter()
    history = model.fit(
        scaled(x_train),
        y_train,
        batch_size=BATCH_SIZE,
        epochs=options.epochs,
        validation_split=HELD_BACK,
    )
    seconds = time.perf_counter() - start

    probabilities = model.predict(scaled(x_test), batch_size=BATCH_SIZE, verbose=0)
    predicted = np.argmax(probabilities, axis=-1)
    accuracy = float(np.mean(predicted == y_test))
    print(f"trained in {seconds:.0f} s, {seconds / options.epochs:.1f} s an epoch")
    print(f"test accuracy: {accuracy:.2%}\n")
    print(class_table(y_test, predicted, DIGITS, "digit"))
    runs = {"": history.history}
    save_report(options.out / "mnist_convnet.png", runs, x_test, y_test, probabilities, DIGITS)
    return accuracy


if __name__ == "__main__":
    main()
