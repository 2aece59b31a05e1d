"""The rows of `ops.py` for attention, beside JAX's jitted `dot_product_attention`.

A name like "attention causal 16x128x12x32" is a batch of 16, 128 queries and keys, and 12 heads of
32 features; "attention_grad" is forward and backward, the gradients by query, key and value of a
sum weighed at random. Counted are the products of all queries with all keys, causal or not: 4 BNTTH
operations forward, and 10 BNTTH more backward.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Case:
    """Self-attention of a batch."""

    batch: int
    length: int
    heads: int
    depth: int
    causal: bool = False
    backward: bool = False
    masked: bool = False

    @property
    def op(self) -> str:
        """As "attention causal" or "attention_grad"."""
        kind = " causal" if self.causal else " masked" if self.masked else ""
        return f"attention{'_grad' if self.backward else ''}{kind}"

    @property
    def shape(self) -> str:
        """As "16x128x12x32"."""
        return f"{self.batch}x{self.length}x{self.heads}x{self.depth}"

    @property
    def work(self) -> float:
        """Operations of the products."""
        products = 14.0 if self.backward else 4.0
        return products * self.batch * self.heads * self.length**2 * self.depth


SIZES = ((12, 64, 4, 32), (16, 128, 12, 32), (8, 256, 4, 64), (4, 512, 4, 64), (1, 512, 2, 64))
CASES = tuple(
    Case(*size, causal=causal, backward=backward, masked=masked)
    for backward in (False, True)
    for size in SIZES
    for causal, masked in ((False, False), (True, False), (False, True))
    if not masked or size[1] == 128
)


def arrays(case: Case) -> list[Array]:
    """Query, key, value, the weights of the sum, and a mask of keys."""
    rng = np.random.default_rng(0)
    shape = (case.batch, case.length, case.heads, case.depth)
    drawn = [rng.standard_normal(shape, dtype=np.float32) for _ in range(4)]
    lengths = rng.integers(case.length // 2, case.length + 1, (case.batch, 1, 1, 1))
    mask = np.arange(case.length) < lengths
    return [*drawn, mask.astype(np.float32)]


def ours(case: Case) -> Callable[..., Any]:
    """The op of the core, and its gradient."""

    def call(q: Any, k: Any, v: Any, weights: Any, mask: Any) -> Any:
        ops: Any = importlib.import_module("chainrule.ops")
        options = {"mask": ops.greater(mask, 0.5) if case.masked else None}
        y = ops.dot_product_attention(q, k, v, is_causal=case.causal, **options)
        if not case.backward:
            return y
        loss = ops.sum(ops.multiply(y, weights))
        return q.trace.gradients(loss, [q, k, v])

    return call


def jax(case: Case) -> Callable[..., Any]:
    """JAX's own function, and its gradient."""

    def call(q: Any, k: Any, v: Any, weights: Any, mask: Any) -> Any:
        jax: Any = importlib.import_module("jax")

        def forward(q: Any, k: Any, v: Any) -> Any:
            options = {"mask": mask > 0.5 if case.masked else None}
            return jax.nn.dot_product_attention(q, k, v, is_causal=case.causal, **options)

        if not case.backward:
            return forward(q, k, v)
        return jax.grad(lambda *x: (forward(*x) * weights).sum(), argnums=(0, 1, 2))(q, k, v)

    return call
