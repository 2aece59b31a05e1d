"""Arithmetic of two tensors, element by element under broadcasting.

Dtypes follow `dtypes.result_type`: Python numbers take the width of the tensor beside them.
"""

from __future__ import annotations

from typing import Any

from chainrule.base.dtypes import is_float_dtype, standardize_dtype
from chainrule.base.errors import DTypeError
from chainrule.ops._common import binary, unary
from chainrule.tracing.casting import as_dtype, promote, promote_float
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation

__all__ = [
    "add", "divide", "divide_no_nan", "floor_divide", "fmax", "fmin", "fmod", "maximum",
    "minimum", "mod", "multiply", "power", "subtract", "true_divide",
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
    """x1 + x2, as NumPy's `np.add`; booleans: x1 or x2. Integers wrap around.

    Parameters
    ----------
    x1, x2 : tensor
        Of shapes that broadcast, numbers or booleans; brought to their common dtype.

    Returns
    -------
    tensor
        The broadcast shape, in the common dtype.

    Raises
    ------
    ShapeError
        Shapes that do not broadcast.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> add([1, 2], [10, 20]).tolist()
    [11, 22]
    """
    return _arithmetic("add", "logical_or", x1, x2)


@operation
def subtract(x1: Any, x2: Any) -> Any:
    """x1 - x2, as NumPy's `np.subtract`. Integers wrap around.

    Parameters
    ----------
    x1, x2 : tensor
        Of shapes that broadcast, not both booleans; brought to their common dtype.

    Returns
    -------
    tensor
        The broadcast shape, in the common dtype.

    Raises
    ------
    ShapeError
        Shapes that do not broadcast.
    DTypeError
        Booleans on both sides, or an argument that holds no numbers.

    Examples
    --------
    >>> subtract([10, 20], [1, 2]).tolist()
    [9, 18]
    """
    return _arithmetic("sub", None, x1, x2)


@operation
def multiply(x1: Any, x2: Any) -> Any:
    """x1 * x2, element by element, as NumPy's `np.multiply`; booleans: x1 and x2.

    Parameters
    ----------
    x1, x2 : tensor
        Of shapes that broadcast, numbers or booleans; brought to their common dtype.

    Returns
    -------
    tensor
        The broadcast shape, in the common dtype.

    Raises
    ------
    ShapeError
        Shapes that do not broadcast.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> multiply([1, 2], 3).tolist()
    [3, 6]
    """
    return _arithmetic("mul", "logical_and", x1, x2)


@operation
def true_divide(x1: Any, x2: Any) -> Any:
    """x1 / x2 as floats, as NumPy's `np.true_divide`; x/0 is an infinity and 0/0 NaN.

    Parameters
    ----------
    x1, x2 : tensor
        Of shapes that broadcast; integers and booleans become floats.

    Returns
    -------
    tensor
        The broadcast shape, in the common float dtype (`floatx()` for integers).

    Raises
    ------
    ShapeError
        Shapes that do not broadcast.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> true_divide(1, [2, 4]).tolist()
    [0.5, 0.25]
    """
    return binary("div", *promote_float(x1, x2))


@operation
def divide(x1: Any, x2: Any) -> Any:
    """x1 / x2 as floats, as NumPy's `np.divide`; the same as `true_divide`.

    Parameters
    ----------
    x1, x2 : tensor
        Of shapes that broadcast; integers and booleans become floats.

    Returns
    -------
    tensor
        The broadcast shape, in the common float dtype (`floatx()` for integers).

    Raises
    ------
    ShapeError
        Shapes that do not broadcast.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> divide(1, [2, 4]).tolist()
    [0.5, 0.25]
    """
    return binary("div", *promote_float(x1, x2))


@operation
def divide_no_nan(x1: Any, x2: Any) -> Any:
    """x1 / x2, and 0 where x2 is 0, as TensorFlow's `tf.math.divide_no_nan`; there the derivative
    is 0 too.

    Parameters
    ----------
    x1, x2 : tensor
        Of shapes that broadcast; integers and booleans become floats.

    Returns
    -------
    tensor
        The broadcast shape, in the common float dtype (`floatx()` for integers).

    Raises
    ------
    ShapeError
        Shapes that do not broadcast.
    DTypeError
        An argument that holds no numbers.

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
    """floor(x1 / x2), as NumPy's `np.floor_divide`; integers by 0 give 0.

    Parameters
    ----------
    x1, x2 : tensor
        Of shapes that broadcast; brought to their common dtype, booleans to int32.

    Returns
    -------
    tensor
        The broadcast shape, in the common dtype (int32 for booleans).

    Raises
    ------
    ShapeError
        Shapes that do not broadcast.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> floor_divide([7, -7], 2).tolist()
    [3, -4]
    """
    return binary("floor_div", *_numbers(x1, x2))


@operation
def mod(x1: Any, x2: Any) -> Any:
    """x1 - floor(x1 / x2) x2: the remainder with the sign of x2, as NumPy's `np.mod`.

    By 0 it is NaN for floats and 0 for integers.

    Parameters
    ----------
    x1, x2 : tensor
        Of shapes that broadcast; brought to their common dtype, booleans to int32.

    Returns
    -------
    tensor
        The broadcast shape, in the common dtype (int32 for booleans).

    Raises
    ------
    ShapeError
        Shapes that do not broadcast.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> mod([7, -7], 3).tolist()
    [1, 2]
    """
    return binary("mod", *_numbers(x1, x2))


@operation
def fmod(x1: Any, x2: Any) -> Any:
    """x1 - trunc(x1 / x2) x2: the remainder with the sign of x1, as NumPy's `np.fmod`.

    By 0 it is NaN for floats and 0 for integers.

    Parameters
    ----------
    x1, x2 : tensor
        Of shapes that broadcast; brought to their common dtype, booleans to int32.

    Returns
    -------
    tensor
        The broadcast shape, in the common dtype (int32 for booleans).

    Raises
    ------
    ShapeError
        Shapes that do not broadcast.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> fmod([7, -7], 3).tolist()
    [1, -1]
    """
    x1, x2 = _numbers(x1, x2)
    negative = binary("lt", x1, as_dtype(0, standardize_dtype(x1.dtype)))
    size = apply("select", {}, [negative, _negated(x1), x1])
    size = binary("mod", size, _absolute(x2))
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
    """x1 ^ x2, as NumPy's `np.power`; derivatives x2 x1^(x2 - 1) and ln(x1) x1^x2.

    The exponent 2, as a Python number, is computed as x1 * x1. A negative power of an integer is
    cut to an integer.

    Parameters
    ----------
    x1 : tensor
        The base, of a shape that broadcasts with that of x2; booleans become int32.
    x2 : tensor
        The exponent.

    Returns
    -------
    tensor
        The broadcast shape, in the common dtype (int32 for booleans).

    Raises
    ------
    ShapeError
        Shapes that do not broadcast.
    DTypeError
        An argument that holds no numbers.

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
    """The larger of x1 and x2, NaN where either is, as NumPy's `np.maximum`.

    At ties each gets half the gradient. Booleans: x1 or x2.

    Parameters
    ----------
    x1, x2 : tensor
        Of shapes that broadcast, numbers or booleans; brought to their common dtype.

    Returns
    -------
    tensor
        The broadcast shape, in the common dtype.

    Raises
    ------
    ShapeError
        Shapes that do not broadcast.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> maximum([1, 5], 3).tolist()
    [3, 5]
    """
    return _arithmetic("maximum", "logical_or", x1, x2)


@operation
def minimum(x1: Any, x2: Any) -> Any:
    """The smaller of x1 and x2, NaN where either is, as NumPy's `np.minimum`.

    At ties each gets half the gradient. Booleans: x1 and x2.

    Parameters
    ----------
    x1, x2 : tensor
        Of shapes that broadcast, numbers or booleans; brought to their common dtype.

    Returns
    -------
    tensor
        The broadcast shape, in the common dtype.

    Raises
    ------
    ShapeError
        Shapes that do not broadcast.
    DTypeError
        An argument that holds no numbers.

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
    """The larger of x1 and x2, ignoring NaN on one side, as NumPy's `np.fmax`.

    Parameters
    ----------
    x1, x2 : tensor
        Of shapes that broadcast, numbers or booleans; brought to their common dtype.

    Returns
    -------
    tensor
        The broadcast shape, in the common dtype; NaN only where both are.

    Raises
    ------
    ShapeError
        Shapes that do not broadcast.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> fmax([1.0, float("nan")], 3.0).tolist()
    [3.0, 3.0]
    """
    return _ignoring_nan("maximum", "logical_or", x1, x2)


@operation
def fmin(x1: Any, x2: Any) -> Any:
    """The smaller of x1 and x2, ignoring NaN on one side, as NumPy's `np.fmin`.

    Parameters
    ----------
    x1, x2 : tensor
        Of shapes that broadcast, numbers or booleans; brought to their common dtype.

    Returns
    -------
    tensor
        The broadcast shape, in the common dtype; NaN only where both are.

    Raises
    ------
    ShapeError
        Shapes that do not broadcast.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> fmin([1.0, float("nan")], 3.0).tolist()
    [1.0, 3.0]
    """
    return _ignoring_nan("minimum", "logical_and", x1, x2)
