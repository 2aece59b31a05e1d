"""Stored: what scopes and ops know of a Variable."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from chainrule import _core
from chainrule.tracing.operators import Operators

__all__ = ["Stored"]


class Stored(Operators):
    """A named array whose numbers are kept between calls; `Variable` is the class of them."""

    __hash__ = object.__hash__

    @property
    def cell(self) -> _core.Cell | None:
        """The storage in the core; None until a deferred initializer has run."""
        raise NotImplementedError

    @property
    def value(self) -> Any:
        """The current value: an array, or the traced or mapped value of the open scope."""
        raise NotImplementedError

    @property
    def dtype(self) -> str:
        """The dtype in which the variable reads here."""
        raise NotImplementedError

    @property
    def stored_dtype(self) -> str:
        """The dtype in which the variable is stored, whatever scope is open."""
        raise NotImplementedError

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the axes."""
        raise NotImplementedError

    @property
    def path(self) -> str:
        """The names of the scopes around the variable's making, and its name, joined by "/"."""
        raise NotImplementedError

    def numpy(self) -> NDArray[Any]:
        """The value as an array."""
        raise NotImplementedError

    def _deferred_initialize(self) -> None:
        """Run the initializer that has waited."""
        raise NotImplementedError
