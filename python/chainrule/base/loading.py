"""What the loading of a file or a configuration may take: memory, and calls of ops.

Inside `bounded`, every variable that is made, every array that an op computes at once, and every
call of an op counts. A few bytes that ask for a layer of a billion units, or for a loop of a billion
steps, are refused before they take the memory or the time.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from chainrule.base import config
from chainrule.base.errors import ShapeError, too_deep
from chainrule.base.global_state import get_global_attribute, set_global_attribute

__all__ = [
    "Loading",
    "bounded",
    "check_depth",
    "current",
    "limit_of",
    "read_json",
    "take_elements",
]

_NAME = "loading"
# Variables of fewer elements need not stand in the file: the states of metrics and seeds, say.
_SMALL = 1 << 16
_MOST_CALLS = 1 << 14
_DEEPEST = 500


class Loading:
    """The bounds of one loading, and what is left of them.

    Parameters
    ----------
    memory : int
        Bytes of all variables together, and of each array that is computed.
    calls : int
        Calls of ops.
    shapes : collection of tuple, optional
        Of the file's tensors: a large variable has one of these. Default: any shape.
    """

    def __init__(
        self, memory: int, calls: int, shapes: Collection[tuple[int, ...]] | None = None
    ) -> None:
        self.memory = self.left = memory
        self.calls = self.calls_left = calls
        self.shapes = shapes

    def variable(self, path: str, shape: tuple[int, ...], itemsize: int) -> None:
        """Count a variable that is about to be made.

        Raises
        ------
        ShapeError
            A shape that the file has no tensor of.
        MemoryError
            Variables beyond the bound.
        """
        size = math.prod(shape)
        if self.shapes is not None and size > _SMALL and shape not in self.shapes:
            raise ShapeError(
                f"variable '{path}': expected one of the shapes of the file's tensors, got {shape}"
            )
        if size * itemsize > self.left:
            raise MemoryError(
                f"variable '{path}': expected at most {self.memory} bytes in all variables "
                f"(`memory_limit`), of which {self.left} are left, got shape {shape} of "
                f"{size * itemsize} bytes"
            )
        self.left -= size * itemsize

    def array(self, what: str, elements: float, itemsize: int = 8) -> None:
        """Look at the size of an array that is about to be made.

        Raises
        ------
        MemoryError
        """
        if elements * itemsize > self.memory:
            raise MemoryError(
                f"{what}: expected an array of at most {self.memory} bytes (`memory_limit`) while a "
                f"model is loaded, got one of {elements * itemsize}"
            )

    def call(self, what: str, count: int = 1) -> None:
        """Count a call of an op, or several.

        Raises
        ------
        ValueError
            More calls than the bound.
        """
        self.calls_left -= count
        if self.calls_left < 0:
            raise ValueError(
                f"{what}: expected at most {self.calls} calls of ops while a model is loaded, got "
                "more"
            )


def current() -> Loading | None:
    """The loading that is going on in this thread, or None."""
    found: Loading | None = get_global_attribute(_NAME)
    return found


def take_elements(what: str, elements: float) -> None:
    """Look at a number of elements, or of steps of a loop, that comes from an argument.

    Nothing happens unless something is being loaded.

    Raises
    ------
    MemoryError
        More than the loading may take.
    """
    loading = current()
    if loading is not None:
        loading.array(what, elements)


@contextmanager
def bounded(
    memory_limit: int | None = None,
    length: int = 0,
    shapes: Collection[tuple[int, ...]] | None = None,
) -> Iterator[None]:
    """Inside, what is made counts; within another such block, it counts there.

    Parameters
    ----------
    memory_limit : int, optional
        In bytes. Default: `config.memory_limit()`.
    length : int
        Of the text that is loaded: a longer one may call more ops.
    shapes : collection of tuple, optional
        As of `Loading`.

    Raises
    ------
    ValueError
        Another `memory_limit` than a positive number.

    Examples
    --------
    >>> from chainrule import Variable
    >>> with bounded(memory_limit=1000):
    ...     Variable("zeros", shape=(300,), name="v")
    Traceback (most recent call last):
        ...
    MemoryError: variable 'v': expected at most 1000 bytes in all variables (`memory_limit`), of \
which 1000 are left, got shape (300,) of 1200 bytes
    """
    if current() is not None:
        yield
        return
    set_global_attribute(_NAME, Loading(limit_of(memory_limit), _MOST_CALLS + length, shapes))
    try:
        yield
    finally:
        set_global_attribute(_NAME, None)


def limit_of(memory_limit: int | None) -> int:
    """The given limit, checked, or the one of `config`."""
    if memory_limit is None:
        return config.memory_limit()
    return config.checked_memory_limit(memory_limit)


def read_json(text: str | bytes) -> Any:
    """The lists and dicts that a JSON text describes.

    Raises
    ------
    ValueError
        Text that is no JSON, or that nests deeper than a configuration does.
    """
    try:
        document = json.loads(text)
    except RecursionError:
        raise too_deep("JSON") from None
    check_depth(document)
    return document


def check_depth(document: Any, deepest: int = _DEEPEST) -> None:
    """Refuse lists and dicts that nest deeper than a configuration does.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> check_depth({"layers": [[1], [2]]}, deepest=3)
    >>> check_depth([[[[1]]]], deepest=3)
    Traceback (most recent call last):
        ...
    ValueError: expected a configuration nested at most 3 deep, got a deeper one
    """
    level, depth = [document], 0
    while level:
        depth += 1
        inner: list[Any] = []
        for x in level:
            if isinstance(x, dict):
                inner.extend(x.values())
            elif isinstance(x, (list, tuple)):
                inner.extend(x)
        level = [x for x in inner if isinstance(x, (dict, list, tuple))]
        if depth > deepest:
            raise ValueError(
                f"expected a configuration nested at most {deepest} deep, got a deeper one"
            )
