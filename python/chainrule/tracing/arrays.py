"""What the core takes: arrays of eight dtypes, in C order.

Other numeric dtypes are computed in the nearest of the eight: `int8`, `int16`, `uint16` as int32,
`float16` and `bfloat16` as float32. The core's op `narrow` makes what an op gives
a number of the narrow dtype again, so a result is rounded once.

NumPy has no bfloat16. Where the package ml_dtypes is installed, arrays of bfloat16 are of its type;
where not, they are float32 and hold bfloat16's numbers.
"""

from __future__ import annotations

import functools
import importlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import _core
from chainrule.base import tree
from chainrule.base.config import floatx
from chainrule.base.dtypes import result_type
from chainrule.base.errors import DTypeError
from chainrule.base.sizes import Size
from chainrule.base.tables import as_numbers
from chainrule.tracing.scopes import active_scopes
from chainrule.tracing.stored import Stored
from chainrule.tracing.tensor import KerasTensor

__all__ = [
    "ENGINE_DTYPES",
    "HALVES",
    "NARROWED",
    "Array",
    "as_stored",
    "constant",
    "engine_array",
    "engine_dtype",
    "storage_dtype",
]

Array = NDArray[Any]

ENGINE_DTYPES = {
    **{name: name for name in ("float32", "float64", "int32", "int64")},
    **{name: name for name in ("uint8", "uint32", "uint64", "bool")},
    **{"int8": "int32", "int16": "int32", "uint16": "int32"},
    **{"float16": "float32", "bfloat16": "float32"},
}
HALVES = ("float16", "bfloat16")
# Those that the core's op `narrow` knows.
NARROWED = (*HALVES, "int8", "int16", "uint16")
_ENGINE_NUMPY = {name: np.dtype(engine) for name, engine in ENGINE_DTYPES.items()}


def engine_dtype(dtype: str) -> str:
    """The dtype in which the core computes values of `dtype`.

    Raises
    ------
    DTypeError
        For strings, objects and complex numbers.
    """
    try:
        return ENGINE_DTYPES[dtype]
    except KeyError:
        raise DTypeError(
            f"expected an array of numbers or booleans, got dtype {dtype!r}"
        ) from None


def engine_array(x: Array) -> Array:
    """`x` in C order and in the dtype in which the core computes."""
    return np.asarray(x, dtype=_engine_numpy(x.dtype), order="C")


@functools.lru_cache(64)
def _engine_numpy(dtype: np.dtype[Any]) -> np.dtype[Any]:
    try:
        return _ENGINE_NUMPY[dtype.name]
    except KeyError:
        raise DTypeError(f"expected an array of numbers or booleans, got dtype {dtype}") from None


def storage_dtype(dtype: str) -> np.dtype[Any]:
    """NumPy's dtype for the name; of bfloat16 that of ml_dtypes, or float32 where that is missing."""
    try:
        return np.dtype(dtype)
    except TypeError:
        return _bfloat16()


@functools.cache
def _bfloat16() -> np.dtype[Any]:
    try:
        found: np.dtype[Any] = np.dtype(importlib.import_module("ml_dtypes").bfloat16)
    except ImportError:
        found = np.dtype("float32")
    return found


def as_stored(x: Any, dtype: str) -> Array:
    """Numbers as an array of the dtype, each rounded once; OverflowError for integers too large."""
    if dtype not in HALVES:
        return np.asarray(x, storage_dtype(dtype))
    array = np.asarray(x)
    if array.dtype.name == dtype:
        return array
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float32 if array.dtype.name in HALVES else np.float64)
    rounded: Array = _core.eager("narrow", {"format": dtype}, [np.asarray(array, order="C")])[0]
    return rounded.astype(storage_dtype(dtype), copy=False)


def constant(x: Any, dtype: str | None = None) -> Any:
    """`x` as an ndarray or a traced KerasTensor; nothing is computed but a dtype change.

    Python numbers become int32, bool or `floatx()`; arrays keep their dtype.
    """
    if isinstance(x, Stored):
        x = x.value
    if isinstance(x, KerasTensor):
        if x.is_symbolic:
            raise TypeError(
                f"{x!r} is symbolic and has no numbers. Functions of `chainrule.ops` and layers "
                "accept it; this one does not."
            )
        return x
    if isinstance(x, np.ndarray) and dtype is None:
        return x if _is_number(x.dtype) else _numbers(x)
    if isinstance(x, Size):
        return _unknown(x)
    if dtype is None and not hasattr(x, "dtype"):
        dtype = _python_dtype(x)
    try:
        array = np.asarray(x) if dtype is None else as_stored(x, dtype)
    except OverflowError:
        name = "64 bits" if dtype is None else f"dtype {dtype}"
        raise DTypeError(f"expected numbers that fit into {name}, got {x!r}") from None
    except TypeError:  # a table of pyarrow whose columns have no common dtype
        return _numbers(x)
    return array if _is_number(array.dtype) else _numbers(x)


def _unknown(size: Size) -> Any:
    """A number of the trace that infers shapes."""
    for scope in active_scopes():
        if scope.is_last:
            return scope.number(size)
    raise TypeError("a size that is not known was used after the shapes had been inferred")


def _python_dtype(x: Any) -> str | None:
    if isinstance(x, bool):
        return "bool"
    if isinstance(x, int):
        return "int32" if -(2**31) <= x < 2**31 else "int64"
    if isinstance(x, float):
        return floatx()
    if isinstance(x, (list, tuple)):
        leaves = [leaf for leaf in tree.flatten(x) if leaf is not None]
        kinds = {getattr(leaf, "dtype", None) or type(leaf) for leaf in leaves}
        if kinds and kinds <= {bool, int, float} | {k for k in kinds if not isinstance(k, type)}:
            return result_type(*(bool if k is bool else k for k in kinds))
        return floatx() if not leaves else None
    return None


@functools.lru_cache(64)
def _is_number(dtype: np.dtype[Any]) -> bool:
    return dtype.name in ENGINE_DTYPES


def _numbers(x: Any) -> Array:
    """`x`, which NumPy does not see as numbers, as an array of them."""
    array = as_numbers(x)
    if not _is_number(array.dtype):
        raise DTypeError(
            f"expected an array of numbers or booleans, got dtype {array.dtype} "
            f"and shape {array.shape}"
        )
    return array
