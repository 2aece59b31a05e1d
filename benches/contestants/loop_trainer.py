"""Steps of one's own: a loop written from scratch, and a `train_step` in `fit`."""

from __future__ import annotations

from typing import Any

import numpy as np
from contestants.keras_trainer import KerasTrainer
from contestants.task import Task


class LoopTrainer(KerasTrainer):
    """Batch after batch through a function that `keras.function` compiles."""

    def __init__(self, task: Task, shuffle: bool) -> None:
        super().__init__(task, shuffle)
        keras, model = self.keras, self.model
        loss_fn, optimizer = model.loss, model.optimizer
        self.mean = mean = keras.metrics.Mean()
        self.random = np.random.default_rng(3)

        @keras.function
        def train_step(x: Any, y: Any) -> Any:
            with keras.GradientTape() as tape:
                loss = loss_fn(y, model(x, training=True))
            variables = model.trainable_variables
            optimizer.apply(tape.gradient(loss, variables), variables)
            mean.update_state(loss, sample_weight=len(y))
            return loss

        self.train_step = train_step

    def short(self) -> LoopTrainer:
        """The trainer of the task in short."""
        return LoopTrainer(self.task.short(), False)

    def _fit(self, epochs: int) -> list[float]:
        losses = []
        batch, rows = self.task.batch, len(self.x)
        for _ in range(epochs):
            self.mean.reset_state()
            if self.shuffle:
                order = self.random.permutation(rows)
            for at in range(0, rows, batch):
                some = order[at : at + batch] if self.shuffle else slice(at, at + batch)
                self.train_step(self.x[some], self.y[some])
            losses.append(float(self.mean.result()))
        return losses


class StepTrainer(KerasTrainer):
    """`fit` with a `train_step` of the model's class."""

    def _model(self) -> Any:
        model = super()._model()
        keras = self.keras

        class Own(type(model)):  # type: ignore[misc]
            def train_step(self, data: Any) -> Any:
                x, y = data

                with keras.GradientTape() as tape:
                    loss = self.compute_loss(x=x, y=y, y_pred=self(x, training=True))
                variables = self.trainable_variables
                self.optimizer.apply(tape.gradient(loss, variables), variables)
                tracker = self.metrics[0]
                tracker.update_state(loss, sample_weight=len(y))
                return {"loss": tracker.result()}

        model.__class__ = Own
        return model

    def short(self) -> StepTrainer:
        """The trainer of the task in short."""
        return StepTrainer(self.task.short(), False)
