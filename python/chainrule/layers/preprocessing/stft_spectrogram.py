"""STFTSpectrogram."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from chainrule import initializers, ops
from chainrule.base import config
from chainrule.base.dtypes import standardize_dtype
from chainrule.base.errors import DTypeError
from chainrule.base.sizes import is_size
from chainrule.layers.input_spec import InputSpec
from chainrule.layers.layer import Layer
from chainrule.layers.options import standardize_data_format

_MODES = ("log", "magnitude", "psd", "real", "imag", "angle", "stft")


def _check(name: str, value: Any, choices: tuple[Any, ...]) -> None:
    if value not in choices:
        words = ", ".join(repr(choice) for choice in choices)
        raise ValueError(f"`{name}` must be one of {words}. Received: {name}={value}")


class STFTSpectrogram(Layer):
    """``re, im = conv(x, kernels)``, windows times cosines and sines: the short-time Fourier
    transform of each channel, with kernels that can be trained.

    Modes: "real" re; "imag" im; "stft" both, one after the other; "angle" ``atan2(im, re)``; "psd"
    ``p = re^2 + im^2``, twice that where a frequency stands for its negative too; "magnitude" ``m =
    sqrt(max(p, epsilon))``; "log" ``log(max(m, epsilon))``. epsilon: `config.epsilon()`.

    Shapes: x (N, time, C), kernels (frame_length, 1, F) with F = fft_length // 2 + 1 frequencies, y
    (N, frames, C F), or (N, frames, F, C) with `expand_dims`; channels first (N, C, time), (N, C F,
    frames) and (N, C, frames, F). "stft" has 2 F in the place of F.

    Parameters
    ----------
    mode : str
        Default "log".
    frame_length : int
        Steps of a frame. Default 256.
    frame_step : int, optional
        Steps from one frame to the next, at most `frame_length`. Default: half of that.
    fft_length : int, optional
        n of the waves, from `frame_length` up. Default: the power of two from there on.
    window : str, sequence of float or None
        As in `chainrule.initializers.STFT`. Default "hann".
    periodic : bool
        Whether a window given by name is periodic rather than symmetric. Default False.
    scaling : {"density", "spectrum", None}
        What the window is divided by, as in `chainrule.initializers.STFT`. Default "density".
    padding : {"valid", "same"}
        Whether frames end with the sound, or zeros stand around it. Default "valid".
    expand_dims : bool
        Whether frequencies and channels are axes of their own. Default False.
    data_format : {"channels_last", "channels_first"}, optional
        Default: `config.image_data_format()`.

    Raises
    ------
    ValueError
        An unknown mode, scaling, window, padding or data format, or lengths that do not fit.
    DTypeError
        Integers, when called.

    References
    ----------
    Allen & Rabiner (1977), "A unified approach to short-time Fourier analysis and synthesis".

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.STFTSpectrogram(frame_length=256, fft_length=512)(np.ones((3, 16000, 2))).shape
    (3, 124, 514)
    """

    def __init__(
        self,
        mode: str = "log",
        frame_length: int = 256,
        frame_step: int | None = None,
        fft_length: int | None = None,
        window: Any = "hann",
        periodic: bool = False,
        scaling: str | None = "density",
        padding: str = "valid",
        expand_dims: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        if not isinstance(frame_length, (int, np.integer)) or frame_length < 1:
            raise ValueError(
                f"`frame_length` must be a positive integer. Received: frame_length={frame_length}"
            )
        if frame_step is not None and not 1 <= frame_step <= frame_length:
            raise ValueError(
                "`frame_step` should be a positive integer not greater than `frame_length`. "
                f"Received: frame_step={frame_step}, frame_length={frame_length}"
            )
        if fft_length is not None and fft_length < frame_length:
            raise ValueError(
                "`fft_length` should be not less than `frame_length`. "
                f"Received: fft_length={fft_length}, frame_length={frame_length}"
            )
        if fft_length is not None and fft_length & -fft_length != fft_length:
            warnings.warn(
                "`fft_length` is recommended to be a power of two. "
                f"Received: fft_length={fft_length}",
                stacklevel=2,
            )
        _check("mode", mode, _MODES)
        _check("scaling", scaling, (None, "density", "spectrum"))
        _check("padding", padding, ("valid", "same"))
        super().__init__(**kwargs)
        self.mode = mode
        self.frame_length = frame_length
        self.frame_step = frame_step
        self.fft_length = fft_length
        self.window = window
        self.periodic = periodic
        self.scaling = scaling
        self.padding = padding
        self.expand_dims = expand_dims
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=3)
        self._kernels = {
            side: initializers.STFT(side, window, scaling, periodic) for side in ("real", "imag")
        }
        self._step = frame_step or max(frame_length // 2, 1)
        self._bins = (fft_length or 2 ** math.ceil(math.log2(frame_length))) // 2 + 1

    def build(self, input_shape: Any) -> None:
        shape = (self.frame_length, 1, self._bins)
        if self.mode != "imag":
            self.real_kernel = self.add_weight(
                name="real_kernel", shape=shape, initializer=self._kernels["real"]
            )
        if self.mode != "real":
            self.imag_kernel = self.add_weight(
                name="imag_kernel", shape=shape, initializer=self._kernels["imag"]
            )

    def _sequences(self, x: Any) -> Any:
        """Each channel as a row of its own: (N C, time, 1)."""
        n, channels, time = x.shape
        return ops.reshape(x, (n * channels, time, 1))

    def _waves(self, x: Any, kernel: Any) -> Any:
        kernel = ops.cast(kernel, x.dtype)
        return ops.conv(x, kernel, self._step, self.padding, "channels_last")

    def call(self, inputs: Any) -> Any:
        dtype = standardize_dtype(inputs.dtype)
        if dtype not in ("float16", "float32", "float64"):
            raise DTypeError(
                f"Layer '{self.path or self.name}': Invalid input type. Expected `float16`, "
                f"`float32` or `float64`. Received: input type={dtype}"
            )
        last = self.data_format == "channels_last"
        x = ops.swapaxes(inputs, 1, 2) if last else inputs
        n, channels = x.shape[:2]
        y = self._in_mode(self._sequences(x))
        y = ops.reshape(y, (n, channels, *y.shape[1:]))  # (N, C, frames, F)
        if not last:
            return y if self.expand_dims else self._merged(ops.swapaxes(y, 2, 3), 1)
        if self.expand_dims:
            return ops.transpose(y, (0, 2, 3, 1))
        return self._merged(ops.swapaxes(y, 1, 2), 2)

    def _in_mode(self, x: Any) -> Any:
        """(rows, frames, F)"""
        mode, epsilon = self.mode, config.epsilon()
        if mode == "real":
            return self._waves(x, self.real_kernel)
        if mode == "imag":
            return self._waves(x, self.imag_kernel)
        re, im = self._waves(x, self.real_kernel), self._waves(x, self.imag_kernel)
        if mode == "stft":
            return ops.concatenate([re, im], axis=-1)
        if mode == "angle":
            return ops.arctan2(im, re)
        power = ops.square(re) + ops.square(im)
        if mode == "psd":
            sides = np.full(self._bins, 2.0, standardize_dtype(power.dtype))
            sides[[0, -1]] = 1.0
            return power * sides
        magnitude = ops.sqrt(ops.maximum(power, epsilon))
        return magnitude if mode == "magnitude" else ops.log(ops.maximum(magnitude, epsilon))

    @staticmethod
    def _merged(x: Any, axis: int) -> Any:
        """Two axes as one."""
        shape = x.shape
        return ops.reshape(x, (*shape[:axis], shape[axis] * shape[axis + 1], *shape[axis + 2 :]))

    def compute_output_shape(self, input_shape: Any) -> Any:
        last = self.data_format == "channels_last"
        n, time, channels = (input_shape[i] for i in ((0, 1, 2) if last else (0, 2, 1)))
        bins = self._bins * (2 if self.mode == "stft" else 1)
        frames = None
        if is_size(time):
            covered = time - self.frame_length if self.padding == "valid" else time - 1
            frames = covered // self._step + 1
        if self.expand_dims:
            return (n, frames, bins, channels) if last else (n, channels, frames, bins)
        merged = bins * channels if is_size(channels) else None
        return (n, frames, merged) if last else (n, merged, frames)

    def get_config(self) -> dict[str, Any]:
        window = self.window
        return {
            **super().get_config(),
            "mode": self.mode,
            "frame_length": self.frame_length,
            "frame_step": self.frame_step,
            "fft_length": self.fft_length,
            "window": window if window is None or isinstance(window, str) else list(window),
            "periodic": self.periodic,
            "scaling": self.scaling,
            "padding": self.padding,
            "data_format": self.data_format,
            "expand_dims": self.expand_dims,
        }
