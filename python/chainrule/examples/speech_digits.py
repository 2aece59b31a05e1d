"""Hears which digit is spoken: `python -m chainrule.examples.speech_digits`.

Six speakers said each digit fifty times (Free Spoken Digit Dataset, CC BY-SA 4.0, 8 kHz). A
recording becomes the loudness of 40 mel bands every 10 ms, standardised by what the training
recordings hold. A bidirectional GRU reads the frames one by one, as many as there are; beside it,
convolutions over time see them all at once. While they train, stretches of time and of frequency are
hidden and noise is added.

Of the fifty recordings the first five are the test, as is usual, and the next five are watched while
the other forty train: settings and epochs were chosen by what is watched alone. `fsdd.npz` is read
from `$CHAINRULE_DATA` or the cache.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import chainrule as cr
from chainrule import audio, layers
from chainrule.examples._data import recordings
from chainrule.examples._report import class_table, confusion_matrix, draw_confusions, draw_curves
from chainrule.examples._training import fit_or_resume, options_of, print_result, save_figure
from chainrule.utils.io import print_msg

__all__ = ["build_model", "features", "main"]

Array = npt.NDArray[Any]
RATE, BANDS, HOP = 8000, 40, 80
# What is longer is cut: a second holds all of 99 recordings in a hundred.
SECONDS = 1.0
# Decibels of no sound at all, which stands behind shorter recordings.
SILENCE = -100.0
BATCH_SIZE = 32
DIGITS = [str(digit) for digit in range(10)]
KINDS = {"gru": "bidirectional GRU", "convnet": "1-D convnet"}
EPOCHS = {"gru": 24, "convnet": 24}


def features(sounds: Sequence[Array]) -> Array:
    """Loudness (N, frames, BANDS) of the first second of each sound, in decibels."""
    padded = cr.preprocessing.sequence.pad_sequences(
        sounds, int(SECONDS * RATE), dtype="float32", padding="post", truncating="post"
    )
    bands = audio.log_mel(
        padded, RATE, fft_length=256, sequence_stride=HOP, num_mel_bins=BANDS, top_db=None
    )
    return np.swapaxes(bands, 1, 2)


def build_model(kind: str, units: int, mean: Array, variance: Array, seed: int) -> Any:
    """A network from decibels (frames, bands) to ten digits: "gru", or "convnet"."""
    inputs = x = layers.Input((None, len(mean)))
    if kind == "gru":
        x = layers.Masking(SILENCE)(x)
    x = layers.Normalization(mean=mean, variance=variance)(x)
    x = audio.SpecAugment(2, 8, 2, 6, seed=seed)(x)
    x = layers.GaussianNoise(0.2, seed=seed + 1)(x)
    if kind == "gru":
        x = layers.Bidirectional(layers.GRU(units, return_sequences=True))(x)
        x = layers.Dropout(0.3, seed=seed + 2)(x)
        x = layers.Bidirectional(layers.GRU(units))(x)
    else:
        for filters in (units, units * 3 // 2, units * 2):
            x = layers.Conv1D(filters, 5, padding="same", use_bias=False)(x)
            x = layers.ReLU()(layers.BatchNormalization()(x))
            x = layers.MaxPooling1D(2)(x)
        x = layers.GlobalAveragePooling1D()(x)
    x = layers.Dropout(0.3, seed=seed + 3)(x)
    return cr.Model(inputs, layers.Dense(10, activation="softmax")(x), name=kind)


def statistics(frames: Array) -> tuple[Array, Array]:
    """Mean and variance of each band over all frames but those of silence."""
    heard = frames[(frames > SILENCE).any(axis=-1)]
    return heard.mean(axis=0), heard.var(axis=0)


def draw(whole: Any, runs: Any, frames: Array, labels: Array, probabilities: Any) -> None:
    """The curves, the recurrent network's confusions, and recordings, its mistakes first."""
    above, below = whole.subfigures(2, 1, height_ratios=(1.3, 1))
    axes = above.subplots(1, 3)
    for axis, metric in zip(axes, ("loss", "accuracy")):
        draw_curves(axis, metric, {KINDS[kind]: curves for kind, curves in runs.items()})
    first = probabilities["gru"]
    predicted = first.argmax(axis=-1)
    draw_confusions(axes[2], confusion_matrix(labels, predicted, 10), DIGITS)
    axes[2].set_title(f"confusion matrix, {KINDS['gru']}")
    # By how probable the right answer is, and then one of each digit.
    right = first[np.arange(len(labels)), labels]
    hardest = np.argsort(right, kind="stable")[:4]
    rows = [*hardest, *(int(np.flatnonzero(labels == digit)[-1]) for digit in (0, 3, 6, 7))]
    below.suptitle("mel bands over time: the four hardest recordings, then four others")
    for axis, row in zip(below.subplots(2, 4, sharex=True, sharey=True).flat, rows):
        axis.imshow(
            frames[row].T, origin="lower", aspect="auto", cmap="magma", vmin=-90, vmax=0,
            extent=(0, SECONDS, 0, BANDS),
        )  # fmt: skip
        heard = {KINDS[kind]: p[row] for kind, p in probabilities.items()}
        said = ", ".join(f"{name} {p.argmax()} ({p.max():.2f})" for name, p in heard.items())
        axis.set_title(f"{labels[row]}: {said}", fontsize=8)
        axis.set(xlabel="seconds", ylabel="mel band")
        axis.label_outer()


