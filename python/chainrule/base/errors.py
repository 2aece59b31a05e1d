"""The exceptions of chainrule: each names the place, what was expected and what came.

`ShapeError`, `DTypeError`, `DataError`, `FileFormatError` and `GradientError` are raised by the core
as well as by Python. All but `DTypeError` and `GradientError` (`TypeError`s) are `ValueError`s, so code written for Keras that
catches `ValueError` keeps working.
"""

from __future__ import annotations

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
    """A size cannot be cut into parts of one size."""


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


# Their public home: it is what a traceback and a pickle name.
for _kind in (IndivisibleError, NonFiniteError, NotBuiltError, NotCompiledError):
    _kind.__module__ = "chainrule.errors"
