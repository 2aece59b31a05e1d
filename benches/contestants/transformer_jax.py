"""JAX by hand, as in `jax_trainer.py`, for the Transformers: one product for query, key and value."""

from __future__ import annotations

from typing import Any

from contestants.jax_trainer import JaxTrainer
from contestants.transformer_task import TransformerTask

Parts = dict[str, Any]


class TransformerJaxTrainer(JaxTrainer):
    """`jax.nn.dot_product_attention` between products."""

    task: TransformerTask  # type: ignore[assignment]

    def _norm(self, weights: Parts, name: str, x: Any) -> Any:
        np = self.jax.numpy
        mean = x.mean(-1, keepdims=True)
        spread = np.square(x - mean).mean(-1, keepdims=True)
        scaled = (x - mean) * self.jax.lax.rsqrt(spread + self.task.epsilon)
        return scaled * weights[f"{name}.gamma"] + weights[f"{name}.beta"]

    def _attention(self, weights: Parts, layer: int, x: Any) -> Any:
        np, task = self.jax.numpy, self.task
        parts = ("query", "key", "value")
        shape = (task.width, 3 * task.width)
        kernel = np.stack([weights[f"{layer}.{part}"] for part in parts], 1).reshape(shape)
        bias = np.stack([weights[f"{layer}.{part}.bias"] for part in parts]).reshape(-1)
        heads = (x @ kernel + bias).reshape(*x.shape[:2], 3, task.heads, -1)
        made = self.jax.nn.dot_product_attention(
            heads[:, :, 0], heads[:, :, 1], heads[:, :, 2], is_causal=not task.classes
        )
        out = weights[f"{layer}.out"].reshape(task.width, task.width)
        return made.reshape(x.shape) @ out + weights[f"{layer}.out.bias"]

    def _feed_forward(self, weights: Parts, layer: int, x: Any) -> Any:
        wide = x @ weights[f"{layer}.wide"] + weights[f"{layer}.wide.bias"]
        h = self.jax.nn.gelu(wide, approximate=False)
        return h @ weights[f"{layer}.narrow"] + weights[f"{layer}.narrow.bias"]

    def _loss(self, weights: Parts, moving: Any, x: Any, y: Any, key: Any) -> tuple[Any, Any]:
        jax, np, task = self.jax, self.jax.numpy, self.task
        h = weights["table"][x] + weights["places"]
        if task.classes:
            h = self._norm(weights, "norm", h + weights["segments"][0])
        for layer in range(task.layers):
            for name, part in (("norm1", self._attention), ("norm2", self._feed_forward)):
                if task.classes:
                    h = self._norm(weights, f"{layer}.{name}", h + part(weights, layer, h))
                else:
                    h = h + part(weights, layer, self._norm(weights, f"{layer}.{name}", h))
        if task.classes:
            logits = h.mean(1) @ weights["kernel"] + weights["bias"]
        else:
            logits = self._norm(weights, "norm", h) @ weights["table"].T
        picked = np.take_along_axis(logits, y[..., None], -1)[..., 0]
        return (jax.nn.logsumexp(logits, -1) - picked).mean(), moving
