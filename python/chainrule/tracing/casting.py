"""Array-likes as arrays or traced tensors, and the dtypes in which ops compute."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.base.config import floatx
from chainrule.base.dtypes import is_float_dtype, is_int_dtype, result_type, standardize_dtype
from chainrule.base.errors import DTypeError, too_deep
from chainrule.base.sizes import Size
from chainrule.tracing.arrays import (
    HALVES,
    NARROWED,
    as_stored,
    constant,
    engine_dtype,
    storage_dtype,
)
from chainrule.tracing.dispatch import apply
from chainrule.tracing.operators import call_op
from chainrule.tracing.recorder import Call, is_recorded, observed
from chainrule.tracing.tensor import KerasTensor
from chainrule.tracing.trace import current_trace

__all__ = [
    "as_dtype",
    "as_float",
    "as_tensor",
    "int_dtype",
    "is_traced",
    "keeps_gradient",
    "leaves",
    "promote",
    "promote_float",
    "to_tensor",
    "weak_dtype",
    "widen_integers",
]


def is_traced(x: Any) -> bool:
    """Whether `x` is a value of a graph under construction."""
    return isinstance(x, KerasTensor) and not x.is_symbolic


def keeps_gradient(x: Any) -> bool:
    """Whether what is computed from `x` has to be made of ops: it is traced, or a tape records it."""
    return is_traced(x) or is_recorded(x)


def weak_dtype(x: Any) -> Any:
    """What `result_type` is to know of `x`: a dtype, or int / float for scalars without width."""
    if isinstance(x, (bool, np.bool_)):
        return "bool"
    if isinstance(x, Size):
        return int
    if isinstance(x, (int, np.integer)):
        return int if -(2**31) <= int(x) < 2**31 else "int64"
    if isinstance(x, (float, np.floating)):
        return float
    if isinstance(x, np.ndarray) or not hasattr(x, "dtype"):
        x = constant(x)
    return standardize_dtype(x.dtype)


def to_tensor(x: Any, dtype: Any = None) -> Any:
    """What `ops.convert_to_tensor` gives: `x` as an array or a traced tensor, of a dtype.

    A symbolic tensor comes back as it is, or cast.
    """
    if isinstance(x, KerasTensor) and x.is_symbolic:
        return x if dtype is None else x.astype(dtype)
    if dtype is not None:
        return as_dtype(x, standardize_dtype(dtype))
    x = as_tensor(x)
    if isinstance(x, np.ndarray):
        standardize_dtype(x.dtype)
    return x


def as_tensor(x: Any) -> Any:
    """`x` as an array or a traced tensor; lists of tensors are stacked."""
    if isinstance(x, (list, tuple)) and any(isinstance(leaf, KerasTensor) for leaf in leaves(x)):
        return call_op("stack", [as_tensor(item) for item in x])
    return constant(x)


def leaves(x: Any) -> list[Any]:
    """What nested lists and tuples hold."""
    if not isinstance(x, (list, tuple)):
        return [x]
    try:
        return [leaf for item in x for leaf in leaves(item)]
    except RecursionError:
        raise too_deep("a list") from None


def as_dtype(x: Any, dtype: str) -> Any:
    """`x` as an array or a traced tensor of this dtype."""
    if isinstance(x, (bool, int, float, np.generic)):
        return _scalar(x, dtype)
    if isinstance(x, (list, tuple)) and all(isinstance(v, (bool, int, float)) for v in leaves(x)):
        return _scalar(x, dtype)
    x = as_tensor(x)
    now = standardize_dtype(x.dtype)
    if now == dtype:
        return x
    engine = engine_dtype(dtype)
    if dtype in NARROWED:
        if dtype in HALVES and now == "float64":
            x = apply("narrow", {"format": dtype}, [x])  # or the cast would round a first time
        if engine_dtype(now) != engine:
            x = apply("cast", {"dtype": engine}, [x])
        return apply("narrow", {"format": dtype}, [x])
    if engine_dtype(now) != engine:
        x = apply("cast", {"dtype": engine}, [x])
    if isinstance(x, KerasTensor):
        trace = current_trace()
        if x.dtype == dtype or trace is None:
            return x
        return KerasTensor.traced(trace, x.value, x.shape, dtype)
    cast = np.asarray(x).astype(storage_dtype(dtype), copy=False)
    if not is_recorded(x):
        return cast
    call = Call(lambda: ("as_dtype", dtype), lambda inputs: [as_dtype(inputs[0], dtype)])
    return observed(call, [x], [cast])[0]


def _scalar(x: Any, dtype: str) -> Any:
    engine_dtype(dtype)
    try:
        return as_stored(x, dtype)
    except OverflowError:
        raise DTypeError(f"the number {x} does not fit into dtype {dtype}") from None


def promote(*xs: Any) -> list[Any]:
    """All arguments in their common dtype; Python numbers take the width of the others."""
    dtype = result_type(*(weak_dtype(x) for x in xs))
    return [as_dtype(x, dtype) for x in xs]


def as_float(x: Any) -> Any:
    """`x` itself when its dtype is float, else cast to `floatx()`."""
    x = as_tensor(x)
    return x if is_float_dtype(x.dtype) else as_dtype(x, floatx())


def promote_float(*xs: Any) -> list[Any]:
    """As `promote`, and integers become floats."""
    kinds = [weak_dtype(x) for x in xs]
    dtype = result_type(*kinds, float)
    if "int64" in kinds and not any(_is_strong_float(kind) for kind in kinds):
        dtype = floatx()
    return [as_dtype(x, dtype) for x in xs]


def _is_strong_float(kind: Any) -> bool:
    return kind is not float and kind is not int and is_float_dtype(kind)


def widen_integers(x: Any) -> Any:
    """Sums of small integers do not overflow: bool and signed become int32, unsigned uint32."""
    dtype = standardize_dtype(x.dtype)
    if dtype in ("bool", "int8", "int16"):
        return as_dtype(x, "int32")
    if dtype in ("uint8", "uint16"):
        return as_dtype(x, "uint32")
    return x


def int_dtype(x: Any) -> bool:
    """Whether `x` holds integers."""
    return is_int_dtype(x.dtype)
