"""How high a voice is, and how sure that is."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule import ops
from chainrule.base.errors import DataError, ShapeError
from chainrule.tracing.arrays import constant

__all__ = ["pitch"]

Array = npt.NDArray[Any]


def pitch(
    x: Any,
    sampling_rate: float = 16000,
    frame_length: int = 2048,
    sequence_stride: int = 512,
    min_freq: float = 60.0,
    max_freq: float = 500.0,
    threshold: float = 0.1,
) -> tuple[Array, Array]:
    """The frequency at which each frame repeats itself, by YIN: ``f = rate / l`` with the shortest
    lag l at which ``d_l = sum_j (x_j - x_{j+l})^2``, over j of half a frame, is a minimum below
    `threshold` of its mean over the lags 1 to l, or where that ratio is least.

    Parameters
    ----------
    x : array (..., time)
    sampling_rate : float
        In Hz. Default 16000.
    frame_length : int
        Steps of a frame; half of them or fewer must be one period of `min_freq`. Default 2048.
    sequence_stride : int
        Steps from a frame to the next. The middle of frame t is at ``t sequence_stride``, as in
        `log_mel`. Default 512.
    min_freq, max_freq : float
        In Hz, what is looked for. Default 60 and 500: voices.
    threshold : float
        Above 0. Default 0.1.

    Returns
    -------
    pair of float64 arrays (..., frames)
        The frequencies in Hz, between lags by a parabola, and how sure they are: 1 less the ratio,
        1 for what is periodic, near 0 for noise, where the frequency says nothing; 0 for
        silence, whose frequency is 0 too.

    Raises
    ------
    ShapeError
        Sounds of half a frame or shorter.
    DataError
        Samples that are not finite.
    ValueError
        Frequencies that are not ``0 < min_freq < max_freq <= sampling_rate / 2``, too short frames,
        and a stride below 1.

    References
    ----------
    de Cheveigné & Kawahara (2002), "YIN, a fundamental frequency estimator for speech and music".

    Examples
    --------
    >>> time = np.arange(8000) / 8000
    >>> tone = np.sin(2 * np.pi * 220 * time) + np.sin(2 * np.pi * 440 * time)
    >>> frequency, sure = pitch(tone, 8000, 512, 128)
    >>> frequency.shape, round(float(np.median(frequency))), round(float(np.median(sure)), 2)
    ((63,), 220, 1.0)
    """
    if not 0 < min_freq < max_freq <= sampling_rate / 2:
        raise ValueError(
            "pitch: expected 0 < min_freq < max_freq <= sampling_rate / 2, got "
            f"{min_freq}, {max_freq} and a rate of {sampling_rate}"
        )
    if not threshold > 0 or sequence_stride < 1:
        raise ValueError(
            "pitch: expected a threshold above 0 and a sequence_stride of 1 or more, got "
            f"{threshold} and {sequence_stride}"
        )
    shortest, longest = (
        int(sampling_rate / max_freq),
        int(np.ceil(sampling_rate / min_freq)),
    )
    half = frame_length // 2
    if longest >= half:
        raise ValueError(
            f"pitch: expected a frame_length above {2 * longest + 1}, twice a period of "
            f"{min_freq} Hz, got {frame_length}"
        )
    x = np.asarray(constant(x), "float64")
    if not x.ndim or x.shape[-1] <= half:
        raise ShapeError(f"pitch: expected sounds longer than {half} steps, got shape {x.shape}")
    if not np.isfinite(x).all():
        raise DataError("pitch: expected finite samples, got others")
    ratio = _ratio(_frames(x, 2 * half, sequence_stride), longest + 1)
    inner = ratio[..., shortest : longest + 1]
    dips = (inner < ratio[..., shortest - 1 : longest]) & (inner <= ratio[..., shortest + 1 :])
    good = dips & (inner < threshold)
    lag = shortest + np.where(good.any(-1), good.argmax(-1), inner.argmin(-1))
    before, here, after = (
        np.take_along_axis(ratio, (lag + step)[..., None], axis=-1)[..., 0] for step in (-1, 0, 1)
    )
    bend = before - 2 * here + after
    is_dip = (here <= before) & (here <= after) & (bend > 0)
    exact = lag + np.where(is_dip, (before - after) / (2 * np.where(bend > 0, bend, 1.0)), 0.0)
    sure = np.clip(1.0 - here, 0.0, 1.0)
    return np.where(sure > 0, sampling_rate / exact, 0.0), sure


def _frames(x: Array, length: int, stride: int) -> Array:
    """(..., frames, length), each around its place in x, which is turned about its outermost steps."""
    around = [(0, 0)] * (x.ndim - 1) + [(length // 2, length // 2)]
    padded = np.pad(x, around, mode="reflect")
    return np.lib.stride_tricks.sliding_window_view(padded, length, axis=-1)[..., ::stride, :]


def _ratio(frames: Array, longest: int) -> Array:
    """(..., frames, longest + 1): ``l d_l / (d_1 + ... + d_l)``, 1 at lag 0 and in silence."""
    half = frames.shape[-1] // 2
    re, im = ops.rfft(np.ascontiguousarray(frames))
    first_re, first_im = ops.rfft(np.ascontiguousarray(frames[..., :half]), frames.shape[-1])
    # sum_j x_j x_{j+l} over the first half: lags up to a half do not wrap around.
    alike = ops.irfft(
        (first_re * re + first_im * im, first_re * im - first_im * re), frames.shape[-1]
    )
    sums = np.cumsum(np.pad(np.square(frames), [(0, 0)] * (frames.ndim - 1) + [(1, 0)]), axis=-1)
    energy = sums[..., half : half + longest + 1] - sums[..., : longest + 1]
    apart = energy[..., :1] + energy - 2 * np.asarray(alike)[..., : longest + 1]
    # What rounding leaves of zero.
    apart = np.where(apart > 1e-12 * energy[..., :1], apart, 0.0)[..., 1:]
    total = np.cumsum(apart, axis=-1)
    lags = np.arange(1, longest + 1)
    ratio = np.where(total > 0, lags * apart / np.where(total > 0, total, 1.0), 1.0)
    return np.concatenate([np.ones((*ratio.shape[:-1], 1)), ratio], axis=-1)
