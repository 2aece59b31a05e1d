"""The network and the recipe of `char_gpt` in PyTorch, for its `--compare`."""

from __future__ import annotations

import importlib
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.examples._characters import WARM_UP

__all__ = ["TorchGPT"]

Array = npt.NDArray[Any]


class TorchGPT:
    """nanoGPT's loop, eager: one product for query, key and value, PyTorch's own attention, fused AdamW.

    Parameters
    ----------
    model : nlp.GPT
        Whose sizes and weights it takes.
    steps : int
        Of the whole training, for the schedule of the rate.
    peak : float
        The largest rate.
    """

    def __init__(self, model: Any, steps: int, peak: float) -> None:
        self.torch: Any = importlib.import_module("torch")
        self.threads = self.torch.get_num_threads()
        self.steps, self.peak, self.done = steps, peak, 0
        self.network = _network(self.torch, model)
        weights = list(self.network.parameters())
        groups = [
            {"params": [w for w in weights if w.ndim > 1], "weight_decay": 0.1},
            {"params": [w for w in weights if w.ndim == 1], "weight_decay": 0.0},
        ]
        self.optimizer = self.torch.optim.AdamW(groups, peak, (0.9, 0.99), 1e-8, fused=True)

    def _rate(self) -> float:
        if self.done < WARM_UP:
            return self.peak * self.done / WARM_UP
        share = (self.done - WARM_UP) / (self.steps - WARM_UP)
        return self.peak * (0.1 + 0.9 * (1 + math.cos(math.pi * share)) / 2)

    def _loss(self, x: Any, y: Any) -> Any:
        return self.torch.nn.functional.cross_entropy(self.network(x).flatten(0, 1), y.flatten())

    def fit(self, x: Array, y: Array, batch_size: int) -> None:
        """A step for each batch."""
        x, y = (self.torch.from_numpy(a).long() for a in (x, y))
        for at in range(0, len(x), batch_size):
            for group in self.optimizer.param_groups:
                group["lr"] = self._rate()
            loss = self._loss(x[at : at + batch_size], y[at : at + batch_size])
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
            self.optimizer.step()
            self.done += 1

    def loss(self, x: Array, y: Array) -> float:
        """The mean loss of a character."""
        x, y = (self.torch.from_numpy(a).long() for a in (x, y))
        with self.torch.no_grad():
            sums = [
                float(self._loss(x[at : at + 64], y[at : at + 64])) * len(x[at : at + 64])
                for at in range(0, len(x), 64)
            ]
        return sum(sums) / len(x)


def _network(torch: Any, model: Any) -> Any:
    nn, functional = torch.nn, torch.nn.functional
    width, heads = model.hidden_dim, model.num_heads

    class Block(nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

        def forward(self, x: Any) -> Any:
            n, t, _ = x.shape
            q, k, v = (
                part.view(n, t, heads, -1).transpose(1, 2)
                for part in self.qkv(self.norm1(x)).split(width, dim=2)
            )
            made = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.out(made.transpose(1, 2).reshape(n, t, width))
            return x + self.narrow(functional.gelu(self.wide(self.norm2(x))))

    class Network(nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(model.vocabulary_size, width)
            self.places = nn.Embedding(model.max_sequence_length, width)
            self.blocks = nn.ModuleList(Block() for _ in range(model.num_layers))
            self.norm = nn.LayerNorm(width)

        def forward(self, x: Any) -> Any:
            h = self.table(x) + self.places.weight[: x.shape[1]]
            for block in self.blocks:
                h = block(h)
            return functional.linear(self.norm(h), self.table.weight)

    network = Network()
    _copy_weights(torch, model.get_weights(), network)
    return network


def _copy_weights(torch: Any, arrays: list[Array], network: Any) -> None:
    """The weights of an `nlp.GPT`, in its order; products are turned: PyTorch's are (out, in)."""
    rest = iter(arrays)
    width = network.norm.weight.shape[0]

    def put(target: Any, value: Array) -> None:
        target.copy_(torch.from_numpy(np.ascontiguousarray(value.reshape(target.shape))))

    def put_linear(layer: Any, kernel: Array, bias: Array) -> None:
        put(layer.weight, kernel.T)
        put(layer.bias, bias)

    def put_norm(norm: Any) -> None:
        put(norm.weight, next(rest))
        put(norm.bias, next(rest))

    with torch.no_grad():
        put(network.table.weight, next(rest))
        put(network.places.weight, next(rest))
        for block in network.blocks:
            parts = [(next(rest).reshape(width, width), next(rest).reshape(-1)) for _ in range(3)]
            kernels, biases = zip(*parts, strict=True)
            put_linear(block.qkv, np.concatenate(kernels, axis=1), np.concatenate(biases))
            put_linear(block.out, next(rest).reshape(width, width), next(rest))
            put_norm(block.norm1)
            put_norm(block.norm2)
            put_linear(block.wide, next(rest), next(rest))
            put_linear(block.narrow, next(rest), next(rest))
        put_norm(network.norm)
