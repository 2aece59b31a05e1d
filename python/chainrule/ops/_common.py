"""What the files of `ops` share: dtypes of arguments, axes, and short names of core ops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.base.config import floatx
from chainrule.base.dtypes import is_float_dtype, is_int_dtype, result_type, standardize_dtype
from chainrule.base.errors import DataError, DTypeError, ShapeError, too_deep
from chainrule.tracing.dispatch import apply, constant, engine_dtype, storage_dtype
from chainrule.tracing.scopes import current_trace
from chainrule.tracing.tensor import KerasTensor

__all__ = [
    "as_dtype",
    "as_float",
    "as_tensor",
    "binary",
    "eager_only",
    "is_traced",
    "normalize_axes",
    "normalize_axis",
    "promote",
    "unary",
    "weak_dtype",
]


def is_traced(x: Any) -> bool:
    """Whether `x` is a value of a graph under construction."""
    return isinstance(x, KerasTensor) and not x.is_symbolic


def weak_dtype(x: Any) -> Any:
    """What `result_type` is to know of `x`: a dtype, or int / float for scalars without width."""
    if isinstance(x, (bool, np.bool_)):
        return "bool"
    if isinstance(x, (int, np.integer)):
        return int if -(2**31) <= int(x) < 2**31 else "int64"
    if isinstance(x, (float, np.floating)):
        return float
    if isinstance(x, np.ndarray) or not hasattr(x, "dtype"):
        x = constant(x)
    return standardize_dtype(x.dtype)


def as_tensor(x: Any) -> Any:
    """`x` as an array or a traced tensor; lists of tensors are stacked."""
    if isinstance(x, (list, tuple)) and any(isinstance(leaf, KerasTensor) for leaf in _leaves(x)):
        from chainrule.ops.joining import stack

        return stack([as_tensor(item) for item in x])
    return constant(x)


def _leaves(x: Any) -> list[Any]:
    if not isinstance(x, (list, tuple)):
        return [x]
    try:
        return [leaf for item in x for leaf in _leaves(item)]
    except RecursionError:
        raise too_deep("a list") from None


def as_dtype(x: Any, dtype: str) -> Any:
    """`x` as an array or a traced tensor of this dtype."""
    if isinstance(x, (bool, int, float, np.generic)):
        return _scalar(x, dtype)
    if isinstance(x, (list, tuple)) and all(isinstance(v, (bool, int, float)) for v in _leaves(x)):
        return _scalar(x, dtype)
    x = as_tensor(x)
    now = standardize_dtype(x.dtype)
    if now == dtype:
        return x
    engine = engine_dtype(dtype)
    if engine_dtype(now) != engine:
        x = apply("cast", {"dtype": engine}, [x])
    if isinstance(x, KerasTensor):
        trace = current_trace()
        if x.dtype == dtype or trace is None:
            return x
        return KerasTensor.traced(trace, x.value, x.shape, dtype)
    return x.astype(storage_dtype(dtype), copy=False)


def _scalar(x: Any, dtype: str) -> Any:
    engine_dtype(dtype)
    try:
        return np.asarray(x, storage_dtype(dtype))
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


def unary(function: str, x: Any) -> Any:
    """The core's `unary` op."""
    return apply("unary", {"function": function}, [x])


def binary(function: str, x1: Any, x2: Any) -> Any:
    """The core's `binary` op, on arguments of one dtype."""
    return apply("binary", {"function": function}, [x1, x2])


def root(x: Any) -> Any:
    """sqrt(x) with the derivative 0 at 0: a norm has a kink there, not a slope that is infinite."""
    dtype = standardize_dtype(x.dtype)
    zero = binary("eq", x, as_dtype(0.0, dtype))
    safe = apply("select", {}, [zero, as_dtype(1.0, dtype), x])
    return apply("select", {}, [zero, as_dtype(0.0, dtype), unary("sqrt", safe)])


def normalize_axis(axis: Any, ndim: int, op: str = "op") -> int:
    """`axis` counted from the front.

    Raises
    ------
    ShapeError
        When there is no such axis.
    """
    if isinstance(axis, float) or not hasattr(axis, "__index__"):
        raise ShapeError(f"{op}: `axis` must be an integer, got {axis!r}")
    index = int(axis)
    if not -ndim <= index < ndim:
        raise ShapeError(
            f"{op}: axis {index} is out of bounds for an input with {ndim} axes "
            f"(expected {-ndim} <= axis < {ndim})"
        )
    return index % ndim


def normalize_axes(axis: Any, ndim: int, op: str = "op") -> list[int]:
    """One axis, several, or None for all, as a sorted list counted from the front.

    Raises
    ------
    ShapeError
        When one does not exist or is named twice.
    """
    if axis is None:
        return list(range(ndim))
    axes = axis if isinstance(axis, (list, tuple)) else [axis]
    found = sorted(normalize_axis(a, ndim, op) for a in axes)
    if len(set(found)) != len(found):
        raise ShapeError(f"{op}: an axis is named twice in {axis}")
    return found


def eager_only(function: Callable[..., Any], *xs: Any, name: str | None = None) -> Any:
    """Call a NumPy function whose result has no place in a graph.

    Raises
    ------
    TypeError
        When an argument is traced.
    DataError
        A number that no dtype of its argument holds.
    """
    op = name or function.__name__
    if any(is_traced(x) for x in _leaves(xs)):
        raise TypeError(
            f"{op}: works on arrays only; its result has no static shape or no rule to trace it, "
            "so it cannot be part of a model or of a function given to `value_and_grad`."
        )
    try:
        return function(*(constant(x) for x in xs))
    except OverflowError as error:
        message = f"{op}: expected numbers that their dtypes hold, got {error}"
        raise DataError(message) from error


def widen_integers(x: Any) -> Any:
    """Sums of small integers do not overflow: bool and signed become int32, unsigned uint32."""
    dtype = standardize_dtype(x.dtype)
    if dtype in ("bool", "int8", "int16"):
        return as_dtype(x, "int32")
    if dtype in ("uint8", "uint16"):
        return as_dtype(x, "uint32")
    return x


def static_shape(shape: Any) -> tuple[int, ...]:
    """A shape argument as a tuple of ints.

    Raises
    ------
    ShapeError
        A size beyond 64 bits.
    TypeError
        A shape that is traced.
    """
    if isinstance(shape, KerasTensor):
        raise TypeError("a shape must be known while tracing, got a traced KerasTensor")
    sizes = (shape,) if isinstance(shape, (int, np.integer)) else shape
    found = tuple(int(size) for size in sizes)
    if any(abs(size) >= 2**63 for size in found):
        raise ShapeError(f"expected a shape of sizes below 2**63, got {found}")
    return found


def sequence(x: Any) -> Sequence[Any]:
    """A list or tuple as it is, anything else as a list of one."""
    return x if isinstance(x, (list, tuple)) else [x]


def int_dtype(x: Any) -> bool:
    """Whether `x` holds integers."""
    return is_int_dtype(x.dtype)