def main(arguments: Sequence[str] | None = None) -> dict[str, float]:
    """Train both networks, report, and give their accuracies on the test."""
    options = options_of(__doc__.splitlines()[0]).parse_args(arguments)
    start = time.perf_counter()
    data = recordings("fsdd.npz", RATE)
    index, digits = data.labels["index"], data.labels["digit"].astype("int32")
    tested, watched = index < 5, (index >= 5) & (index < 10)
    learned = (index >= 10) & (index < (20 if options.quick else 50))
    frames = features([data.sound(i) for i in range(len(data))])
    mean, variance = statistics(frames[learned])

    name = f"speech_digits-{'quick-' * options.quick}{options.seed}"
    units = {"gru": 16, "convnet": 16} if options.quick else {"gru": 64, "convnet": 48}
    runs, probabilities = {}, {}
    for kind, words in KINDS.items():
        print_msg(f"\n{words}")
        cr.utils.set_random_seed(options.seed)
        model = build_model(kind, units[kind], mean, variance, options.seed)
        model.summary()
        epochs = 8 if options.quick else EPOCHS[kind]
        steps = math.ceil(learned.sum() / BATCH_SIZE) * epochs
        rate = cr.optimizers.schedules.CosineDecay(3e-3, steps)
        model.compile(
            cr.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"]
        )
        runs[kind] = fit_or_resume(
            model, options.out / name / kind, frames[learned], digits[learned],
            batch_size=BATCH_SIZE, epochs=epochs, validation_data=(frames[watched], digits[watched]),
        )  # fmt: skip
        probabilities[kind] = model.predict(frames[tested], batch_size=100, verbose=0)

    labels = digits[tested]
    predicted = {kind: p.argmax(axis=-1) for kind, p in probabilities.items()}
    accuracies = {kind: float(np.mean(p == labels)) for kind, p in predicted.items()}
    print_msg(f"\n{class_table(labels, predicted['gru'], DIGITS, 'digit', 'recordings')}\n")
    figures = ", ".join(f"{KINDS[kind]} {value:.1%}" for kind, value in accuracies.items())
    print_result("speech_digits", f"test accuracy of {len(labels)} recordings: {figures}", start)
    save_figure(
        options.out / "speech_digits.png",
        lambda whole: draw(whole, runs, frames[tested], labels, probabilities),
        (15, 9),
    )
    return accuracies


if __name__ == "__main__":
    main()
