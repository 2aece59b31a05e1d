"""Functions of two tensors, applied element by element under broadcasting.

Dtypes follow `dtypes.result_type`: Python numbers take the width of the tensor beside them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.config import floatx
from chainrule.dispatch import apply, operation
from chainrule.dtypes import is_float_dtype, standardize_dtype
from chainrule.errors import DTypeError
from chainrule.ops._common import (
    as_dtype,
    as_tensor,
    binary,
    eager_only,
    promote,
    promote_float,
    unary,
)

__all__ = [
    "add", "arctan2", "divide", "divide_no_nan", "equal", "floor_divide", "fmax", "fmin", "fmod",
    "gcd", "greater", "greater_equal", "heaviside", "hypot", "isclose", "lcm", "ldexp", "less",
    "less_equal", "logaddexp", "logaddexp2", "logical_and", "logical_or", "logical_xor", "maximum",
    "minimum", "mod", "multiply", "nextafter", "not_equal", "power", "subtract", "true_divide",
    "where",
]  # fmt: skip


def _arithmetic(function: str, on_bool: str | None, x1: Any, x2: Any) -> Any:
    x1, x2 = promote(x1, x2)
    if standardize_dtype(x1.dtype) != "bool":
        return binary(function, x1, x2)
    if on_bool is None:
        raise DTypeError(f"{function}: expected numbers, got booleans on both sides")
    return binary(on_bool, x1, x2)


@operation
def add(x1: Any, x2: Any) -> Any:
    """x1 + x2; booleans: x1 or x2.

    Raises
    ------
    ShapeError
        Shapes that do not broadcast.

    Examples
    --------
    >>> add([1, 2], [10, 20]).tolist()
    [11, 22]
    """
    return _arithmetic("add", "logical_or", x1, x2)


@operation
def subtract(x1: Any, x2: Any) -> Any:
    """x1 - x2.

    Raises
    ------
    ShapeError
        Shapes that do not broadcast.
    DTypeError
        Booleans on both sides.

    Examples
    --------
    >>> subtract([10, 20], [1, 2]).tolist()
    [9, 18]
    """
    return _arithmetic("sub", None, x1, x2)


@operation
def multiply(x1: Any, x2: Any) -> Any:
    """x1 * x2, element by element; booleans: x1 and x2.

    Examples
    --------
    >>> multiply([1, 2], 3).tolist()
    [3, 6]
    """
    return _arithmetic("mul", "logical_and", x1, x2)


@operation
def true_divide(x1: Any, x2: Any) -> Any:
    """x1 / x2 as floats.

    Examples
    --------
    >>> true_divide(1, [2, 4]).tolist()
    [0.5, 0.25]
    """
    return binary("div", *promote_float(x1, x2))


@operation
def divide(x1: Any, x2: Any) -> Any:
    """x1 / x2 as floats, as `true_divide`.

    Examples
    --------
    >>> divide(1, [2, 4]).tolist()
    [0.5, 0.25]
    """
    return binary("div", *promote_float(x1, x2))


@operation
def divide_no_nan(x1: Any, x2: Any) -> Any:
    """x1 / x2, and 0 where x2 is 0; there the derivative is 0 too.

    Examples
    --------
    >>> divide_no_nan([1.0, 1.0], [2.0, 0.0]).tolist()
    [0.5, 0.0]
    """
    x1, x2 = promote_float(x1, x2)
    dtype = standardize_dtype(x1.dtype)
    zero = binary("eq", x2, as_dtype(0, dtype))
    safe = apply("select", {}, [zero, as_dtype(1, dtype), x2])
    return apply("select", {}, [zero, as_dtype(0, dtype), binary("div", x1, safe)])


@operation
def floor_divide(x1: Any, x2: Any) -> Any:
    """floor(x1 / x2).

    Examples
    --------
    >>> floor_divide([7, -7], 2).tolist()
    [3, -4]
    """
    return binary("floor_div", *_numbers(x1, x2))


@operation
def mod(x1: Any, x2: Any) -> Any:
    """x1 - floor(x1 / x2) x2: the remainder with the sign of x2.

    Examples
    --------
    >>> mod([7, -7], 3).tolist()
    [1, 2]
    """
    return binary("mod", *_numbers(x1, x2))


@operation
def fmod(x1: Any, x2: Any) -> Any:
    """x1 - trunc(x1 / x2) x2: the remainder with the sign of x1.

    Examples
    --------
    >>> fmod([7, -7], 3).tolist()
    [1, -1]
    """
    x1, x2 = _numbers(x1, x2)
    size = binary("mod", _absolute(x1), _absolute(x2))
    negative = binary("lt", x1, as_dtype(0, standardize_dtype(x1.dtype)))
    return apply("select", {}, [negative, _negated(size), size])


def _absolute(x: Any) -> Any:
    return x if standardize_dtype(x.dtype).startswith("uint") else unary("abs", x)


def _negated(x: Any) -> Any:
    return x if standardize_dtype(x.dtype).startswith("uint") else unary("neg", x)


def _numbers(x1: Any, x2: Any) -> list[Any]:
    x1, x2 = promote(x1, x2)
    if standardize_dtype(x1.dtype) == "bool":
        return [as_dtype(x1, "int32"), as_dtype(x2, "int32")]
    return [x1, x2]


@operation
def power(x1: Any, x2: Any) -> Any:
    """x1 ^ x2; derivatives x2 x1^(x2 - 1) and ln(x1) x1^x2.

    The exponent 2, as a Python number, is computed as x1 * x1.

    Examples
    --------
    >>> power([2.0, 3.0], 2).tolist()
    [4.0, 9.0]
    """
    is_two = isinstance(x2, (int, float)) and not isinstance(x2, bool) and x2 == 2
    x1, x2 = _numbers(x1, x2)
    return unary("square", x1) if is_two else binary("pow", x1, x2)


@operation
def maximum(x1: Any, x2: Any) -> Any:
    """The larger of x1 and x2; NaN where either is. At ties each gets half the gradient.

    Examples
    --------
    >>> maximum([1, 5], 3).tolist()
    [3, 5]
    """
    return _arithmetic("maximum", "logical_or", x1, x2)


@operation
def minimum(x1: Any, x2: Any) -> Any:
    """The smaller of x1 and x2; NaN where either is. At ties each gets half the gradient.

    Examples
    --------
    >>> minimum([1, 5], 3).tolist()
    [1, 3]
    """
    return _arithmetic("minimum", "logical_and", x1, x2)


def _ignoring_nan(function: str, on_bool: str, x1: Any, x2: Any) -> Any:
    x1, x2 = promote(x1, x2)
    result = _arithmetic(function, on_bool, x1, x2)
    if not is_float_dtype(x1.dtype):
        return result
    result = apply("select", {}, [unary("is_nan", x1), x2, result])
    return apply("select", {}, [unary("is_nan", x2), x1, result])


@operation
def fmax(x1: Any, x2: Any) -> Any:
    """The larger of x1 and x2, ignoring NaN on one side.

    Examples
    --------
    >>> fmax([1.0, float("nan")], 3.0).tolist()
    [3.0, 3.0]
    """
    return _ignoring_nan("maximum", "logical_or", x1, x2)


@operation
def fmin(x1: Any, x2: Any) -> Any:
    """The smaller of x1 and x2, ignoring NaN on one side.

    Examples
    --------
    >>> fmin([1.0, float("nan")], 3.0).tolist()
    [1.0, 3.0]
    """
    return _ignoring_nan("minimum", "logical_and", x1, x2)


def _comparison(name: str, function: str, text: str, result: str) -> Callable[[Any, Any], Any]:
    def op(x1: Any, x2: Any) -> Any:
        x1, x2 = promote(x1, x2)
        if standardize_dtype(x1.dtype) == "bool":
            x1, x2 = as_dtype(x1, "uint8"), as_dtype(x2, "uint8")
        return binary(function, x1, x2)

    op.__name__ = op.__qualname__ = name
    op.__doc__ = f"""Whether {text}, as booleans.

    Raises
    ------
    ShapeError
        Shapes that do not broadcast.

    Examples
    --------
    >>> {name}([1, 2, 3], 2).tolist()
    {result}
    """
    decorated: Callable[[Any, Any], Any] = operation(op)
    return decorated


equal = _comparison("equal", "eq", "x1 = x2", "[False, True, False]")
not_equal = _comparison("not_equal", "ne", "x1 differs from x2", "[True, False, True]")
less = _comparison("less", "lt", "x1 < x2", "[True, False, False]")
less_equal = _comparison("less_equal", "le", "x1 <= x2", "[True, True, False]")
greater = _comparison("greater", "gt", "x1 > x2", "[False, False, True]")
greater_equal = _comparison("greater_equal", "ge", "x1 >= x2", "[False, True, True]")


@operation
def logical_and(x1: Any, x2: Any) -> Any:
    """x1 and x2; numbers count as True unless 0.

    Examples
    --------
    >>> logical_and([True, True], [True, False]).tolist()
    [True, False]
    """
    return binary("logical_and", as_dtype(x1, "bool"), as_dtype(x2, "bool"))


@operation
def logical_or(x1: Any, x2: Any) -> Any:
    """x1 or x2; numbers count as True unless 0.

    Examples
    --------
    >>> logical_or([True, False], [False, False]).tolist()
    [True, False]
    """
    return binary("logical_or", as_dtype(x1, "bool"), as_dtype(x2, "bool"))


@operation
def logical_xor(x1: Any, x2: Any) -> Any:
    """Either x1 or x2 but not both; numbers count as True unless 0.

    Examples
    --------
    >>> logical_xor([True, True], [True, False]).tolist()
    [False, True]
    """
    return binary("logical_xor", as_dtype(x1, "bool"), as_dtype(x2, "bool"))


def where(condition: Any, x1: Any = None, x2: Any = None) -> Any:
    """x1 where `condition` holds, else x2; all three broadcast.

    With `condition` alone: the indices of its true elements, one array an axis (arrays only).

    Examples
    --------
    >>> where([True, False], [1, 2], [10, 20]).tolist()
    [1, 20]
    """
    if x1 is None and x2 is None:
        return eager_only(np.nonzero, condition, name="where")
    if x1 is None or x2 is None:
        raise ValueError(
            "`x1` and `x2` either both should be `None` or both should have non-None value."
        )
    return _select(condition, x1, x2)


def _where(condition: Any, x1: Any, x2: Any) -> Any:
    x1, x2 = promote(x1, x2)
    return apply("select", {}, [as_dtype(condition, "bool"), x1, x2])


_where.__name__ = "where"
_select = operation(_where)


@operation
def arctan2(x1: Any, x2: Any) -> Any:
    """The angle of the point (x2, x1), in (-pi, pi].

    Examples
    --------
    >>> round(float(arctan2(1.0, -1.0)), 4)
    2.3562
    """
    return binary("atan2", *promote_float(x1, x2))


@operation
def hypot(x1: Any, x2: Any) -> Any:
    """sqrt(x1^2 + x2^2), without overflow in the squares.

    Examples
    --------
    >>> hypot(3.0, 4.0).item()
    5.0
    """
    x1, x2 = promote_float(x1, x2)
    dtype = standardize_dtype(x1.dtype)
    x1, x2 = unary("abs", x1), unary("abs", x2)
    large, small = binary("maximum", x1, x2), binary("minimum", x1, x2)
    zero = binary("eq", large, as_dtype(0.0, dtype))
    ratio = binary("div", small, apply("select", {}, [zero, as_dtype(1.0, dtype), large]))
    root = unary("sqrt", binary("add", unary("square", ratio), as_dtype(1.0, dtype)))
    return binary("mul", large, root)


@operation
def logaddexp(x1: Any, x2: Any) -> Any:
    """ln(exp(x1) + exp(x2)), without overflow.

    Examples
    --------
    >>> round(float(logaddexp(0.0, 0.0)), 4)
    0.6931
    """
    x1, x2 = promote_float(x1, x2)
    difference = binary("sub", x1, x2)
    same = binary("eq", x1, x2)
    dtype = standardize_dtype(x1.dtype)
    distance = apply("select", {}, [same, as_dtype(0.0, dtype), unary("abs", difference)])
    tail = unary("log1p", unary("exp", unary("neg", distance)))
    return binary("add", binary("maximum", x1, x2), tail)


@operation
def logaddexp2(x1: Any, x2: Any) -> Any:
    """log2(2^x1 + 2^x2), without overflow.

    Examples
    --------
    >>> round(float(logaddexp2(1.0, 1.0)), 4)
    2.0
    """
    x1, x2 = promote_float(x1, x2)
    ln2 = as_dtype(float(np.log(2.0)), standardize_dtype(x1.dtype))
    return binary("div", logaddexp(binary("mul", x1, ln2), binary("mul", x2, ln2)), ln2)


@operation
def heaviside(x1: Any, x2: Any) -> Any:
    """0 where x1 < 0, x2 where x1 = 0, 1 where x1 > 0, as floats.

    Examples
    --------
    >>> heaviside([-1.0, 0.0, 2.0], 0.5).tolist()
    [0.0, 0.5, 1.0]
    """
    x1, x2 = promote(as_tensor(x1), as_tensor(x2))
    if not is_float_dtype(x1.dtype):
        wide = "float64" if standardize_dtype(x1.dtype) == "int64" else floatx()
        x1, x2 = as_dtype(x1, wide), as_dtype(x2, wide)
    dtype = standardize_dtype(x1.dtype)
    zero = as_dtype(0.0, dtype)
    step = as_dtype(binary("gt", x1, zero), dtype)
    step = apply("select", {}, [binary("eq", x1, zero), x2, step])
    return apply("select", {}, [unary("is_nan", x1), x1, step])


@operation
def isclose(
    x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Any:
    """Whether |x1 - x2| <= atol + rtol |x2|.

    Examples
    --------
    >>> isclose([1.0, 1.0], [1.000001, 1.1]).tolist()
    [True, False]
    """
    x1, x2 = promote_float(x1, x2)
    dtype = standardize_dtype(x1.dtype)
    bound = binary("mul", unary("abs", x2), as_dtype(rtol, dtype))
    bound = binary("add", bound, as_dtype(atol, dtype))
    near = binary("le", unary("abs", binary("sub", x1, x2)), bound)
    finite = binary("logical_and", unary("is_finite", x1), unary("is_finite", x2))
    near = binary("logical_and", near, finite)
    result = binary("logical_or", near, binary("eq", x1, x2))
    if equal_nan:
        both = binary("logical_and", unary("is_nan", x1), unary("is_nan", x2))
        result = binary("logical_or", result, both)
    return result


def _integers_only(function: np.ufunc, x1: Any, x2: Any) -> Any:
    x1, x2 = promote(x1, x2)
    return np.asarray(eager_only(function, x1, x2))


@operation
def gcd(x1: Any, x2: Any) -> Any:
    """The greatest common divisor of integers (arrays only).

    Examples
    --------
    >>> gcd([12], [18]).tolist()
    [6]
    """
    return _integers_only(np.gcd, x1, x2)


@operation
def lcm(x1: Any, x2: Any) -> Any:
    """The least common multiple of integers (arrays only).

    Examples
    --------
    >>> lcm([4], [6]).tolist()
    [12]
    """
    return _integers_only(np.lcm, x1, x2)


@operation
def ldexp(x1: Any, x2: Any) -> Any:
    """x1 * 2^x2, with integer x2.

    Raises
    ------
    TypeError
        When x2 is a float.

    Examples
    --------
    >>> ldexp([3.0], [2]).tolist()
    [12.0]
    """
    x1, x2 = as_tensor(x1), as_tensor(x2)
    if is_float_dtype(x2.dtype):
        raise TypeError(f"ldexp: expected integers as `x2`, got dtype {x2.dtype}")
    x1, x2 = promote_float(x1, x2)
    return binary("mul", x1, binary("pow", as_dtype(2.0, standardize_dtype(x1.dtype)), x2))


@operation
def nextafter(x1: Any, x2: Any) -> Any:
    """The float next to x1 in the direction of x2 (arrays only).

    Examples
    --------
    >>> nextafter([0.0], [1.0]).tolist()
    [1.401298464324817e-45]
    """
    return np.asarray(eager_only(np.nextafter, *promote_float(x1, x2)))
