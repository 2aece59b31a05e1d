"""Normalisations of activations, and the moments they use."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from chainrule.base.config import epsilon as default_epsilon
from chainrule.base.dtypes import result_type, standardize_dtype
from chainrule.base.errors import ShapeError
from chainrule.ops import reductions
from chainrule.ops._common import binary, normalize_axes, normalize_axis, unary
from chainrule.ops.norms import norm
from chainrule.ops.shaping import _reshape
from chainrule.tracing.casting import as_dtype, as_float, promote
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation
from chainrule.tracing.tensor import shape_equal

__all__ = [
    "batch_normalization", "layer_normalization", "moments", "normalize", "psnr",
    "rms_normalization",
]  # fmt: skip


@operation
def moments(x: Any, axes: Any, keepdims: bool = False, synchronized: bool = False) -> Any:
    """The mean and the biased variance over axes, as TensorFlow's `tf.nn.moments`.

    Parameters
    ----------
    x : tensor
        Of any shape; integers are cast to `floatx()`. Half-width floats are summed in float32.
    axes : int, ints or None
        The axes that go away; None is all.
    keepdims : bool
        Whether they stay with size 1. Default False.
    synchronized : bool
        Only False: there is one device. Default False.

    Returns
    -------
    tuple of tensors
        The shape of x without the reduced axes, in its float dtype; float16 is cut to its range.

    Raises
    ------
    ShapeError
        An axis that `x` does not have, or one named twice.
    NotImplementedError
        `synchronized`.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> [m.item() for m in moments([1.0, 3.0], 0)]
    [2.0, 1.0]
    """
    if synchronized:
        raise NotImplementedError("moments: there is one device, `synchronized` must be False")
    x = as_float(x)
    name = standardize_dtype(x.dtype)
    compute = as_dtype(x, result_type(name, "float32"))
    mean = reductions.mean(compute, axes, keepdims)
    variance = reductions.var(compute, axes, keepdims)
    if name != "float16":
        return as_dtype(mean, name), as_dtype(variance, name)
    limit = float(np.finfo(name).max)
    clipped = [
        binary("minimum", binary("maximum", m, _like(m, -limit)), _like(m, limit))
        for m in (mean, variance)
    ]
    return as_dtype(clipped[0], name), as_dtype(clipped[1], name)


def _like(x: Any, value: float) -> Any:
    return as_dtype(value, standardize_dtype(x.dtype))


@operation
def batch_normalization(
    x: Any,
    mean: Any,
    variance: Any,
    axis: int,
    offset: Any = None,
    scale: Any = None,
    epsilon: float = 1e-3,
) -> Any:
    """(x - mean)/sqrt(variance + epsilon) scale + offset, all vectors along `axis`.

    Parameters
    ----------
    x : tensor
        Of one axis or more, n elements along `axis`; integers are cast to `floatx()`.
    mean, variance : tensor (n,)
        Cast to the dtype of x.
    axis : int
        Of the features.
    offset : tensor (n,), optional
        Default: 0.
    scale : tensor (n,), optional
        Default: 1.
    epsilon : float
        Added to the variance. Default 0.001.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    ShapeError
        A vector whose length is not the size of `axis`, or an axis that `x` does not have.
    DTypeError
        An argument that holds no numbers.

    References
    ----------
    Ioffe and Szegedy, Batch Normalization: Accelerating Deep Network Training by Reducing Internal
    Covariate Shift, 2015.

    Examples
    --------
    >>> batch_normalization([[3.0]], [1.0], [4.0], -1, epsilon=0.0).tolist()
    [[1.0]]
    """
    x = as_float(x)
    axis = normalize_axis(axis, x.ndim, "batch_normalization")
    size = x.shape[axis]
    given = {"mean": mean, "variance": variance, "offset": offset, "scale": scale}
    vectors: dict[str, Any] = {}
    for name, vector in given.items():
        if vector is None:
            continue
        vector = as_dtype(vector, standardize_dtype(x.dtype))
        if not shape_equal(vector.shape, (size,)):
            raise ShapeError(
                f"`{name}` must be a vector of length `x.shape[axis]`. "
                f"Expected: ({size},). Received: {tuple(vector.shape)}"
            )
        shape = [size if i == axis else 1 for i in range(x.ndim)]
        vectors[name] = _reshape(vector, shape)
    inverse = unary("rsqrt", binary("add", vectors["variance"], _like(x, epsilon)))
    if scale is not None:
        inverse = binary("mul", inverse, vectors["scale"])
    shift = unary("neg", binary("mul", vectors["mean"], inverse))
    if offset is not None:
        shift = binary("add", shift, vectors["offset"])
    return binary("add", binary("mul", x, inverse), shift)


@operation
def layer_normalization(
    x: Any,
    gamma: Any = None,
    beta: Any = None,
    axis: Any = -1,
    epsilon: float | None = None,
    rms_scaling: bool = False,
) -> Any:
    """(x - mean)/sqrt(variance + epsilon) gamma + beta, with statistics over `axis`.

    With `rms_scaling`: x/sqrt(variance + epsilon) gamma. Half-width floats are computed in float32.

    Parameters
    ----------
    x : tensor
        Of one axis or more; integers are cast to `floatx()`.
    gamma, beta : tensor, optional
        Of the shape of the normalised axes, a scalar, or of a shape that broadcasts to x. Default:
        1 and 0, else None.
    axis : int or ints
        The normalised axes. Default -1.
    epsilon : float, optional
        Added to the variance. Default: `config.epsilon()`.
    rms_scaling : bool
        Deprecated, with a warning: neither mean nor beta. Default False.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    ShapeError
        gamma or beta of another shape, or an axis that `x` does not have.
    DTypeError
        An argument that holds no numbers.

    References
    ----------
    Ba, Kiros and Hinton, Layer Normalization, 2016.

    Examples
    --------
    >>> layer_normalization([1.0, 3.0], epsilon=0.0).tolist()
    [-1.0, 1.0]
    """
    if rms_scaling:
        warnings.warn(
            "You passed `rms_scaling=True`, which is deprecated: it scales by the variance, not "
            "by the root mean square. Use `ops.rms_normalization` instead.",
            stacklevel=3,
        )
    x = as_float(x)
    name = standardize_dtype(x.dtype)
    x = as_dtype(x, result_type(name, "float32"))
    compute = standardize_dtype(x.dtype)
    axes = normalize_axes(axis, x.ndim, "layer_normalization")
    inner = [x.shape[a] for a in axes]
    eps = default_epsilon() if epsilon is None else float(epsilon)
    gamma, beta = (
        None if v is None else _fitted(as_dtype(v, compute), inner, x.ndim) for v in (gamma, beta)
    )
    trailing = axes == list(range(x.ndim - len(axes), x.ndim))
    full = all(v is None or list(v.shape) == inner for v in (gamma, beta))
    if trailing and full and not rms_scaling:
        gamma = np.ones(inner, compute) if gamma is None else gamma
        beta = np.zeros(inner, compute) if beta is None else beta
        attrs = {"epsilon": eps, "axes": axes}
        return as_dtype(apply("layer_norm", attrs, [x, gamma, beta]), name)
    wide = [n if i in axes else 1 for i, n in enumerate(x.shape)]
    gamma, beta = (
        _reshape(v, wide) if v is not None and list(v.shape) == inner else v for v in (gamma, beta)
    )
    spread = reductions.var(x, axes, keepdims=True)
    inverse = unary("rsqrt", binary("add", spread, _like(x, eps)))
    centred = x if rms_scaling else binary("sub", x, reductions.mean(x, axes, keepdims=True))
    out = binary("mul", centred, inverse)
    out = out if gamma is None else binary("mul", out, gamma)
    out = out if beta is None or rms_scaling else binary("add", out, beta)
    return as_dtype(out, name)


def _fitted(v: Any, inner: list[int], ndim: int) -> Any:
    """A weight of `layer_normalization`, of the normalised shape or one that broadcasts to x."""
    if list(v.shape) == inner or v.ndim == ndim:
        return v
    if v.ndim <= 1 and math.prod(v.shape) == 1:
        return apply("broadcast_to", {"shape": inner}, [_reshape(v, [1] * len(inner))])
    raise ShapeError(
        f"layer_normalization: expected gamma and beta of shape {tuple(inner)}, "
        f"got {tuple(v.shape)}"
    )


@operation
def rms_normalization(
    x: Any, scale: Any = None, axis: Any = -1, epsilon: float | None = None
) -> Any:
    """x/sqrt(mean(x^2) + epsilon) scale, with the mean over `axis`.

    Half-width floats are computed in float32.

    Parameters
    ----------
    x : tensor
        Of any shape; a scalar becomes (1,), integers are cast to `floatx()`.
    scale : tensor, optional
        Of a shape that broadcasts with that of x. Default: 1.
    axis : int or ints
        Along which the mean is taken. Default -1.
    epsilon : float, optional
        Added to the mean square. Default: `config.epsilon()`.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    ShapeError
        A scale that does not broadcast, or an axis that `x` does not have.
    DTypeError
        An argument that holds no numbers.

    References
    ----------
    Zhang and Sennrich, Root Mean Square Layer Normalization, 2019.

    Examples
    --------
    >>> rms_normalization([3.0, 3.0], epsilon=0.0).tolist()
    [1.0, 1.0]
    """
    x = as_float(x)
    name = standardize_dtype(x.dtype)
    x = as_dtype(x, result_type(name, "float32"))
    x = _reshape(x, [1]) if x.ndim == 0 else x
    axes = normalize_axes(axis, x.ndim, "rms_normalization")
    mean = reductions.mean(unary("square", x), axes, keepdims=True)
    eps = default_epsilon() if epsilon is None else epsilon
    out = binary("mul", x, unary("rsqrt", binary("add", mean, _like(x, eps))))
    if scale is not None:
        out = binary("mul", out, as_dtype(scale, standardize_dtype(x.dtype)))
    return as_dtype(out, name)


@operation
def normalize(x: Any, axis: Any = -1, order: int = 2, epsilon: float | None = None) -> Any:
    """x divided by its norm of the given order over `axis`, at least epsilon; as Keras's
    `ops.normalize`.

    Parameters
    ----------
    x : tensor
        Of any shape; a scalar becomes (1,), integers are cast to `floatx()`.
    axis : int, ints or None
        Along which the norm is taken; None is all axes. Default -1.
    order : int
        p of the norm (sum |x|^p)^(1/p), from 1 up. Default 2.
    epsilon : float, optional
        The least divisor. Default: `config.epsilon()`.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    ValueError
        An order that is no integer from 1 up, or more than two axes for an order other than 2.
    ShapeError
        An axis that `x` does not have.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> [round(v, 4) for v in normalize([3.0, 4.0]).tolist()]
    [0.6, 0.8]
    """
    if not isinstance(order, int) or order < 1:
        raise ValueError(f"Argument `order` must be an int >= 1. Received: order={order}")
    x = as_float(x)
    x = _reshape(x, [1]) if x.ndim == 0 else x
    axes = normalize_axes(axis, x.ndim, "normalize")
    eps = default_epsilon() if epsilon is None else epsilon
    if order == 2:
        total = reductions.sum(unary("square", x), axes, keepdims=True)
        # Below epsilon the norm counts as epsilon, and its derivative, infinite at 0, for nothing.
        least = _like(x, 1.0 / eps)
        short = binary("gt", unary("rsqrt", total), least)
        safe = apply("select", {}, [short, _like(x, 1.0), total])
        return binary("mul", x, apply("select", {}, [short, least, unary("rsqrt", safe)]))
    size = norm(x, ord=order, axis=tuple(axes), keepdims=True)
    return binary("div", x, binary("maximum", size, _like(x, eps)))


@operation
def psnr(x1: Any, x2: Any, max_val: float) -> Any:
    """The peak signal-to-noise ratio 10 log10(max_val^2/mean((x1 - x2)^2)), in decibels; as Keras's
    `ops.psnr`.

    The mean is over all elements; equal tensors give infinity.

    Parameters
    ----------
    x1, x2 : tensor
        Of one shape; integers are cast to `floatx()`.
    max_val : float
        The largest possible value, such as 1 or 255; above 0.

    Returns
    -------
    tensor
        A scalar in the common float dtype.

    Raises
    ------
    ShapeError
        Shapes that differ.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> f"{float(psnr([0.0], [0.1], 1.0)):.2f}"
    '20.00'
    """
    x1, x2 = promote(as_float(x1), as_float(x2))
    if not shape_equal(x1.shape, x2.shape):
        raise ShapeError(
            f"Input shapes {tuple(x1.shape)} and {tuple(x2.shape)} must match for PSNR calculation."
        )
    error = reductions.mean(unary("square", binary("sub", x2, x1)))
    scale = _like(error, 10.0 / math.log(10.0))
    peak = _like(error, 20.0 * math.log10(max_val))
    return binary("sub", peak, binary("mul", unary("log", error), scale))
