"""Numbers from what NumPy sees as objects: data frames of mixed columns, lists of mixed numbers.

Numbers and booleans are taken, None and NA among them as NaN. Everything else is refused, a column
by its name and dtype, with what can be done.
"""

from __future__ import annotations

import decimal
import numbers as kinds
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.base.errors import DataError, DTypeError
from chainrule.base.frames import MOST, Column, column_of, columns_of

__all__ = ["as_numbers", "missing_in"]

Array = NDArray[Any]

_BOOLS = (bool, np.bool_)
_INTEGERS = (*_BOOLS, int, np.integer)
_FLOATS = (float, np.floating)
_ENCODE = (
    "encode it as numbers (`utils.FeatureSpace`, `pandas.get_dummies`, or the index of each value), "
    "or drop it"
)
_CODES = (
    "encode it as numbers, by its codes where all data have the same categories (`cat.codes` of "
    "pandas, `to_physical()` of polars, `indices` of pyarrow), by `utils.FeatureSpace` or "
    "`get_dummies`, or drop it"
)
_SINCE = "turn it into a number, say of days since a start, or drop it"
_LENGTH = "turn it into a number, say of seconds (`dt.total_seconds()`), or drop it"


def as_numbers(x: Any, name: str = "") -> Array:
    """`x` as an array of numbers or booleans.

    Parameters
    ----------
    x : array-like
        A data frame, a column of one, an array of objects, a nested list.
    name : str
        Of the argument, for the message. Default: none is named.

    Returns
    -------
    ndarray
        Of the dtype that holds all columns, or all elements: bool, int64 or a float; float64 where
        values are missing.

    Raises
    ------
    DTypeError
        Something in it is no number; names the columns and what to do.
    DataError
        An integer beyond int64.

    Examples
    --------
    >>> as_numbers(np.array([1, 2.5, None, True], dtype=object), "x")
    array([1. , 2.5, nan, 1. ])
    >>> as_numbers(["u", "v"], "x")
    Traceback (most recent call last):
    chainrule.errors.DTypeError: x: expected an array of numbers or booleans, got dtype <U1, such as 'u': encode it as numbers (`utils.FeatureSpace`, `pandas.get_dummies`, or the index of each value), or drop it
    """
    place = f"{name}: " if name else ""
    columns = columns_of(x)
    if columns is None:
        array, column = np.asarray(x), column_of(x)
        if column is None or column.name is None:
            fault = _fault(array, array.dtype if column is None else column.dtype)
            expected = "an array of numbers or booleans"
        else:
            fault = _fault_of(column, array)
            expected = "numbers or booleans"
        if fault:
            raise DTypeError(f"{place}expected {expected}, got {fault}")
        return _numbers(array, place)
    arrays = [np.asarray(column.values) for column in columns]
    wrong = [fault for column, array in zip(columns, arrays) if (fault := _fault_of(column, array))]
    if wrong:
        more = f"; and {len(wrong) - MOST} more" if len(wrong) > MOST else ""
        raise DTypeError(
            f"{place}expected numbers or booleans in each column, got {'; '.join(wrong[:MOST])}{more}"
        )
    return np.column_stack(
        [_numbers(a, f"{place}column {c.name!r}: ") for c, a in zip(columns, arrays)]
    )


def missing_in(x: Any) -> str:
    """Which columns of a table hold NaN, infinity or nothing, as the end of a message; or "".

    Examples
    --------
    >>> missing_in(np.array([1.0, np.nan]))
    ''
    """
    columns = columns_of(x)
    if columns is None:
        column = column_of(x)
        columns = [] if column is None or column.name is None else [column]
    named = []
    for column in columns:
        values = np.asarray(column.values)
        numbers = "" if _fault(values, column.dtype) else _numbers(values, "")
        if not isinstance(numbers, str) and numbers.dtype.kind == "f":
            if not np.isfinite(numbers).all():
                named.append(f"column {column.name!r} of dtype {column.dtype}")
    if not named:
        return ""
    more = f" and {len(named) - MOST} more" if len(named) > MOST else ""
    return (
        f", in {', '.join(named[:MOST])}{more}: fill what is missing (`fillna`, `fill_null`), or drop "
        "those rows (`dropna`, `drop_nulls`)"
    )


