"""The kernels of a short-time Fourier transform."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule import ops
from chainrule.base.dtypes import standardize_dtype
from chainrule.initializers.initializer import Initializer
from chainrule.ops._windows import named_window


class STFT(Initializer):
    """``window[t] * cos(-2 pi t f / n)``, or ``sin``, at ``[t, channel, f]``.

    The shape is (frame length, input channels, frequencies), and ``n = 2 * (frequencies - 1)``.
    A convolution with these kernels is a short-time Fourier transform.

    Parameters
    ----------
    side : {"real", "imag"}
        The cosines, or the sines. Default "real".
    window : str, sequence of float or None
        "hann", "hamming", "blackman", "bartlett", or another window's name in SciPy, which has to
        be installed for it; or the window's values, one for each place in a frame; or None for
        none. Default "hann".
    scaling : {"density", "spectrum", None}
        "density" divides by the root of the window's energy, "spectrum" by the sum of its
        magnitudes, None by nothing. Default "density".
    periodic : bool
        Whether a window given by name is periodic rather than symmetric. Default False.

    Raises
    ------
    ValueError
        An unknown side, scaling or window; when called, a window of another length than the frame.
    ImportError
        A name that only SciPy knows, where it is not installed.

    References
    ----------
    Allen & Rabiner (1977), "A unified approach to short-time Fourier analysis and synthesis".

    Examples
    --------
    >>> import chainrule as keras
    >>> keras.initializers.STFT("real", window=None)((4, 1, 3))[:, 0].round(3) + 0.0
    array([[ 1.,  1.,  1.],
           [ 1.,  0., -1.],
           [ 1., -1.,  1.],
           [ 1.,  0., -1.]], dtype=float32)
    """

    def __init__(
        self,
        side: str = "real",
        window: str | Sequence[float] | None = "hann",
        scaling: str | None = "density",
        periodic: bool = False,
    ) -> None:
        if side not in ("real", "imag"):
            raise ValueError(f"`side` should be 'real' or 'imag'. Received: side={side}")
        if scaling not in (None, "density", "spectrum"):
            raise ValueError(
                f"`scaling` should be None, 'density' or 'spectrum'. Received: scaling={scaling}"
            )
        if isinstance(window, str):
            named_window(window, 1, periodic)
        self.side = side
        self.window = window
        self.scaling = scaling
        self.periodic = periodic

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Any:
        """A tensor of first values."""
        frame, channels, frequencies = shape
        time = np.arange(frame).reshape(frame, 1, 1)
        frequency = np.arange(frequencies).reshape(1, 1, frequencies)
        length = 2 * (frequencies - 1)
        angles = -2.0 * np.pi * ((time * frequency) % max(length, 1)) / max(length, 1)
        kernel = np.cos(angles) if self.side == "real" else np.sin(angles)
        if self.window is not None:
            kernel = kernel * self._scaled_window(frame).reshape(frame, 1, 1)
        kernel = np.broadcast_to(kernel, tuple(shape))
        return ops.cast(np.ascontiguousarray(kernel), standardize_dtype(dtype))

    def _scaled_window(self, frame: int) -> Any:
        window = self.window
        if isinstance(window, str):
            window = named_window(window, frame, self.periodic)
        values = np.asarray(window, dtype=np.float64)
        if values.shape != (frame,):
            raise ValueError(
                f"The shape of `window` must be the frame length, ({frame},). "
                f"Received: window shape={values.shape}"
            )
        if self.scaling == "density":
            return values / np.sqrt(np.sum(values**2))
        if self.scaling == "spectrum":
            return values / np.sum(np.abs(values))
        return values

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            "side": self.side,
            "window": self.window,
            "periodic": self.periodic,
            "scaling": self.scaling,
        }
