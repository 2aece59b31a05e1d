"""What the files of `ops` share: axes, and short names of core ops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.base.dtypes import is_float_dtype, standardize_dtype
from chainrule.base.errors import DataError, ShapeError
from chainrule.base.sizes import Size, as_size, broadcast, is_size
from chainrule.tracing.arrays import constant
from chainrule.tracing.casting import as_dtype, is_traced, leaves
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recorder import is_followed
from chainrule.tracing.tensor import KerasTensor

__all__ = ["binary", "block", "eager_only", "normalize_axes", "normalize_axis", "unary"]


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


def block(x: Any, axis: int, start: int | Size, stop: int | Size, step: int = 1) -> Any:
    """Elements `start:stop:step` along one axis, for a positive step."""
    attrs = {
        "start": [start if i == axis else 0 for i in range(x.ndim)],
        "stop": [stop if i == axis else n for i, n in enumerate(x.shape)],
        "step": [step if i == axis else 1 for i in range(x.ndim)],
    }
    return apply("slice", attrs, [x])


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
    if any(is_traced(x) for x in leaves(xs)):
        raise TypeError(
            f"{op}: works on arrays only; its result has no static shape or no rule to trace it, "
            "so it cannot be part of a model or of a function given to `value_and_grad`."
        )
    arrays = [constant(x) for x in xs]
    if any(is_float_dtype(x.dtype) and is_followed(x) for x in arrays):
        raise TypeError(
            f"{op}: works on arrays only and has no derivative, but a GradientTape follows its "
            "argument. Give it `ops.convert_to_numpy(x)`, or call it outside the tape."
        )
    try:
        return function(*(np.asarray(x) for x in arrays))
    except OverflowError as error:
        message = f"{op}: expected numbers that their dtypes hold, got {error}"
        raise DataError(message) from error


def in_double(x: Any) -> Any:
    """`x` in float64; Python's numbers are not rounded to `floatx()` before."""
    if hasattr(x, "dtype") or any(hasattr(v, "dtype") for v in leaves(x)):
        return as_dtype(x, "float64")
    return np.asarray(x, "float64")


def check_broadcast(op: str, *xs: Any) -> None:
    """Check that the shapes broadcast.

    Raises
    ------
    ShapeError
        When they do not.
    """
    shapes = [tuple(x.shape) for x in xs]
    try:
        broadcast(*shapes)
    except ValueError:
        found = " and ".join(str(shape) for shape in shapes)
        message = f"{op}: expected shapes that broadcast together, got {found}"
        raise ShapeError(message) from None


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
    sizes = (shape,) if is_size(shape) else shape
    found = tuple(as_size(size) for size in sizes)
    if any(isinstance(size, int) and abs(size) >= 2**63 for size in found):
        raise ShapeError(f"expected a shape of sizes below 2**63, got {found}")
    return found


def sequence(x: Any) -> Sequence[Any]:
    """A list or tuple as it is, anything else as a list of one."""
    return x if isinstance(x, (list, tuple)) else [x]
