"""Windows over frames of a signal, by name."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

__all__ = ["named_window"]

_WINDOWS = {
    "bartlett": np.bartlett,
    "blackman": np.blackman,
    "hamming": np.hamming,
    "hann": np.hanning,
}


def named_window(name: str, length: int, periodic: bool = True) -> Any:
    """A window's values in float64: one period, or symmetric.

    Raises
    ------
    ValueError
        A name that nobody knows.
    ImportError
        A name that only SciPy may know, where it is not installed.

    Examples
    --------
    >>> named_window("hann", 4).round(3).tolist()
    [0.0, 0.5, 1.0, 0.5]
    """
    if name in _WINDOWS:
        if length <= 1:
            return np.ones(max(length, 0))
        return _WINDOWS[name](length + 1)[:-1] if periodic else _WINDOWS[name](length)
    try:
        signal = importlib.import_module("scipy.signal")
    except ImportError as error:
        raise ImportError(
            f"The window {name!r} comes from SciPy, which is not installed: install scipy, or give "
            "the window's values"
        ) from error
    return signal.get_window(name, length, periodic)
