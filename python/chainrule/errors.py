"""The exceptions of chainrule: each names the place, what was expected and what came.

`ShapeError`, `DTypeError`, `DataError`, `FileFormatError` and `GradientError` are raised by the core
as well as by Python. All but `DTypeError` and `GradientError` (`TypeError`s) are `ValueError`s, so code written for Keras that
catches `ValueError` keeps working.
"""

from __future__ import annotations

from chainrule._core import DataError, DTypeError, FileFormatError, GradientError, ShapeError
from chainrule.namespace import MissingNameError, publish

__all__ = [
    "DTypeError",
    "DataError",
    "FileFormatError",
    "GradientError",
    "MissingNameError",
    "NonFiniteError",
    "NotBuiltError",
    "NotCompiledError",
    "ShapeError",
]


class NotBuiltError(ValueError):
    """A layer or a model was used before its weights exist."""


class NonFiniteError(ValueError):
    """NaN or infinity was found where the user asked for finite numbers only."""


class NotCompiledError(ValueError):
    """A model was to be trained before `compile` chose a loss and an optimizer."""


publish(globals())
