"""PyTorch, eager: one product for query, key and value, its own attention, fused AdamW."""

from __future__ import annotations

from typing import Any

import numpy as np

from contestants.task import BETA_1, BETA_2, EPSILON
from contestants.torch_trainer import TorchTrainer
from contestants.transformer_task import TransformerTask


class TransformerTorchTrainer(TorchTrainer):
    """The usual loop.

    Parameters
    ----------
    task : TransformerTask
    shuffle : bool
        Draw a new order of the rows each epoch.
    exact : bool
        Keras's Adam.
    """

    def __init__(self, task: TransformerTask, shuffle: bool, exact: bool = False) -> None:
        super().__init__(task, shuffle, exact)
        torch = self.torch
        x, y = task.data()
        self.x, self.y = torch.from_numpy(x).long(), torch.from_numpy(y).long()
        self.model = network(torch, task).train()
        set_weights(torch, self.model, task)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(),
            task.learning_rate,
            (BETA_1, BETA_2),
            EPSILON,
            weight_decay=task.decay,
            fused=True,
        )

    def _loss(self, x: Any, y: Any) -> Any:
        scores = self.model(x)
        return self.torch.nn.functional.cross_entropy(scores.flatten(0, -2), y.flatten())

    def _in_short(self) -> TransformerTorchTrainer:
        return TransformerTorchTrainer(self.task.short(), False, exact=True)


def network(torch: Any, task: TransformerTask) -> Any:
    """The model of a task; with a cache of keys and values it goes on where that ends."""
    nn, functional = torch.nn, torch.nn.functional
    width, heads, causal = task.width, task.heads, not task.classes

    class Block(nn.Module):  # type: ignore[name-defined, misc]
        """Attention and feed-forward part."""

        def __init__(self) -> None:
            super().__init__()
            self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
            self.norm1 = nn.LayerNorm(width, task.epsilon)
            self.norm2 = nn.LayerNorm(width, task.epsilon)

        def attention(self, x: Any, cache: Any, at: int) -> Any:
            n, t, _ = x.shape
            parts = self.qkv(x).view(n, t, 3, heads, -1).permute(2, 0, 3, 1, 4)
            q, k, v = parts.unbind(0)
            if cache is None:
                made = functional.scaled_dot_product_attention(q, k, v, is_causal=causal)
            else:
                cache[0][:, :, at : at + t], cache[1][:, :, at : at + t] = k, v
                made = functional.scaled_dot_product_attention(
                    q, cache[0][:, :, : at + t], cache[1][:, :, : at + t], is_causal=t > 1
                )
            return self.out(made.transpose(1, 2).reshape(n, t, width))

        def feed_forward(self, x: Any) -> Any:
            return self.narrow(functional.gelu(self.wide(x)))

        def forward(self, x: Any, cache: Any = None, at: int = 0) -> Any:
            if causal:
                x = x + self.attention(self.norm1(x), cache, at)
                return x + self.feed_forward(self.norm2(x))
            x = self.norm1(x + self.attention(x, cache, at))
            return self.norm2(x + self.feed_forward(x))

    class Network(nn.Module):  # type: ignore[name-defined, misc]
        """Embedding, blocks, scores."""

        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(task.vocabulary, width)
            self.places = nn.Embedding(task.length, width)
            self.blocks = nn.ModuleList(Block() for _ in range(task.layers))
            self.norm = nn.LayerNorm(width, task.epsilon)
            if task.classes:
                self.segments = nn.Embedding(2, width)
                self.classes = nn.Linear(width, task.classes)

        def forward(self, x: Any, caches: Any = None, at: int = 0) -> Any:
            h = self.table(x) + self.places.weight[at : at + x.shape[1]]
            if task.classes:
                h = self.norm(h + self.segments.weight[0])
            for number, block in enumerate(self.blocks):
                h = block(h, None if caches is None else caches[number], at)
            if task.classes:
                return self.classes(h.mean(1))
            return functional.linear(self.norm(h), self.table.weight)

    return Network()


def set_weights(torch: Any, model: Any, task: TransformerTask) -> None:
    """Give a network the task's weights."""
    weights = task.weights()
    c = task.width

    def put(target: Any, value: Any) -> None:
        target.copy_(torch.from_numpy(np.ascontiguousarray(value)))

    def norm(target: Any, name: str) -> None:
        put(target.weight, weights[f"{name}.gamma"])
        put(target.bias, weights[f"{name}.beta"])

    with torch.no_grad():
        put(model.table.weight, weights["table"])
        put(model.places.weight, weights["places"])
        norm(model.norm, "norm")
        for layer, block in enumerate(model.blocks):
            parts = [f"{layer}.{part}" for part in ("query", "key", "value")]
            put(block.qkv.weight, np.concatenate([weights[p].reshape(c, c).T for p in parts]))
            put(block.qkv.bias, np.concatenate([weights[f"{p}.bias"].reshape(c) for p in parts]))
            put(block.out.weight, weights[f"{layer}.out"].reshape(c, c).T)
            put(block.out.bias, weights[f"{layer}.out.bias"])
            for name in ("wide", "narrow"):
                put(getattr(block, name).weight, weights[f"{layer}.{name}"].T)
                put(getattr(block, name).bias, weights[f"{layer}.{name}.bias"])
            norm(block.norm1, f"{layer}.norm1")
            norm(block.norm2, f"{layer}.norm2")
        if task.classes:
            put(model.segments.weight, weights["segments"])
            put(model.classes.weight, weights["kernel"].T)
            put(model.classes.bias, weights["bias"])