def _fault_of(column: Column, array: Array) -> str:
    fault = _fault(array, column.dtype)
    return f"column {column.name!r} of {fault}" if fault else ""


def _fault(array: Array, dtype: Any) -> str:
    """What keeps the values from being numbers, and the remedy; "" where nothing does."""
    kind = array.dtype.kind
    if kind in "biuf" or array.dtype.name == "bfloat16":
        return ""
    if kind in "Mm":
        return f"dtype {dtype}: {_SINCE if kind == 'M' else _LENGTH}"
    if kind == "c":
        return f"dtype {dtype}: give its real and imaginary parts as two columns"
    if kind == "V":
        to_columns = "use `numpy.lib.recfunctions.structured_to_unstructured`"
        return f"dtype {dtype}: {to_columns if array.dtype.names else 'turn it into float32'}"
    values: Any = array.ravel()
    if kind == "O":
        found = set(map(type, values))
        if found and all(map(_is_missing, found)) and str(dtype) == "object":
            return f"dtype {dtype} without a number: fill it, or drop it"
        others = {t for t in found if not _is_number(t) and not _is_missing(t)}
        if not others:
            return ""
        values = [v for v in values if type(v) in others]
    first = values[0] if len(values) else ""
    remedy = _CODES if _is_category(dtype) else _remedy(first, values)
    return f"dtype {dtype}, such as {_shown(first)}: {remedy}"


def _is_category(dtype: Any) -> bool:
    """Whether a dtype is one of categories: `category`, `Categorical`, `Enum`, `dictionary<...>`."""
    return str(dtype).lower().startswith(("categor", "enum", "dictionary"))


def _shown(value: Any) -> str:
    text = repr(str(value) if isinstance(value, str) else value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _remedy(first: Any, values: Iterable[Any]) -> str:
    if isinstance(first, (str, bytes)):
        looks = all(isinstance(v, (str, bytes)) and _is_numeral(v) for v in values)
        return "turn it into numbers (`astype(float)`)" if looks else _ENCODE
    if isinstance(first, decimal.Decimal) or isinstance(first, kinds.Rational):
        return "turn it into numbers (`astype(float)`)"
    if hasattr(first, "collect"):
        return "make a table of it (`collect()`)"
    if hasattr(first, "__len__"):
        return "make one array of arrays of one shape (`numpy.stack`)"
    if hasattr(first, "total_seconds"):
        return _LENGTH
    if hasattr(first, "isoformat"):
        return _SINCE
    return "turn it into numbers, or drop it"


def _is_numeral(text: str | bytes) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_number(kind: type) -> bool:
    return issubclass(kind, (*_INTEGERS, *_FLOATS))


def _is_missing(kind: type) -> bool:
    return kind is type(None) or kind.__name__ == "NAType"


def _numbers(array: Array, place: str) -> Array:
    """An array of objects that are numbers, or missing, in the dtype that holds them."""
    if array.dtype.kind != "O":
        return array
    found = set(map(type, array.ravel()))
    if any(map(_is_missing, found)):
        missing = np.frompyfunc(lambda v: _is_missing(type(v)), 1, 1)(array).astype(bool)
        return np.where(missing, np.nan, array).astype("float64")
    if any(issubclass(t, _FLOATS) for t in found):
        small = found <= {*_BOOLS, np.float16, np.float32}
        return array.astype("float32" if small else "float64")
    if found and all(issubclass(t, _BOOLS) for t in found):
        return array.astype(bool)
    try:
        return array.astype("int64")
    except OverflowError as error:
        raise DataError(f"{place}expected integers of 64 bits, got a larger one") from error
