"""MelSpectrogram."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule import ops
from chainrule.base.dtypes import standardize_dtype
from chainrule.base.sizes import is_size
from chainrule.layers.layer import Layer
from chainrule.ops._common import root

Array = npt.NDArray[Any]


def _mels(hertz: Any) -> Any:
    return 1127.0 * np.log(1.0 + np.asarray(hertz, "float64") / 700.0)


class MelSpectrogram(Layer):
    """``y = 10 log10(max(m, min_power) / max(|ref_power|, min_power))``, ``m = |stft(x)|^mag_exp
    A``: how loud a sound is over time in bands that are as wide as the ear hears them.

    A has a triangle for each band, 1 in its middle, of equal widths on the mel scale, ``mel(f) =
    1127 ln(1 + f / 700)``. The sound is continued by half a window at both ends. Gradients flow
    through the layer, which has no weights; that of a magnitude which is 0 is 0.

    Shapes: x (time) or (N, time), y (bands, frames) or (N, bands, frames); frames = time // stride
    + 1 for an even `fft_length`. Integers become floats.

    Parameters
    ----------
    fft_length : int
        Of the transforms, from `sequence_length` up. Default 2048.
    sequence_stride : int
        Steps from one frame to the next. Default 512.
    sequence_length : int, optional
        Of the window. Default: `fft_length`.
    window : {"hann", "hamming"}, sequence of float or None
        As in `chainrule.ops.stft`. Default "hann".
    sampling_rate : int
        Steps a second, in Hz. Default 16000.
    num_mel_bins : int
        Bands. Default 128.
    min_freq, max_freq : float
        Where the first band begins and the last one ends, in Hz. Default 20, and half the rate.
    power_to_db : bool
        Whether y is in decibels, or m itself. Default True.
    top_db : float
        In decibels what is further below the loudest place of the batch is brought up to there.
        Default 80.
    mag_exp : float
        1 for magnitudes, 2 for powers. Default 2.
    min_power : float
        The smallest m, and the smallest reference. Default 1e-10.
    ref_power : float
        What 0 dB stands for. Default 1.

    Raises
    ------
    ValueError
        Lengths, a rate or numbers of bands that are no positive integers, a window longer than
        `fft_length`, bands without a width.
    TypeError
        A `window` by an unknown name or of another length, when called.

    References
    ----------
    Stevens, Volkmann & Newman (1937), "A scale for the measurement of the psychological magnitude
    pitch".

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layer = layers.MelSpectrogram(num_mel_bins=80, sampling_rate=8000, sequence_stride=128)
    >>> layer(np.sin(np.arange(16000.0))).shape
    (80, 126)
    """

    def __init__(
        self,
        fft_length: int = 2048,
        sequence_stride: int = 512,
        sequence_length: int | None = None,
        window: Any = "hann",
        sampling_rate: int = 16000,
        num_mel_bins: int = 128,
        min_freq: float = 20.0,
        max_freq: float | None = None,
        power_to_db: bool = True,
        top_db: float = 80.0,
        mag_exp: float = 2.0,
        min_power: float = 1e-10,
        ref_power: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._allow_non_tensor_positional_args = True
        self.fft_length = fft_length
        self.sequence_stride = sequence_stride
        self.sequence_length = sequence_length or fft_length
        self.window = window
        self.sampling_rate = sampling_rate
        self.num_mel_bins = num_mel_bins
        self.min_freq = min_freq
        self.max_freq = max_freq or int(sampling_rate / 2)
        self.power_to_db = power_to_db
        self.top_db = top_db
        self.mag_exp = mag_exp
        self.min_power = min_power
        self.ref_power = ref_power
        for name in (
            "fft_length", "sequence_stride", "sequence_length", "sampling_rate", "num_mel_bins"
        ):  # fmt: skip
            value = getattr(self, name)
            if not isinstance(value, (int, np.integer)) or value < 1:
                raise ValueError(f"`{name}` must be a positive integer. Received: {name}={value}")
        if fft_length < self.sequence_length:
            raise ValueError(
                "`fft_length` must be greater than or equal to `sequence_length`. Received: "
                f"sequence_length={self.sequence_length}, fft_length={fft_length}"
            )
        if not 0 <= min_freq < self.max_freq:
            raise ValueError(
                "`min_freq` must be below `max_freq`, and not below 0. Received: "
                f"min_freq={min_freq}, max_freq={self.max_freq}"
            )

    def call(self, inputs: Any) -> Any:
        dtype = self.compute_dtype if self.compute_dtype == "float64" else "float32"
        inputs = ops.convert_to_tensor(inputs, dtype=dtype)
        re, im = ops.stft(
            inputs, self.sequence_length, self.sequence_stride, self.fft_length, self.window
        )
        power = ops.square(re) + ops.square(im)
        if self.mag_exp != 2:
            power = ops.power(root(power), self.mag_exp)
        matrix = self.linear_to_mel_weight_matrix(
            self.num_mel_bins,
            self.fft_length // 2 + 1,
            self.sampling_rate,
            self.min_freq,
            self.max_freq,
            dtype,
        )
        y = ops.matmul(power, matrix)
        if self.power_to_db:
            y = self._decibels(y)
        return ops.cast(ops.swapaxes(y, -1, -2), self.compute_dtype)

    def _decibels(self, x: Any) -> Any:
        reference = float(np.log10(max(abs(self.ref_power), self.min_power)))
        y = 10.0 * (ops.log10(ops.maximum(x, self.min_power)) - reference)
        return ops.maximum(y, ops.max(y) - self.top_db)

    def linear_to_mel_weight_matrix(
        self,
        num_mel_bins: int = 20,
        num_spectrogram_bins: int = 129,
        sampling_rate: float = 8000,
        lower_edge_hertz: float = 125.0,
        upper_edge_hertz: float = 3800.0,
        dtype: str = "float32",
    ) -> Array:
        """A, (spectrogram bins, mel bins): triangles that are linear on the mel scale; none has a
        part in 0 Hz."""
        bins = _mels(np.linspace(0.0, sampling_rate / 2.0, num_spectrogram_bins)[1:, None])
        ends = _mels([lower_edge_hertz, upper_edge_hertz])
        edges = np.linspace(ends[0], ends[1], num_mel_bins + 2)
        lower, middle, upper = edges[:-2], edges[1:-1], edges[2:]
        up, down = (bins - lower) / (middle - lower), (upper - bins) / (upper - middle)
        matrix = np.maximum(0.0, np.minimum(up, down))
        return np.pad(matrix, [(1, 0), (0, 0)]).astype(standardize_dtype(dtype))

    def compute_output_shape(self, input_shape: Any) -> Any:
        *lead, time = input_shape
        frames = None
        if is_size(time):
            padded = time + self.fft_length // 2 * 2
            frames = (padded - self.fft_length) // self.sequence_stride + 1
        return (*lead, self.num_mel_bins, frames)

    def get_config(self) -> dict[str, Any]:
        window = self.window
        return {
            **super().get_config(),
            "fft_length": self.fft_length,
            "sequence_stride": self.sequence_stride,
            "sequence_length": self.sequence_length,
            "window": window if window is None or isinstance(window, str) else list(window),
            "sampling_rate": self.sampling_rate,
            "num_mel_bins": self.num_mel_bins,
            "min_freq": self.min_freq,
            "max_freq": self.max_freq,
            "power_to_db": self.power_to_db,
            "top_db": self.top_db,
            "mag_exp": self.mag_exp,
            "min_power": self.min_power,
            "ref_power": self.ref_power,
        }
