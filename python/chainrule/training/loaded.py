"""What layers of texts made of a model's inputs, before the compiled step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.base import tree
from chainrule.base.errors import DTypeError
from chainrule.base.frames import by_name
from chainrule.base.texts import as_texts, holds_texts, is_text_list
from chainrule.training.data import to_arrays
from chainrule.training.mapped import MappedRows, to_rows

__all__ = ["Loaded", "LoadedRows", "batch_loader", "inputs_of", "loader_of"]

Array = NDArray[Any]


@tree.register_tree_node_class
class Loaded(list[Any]):
    """The numbers that a model's compiled step begins with, in the order of its `HostPart`."""

    def tree_flatten(self) -> tuple[list[Any], None]:
        """The leaves, for `chainrule.tree`."""
        return list(self), None

    @classmethod
    def tree_unflatten(cls, metadata: None, children: Iterable[Any]) -> Loaded:
        """The inverse of `tree_flatten`."""
        return cls(children)


class LoadedRows(MappedRows):
    """One of the arrays that a function makes of rows, too large to be made at once.

    Parameters
    ----------
    make : function
        ``make(rows)`` gives all arrays, for a slice or an array of row numbers.
    index : int
        Which of them.
    count : int
        Rows.
    sample : ndarray
        Some rows, of which shape and dtype are taken.
    """

    def __init__(
        self, make: Callable[[Any], list[Array]], index: int, count: int, sample: Array
    ) -> None:
        self.name = "x"
        self._make = make
        self._index = index
        self._count = count
        self._sample = sample
        self.shape = (count, *sample.shape[1:])
        self.ndim = sample.ndim
        self.dtype = sample.dtype

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, rows: Any) -> Array:
        """The rows, made: of a slice, or of an array of numbers."""
        return self._make(rows)[self._index]

    def part(self, rows: slice) -> LoadedRows:
        """Some of the rows, still not made."""
        chosen = np.arange(self._count)[rows]
        return LoadedRows(
            lambda inner: self._make(chosen[inner]), self._index, len(chosen), self._sample
        )


def loader_of(model: Any) -> Callable[[Any], Any] | None:
    """What makes the inputs of the compiled step of a model's, for models with layers of texts."""
    return partial(_load, model) if getattr(model, "_takes_texts", False) else None


def inputs_of(model: Any, x: Any, convert: Callable[[Any, str], Any] = to_rows) -> Any:
    """The arrays of a model's inputs: of texts what their layers make, of a table its columns.

    Parameters
    ----------
    model : Model
    x : any
        As for `fit`.
    convert : function
        Makes an array of what is neither. Default: `to_rows`.
    """
    load = loader_of(model)
    if load is not None:
        return load(x)
    return to_arrays(by_name(x, model._column_names, model.name), "x", convert)


def batch_loader(model: Any) -> Callable[[Any], Any] | None:
    """What makes the inputs of a batch, where there is more to do than to convert."""
    names = model._column_names
    return loader_of(model) or (partial(_of_columns, names, model.name) if names else None)


def _of_columns(names: Sequence[str], model: str, x: Any) -> Any:
    return to_arrays(by_name(x, names, model), "x")


def _load(model: Any, x: Any) -> Any:
    """The numbers that the compiled step begins with.

    Raises
    ------
    DTypeError
        Texts for a model that is neither functional nor Sequential.
    """
    x = _received(by_name(x, model._column_names, model.name), "x")
    part = model._host_part(x)
    if part is not None:
        return part.load(x)
    for leaf in tree.flatten(x):
        if isinstance(leaf, np.ndarray) and leaf.dtype.kind == "O":
            raise DTypeError(
                f"model '{model.name}': expected numbers, got texts. In a model with a `call` of its "
                "own, a layer of texts cannot be told before it runs: make a functional or "
                "Sequential model, or call the layer on the data before"
            )
    return x


def _received(x: Any, name: str) -> Any:
    """The structure with an array of numbers or of texts for each leaf."""
    if isinstance(x, dict):
        return {key: _received(value, f"{name}[{key!r}]") for key, value in x.items()}
    if is_text_list(x):
        return as_texts(x, name)
    return to_arrays(x, name, _to_texts_or_rows)


def _to_texts_or_rows(x: Any, name: str) -> Any:
    return as_texts(x, name) if holds_texts(x) else to_rows(x, name)
