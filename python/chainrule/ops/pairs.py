"""Less common functions of two tensors: angles, logarithms of sums, divisors."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.base.config import floatx
from chainrule.base.dtypes import is_float_dtype, is_int_dtype, standardize_dtype
from chainrule.base.errors import DTypeError
from chainrule.ops._common import binary, check_broadcast, unary
from chainrule.tracing.arrays import engine_dtype
from chainrule.tracing.casting import as_dtype, as_tensor, promote, promote_float
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation

__all__ = [
    "arctan2", "gcd", "heaviside", "hypot", "lcm", "ldexp", "logaddexp", "logaddexp2",
    "nextafter",
]  # fmt: skip


@operation
def arctan2(x1: Any, x2: Any) -> Any:
    """The angle of the point (x2, x1), in (-pi, pi] radians, as NumPy's `np.arctan2`.

    Derivatives x2/(x1^2 + x2^2) and -x1/(x1^2 + x2^2), 0 at the origin.

    Parameters
    ----------
    x1, x2 : tensor
        Of shapes that broadcast; integers and booleans become floats.

    Returns
    -------
    tensor
        The broadcast shape, in the common float dtype.

    Raises
    ------
    ShapeError
        Shapes that do not broadcast.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> round(float(arctan2(1.0, -1.0)), 4)
    2.3562
    """
    return binary("atan2", *promote_float(x1, x2))


@operation
def hypot(x1: Any, x2: Any) -> Any:
    """sqrt(x1^2 + x2^2), without overflow in the squares, as NumPy's `np.hypot`.

    An infinity on one side gives infinity, even beside NaN.

    Parameters
    ----------
    x1, x2 : tensor
        Of shapes that broadcast; integers and booleans become floats.

    Returns
    -------
    tensor
        The broadcast shape, in the common float dtype.

    Raises
    ------
    ShapeError
        Shapes that do not broadcast.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> hypot(3.0, 4.0).item()
    5.0
    """
    x1, x2 = promote_float(x1, x2)
    dtype = standardize_dtype(x1.dtype)
    first = unary("is_inf", x1)
    endless = binary("logical_or", first, unary("is_inf", x2))
    zero = as_dtype(0.0, dtype)
    infinite = unary("abs", apply("select", {}, [first, x1, x2]))
    x1, x2 = (apply("select", {}, [endless, zero, x]) for x in (x1, x2))
    # Which is the larger is a choice between two smooth formulas, not a kink.
    large, small = _larger_first(binary("ge", unary("abs", x1), unary("abs", x2)), x1, x2)
    flat = binary("eq", large, zero)
    ratio = binary("div", small, apply("select", {}, [flat, as_dtype(1.0, dtype), large]))
    root = unary("sqrt", binary("add", unary("square", ratio), as_dtype(1.0, dtype)))
    return apply("select", {}, [endless, infinite, binary("mul", unary("abs", large), root)])


def _larger_first(first: Any, x1: Any, x2: Any) -> tuple[Any, Any]:
    """x1 and x2 where `first` holds, else x2 and x1; both of the broadcast shape."""
    return apply("select", {}, [first, x1, x2]), apply("select", {}, [first, x2, x1])


@operation
def logaddexp(x1: Any, x2: Any) -> Any:
    """ln(exp(x1) + exp(x2)), without overflow, as NumPy's `np.logaddexp`.

    Parameters
    ----------
    x1, x2 : tensor
        Of shapes that broadcast; integers and booleans become floats.

    Returns
    -------
    tensor
        The broadcast shape, in the common float dtype.

    Raises
    ------
    ShapeError
        Shapes that do not broadcast.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> round(float(logaddexp(0.0, 0.0)), 4)
    0.6931
    """
    x1, x2 = promote_float(x1, x2)
    zero = as_dtype(0.0, standardize_dtype(x1.dtype))
    # Of two equal infinities the difference is NaN, and so would be its gradient.
    endless = binary("logical_and", binary("eq", x1, x2), unary("is_inf", x1))
    top = binary("maximum", x1, x2)
    x1, x2 = (apply("select", {}, [endless, zero, x]) for x in (x1, x2))
    # Which is the larger is a choice between two smooth formulas, not a kink.
    large, small = _larger_first(binary("ge", x1, x2), x1, x2)
    smooth = binary("add", large, unary("softplus", binary("sub", small, large)))
    return apply("select", {}, [endless, top, smooth])


@operation
def logaddexp2(x1: Any, x2: Any) -> Any:
    """log2(2^x1 + 2^x2), without overflow, as NumPy's `np.logaddexp2`.

    Parameters
    ----------
    x1, x2 : tensor
        Of shapes that broadcast; integers and booleans become floats.

    Returns
    -------
    tensor
        The broadcast shape, in the common float dtype.

    Raises
    ------
    ShapeError
        Shapes that do not broadcast.
    DTypeError
        An argument that holds no numbers.

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
    """0 where x1 < 0, x2 where x1 = 0, 1 where x1 > 0, NaN where x1 is; as NumPy's `np.heaviside`.

    Parameters
    ----------
    x1 : tensor
        Of a shape that broadcasts with that of x2.
    x2 : tensor
        The value at 0, often 0, 0.5 or 1.

    Returns
    -------
    tensor
        The broadcast shape, in the common float dtype: `floatx()` for integers, float64 for int64.

    Raises
    ------
    ShapeError
        Shapes that do not broadcast.
    DTypeError
        An argument that holds no numbers.

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


def _integers_only(function: str, x1: Any, x2: Any) -> Any:
    x1, x2 = promote(x1, x2)
    if not is_int_dtype(x1.dtype):
        raise DTypeError(f"{function}: expected integers, got {x1.dtype}")
    check_broadcast(function, x1, x2)
    return binary(function, x1, x2)


@operation
def gcd(x1: Any, x2: Any) -> Any:
    """The greatest common divisor of integers, as NumPy's `np.gcd`.

    Parameters
    ----------
    x1, x2 : integer tensor
        Of shapes that broadcast.

    Returns
    -------
    integer tensor
        The broadcast shape, in the common dtype; not negative.

    Raises
    ------
    DTypeError
        Floats, booleans, or an argument that holds no numbers.
    ShapeError
        Shapes that do not broadcast.

    Examples
    --------
    >>> gcd([12], [18]).tolist()
    [6]
    """
    return _integers_only("gcd", x1, x2)


@operation
def lcm(x1: Any, x2: Any) -> Any:
    """The least common multiple of integers, as NumPy's `np.lcm`.

    Parameters
    ----------
    x1, x2 : integer tensor
        Of shapes that broadcast.

    Returns
    -------
    integer tensor
        The broadcast shape, in the common dtype; not negative.

    Raises
    ------
    DTypeError
        Floats, booleans, or an argument that holds no numbers.
    ShapeError
        Shapes that do not broadcast.

    Examples
    --------
    >>> lcm([4], [6]).tolist()
    [12]
    """
    return _integers_only("lcm", x1, x2)


@operation
def ldexp(x1: Any, x2: Any) -> Any:
    """x1 * 2^x2, as NumPy's `np.ldexp`.

    Parameters
    ----------
    x1 : tensor
        Of a shape that broadcasts with that of x2; integers become floats.
    x2 : integer tensor
        The exponents.

    Returns
    -------
    tensor
        The broadcast shape, in the float dtype of x1.

    Raises
    ------
    TypeError
        `x2` holds floats.
    ShapeError
        Shapes that do not broadcast.
    DTypeError
        An argument that holds no numbers.

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
    """The float next to x1 in the direction of x2, as NumPy's `np.nextafter`.

    Parameters
    ----------
    x1, x2 : tensor
        Of shapes that broadcast; integers become floats.

    Returns
    -------
    tensor
        The broadcast shape, in the common float dtype. Its derivative by x1 is 1, by x2 0.

    Raises
    ------
    ValueError
        Shapes that do not broadcast.
    DTypeError
        An argument that holds no numbers, or floats of 16 bits.

    Examples
    --------
    >>> nextafter([0.0], [1.0]).tolist()
    [1.401298464324817e-45]
    """
    x1, x2 = promote_float(x1, x2)
    dtype = standardize_dtype(x1.dtype)
    if engine_dtype(dtype) != dtype:
        raise DTypeError(f"nextafter: expected float32 or float64, got dtype {dtype}")
    return binary("next_after", x1, x2)
