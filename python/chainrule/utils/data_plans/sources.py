"""Where elements come from that are not rows by number: values, a generator."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from chainrule.base import tree
from chainrule.base.errors import DTypeError, ShapeError
from chainrule.utils.data_plans.leaves import as_leaves
from chainrule.utils.data_plans.plan import Plan, drop

__all__ = ["Generated", "Values"]


class Values(Plan):
    """A few elements as they are."""

    def __init__(self, values: Sequence[Any]) -> None:
        self.values = values
        self.count = len(values)

    def elements(self, turn: int, skip: int = 0) -> Iterator[Any]:
        return iter(self.values[skip:])


class Generated(Plan):
    """What a function's iterator yields, which is called for each pass.

    Parameters
    ----------
    function : callable
    arguments : tuple
    signature : structure of objects with `shape` and `dtype`, optional
        What each element is brought to, and held to.
    """

    def __init__(
        self, function: Callable[..., Any], arguments: tuple[Any, ...], signature: Any
    ) -> None:
        self.function = function
        self.arguments = arguments
        self.signature = signature

    def elements(self, turn: int, skip: int = 0) -> Iterator[Any]:
        given = self.function(*self.arguments)
        return drop(map(self._checked, given), skip)

    def _checked(self, element: Any) -> Any:
        element = as_leaves(element)
        if self.signature is None:
            return element
        try:
            return tree.map_structure(_brought, self.signature, element)
        except ValueError as error:
            if isinstance(error, (ShapeError, DTypeError)):
                raise
            raise ShapeError(
                f"Dataset.from_generator: expected elements in the structure of output_signature "
                f"{self.signature}, got {element!r:.80}"
            ) from error


def _brought(spec: Any, value: Any) -> Any:
    """A value of a generator, in the dtype and held to the shape that are said of it."""
    name = str(getattr(spec.dtype, "name", spec.dtype))
    array = np.asarray(value, None if name == "string" else name)
    if spec.shape is None:
        return array
    wanted = tuple(spec.shape)
    fits = len(wanted) == array.ndim and all(
        n is None or n == m for n, m in zip(wanted, array.shape)
    )
    if not fits:
        raise ShapeError(
            f"Dataset.from_generator: expected an array of shape {wanted} (output_signature), got "
            f"{array.shape}"
        )
    return array
