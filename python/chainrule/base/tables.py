"""Numbers from what NumPy sees as objects: data frames of mixed columns, lists of mixed numbers.

Numbers and booleans are taken, None and NA among them as NaN. Everything else is refused, a column
by its name, with what can be done. Data frames of pandas and polars and tables of pyarrow are known
by their methods; none of these libraries is imported.
"""

from __future__ import annotations

import decimal
import numbers as kinds
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.base.errors import DataError, DTypeError

__all__ = ["as_numbers"]

Array = NDArray[Any]

_BOOLS = (bool, np.bool_)
_INTEGERS = (*_BOOLS, int, np.integer)
_FLOATS = (float, np.floating)
# The most columns that a message names.
_MOST = 5
_ENCODE = "encode it as numbers (`pandas.get_dummies`, or the index of each value), or drop it"


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
    chainrule.errors.DTypeError: x: expected an array of numbers or booleans, got dtype <U1, such as 'u': encode it as numbers (`pandas.get_dummies`, or the index of each value), or drop it
    """
    place = f"{name}: " if name else ""
    columns = _columns(x)
    if columns is None:
        array = np.asarray(x)
        fault = _fault(array, getattr(x, "dtype", array.dtype))
        if fault:
            raise DTypeError(f"{place}expected an array of numbers or booleans, got {fault}")
        return _numbers(array, place)
    arrays = [(label, np.asarray(column), dtype) for label, column, dtype in columns]
    faults = [(label, _fault(array, dtype)) for label, array, dtype in arrays]
    wrong = [f"column {label!r} of {fault}" for label, fault in faults if fault]
    if wrong:
        more = f"; and {len(wrong) - _MOST} more" if len(wrong) > _MOST else ""
        raise DTypeError(
            f"{place}expected numbers or booleans in each column, got "
            f"{'; '.join(wrong[:_MOST])}{more}"
        )
    return np.column_stack([_numbers(a, f"{place}column {label!r}: ") for label, a, _ in arrays])


def _columns(x: Any) -> list[tuple[Any, Any, Any]] | None:
    """The columns of a table with their labels and dtypes; None for what is no table."""
    if hasattr(x, "iloc") and hasattr(x, "columns"):  # pandas
        return [(label, x.iloc[:, i], x.dtypes.iloc[i]) for i, label in enumerate(x.columns)]
    if hasattr(x, "get_columns"):  # polars
        return [(column.name, column, column.dtype) for column in x.get_columns()]
    if hasattr(x, "column_names") and hasattr(x, "columns"):  # pyarrow
        names = zip(x.column_names, x.columns, strict=True)
        return [(label, column, column.type) for label, column in names]
    return None


def _fault(array: Array, dtype: Any) -> str:
    """What keeps the values from being numbers, and the remedy; "" where nothing does."""
    kind = array.dtype.kind
    if kind in "biuf" or array.dtype.name == "bfloat16":
        return ""
    if kind in "Mm":
        return f"dtype {dtype}: turn it into a number, say of days since a start, or drop it"
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
    return f"dtype {dtype}, such as {_shown(first)}: {_remedy(first, values)}"


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
    if hasattr(first, "isoformat") or hasattr(first, "total_seconds"):
        return "turn it into a number, say of days since a start, or drop it"
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
