"""Python's operators on KerasTensor and Variable: each is the function of `ops` of that name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["OPS", "Operators", "call_op"]

# Every public op by its name; `chainrule.ops` fills it.
OPS: dict[str, Callable[..., Any]] = {}


def call_op(name: str, *args: Any) -> Any:
    """What the public op of that name gives."""
    return OPS[name](*args)


class Operators:
    """Base class that turns `a + b` into `ops.add(a, b)`, and so on; `&`, `|`, `^` are logical."""

    __array_priority__ = 1000
    __hash__ = object.__hash__

    def __neg__(self) -> Any:
        return call_op("negative", self)

    def __abs__(self) -> Any:
        return call_op("absolute", self)

    def __invert__(self) -> Any:
        return call_op("logical_not", self)

    def __round__(self, ndigits: int | None = None) -> Any:
        return call_op("round", self, ndigits or 0)

    def __eq__(self, other: object) -> Any:
        return call_op("equal", self, other)

    def __ne__(self, other: object) -> Any:
        return call_op("not_equal", self, other)

    def __lt__(self, other: Any) -> Any:
        return call_op("less", self, other)

    def __le__(self, other: Any) -> Any:
        return call_op("less_equal", self, other)

    def __gt__(self, other: Any) -> Any:
        return call_op("greater", self, other)

    def __ge__(self, other: Any) -> Any:
        return call_op("greater_equal", self, other)

    def __add__(self, other: Any) -> Any:
        return call_op("add", self, other)

    def __radd__(self, other: Any) -> Any:
        return call_op("add", other, self)

    def __sub__(self, other: Any) -> Any:
        return call_op("subtract", self, other)

    def __rsub__(self, other: Any) -> Any:
        return call_op("subtract", other, self)

    def __mul__(self, other: Any) -> Any:
        return call_op("multiply", self, other)

    def __rmul__(self, other: Any) -> Any:
        return call_op("multiply", other, self)

    def __truediv__(self, other: Any) -> Any:
        return call_op("true_divide", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return call_op("true_divide", other, self)

    def __floordiv__(self, other: Any) -> Any:
        return call_op("floor_divide", self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return call_op("floor_divide", other, self)

    def __mod__(self, other: Any) -> Any:
        return call_op("mod", self, other)

    def __rmod__(self, other: Any) -> Any:
        return call_op("mod", other, self)

    def __pow__(self, other: Any) -> Any:
        return call_op("power", self, other)

    def __rpow__(self, other: Any) -> Any:
        return call_op("power", other, self)

    def __matmul__(self, other: Any) -> Any:
        return call_op("matmul", self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return call_op("matmul", other, self)

    def __and__(self, other: Any) -> Any:
        return call_op("logical_and", self, other)

    def __rand__(self, other: Any) -> Any:
        return call_op("logical_and", other, self)

    def __or__(self, other: Any) -> Any:
        return call_op("logical_or", self, other)

    def __ror__(self, other: Any) -> Any:
        return call_op("logical_or", other, self)

    def __xor__(self, other: Any) -> Any:
        return call_op("logical_xor", self, other)

    def __rxor__(self, other: Any) -> Any:
        return call_op("logical_xor", other, self)
