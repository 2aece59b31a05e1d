"""The Keras script of the recurrent networks: run with chainrule, and with Keras on JAX."""

from __future__ import annotations

from typing import Any

from contestants.keras_trainer import CoreTrainer, KerasTrainer
from contestants.sequence_task import SequenceTask


class SequenceKerasTrainer(KerasTrainer):
    """`Sequential`, `compile`, `fit` of an LSTM or a GRU."""

    task: SequenceTask  # type: ignore[assignment]

    def _model(self) -> Any:
        keras, task = self.keras, self.task
        layers = keras.layers
        if task.vocabulary:
            first = [
                keras.Input((task.steps_long,), dtype="int32"),
                layers.Embedding(task.vocabulary, task.features),
            ]
        else:
            first = [keras.Input((task.steps_long, task.features))]
        cell = {"lstm": layers.LSTM, "gru": layers.GRU}[task.cell](task.units)
        cell = layers.Bidirectional(cell) if task.both_ways else cell
        model = keras.Sequential([*first, cell, layers.Dense(task.classes)])
        model.compile(
            optimizer=keras.optimizers.Adam(task.learning_rate),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        model.set_weights(list(task.weights().values()))
        return model

    def short(self) -> SequenceKerasTrainer:
        """The trainer of the task in short."""
        return type(self)(self.task.short(), False, self.keras.__name__)  # type: ignore[arg-type]


class SequenceCoreTrainer(SequenceKerasTrainer, CoreTrainer):
    """The same steps by chainrule without `fit` around them: what the core alone takes."""
