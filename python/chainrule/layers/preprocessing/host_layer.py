"""HostLayer: a layer of texts and categories, which runs on arrays before the compiled step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.base.errors import DataError, DTypeError
from chainrule.base.tables import as_numbers
from chainrule.layers.layer import Layer
from chainrule.tracing.scopes import in_symbolic_scope
from chainrule.tracing.tensor import KerasTensor

__all__ = ["HostLayer", "as_integers", "batches_of"]

Array = NDArray[Any]


class HostLayer(Layer):
    """A layer that computes in NumPy: what it looks up is no tensor that the core knows.

    Called on arrays or lists it runs at once. In a functional or Sequential model it runs before the
    compiled step, with all that stands before it; the step gets the numbers that it gives.
    """

    # Read by models: `chainrule.models.host`.
    runs_before_steps = True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._convert_input_args = False
        self._allow_non_tensor_positional_args = True
        self.supports_jit = False

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """What `call` gives for arrays or lists, or a symbolic tensor for symbolic ones.

        Raises
        ------
        DTypeError
            In a compiled step, and for inputs of another kind than the layer takes.
        """
        parts = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        tensors = [x for x in parts if isinstance(x, KerasTensor)]
        if not tensors:
            return super().__call__(self._received(inputs), *args, **kwargs)
        if in_symbolic_scope() or not all(x.is_symbolic for x in tensors):
            raise DTypeError(
                f"Layer '{self.name}' ({type(self).__name__}) runs before the compiled step and "
                "cannot be a part of it. Expected a functional or Sequential model that begins "
                "with it, or data that it was called on before, got a tensor of a traced step."
            )
        return super().__call__(inputs, *args, **kwargs)

    @property
    def input_dtype(self) -> str:
        """What a model that begins with the layer takes."""
        return "string"

    def _received(self, inputs: Any) -> Any:
        """The inputs as the arrays that `call` computes with."""
        raise NotImplementedError

    @property
    def _place(self) -> str:
        return f"layer '{self.name}' ({type(self).__name__})"


def as_integers(x: Any, place: str) -> Array:
    """`x` as an array of int64.

    Raises
    ------
    DTypeError
        For texts and other things that are no numbers.
    DataError
        For NaN, fractions, and integers beyond int64.

    Examples
    --------
    >>> as_integers([1.0, 2.0], "x")
    array([1, 2])
    """
    array = np.asarray(x)
    if array.dtype.kind not in "biuf":
        array = as_numbers(x, place)
    if array.dtype.kind == "f":
        bad = array != np.trunc(array)
        bad |= ~(np.abs(array) < 2.0**63)
        if bad.any():
            value = array.ravel()[int(np.argmax(bad.ravel()))]
            remedy = ": fill what is missing, or drop it" if np.isnan(value) else ""
            raise DataError(f"{place}: expected integers, got {value}{remedy}")
    elif array.dtype == np.uint64 and array.size and int(array.max()) >= 2**63:
        raise DataError(f"{place}: expected integers up to 2**63 - 1, got {array.max()}")
    return array.astype(np.int64)


def batches_of(data: Any, steps: int | None, place: str) -> Iterator[Any]:
    """What `adapt` is given, batch by batch: an array or a list is one, a row for each entry.

    Parameters
    ----------
    data : array, list, column of a data frame, or iterable of batches
        Of a batch that is a tuple, the first entry is taken.
    steps : int, optional
        The most batches of an iterable.
    place : str
        Begins the message.

    Raises
    ------
    TypeError
        For what is neither.
    ValueError
        Where there is no batch.
    """
    if isinstance(data, (list, tuple, str, bytes)) or hasattr(data, "__array__"):
        if not isinstance(data, (str, bytes)) and len(data) == 0:
            raise ValueError(f"{place}: adapt() expected data, got an empty {type(data).__name__}")
        yield data
        return
    if not isinstance(data, Iterable):
        if not (hasattr(data, "__getitem__") and hasattr(data, "__len__")):
            raise TypeError(
                f"{place}: adapt() expected an array, a list or an iterable of batches, got "
                f"{type(data).__name__}"
            )
        data = (data[i] for i in range(len(data)))
    none = True
    for batch in islice(data, steps):
        none = False
        yield batch[0] if isinstance(batch, tuple) else batch
    if none:
        raise ValueError(f"{place}: adapt() expected at least one batch, got none")


def is_batch(data: Any) -> bool:
    """Whether data for `adapt` are one batch, of a row for each entry."""
    return isinstance(data, (list, tuple, str, bytes)) or hasattr(data, "__array__")
