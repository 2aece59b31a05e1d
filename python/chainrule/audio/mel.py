"""The mel scale, and filters of equal widths on it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

__all__ = ["hz_to_mel", "mel_filters", "mel_to_hz"]

# Slaney's scale: linear up to 1000 Hz, 15 mels, then a factor of 6.4 in 27 mels.
_BREAK, _MELS = 1000.0, 15.0
_STEP = np.log(6.4) / 27.0


def hz_to_mel(frequencies: Any, htk: bool = False) -> Array:
    """``f / (200/3)`` up to 1000 Hz and ``15 + 27 ln(f / 1000) / ln 6.4`` above; with `htk`
    ``2595 log10(1 + f / 700)``.

    Parameters
    ----------
    frequencies : array
        In Hz, from 0 up.
    htk : bool
        The scale of the Hidden Markov Model Toolkit, instead of Slaney's Auditory Toolbox. Default
        False.

    Returns
    -------
    array
        In mels, float64, in the same shape.

    Examples
    --------
    >>> hz_to_mel([0.0, 500.0, 1000.0, 6400.0]).tolist()
    [0.0, 7.5, 15.0, 42.0]
    """
    hz = np.asarray(frequencies, "float64")
    if htk:
        return np.asarray(2595.0 * np.log10(1.0 + hz / 700.0))
    bent = _MELS + np.log(np.maximum(hz, _BREAK) / _BREAK) / _STEP
    return np.where(hz < _BREAK, hz * _MELS / _BREAK, bent)


def mel_to_hz(mels: Any, htk: bool = False) -> Array:
    """The inverse of `hz_to_mel`.

    Parameters
    ----------
    mels : array
        From 0 up.
    htk : bool
        As in `hz_to_mel`. Default False.

    Returns
    -------
    array
        In Hz, float64, in the same shape.

    Examples
    --------
    >>> mel_to_hz([7.5, 15.0]).tolist()
    [500.0, 1000.0]
    """
    mel = np.asarray(mels, "float64")
    if htk:
        return np.asarray(700.0 * (10.0 ** (mel / 2595.0) - 1.0))
    above = np.maximum(mel - _MELS, 0.0)
    return np.where(mel < _MELS, mel * _BREAK / _MELS, _BREAK * np.exp(_STEP * above))


def mel_filters(
    sampling_rate: float,
    fft_length: int,
    num_mel_bins: int = 128,
    min_freq: float = 0.0,
    max_freq: float | None = None,
    htk: bool = False,
    norm: str | None = "slaney",
) -> Array:
    """Triangles over the frequencies of a transform, as `librosa.filters.mel`: each rises from the
    middle of the one before and falls to that of the next, and the middles are equally far apart in
    mels.

    Parameters
    ----------
    sampling_rate : float
        In Hz.
    fft_length : int
        n of the transform; its frequencies are ``k sampling_rate / n``.
    num_mel_bins : int
        Triangles. Default 128.
    min_freq, max_freq : float
        Where the first one begins and the last one ends, in Hz. Default: 0, and half the rate.
    htk : bool
        The scale, as in `hz_to_mel`. Default False.
    norm : {"slaney", None}
        Whether each has the area 1 in Hz, or the height 1. Default "slaney".

    Returns
    -------
    array (num_mel_bins, fft_length // 2 + 1)
        In float64. A triangle between two frequencies of the transform is all 0.

    Raises
    ------
    ValueError
        Numbers below 1, frequencies out of order, or another `norm`.

    References
    ----------
    Slaney (1998), "Auditory Toolbox"; Young et al. (2006), "The HTK Book", section 5.4.

    Examples
    --------
    >>> mel_filters(8000, 256, 40).shape
    (40, 129)
    """
    if fft_length < 1 or num_mel_bins < 1 or not sampling_rate > 0:
        raise ValueError(
            "mel_filters: expected a rate, a length and a number of filters above 0, got "
            f"{sampling_rate}, {fft_length} and {num_mel_bins}"
        )
    if norm not in (None, "slaney"):
        raise ValueError(f"mel_filters: expected `norm` 'slaney' or None, got {norm!r}")
    top = sampling_rate / 2.0 if max_freq is None else max_freq
    if not 0 <= min_freq < top:
        raise ValueError(
            f"mel_filters: expected 0 <= min_freq < max_freq, got {min_freq} and {top}"
        )
    ends = hz_to_mel([min_freq, top], htk)
    edges = mel_to_hz(np.linspace(ends[0], ends[1], num_mel_bins + 2), htk)[:, None]
    hz = np.arange(fft_length // 2 + 1) * (sampling_rate / fft_length)
    lower, middle, upper = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (hz - lower) / (middle - lower), (upper - hz) / (upper - middle)
    filters = np.maximum(0.0, np.minimum(rising, falling))
    if norm == "slaney":
        filters *= 2.0 / (upper - lower)
    return np.asarray(filters)
