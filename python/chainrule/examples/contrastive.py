"""Digits told apart without labels: `python -m chainrule.examples.contrastive`.

Each scan is shown twice, shifted, turned and zoomed at random. A network learns to tell which two of
a batch of views are of one scan (SimCLR, Chen et al. 2020, arXiv 2002.05709): for views i and j of one
scan, z being their projections of length 1,

    loss_i = -log(exp(z_i . z_j / temperature) / sum over k != i of exp(z_i . z_k / temperature)).

What it learnt is then read by a linear probe, trained on a few labelled scans of each digit, beside
probes of the pixels and of the features of the same network as it was initialized.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import chainrule as keras
from chainrule import layers, ops
from chainrule.examples._data import Scans, digit_scans
from chainrule.examples._judge import tiled
from chainrule.examples._training import options_of, print_result, save_figure

__all__ = ["Contrastive", "Result", "main", "matching_loss"]

Array = npt.NDArray[Any]
TEMPERATURE = 0.2
LABELLED = 10


class Result(NamedTuple):
    """Test accuracies of linear probes, and how often a view's twin is nearest in a batch."""

    learnt: float
    random: float
    pixels: float
    matched: float


def matching_loss(first: Any, second: Any) -> tuple[Any, Any]:
    """The mean loss of both views of N scans, (N, units) each, and the share of views whose twin is nearest."""
    count = ops.shape(first)[0]
    z = ops.normalize(ops.concatenate([first, second]), axis=-1)
    likeness = ops.matmul(z, ops.transpose(z)) / TEMPERATURE - 1e9 * ops.eye(2 * count)
    twins = np.roll(np.arange(2 * count), count)
    loss = ops.sparse_categorical_crossentropy(twins, likeness, from_logits=True)
    nearest = ops.equal(ops.argmax(likeness, axis=-1), twins)
    return ops.mean(loss), ops.mean(ops.cast(nearest, "float32"))


