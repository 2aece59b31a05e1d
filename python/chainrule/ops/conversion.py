"""Conversions, dtypes and shapes of tensors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.base.dtypes import is_float_dtype, standardize_dtype
from chainrule.ops._common import binary
from chainrule.tracing.arrays import constant, storage_dtype
from chainrule.tracing.casting import as_dtype, as_tensor, is_traced, keeps_gradient, to_tensor
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation
from chainrule.tracing.tensor import KerasTensor
from chainrule.tracing.variable import Variable

__all__ = [
    "cast", "convert_to_numpy", "convert_to_tensor", "dtype", "is_tensor", "saturate_cast",
    "shape", "stop_gradient",
]  # fmt: skip


def convert_to_tensor(
    x: Any, dtype: Any = None, sparse: bool | None = None, ragged: bool | None = None
) -> Any:
    """`x` as an ndarray, or as a traced tensor inside a trace, as Keras's `ops.convert_to_tensor`.

    Python numbers become int32 (int64 beyond 32 bits), bool or `floatx()`; arrays keep their dtype
    unless `dtype` is given. Symbolic tensors come back as they are, or cast.

    Parameters
    ----------
    x : tensor
        Of any shape: numbers, lists of them, arrays, Variables.
    dtype : str, optional
        Of the result. Default: that of x.
    sparse : bool, optional
        Only None or False: there are no sparse tensors.
    ragged : bool, optional
        Only None or False: there are no ragged tensors.

    Returns
    -------
    tensor
        The shape of x, in that dtype; x itself where nothing changes.

    Raises
    ------
    DTypeError
        Strings and objects.
    ValueError
        `sparse=True` or `ragged=True`; lists of uneven length; an unknown dtype.

    Examples
    --------
    >>> convert_to_tensor([1, 2]).dtype.name, convert_to_tensor([1.0, 2.0]).dtype.name
    ('int32', 'float32')
    """
    if sparse or ragged:
        raise ValueError("chainrule has dense tensors only: `sparse` and `ragged` must be False")
    return to_tensor(x, dtype)


def convert_to_numpy(x: Any) -> Any:
    """`x` as an ndarray of its own, as Keras's `ops.convert_to_numpy`.

    Parameters
    ----------
    x : tensor
        Of any shape and dtype: an array, a Variable, numbers.

    Returns
    -------
    ndarray
        A copy, of the shape and the dtype of x.

    Raises
    ------
    TypeError
        A traced tensor.
    ValueError
        A symbolic tensor.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> convert_to_numpy([1.0]).tolist()
    [1.0]
    """
    return np.array(x if isinstance(x, (Variable, KerasTensor)) else constant(x))


def is_tensor(x: Any) -> bool:
    """Whether `x` is an array or a traced tensor, as Keras's `ops.is_tensor`.

    Parameters
    ----------
    x : object
        Anything; lists and Python numbers are no tensors.

    Returns
    -------
    bool
        True or False, a scalar.

    Examples
    --------
    >>> is_tensor(np.ones(2)), is_tensor([1.0])
    (True, False)
    """
    return isinstance(x, (np.ndarray, np.generic)) or is_traced(x)


def shape(x: Any) -> tuple[Any, ...]:
    """The sizes of the axes, as NumPy's `np.shape`.

    Parameters
    ----------
    x : tensor
        Of any shape and dtype.

    Returns
    -------
    tuple of int
        One size for each axis; None where a symbolic tensor does not know.

    Raises
    ------
    DTypeError
        `x` has no shape of its own and holds no numbers.

    Examples
    --------
    >>> shape(np.ones((2, 3)))
    (2, 3)
    """
    return tuple(x.shape) if hasattr(x, "shape") else tuple(as_tensor(x).shape)


def dtype(x: Any) -> str:
    """The dtype's name, as Keras's `ops.dtype`.

    Parameters
    ----------
    x : tensor
        Of any shape and dtype.

    Returns
    -------
    str
        The name, such as "float32".

    Raises
    ------
    ValueError
        A dtype that is not numbers or booleans.
    DTypeError
        `x` has no dtype of its own and holds no numbers.

    Examples
    --------
    >>> dtype(np.ones(2))
    'float64'
    """
    return standardize_dtype(x.dtype if hasattr(x, "dtype") else as_tensor(x).dtype)


@operation
def cast(x: Any, dtype: Any) -> Any:
    """`x` with its numbers in another dtype, as Keras's `ops.cast`.

    Floats are cut towards zero to become integers; numbers become True unless 0. The gradient
    passes between floats.

    Parameters
    ----------
    x : tensor
        Of any shape and dtype.
    dtype : str
        Of the result.

    Returns
    -------
    tensor
        The shape of x, in that dtype.

    Raises
    ------
    ValueError
        An unknown dtype, or a Python NaN for a dtype of integers.
    DTypeError
        `x` holds no numbers, or a Python number that does not fit.

    Examples
    --------
    >>> cast([1.7, -1.7], "int32").tolist()
    [1, -1]
    """
    return as_dtype(x, standardize_dtype(dtype))


@operation
def saturate_cast(x: Any, dtype: Any) -> Any:
    """As `cast`, with numbers outside the range of `dtype` moved to its ends; as TensorFlow's
    `tf.saturate_cast`.

    Parameters
    ----------
    x : tensor
        Of any shape and dtype.
    dtype : str
        Of the result.

    Returns
    -------
    tensor
        The shape of x, in that dtype.

    Raises
    ------
    ValueError
        An unknown dtype.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> saturate_cast([-1.0, 300.0], "uint8").tolist()
    [0, 255]
    """
    target = standardize_dtype(dtype)
    x = as_tensor(x)
    now = standardize_dtype(x.dtype)
    low, high = _dtype_range(target)
    own_low, own_high = _dtype_range(now)
    if now != "bool" and (low > own_low or high < own_high):
        x = binary("maximum", x, as_dtype(_into(max(low, own_low), now, up=True), now))
        x = binary("minimum", x, as_dtype(_into(min(high, own_high), now, up=False), now))
    return as_dtype(x, target)


def _dtype_range(name: str) -> tuple[Any, Any]:
    if name == "bool":
        return 0, 1
    if name == "bfloat16":
        return -3.3895313892515355e38, 3.3895313892515355e38
    if is_float_dtype(name):
        info = np.finfo(storage_dtype(name))
        return float(info.min), float(info.max)
    limits = np.iinfo(name)
    return int(limits.min), int(limits.max)


def _into(limit: Any, name: str, up: bool) -> Any:
    """The number of float dtype `name` nearest to `limit` that does not pass it."""
    if not is_float_dtype(name) or isinstance(limit, float):
        return limit
    kind = storage_dtype(name).type
    near = kind(limit)
    if int(near) < limit and up:
        return float(np.nextafter(near, kind(math.inf)))
    if int(near) > limit and not up:
        return float(np.nextafter(near, kind(-math.inf)))
    return float(near)


@operation
def stop_gradient(variable: Any) -> Any:
    """The argument itself, with derivative zero, as `jax.lax.stop_gradient`.

    Parameters
    ----------
    variable : tensor
        Of any shape and dtype.

    Returns
    -------
    tensor
        The same numbers, of the same shape and dtype.

    Raises
    ------
    DTypeError
        `variable` holds no numbers.

    Examples
    --------
    >>> stop_gradient([1.0]).tolist()
    [1.0]
    """
    x = as_tensor(variable)
    return apply("stop_gradient", {}, [x]) if keeps_gradient(x) else x
