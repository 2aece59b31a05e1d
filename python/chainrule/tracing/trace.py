"""Trace: a graph under construction, to which the ops that are called become nodes."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import numpy as np

from chainrule import _core
from chainrule.base.dtypes import is_float_dtype
from chainrule.base.sizes import Size, as_size
from chainrule.tracing.arrays import constant, engine_array, engine_dtype
from chainrule.tracing.recorder import observed
from chainrule.tracing.scopes import Scope, active_scopes, scopes_around
from chainrule.tracing.stored import Stored
from chainrule.tracing.tensor import KerasTensor

__all__ = ["Trace", "current_trace", "next_tag"]

_tags = itertools.count()


def next_tag() -> int:
    """A number that no other node has."""
    return next(_tags)


class Trace(Scope):
    """A graph being built: ops called inside `with Trace() as trace:` become its nodes.

    Attributes
    ----------
    graph : _core.Graph
        The graph that receives the nodes.
    variables : dict
        Every variable read or assigned so far, by identity, with its current traced value.
    updated : list of Variable
        The variables assigned so far, in order of their first assignment.
    losses : list
        Values given to `add_loss` while tracing.
    cuts_assignments : bool
        Whether a variable that was assigned reads as a value that depends on nothing: what is
        differentiated later is not differentiated through the assignment. Default False.
    branches : int
        How many branches of `ops.cond` are open; inside, the value before an assignment is kept.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import ops
    >>> with Trace() as trace:
    ...     x = trace.input("x", (2,), "float32")
    ...     y = ops.square(x)
    >>> program = trace.compile([y])
    >>> program.run([np.array([1.0, 3.0], "float32")])[0].tolist()
    [1.0, 9.0]
    """

    is_last = True

    def __init__(self, cuts_assignments: bool = False) -> None:
        self.cuts_assignments = cuts_assignments
        # By variable the number of a value that was assigned, and has not been read since.
        self._uncut: dict[int, int] = {}
        self.graph = _core.Graph()
        self.variables: dict[int, tuple[Stored, KerasTensor]] = {}
        self.reads: list[tuple[Stored, KerasTensor]] = []
        self.updated: list[Stored] = []
        self.losses: list[Any] = []
        self.branches = 0

    def tensor(self, value: int, dtype: str | None = None) -> KerasTensor:
        """The traced KerasTensor of the graph's value with number `value`."""
        shape, engine_dtype = self.graph.spec(value)
        return KerasTensor.traced(self, value, tuple(shape), dtype or engine_dtype)

    def input(self, name: str, shape: Iterable[int | Size], dtype: str) -> KerasTensor:
        """A fed input; feeds are given to the program in the order of these calls."""
        shape = tuple(as_size(size) for size in shape)
        return self.tensor(self.graph.input(name, shape, engine_dtype(dtype)), dtype)

    def number(self, size: Size) -> KerasTensor:
        """A number that is not known, as a size that is none while shapes are inferred."""
        return self.input("", (), "int32")

    def lift(self, x: Any) -> KerasTensor:
        """`x` as a value of this graph: traced tensors as they are, the rest as constants."""
        x = constant(x)
        if not isinstance(x, KerasTensor):
            return self.tensor(self.graph.constant(engine_array(x)), x.dtype.name)
        tensor = self.brought_out(x)
        if tensor.trace is not self:
            raise TypeError(
                f"{x!r} belongs to another trace (or is symbolic); a value can only be used "
                "inside the trace that made it."
            )
        return tensor

    def brought_out(self, x: KerasTensor) -> KerasTensor:
        """`x` as a value of this graph, where a function that was traced apart has made it; else `x`."""
        found: KerasTensor | None = x
        while found is not None and found.trace is not self:
            found = None if found.trace is None else found.trace.seen_around(found)
        return x if found is None else found

    def seen_around(self, x: KerasTensor) -> KerasTensor | None:
        """What a value of this trace is in the trace around, where it is known there."""
        return None

    def read(self, variable: Stored) -> KerasTensor:
        """The variable's current value here: read from its cell, or what was assigned last."""
        known = self.variables.get(id(variable))
        if known is not None:
            if self._uncut.get(id(variable)) == known[1].value:
                del self._uncut[id(variable)]
                number = self.graph.push("stop_gradient", {}, [known[1].value])[0]
                cut = self.separate(self.tensor(number, known[1].dtype))
                known = self.variables[id(variable)] = (variable, cut)
            return known[1]
        value = self._mapped_outside(variable)
        if value is None and variable.cell is not None:
            number = self.graph.read(variable.cell)
        elif value is None:
            dtype = engine_dtype(variable.stored_dtype)
            number = self.graph.input(variable.path, variable.shape, dtype)
        else:
            number = self.graph.constant(engine_array(value))
        tensor = self.tensor(number, variable.stored_dtype)
        self.variables[id(variable)] = (variable, tensor)
        self.reads.append((variable, tensor))
        return tensor

    def _mapped_outside(self, variable: Stored) -> Any:
        """The numbers that a StatelessScope around this trace holds for `variable`, or None."""
        for scope in scopes_around(self):
            value = None if isinstance(scope, Trace) else scope.read(variable)
            if isinstance(value, np.ndarray):
                return value
        return None

    def assign(self, variable: Stored, value: Any) -> None:
        """Make `value` the variable's value from here on, and after the program has run."""
        if self.branches:
            self.read(variable)
        if all(known is not variable for known in self.updated):
            self.updated.append(variable)
        tensor = self.lift(value)
        if variable.cell is not None:
            self.graph.assign(variable.cell, tensor.value)
        self.variables[id(variable)] = (variable, tensor)
        if self.cuts_assignments and is_float_dtype(tensor.dtype):
            self._uncut[id(variable)] = tensor.value

    def add_loss(self, loss: Any) -> None:
        """Keep a loss that a layer reported."""
        self.losses.append(loss)

    def gradients(self, loss: Any, wrt: Iterable[KerasTensor]) -> list[KerasTensor]:
        """d loss / d w for each traced `w`, as new nodes of the graph; `loss` is a scalar."""
        targets = [self.lift(w) for w in wrt]
        numbers = self.graph.gradients(self.lift(loss).value, [w.value for w in targets])
        return [self.tensor(n, w.dtype) for n, w in zip(numbers, targets)]

    def pullback(
        self,
        values: Iterable[KerasTensor],
        weights: Iterable[Any],
        wrt: Iterable[KerasTensor],
        fixed: Iterable[int] = (),
    ) -> list[KerasTensor | None]:
        """d sum(value * weight) / d w for each traced `w`, None where no value depends on it.

        The values of the graph with the numbers `fixed` are taken not to depend on others.
        """
        targets = [self.lift(w) for w in wrt]
        seeds = [self.lift(x).value for x in weights]
        numbers = self.graph.pullback(
            [self.lift(x).value for x in values], seeds, [w.value for w in targets], list(fixed)
        )
        return [
            None if n is None else self.tensor(n, w.dtype) for n, w in zip(numbers, targets)
        ]

    def separate(self, x: Any) -> KerasTensor:
        """`x` as a value of its own: a derivative by it counts the uses of this value alone."""
        x = self.lift(x)
        number = self.graph.push("identity", {"tag": next_tag()}, [x.value])[0]
        return observed(None, [x], [self.tensor(number, x.dtype)])[0]  # type: ignore[no-any-return]

    def compile(self, outputs: Iterable[Any]) -> _core.Program:
        """The program that computes `outputs` and carries out all assignments."""
        return self.graph.compile([self.lift(x).value for x in outputs])


def current_trace() -> Trace | None:
    """The trace that receives ops now, or None when ops run eagerly."""
    for scope in active_scopes():
        if isinstance(scope, Trace):
            return scope
    return None
