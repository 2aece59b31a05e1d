"""Reads handwritten digits with a dense network: `python -m chainrule.examples.digits`.

Trains on 1,442 scans of 8x8 pixels, tests on 355 others, checks every gradient against the NumPy
reference, and draws curves, confusions and mistakes where matplotlib is installed.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import chainrule as cr
from chainrule import layers
from chainrule.datasets import digits
from chainrule.examples._report import class_table, save_report

__all__ = ["main"]

BATCH_SIZE = 32
NAMES = [str(digit) for digit in range(10)]


def build_model() -> Any:
    """A network of 64-256-128-10 units with batch normalization, noise and dropout."""
    return cr.Sequential(
        [
            layers.Input((8, 8)),
            layers.Rescaling(1 / 16),
            layers.Flatten(),
            layers.GaussianNoise(0.1),
            layers.Dense(256, use_bias=False),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            layers.Dropout(0.4),
            layers.Dense(128, use_bias=False),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            layers.Dropout(0.4),
            layers.Dense(10, activation="softmax"),
        ],
        name="digits",
    )


def main(arguments: Sequence[str] | None = None) -> float:
    """Train, report, and give the test accuracy."""
    parser = argparse.ArgumentParser(description="Read handwritten digits with a dense network.")
    parser.add_argument("--epochs", type=int, default=30, help="how often to see all scans")
    parser.add_argument("--seed", type=int, default=0, help="the same seed, the same weights")
    parser.add_argument("--out", type=Path, default=Path("digits.png"), help="the picture's file")
    options = parser.parse_args(arguments)

    cr.utils.set_random_seed(options.seed)
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    model = build_model()
    steps = math.ceil(0.9 * len(x_train) / BATCH_SIZE) * options.epochs
    model.compile(
        optimizer=cr.optimizers.Adam(cr.optimizers.schedules.CosineDecay(3e-3, steps)),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    model.summary()
    history = model.fit(
        x_train, y_train, batch_size=BATCH_SIZE, epochs=options.epochs, validation_split=0.1
    )

    probabilities = model.predict(x_test, verbose=0)
    predicted = np.argmax(probabilities, axis=-1)
    accuracy = float(np.mean(predicted == y_test))
    print(f"test accuracy: {accuracy:.1%}\n")
    print(class_table(y_test, predicted, NAMES, "digit"))
    print("\nEvery gradient against the NumPy reference and finite differences:")
    print(model.check_gradients(x_test[:32], y_test[:32]))
    save_report(options.out, {"": history.history}, x_test, y_test, probabilities, NAMES)
    return accuracy


if __name__ == "__main__":
    main()
