"""The tasks of `train_images.py`: a convolutional network, its data and its initial weights."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from contestants.task import LEARNING_RATE, Array

CLASSES = 10
NORM_EPSILON, NORM_MOMENTUM = 1e-3, 0.99
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Block:
    """Of ResNet-20: two 3x3 convolutions with batch normalization, around them a shortcut."""

    name: str
    filters: int
    stride: int
    projects: bool  # the shortcut is a 1x1 convolution with batch normalization


def blocks() -> Iterator[Block]:
    """The nine of ResNet-20."""
    for stage, filters in enumerate((16, 32, 64)):
        for at in range(3):
            narrows = stage > 0 and at == 0
            yield Block(f"block{stage}{at}", filters, 2 if narrows else 1, narrows)


def _mnist_kernels() -> Iterator[tuple[str, Shape, int]]:
    yield "conv0", (3, 3, 1, 32), 26 * 26
    yield "conv1", (3, 3, 32, 64), 11 * 11
    yield "logits", (5 * 5 * 64, CLASSES), 1


def _resnet_kernels() -> Iterator[tuple[str, Shape, int]]:
    side, channels = 32, 16
    yield "conv0", (3, 3, 3, channels), side * side
    for block in blocks():
        side //= block.stride
        yield f"{block.name}_conv0", (3, 3, channels, block.filters), side * side
        yield f"{block.name}_conv1", (3, 3, block.filters, block.filters), side * side
        if block.projects:
            yield f"{block.name}_shortcut", (1, 1, channels, block.filters), side * side
        channels = block.filters
    yield "logits", (channels, CLASSES), 1


_KERNELS = {"mnist_convnet": _mnist_kernels, "resnet20": _resnet_kernels}


@dataclass(frozen=True)
class ImageTask:
    """A network by name on images of `shape` (H, W, C), softmax cross-entropy, Adam."""

    name: str
    shape: tuple[int, int, int]
    batch: int
    dropout: float
    rows: int
    epochs: int  # a round
    target: float  # times as fast as the fastest peer
    learning_rate: float = LEARNING_RATE
    decay: float = 0.0  # of the weights, as AdamW's
    exact: bool = False  # PyTorch pads as the others do
    items: str = "images"

    @property
    def steps(self) -> int:
        """An epoch's."""
        return self.rows // self.batch

    @property
    def flops(self) -> int:
        """Of a step: forward, gradient by kernels, and by inputs but the first, as products."""
        each = [2 * self.batch * n * math.prod(k) for _, k, n in _KERNELS[self.name]()]
        return 3 * sum(each) - each[0]

    def data(self) -> tuple[Array, Array]:
        """x (rows, H, W, C) normal float32; y (rows,) int32, the largest of random projections."""
        rng = np.random.default_rng(1)
        x = rng.standard_normal((self.rows, *self.shape), dtype=np.float32)
        projection = rng.standard_normal((math.prod(self.shape), CLASSES), dtype=np.float32)
        return x, (x.reshape(self.rows, -1) @ projection).argmax(1).astype(np.int32)

    def weights(self) -> dict[str, Array]:
        """The kernel (KH, KW, Cin, Cout) or (in, out) of each layer: Glorot uniform.

        Biases and shifts begin at 0, scales at 1.
        """
        rng = np.random.default_rng(2)
        made: dict[str, Array] = {}
        for name, shape, _ in _KERNELS[self.name]():
            limit = np.sqrt(6 / (math.prod(shape[:-2]) * (shape[-2] + shape[-1])))
            made[name] = rng.uniform(-limit, limit, shape).astype(np.float32)
        return made

    def short(self) -> ImageTask:
        """A few steps of it without dropout, in which sums in other orders do not show yet.

        At a tenth of the rate: the first step of Adam is a sign, also of gradients that are no
        more than rounding, and at the full rate those part the losses of ResNet-20 by 1e-3.
        """
        rows = min(self.rows, 3 * self.batch)
        rate = self.learning_rate / 10
        return replace(self, rows=rows, dropout=0.0, learning_rate=rate, exact=True)

    def order(self, epoch: int) -> Array:
        """A permutation of the rows."""
        return np.random.default_rng([3, epoch]).permutation(self.rows)


TASKS = {
    "mnist_convnet": ImageTask(
        "mnist_convnet", (28, 28, 1), 128, 0.5, rows=3840, epochs=1, target=2.0
    ),
    "resnet20": ImageTask("resnet20", (32, 32, 3), 128, 0.0, rows=768, epochs=1, target=1.3),
}
