"""Compiled: a function written in ops, as a compiled program where no trace is open."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule import _core
from chainrule.base import tree
from chainrule.base.config import floatx
from chainrule.tracing.arrays import ENGINE_DTYPES, constant, engine_array, storage_dtype
from chainrule.tracing.recorder import OPEN, Call, observed
from chainrule.tracing.stateless import StatelessScope, in_stateless_scope
from chainrule.tracing.tensor import KerasTensor
from chainrule.tracing.trace import Trace, current_trace
from chainrule.tracing.turns import tracing
from chainrule.tracing.variable import Variable

__all__ = ["Compiled"]

_CACHE_SIZE = 128
# How often a function may be traced until it makes no new variable.
_TRACES = 4
_READ = frozenset(np.dtype(name) for name, engine in ENGINE_DTYPES.items() if name == engine)


class Compiled:
    """`f`, traced and compiled once for each combination of shapes and dtypes.

    Arrays and floats among the arguments are inputs; other Python values are fixed, and f is traced anew
    when they change. Variables are read and assigned at each call. Inside a trace f is called, and so
    part of that.

    Parameters
    ----------
    f : callable
    name : str
        Of f, for messages.
    """

    def __init__(self, f: Callable[..., Any], name: str) -> None:
        self.f = f
        self.name = name
        self._programs: dict[Any, _Traced] = {}
        self._has_warned = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if current_trace() is not None:
            return self.f(*args, **kwargs)
        leaves: list[Any] = []
        key = (floatx(), _look(args, leaves), _look(kwargs, leaves) if kwargs else None)
        if in_stateless_scope():
            # The numbers that the scope holds are those of this call.
            with tracing:
                return _Traced(self.f, self.name, args, kwargs).run(leaves)
        entry = self._programs.get(key) or self._trace(key, args, kwargs)
        return entry.run(leaves)

    def _trace(self, key: Any, args: Any, kwargs: Any) -> _Traced:
        with tracing:
            entry = self._programs.get(key)
            if entry is None:
                entry = self._programs[key] = _Traced(self.f, self.name, args, kwargs)
                if len(self._programs) > _CACHE_SIZE:
                    self._programs.pop(next(iter(self._programs)))
                    self._warn()
            return entry

    def _warn(self) -> None:
        """Of more programs than are kept the first goes, and others may come and go."""
        if not self._has_warned:
            self._has_warned = True
            warnings.warn(
                f"function '{self.name}' was traced {_CACHE_SIZE + 1} times, for arguments of so many "
                "shapes and Python values, and forgets the first of them. Numbers that change from call "
                "to call cost no tracing where they are floats or arrays.",
                stacklevel=6,
            )


def _is_input(x: Any) -> bool:
    return isinstance(x, (np.ndarray, np.generic, float)) and not isinstance(x, Variable)


def _look(x: Any, leaves: list[Any]) -> Any:
    """What of a structure makes a new trace necessary; its leaves are added to `leaves`."""
    kind = type(x)
    if kind is np.ndarray:
        leaves.append(x)
        return x.shape, x.dtype
    if kind is tuple or kind is list:
        return (kind, *[_look(item, leaves) for item in x])
    if tree.is_nested(x):
        skeleton = repr(tree.map_structure(lambda leaf: None, x, none_is_leaf=True))
        return (skeleton, *[_look(leaf, leaves) for leaf in tree.flatten(x)])
    leaves.append(x)
    if isinstance(x, Variable):
        return "variable", id(x)
    if _is_input(x):
        return np.shape(x), constant(x).dtype
    return kind, x if kind.__hash__ is not None else id(x)


class _Traced:
    """A traced and compiled function for arguments of one signature."""

    def __init__(self, f: Callable[..., Any], name: str, args: Any, kwargs: Any) -> None:
        leaves = tree.flatten((args, kwargs))
        self.is_input = [_is_input(x) for x in leaves]
        # What the key knows by its identity stays alive.
        self.fixed = [x for x in leaves if not _is_input(x)]
        for _ in range(_TRACES):
            newest = _core.Cell(np.zeros((), "float32")).id
            with Trace(cuts_assignments=True) as trace:

                def enter(x: Any) -> Any:
                    if not _is_input(x):
                        return x
                    return trace.input("", np.shape(x), constant(x).dtype.name)

                inside, named = tree.map_structure(enter, (args, kwargs))
                result = f(*inside, **named)
                outputs = tree.flatten(result)
                traced = [trace.lift(x) if _is_tensor(x) else None for x in outputs]
            cells = [variable.cell for variable, _ in trace.variables.values()]
            if all(cell is None or cell.id < newest for cell in cells):
                break
        else:
            raise RuntimeError(
                f"function '{name}': expected variables to be made once, got new ones each of the "
                f"{_TRACES} times that it was traced"
            )
        self.structure = result
        self.outputs = [x if tensor is None else None for x, tensor in zip(outputs, traced)]
        self.dtypes = [None if t is None else storage_dtype(t.dtype) for t in traced]
        self.is_plain_tensor = isinstance(result, KerasTensor)
        self.program = trace.compile([x for x in traced if x is not None])
        self.f = f
        self.arguments = tree.map_structure(lambda x: None if _is_input(x) else x, (args, kwargs))
        self.variables = [variable for variable, _ in trace.reads]

    def run(self, leaves: Sequence[Any]) -> Any:
        if OPEN:
            return self._run_observed(leaves)
        feeds = [
            x if type(x) is np.ndarray and x.dtype in _READ else engine_array(constant(x))
            for x, is_input in zip(leaves, self.is_input)
            if is_input
        ]
        found = iter(self.program.run(feeds))
        values = [
            plain if dtype is None else next(found).astype(dtype, copy=False)
            for plain, dtype in zip(self.outputs, self.dtypes)
        ]
        return values[0] if self.is_plain_tensor else tree.pack_sequence_as(self.structure, values)

    def _run_observed(self, leaves: Sequence[Any]) -> Any:
        """As `run`, of which tapes that are open take notice."""
        given = [constant(x) for x, is_input in zip(leaves, self.is_input) if is_input]
        read = [variable.value for variable in self.variables]
        results = self.program.run([engine_array(x) for x in given])
        dtypes = [dtype for dtype in self.dtypes if dtype is not None]
        arrays = [x.astype(dtype, copy=False) for x, dtype in zip(results, dtypes)]
        found = iter(observed(Call(lambda: self, self._replay), [*given, *read], arrays))
        values = [
            plain if dtype is None else next(found)
            for plain, dtype in zip(self.outputs, self.dtypes)
        ]
        return values[0] if self.is_plain_tensor else tree.pack_sequence_as(self.structure, values)

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
