"""The inputs of a layer that is checked: a structure of shapes, filled with numbers or symbols."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.base import tree
from chainrule.base.dtypes import standardize_dtype
from chainrule.testing.runs import Array
from chainrule.tracing.tensor import KerasTensor

__all__ = ["Inputs"]

# What an axis of unknown size has in the arrays.
_UNKNOWN = 5


class _Leaf:
    """One input: its shape without the batch."""

    def __init__(self, shape: Sequence[int | None]) -> None:
        self.shape = tuple(shape)


class Inputs:
    """What the call of a layer gets.

    Parameters
    ----------
    input_shape
        A shape without the batch; or a list or dict of them, as `call` takes it. A dict whose keys are
        arguments of `call` gives each of them.
    values : callable, or a structure of them as that of the shapes
        ``values(generator, shape)`` gives an array; default: standard normal numbers.
    arguments : sequence of str
        The names of the arguments of `call`.
    """

    def __init__(self, input_shape: Any, values: Any, arguments: Sequence[str]) -> None:
        self.structure = _leaves(input_shape)
        self.leaves: list[_Leaf] = tree.flatten(self.structure)
        if not self.leaves:
            raise ValueError(f"check_layer: expected the shape of an input, got {input_shape!r}")
        self.by_name = isinstance(input_shape, dict) and set(input_shape) <= set(arguments)
        self.draws: list[Callable[..., Any]] = (
            [values or _normal] * len(self.leaves)
            if values is None or callable(values)
            else tree.flatten(values)
        )
        if len(self.draws) != len(self.leaves):
            raise ValueError(
                f"check_layer: expected {len(self.leaves)} functions of values, got "
                f"{len(self.draws)}"
            )

    @property
    def names(self) -> list[str]:
        """What each input is called in a report."""
        if len(self.leaves) == 1 and not isinstance(self.structure, dict):
            return ["input"]
        paths = [path for path, _ in tree.flatten_with_path(self.structure)]
        return ["input " + ".".join(map(str, path)) for path in paths]

    def draw(self, rows: int, dtype: str, generator: np.random.Generator) -> list[Array]:
        """One batch, flat; floats in `dtype`."""
        arrays = []
        for leaf, values in zip(self.leaves, self.draws):
            shape = (rows, *(_UNKNOWN if n is None else n for n in leaf.shape))
            array = np.asarray(values(generator, shape))
            if array.shape != shape:
                raise ValueError(
                    f"check_layer: expected `values` to give the shape {shape}, got {array.shape}"
                )
            arrays.append(array.astype(dtype) if array.dtype.kind == "f" else array)
        return arrays

    def symbols(self, arrays: Sequence[Array], rows: int | None, unknown: bool) -> list[KerasTensor]:
        """Symbolic tensors like the arrays, for so many rows (None: not known).

        Parameters
        ----------
        unknown : bool
            Whether the axes that `input_shape` leaves open are unknown too.
        """
        return [
            KerasTensor(
                (rows, *(leaf.shape if unknown else x.shape[1:])), standardize_dtype(x.dtype)
            )
            for leaf, x in zip(self.leaves, arrays)
        ]

    def pack(self, tensors: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of the call."""
        packed = tree.pack_sequence_as(self.structure, list(tensors))
        return ((), dict(packed)) if self.by_name else ((packed,), {})


def _normal(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return generator.standard_normal(shape)


def _leaves(shape: Any) -> Any:
    if isinstance(shape, dict):
        return {key: _leaves(x) for key, x in shape.items()}
    if not isinstance(shape, (list, tuple)):
        raise ValueError(f"check_layer: expected a shape without the batch, got {shape!r}")
    if all(n is None or (isinstance(n, (int, np.integer)) and n >= 0) for n in shape):
        return _Leaf(shape)
    return [_leaves(x) for x in shape]
