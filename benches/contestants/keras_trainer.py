"""The Keras script, as it stands in a tutorial: run with chainrule, and with Keras on JAX."""

from __future__ import annotations

import importlib
import time
from typing import Any

from contestants.task import Task


class KerasTrainer:
    """`Sequential`, `compile`, `fit`.

    Parameters
    ----------
    task : Task
    shuffle : bool
        `fit(shuffle=...)`.
    library : {"chainrule", "keras"}
        What is imported as keras.
    """

    def __init__(self, task: Task, shuffle: bool, library: str = "chainrule") -> None:
        self.keras: Any = importlib.import_module(library)
        self.task = task
        self.shuffle = shuffle
        self.x, self.y = task.data()
        self.model = self._model()

    def _model(self) -> Any:
        keras = self.keras
        model = keras.Sequential([keras.Input((self.task.sizes[0],))])
        for units in self.task.sizes[1:-1]:
            model.add(keras.layers.Dense(units, activation="relu"))
            if self.task.dropout:
                model.add(keras.layers.Dropout(self.task.dropout))
        model.add(keras.layers.Dense(self.task.sizes[-1]))
        model.compile(
            optimizer=keras.optimizers.Adam(self.task.learning_rate),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        layers = [layer for layer in model.layers if layer.weights]
        for layer, (kernel, bias) in zip(layers, self.task.weights()):
            layer.set_weights([kernel, bias])
        return model

    def _fit(self, epochs: int) -> list[float]:
        history = self.model.fit(
            self.x,
            self.y,
            batch_size=self.task.batch,
            epochs=epochs,
            shuffle=self.shuffle,
            verbose=0,
        )
        return [float(loss) for loss in history.history["loss"]]

    def short(self) -> KerasTrainer:
        """The trainer of the task in short."""
        return KerasTrainer(self.task.short(), False, self.keras.__name__)

    def curve(self, epochs: int) -> list[float]:
        """The mean loss of each epoch of the task in short."""
        return self.short()._fit(epochs)

    def prepare(self) -> None:
        """Train an epoch, whose steps are compiled first."""
        self._fit(1)

    def run(self, epochs: int) -> float:
        """Seconds of one `fit` for so many epochs."""
        start = time.perf_counter()
        self._fit(epochs)
        return time.perf_counter() - start


class CoreTrainer(KerasTrainer):
    """The same steps by chainrule without `fit` around them: what the core alone takes."""

    def run(self, epochs: int) -> float:
        """Seconds of the epochs' calls of the core."""
        training = importlib.import_module("chainrule.training.runner")
        runner = training.Runner(self.model, "train")
        program, _ = runner.program((self.x, self.y, None), self.task.batch)
        order = self.task.order(0) if self.shuffle else None
        start = time.perf_counter()
        for _ in range(epochs):
            program.epoch([self.x, self.y], order, self.task.batch, 0, self.task.steps, [])
        return time.perf_counter() - start
