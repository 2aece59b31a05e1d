"""Comparisons and logic of two tensors, and choices between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.base.dtypes import standardize_dtype
from chainrule.ops._common import binary, eager_only, unary
from chainrule.tracing.casting import as_dtype, promote, promote_float
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation

__all__ = [
    "equal", "greater", "greater_equal", "isclose", "less", "less_equal", "logical_and",
    "logical_or", "logical_xor", "not_equal", "where",
]  # fmt: skip


def _comparison(name: str, function: str, text: str, result: str) -> Callable[[Any, Any], Any]:
    def op(x1: Any, x2: Any) -> Any:
        x1, x2 = promote(x1, x2)
        if standardize_dtype(x1.dtype) == "bool":
            x1, x2 = as_dtype(x1, "uint8"), as_dtype(x2, "uint8")
        return binary(function, x1, x2)

    op.__name__ = op.__qualname__ = name
    op.__doc__ = f"""Whether {text}, as NumPy's `np.{name}`.

    NaN equals no number and stands in no order.

    Parameters
    ----------
    x1, x2 : tensor
        Of shapes that broadcast, numbers or booleans; brought to their common dtype.

    Returns
    -------
    bool tensor
        The broadcast shape.

    Raises
    ------
    ShapeError
        Shapes that do not broadcast.
    DTypeError
        An argument that holds no numbers.

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
    """x1 and x2, as NumPy's `np.logical_and`; numbers count as True unless 0.

    Parameters
    ----------
    x1, x2 : tensor
        Of shapes that broadcast, booleans or numbers.

    Returns
    -------
    bool tensor
        The broadcast shape.

    Raises
    ------
    ShapeError
        Shapes that do not broadcast.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> logical_and([True, True], [True, False]).tolist()
    [True, False]
    """
    return binary("logical_and", as_dtype(x1, "bool"), as_dtype(x2, "bool"))


@operation
def logical_or(x1: Any, x2: Any) -> Any:
    """x1 or x2, as NumPy's `np.logical_or`; numbers count as True unless 0.

    Parameters
    ----------
    x1, x2 : tensor
        Of shapes that broadcast, booleans or numbers.

    Returns
    -------
    bool tensor
        The broadcast shape.

    Raises
    ------
    ShapeError
        Shapes that do not broadcast.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> logical_or([True, False], [False, False]).tolist()
    [True, False]
    """
    return binary("logical_or", as_dtype(x1, "bool"), as_dtype(x2, "bool"))


@operation
def logical_xor(x1: Any, x2: Any) -> Any:
    """Either x1 or x2 but not both, as NumPy's `np.logical_xor`; numbers count as True unless 0.

    Parameters
    ----------
    x1, x2 : tensor
        Of shapes that broadcast, booleans or numbers.

    Returns
    -------
    bool tensor
        The broadcast shape.

    Raises
    ------
    ShapeError
        Shapes that do not broadcast.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> logical_xor([True, True], [True, False]).tolist()
    [False, True]
    """
    return binary("logical_xor", as_dtype(x1, "bool"), as_dtype(x2, "bool"))


def where(condition: Any, x1: Any = None, x2: Any = None) -> Any:
    """x1 where `condition` holds, else x2, as NumPy's `np.where`.

    With `condition` alone: the indices of its true elements, one array an axis (arrays only). The
    side that is not chosen gets the gradient 0, even where it is NaN.

    Parameters
    ----------
    condition : bool tensor
        Of a shape that broadcasts with x1 and x2; numbers count as True unless 0.
    x1, x2 : tensor, optional
        Both or neither, of shapes that broadcast; brought to their common dtype.

    Returns
    -------
    tensor or tuple of tensors
        The broadcast shape, in the common dtype; without x1 and x2 an int64 array (count,) for each
        axis.

    Raises
    ------
    ValueError
        One of x1 and x2 without the other, or a scalar `condition` alone.
    ShapeError
        Shapes that do not broadcast.
    DTypeError
        An argument that holds no numbers.

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
def isclose(
    x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Any:
    """Whether |x1 - x2| <= atol + rtol |x2|, as NumPy's `np.isclose`; equal infinities are close.

    Parameters
    ----------
    x1, x2 : tensor
        Of shapes that broadcast; integers become floats.
    rtol : float
        The tolerance relative to |x2|. Default 1e-05.
    atol : float
        The absolute tolerance. Default 1e-08.
    equal_nan : bool
        Whether NaN is close to NaN. Default False.

    Returns
    -------
    bool tensor
        The broadcast shape.

    Raises
    ------
    ShapeError
        Shapes that do not broadcast.
    DTypeError
        An argument that holds no numbers.

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
