"""PyTorch's usual loop: what its trainers share."""

from __future__ import annotations

import importlib
import os
import time
from typing import Any

from contestants.task import BETA_2, EPSILON


class TorchTrainer:
    """Batches in order, or shuffled; a step of loss, gradients and optimizer for each.

    A subclass makes `x`, `y` and `optimizer`, and says what the loss of a batch is.

    Parameters
    ----------
    task : Task
    shuffle : bool
        Draw a new order of the rows each epoch.
    exact : bool
        Keras's Adam, which adds epsilon to the root before the correction for its bias.
    """

    x: Any
    y: Any
    optimizer: Any

    def __init__(self, task: Any, shuffle: bool, exact: bool) -> None:
        self.torch: Any = importlib.import_module("torch")
        self.torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
        self.task = task
        self.shuffle = shuffle
        self.exact = exact
        self.t = 0

    def _loss(self, x: Any, y: Any) -> Any:
        raise NotImplementedError

    def _in_short(self) -> TorchTrainer:
        """The exact trainer of the task in short."""
        raise NotImplementedError

    def _step(self, x: Any, y: Any) -> Any:
        self.t += 1
        if self.exact:
            self.optimizer.param_groups[0]["eps"] = EPSILON / (1 - BETA_2**self.t) ** 0.5
        loss = self._loss(x, y)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    def _epochs(self, epochs: int) -> list[float]:
        n = self.task.batch
        losses: list[float] = []
        for epoch in range(epochs):
            order = self.torch.from_numpy(self.task.order(epoch)) if self.shuffle else None
            total = self.torch.zeros(())
            for at in range(0, self.task.rows, n):
                rows = slice(at, at + n) if order is None else order[at : at + n]
                total += self._step(self.x[rows], self.y[rows])
            losses.append(float(total) / self.task.steps)
        return losses

    def curve(self, epochs: int) -> list[float]:
        """The mean loss of each epoch of the task in short."""
        return self._in_short()._epochs(epochs)

    def prepare(self) -> None:
        """Train an epoch, so that what is timed is compiled and warm."""
        self._epochs(1)

    def run(self, epochs: int) -> float:
        """Seconds of training for so many epochs."""
        start = time.perf_counter()
        self._epochs(epochs)
        return time.perf_counter() - start
