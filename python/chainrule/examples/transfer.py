"""Learns five digits from a few scans of each: `python -m chainrule.examples.transfer`.

A network learns to tell the digits 0 to 4 of MNIST. Its body is then frozen and gets a new head,
which learns the digits 5 to 9 from ten scans of each; at last the whole is trained on with a
small learning rate. The same network, trained on the same few scans from new weights, shows what
the body was worth.

Training the whole on changes little here: the head has 3136 features for fifty scans and tells all
of them apart by itself (training loss 0.005), so that hardly any gradient is left for the body.

MNIST is read from `$CHAINRULE_DATA` or the cache, or downloaded (11 MB).
"""

from __future__ import annotations

import argparse
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
NEW = [str(digit) for digit in range(5, 10)]
VALIDATION = 1000


def build_body() -> Any:
    """Three convolutions with batch normalization: an image becomes 7x7 places of 64 features."""
    image = cr.Input((28, 28, 1), name="image")
    x = layers.Rescaling(1 / 255)(image)
    for filters, strides in ((16, 1), (32, 2), (64, 2)):
        x = layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.ReLU()(x)
    return cr.Model(image, x, name="body")


def with_head(body: Any, frozen: bool, name: str) -> Any:
    """The body below a new layer for five classes.

    A body that was trained is called with `training=False`: its moving statistics come from
    many images and stay, even when its weights are trained on.
    """
    image = cr.Input((28, 28, 1), name="image")
    features = body(image, training=False) if frozen else body(image)
    x = layers.Dropout(0.3)(layers.Flatten()(features))
    return cr.Model(image, layers.Dense(5, activation="softmax", name="head")(x), name=name)


def train(model: Any, learning_rate: float, data: Any, **options: Any) -> dict[str, list[float]]:
    """Compile, fit, and give the history."""
    model.compile(
        optimizer=cr.optimizers.Adam(learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    history: dict[str, list[float]] = model.fit(*data, **options).history
    return history


def few_of_each(labels: Array, shots: int, rng: np.random.Generator) -> Array:
    """Rows of `shots` images of each of the five classes."""
    rows = [rng.permutation(np.flatnonzero(labels == c))[:shots] for c in range(5)]
    return rng.permutation(np.concatenate(rows))


def main(arguments: Sequence[str] | None = None) -> dict[str, float]:
    """Train the networks, report, and give the test accuracy of each."""
    parser = argparse.ArgumentParser(description="Learn five digits from a few scans of each.")
    parser.add_argument("--images", type=int, default=30000, help="scans of the digits 0 to 4")
    parser.add_argument("--pretrain-epochs", type=int, default=2, help="rounds with those")
    parser.add_argument("--shots", type=int, default=10, help="scans of each digit from 5 to 9")
    parser.add_argument("--epochs", type=int, default=30, help="rounds with the few, each time")
    parser.add_argument("--seed", type=int, default=0, help="the same seed, the same weights")
    parser.add_argument("--out", type=Path, default=Path("transfer.png"), help="the picture")
    options = parser.parse_args(arguments)

    cr.utils.set_random_seed(options.seed)
    (x, y), (x_test, y_test) = mnist.load_data()
    old = np.flatnonzero(y < 5)[: options.images]
    new = np.flatnonzero(y >= 5)
    few = few_of_each(y[new] - 5, options.shots, np.random.default_rng(options.seed))
    others = np.setdiff1d(np.arange(len(new)), few)[:VALIDATION]
    data = x[new[few]], y[new[few]] - 5
    test = x_test[y_test >= 5], y_test[y_test >= 5] - 5
    fitting = {
        "epochs": options.epochs,
        "batch_size": 10,
        "validation_data": (x[new[others]], y[new[others]] - 5),
        "verbose": 2,
    }

    print(f"The digits 0 to 4, {len(old):,} scans:")
    body = build_body()
    first = with_head(body, frozen=False, name="first")
    known = x_test[y_test < 5], y_test[y_test < 5]
    train(first, 1e-3, (x[old], y[old]), epochs=options.pretrain_epochs, batch_size=64)
    print(f"test accuracy on 0 to 4: {first.evaluate(*known, verbose=0)[1]:.1%}")

    print(f"\nThe digits 5 to 9, {len(few):,} scans, from new weights:")
    scratch = with_head(build_body(), frozen=False, name="scratch")
    curves = {"new weights": train(scratch, 1e-3, data, **fitting)}
    accuracy = {"new weights": scratch.evaluate(*test, verbose=0)[1]}

    print("\nThe same scans, with the body frozen below a new head:")
    body.trainable = False
    model = with_head(body, frozen=True, name="transfer")
    model.summary(show_trainable=True)
    curves["frozen body"] = train(model, 1e-3, data, **fitting)
    accuracy["frozen body"] = model.evaluate(*test, verbose=0)[1]

    print("\nThe whole network trained on, with a small learning rate:")
    body.trainable = True
    curves["fine-tuned"] = train(model, 2e-4, data, **fitting)
    accuracy["fine-tuned"] = model.evaluate(*test, verbose=0)[1]

    print(f"\nTest accuracy on 5 to 9, {len(test[1]):,} scans:")
    for name, value in accuracy.items():
        print(f"{name:>12}  {value:.1%}")
    probabilities = model.predict(test[0], verbose=0)
    print(f"\n{class_table(test[1], probabilities.argmax(axis=-1), NEW, 'digit')}")
    save_report(options.out, curves, *test, probabilities, NEW)
    return accuracy


if __name__ == "__main__":
    main()
