"""Evenly spaced numbers, grids of coordinates and window functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.base.config import floatx
from chainrule.base.dtypes import is_float_dtype, result_type, standardize_dtype
from chainrule.base.loading import take_elements
from chainrule.ops._common import as_dtype, as_tensor, binary, promote_float
from chainrule.tracing.dispatch import apply, operation, storage_dtype

__all__ = [
    "bartlett", "blackman", "geomspace", "hamming", "hanning", "kaiser", "linspace", "logspace",
    "meshgrid", "vander",
]  # fmt: skip


@operation
def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """`num` numbers at equal distances from `start` to `stop`; with `retstep` also the distance.

    Examples
    --------
    >>> linspace(0.0, 1.0, 5).tolist()
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    start, stop = promote_float(start, stop)
    take_elements("linspace", num * math.prod(start.shape) * math.prod(stop.shape))
    compute = standardize_dtype(start.dtype)
    gaps = max(num - 1 if endpoint else num, 1)
    step = binary("div", binary("sub", stop, start), as_dtype(float(gaps), compute))
    fraction = np.arange(num).astype(storage_dtype(compute)) / storage_dtype(compute).type(gaps)
    result = _between(start, stop, fraction, axis)
    if dtype is not None:
        name = standardize_dtype(dtype)
        if not is_float_dtype(name):
            result = apply("unary", {"function": "floor"}, [result])
        result = as_dtype(result, name)
    return (result, step) if retstep else result


def _between(start: Any, stop: Any, fraction: Any, axis: int) -> Any:
    from chainrule.ops.shaping import moveaxis

    rank = max(start.ndim, stop.ndim)
    weights = fraction.reshape((-1,) + (1,) * rank)
    rest = (1.0 - weights).astype(weights.dtype)
    result = binary("add", binary("mul", start, rest), binary("mul", stop, weights))
    return moveaxis(result, 0, axis) if rank and axis else result


@operation
def logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: float = 10,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """base^y for the numbers y of `linspace`.

    Examples
    --------
    >>> logspace(0.0, 2.0, 3).tolist()
    [1.0, 10.0, 100.0]
    """
    exponents = linspace(start, stop, num, endpoint, axis=axis)
    result = binary("pow", as_dtype(base, standardize_dtype(exponents.dtype)), exponents)
    return result if dtype is None else as_dtype(result, standardize_dtype(dtype))


@operation
def geomspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Any:
    """`num` numbers at equal ratios from `start` to `stop`.

    Examples
    --------
    >>> [round(v, 4) for v in geomspace(1.0, 8.0, 4).tolist()]
    [1.0, 2.0, 4.0, 8.0]
    """
    start, stop = promote_float(start, stop)
    name = standardize_dtype(start.dtype)
    sign = apply("unary", {"function": "sign"}, [start])
    logs = [apply("unary", {"function": "log"}, [binary("mul", x, sign)]) for x in (start, stop)]
    exponents = linspace(logs[0], logs[1], num, endpoint, axis=axis)
    power = apply("unary", {"function": "exp"}, [exponents])
    if sign.ndim:
        from chainrule.ops.shaping import expand_dims

        sign = expand_dims(sign, axis)
    return as_dtype(binary("mul", power, sign), name if dtype is None else standardize_dtype(dtype))


@operation
def meshgrid(*x: Any, indexing: str = "xy") -> list[Any]:
    """Coordinate tensors of the grid spanned by 1-D tensors.

    Raises
    ------
    ValueError
        `indexing` neither "xy" nor "ij".

    Examples
    --------
    >>> [g.tolist() for g in meshgrid([1, 2], [3, 4])]
    [[[1, 2], [1, 2]], [[3, 3], [4, 4]]]
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(
            f"Valid values for `indexing` are 'xy' and 'ij', but received {indexing}."
        )
    flat = [as_tensor(t) for t in x]
    flat = [apply("reshape", {"shape": [math.prod(t.shape)]}, [t]) for t in flat]
    order = list(range(len(flat)))
    if indexing == "xy" and len(flat) > 1:
        order[:2] = [1, 0]
    shape = [0] * len(flat)
    for t, place in zip(flat, order):
        shape[place] = t.shape[0]
    grids = []
    for t, place in zip(flat, order):
        row = [t.shape[0] if i == place else 1 for i in range(len(flat))]
        row_tensor = apply("reshape", {"shape": row}, [t])
        grids.append(apply("broadcast_to", {"shape": shape}, [row_tensor]))
    return grids


@operation
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """Powers of a 1-D tensor as columns, from the highest unless `increasing`.

    Examples
    --------
    >>> vander([2, 3], 3).tolist()
    [[4, 2, 1], [9, 3, 1]]
    """
    x = as_tensor(x)
    if x.ndim != 1:
        raise ValueError(f"Input tensor must be 1-D. Received: input.shape={tuple(x.shape)}")
    dtype = standardize_dtype(x.dtype)
    compute = result_type(dtype, floatx())
    count = x.shape[0] if N is None else N
    take_elements("vander", count * x.shape[0])
    exponents = np.arange(count) if increasing else np.arange(count)[::-1]
    column = apply("reshape", {"shape": [x.shape[0], 1]}, [as_dtype(x, compute)])
    return as_dtype(binary("pow", column, exponents.astype(storage_dtype(compute))), dtype)


def _window(function: Any, x: Any, *parameters: float) -> Any:
    return function(int(np.asarray(x).item()), *parameters).astype(floatx())


def bartlett(x: Any) -> Any:
    """The triangular window of x points.

    Examples
    --------
    >>> bartlett(3).tolist()
    [0.0, 1.0, 0.0]
    """
    return _window(np.bartlett, x)


def blackman(x: Any) -> Any:
    """The Blackman window of x points.

    Examples
    --------
    >>> blackman(1).tolist()
    [1.0]
    """
    return _window(np.blackman, x)


def hamming(x: Any) -> Any:
    """The Hamming window of x points.

    Examples
    --------
    >>> hamming(1).tolist()
    [1.0]
    """
    return _window(np.hamming, x)


def hanning(x: Any) -> Any:
    """The Hann window of x points.

    Examples
    --------
    >>> hanning(3).tolist()
    [0.0, 1.0, 0.0]
    """
    return _window(np.hanning, x)


def kaiser(x: Any, beta: float) -> Any:
    """The Kaiser window of x points.

    Examples
    --------
    >>> kaiser(1, 14.0).tolist()
    [1.0]
    """
    return _window(np.kaiser, x, float(beta))
