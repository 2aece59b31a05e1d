"""Compiled: a function written in ops, as a compiled program where no trace is open."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule._core import Program
from chainrule.base import tree
from chainrule.base.config import floatx
from chainrule.base.dtypes import standardize_dtype
from chainrule.tracing.arrays import constant, engine_array, storage_dtype
from chainrule.tracing.recorder import OPEN, Call, observed
from chainrule.tracing.stateless import StatelessScope
from chainrule.tracing.tensor import KerasTensor
from chainrule.tracing.trace import Trace, current_trace
from chainrule.tracing.variable import Variable

__all__ = ["Compiled"]

_CACHE_SIZE = 32


class Compiled:
    """`f`, traced and compiled once for each combination of shapes and dtypes.

    Arrays and floats among the arguments are inputs; other Python values are fixed, and f is traced anew
    when they change. Variables are read at each call. Inside a trace f is called, and so part of that.
    """

    def __init__(self, f: Callable[..., Any]) -> None:
        self.f = f
        self._programs: OrderedDict[Any, _Traced] = OrderedDict()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if current_trace() is not None:
            return self.f(*args, **kwargs)
        leaves = tree.flatten((args, kwargs))
        key = (floatx(), _skeleton((args, kwargs)), tuple(_signature(x) for x in leaves))
        entry = self._programs.get(key)
        if entry is None:
            entry = self._programs[key] = _Traced(self.f, args, kwargs)
            if len(self._programs) > _CACHE_SIZE:
                self._programs.popitem(last=False)
        else:
            self._programs.move_to_end(key)
        return entry.run(leaves)


def _is_input(x: Any) -> bool:
    return isinstance(x, (np.ndarray, np.generic, float)) and not isinstance(x, Variable)


def _signature(x: Any) -> Any:
    """What of a leaf makes a new trace necessary."""
    if isinstance(x, Variable):
        return ("variable", id(x))
    if _is_input(x):
        return (np.shape(x), standardize_dtype(constant(x).dtype))
    return (type(x), x if x.__hash__ is not None else id(x))


def _skeleton(structure: Any) -> Any:
    """The structure without its leaves, as something to compare."""
    return repr(tree.map_structure(lambda leaf: None, structure, none_is_leaf=True))


class _Traced:
    """A traced and compiled function for arguments of one signature."""

    def __init__(self, f: Callable[..., Any], args: Any, kwargs: Any) -> None:
        self.f = f
        self.arguments = tree.map_structure(lambda x: None if _is_input(x) else x, (args, kwargs))
        self.is_input = [_is_input(x) for x in tree.flatten((args, kwargs))]
        with Trace() as trace:

            def enter(x: Any) -> Any:
                if not _is_input(x):
                    return x
                return trace.input("", np.shape(x), standardize_dtype(constant(x).dtype))

            inside, named = tree.map_structure(enter, (args, kwargs))
            result = f(*inside, **named)
            self.structure = result
            self.outputs = tree.flatten(result)
            self.traced = [trace.lift(x) if _is_tensor(x) else None for x in self.outputs]
        self.variables = [variable for variable, _ in trace.reads]
        self.program: Program = trace.compile([x for x in self.traced if x is not None])

    def run(self, leaves: Sequence[Any]) -> Any:
        given = [constant(x) for x in leaves if _is_input(x)]
        read = [variable.value for variable in self.variables] if OPEN else []
        found = self.program.run([engine_array(x) for x in given])
        dtypes = [x.dtype for x in self.traced if x is not None]
        arrays = [x.astype(storage_dtype(d), copy=False) for x, d in zip(found, dtypes)]
        if OPEN:
            arrays = observed(Call(lambda: self, self._replay), [*given, *read], arrays)
        results = iter(arrays)
        values = [
            plain if tensor is None else next(results)
            for plain, tensor in zip(self.outputs, self.traced)
        ]
        return tree.pack_sequence_as(self.structure, values)

    def _replay(self, inputs: list[Any]) -> list[KerasTensor]:
        """The outputs in the open trace; the inputs are the arguments, then the variables' values."""
        trace = current_trace()
        assert trace is not None, "records are replayed inside a trace"
        given = iter(inputs)
        leaves = [
            next(given) if is_input else x
            for x, is_input in zip(tree.flatten(self.arguments), self.is_input)
        ]
        args, kwargs = tree.pack_sequence_as(self.arguments, leaves)
        with StatelessScope(list(zip(self.variables, given))):
            outputs = tree.flatten(self.f(*args, **kwargs))
        return [trace.lift(x) for x in outputs if _is_tensor(x)]


def _is_tensor(x: Any) -> bool:
    return isinstance(x, (KerasTensor, np.ndarray, Variable))
