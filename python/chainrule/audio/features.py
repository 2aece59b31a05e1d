"""What a sound is described by: bands of loudness, and their cepstrum."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule import ops
from chainrule.audio.mel import mel_filters
from chainrule.base.config import floatx
from chainrule.base.dtypes import is_float_dtype, standardize_dtype
from chainrule.base.errors import DataError, ShapeError
from chainrule.ops._common import root
from chainrule.tracing.arrays import constant

__all__ = ["log_mel", "mel_spectrogram", "mel_to_magnitudes", "mfcc", "power_to_db"]

# What nothing is divided by less than.
_TINY = 1e-30


def mel_spectrogram(
    x: Any,
    sampling_rate: float = 16000,
    fft_length: int = 2048,
    sequence_stride: int = 512,
    sequence_length: int | None = None,
    window: Any = "hann",
    center: bool = True,
    num_mel_bins: int = 128,
    min_freq: float = 0.0,
    max_freq: float | None = None,
    htk: bool = False,
    norm: str | None = "slaney",
    power: float = 2.0,
) -> Any:
    """``m = filters |stft(x)|^power``: how loud each mel band is in each frame, as
    `librosa.feature.melspectrogram` with ``pad_mode="reflect"``.

    Parameters
    ----------
    x : tensor (..., time)
        Integers are cast to `floatx()`.
    sampling_rate : float
        In Hz. Default 16000.
    fft_length, sequence_stride, sequence_length, window, center
        As in `ops.stft`; librosa's `n_fft`, `hop_length` and `win_length`. `sequence_length` is
        `fft_length` where it is not given.
    num_mel_bins, min_freq, max_freq, htk, norm
        As in `mel_filters`; librosa's `n_mels`, `fmin` and `fmax`.
    power : float
        1 for magnitudes, 2 for powers. Default 2. Where a magnitude is 0 its gradient is 0.

    Returns
    -------
    tensor (..., num_mel_bins, frames)
        In the float dtype of x.

    Raises
    ------
    ValueError
        As in `ops.stft` and `mel_filters`.

    Examples
    --------
    >>> tone = np.sin(2 * np.pi * 1000 * np.arange(8000) / 8000)
    >>> m = mel_spectrogram(tone, 8000, 512, 128, num_mel_bins=40)
    >>> m.shape, int(m[:, 30].argmax())
    ((40, 63), 16)
    """
    x = ops.convert_to_tensor(x)
    if not is_float_dtype(x.dtype):
        x = ops.cast(x, floatx())
    length = sequence_length or fft_length
    re, im = ops.stft(x, length, sequence_stride, fft_length, window, center)
    energy = ops.square(re) + ops.square(im)
    if power != 2:
        energy = ops.power(root(energy), power)
    filters = mel_filters(
        sampling_rate, fft_length, num_mel_bins, min_freq, max_freq, htk, norm
    ).astype(standardize_dtype(x.dtype))
    return ops.matmul(filters, ops.swapaxes(energy, -1, -2))


def power_to_db(
    x: Any, ref: float = 1.0, min_power: float = 1e-10, top_db: float | None = 80.0
) -> Any:
    """``y = 10 log10(max(x, min_power) / max(ref, min_power))``, brought up to ``max(y) - top_db``,
    as `librosa.power_to_db`.

    Parameters
    ----------
    x : tensor
        Powers.
    ref : float
        What 0 dB stands for. Default 1.
    min_power : float
        Above 0. Default 1e-10.
    top_db : float or None
        How far below the largest y the smallest one may be. Default 80.

    Returns
    -------
    tensor
        In decibels.

    Raises
    ------
    ValueError
        `min_power` or `top_db` that are not above 0.

    Examples
    --------
    >>> power_to_db(np.array([1.0, 0.1, 1e-20])).round(6).tolist()
    [0.0, -10.0, -80.0]
    """
    if not min_power > 0 or (top_db is not None and not top_db > 0):
        raise ValueError(
            "power_to_db: expected `min_power` and `top_db` above 0, got "
            f"min_power={min_power}, top_db={top_db}"
        )
    y = 10.0 * (ops.log10(ops.maximum(x, min_power)) - math.log10(max(abs(ref), min_power)))
    return y if top_db is None else ops.maximum(y, ops.max(y) - top_db)


def log_mel(x: Any, sampling_rate: float = 16000, **options: Any) -> Any:
    """`power_to_db` of `mel_spectrogram`.

    Parameters
    ----------
    x : tensor (..., time)
    sampling_rate : float
        In Hz. Default 16000.
    **options
        Those of `power_to_db` (`ref`, `min_power`, `top_db`) and of `mel_spectrogram`.

    Returns
    -------
    tensor (..., num_mel_bins, frames)
        In decibels.

    Examples
    --------
    >>> y = log_mel(np.zeros(4000), 8000, fft_length=256, sequence_stride=128, num_mel_bins=20)
    >>> y.shape, round(float(y.max()))
    ((20, 32), -100)
    """
    names = ("ref", "min_power", "top_db")
    scale = {name: options.pop(name) for name in names if name in options}
    return power_to_db(mel_spectrogram(x, sampling_rate, **options), **scale)


def mfcc(
    x: Any, sampling_rate: float = 16000, num_mfcc: int = 20, lifter: float = 0, **options: Any
) -> Any:
    """The first cosine transforms (DCT-II, orthonormal) of `log_mel` over the bands, as
    `librosa.feature.mfcc`: the shape of the spectrum without its detail.

    Parameters
    ----------
    x : tensor (..., time)
    sampling_rate : float
        In Hz. Default 16000.
    num_mfcc : int
        Coefficients, at most as many as bands. Default 20.
    lifter : float
        L of the weights ``1 + L / 2 sin(pi (i + 1) / L)`` of coefficient i; 0 for none. Default 0.
    **options
        Those of `log_mel`.

    Returns
    -------
    tensor (..., num_mfcc, frames)

    Raises
    ------
    ValueError
        More coefficients than bands, none, or a `lifter` below 0.

    References
    ----------
    Davis & Mermelstein (1980), "Comparison of parametric representations for monosyllabic word
    recognition in continuously spoken sentences".

    Examples
    --------
    >>> mfcc(np.sin(np.arange(4000.0)), 8000, 13, fft_length=256, sequence_stride=128).shape
    (13, 32)
    """
    bands = log_mel(x, sampling_rate, **options)
    count = bands.shape[-2]
    if not 1 <= num_mfcc <= count:
        raise ValueError(f"mfcc: expected `num_mfcc` of 1 to {count}, got {num_mfcc}")
    if lifter < 0:
        raise ValueError(f"mfcc: expected `lifter` of 0 or more, got {lifter}")
    order = np.arange(num_mfcc)[:, None]
    waves = np.cos(np.pi * order * (np.arange(count) + 0.5) / count) * np.sqrt(2.0 / count)
    waves[0] /= np.sqrt(2.0)
    if lifter:
        waves *= 1.0 + lifter / 2.0 * np.sin(np.pi * (order + 1) / lifter)
    return ops.matmul(waves.astype(standardize_dtype(bands.dtype)), bands)


def mel_to_magnitudes(
    m: Any,
    sampling_rate: float = 16000,
    fft_length: int = 2048,
    min_freq: float = 0.0,
    max_freq: float | None = None,
    htk: bool = False,
    norm: str | None = "slaney",
    power: float = 2.0,
    iterations: int = 32,
) -> Any:
    """Magnitudes whose `mel_spectrogram` is m, or nearly: ``S = x^(1/power)`` where x makes ``||A x - m||``
    small and is nowhere negative, for the filters A.

    Steps ``x <- x (A' m) / (A' A x)`` do so, each of which makes the error smaller; they begin at
    A' m. What no filter covers is 0. `griffin_lim` makes sound of the magnitudes.

    Parameters
    ----------
    m : array (..., bands, frames)
        What `mel_spectrogram` gives.
    sampling_rate, fft_length, min_freq, max_freq, htk, norm, power
        As it was made with.
    iterations : int
        Default 32.

    Returns
    -------
    array (..., frames, fft_length // 2 + 1)
        In the float dtype of m, in the order of `ops.stft`.

    Raises
    ------
    ShapeError
        Fewer than two axes.
    DataError
        Numbers below 0, or that are not finite.
    ValueError
        `iterations` below 1, a `power` that is not above 0, and as in `mel_filters`.

    References
    ----------
    Lee & Seung (2001), "Algorithms for non-negative matrix factorization".

    Examples
    --------
    >>> x = np.sin(2 * np.pi * 1000 * np.arange(4000) / 8000)
    >>> m = mel_spectrogram(x, 8000, 256, 64, num_mel_bins=40)
    >>> S = mel_to_magnitudes(m, 8000, 256)
    >>> S.shape, int(S[30].argmax())
    ((63, 129), 32)
    """
    name = "mel_to_magnitudes"
    m = np.asarray(constant(m))
    if not is_float_dtype(m.dtype):
        m = m.astype(floatx())
    if m.ndim < 2:
        raise ShapeError(f"{name}: expected (..., bands, frames), got shape {m.shape}")
    if not np.isfinite(m).all() or (m < 0).any():
        raise DataError(f"{name}: expected finite numbers of 0 or more, got others")
    if iterations < 1 or not power > 0:
        raise ValueError(
            f"{name}: expected 1 or more iterations and a power above 0, got {iterations} and {power}"
        )
    filters = mel_filters(
        sampling_rate, fft_length, m.shape[-2], min_freq, max_freq, htk, norm
    )  # (bands, bins)
    wanted = m.swapaxes(-1, -2).astype("float64") @ filters  # (..., frames, bins)
    x = wanted.copy()
    for _ in range(iterations):
        x *= wanted / np.maximum((x @ filters.T) @ filters, _TINY)
    return (x ** (1.0 / power)).astype(m.dtype)
