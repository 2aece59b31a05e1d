"""The rows of `ops.py` for images: maps of a batch of photographs, and their sizes.

A name like "warp bilinear reflect 64x224x224x3" turns and zooms each of 64 images by its own map;
"resize bilinear 64x224x224x3 to 112" halves them, "antialias" with the wider kernel. JAX maps the
places with `jax.scipy.ndimage.map_coordinates` channel by channel, as two coordinates cost it less
than the three of Keras's layers, and resizes with `jax.image.resize`; PyTorch samples a grid and
interpolates (its bicubic has another constant).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
SIDE, CHANNELS = 224, 3


@dataclass(frozen=True)
class Case:
    """A warp (`to` 0) or a resize of square images."""

    method: str
    count: int = 64
    to: int = 0
    fill: str = "reflect"
    antialias: bool = False
    channels: int = CHANNELS

    @property
    def op(self) -> str:
        """As "warp bilinear reflect" or "resize bilinear"."""
        if self.to == 0:
            return f"warp {self.method} {self.fill}"
        return f"resize {self.method}{' antialias' if self.antialias else ''}"

    @property
    def shape(self) -> str:
        """As "64x224x224x3 to 112"."""
        images = f"{self.count}x{SIDE}x{SIDE}x{self.channels}"
        return f"{images} to {self.to}" if self.to else images

    @property
    def work(self) -> float:
        """Bytes of the images before and after."""
        side = self.to or SIDE
        return 4.0 * self.count * self.channels * (SIDE * SIDE + side * side)


CASES = (
    Case("bilinear"),
    Case("bilinear", fill="constant"),
    Case("bilinear", channels=1),
    Case("nearest"),
    Case("bilinear", to=112),
    Case("bilinear", to=112, antialias=True),
    Case("bilinear", 16, to=448),
    Case("bicubic", 16, to=448),
    Case("nearest", 16, to=448),
)


def arrays(case: Case) -> list[Array]:
    """Images, and for a warp a map for each: turned about the middle by up to 0.6, zoomed by a
    fifth."""
    rng = np.random.default_rng(0)
    x = rng.random((case.count, SIDE, SIDE, case.channels), dtype=np.float32)
    if case.to:
        return [x]
    angle, zoom = rng.uniform(-0.6, 0.6, case.count), rng.uniform(0.8, 1.2, case.count)
    c, s, middle = zoom * np.cos(angle), zoom * np.sin(angle), (SIDE - 1) / 2
    zero = np.zeros_like(c)
    rows = [c, -s, middle * (1 - c + s), s, c, middle * (1 - s - c), zero, zero]
    return [x, np.stack(rows, axis=1).astype(np.float32)]


def ours(case: Case) -> Callable[..., Any]:
    """The op of the core."""
    if case.to:
        op, attrs = "resize", {"size": [case.to] * 2, "antialias": case.antialias}
    else:
        op, attrs = "warp", {"fill": case.fill, "value": 0.0}

    def call(*inputs: Any) -> Any:
        apply = importlib.import_module("chainrule.tracing.dispatch").apply
        return apply(op, {"method": case.method, **attrs}, list(inputs))

    return call


def jax(case: Case) -> Callable[..., Any]:
    """JAX's own functions of images."""

    def resize(x: Any) -> Any:
        size = (case.count, case.to, case.to, case.channels)
        image = importlib.import_module("jax.image")
        return image.resize(x, size, case.method, antialias=case.antialias)

    def warp(x: Any, maps: Any) -> Any:
        jax: Any = importlib.import_module("jax")
        ndimage: Any = importlib.import_module("jax.scipy.ndimage")
        order = 1 if case.method == "bilinear" else 0
        i, j = jax.numpy.mgrid[:SIDE, :SIDE]

        def one(image: Any, a: Any) -> Any:
            places = [a[3] * j + a[4] * i + a[5], a[0] * j + a[1] * i + a[2]]
            read = lambda plane: ndimage.map_coordinates(plane, places, order, case.fill)
            return jax.vmap(read, in_axes=-1, out_axes=-1)(image)

        return jax.vmap(one)(x, maps)

    return resize if case.to else warp


def torch(case: Case) -> Callable[..., list[Callable[[], Any]]]:
    """ATen's grid_sample and interpolate, images channels last and contiguous."""

    def forms(x: Array, maps: Array | None = None) -> list[Callable[[], Any]]:
        torch: Any = importlib.import_module("torch")
        functional: Any = importlib.import_module("torch.nn.functional")

        def form(memory_format: Any) -> Callable[[], Any]:
            images = torch.from_numpy(x).permute(0, 3, 1, 2)
            images = images.contiguous(memory_format=memory_format)
            if maps is None:
                return lambda: functional.interpolate(
                    images, (case.to, case.to), mode=case.method,
                    **({} if case.method == "nearest" else {"antialias": case.antialias}),
                )  # fmt: skip
            a = torch.from_numpy(maps[:, :6].reshape(-1, 2, 3))
            half = (SIDE - 1) / 2
            # The same maps between coordinates in [-1, 1].
            shift = a[:, :, 2] / half + a[:, :, 0] + a[:, :, 1] - 1
            theta = torch.cat([a[:, :, :2], shift[:, :, None]], 2)
            padding = "reflection" if case.fill == "reflect" else "zeros"

            def run() -> Any:
                grid = functional.affine_grid(theta, images.shape, align_corners=True)
                return functional.grid_sample(
                    images, grid, case.method, padding, align_corners=True
                )

            return run

        return [form(torch.channels_last), form(torch.contiguous_format)]

    return forms
