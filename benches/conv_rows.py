"""The rows of `ops.py` for convolutions: the layers of mnist_convnet and ResNet-20 at batch 128.

A name like "128x32x32x16 3x3x32 /2 same" is images (N, H, W, C), kernel and filters, stride,
padding. For each layer there is the forward, the gradient by the image, and that by the kernel;
operations count every tap, those in the padding as well. PyTorch computes the same shapes; where
`same` pads one side only (stride 2), it pads both, as its users do.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
KINDS = ("conv", "conv_transpose", "conv_kernel_grad")
BATCH = 128


@dataclass(frozen=True)
class Layer:
    """Square images and kernels, channels last, no bias."""

    side: int
    channels: int
    kernel: int
    filters: int
    stride: int = 1
    padding: str = "same"

    @property
    def name(self) -> str:
        """As "128x32x32x16 3x3x32 /2 same"."""
        k = self.kernel
        images = f"{BATCH}x{self.side}x{self.side}x{self.channels}"
        return f"{images} {k}x{k}x{self.filters} /{self.stride} {self.padding}"

    @property
    def out(self) -> int:
        """Height and width of the output."""
        span = self.side if self.padding == "same" else self.side - self.kernel + 1
        return -(-span // self.stride)

    @property
    def pads(self) -> list[int]:
        """In front and behind, for each axis."""
        if self.padding == "valid":
            return [0, 0, 0, 0]
        total = max((self.out - 1) * self.stride + self.kernel - self.side, 0)
        return [total // 2, total - total // 2] * 2

    @property
    def x_shape(self) -> tuple[int, ...]:
        """(N, H, W, Cin)"""
        return BATCH, self.side, self.side, self.channels

    @property
    def w_shape(self) -> tuple[int, ...]:
        """(K, K, Cin, Cout)"""
        return self.kernel, self.kernel, self.channels, self.filters

    @property
    def y_shape(self) -> tuple[int, ...]:
        """(N, OH, OW, Cout)"""
        return BATCH, self.out, self.out, self.filters

    @property
    def work(self) -> float:
        """Operations of each of the three."""
        return 2.0 * BATCH * self.out * self.out * math.prod(self.w_shape)


LAYERS = (
    Layer(28, 1, 3, 32, padding="valid"),
    Layer(13, 32, 3, 64, padding="valid"),
    Layer(32, 3, 3, 16),
    Layer(32, 16, 3, 16),
    Layer(32, 16, 3, 32, 2),
    Layer(16, 32, 3, 32),
    Layer(16, 32, 3, 64, 2),
    Layer(8, 64, 3, 64),
    Layer(32, 16, 1, 32, 2),
    Layer(16, 32, 1, 64, 2),
)


def arrays(kind: str, layer: Layer) -> list[Array]:
    """The two inputs: x and w, dy and w, or x and dy."""
    shapes = {
        "conv": (layer.x_shape, layer.w_shape),
        "conv_transpose": (layer.y_shape, layer.w_shape),
        "conv_kernel_grad": (layer.x_shape, layer.y_shape),
    }[kind]
    return [
        np.random.default_rng([i, *shape]).standard_normal(shape, dtype=np.float32)
        for i, shape in enumerate(shapes)
    ]


def ours(kind: str, layer: Layer) -> Callable[..., Any]:
    """The op of the core."""
    stride, side, kernel = layer.stride, layer.side, layer.kernel
    attrs: dict[str, Any] = {
        "strides": [stride, stride],
        "padding": layer.pads,
        "dilations": [1, 1],
        "groups": 1,
    }
    own: dict[str, dict[str, Any]] = {
        "conv": {"activation": "linear"},
        "conv_transpose": {"sizes": [side, side]},
        "conv_kernel_grad": {"kernel": [kernel, kernel]},
    }
    attrs |= own[kind]

    def call(a: Any, b: Any) -> Any:
        return importlib.import_module("chainrule.tracing.dispatch").apply(kind, attrs, [a, b])

    return call


def jax(kind: str, layer: Layer) -> Callable[..., Any]:
    """XLA's convolution, and its transposes."""

    def call(a: Any, b: Any) -> Any:
        jax: Any = importlib.import_module("jax")

        def forward(x: Any, w: Any) -> Any:
            return jax.lax.conv_general_dilated(
                x,
                w,
                (layer.stride, layer.stride),
                layer.padding.upper(),
                dimension_numbers=("NHWC", "HWIO", "NHWC"),
            )

        if kind == "conv":
            return forward(a, b)
        if kind == "conv_transpose":
            x = jax.ShapeDtypeStruct(layer.x_shape, a.dtype)
            return jax.linear_transpose(lambda x: forward(x, b), x)(a)[0]
        w = jax.ShapeDtypeStruct(layer.w_shape, a.dtype)
        return jax.linear_transpose(lambda w: forward(a, w), w)(b)[0]

    return call


def torch(kind: str, layer: Layer) -> Callable[..., list[Callable[[], Any]]]:
    """oneDNN's convolution by ATen, images channels last and contiguous."""

    def forms(a: Array, b: Array) -> list[Callable[[], Any]]:
        torch: Any = importlib.import_module("torch")
        padding = layer.kernel // 2 if layer.padding == "same" else 0

        def laid_out(array: Array, axes: tuple[int, ...], form: Any) -> Any:
            return torch.from_numpy(array).permute(axes).contiguous(memory_format=form)

        def form(memory_format: Any) -> Callable[[], Any]:
            images, kernel = (0, 3, 1, 2), (3, 2, 0, 1)
            first = laid_out(a, images, memory_format)
            second = laid_out(b, images if kind == "conv_kernel_grad" else kernel, memory_format)
            if kind == "conv":
                conv = torch.nn.functional.conv2d
                return lambda: conv(first, second, None, layer.stride, padding)
            x = torch.empty((BATCH, layer.channels, layer.side, layer.side))
            w = torch.empty((layer.filters, layer.channels, layer.kernel, layer.kernel))
            x, w = (t.contiguous(memory_format=memory_format) for t in (x, w))
            by_image = kind == "conv_transpose"
            dy, x, w = (first, x, second) if by_image else (second, first, w)
            strides, pads = [layer.stride] * 2, [padding] * 2
            return lambda: torch.ops.aten.convolution_backward(
                dy, x, w, None, strides, pads, [1, 1], False, [0, 0], 1,
                [by_image, not by_image, False],
            )  # fmt: skip

        return [form(torch.channels_last), form(torch.contiguous_format)]

    return forms


def layers() -> Iterator[tuple[str, Layer]]:
    """(op, layer) in the order of the table."""
    for layer in LAYERS:
        for kind in KINDS:
            yield kind, layer
