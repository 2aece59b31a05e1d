"""Python's operators on KerasTensor and Variable: each is the function of `ops` of that name."""

from __future__ import annotations

from typing import Any

__all__ = ["Operators"]


class Operators:
    """Base class that turns `a + b` into `ops.add(a, b)`, and so on; `&`, `|`, `^` are logical."""

    __array_priority__ = 1000
    __hash__ = object.__hash__

    def __neg__(self) -> Any:
        return _apply("negative", self)

    def __abs__(self) -> Any:
        return _apply("absolute", self)

    def __invert__(self) -> Any:
        return _apply("logical_not", self)

    def __round__(self, ndigits: int | None = None) -> Any:
        return _apply("round", self, ndigits or 0)

    def __eq__(self, other: object) -> Any:
        return _apply("equal", self, other)

    def __ne__(self, other: object) -> Any:
        return _apply("not_equal", self, other)

    def __lt__(self, other: Any) -> Any:
        return _apply("less", self, other)

    def __le__(self, other: Any) -> Any:
        return _apply("less_equal", self, other)

    def __gt__(self, other: Any) -> Any:
        return _apply("greater", self, other)

    def __ge__(self, other: Any) -> Any:
        return _apply("greater_equal", self, other)

    def __add__(self, other: Any) -> Any:
        return _apply("add", self, other)

    def __radd__(self, other: Any) -> Any:
        return _apply("add", other, self)

    def __sub__(self, other: Any) -> Any:
        return _apply("subtract", self, other)

    def __rsub__(self, other: Any) -> Any:
        return _apply("subtract", other, self)

    def __mul__(self, other: Any) -> Any:
        return _apply("multiply", self, other)

    def __rmul__(self, other: Any) -> Any:
        return _apply("multiply", other, self)

    def __truediv__(self, other: Any) -> Any:
        return _apply("true_divide", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _apply("true_divide", other, self)

    def __floordiv__(self, other: Any) -> Any:
        return _apply("floor_divide", self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return _apply("floor_divide", other, self)

    def __mod__(self, other: Any) -> Any:
        return _apply("mod", self, other)

    def __rmod__(self, other: Any) -> Any:
        return _apply("mod", other, self)

    def __pow__(self, other: Any) -> Any:
        return _apply("power", self, other)

    def __rpow__(self, other: Any) -> Any:
        return _apply("power", other, self)

    def __matmul__(self, other: Any) -> Any:
        return _apply("matmul", self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return _apply("matmul", other, self)

    def __and__(self, other: Any) -> Any:
        return _apply("logical_and", self, other)

    def __rand__(self, other: Any) -> Any:
        return _apply("logical_and", other, self)

    def __or__(self, other: Any) -> Any:
        return _apply("logical_or", self, other)

    def __ror__(self, other: Any) -> Any:
        return _apply("logical_or", other, self)

    def __xor__(self, other: Any) -> Any:
        return _apply("logical_xor", self, other)

    def __rxor__(self, other: Any) -> Any:
        return _apply("logical_xor", other, self)


def _apply(function: str, *args: Any) -> Any:
    from chainrule import ops

    return getattr(ops, function)(*args)
