"""Evenly spaced numbers, grids of coordinates and window functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.base.config import floatx
from chainrule.base.dtypes import is_float_dtype, result_type, standardize_dtype
from chainrule.base.errors import DataError
from chainrule.base.loading import take_elements
from chainrule.base.sizes import Size
from chainrule.ops._common import binary
from chainrule.ops._sized import numbers
from chainrule.ops.shaping import expand_dims, moveaxis
from chainrule.tracing.arrays import storage_dtype
from chainrule.tracing.casting import as_dtype, as_tensor, is_traced, promote_float
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation

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
    """start + i (stop - start)/(num - 1): numbers at equal distances, as NumPy's `np.linspace`.

    Parameters
    ----------
    start, stop : tensor
        Both ends, of shapes that broadcast; integers become floats.
    num : int
        How many. Default 50.
    endpoint : bool
        Whether the last is `stop`; else the distance is (stop - start)/num. Default True.
    retstep : bool
        Whether to give the distance too. Default False.
    dtype : str, optional
        Of the result; integers are rounded down. Default: the common float dtype.
    axis : int
        Where the numbers stand in the result. Default 0.

    Returns
    -------
    tensor or tuple of tensors
        The broadcast shape with `num` at `axis`, in that dtype; with `retstep` also the distances,
        of the broadcast shape.

    Raises
    ------
    ShapeError
        Shapes that do not broadcast, or an axis that is not there.
    ValueError
        An unknown dtype.
    DTypeError
        An argument that holds no numbers.

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
    """base^y for the numbers y of `linspace`, as NumPy's `np.logspace`.

    Parameters
    ----------
    start, stop : tensor
        The exponents at both ends, of shapes that broadcast; integers become floats.
    num : int
        How many. Default 50.
    endpoint : bool
        Whether the last exponent is `stop`. Default True.
    base : float
        Above 0. Default 10.
    dtype : str, optional
        Of the result. Default: the common float dtype.
    axis : int
        Where the numbers stand in the result. Default 0.

    Returns
    -------
    tensor
        The broadcast shape with `num` at `axis`, in that dtype.

    Raises
    ------
    ShapeError
        Shapes that do not broadcast, or an axis that is not there.
    ValueError
        An unknown dtype.
    DTypeError
        An argument that holds no numbers.

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
    """start (stop/start)^(i/(num - 1)): numbers at equal ratios, as NumPy's `np.geomspace`.

    Parameters
    ----------
    start, stop : tensor
        Both ends, of one sign and not 0 (else NaN while tracing), of shapes that broadcast;
        integers become floats.
    num : int
        How many. Default 50.
    endpoint : bool
        Whether the last is `stop`. Default True.
    dtype : str, optional
        Of the result. Default: the common float dtype.
    axis : int
        Where the numbers stand in the result. Default 0.

    Returns
    -------
    tensor
        The broadcast shape with `num` at `axis`, in that dtype.

    Raises
    ------
    ShapeError
        Shapes that do not broadcast, or an axis that is not there.
    ValueError
        An unknown dtype.
    DataError
        An end that is 0, or ends of different signs.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> [round(v, 4) for v in geomspace(1.0, 8.0, 4).tolist()]
    [1.0, 2.0, 4.0, 8.0]
    """
    start, stop = promote_float(start, stop)
    name = standardize_dtype(start.dtype)
    sign, other = (apply("unary", {"function": "sign"}, [x]) for x in (start, stop))
    same = binary("mul", sign, other)
    if not is_traced(same) and np.any(same <= 0):
        raise DataError(
            f"geomspace: expected ends of one sign that are not 0, got {start} and {stop}"
        )
    logs = [apply("unary", {"function": "log"}, [binary("mul", x, sign)]) for x in (start, stop)]
    exponents = linspace(logs[0], logs[1], num, endpoint, axis=axis)
    power = apply("unary", {"function": "exp"}, [exponents])
    if sign.ndim:
        sign = expand_dims(sign, axis)
    return as_dtype(binary("mul", power, sign), name if dtype is None else standardize_dtype(dtype))


@operation
def meshgrid(*x: Any, indexing: str = "xy") -> list[Any]:
    """The coordinates of the grid that 1-D tensors span, as NumPy's `np.meshgrid`.

    Parameters
    ----------
    *x : tensor
        The coordinates along each axis, (n1,), (n2,), ...; others are flattened.
    indexing : str
        "xy": the first tensor runs along axis 1, the second along axis 0; "ij": each along its own.
        Default "xy".

    Returns
    -------
    list of tensors
        One for each x, of its dtype, all of the shape (n2, n1, n3, ...) or (n1, n2, n3, ...).

    Raises
    ------
    ValueError
        `indexing` neither "xy" nor "ij".
    DTypeError
        An argument that holds no numbers.

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
    """Powers of a 1-D tensor as columns, from the highest unless `increasing`; as NumPy's
    `np.vander`.

    Parameters
    ----------
    x : tensor
        (n,); integers are raised in `floatx()`.
    N : int, optional
        The number of columns. Default: n.
    increasing : bool
        Whether the powers ascend from 0. Default False.

    Returns
    -------
    tensor
        (n, N), in the dtype of x.

    Raises
    ------
    ValueError
        `x` has not one axis.
    DTypeError
        `x` holds no numbers.

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
    if not isinstance(count * x.shape[0], Size):
        take_elements("vander", count * x.shape[0])
    exponents = numbers(count)
    exponents = as_dtype(exponents if increasing else count - 1 - exponents, compute)
    column = apply("reshape", {"shape": [x.shape[0], 1]}, [as_dtype(x, compute)])
    return as_dtype(binary("pow", column, exponents), dtype)


def _window(function: Any, x: Any, *parameters: float) -> Any:
    return function(int(np.asarray(x).item()), *parameters).astype(floatx())


def bartlett(x: Any) -> Any:
    """1 - |2 i/(x - 1) - 1|: the triangular window of x points, as NumPy's `np.bartlett`.

    Parameters
    ----------
    x : int
        The number of points; none below 1.

    Returns
    -------
    tensor
        (x,), in `floatx()`.

    Raises
    ------
    ValueError
        More than one number.

    Examples
    --------
    >>> bartlett(3).tolist()
    [0.0, 1.0, 0.0]
    """
    return _window(np.bartlett, x)


def blackman(x: Any) -> Any:
    """0.42 - 0.5 cos(2 pi i/(x - 1)) + 0.08 cos(4 pi i/(x - 1)): Blackman's window, as NumPy's
    `np.blackman`.

    Parameters
    ----------
    x : int
        The number of points; none below 1.

    Returns
    -------
    tensor
        (x,), in `floatx()`.

    Raises
    ------
    ValueError
        More than one number.

    Examples
    --------
    >>> blackman(1).tolist()
    [1.0]
    """
    return _window(np.blackman, x)


def hamming(x: Any) -> Any:
    """0.54 - 0.46 cos(2 pi i/(x - 1)): Hamming's window, as NumPy's `np.hamming`.

    Parameters
    ----------
    x : int
        The number of points; none below 1.

    Returns
    -------
    tensor
        (x,), in `floatx()`.

    Raises
    ------
    ValueError
        More than one number.

    Examples
    --------
    >>> hamming(1).tolist()
    [1.0]
    """
    return _window(np.hamming, x)


def hanning(x: Any) -> Any:
    """0.5 - 0.5 cos(2 pi i/(x - 1)): the window of von Hann, as NumPy's `np.hanning`.

    Parameters
    ----------
    x : int
        The number of points; none below 1.

    Returns
    -------
    tensor
        (x,), in `floatx()`.

    Raises
    ------
    ValueError
        More than one number.

    Examples
    --------
    >>> hanning(3).tolist()
    [0.0, 1.0, 0.0]
    """
    return _window(np.hanning, x)


def kaiser(x: Any, beta: float) -> Any:
    """I0(beta sqrt(1 - (2 i/(x - 1) - 1)^2))/I0(beta): Kaiser's window, as NumPy's `np.kaiser`.

    Parameters
    ----------
    x : int
        The number of points; none below 1.
    beta : float
        How narrow the window is, from 0 (a box) up.

    Returns
    -------
    tensor
        (x,), in `floatx()`.

    Raises
    ------
    ValueError
        More than one number.

    Examples
    --------
    >>> kaiser(1, 14.0).tolist()
    [1.0]
    """
    return _window(np.kaiser, x, float(beta))
