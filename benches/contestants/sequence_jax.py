"""JAX by hand, as in `jax_trainer.py`, for the recurrent networks: `lax.scan` over the steps, the
product of all inputs in front of it."""

from __future__ import annotations

from typing import Any

from contestants.jax_trainer import JaxTrainer
from contestants.sequence_task import SequenceTask

Parts = dict[str, Any]


class SequenceJaxTrainer(JaxTrainer):
    """Cells as Keras has them, the GRU's reset gate after the product."""

    task: SequenceTask  # type: ignore[assignment]

    def _lstm(self, carry: Any, x: Any, weights: Any) -> Any:
        jax, np = self.jax, self.jax.numpy
        h, c = carry
        i, f, g, o = np.split(x + h @ weights, 4, axis=1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * np.tanh(g)
        return (jax.nn.sigmoid(o) * np.tanh(c), c), None

    def _gru(self, carry: Any, x: Any, weights: Any) -> Any:
        jax, np = self.jax, self.jax.numpy
        (h,) = carry
        recurrent, bias = weights
        x_z, x_r, x_n = np.split(x, 3, axis=1)
        p_z, p_r, p_n = np.split(h @ recurrent + bias, 3, axis=1)
        z, r = jax.nn.sigmoid(x_z + p_z), jax.nn.sigmoid(x_r + p_r)
        return (z * h + (1 - z) * np.tanh(x_n + r * p_n),), None

    def _last(self, weights: Parts, way: str, x: Any) -> Any:
        """The last state of one direction."""
        jax, np = self.jax, self.jax.numpy
        bias = weights[f"{way}_bias"]
        zeros = np.zeros((x.shape[0], self.task.units), x.dtype)
        recurrent = weights[f"{way}_recurrent"]
        given = x @ weights[f"{way}_kernel"] + (bias[0] if self.task.cell == "gru" else bias)
        given = np.swapaxes(given, 0, 1)
        if self.task.cell == "gru":
            both, start, step = (recurrent, bias[1]), (zeros,), self._gru
        else:
            both, start, step = recurrent, (zeros, zeros), self._lstm
        reverse = way == "backward"
        carry, _ = jax.lax.scan(lambda c, x: step(c, x, both), start, given, reverse=reverse)
        return carry[0]

    def _loss(self, weights: Parts, moving: Any, x: Any, y: Any, key: Any) -> tuple[Any, Any]:
        jax, np = self.jax, self.jax.numpy
        if self.task.vocabulary:
            x = weights["table"][x]
        ways = ("forward", "backward")[: self.task.ways]
        state = np.concatenate([self._last(weights, way, x) for way in ways], axis=1)
        logits = state @ weights["kernel"] + weights["bias"]
        picked = np.take_along_axis(logits, y[:, None], 1)[:, 0]
        return (jax.nn.logsumexp(logits, 1) - picked).mean(), moving
