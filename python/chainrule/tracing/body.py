"""BodyTrace: the body of a loop, traced into a graph of its own that the op `scan` runs at every step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from chainrule.base import tree
from chainrule.base.sizes import Size
from chainrule.tracing.arrays import constant
from chainrule.tracing.dispatch import apply
from chainrule.tracing.scopes import assigned_scope, scopes_around
from chainrule.tracing.stored import Stored
from chainrule.tracing.tensor import KerasTensor, shape_equal
from chainrule.tracing.trace import Trace, current_trace

__all__ = ["NoBodyError", "around_loops", "looped"]

# Arrays of more elements are not written into the body but given to every step.
_FEW = 16


class NoBodyError(TypeError):
    """A body that one graph for all steps cannot express: the loop is unrolled, if its steps are known."""


class BodyTrace(Trace):
    """The trace of one step of a loop, inside another trace.

    What the step uses of values around it becomes an input that is the same at every step. A variable
    that it reads too; one that it assigns is carried from step to step, and assigned around the loop when
    that is over.
    """

    def __init__(self, around: Trace) -> None:
        super().__init__()
        self.around = around
        # Inputs here by the value of the trace around, and by the variable.
        self.captured: dict[int, tuple[KerasTensor, KerasTensor]] = {}
        self.read_here: dict[int, tuple[KerasTensor, KerasTensor]] = {}

    def number(self, size: Size) -> KerasTensor:
        return self.lift(self.around.number(size))

    def lift(self, x: Any) -> KerasTensor:
        x = constant(x)
        if isinstance(x, KerasTensor):
            tensor = self.brought_out(x)
            if tensor.trace is self:
                return tensor
        if not isinstance(x, KerasTensor) and x.size <= _FEW:
            return super().lift(x)
        outside = self.around.lift(x)
        if outside.value not in self.captured:
            self.captured[outside.value] = (outside, self.like(outside))
        return self.captured[outside.value][1]

    def like(self, outside: Any) -> KerasTensor:
        """A new input of the same shape and dtype."""
        return self.input("", outside.shape, outside.dtype)

    def read(self, variable: Stored) -> KerasTensor:
        known = self.variables.get(id(variable))
        if known is not None:
            return known[1]
        value = None
        for scope in scopes_around(self):
            value = scope.read(variable)
            if value is not None or scope.is_last:
                break
        outside = self.around.lift(value)
        tensor = self.like(outside)
        self.variables[id(variable)] = (variable, tensor)
        self.reads.append((variable, tensor))
        self.read_here[id(variable)] = (outside, tensor)
        return tensor

    def assign(self, variable: Stored, value: Any) -> None:
        self.read(variable)
        if all(known is not variable for known in self.updated):
            self.updated.append(variable)
        self.variables[id(variable)] = (variable, self.lift(value))

    def add_loss(self, loss: Any) -> None:
        raise NoBodyError("a step adds a loss")


@contextmanager
def around_loops() -> Iterator[None]:
    """Inside, ops belong to the trace around all loops: what they make is the same at every step."""
    trace = current_trace()
    if not isinstance(trace, BodyTrace):
        yield
        return
    while isinstance(trace, BodyTrace):
        trace = trace.around
    with trace:
        yield


def looped(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Sequence[Any],
    length: int | Size,
    reverse: bool = False,
) -> tuple[Any, Any]:
    """`carry, y[t] = f(carry, x[t])` as one op of the open trace.

    Parameters
    ----------
    f : callable
        Of a structure of tensors like `init` and the list of the rows of `xs`; gives such a structure
        and any other, both of tensors.
    init : structure of tensors
        The first carry.
    xs : sequence of tensors (n, ...)
        One row is for one step.
    length : int
        n.
    reverse : bool
        Whether to begin with the last row.

    Returns
    -------
    tuple
        The last carry and all y, each (n, ...) in the order of the rows.

    Raises
    ------
    NoBodyError
        The body is not the same at every step: its carry changes in structure, shape or dtype, or it adds
        a loss. No variable has been assigned then.
    """
    trace = current_trace()
    assert trace is not None, "loops are traced inside a trace"
    carried = [trace.lift(x) for x in tree.flatten(init)]
    rows = [trace.lift(x) for x in xs]
    with BodyTrace(trace) as body:
        inside = [body.like(x) for x in carried]
        steps = [body.input("", x.shape[1:], x.dtype) for x in rows]
        carry, y = f(tree.pack_sequence_as(init, inside), steps)
        after = _next_carry(body, init, carried, carry)
        made = [body.lift(x) for x in tree.flatten(y)]
        assigned = [body.variables[id(variable)][1] for variable in body.updated]
    own = [body.read_here.pop(id(variable)) for variable in body.updated]
    fixed = [*body.captured.values(), *body.read_here.values()]
    inputs = [*inside, *(x for _, x in own), *steps, *(x for _, x in fixed)]
    outputs = [*after, *assigned, *made]
    if not outputs:
        return carry, y
    numbers = ([x.value for x in inputs], [x.value for x in outputs])
    attrs = {
        "body": body.graph.body(*numbers),
        "carries": len(carried) + len(own),
        "sequences": len(rows),
        "length": length,
        "reverse": reverse,
    }
    values = [*carried, *(x for x, _ in own), *rows, *(x for x, _ in fixed)]
    results = apply("scan", attrs, values, outputs=len(outputs))
    results = [results] if len(outputs) == 1 else list(results)
    results = [
        KerasTensor.traced(trace, found.value, tuple(found.shape), inner.dtype)
        for found, inner in zip(results, outputs)
    ]
    scope = assigned_scope()
    assert scope is not None, "loops are traced inside a trace"
    for variable, value in zip(body.updated, results[len(after) :]):
        scope.assign(variable, value)
    stacked = results[len(after) + len(assigned) :]
    return tree.pack_sequence_as(init, results[: len(after)]), tree.pack_sequence_as(y, stacked)


def _next_carry(
    body: BodyTrace, init: Any, carried: Sequence[KerasTensor], carry: Any
) -> list[KerasTensor]:
    """The values of the carry after a step, which is as it was before."""
    try:
        tree.assert_same_structure(init, carry)
    except (ValueError, TypeError) as error:
        raise NoBodyError(f"the carry changes its structure: {error}") from None
    after = [body.lift(x) for x in tree.flatten(carry)]
    for before, now in zip(carried, after):
        if now.dtype != before.dtype or not shape_equal(now.shape, before.shape):
            raise NoBodyError(f"a carry changes from {before} to {now}")
    return after
