"""Tells ten classes of photographs apart: `python -m chainrule.examples.cifar_resnet`.

Trains ResNet-20 on 6,000 photographs of 32x32 pixels twice, from the same weights: once on them as
they are, once flipped and shifted at random in every epoch. Tests both on 1,500 others, and draws
both curves, the confusions and the worst mistakes where matplotlib is installed. What stops halfway
goes on when it is started again with the same options. The file `cifar10_small.npz` is read from
`$CHAINRULE_DATA` or the cache.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import chainrule as cr
from chainrule import layers
from chainrule.datasets import cifar10_small
from chainrule.examples._report import class_table, save_report
from chainrule.examples._training import Curves, fit_or_resume

__all__ = ["build_model", "main"]

Array = npt.NDArray[Any]
BATCH_SIZE = 128
PEAK_RATE = 0.1
DECAY = 1e-4
RUNS = ("without augmentation", "with augmentation")


def augmentation(seed: int) -> list[Any]:
    """Layers that mirror half of the images and shift all of them by up to four pixels."""
    return [
        layers.RandomFlip("horizontal", seed=seed),
        layers.RandomTranslation(0.125, 0.125, interpolation="nearest", seed=seed + 1),
    ]


def convolution(x: Any, filters: int, size: int, strides: int) -> Any:
    """A convolution without bias, then batch normalization."""
    x = layers.Conv2D(
        filters,
        size,
        strides=strides,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        kernel_regularizer=cr.regularizers.L2(DECAY),
    )(x)
    return layers.BatchNormalization()(x)


def block(x: Any, filters: int, strides: int) -> Any:
    """Two convolutions and a shortcut around them, of 1x1 where sizes change."""
    y = layers.Activation("relu")(convolution(x, filters, 3, strides))
    y = convolution(y, filters, 3, 1)
    shortcut = x if strides == 1 else convolution(x, filters, 1, strides)
    return layers.Activation("relu")(layers.Add()([y, shortcut]))


def build_model(augmented: bool, seed: int = 0) -> Any:
    """ResNet-20: three stages of three blocks, of 16, 32 and 64 filters.

    He, Zhang, Ren & Sun 2016, Deep residual learning for image recognition, CVPR.
    """
    inputs = x = layers.Input((32, 32, 3))
    for layer in augmentation(seed) if augmented else ():
        x = layer(x)
    x = layers.Rescaling(1 / 64, offset=-2.0)(x)
    x = layers.Activation("relu")(convolution(x, 16, 3, 1))
    for stage, filters in enumerate((16, 32, 64)):
        for number in range(3):
            x = block(x, filters, 2 if stage and not number else 1)
    x = layers.GlobalAveragePooling2D()(x)
    outputs = layers.Dense(10, activation="softmax")(x)
    return cr.Model(inputs, outputs, name="resnet20")


def train(augmented: bool, data: Any, epochs: int, seed: int, folder: Path) -> tuple[Any, Curves]:
    """One trained network and its curves; goes on where an earlier call was stopped."""
    (x_train, y_train), (x_test, y_test) = data
    cr.utils.set_random_seed(seed)
    model = build_model(augmented, seed)
    steps = math.ceil(len(x_train) / BATCH_SIZE) * epochs
    model.compile(
        optimizer=cr.optimizers.SGD(
            cr.optimizers.schedules.CosineDecay(
                0.0, steps, warmup_target=PEAK_RATE, warmup_steps=steps // 20
            ),
            momentum=0.9,
            nesterov=True,
        ),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    curves = fit_or_resume(
        model,
        folder,
        x_train,
        y_train,
        batch_size=BATCH_SIZE,
        epochs=epochs,
        validation_data=(x_test, y_test),
    )
    return model, curves


def main(arguments: Sequence[str] | None = None) -> tuple[float, float]:
    """Train both, report, and give the test accuracies without and with augmentation."""
    parser = argparse.ArgumentParser(description="ResNet-20 with and without augmentation.")
    parser.add_argument("--epochs", type=int, default=40, help="how often to see all photographs")
    parser.add_argument("--limit", type=int, help="use only so many photographs of each part")
    parser.add_argument("--seed", type=int, default=0, help="the same seed, the same weights")
    parser.add_argument("--out", type=Path, default=Path(), help="the folder of what is written")
    options = parser.parse_args(arguments)

    data = tuple(
        (x[: options.limit].astype("float32"), y[: options.limit, 0])
        for x, y in cifar10_small.load_data()
    )
    x_test, labels = data[1]
    build_model(True).summary()
    name = f"cifar_resnet-{options.epochs}-{options.limit or 'all'}-{options.seed}"
    runs: dict[str, Curves] = {}
    accuracies = []
    probabilities = np.empty((0, 10))
    for number, run in enumerate(RUNS):
        print(f"\nResNet-20 {run}, {options.epochs} epochs")
        folder = options.out / name / run.replace(" ", "_")
        model, runs[run] = train(bool(number), data, options.epochs, options.seed, folder)
        probabilities = model.predict(x_test, batch_size=BATCH_SIZE, verbose=0)
        accuracies.append(float(np.mean(probabilities.argmax(axis=-1) == labels)))

    print()
    for run, accuracy in zip(RUNS, accuracies):
        print(f"test accuracy {run}: {accuracy:.1%}")
    print(f"difference: {100 * (accuracies[1] - accuracies[0]):+.1f} points\n")
    names = cifar10_small.CLASS_NAMES
    print(class_table(labels, probabilities.argmax(axis=-1), names))
    picture = options.out / "cifar_resnet.png"
    save_report(picture, runs, x_test.astype("uint8"), labels, probabilities, names)
    return accuracies[0], accuracies[1]


if __name__ == "__main__":
    main()
