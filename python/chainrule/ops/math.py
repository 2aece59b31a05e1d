"""Segments, the k largest, error functions; and Fourier transforms, from their files."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.base.dtypes import standardize_dtype
from chainrule.base.errors import DTypeError, ShapeError
from chainrule.base.loading import take_elements
from chainrule.base.namespace import publish
from chainrule.base.sizes import may_be
from chainrule.ops._common import binary, root, unary
from chainrule.ops._sized import numbers
from chainrule.ops.elementwise import rsqrt
from chainrule.ops.fourier import fft, fft2, ifft2, irfft, rfft
from chainrule.ops.reductions import any as any_of
from chainrule.ops.reductions import logsumexp
from chainrule.ops.reductions import sum as sum_of
from chainrule.ops.shaping import _reshape
from chainrule.ops.signals import extract_sequences, istft, stft
from chainrule.ops.systems import slogdet
from chainrule.tracing.casting import as_dtype, as_float, as_tensor, is_traced, promote_float
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation
from chainrule.tracing.tensor import KerasTensor, shape_equal

__all__ = [
    "cdist", "erf", "erfc", "erfinv", "extract_sequences", "fft", "fft2", "ifft2", "in_top_k",
    "irfft", "istft", "logdet", "logsumexp", "rfft", "rsqrt", "segment_max", "segment_min",
    "segment_prod", "segment_sum", "stft", "top_k",
]  # fmt: skip


def _check_segments(data: Any, ids: Any) -> None:
    if ids.ndim > 1:
        raise ShapeError(
            "Argument `segment_ids` should be an 1-D vector, got shape: "
            f"{tuple(ids.shape)}. Flatten it and the leading axes of `data`."
        )
    if data.ndim < 1 or not shape_equal(ids.shape, data.shape[:1]):
        raise ShapeError(
            "Argument `segment_ids` and `data` should have same leading dimension. "
            f"Got {tuple(ids.shape)} v.s. {tuple(data.shape)}."
        )


def _segments(
    op: str, data: Any, segment_ids: Any, num_segments: int | None
) -> tuple[Any, Any, int]:
    data, ids = as_tensor(data), as_tensor(segment_ids)
    _check_segments(data, ids)
    if standardize_dtype(data.dtype) == "bool":
        raise DTypeError(f"{op}: expected `data` of numbers, got bool")
    if num_segments is None:
        if is_traced(ids):
            raise TypeError(f"{op}: expected `num_segments` while tracing, got None")
        num_segments = int(ids.max()) + 1 if ids.size else 0
    return data, as_dtype(ids, "int32"), int(num_segments)


def _segment_spec(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> KerasTensor:
    _check_segments(data, segment_ids)
    return KerasTensor((num_segments, *data.shape[1:]), data.dtype)


@operation(spec=_segment_spec)
def segment_sum(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Any:
    """out[s] = the sum of the rows whose segment is s, as `jax.ops.segment_sum`; 0 where there is
    none.

    Parameters
    ----------
    data : tensor (n, ...)
        Rows, numbers; no booleans.
    segment_ids : integer tensor (n,)
        The segment of each row; a row outside the segments counts nowhere.
    num_segments : int, optional
        How many; needed inside a trace. Default: the largest id + 1.
    sorted : bool
        Has no effect: the ids need no order. Default False.

    Returns
    -------
    tensor
        (num_segments, ...), in the dtype of `data`.

    Raises
    ------
    ShapeError
        Other than one id a row.
    TypeError
        No `num_segments` inside a trace.
    DTypeError
        `data` holds booleans, or an argument that holds no numbers.

    Examples
    --------
    >>> segment_sum([1.0, 2.0, 4.0], [0, 1, 0]).tolist()
    [5.0, 2.0]
    """
    data, ids, n = _segments("segment_sum", data, segment_ids, num_segments)
    inside = binary("logical_and", ids >= 0, ids < n)
    ids = apply("select", {}, [inside, ids, np.asarray(n, "int32")])
    out = apply("scatter_add", {"axis": 0, "size": n + 1}, [data, ids])
    attrs = {"start": [0] * out.ndim, "stop": [n, *out.shape[1:]], "step": [1] * out.ndim}
    return apply("slice", attrs, [out])


def _segment_reduce(function: str, start: float, data: Any, ids: Any, n: int | None) -> Any:
    data, ids, n = _segments(f"segment_{function}", data, ids, n)
    dtype = standardize_dtype(data.dtype)
    if not dtype.startswith(("float", "bfloat")):
        info = np.iinfo(dtype)
        start = {"max": info.min, "min": info.max, "prod": 1}[function]
    take_elements("segment reduction", n * data.shape[0])
    member = ids == numbers(n)[:, None]
    member = _reshape(member, [n, data.shape[0], *[1] * (data.ndim - 1)])
    rows = apply("select", {}, [member, data, as_dtype(start, dtype)])
    return apply("reduce", {"function": function, "axes": [1], "keepdims": False}, [rows])


@operation(spec=_segment_spec)
def segment_max(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Any:
    """out[s] = the largest of the rows whose segment is s, as `jax.ops.segment_max`.

    Where there is none, -inf, or the least integer of the dtype.

    Parameters
    ----------
    data : tensor (n, ...)
        Rows, numbers; no booleans.
    segment_ids : integer tensor (n,)
        The segment of each row; a row outside the segments counts nowhere.
    num_segments : int, optional
        How many; needed inside a trace. Default: the largest id + 1.
    sorted : bool
        Has no effect: the ids need no order. Default False.

    Returns
    -------
    tensor
        (num_segments, ...), in the dtype of `data`.

    Raises
    ------
    ShapeError
        Other than one id a row.
    TypeError
        No `num_segments` inside a trace.
    DTypeError
        `data` holds booleans, or an argument that holds no numbers.

    Examples
    --------
    >>> segment_max([1.0, 2.0, 4.0], [0, 1, 0]).tolist()
    [4.0, 2.0]
    """
    return _segment_reduce("max", -np.inf, data, segment_ids, num_segments)


@operation(spec=_segment_spec)
def segment_min(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Any:
    """out[s] = the smallest of the rows whose segment is s, as `jax.ops.segment_min`.

    Where there is none, inf, or the largest integer of the dtype.

    Parameters
    ----------
    data : tensor (n, ...)
        Rows, numbers; no booleans.
    segment_ids : integer tensor (n,)
        The segment of each row; a row outside the segments counts nowhere.
    num_segments : int, optional
        How many; needed inside a trace. Default: the largest id + 1.
    sorted : bool
        Has no effect: the ids need no order. Default False.

    Returns
    -------
    tensor
        (num_segments, ...), in the dtype of `data`.

    Raises
    ------
    ShapeError
        Other than one id a row.
    TypeError
        No `num_segments` inside a trace.
    DTypeError
        `data` holds booleans, or an argument that holds no numbers.

    Examples
    --------
    >>> segment_min([1.0, 2.0, 4.0], [0, 1, 0]).tolist()
    [1.0, 2.0]
    """
    return _segment_reduce("min", np.inf, data, segment_ids, num_segments)


@operation(spec=_segment_spec)
def segment_prod(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Any:
    """out[s] = the product of the rows whose segment is s, as `jax.ops.segment_prod`; 1 where there
    is none.

    Parameters
    ----------
    data : tensor (n, ...)
        Rows, numbers; no booleans.
    segment_ids : integer tensor (n,)
        The segment of each row; a row outside the segments counts nowhere.
    num_segments : int, optional
        How many; needed inside a trace. Default: the largest id + 1.
    sorted : bool
        Has no effect: the ids need no order. Default False.

    Returns
    -------
    tensor
        (num_segments, ...), in the dtype of `data`.

    Raises
    ------
    ShapeError
        Other than one id a row.
    TypeError
        No `num_segments` inside a trace.
    DTypeError
        `data` holds booleans, or an argument that holds no numbers.

    Examples
    --------
    >>> segment_prod([1.0, 2.0, 4.0], [0, 1, 0]).tolist()
    [4.0, 2.0]
    """
    return _segment_reduce("prod", 1.0, data, segment_ids, num_segments)


@operation
def top_k(x: Any, k: int, sorted: bool = True) -> Any:
    """The k largest elements along the last axis, largest first, and their indices; as
    `jax.lax.top_k`.

    Of equal elements the first comes first, and NaN counts as the largest.

    Parameters
    ----------
    x : tensor (..., n)
        Numbers or booleans.
    k : int
        From 0 to n.
    sorted : bool
        Has no effect: the elements are always sorted. Default True.

    Returns
    -------
    tuple of tensors
        (..., k) in the dtype of x, and (..., k) int32.

    Raises
    ------
    ShapeError
        k above the size of the axis, or a scalar.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> [part.tolist() for part in top_k([1, 5, 3], 2)]
    [[5, 3], [1, 2]]
    """
    x = as_tensor(x)
    if x.ndim == 0 or not 0 <= int(k) <= x.shape[-1]:
        raise ShapeError(
            "top_k: expected 0 <= k <= the size of the last axis, "
            f"got k={k} for shape {tuple(x.shape)}"
        )
    dtype = standardize_dtype(x.dtype)
    source = as_dtype(x, "uint8") if dtype == "bool" else x
    values, indices = apply("top_k", {"k": int(k)}, [source], outputs=2)
    return as_dtype(values, dtype), indices


@operation
def in_top_k(targets: Any, predictions: Any, k: int) -> Any:
    """Whether the score of each target class is among the k largest of its row; as TensorFlow's
    `tf.math.in_top_k`.

    Ties with the k-th score count as inside; a target outside the classes, or a score that is not
    finite, as outside.

    Parameters
    ----------
    targets : integer tensor (n,)
        The class of each row.
    predictions : tensor (n, classes)
        Scores; integers are cast to `floatx()`.
    k : int
        From 1 up.

    Returns
    -------
    bool tensor
        (n,).

    Raises
    ------
    ShapeError
        Targets or predictions of another shape.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> in_top_k([2, 0], [[0.1, 0.2, 0.7], [0.1, 0.2, 0.7]], 1).tolist()
    [True, False]
    """
    targets, scores = as_dtype(targets, "int32"), as_float(predictions)
    if scores.ndim != 2 or not shape_equal(targets.shape, scores.shape[:1]):
        raise ShapeError(
            "in_top_k: expected targets (n,) and predictions (n, classes), got shapes "
            f"{tuple(targets.shape)} and {tuple(scores.shape)}"
        )
    classes = scores.shape[1]
    column = _reshape(targets, [targets.shape[0], 1])
    inside = binary("logical_and", column >= 0, column < classes)
    safe = apply("select", {}, [inside, column, np.asarray(0, "int32")])
    own = apply("gather_along", {"axis": 1}, [scores, safe])
    larger = sum_of(as_dtype(binary("gt", scores, own), "int32"), axis=1, keepdims=True)
    good = binary("logical_and", inside, unary("is_finite", own))
    return any_of(binary("logical_and", good, larger < int(k)), axis=1)


@operation
def erf(x: Any) -> Any:
    """2/sqrt(pi) times the integral of exp(-t^2) from 0 to x, as SciPy's `scipy.special.erf`.

    Derivative 2/sqrt(pi) exp(-x^2).

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> f"{float(erf(1.0)):.4f}"
    '0.8427'
    """
    return unary("erf", as_float(x))


@operation
def erfc(x: Any) -> Any:
    """1 - erf(x), as SciPy's `scipy.special.erfc`; but computed so, with no more digits for large
    x.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> f"{float(erfc(1.0)):.4f}"
    '0.1573'
    """
    x = as_float(x)
    return binary("sub", as_dtype(1.0, standardize_dtype(x.dtype)), unary("erf", x))


@operation
def erfinv(x: Any) -> Any:
    """The inverse of erf on (-1, 1), as SciPy's `scipy.special.erfinv`; NaN beyond.

    Derivative sqrt(pi)/2 exp(erfinv(x)^2).

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> f"{float(erfinv(0.5)):.4f}"
    '0.4769'
    """
    return unary("erfinv", as_float(x))


@operation
def cdist(x: Any, y: Any) -> Any:
    """The Euclidean distances between the rows of x and those of y, as PyTorch's `torch.cdist`.

    At distance 0 the derivative is 0.

    Parameters
    ----------
    x, y : tensor
        (..., m, d) and (..., n, d), whose leading axes broadcast; integers become floats.

    Returns
    -------
    tensor
        (..., m, n), in the common float dtype.

    Raises
    ------
    ShapeError
        Fewer than 2 axes, rows of different lengths, or leading axes that do not broadcast.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> cdist([[0.0, 0.0]], [[3.0, 4.0]]).tolist()
    [[5.0]]
    """
    x, y = promote_float(as_tensor(x), as_tensor(y))
    if x.ndim < 2 or y.ndim < 2:
        raise ShapeError(
            "Inputs to `cdist` must have rank >= 2. Received shapes: "
            f"x.shape={tuple(x.shape)}, y.shape={tuple(y.shape)}"
        )
    if not may_be(x.shape[-1], y.shape[-1]):
        raise ShapeError(
            "The last dimension of inputs to `cdist` must match. Received shapes: "
            f"x.shape={tuple(x.shape)}, y.shape={tuple(y.shape)}"
        )
    rows = _reshape(x, [*x.shape[:-1], 1, x.shape[-1]])
    columns = _reshape(y, [*y.shape[:-2], 1, *y.shape[-2:]])
    total = sum_of(unary("square", binary("sub", rows, columns)), axis=-1)
    return root(total)


@operation
def logdet(x: Any) -> Any:
    """ln |det(x)| of square matrices, as NumPy's `np.linalg.slogdet` without the sign.

    Parameters
    ----------
    x : tensor (..., n, n)
        Integers are cast to `floatx()`.

    Returns
    -------
    tensor
        (...), in the float dtype of x; -inf for singular matrices, for which the gradient is a
        DataError.

    Raises
    ------
    ShapeError
        `x` is not square, or has fewer than 2 axes.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> logdet([[1.0, 0.0], [0.0, 1.0]]).item()
    0.0
    """
    return slogdet(x)[1]


publish(globals())
