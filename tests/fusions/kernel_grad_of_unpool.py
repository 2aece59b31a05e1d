from __future__ import annotations

from tests.fusions import MEAN, Chain, Fused, Left, pool


def _grad(c: Chain, attrs: dict | None = None, groups: int = 1) -> tuple[int, int]:
    """The gradient by a kernel of images that a pool's gradient makes, and those images."""
    channels = 4 if groups > 1 else 2
    x, y = c.input(6, 8, 8, channels), c.input(6, 8, 8, 4)
    _, dy = pool(c, y, attrs) if attrs else pool(c, y)
    form = {"strides": [1, 1], "padding": [1, 1, 1, 1], "dilations": [1, 1], "groups": groups}
    return c.push("conv_kernel_grad", {**form, "kernel": [3, 3]}, x, dy)[0], dy


ROWS = [
    Fused("backward", lambda c: [_grad(c)[0]]),
    Left("images-read-elsewhere", lambda c: list(_grad(c)), "read elsewhere"),
    Left("depthwise", lambda c: [_grad(c, groups=4)[0]], "depthwise"),
    Left("mean", lambda c: [_grad(c, MEAN)[0]]),
]
