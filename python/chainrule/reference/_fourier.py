"""The matrix of a discrete Fourier transform."""

from __future__ import annotations

import numpy as np

from chainrule.reference._arrays import Array

__all__ = ["waves"]


def waves(n: int, bins: int) -> Array:
    """exp(-2 pi i k t / n), k from 0 to bins - 1 down and t from 0 to n - 1 across; its imaginary
    part is 0, not nearly so, where the angle is a multiple of half a turn."""
    turns = np.outer(np.arange(bins), np.arange(n)) % n / n
    angles = 2.0 * np.pi * turns
    sines = np.where(2.0 * turns % 1.0 == 0.0, 0.0, np.sin(angles))
    return np.asarray(np.cos(angles) - 1j * sines)
