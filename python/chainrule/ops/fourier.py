"""Fourier transforms. Complex numbers are pairs of tensors, their real and imaginary parts."""

from __future__ import annotations

from typing import Any

from chainrule.base.errors import ShapeError
from chainrule.base.sizes import Size, may_be
from chainrule.ops._common import block
from chainrule.ops.arranging import pad
from chainrule.ops.shaping import swapaxes
from chainrule.tracing.casting import as_float, promote_float
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation

__all__ = ["fft", "fft2", "ifft2", "irfft", "rfft"]


def complex_pair(op: str, x: Any, rank: int = 1) -> tuple[Any, Any]:
    """Real and imaginary part, in one float dtype.

    Raises
    ------
    ValueError
        No pair.
    ShapeError
        Parts of different shapes, or of too few axes.
    """
    if not isinstance(x, (tuple, list)) or len(x) != 2:
        raise ValueError(
            f"{op}: Input `x` should be a tuple of two tensors - real and imaginary. "
            f"Received: {x if isinstance(x, (tuple, list)) else type(x).__name__}"
        )
    re, im = promote_float(*x)
    if re.ndim != im.ndim or not all(may_be(a, b) for a, b in zip(re.shape, im.shape)):
        raise ShapeError(
            f"{op}: Input `x` should be a tuple of two tensors - real and imaginary. Both the real "
            "and imaginary parts should have the same shape. Received: "
            f"x[0].shape = {tuple(re.shape)}, x[1].shape = {tuple(im.shape)}"
        )
    _check_rank(op, re, rank)
    return re, im


def _check_rank(op: str, x: Any, rank: int) -> None:
    if x.ndim < rank:
        raise ShapeError(
            f"{op}: Input should have rank >= {rank}. Received: input.shape = {tuple(x.shape)}"
        )


def check_length(op: str, name: str, n: Any) -> int:
    """A length as an int of 1 or more.

    Raises
    ------
    ValueError
        Another number, or none.
    """
    if isinstance(n, bool) or not hasattr(n, "__index__") or int(n) < 1:
        raise ValueError(f"{op}: `{name}` must be a positive integer. Received: {name}={n!r}")
    return int(n)


def fitted(x: Any, n: int) -> Any:
    """x with its last axis cut, or continued by zeros, to n elements."""
    now = x.shape[-1]
    if now == n:
        return x
    if isinstance(now, Size) or now < n:
        # With n more, a size that is not known is large enough.
        more = n if isinstance(now, Size) else n - now
        x = pad(x, [(0, 0)] * (x.ndim - 1) + [(0, more)])
    return x if x.shape[-1] == n else block(x, x.ndim - 1, 0, n)


@operation
def fft(x: Any) -> Any:
    """X_k = sum_t x_t exp(-2 pi i k t / n) along the last axis, as `jax.numpy.fft.fft`.

    Parameters
    ----------
    x : pair of tensors (..., n)
        Real and imaginary part, of one shape; integers are cast to `floatx()`. Any n from 1 up; a
        large prime factor takes a few times as long.

    Returns
    -------
    pair of tensors (..., n)
        Real and imaginary part of X, in the common float dtype.

    Raises
    ------
    ValueError
        No pair.
    ShapeError
        Parts of different shapes, no axis, or an empty last one.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> re, im = fft(([1.0, 2.0], [0.0, 1.0]))
    >>> re.tolist(), im.tolist()
    ([3.0, -1.0], [1.0, -1.0])
    """
    return _transformed(*complex_pair("fft", x), False)


def _transformed(re: Any, im: Any, inverse: bool) -> tuple[Any, Any]:
    re, im = apply("fft", {"inverse": inverse, "mean": inverse}, [re, im], outputs=2)
    return re, im


def _twice(op: str, x: Any, inverse: bool) -> tuple[Any, Any]:
    """The last axis, then the one before it."""
    re, im = _transformed(*complex_pair(op, x, 2), inverse)
    re, im = _transformed(swapaxes(re, -1, -2), swapaxes(im, -1, -2), inverse)
    return swapaxes(re, -1, -2), swapaxes(im, -1, -2)


