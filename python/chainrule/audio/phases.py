"""Sound from magnitudes alone: the phases are found again."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule import ops
from chainrule.base.dtypes import standardize_dtype
from chainrule.base.errors import DataError, ShapeError
from chainrule.tracing.arrays import constant

__all__ = ["griffin_lim", "spectral_convergence"]

Array = npt.NDArray[Any]
# Below it, a number has no phase.
_TINY = 1e-16


def griffin_lim(
    magnitudes: Any,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    iterations: int = 32,
    window: Any = "hann",
    center: bool = True,
    length: int | None = None,
    momentum: float = 0.99,
    seed: int | None = None,
) -> Array:
    """A signal whose `ops.stft` has these magnitudes, or nearly: over and over a transform's phases
    are kept and its magnitudes replaced, ``X = S P / |P|``, ``P = t + momentum (t - t_before)``,
    ``t = stft(istft(X))``.

    Parameters
    ----------
    magnitudes : array (..., frames, fft_length // 2 + 1)
        S, as `ops.stft` orders them.
    sequence_length, sequence_stride, fft_length, window, center
        Those of the transform.
    iterations : int
        Default 32.
    length : int, optional
        Steps to cut the signal to. Default: all.
    momentum : float
        0 is Griffin and Lim's own algorithm; near 1 is faster. Default 0.99.
    seed : int, optional
        Of the first phases, which are random. Default: another one each time.

    Returns
    -------
    array (..., time)
        In the float dtype of `magnitudes`.

    Raises
    ------
    ShapeError
        Another number of frequencies.
    DataError
        Magnitudes that are negative or not finite.
    ValueError
        `iterations` below 1, a negative `momentum`, or what `ops.stft` refuses.

    References
    ----------
    Griffin & Lim (1984), "Signal estimation from modified short-time Fourier transform"; Perraudin,
    Balazs & Sondergaard (2013), "A fast Griffin-Lim algorithm".

    Examples
    --------
    >>> x = np.sin(0.3 * np.arange(2000.0))
    >>> S = np.hypot(*ops.stft(x, 256, 64, 256))
    >>> y = griffin_lim(S, 256, 64, 256, length=2000, seed=0)
    >>> y.shape, spectral_convergence(S, y, 256, 64, 256) < 0.2
    ((2000,), True)
    """
    S = _checked("griffin_lim", magnitudes, fft_length)
    if iterations < 1 or not momentum >= 0:
        raise ValueError(
            "griffin_lim: expected 1 or more iterations and a momentum of 0 or more, got "
            f"{iterations} and {momentum}"
        )
    lengths = (sequence_length, sequence_stride, fft_length)
    turns = 2.0 * np.pi * np.random.default_rng(seed).random(S.shape)
    X = np.stack([np.cos(turns), np.sin(turns)]).astype(S.dtype) * S
    before = np.zeros_like(X)
    for _ in range(iterations):
        signal = ops.istft(tuple(X), *lengths, None, window, center)
        now = np.stack(ops.stft(signal, *lengths, window, center))
        moved = now + momentum * (now - before)
        X = moved * (S / np.maximum(np.hypot(*moved), _TINY)).astype(S.dtype)
        before = now
    return np.asarray(ops.istft(tuple(X), *lengths, length, window, center))


def spectral_convergence(
    magnitudes: Any,
    signal: Any,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    window: Any = "hann",
    center: bool = True,
) -> float:
    """``||S - |stft(x)| || / ||S||``: how far a signal's magnitudes are from given ones.

    Parameters
    ----------
    magnitudes : array (..., frames, fft_length // 2 + 1)
        S.
    signal : array (..., time)
        x, of as many frames, or fewer, which then count as silent.
    sequence_length, sequence_stride, fft_length, window, center
        As in `ops.stft`.

    Returns
    -------
    float
        0 where they agree, 1 for silence.

    Raises
    ------
    ShapeError, DataError
        Magnitudes as in `griffin_lim`; all of them 0.

    Examples
    --------
    >>> x = np.sin(0.3 * np.arange(2000.0))
    >>> S = np.hypot(*ops.stft(x, 256, 64, 256))
    >>> round(spectral_convergence(S, 0.9 * x, 256, 64, 256), 6)
    0.1
    """
    op = "spectral_convergence"
    S = _checked(op, magnitudes, fft_length)
    signal = constant(signal).astype(S.dtype)
    made = np.stack(ops.stft(signal, sequence_length, sequence_stride, fft_length, window, center))
    norm = float(np.linalg.norm(S))
    if not norm > 0:
        raise DataError(f"{op}: expected magnitudes of which some are above 0, got none")
    error = float(np.linalg.norm(S - np.hypot(*_fitting(made, S.shape))))
    return error / norm


def _fitting(X: Array, shape: tuple[int, ...]) -> Array:
    """X with as many frames as the shape has: zeros behind fewer."""
    frames = shape[-2]
    missing = max(frames - X.shape[-2], 0)
    widths = [(0, 0)] * (X.ndim - 2) + [(0, missing), (0, 0)]
    return np.pad(X, widths)[..., :frames, :]


def _checked(op: str, magnitudes: Any, fft_length: int) -> Array:
    S = np.asarray(constant(magnitudes))
    if standardize_dtype(S.dtype) not in ("float32", "float64"):
        S = S.astype("float32")
    if S.ndim < 2 or S.shape[-1] != fft_length // 2 + 1 or not S.shape[-2]:
        raise ShapeError(
            f"{op}: expected magnitudes (..., frames, {fft_length // 2 + 1}), as of `ops.stft` "
            f"with fft_length {fft_length}, got shape {S.shape}"
        )
    if not np.isfinite(S).all() or (S < 0).any():
        raise DataError(f"{op}: expected finite magnitudes of 0 or more, got others")
    return S
