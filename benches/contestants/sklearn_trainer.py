"""scikit-learn's `MLPClassifier`, which has no dropout."""

from __future__ import annotations

import importlib
import time
import warnings
from typing import Any

from contestants.task import BETA_1, BETA_2, EPSILON, Task


class SklearnTrainer:
    """`fit`, from the given weights each time.

    Parameters
    ----------
    task : Task
        Without dropout.
    shuffle : bool
        The classifier's `shuffle`.
    """

    def __init__(self, task: Task, shuffle: bool) -> None:
        if task.dropout:
            raise ValueError(f"scikit-learn: expected a model without dropout, got {task.name}")
        self.network: Any = importlib.import_module("sklearn.neural_network")
        self.task = task
        self.shuffle = shuffle
        self.x, self.y = task.data()

    def _fit(self, epochs: int) -> list[float]:
        model = self.network.MLPClassifier(
            self.task.sizes[1:-1],
            alpha=0.0,
            batch_size=self.task.batch,
            learning_rate_init=self.task.learning_rate,
            beta_1=BETA_1,
            beta_2=BETA_2,
            epsilon=EPSILON,
            max_iter=epochs,
            n_iter_no_change=epochs + 1,
            tol=0.0,
            shuffle=self.shuffle,
        )
        weights = iter(self.task.weights())
        model._init_coef = lambda fan_in, fan_out, dtype: next(weights)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns that it has not converged
            model.fit(self.x, self.y)
        return [float(loss) for loss in model.loss_curve_]

    def curve(self, epochs: int) -> list[float]:
        """The mean loss of each epoch of the task in short."""
        return SklearnTrainer(self.task.short(), False)._fit(epochs)

    def prepare(self) -> None:
        """Train an epoch."""
        self._fit(1)

    def run(self, epochs: int) -> float:
        """Seconds of one `fit` for so many epochs."""
        start = time.perf_counter()
        self._fit(epochs)
        return time.perf_counter() - start
