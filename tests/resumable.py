"""A training that can be stopped and resumed, with everything in it that draws or remembers.

`python -m tests.resumable KIND FOLDER RESULT [EPOCH BATCH]` runs it, or stops it by an error at that
batch, or at that epoch's end where the batch is -1.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

import chainrule as keras
from chainrule import callbacks, layers

EPOCHS, ROWS, SIZE = 4, 52, 8


class StopError(Exception):
    """Ends a training as a power failure does."""


class Stop(callbacks.Callback):
    def __init__(self, epoch: int, batch: int) -> None:
        self.at = epoch, batch
        self.epoch = 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        if (self.epoch, batch) == self.at:
            raise StopError

    def on_test_end(self, logs=None):
        if (self.epoch, -1) == self.at:
            raise StopError


def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((ROWS, 6, 6, 1)).astype("float32")
    return x, (x[:, :, :3].sum(axis=(1, 2)) > 0).astype("float32")


class Dataset(keras.utils.PyDataset):
    """Batches with noise that depends on the epoch, which it remembers."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.x, self.y = data()
        self.epoch = 0

    def __len__(self):
        return -(-ROWS // SIZE)

    def __getitem__(self, index):
        rows = slice(index * SIZE, index * SIZE + SIZE)
        noise = np.random.default_rng([index, self.epoch]).standard_normal((6, 6, 1))
        if self.use_multiprocessing:
            noise = noise + np.random.standard_normal(1)
        return self.x[rows] + 0.1 * noise.astype("float32"), self.y[rows]

    def on_epoch_end(self):
        self.epoch += 1

    def backup_state(self):
        return {"epoch": self.epoch}

    def restore_state(self, state):
        self.epoch = state["epoch"]


class Batches:
    """An iterable that is no list of batches by number."""

    def __iter__(self):
        x, y = data()
        for start in range(0, ROWS, SIZE):
            yield x[start : start + SIZE], y[start : start + SIZE]


def make() -> Any:
    model = keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            layers.RandomFlip(),
            layers.RandomTranslation(0.2, 0.2),
            layers.Conv2D(4, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(
        keras.optimizers.Adam(0.02, use_ema=True), "binary_crossentropy", metrics=["accuracy"]
    )
    return model


def arguments(kind: str) -> dict[str, Any]:
    """What `fit` is given."""
    x, y = data()
    if kind == "arrays":
        return {"x": x, "y": y, "batch_size": SIZE}
    if kind == "arrays, some steps an epoch":
        return {"x": x, "y": y, "batch_size": SIZE, "steps_per_epoch": 5}
    if kind == "dataset":
        return {"x": Dataset(workers=2)}
    if kind == "dataset, some steps an epoch":
        return {"x": Dataset(), "steps_per_epoch": 5}
    if kind == "dataset of processes":
        return {"x": Dataset(workers=1, use_multiprocessing=True)}
    if kind == "iterable":
        return {"x": Batches()}
    assert kind == "iterable, some steps an epoch"
    return {"x": Batches(), "steps_per_epoch": 5}


def train(
    kind: str, folder: Path | None = None, save_freq: Any = "epoch", stop: Any = None, seed: int = 1
) -> tuple[Any, Any]:
    """Model and history."""
    keras.utils.set_random_seed(seed)
    model = make()
    x, y = data()
    others: list[Any] = [
        callbacks.SwapEMAWeights(swap_on_epoch=True),
        callbacks.ReduceLROnPlateau(patience=1, factor=0.5, min_delta=0.5),
        callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9),
        callbacks.EarlyStopping(patience=9, restore_best_weights=True, monitor="val_accuracy"),
    ]
    if folder is not None:
        others.insert(0, callbacks.BackupAndRestore(folder, save_freq=save_freq))
    if stop is not None:
        others.append(Stop(*stop))
    history = model.fit(
        **arguments(kind),
        epochs=EPOCHS,
        verbose=0,
        validation_data=(x[:20], y[:20]),
        callbacks=others,
    )
    return model, history


def result(model: Any, history: Any) -> dict[str, np.ndarray]:
    """Everything that has to be the same to the last bit."""
    found = {f"model {i}": np.asarray(v) for i, v in enumerate(model.variables)}
    found |= {f"optimizer {i}": np.asarray(v) for i, v in enumerate(model.optimizer.variables)}
    found |= {f"history {name}": np.asarray(v) for name, v in history.history.items()}
    return found | {"epochs": np.asarray(history.epoch)}


if __name__ == "__main__":
    kind_given, folder_given, path, *at = sys.argv[1:]
    place = tuple(map(int, at)) if at else None
    trained = train(kind_given, Path(folder_given), 3 if place and place[1] >= 0 else "epoch", place)
    np.savez(path, **result(*trained))
