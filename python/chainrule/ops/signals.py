"""Windows of signals, and their Fourier transforms."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.base.dtypes import standardize_dtype
from chainrule.base.errors import DTypeError, ShapeError
from chainrule.base.sizes import at_least, at_most, known
from chainrule.ops._common import binary, block
from chainrule.ops._windows import named_window
from chainrule.ops.arranging import pad
from chainrule.ops.fourier import check_length, complex_pair, fitted, synthesised
from chainrule.tracing.casting import as_dtype, as_tensor
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation

__all__ = ["extract_sequences", "istft", "stft"]

# Below it, what lies over a place of a signal counts as nothing.
_NOTHING = 1e-10


@operation
def extract_sequences(x: Any, sequence_length: int, sequence_stride: int) -> Any:
    """y[..., i, j] = x[..., i stride + j]: windows of the last axis, as Keras's
    `ops.extract_sequences`.

    Parameters
    ----------
    x : tensor (..., n)
        Of any dtype.
    sequence_length : int
        Elements of a window, from 1 up.
    sequence_stride : int
        From one window to the next, from 1 up.

    Returns
    -------
    tensor
        (..., windows, sequence_length) with windows = (n - length) // stride + 1, at least 0; in
        the dtype of x.

    Raises
    ------
    ShapeError
        `x` of rank 0.
    ValueError
        A length or stride below 1.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> extract_sequences([1, 2, 3, 4], 2, 2).tolist()
    [[1, 2], [3, 4]]
    """
    x = as_tensor(x)
    op = "extract_sequences"
    length = check_length(op, "sequence_length", sequence_length)
    stride = check_length(op, "sequence_stride", sequence_stride)
    if x.ndim < 1:
        raise ShapeError(
            f"{op}: Input should have rank >= 1. Received: input.shape = {tuple(x.shape)}"
        )
    return _frames(x, length, stride)


def _frames(x: Any, length: int, stride: int) -> Any:
    return apply("frame", {"length": length, "stride": stride}, [x])


def _lengths(op: str, sequence: Any, stride: Any, transform: Any) -> tuple[int, int, int]:
    """The three lengths, checked."""
    length = check_length(op, "sequence_length", sequence)
    step = check_length(op, "sequence_stride", stride)
    n = check_length(op, "fft_length", transform)
    if n < length:
        raise ValueError(
            f"{op}: `fft_length` must equal or larger than `sequence_length`. "
            f"Received: sequence_length={length}, fft_length={n}"
        )
    return length, step, n


def _window(op: str, window: Any, length: int, n: int, dtype: str) -> Any:
    """The window in the middle of n places, zeros around it; None for none."""
    if window is None:
        return None
    if isinstance(window, str):
        if window not in ("hann", "hamming"):
            raise ValueError(
                f"{op}: If a string is passed to `window`, it must be one of `'hann'`, "
                f"`'hamming'`. Received: window={window}"
            )
        window = named_window(window, length)
    window = as_dtype(window, dtype)
    if tuple(window.shape) != (length,):
        raise ShapeError(
            f"{op}: The shape of `window` must be equal to [sequence_length], [{length}]. "
            f"Received: window shape={tuple(window.shape)}"
        )
    before = (n - length) // 2
    return pad(window, [(before, n - length - before)])


@operation
def stft(
    x: Any,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    window: Any = "hann",
    center: bool = True,
) -> Any:
    """X_fk = sum_j w_j x[f stride + j] exp(-2 pi i k j / n), k from 0 to n // 2: the short-time
    Fourier transform along the last axis, as Keras's `ops.stft`.

    Parameters
    ----------
    x : tensor (..., m)
        Of float32 or float64.
    sequence_length : int
        Elements of a window, from 1 up.
    sequence_stride : int
        From one window to the next, from 1 up.
    fft_length : int
        n, from `sequence_length` up; a shorter window stands in the middle of n elements.
    window : {"hann", "hamming"}, tensor (sequence_length,) or None
        w: one period of a window, its values, through which gradients flow, or ones over all of n.
        Default "hann".
    center : bool
        Whether x is first continued at both ends by n // 2 elements, turned about the outermost
        ones, so that window f has its middle at f stride. Default True.

    Returns
    -------
    pair of tensors (..., frames, n // 2 + 1)
        Real and imaginary part in the dtype of x, of as many frames as there are whole windows.

    Raises
    ------
    ValueError
        A length or stride that is no positive integer, n below the window, an unknown window.
    ShapeError
        A window of another length; `x` of no axis, or of no elements.
    DTypeError
        `x` of another dtype.

    References
    ----------
    Allen & Rabiner (1977), "A unified approach to short-time Fourier analysis and synthesis".

    Examples
    --------
    >>> re, im = stft(np.array([0.0, 1.0, 2.0, 3.0, 4.0]), 3, 2, 3)
    >>> re.round(3).tolist()
    [[0.75, -0.375], [3.75, -1.875], [5.25, -2.625]]
    """
    op = "stft"
    x = as_tensor(x)
    dtype = standardize_dtype(x.dtype)
    length, stride, n = _lengths(op, sequence_length, sequence_stride, fft_length)
    if dtype not in ("float32", "float64"):
        raise DTypeError(
            f"{op}: Invalid input type. Expected `float32` or `float64`. Received: input "
            f"type={dtype}"
        )
    if x.ndim < 1:
        raise ShapeError(
            f"{op}: Input should have rank >= 1. Received: input.shape = {tuple(x.shape)}"
        )
    if known(x.shape[-1]) == 0:
        raise ShapeError(f"{op}: expected a signal of at least one element, got {tuple(x.shape)}")
    weights = _window(op, window, length, n, dtype)
    if center:
        x = pad(x, [(0, 0)] * (x.ndim - 1) + [(n // 2, n // 2)], mode="reflect")
    frames = _frames(x, n, stride)
    if weights is not None:
        frames = binary("mul", frames, weights)
    re, im = apply("rfft", {"both": False, "mean": False}, [frames], outputs=2)
    return re, im


@operation
def istft(
    x: Any,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    length: int | None = None,
    window: Any = "hann",
    center: bool = True,
) -> Any:
    """y_t = sum_f w[t - f stride] x_f[t - f stride] / sum_f w[t - f stride]^2, x_f the inverse
    transforms of the frames: the inverse of `stft` with the same arguments, as Keras's `ops.istft`.

    Of all signals y has the transform that is nearest to X, in the squares of the differences. A
    place over which no window lies is 0.

    Parameters
    ----------
    x : pair of tensors (..., frames, m)
        Real and imaginary part of X, of one shape; cut, or continued by zeros, to m = n // 2 + 1.
    sequence_length, sequence_stride, fft_length : int
        As in `stft`.
    length : int, optional
        Elements to cut the result to. Default: all.
    window : {"hann", "hamming"}, tensor (sequence_length,) or None
        As in `stft`. For None the result is n / stride times the signal, as in Keras: the sum of
        what lies over one another. Default "hann".
    center : bool
        Whether n // 2 elements are left out at both ends. Default True.

    Returns
    -------
    tensor (..., time)
        In the common float dtype; time = n + stride (frames - 1), without what is left out.

    Raises
    ------
    ValueError
        No pair; lengths and windows as in `stft`.
    ShapeError
        Parts of different shapes, of fewer than two axes, or of no frames.
    DTypeError
        `x` holds no numbers.

    References
    ----------
    Griffin & Lim (1984), "Signal estimation from modified short-time Fourier transform".

    Examples
    --------
    >>> x = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0])
    >>> istft(stft(x, 4, 2, 4), 4, 2, 4).round(6).tolist()
    [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
    """
    op = "istft"
    re, im = complex_pair(op, x, 2)
    long, stride, n = _lengths(op, sequence_length, sequence_stride, fft_length)
    if length is not None:
        check_length(op, "length", length)
    dtype = standardize_dtype(re.dtype)
    count = re.shape[-2]
    if count == 0:
        raise ShapeError(f"{op}: expected one frame or more, got shape {tuple(re.shape)}")
    weights = _window(op, window, long, n, dtype)
    frames = synthesised(fitted(re, n // 2 + 1), fitted(im, n // 2 + 1), n)
    if weights is None:
        squares = np.ones(n, dtype)
        frames = binary("mul", frames, as_dtype(n / stride, dtype))
    else:
        squares = binary("mul", weights, weights)
        frames = binary("mul", frames, weights)
    time = n + stride * (count - 1)
    attrs = {"stride": stride, "size": time}
    over = apply("broadcast_to", {"shape": [count, n]}, [squares])
    over = apply("overlap_add", attrs, [over])
    covered = binary("gt", over, as_dtype(_NOTHING, dtype))
    over = apply("select", {}, [covered, over, as_dtype(1.0, dtype)])
    y = binary("div", apply("overlap_add", attrs, [frames]), over)
    start = n // 2 if center else 0
    stop = time - start
    if length is not None:
        stop = at_most(start + length, time)
    return block(y, y.ndim - 1, start, at_least(stop, start))
