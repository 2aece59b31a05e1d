"""What a voice does in a sentence, in numbers: the statistics that `speech_emotion` reads."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule import audio

__all__ = ["SPEEDS", "described", "statistics"]

Array = npt.NDArray[Any]
# As of a tape: at another speed all frequencies are higher or lower, as another's voice is.
SPEEDS = (1.0, 0.9, 0.95, 1.05, 1.1)
COEFFICIENTS, WINDOW, STRIDE, BANDS = 16, 512, 160, 26
# Steps in which a pitch is looked for, and how sure it is where there is a voice.
PITCHED, SURE = 1024, 0.7
# Decibels below the loudest place that are heard.
RANGE = 60.0
QUANTILES = [5, 25, 50, 75, 95]
# Semitones from a frame to the next that a voice does not go.
LEAP = 3.0


def statistics(tracks: Array) -> Array:
    """Mean, deviation and quantiles over time of each track (K, T)."""
    moments = [tracks.mean(axis=1), tracks.std(axis=1)]
    return np.concatenate([*moments, *np.percentile(tracks, QUANTILES, axis=1)])


def described(sound: Array, rate: float) -> Array:
    """Statistics (speeds, K) of the cepstrum, of how it changes, and of the pitch in semitones."""
    frequency, sure = audio.pitch(sound, rate, PITCHED, STRIDE, threshold=0.2)
    height = 12 * np.log2(np.maximum(frequency, 1.0))
    result = []
    for speed in SPEEDS:
        cepstrum = audio.mfcc(
            sound,
            rate * speed,
            COEFFICIENTS,
            fft_length=WINDOW,
            sequence_stride=STRIDE,
            num_mel_bins=BANDS,
            min_freq=50.0,
            max_freq=7000.0,
            top_db=RANGE,
        )
        change = audio.deltas(cepstrum, 5)
        # The first coefficient is how loud it is.
        heard = cepstrum[0] > np.quantile(cepstrum[0], 0.2)
        voiced = heard & (sure >= min(SURE, np.sort(sure[heard])[-5]))
        rises = np.diff(height)[voiced[1:] & voiced[:-1]]
        rises = np.append(rises[np.abs(rises) < LEAP], 0.0)
        tracks = np.concatenate([cepstrum, change, audio.deltas(change, 5), sure[None]])
        melody = height[None, voiced] + 12 * np.log2(speed)
        shares = [voiced.mean(), np.abs(rises).mean()]
        result.append(np.concatenate([*map(statistics, (tracks, melody, rises[None])), shares]))
    return np.stack(result).astype("float32")
