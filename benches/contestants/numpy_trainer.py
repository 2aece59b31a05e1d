"""NumPy by hand: every result goes into a buffer that is kept between steps."""

from __future__ import annotations

import time

import numpy as np

from contestants.task import BETA_1, BETA_2, EPSILON, Array, Task


class NumpyTrainer:
    """Forward, backward and Adam, written out.

    Parameters
    ----------
    task : Task
    shuffle : bool
        Draw a new order of the rows each epoch.
    """

    def __init__(self, task: Task, shuffle: bool) -> None:
        self.task = task
        self.shuffle = shuffle
        self.x, self.y = task.data()
        n = task.batch
        self.h = [np.empty((n, size), np.float32) for size in task.sizes]  # h[0]: gathered rows
        self.d = [np.empty((n, size), np.float32) for size in task.sizes]
        self.mask = [np.empty((n, size), np.bool_) for size in task.sizes]
        self.draws = [np.empty((n, size), np.float32) for size in task.sizes]
        self.rng = np.random.Generator(np.random.SFC64(4))
        self.rate = task.dropout
        # One flat array for all parameters: Adam is then a dozen calls a step, not a dozen a layer.
        pairs = self.task.weights()
        self.flat = np.concatenate([part.ravel() for pair in pairs for part in pair])
        self.grad, self.m, self.v, self.scratch = (np.zeros_like(self.flat) for _ in range(4))
        self.parameters = self._views(self.flat, pairs)
        self.gradients = self._views(self.grad, pairs)
        self.t = 0

    @staticmethod
    def _views(flat: Array, pairs: list[tuple[Array, Array]]) -> list[tuple[Array, Array]]:
        views: list[tuple[Array, Array]] = []
        at = 0
        for kernel, bias in pairs:
            split, end = at + kernel.size, at + kernel.size + bias.size
            views.append((flat[at:split].reshape(kernel.shape), flat[split:end]))
            at = end
        return views

    def _step(self, x: Array, y: Array) -> float:
        keep = 1 - self.rate
        last = len(self.parameters)
        h: list[Array] = [x, *self.h[1:]]
        for i, (w, b) in enumerate(self.parameters, 1):
            np.matmul(h[i - 1], w, out=h[i])
            h[i] += b
            if i < last:
                np.maximum(h[i], 0, out=h[i])
                if self.rate:
                    self.rng.random(out=self.draws[i], dtype=np.float32)
                    np.less(self.draws[i], keep, out=self.mask[i])
                    h[i] *= self.mask[i]
                    h[i] *= np.float32(1 / keep)
        rows = np.arange(len(y))
        logits = h[last]
        logits -= logits.max(axis=1, keepdims=True)
        picked = logits[rows, y]
        p = np.exp(logits, out=self.d[last])
        total = p.sum(axis=1, keepdims=True)
        loss = float((np.log(total[:, 0]) - picked).mean())
        p /= total
        p[rows, y] -= 1
        p *= np.float32(1 / len(y))
        for i in range(last, 0, -1):
            dw, db = self.gradients[i - 1]
            np.matmul(h[i - 1].T, self.d[i], out=dw)
            np.sum(self.d[i], axis=0, out=db)
            if i > 1:
                np.matmul(self.d[i], self.parameters[i - 1][0].T, out=self.d[i - 1])
                # h is zero where ReLU was or where dropout struck.
                np.greater(h[i - 1], 0, out=self.mask[i - 1])
                self.d[i - 1] *= self.mask[i - 1]
                if self.rate:
                    self.d[i - 1] *= np.float32(1 / keep)
        self._adam()
        return loss

    def _adam(self) -> None:
        self.t += 1
        g, m, v, s = self.grad, self.m, self.v, self.scratch
        np.subtract(g, m, out=s)
        s *= np.float32(1 - BETA_1)
        m += s
        np.square(g, out=s)
        s -= v
        s *= np.float32(1 - BETA_2)
        v += s
        np.sqrt(v, out=s)
        s += np.float32(EPSILON)
        np.divide(m, s, out=s)
        # In float32, as the others: 1 - 0.999 ** t loses digits there.
        unbiased_1 = 1 - np.float32(BETA_1) ** np.float32(self.t)
        unbiased_2 = 1 - np.float32(BETA_2) ** np.float32(self.t)
        s *= np.float32(self.task.learning_rate) * np.sqrt(unbiased_2) / unbiased_1
        self.flat -= s

    def _epochs(self, epochs: int) -> list[float]:
        n = self.task.batch
        losses: list[float] = []
        for epoch in range(epochs):
            order = self.task.order(epoch) if self.shuffle else None
            total = 0.0
            for at in range(0, self.task.rows, n):
                if order is None:
                    total += self._step(self.x[at : at + n], self.y[at : at + n])
                else:
                    rows = order[at : at + n]
                    total += self._step(np.take(self.x, rows, 0, self.h[0]), self.y[rows])
            losses.append(total / self.task.steps)
        return losses

    def curve(self, epochs: int) -> list[float]:
        """The mean loss of each epoch of the task in short."""
        return NumpyTrainer(self.task.short(), False)._epochs(epochs)

    def prepare(self) -> None:
        """Train an epoch."""
        self._epochs(1)

    def run(self, epochs: int) -> float:
        """Seconds of training for so many epochs."""
        start = time.perf_counter()
        self._epochs(epochs)
        return time.perf_counter() - start