@operation
def fft2(x: Any) -> Any:
    """X_kl = sum_st x_st exp(-2 pi i (k s / m + l t / n)) over the last two axes, as
    `jax.numpy.fft.fft2`.

    Parameters
    ----------
    x : pair of tensors (..., m, n)
        Real and imaginary part, of one shape; integers are cast to `floatx()`.

    Returns
    -------
    pair of tensors (..., m, n)
        Real and imaginary part of X, in the common float dtype.

    Raises
    ------
    ValueError
        No pair.
    ShapeError
        Parts of different shapes, fewer than two axes, or an empty one of the last two.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> re, im = fft2(([[1.0, 2.0], [2.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]))
    >>> re.tolist(), im.tolist()
    ([[6.0, 0.0], [0.0, -2.0]], [[2.0, 0.0], [0.0, -2.0]])
    """
    return _twice("fft2", x, False)


@operation
def ifft2(x: Any) -> Any:
    """x_st = sum_kl X_kl exp(2 pi i (k s / m + l t / n)) / (m n) over the last two axes, as
    `jax.numpy.fft.ifft2`: the inverse of `fft2`.

    Parameters
    ----------
    x : pair of tensors (..., m, n)
        Real and imaginary part, of one shape; integers are cast to `floatx()`.

    Returns
    -------
    pair of tensors (..., m, n)
        Real and imaginary part, in the common float dtype.

    Raises
    ------
    ValueError
        No pair.
    ShapeError
        Parts of different shapes, fewer than two axes, or an empty one of the last two.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> re, im = ifft2(fft2(([[1.0, 2.0], [2.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]])))
    >>> re.tolist(), im.tolist()
    ([[1.0, 2.0], [2.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]])
    """
    return _twice("ifft2", x, True)


@operation
def rfft(x: Any, fft_length: int | None = None) -> Any:
    """X_k = sum_t x_t exp(-2 pi i k t / n), k from 0 to n // 2, of real x along the last axis, as
    `jax.numpy.fft.rfft`; the other X are conjugates of these.

    Parameters
    ----------
    x : tensor (..., m)
        Integers are cast to `floatx()`.
    fft_length : int, optional
        n: x is cut, or continued by zeros, to it. Default: m.

    Returns
    -------
    pair of tensors (..., n // 2 + 1)
        Real and imaginary part, in the float dtype of x. The imaginary parts of X_0, and of X_{n/2}
        for an even n, are 0.

    Raises
    ------
    ValueError
        A `fft_length` that is no positive integer.
    ShapeError
        `x` of no axis, or nothing to transform.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> re, im = rfft([0.0, 1.0, 2.0, 3.0])
    >>> re.tolist(), im.tolist()
    ([6.0, -2.0, -2.0], [0.0, 2.0, 0.0])
    """
    x = as_float(x)
    _check_rank("rfft", x, 1)
    if fft_length is not None:
        x = fitted(x, check_length("rfft", "fft_length", fft_length))
    re, im = apply("rfft", {"both": False, "mean": False}, [x], outputs=2)
    return re, im


@operation
def irfft(x: Any, fft_length: int | None = None) -> Any:
    """x_t = sum_k X_k exp(2 pi i k t / n) / n, of the X_k from 0 to n // 2 and their conjugates, as
    `jax.numpy.fft.irfft`: the inverse of `rfft`.

    Parameters
    ----------
    x : pair of tensors (..., m)
        Real and imaginary part, of one shape; integers are cast to `floatx()`. Cut, or continued by
        zeros, to m = n // 2 + 1. The imaginary parts of X_0, and of X_{n/2} for an even n, have no
        part in the result.
    fft_length : int, optional
        n. Default: 2 (m - 1).

    Returns
    -------
    tensor (..., n)
        In the common float dtype.

    Raises
    ------
    ValueError
        No pair; a `fft_length` that is no positive integer.
    ShapeError
        Parts of different shapes, of no axis, or too short.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> irfft(rfft([0.0, 1.0, 2.0, 3.0, 4.0]), 5).round(6).tolist()
    [0.0, 1.0, 2.0, 3.0, 4.0]
    """
    re, im = complex_pair("irfft", x)
    if fft_length is not None:
        n = check_length("irfft", "fft_length", fft_length)
        return synthesised(fitted(re, n // 2 + 1), fitted(im, n // 2 + 1), n)
    n = 2 * (re.shape[-1] - 1)
    if not isinstance(n, Size) and n < 1:
        raise ShapeError(
            "irfft: expected a last axis of 2 elements or more, or a `fft_length`. Received: "
            f"x[0].shape = {tuple(re.shape)}"
        )
    return synthesised(re, im, n)


def synthesised(re: Any, im: Any, n: Any) -> Any:
    """The n numbers of which so many X tell all."""
    return apply("irfft", {"length": n, "both": True, "mean": True}, [re, im])
