"""Models made of a file's configuration, not larger than the file accounts for."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from typing import Any

from chainrule.base import config
from chainrule.base.errors import FileFormatError
from chainrule.base.loading import bounded
from chainrule.base.registry import CustomObjectScope
from chainrule.utils.reading import damage

__all__ = ["Making"]

# Bytes of variables that a file need not account for: slots of an optimizer that was not saved, and
# the states of metrics.
_BESIDE = 1 << 27


class Making:
    """Makes what one file describes.

    Parameters
    ----------
    path : str
        Of the file, for messages.
    custom_objects : dict, optional
        What its configurations may name besides chainrule's and the registered classes.
    memory_limit : int, optional
        The most bytes of variables. Default: what the file holds twice and a little more, and no
        more than `config.memory_limit()`.
    length : int
        Of its configuration's text.
    shapes : collection of tuple
        Of its arrays.
    held : int
        Bytes of its arrays.
    """

    def __init__(
        self,
        path: str,
        custom_objects: Any,
        memory_limit: int | None,
        length: int,
        shapes: Collection[tuple[int, ...]],
        held: int,
    ) -> None:
        self._path = path
        self._custom_objects = custom_objects
        if memory_limit is None:
            memory_limit = min(config.memory_limit(), 2 * held + _BESIDE)
        self._limit = memory_limit
        self._length = length
        self._shapes = shapes

    def model(self, make: Callable[[], Any]) -> Any:
        """The model that `make` gives.

        Raises
        ------
        FileFormatError
            Whatever is wrong with the configuration.
        """
        with bounded(self._limit, self._length, self._shapes), self._objects():
            with damage(self._path, "a model configuration that can be read"):
                model = make()
        if not hasattr(model, "compiled"):
            raise FileFormatError(
                f"file '{self._path}': expected a model, got {type(model).__name__}"
            )
        return model

    def part(self, what: str, make: Callable[[], Any]) -> Any:
        """What `make` gives, of variables of whatever shapes.

        Raises
        ------
        FileFormatError
        """
        with bounded(self._limit, self._length), self._objects(), damage(self._path, what):
            return make()

    def _objects(self) -> AbstractContextManager[Any]:
        return CustomObjectScope(self._custom_objects)