def build_encoder(side: int, channels: int) -> Any:
    """A scan's features."""
    return keras.Sequential(
        [
            keras.Input((side, side, 1)),
            layers.Conv2D(channels, 3, strides=2 if side > 8 else 1, padding="same"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2D(2 * channels, 3, strides=2, padding="same"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2D(4 * channels, 3, strides=2, padding="same"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
        ],
        name="encoder",
    )


class Contrastive(keras.Model):
    """An encoder and what is thrown away after training: the views and the projection.

    Parameters
    ----------
    side : int
        Of a scan, in pixels.
    channels : int
        Of the first convolution.
    """

    def __init__(self, side: int, channels: int) -> None:
        super().__init__(name="contrastive")
        self.augment = keras.Sequential(
            [
                layers.RandomTranslation(0.1, 0.1, fill_mode="constant"),
                layers.RandomRotation(0.08, fill_mode="constant"),
                layers.RandomZoom(0.25, 0.25, fill_mode="constant"),
                layers.GaussianNoise(0.1),
            ]
        )
        self.encoder = build_encoder(side, channels)
        self.projection = keras.Sequential(
            [keras.Input((128,)), layers.Dense(128, activation="relu"), layers.Dense(64)]
        )
        self.trackers = [keras.metrics.Mean(name=n) for n in ("loss", "matched")]

    @property
    def metrics(self) -> list[Any]:
        return self.trackers

    def call(self, x: Any) -> Any:
        return self.encoder(x)

    def train_step(self, data: Any) -> dict[str, Any]:
        weights = self.encoder.trainable_weights + self.projection.trainable_weights
        with keras.GradientTape() as tape:
            views = [self.augment(data, training=True) for _ in range(2)]
            both = self.encoder(ops.concatenate(views), training=True)
            loss, matched = matching_loss(*ops.split(self.projection(both), 2))
        self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
        for tracker, value in zip(self.trackers, (loss, matched)):
            tracker.update_state(value)
        return {tracker.name: tracker.result() for tracker in self.trackers}


def probe(train: Array, test: Array, scans: Scans, few: Array, epochs: int) -> float:
    """Test accuracy of a linear softmax, trained on what stands for a few of the training scans."""
    train, test = train[few].reshape(len(few), -1), test.reshape(len(test), -1)
    mean, spread = train.mean(axis=0), train.std(axis=0) + 1e-2
    decay = keras.regularizers.L2(1e-3)
    linear = keras.Sequential([layers.Dense(10, activation="softmax", kernel_regularizer=decay)])
    linear.compile(
        keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    linear.fit((train - mean) / spread, scans.y_train[few], epochs=epochs, verbose=0)
    return float(linear.evaluate((test - mean) / spread, scans.y_test, verbose=0)[1])


def nearest(features: Array, queries: Array, count: int) -> Array:
    """Rows of the `count` features whose angle to each query is least, (queries, count)."""
    a, b = (f / (np.linalg.norm(f, axis=1, keepdims=True) + 1e-9) for f in (features, queries))
    return np.argsort(-b @ a.T, axis=1, kind="stable")[:, :count]


def draw(
    whole: Any, model: Contrastive, planes: dict[str, Any], scans: Scans, result: Result
) -> None:
    """Views of scans, test scans with their nearest training scans, and the probes' accuracies."""
    views, *axes, bars = whole.subplots(1, 4)
    few = scans.x_train[:8]
    seen = [few, *(np.asarray(model.augment(few, training=True)) for _ in range(7))]
    tiles = np.stack(seen, axis=1).reshape(-1, *few.shape[1:])
    views.imshow(tiled(tiles, 8), cmap="gray_r", vmin=0, vmax=1)
    views.set(title="a scan (left), and views of it")
    queries = np.array([np.flatnonzero(scans.y_test == digit)[1] for digit in range(10)])
    for axis, (name, (train, test)) in zip(axes, planes.items()):
        near = nearest(train, test[:500], 9)
        right = (scans.y_train[near] == scans.y_test[:500, None]).mean()
        rows = nearest(train, test[queries], 9)
        pictures = np.concatenate([scans.x_test[queries][:, None], scans.x_train[rows]], axis=1)
        wrong = scans.y_train[rows] != scans.y_test[queries, None]
        axis.imshow(tiled(pictures.reshape(-1, *few.shape[1:]), 10), cmap="gray_r", vmin=0, vmax=1)
        side = few.shape[1]
        for i, j in np.argwhere(wrong):
            corner = ((j + 1) * (side + 1) - 1, i * (side + 1) - 1)
            axis.add_patch(rectangle(corner, side + 1))
        axis.set(title=f"test scan, nearest by {name} ({right:.0%} right)")
    for axis in (views, *axes):
        axis.set(xticks=[], yticks=[])
    names = {
        "learnt\nfeatures": result.learnt,
        "random\nfeatures": result.random,
        "pixels": result.pixels,
    }
    shown = bars.bar(list(names), list(names.values()), color=["C0", "C7", "C7"])
    bars.bar_label(shown, [f"{value:.1%}" for value in names.values()])
    bars.set(title=f"linear probes of {10 * LABELLED} labels", ylim=(0, 1.05), ylabel="accuracy")


def rectangle(corner: tuple[float, float], side: float) -> Any:
    """The frame of a square of the picture."""
    from matplotlib.patches import Rectangle

    return Rectangle(corner, side, side, fill=False, color="C3", lw=1.5)


def main(arguments: Sequence[str] | None = None) -> Result:
    """Train, probe, draw, and give the accuracies."""
    options = options_of("Digits told apart without labels, by contrast.").parse_args(arguments)
    start = time.perf_counter()
    keras.utils.set_random_seed(options.seed)
    scans = digit_scans(small=options.quick)
    rng = np.random.default_rng(options.seed)
    ranks = [rng.permutation(np.flatnonzero(scans.y_train == d))[:LABELLED] for d in range(10)]
    few = np.concatenate(ranks)
    model = Contrastive(scans.x_train.shape[1], channels=16)
    parts = scans.x_train, scans.x_test

    def features() -> tuple[Array, Array]:
        found = [model.predict(x, batch_size=256, verbose=0) for x in parts]
        return found[0], found[1]

    untrained = features()
    epochs, batch_size = (30, 128) if options.quick else (4, 256)
    steps = epochs * -(-len(scans.x_train) // batch_size)
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, steps)))
    curves = model.fit(scans.x_train, epochs=epochs, batch_size=batch_size, verbose=2).history
    learnt = features()
    rounds = 150 if options.quick else 200
    probes = (probe(*given, scans, few, rounds) for given in (learnt, untrained, parts))
    result = Result(next(probes), next(probes), next(probes), curves["matched"][-1])
    planes = {"random features": untrained, "learnt features": learnt}
    save_figure(
        options.out / "contrastive.png",
        lambda whole: draw(whole, model, planes, scans, result),
        (17, 4.6),
    )
    figures = (
        f"linear probe of {len(few)} labels {result.learnt:.1%}, of random features "
        f"{result.random:.1%}, of pixels {result.pixels:.1%}"
    )
    print_result("contrastive", figures, start)
    return result


if __name__ == "__main__":
    main()
