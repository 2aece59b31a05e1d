"""The rows of `ops.py` for CTC, beside Keras's loss on JAX, jitted, and PyTorch's.

A name like "ctc_grad 32x200x30x20" is a batch of 32, 200 frames of 30 classes, and 20 labels a row;
"ctc_grad" is the loss and its gradient by the logits. Counted are the bytes of the logits, and of
their gradient: the rates compare contestants, and say nothing of memory, which no one waits for.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Case:
    """Rows whose labels all have one length."""

    batch: int
    frames: int
    classes: int
    labels: int
    backward: bool = False

    @property
    def op(self) -> str:
        """As "ctc" or "ctc_grad"."""
        return "ctc_grad" if self.backward else "ctc"

    @property
    def shape(self) -> str:
        """As "32x200x30x20"."""
        return f"{self.batch}x{self.frames}x{self.classes}x{self.labels}"

    @property
    def work(self) -> float:
        """Bytes of the logits, and of their gradient."""
        return 4.0 * self.batch * self.frames * self.classes * (1 + self.backward)


SIZES = ((32, 200, 30, 20), (16, 1000, 80, 100))
CASES = tuple(Case(*size, backward=backward) for backward in (False, True) for size in SIZES)


def arrays(case: Case) -> list[Array]:
    """Logits and labels."""
    rng = np.random.default_rng(0)
    logits = rng.standard_normal((case.batch, case.frames, case.classes), dtype=np.float32)
    labels = rng.integers(1, case.classes, (case.batch, case.labels)).astype(np.int32)
    return [logits, labels]


def lengths(case: Case) -> tuple[Array, Array]:
    """Of the labels and of the frames."""
    ones = np.ones(case.batch, np.int32)
    return case.labels * ones, case.frames * ones


def ours(case: Case) -> Callable[..., Any]:
    """The op of the core, and its gradient."""

    def call(logits: Any, labels: Any) -> Any:
        ops: Any = importlib.import_module("chainrule.ops")
        losses = ops.ctc_loss(labels, logits, *lengths(case))
        if not case.backward:
            return losses
        return [losses, *logits.trace.gradients(ops.sum(losses), [logits])]

    return call


def jax(case: Case) -> Callable[..., Any]:
    """Keras's function on JAX, and its gradient."""

    def call(logits: Any, labels: Any) -> Any:
        os.environ["KERAS_BACKEND"] = "jax"
        jax: Any = importlib.import_module("jax")
        keras: Any = importlib.import_module("keras")

        def losses(logits: Any) -> Any:
            return keras.ops.ctc_loss(labels, logits, *lengths(case))

        if not case.backward:
            return losses(logits)
        return jax.value_and_grad(lambda x: losses(x).sum())(logits)

    return call


def torch(case: Case) -> Callable[..., list[Callable[[], Any]]]:
    """PyTorch's function, and its gradient."""

    def forms(logits: Array, labels: Array) -> list[Callable[[], Any]]:
        torch: Any = importlib.import_module("torch")
        x, y, counts, frames = map(torch.from_numpy, (logits, labels, *lengths(case)))

        def losses() -> Any:
            shares = torch.log_softmax(x, -1).transpose(0, 1)
            return torch.nn.functional.ctc_loss(shares, y, frames, counts, reduction="sum")

        def both() -> Any:
            with torch.enable_grad():
                x.requires_grad_()
                return torch.autograd.grad(losses(), x)

        return [both if case.backward else losses]

    return forms
