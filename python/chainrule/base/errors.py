"""The exceptions of chainrule: each names the place, what was expected and what came.

`ShapeError`, `DTypeError`, `DataError`, `FileFormatError` and `GradientError` are raised by the core
as well as by Python. All but `DTypeError` and `GradientError` (`TypeError`s) are `ValueError`s, so code written for Keras that
catches `ValueError` keeps working.
"""

from __future__ import annotations

import re
from typing import Any

from chainrule._core import DataError, DTypeError, FileFormatError, GradientError, ShapeError
from chainrule.base.namespace import MissingNameError

__all__ = [
    "DTypeError",
    "DataError",
    "FileFormatError",
    "GradientError",
    "IndivisibleError",
    "MissingNameError",
    "NonFiniteError",
    "NotBuiltError",
    "NotCompiledError",
    "ShapeError",
]


class IndivisibleError(ShapeError):
    """A size cannot be cut into parts of one size.

    Parameters
    ----------
    message : str
    multiple : int
        What the size would have to be a multiple of, or times, to be cut.
    """

    def __init__(self, message: str, multiple: int = 1) -> None:
        super().__init__(message)
        self.multiple = multiple


class NotBuiltError(ValueError):
    """A layer or a model was used before its weights exist."""


class NonFiniteError(ValueError):
    """NaN or infinity was found where the user asked for finite numbers only."""


def too_deep(what: str) -> ValueError:
    """The error for what nests deeper than Python's stack goes."""
    return ValueError(f"expected {what} that nests less deep than Python's stack, got a deeper one")


def shown(x: object) -> str:
    """`repr(x)`, or its kind where it nests deeper than Python's stack goes."""
    try:
        return repr(x)
    except RecursionError:
        return f"a deeply nested {type(x).__name__}"


class NotCompiledError(ValueError):
    """A model was to be trained before `compile` chose a loss and an optimizer."""


def hide_unknown(error: BaseException, other: BaseException | None, size: int) -> None:
    """Put None for an unknown size that was `size` for a while, in an error and its causes.

    Parameters
    ----------
    error : exception
        Its arguments are changed.
    other : exception or None
        The same failure with another number for the unknown size: where numbers of the two differ,
        they come from it. Without one, the multiples of `size` do.
    size : int

    Examples
    --------
    >>> error = ShapeError("got (840, 8) for 840 units")
    >>> hide_unknown(error, ShapeError("got (1680, 8) for 840 units"), 840)
    >>> str(error)
    'got (None, 8) for 840 units'
    """
    firsts, seconds = _chain(error), _chain(other)
    same = len(firsts) == len(seconds)
    for i, link in enumerate(firsts):
        twin = seconds[i].args if same else None
        link.args = tuple(_hidden(list(link.args), None if twin is None else list(twin), size))


def wanted_multiple(error: BaseException) -> int:
    """What an unknown size has to be multiplied by for an error not to come; 1 if nothing helps."""
    return max(getattr(link, "multiple", 1) for link in _chain(error))


def _chain(error: BaseException | None) -> list[BaseException]:
    """An error, and what it came from."""
    links: list[BaseException] = []
    while error is not None and error not in links:
        links.append(error)
        error = error.__cause__ or error.__context__
    return links


def _hidden(value: Any, other: Any, size: int) -> Any:
    if isinstance(value, (list, tuple)):
        twins = other if isinstance(other, type(value)) and len(other) == len(value) else None
        parts = [
            _hidden(part, None if twins is None else twins[i], size)
            for i, part in enumerate(value)
        ]
        return parts if isinstance(value, list) else tuple(parts)
    if isinstance(value, int) and not isinstance(value, bool):
        unknown = value != other if isinstance(other, int) else _is_multiple(value, size)
        return None if unknown else value
    if not isinstance(value, str):
        return value
    words, twin = (re.split(r"(\d+)", v) if isinstance(v, str) else [] for v in (value, other))
    if words[::2] != twin[::2]:
        return re.sub(r"\d+", lambda m: "None" if _is_multiple(int(m[0]), size) else m[0], value)
    return "".join(w if w == t else "None" for w, t in zip(words, twin, strict=True))


def _is_multiple(number: int, size: int) -> bool:
    return number > 0 and number % size == 0


# Their public home: it is what a traceback and a pickle name.
for _kind in (IndivisibleError, NonFiniteError, NotBuiltError, NotCompiledError):
    _kind.__module__ = "chainrule.errors"
