"""One function run twice: eagerly on arrays, and as a compiled program; with the variables it changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import _core, ops
from chainrule.base import tree
from chainrule.base.dtypes import is_float_dtype, standardize_dtype
from chainrule.checks.traced import Place, TracedLoss
from chainrule.tracing.arrays import engine_array, storage_dtype
from chainrule.tracing.seeds import global_seed_generator
from chainrule.tracing.tensor import KerasTensor
from chainrule.tracing.trace import Trace
from chainrule.tracing.variable import Variable

__all__ = ["Compiled", "Run", "State", "Subject", "bits", "eagerly", "traced_loss", "with_threads"]

Array = NDArray[Any]


def _none() -> list[Any]:
    """Of a call that adds none."""
    return []


@dataclass
class Subject:
    """What is checked, as a function of arrays.

    Attributes
    ----------
    name : str
        Of the user's class or function.
    call : callable
        Of as many tensors as there are inputs; gives a structure of tensors.
    inputs : list of str
        The names of the tensors.
    variables : list of Variable
        All that the call may read or assign.
    trainable : list of Variable
        Those whose gradients count.
    losses : callable
        The scalars that the last call added to the loss.
    owners : list
        The objects whose attributes the call should leave alone.
    fixed : set of str
        The inputs by which nothing is differentiated.
    """

    name: str
    call: Callable[..., Any]
    inputs: list[str]
    variables: list[Variable] = field(default_factory=list)
    trainable: list[Variable] = field(default_factory=list)
    losses: Callable[[], list[Any]] = _none
    owners: list[Any] = field(default_factory=list)
    fixed: frozenset[str] = frozenset()


class State:
    """The values of some variables and of the global seed generator.

    Attributes
    ----------
    variables : list of Variable
    shared : int
        The place of the global generator's state among them.
    """

    def __init__(self, variables: Sequence[Variable]) -> None:
        shared = global_seed_generator().state
        self.variables = [*(v for v in variables if v is not shared), shared]
        self.shared = len(self.variables) - 1

    def read(self) -> list[Array]:
        """A copy of all values."""
        return [v.numpy() for v in self.variables]

    def write(self, values: Sequence[Array]) -> None:
        """Assign values that `read` gave."""
        for variable, value in zip(self.variables, values, strict=True):
            variable.assign(value)

    @contextmanager
    def kept(self) -> Iterator[list[Array]]:
        """Inside, the variables may change; then they are as before."""
        values = self.read()
        try:
            yield values
        finally:
            self.write(values)


@dataclass(frozen=True)
class Run:
    """What a call gave: its outputs, flat, and the values of the variables behind it."""

    structure: Any
    outputs: list[Array]
    state: list[Array]


def eagerly(subject: Subject, arrays: Sequence[Array], state: State) -> Run:
    """Call the function on arrays; the variables are as before."""
    with state.kept():
        structure = subject.call(*arrays)
        outputs = [np.array(x) for x in tree.flatten(structure) if x is not None]
        return Run(structure, outputs, state.read())


class Compiled:
    """The function as a program of the core, for arrays of these shapes."""

    def __init__(self, subject: Subject, arrays: Sequence[Array], state: State) -> None:
        self.state = state
        with Trace() as trace:
            structure = subject.call(*_inputs(trace, arrays))
            outputs = [trace.lift(x) for x in tree.flatten(structure) if x is not None]
        self.structure = tree.map_structure(_shape_of, structure)
        self.dtypes = [x.dtype for x in outputs]
        self.program = trace.compile(outputs)
        self.assigned = list(trace.updated)

    def run(self, arrays: Sequence[Array]) -> Run:
        """Run the program; the variables are as before."""
        with self.state.kept():
            found = self.program.run([engine_array(x) for x in arrays])
            outputs = [
                x.astype(storage_dtype(dtype), copy=False) for x, dtype in zip(found, self.dtypes)
            ]
            return Run(self.structure, outputs, self.state.read())


def _inputs(trace: Trace, arrays: Sequence[Array]) -> list[KerasTensor]:
    return [trace.input("", x.shape, standardize_dtype(x.dtype)) for x in arrays]


def _shape_of(x: Any) -> Any:
    return None if x is None else tuple(np.shape(x) if not hasattr(x, "shape") else x.shape)


def traced_loss(
    subject: Subject, arrays: Sequence[Array], generator: np.random.Generator
) -> TracedLoss | None:
    """``sum_i sum(outputs_i * random_i)`` and the losses added in the call, to differentiate by the
    trainable variables and by the inputs that are floats; None where no output is a float.

    Parameters
    ----------
    subject : Subject
    arrays : sequence of ndarray
    generator : numpy.random.Generator
        Of the factors.
    """
    with Trace() as trace:
        inputs = _inputs(trace, arrays)
        by: list[tuple[Any, KerasTensor]] = [(v, trace.read(v)) for v in subject.trainable]
        by = [(v, w) for v, w in by if is_float_dtype(w.dtype)]
        by += [
            (Place(name, tuple(x.shape)), x)
            for name, x in zip(subject.inputs, inputs)
            if is_float_dtype(x.dtype) and name not in subject.fixed
        ]
        outputs = [x for x in tree.flatten(subject.call(*inputs)) if x is not None]
        parts = [
            ops.sum(x * generator.standard_normal(tuple(x.shape)).astype(x.dtype))
            for x in map(trace.lift, outputs)
            if is_float_dtype(x.dtype)
        ]
        parts += [ops.cast(ops.sum(x), parts[0].dtype) for x in subject.losses() if parts]
        if not parts or not by:
            return None
        loss = trace.lift(sum(parts[1:], parts[0]))
    feeds = [engine_array(x) for x in arrays]
    return TracedLoss.of(trace, loss, [v for v, _ in by], [w for _, w in by], feeds)


def bits(x: Array) -> bytes:
    """The bytes of an array, with one pattern for all NaN."""
    x = np.asarray(x)
    if x.dtype.kind == "f":
        x = np.where(np.isnan(x), x.dtype.type(np.nan), x)
    return x.tobytes()


@contextmanager
def with_threads(count: int) -> Iterator[None]:
    """Inside, the core uses so many threads."""
    before = _core.num_threads()
    _core.set_num_threads(count)
    try:
        yield
    finally:
        _core.set_num_threads(before)
