"""JAX by hand: a jitted step with donated state, called from Python or scanned over the epoch.

The data and the state stay on the device; a step takes its own rows out of the data, so that a
call passes no more than references. The loss is summed there and read once an epoch. Random
numbers come from the default generator, Threefry: on CPUs "rbg" takes twice as long.
"""

from __future__ import annotations

import importlib
import time
from typing import Any

from contestants.task import BETA_1, BETA_2, EPSILON, Task

State = dict[str, Any]


class JaxTrainer:
    """`value_and_grad` of the loss, Adam written out.

    Parameters
    ----------
    task : Task
    shuffle : bool
        Draw a new order of the rows each epoch.
    scan : bool
        A whole epoch is one call, a `lax.scan` over its steps; else a call a step.
    """

    def __init__(self, task: Task, shuffle: bool, scan: bool = False) -> None:
        self.jax: Any = importlib.import_module("jax")
        self.task = task
        self.shuffle = shuffle
        self.scan = scan
        x, y = task.data()
        self.x, self.y = self.jax.device_put(x), self.jax.device_put(y)
        self._start()

    def _start(self) -> None:
        jax, np = self.jax, self.jax.numpy
        def epoch(state: State, x: Any, y: Any, order: Any) -> State:
            def body(carry: State, _: Any) -> tuple[State, None]:
                return self._step(carry, x, y, order), None

            out: State = jax.lax.scan(body, state, None, length=self.task.steps)[0]
            return out

        self.call = jax.jit(epoch if self.scan else self._step, donate_argnums=0)
        weights = jax.tree_util.tree_map(np.array, self._weights())
        self.state: State = {
            "w": weights,
            "m": jax.tree_util.tree_map(np.zeros_like, weights),
            "v": jax.tree_util.tree_map(np.zeros_like, weights),
            "moving": jax.tree_util.tree_map(np.array, self._moving()),
            "t": np.zeros((), np.int32),
            "total": np.zeros((), np.float32),
        }
        self.order = np.arange(self.task.rows) if self.shuffle else None

    def _weights(self) -> Any:
        """A tree of initial weights."""
        return self.task.weights()

    def _moving(self) -> Any:
        """A tree of initial moving statistics."""
        return []

    def _loss(self, weights: Any, moving: Any, x: Any, y: Any, key: Any) -> tuple[Any, Any]:
        """The loss, and the new moving statistics."""
        jax, np = self.jax, self.jax.numpy
        dropout = self.task.dropout
        *hidden, (w, b) = weights
        for i, (kernel, bias) in enumerate(hidden):
            x = np.maximum(x @ kernel + bias, 0)
            if dropout:
                keep = jax.random.bernoulli(jax.random.fold_in(key, i), 1 - dropout, x.shape)
                x = np.where(keep, x / (1 - dropout), 0)
        logits = x @ w + b
        picked = np.take_along_axis(logits, y[:, None], 1)[:, 0]
        return (jax.nn.logsumexp(logits, 1) - picked).mean(), moving

    def _step(self, state: State, x: Any, y: Any, order: Any) -> State:
        jax, np = self.jax, self.jax.numpy
        n = self.task.batch
        at = state["t"] % self.task.steps
        if order is None:
            x, y = (jax.lax.dynamic_slice_in_dim(a, at * n, n) for a in (x, y))
        else:
            rows = jax.lax.dynamic_slice_in_dim(order, at * n, n)
            x, y = x[rows], y[rows]
        key = jax.random.fold_in(jax.random.key(5), state["t"]) if self.task.dropout else None
        both = jax.value_and_grad(self._loss, has_aux=True)
        (loss, moving), grads = both(state["w"], state["moving"], x, y, key)
        t = (state["t"] + 1).astype(np.float32)
        alpha = self.task.learning_rate * np.sqrt(1 - BETA_2**t) / (1 - BETA_1**t)
        each = jax.tree_util.tree_map
        m = each(lambda m, g: m + (g - m) * (1 - BETA_1), state["m"], grads)
        v = each(lambda v, g: v + (g * g - v) * (1 - BETA_2), state["v"], grads)
        kept = 1 - self.task.learning_rate * self.task.decay
        w = each(lambda w, m, v: kept * w - alpha * m / (np.sqrt(v) + EPSILON), state["w"], m, v)
        total = np.where(at == 0, 0.0, state["total"]) + loss
        return {"w": w, "m": m, "v": v, "moving": moving, "t": state["t"] + 1, "total": total}

    def _epochs(self, epochs: int) -> list[float]:
        losses: list[float] = []
        calls = 1 if self.scan else self.task.steps
        for epoch in range(epochs):
            if self.shuffle:
                self.order = self.jax.device_put(self.task.order(epoch))
            state = self.state
            for _ in range(calls):
                state = self.call(state, self.x, self.y, self.order)
            self.state = state
            losses.append(float(state["total"]) / self.task.steps)
        return losses

    def curve(self, epochs: int) -> list[float]:
        """The mean loss of each epoch of the task in short."""
        return type(self)(self.task.short(), False, self.scan)._epochs(epochs)

    def prepare(self) -> None:
        """Train an epoch, whose steps are compiled first."""
        self._epochs(1)

    def run(self, epochs: int) -> float:
        """Seconds of training for so many epochs, to the last weight."""
        start = time.perf_counter()
        self._epochs(epochs)
        self.jax.block_until_ready(self.state)
        return time.perf_counter() - start
