"""Texts from what users have: arrays of NumPy, lists, columns of data frames, bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.base.errors import DataError, DTypeError, ShapeError

__all__ = ["as_texts", "holds_texts", "is_text_list", "join_texts"]

Array = NDArray[Any]


def holds_texts(x: Any) -> bool:
    """Whether an array, a column or a nested list holds texts: its first element tells.

    Examples
    --------
    >>> holds_texts(["a", "b"]), holds_texts([[1, 2]]), holds_texts(np.array([b"a"]))
    (True, False, True)
    """
    while isinstance(x, (list, tuple)) and len(x):
        x = x[0]
    if isinstance(x, (str, bytes)):
        return True
    if not hasattr(x, "__array__"):
        return False
    array = np.asarray(x)
    if array.dtype.kind == "O":
        return any(isinstance(value, (str, bytes)) for value in array.ravel()[:1000])
    return array.dtype.kind in "UST"


def is_text_list(x: Any) -> bool:
    """Whether `x` is a list of texts, or of lists of them, and so one array."""
    while type(x) in (list, tuple) and x:
        x = x[0]
    return isinstance(x, (str, bytes))


def join_texts(x: Any, place: str) -> Any:
    """The structure with an array in the place of each list of texts."""
    if type(x) is dict:
        return {key: join_texts(value, f"{place}: {key!r}") for key, value in x.items()}
    return as_texts(x, place) if is_text_list(x) else x


def as_texts(x: Any, place: str, encoding: str = "utf-8") -> Array:
    """`x` as an array of objects that are all `str`, in the shape of `x`.

    Parameters
    ----------
    x : str, array-like
        Arrays of any kind of string or of objects, nested lists, columns of data frames.
    place : str
        Begins the message.
    encoding : str
        Of what is bytes. Default: UTF-8.

    Raises
    ------
    DTypeError
        Something in it is no text.
    DataError
        Something is missing (None, NaN), or bytes are none of that encoding; names the position.
    ShapeError
        Nested lists of different lengths.

    Examples
    --------
    >>> as_texts([[b"a"], ["b"]], "x").tolist()
    [['a'], ['b']]
    >>> as_texts(["a", None], "x")
    Traceback (most recent call last):
    chainrule.errors.DataError: x: expected texts, got None at position 1: fill what is missing with a text, as by `fillna("")`, or drop it
    """
    if isinstance(x, (str, bytes)):
        array = np.empty((), dtype=object)
        array[()] = x
    elif isinstance(x, np.ndarray):
        if x.dtype.kind not in "OUST":
            raise DTypeError(f"{place}: expected texts, got numbers of dtype {x.dtype}")
        array = x
    elif isinstance(x, (list, tuple)):
        array = _of_lists(x, place)
    else:
        array = np.asarray(x)
        if array.dtype.kind not in "OUST":
            raise DTypeError(f"{place}: expected texts, got {type(x).__name__} of {array.dtype}")
    if array.dtype.kind in "UT":
        return array.astype(object)
    values = array.ravel().tolist()
    kinds = set(map(type, values))
    if kinds <= {str}:
        return array
    texts = np.empty(len(values), dtype=object)
    texts[:] = [
        value if type(value) is str else _text(value, i, place, encoding)
        for i, value in enumerate(values)
    ]
    return texts.reshape(array.shape)


def _of_lists(x: Any, place: str) -> Array:
    """Nested lists as an array of objects: one long text makes no other longer."""
    shape: list[int] = []
    level = x
    while isinstance(level, (list, tuple)):
        shape.append(len(level))
        level = level[0] if len(level) else None
    if hasattr(level, "__array__") and not isinstance(level, np.generic):
        try:
            return np.asarray([np.asarray(part, dtype=object) for part in x], dtype=object)
        except ValueError as error:
            raise ShapeError(f"{place}: expected arrays of one shape ({error})") from error
    array = np.empty(tuple(shape), dtype=object)
    try:
        array[...] = x
    except ValueError:
        array = np.empty((), dtype=object)
    if array.shape != tuple(shape) or any(isinstance(v, (list, tuple)) for v in array.ravel()):
        raise ShapeError(f"{place}: expected rows of one length, got a nested list of different ones")
    return array


def _text(value: Any, position: int, place: str, encoding: str) -> str:
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bytes):
        try:
            return value.decode(encoding)
        except UnicodeDecodeError as error:
            raise DataError(
                f"{place}: expected texts in {encoding}, got bytes of another encoding at position "
                f"{position}: {value[:40]!r} ({error.reason}); set `encoding`, or decode them before"
            ) from None
    is_nan = isinstance(value, (float, np.floating)) and np.isnan(value)
    if value is None or is_nan or type(value).__name__ in ("NAType", "NaTType"):
        raise DataError(
            f"{place}: expected texts, got {'None' if value is None else 'NaN'} at position "
            f'{position}: fill what is missing with a text, as by `fillna("")`, or drop it'
        )
    shown = repr(value)
    raise DTypeError(
        f"{place}: expected texts, got {shown[:40]} of type {type(value).__name__} at position "
        f"{position}"
    )
