"""Shows where a convolutional network looks: `python -m chainrule.examples.grad_cam`.

Grad-CAM (Selvaraju et al. 2017, arXiv 1610.02391): let A_k be the maps of the last convolution, and s the
score of a class. The mean of ds/dA_k over all places says how much map k speaks for the class, and

    heat = max(0, sum over k of mean(ds/dA_k) A_k)

is large where the class was seen. Whether the heat tells the truth is measured: of the pixels of the digit,
a square of 9x9 is blanked around the one with the largest heat, or around the one with the smallest; where
the network looked, blanking costs more right answers. MNIST is read from `$CHAINRULE_DATA` or the cache, or
downloaded.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import chainrule as keras
from chainrule import layers, ops
from chainrule.examples._data import digit_scans
from chainrule.examples._training import options_of, print_result, save_figure

__all__ = ["blanked", "grad_cam", "main"]

Array = npt.NDArray[Any]
SIDE = 9


def build_model(steps: int) -> tuple[Any, Any, Any]:
    """The last maps (N, 14, 14, 32) of a body, the scores a head makes of them, and both in one model."""
    x = image = keras.Input((28, 28, 1))
    for filters, strides in ((16, 2), (32, 1), (32, 1), (32, 1)):
        x = layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    body = keras.Model(image, x, name="body")
    maps = keras.Input((14, 14, 32))
    scores = layers.Dense(10)(layers.GlobalAveragePooling2D()(maps))
    head = keras.Model(maps, scores, name="head")
    model = keras.Model(image, head(body(image)), name="grad_cam")
    rate = keras.optimizers.schedules.CosineDecay(5e-3, steps)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"])
    return body, head, model


def grad_cam(body: Any, head: Any, x: Array, classes: Array) -> Array:
    """The heat (N, 28, 28) of a class for each scan x (N, 28, 28, 1), from 0 to 1."""
    chosen = np.eye(10, dtype="float32")[classes]

    def score(maps: Any) -> Any:
        return ops.sum(head(maps, training=False) * chosen)

    maps = np.asarray(body.predict(x, verbose=0))
    weights = keras.grad(score)(maps).mean(axis=(1, 2), keepdims=True)
    heat = np.maximum((weights * maps).sum(axis=-1, keepdims=True), 0)
    heat = np.asarray(ops.image.resize(heat, (28, 28), "bilinear"))[..., 0]
    return np.asarray(heat / np.maximum(heat.max(axis=(1, 2), keepdims=True), 1e-9))


def blanked(x: Array, places: Array) -> Array:
    """The scans with a square of SIDE pixels at 0 around the place (row, column) of each."""
    x = x.copy()
    half = SIDE // 2
    for scan, (row, column) in zip(x, places, strict=True):
        scan[max(0, row - half) : row + half + 1, max(0, column - half) : column + half + 1] = 0
    return x


def places_of(heat: Array, x: Array, hottest: bool) -> Array:
    """(N, 2): row and column of the digit's pixel with the largest, or the smallest, heat."""
    there = np.where(x[..., 0] > 0.5, heat if hottest else 1 - heat, -1)
    largest = there.reshape(len(heat), -1).argmax(axis=1)
    return np.stack(np.unravel_index(largest, heat.shape[1:]), axis=1)


def draw(whole: Any, x: Array, heat: Array, second: Array, names: Array) -> None:
    """Scans, and the heat of the class that was named and of the next one."""
    shown = ((None, "scan"), (heat, "answer"), (second, "second guess"))
    for row, (heats, label) in zip(whole.subplots(3, len(x)), shown):
        for number, (axis, scan) in enumerate(zip(row, x)):
            axis.imshow(scan.squeeze(), cmap="gray_r", vmin=0, vmax=1)
            axis.set(xticks=[], yticks=[])
            if heats is not None:
                drawn = axis.imshow(heats[number], cmap="viridis", alpha=0.65, vmin=0, vmax=1)
                axis.set_title(f"{names[number, 0 if heats is heat else 1]}", fontsize=10)
        row[0].set_ylabel(label)
    whole.colorbar(drawn, ax=whole.axes, label="heat, the largest of each scan = 1", shrink=0.7)


def main(arguments: Sequence[str] | None = None) -> dict[str, float]:
    """Train, look, blank, and give the accuracies."""
    options = options_of("Shows where a convolutional network looks.").parse_args(arguments)
    start = time.perf_counter()
    count, epochs = (1500, 4) if options.quick else (6000, 5)
    scans = digit_scans(small=False)
    x, y = scans.x_train[:count], scans.y_train[:count]
    x_test, y_test = scans.x_test[:1000], scans.y_test[:1000]
    keras.utils.set_random_seed(options.seed)
    body, head, model = build_model(epochs * -(-count // 64))
    model.fit(x, y, batch_size=64, epochs=epochs, verbose=2)

    scores = model.predict(x_test, verbose=0)
    order = scores.argsort(axis=1)[:, ::-1]
    heat = grad_cam(body, head, x_test, order[:, 0])
    parts = {
        "whole": x_test,
        "coldest blanked": blanked(x_test, places_of(heat, x_test, hottest=False)),
        "hottest blanked": blanked(x_test, places_of(heat, x_test, hottest=True)),
    }
    right = {
        name: float((model.predict(part, verbose=0).argmax(axis=1) == y_test).mean())
        for name, part in parts.items()
    }
    rows = [int(np.flatnonzero(y_test == digit)[0]) for digit in range(10)]
    second = grad_cam(body, head, x_test[rows], order[rows, 1])
    path = options.out / "grad_cam.png"
    shown = x_test[rows], heat[rows], second, order[rows]
    save_figure(path, lambda whole: draw(whole, *shown), (14, 4.8))
    figures = ", ".join(f"{name} {accuracy:.1%}" for name, accuracy in right.items())
    print_result("grad_cam", f"right on test scans: {figures}", start)
    return right


if __name__ == "__main__":
    main()
