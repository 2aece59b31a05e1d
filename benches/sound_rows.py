"""The rows of `ops.py` for Fourier transforms, in microseconds a call.

A name like "rfft 256x512" is 256 real rows of 512 numbers; "stft 8x16000 512/128" are the frames of 512,
each 128 after the one before, of 8 sounds, under a Hann window and out of sounds continued at both
ends; "stft_grad" is forward and backward, the gradient by the sounds of a sum weighed at random. NumPy
transforms in float32 (pocketfft), its short-time transform is made of a strided view.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Forms = list[Callable[[], Any]]


@dataclass(frozen=True)
class Case:
    """Rows of a length; with `frame` and `step`, short-time transforms of them."""

    op: str
    rows: int
    length: int
    frame: int = 0
    step: int = 0

    @property
    def shape(self) -> str:
        """As "8x16000 512/128"."""
        frames = f" {self.frame}/{self.step}" if self.frame else ""
        return f"{self.rows}x{self.length}{frames}"


CASES = (
    *(Case("fft", *size) for size in ((64, 1024), (256, 60))),
    *(
        Case("rfft", *size)
        for size in ((256, 512), (64, 2048), (1, 512), (1, 65536), (256, 400), (16, 1009))
    ),
    *(Case("irfft", *size) for size in ((256, 512), (256, 400))),
    *(
        Case(op, *size)
        for op in ("stft", "stft_grad")
        for size in ((8, 16000, 512, 128), (1, 16000, 400, 160))
    ),
)


def arrays(case: Case) -> list[Array]:
    """The numbers, a second set of them, and the window."""
    rng = np.random.default_rng(0)
    width = case.length // 2 + 1 if case.op == "irfft" else case.length
    pair = [rng.standard_normal((case.rows, width), dtype=np.float32) for _ in range(2)]
    window = np.hanning(max(case.frame, 1) + 1)[:-1].astype(np.float32)
    return [*pair, window]


def ours(case: Case) -> Callable[..., Any]:
    """The op of the core, and its gradient."""

    def call(x: Any, y: Any, window: Any) -> Any:
        ops: Any = importlib.import_module("chainrule.ops")
        if case.op == "fft":
            return list(ops.fft((x, y)))
        if case.op == "rfft":
            return list(ops.rfft(x))
        if case.op == "irfft":
            return ops.irfft((x, y), case.length)
        re, im = ops.stft(x, case.frame, case.step, case.frame, window)
        if case.op == "stft":
            return [re, im]
        return x.trace.gradients(ops.sum(re * re + im), [x])

    return call


def jax(case: Case) -> Callable[..., Any]:
    """`jax.numpy.fft`, on frames that are gathered."""

    def call(x: Any, y: Any, window: Any) -> Any:
        jax: Any = importlib.import_module("jax")
        jnp: Any = importlib.import_module("jax.numpy")
        if case.op == "fft":
            return jnp.fft.fft(x + 1j * y)
        if case.op == "rfft":
            return jnp.fft.rfft(x)
        if case.op == "irfft":
            return jnp.fft.irfft(jax.lax.complex(x, y), case.length)

        def transform(x: Any) -> Any:
            half = case.frame // 2
            x = jnp.pad(x, [(0, 0), (half, half)], mode="reflect")
            starts = np.arange(0, x.shape[1] - case.frame + 1, case.step)
            return jnp.fft.rfft(x[:, starts[:, None] + np.arange(case.frame)] * window)

        if case.op == "stft":
            return transform(x)
        loss = lambda x: (lambda z: jnp.sum(z.real**2 + z.imag))(transform(x))  # noqa: E731
        return jax.grad(loss)(x)

    return call


def numpy(case: Case) -> Callable[..., Forms] | None:
    """`numpy.fft`, on a view of the frames."""
    if case.op == "stft_grad":
        return None

    def forms(x: Array, y: Array, window: Array) -> Forms:
        if case.op == "fft":
            z = x + 1j * y
            return [lambda: np.fft.fft(z)]
        if case.op == "rfft":
            return [lambda: np.fft.rfft(x)]
        if case.op == "irfft":
            z = x + 1j * y
            return [lambda: np.fft.irfft(z, case.length)]

        def transform() -> Any:
            half = case.frame // 2
            padded = np.pad(x, [(0, 0), (half, half)], mode="reflect")
            frames = np.lib.stride_tricks.sliding_window_view(padded, case.frame, axis=1)
            return np.fft.rfft(frames[:, :: case.step] * window)

        return [transform]

    return forms


def torch(case: Case) -> Callable[..., Forms]:
    """`torch.fft` and `torch.stft`."""

    def forms(*given: Array) -> Forms:
        torch: Any = importlib.import_module("torch")
        x, y, window = map(torch.from_numpy, given)
        if case.op == "fft":
            z = torch.complex(x, y)
            return [lambda: torch.fft.fft(z)]
        if case.op == "rfft":
            return [lambda: torch.fft.rfft(x)]
        if case.op == "irfft":
            z = torch.complex(x, y)
            return [lambda: torch.fft.irfft(z, case.length)]

        def transform() -> Any:
            return torch.stft(x, case.frame, case.step, window=window, return_complex=True)

        if case.op == "stft":
            return [transform]

        def gradient() -> Any:
            with torch.enable_grad():
                x.requires_grad_(True)
                z = transform()
                return torch.autograd.grad((z.real**2 + z.imag).sum(), x)

        return [gradient]

    return forms
