"""Reads handwritten digits with a dense network: `python -m chainrule.examples.digits`.

Trains on 1,442 scans of 8x8 pixels, tests on 355 others, checks every gradient against the NumPy
reference, and draws the learning curves where matplotlib is installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import chainrule as cr
from chainrule import layers
from chainrule.datasets import digits

__all__ = ["main"]

Array = npt.NDArray[Any]
BATCH_SIZE = 32


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


def class_table(labels: Array, predicted: Array) -> str:
    """Precision, recall and number of scans of each digit."""
    lines = ["digit  precision  recall  scans"]
    for digit in range(10):
        hits = int(np.sum((labels == digit) & (predicted == digit)))
        found = max(int(np.sum(predicted == digit)), 1)
        there = max(int(np.sum(labels == digit)), 1)
        lines.append(f"{digit:5}  {hits / found:9.1%}  {hits / there:6.1%}  {there:5}")
    return "\n".join(lines)


def draw_curves(history: dict[str, list[float]], path: Path) -> None:
    """Loss and accuracy of each epoch as a PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    for axis, name in zip(axes, ("loss", "accuracy"), strict=True):
        epochs = range(1, len(history[name]) + 1)
        axis.plot(epochs, history[name], label="training")
        axis.plot(epochs, history[f"val_{name}"], label="validation")
        axis.set(xlabel="epoch", title=name)
        axis.legend()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def main(arguments: Sequence[str] | None = None) -> float:
    """Train, report, and give the test accuracy."""
    parser = argparse.ArgumentParser(description="Read handwritten digits with a dense network.")
    parser.add_argument("--epochs", type=int, default=30, help="how often to see all scans")
    parser.add_argument("--seed", type=int, default=0, help="the same seed, the same weights")
    parser.add_argument("--out", type=Path, default=Path("digits.png"), help="the curves' file")
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

    predicted = np.argmax(model.predict(x_test, verbose=0), axis=-1)
    accuracy = float(np.mean(predicted == y_test))
    print(f"test accuracy: {accuracy:.1%}\n")
    print(class_table(y_test, predicted))
    print("\nEvery gradient against the NumPy reference and finite differences:")
    print(model.check_gradients(x_test[:32], y_test[:32]))
    if importlib.util.find_spec("matplotlib") is None:
        print("\nWith matplotlib installed, the learning curves are drawn too.")
    else:
        draw_curves(history.history, options.out)
        print(f"\nLearning curves: {options.out.resolve()}")
    return accuracy


if __name__ == "__main__":
    main()
