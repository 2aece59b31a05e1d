"""A model's predictions as a graph, traced for sizes that are not known."""

from __future__ import annotations

import collections
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from chainrule import _core
from chainrule.base import tree
from chainrule.base.sizes import Size
from chainrule.exporting.checked import agree
from chainrule.exporting.signature import InputOf
from chainrule.tracing.scopes import SymbolicScope
from chainrule.tracing.stored import Stored
from chainrule.tracing.tensor import KerasTensor
from chainrule.tracing.trace import Trace
from chainrule.tracing.turns import tracing

__all__ = ["Traced", "trace_predictions"]


class _Numbers(Trace):
    """A trace that keeps which size each number is that it does not know."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: dict[int, Size] = {}

    def number(self, size: Size) -> KerasTensor:
        tensor = super().number(size)
        self.sizes[int(tensor.value)] = size
        return tensor


@dataclass
class Traced:
    """What a model's `call` does to inputs of free sizes.

    Attributes
    ----------
    graph : _core.Graph
    inputs : list of (InputOf, KerasTensor)
    outputs : structure of KerasTensor
    variables : list of (Stored, KerasTensor)
        What is read of the model, and the value before any change.
    updates : list of (Stored, KerasTensor)
        What a prediction changes in the model, and the value after it.
    sizes : dict
        Values that are sizes, by number.
    """

    graph: _core.Graph
    inputs: list[tuple[InputOf, KerasTensor]]
    outputs: Any
    variables: list[tuple[Stored, KerasTensor]]
    updates: list[tuple[Stored, KerasTensor]]
    sizes: dict[int, Size] = field(default_factory=dict)


def trace_predictions(model: Any, inputs: Sequence[InputOf], call: Callable[..., Any]) -> Traced:
    """Trace `call(tensors)`, the model's answer to tensors of these inputs.

    Raises
    ------
    ValueError
        A model that computes with a size as with a float, or decides by it.
    """
    with tracing:
        try:
            traced = _trace(inputs, call, _free_sizes())
        except (TypeError, ValueError) as error:
            if "size is not known" not in str(error) and "NaN" not in str(error):
                raise
            raise ValueError(
                f"export: model '{model.name}' decides by a size that is not known: {error}. Expected "
                "an input_signature in which that size is a number"
            ) from error
        finally:
            model._clear_losses()
        if any(None in given.shape for given in inputs):
            _check(model, traced, inputs, call)
    return traced


def _free_sizes() -> Callable[[int], Any]:
    """Of an axis the symbol of its size: one for all batches, one for each other axis."""
    others = map(Size.symbol, itertools.count(1))
    return lambda axis: next(others) if axis else Size.symbol(0)


# Sizes of free axes with which a trace is checked; the first that the model takes counts.
_TRIED = (7, 16, 64, 224, 1024, 4096, 16000, 2, 1)
_BATCH = 2


def _check(model: Any, traced: Traced, inputs: Sequence[InputOf], call: Callable[..., Any]) -> None:
    """Refuse a trace that gives other numbers than the model."""
    last: Exception | None = None
    for number in _TRIED:

        def sizes(axis: int, number: int = number) -> int:
            return number if axis else _BATCH

        symbols = collections.defaultdict(lambda number=number: number, {0: _BATCH})  # type: ignore[misc]
        try:
            fixed = _trace(inputs, call, sizes)
            same = agree(traced, fixed, inputs, sizes, symbols)
        except (ValueError, TypeError) as error:
            last = error
            continue
        finally:
            model._clear_losses()
        if not same:
            raise ValueError(
                f"export: model '{model.name}' computes other numbers where a size is free, as a layer "
                "reckons with it before there is data. Expected an input_signature in which it is a number"
            )
        return
    raise ValueError(
        f"export: model '{model.name}' takes none of the sizes {_TRIED} for what it leaves free: {last}. "
        "Expected an input_signature in which sizes are numbers"
    ) from last


def _trace(
    inputs: Sequence[InputOf], call: Callable[..., Any], size: Callable[[int], Any]
) -> Traced:
    with _Numbers() as trace, SymbolicScope():
        tensors = [
            trace.input(
                given.name,
                [size(axis) if n is None else n for axis, n in enumerate(given.shape)],
                given.dtype,
            )
            for given in inputs
        ]
        found = call(tensors)
        outputs = tree.map_structure(lambda x: None if x is None else trace.lift(x), found)
        updates = [(variable, trace.variables[id(variable)][1]) for variable in trace.updated]
    pairs = list(zip(inputs, tensors))
    return Traced(trace.graph, pairs, outputs, trace.reads, updates, trace.sizes)
