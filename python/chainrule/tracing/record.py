"""Record: the calls on arrays that a tape has seen, and derivatives of what they computed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule._core import Program
from chainrule.tracing.arrays import Array, engine_array, storage_dtype
from chainrule.tracing.jacobians import Kind, pulled
from chainrule.tracing.recorder import Call, Recorded, observed
from chainrule.tracing.tensor import KerasTensor
from chainrule.tracing.trace import Trace, current_trace
from chainrule.tracing.turns import tracing

__all__ = ["Derivative", "Record", "sum_of"]

# As many programs are kept, of so many bytes in all.
_KEPT_PROGRAMS = 64
_KEPT_BYTES = 1 << 30


class Entry(NamedTuple):
    """A call; its inputs are numbers of the record's values, or arrays that depend on none."""

    call: Call
    inputs: tuple[int | Array, ...]
    outputs: tuple[int, ...]


class Record:
    """Values that depend on leaves, by number, and the calls that made them, in their order."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.leaves: dict[int, Array] = {}
        self.count = 0
        self._tokens: dict[int, int] = {}
        # Leaves that no op gave, by identity; they are kept, so that no other takes it over.
        self._plain: dict[int, tuple[Array, Recorded]] = {}

    def number_of(self, x: Any) -> int | None:
        """The number of the value that `x` is, or None where it depends on no leaf."""
        recorded = self.recorded_of(x)
        return None if recorded is None else self._tokens.get(recorded.token)

    def recorded_of(self, x: Any) -> Recorded | None:
        """`x` itself where an op gave it, what stands for it where it is a leaf that none gave."""
        if isinstance(x, Recorded):
            return x
        known = self._plain.get(id(x))
        return None if known is None else known[1]

    def leaf(self, x: Recorded, given: Any = None) -> int:
        """The number of a leaf `x`; `given` is the array that the caller knows it as."""
        number = self.number_of(x)
        if number is None:
            number = self._number(x)
            self.leaves[number] = x
        if isinstance(given, np.ndarray) and not isinstance(given, Recorded):
            self._plain[id(given)] = (given, x)
        return number

    def _number(self, x: Any) -> int:
        number = self.count
        self.count += 1
        if isinstance(x, Recorded):
            self._tokens[x.token] = number
        return number

    def add(self, call: Call, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """Take a call in, where it depends on a leaf."""
        numbers = [self.number_of(x) for x in inputs]
        if all(number is None for number in numbers):
            return
        given = tuple(x if n is None else n for x, n in zip(inputs, numbers))
        self.entries.append(Entry(call, given, tuple(self._number(x) for x in outputs)))

    def needed(self, targets: Iterable[int]) -> list[Entry]:
        """The calls that the values of these numbers come from."""
        wanted = set(targets)
        found = []
        for entry in reversed(self.entries):
            if wanted.intersection(entry.outputs):
                found.append(entry)
                wanted.update(x for x in entry.inputs if isinstance(x, int))
        return found[::-1]


class Derivative:
    """sum over the targets of d(target * weight) / d(source), from a part of a record.

    Parameters
    ----------
    record : Record
        What the targets come from.
    targets : sequence of int
        Numbers of values.
    sources : sequence of sequences of int
        The numbers of each source; the derivatives by several are added.
    kind : str
        What of the derivatives is asked for (`jacobians.pulled`).
    """

    def __init__(
        self,
        record: Record,
        targets: Sequence[int],
        sources: Sequence[Sequence[int]],
        kind: Kind = "sum",
    ) -> None:
        self.kind: Kind = kind
        self.entries = record.needed(targets)
        self.targets = tuple(targets)
        self.sources = tuple(tuple(source) for source in sources)
        self.arrays: list[Array] = []
        self._places: dict[int, int] = {}
        self._leaves: list[tuple[int, int]] = []
        self._inputs: list[list[tuple[bool, int]]] = []
        made = {number for entry in self.entries for number in entry.outputs}
        reached = [*self.targets, *(n for source in self.sources for n in source)]
        for entry in self.entries:
            reached.extend(x for x in entry.inputs if isinstance(x, int))
        for number in dict.fromkeys(reached):
            if number not in made and number in record.leaves:
                self._leaves.append((number, self._place(record.leaves[number])))
        for entry in self.entries:
            self._inputs.append(
                [(True, x) if isinstance(x, int) else (False, self._place(x)) for x in entry.inputs]
            )

    def _place(self, x: Array) -> int:
        place = self._places.get(id(x))
        if place is None:
            place = self._places[id(x)] = len(self.arrays)
            self.arrays.append(x)
        return place

    def key(self) -> Hashable:
        """What is the same for derivatives that one program computes."""
        names: dict[int, int] = {}

        def name(number: int) -> int:
            return names.setdefault(number, len(names))

        leaves = tuple((name(number), place) for number, place in self._leaves)
        calls = tuple(
            (
                entry.call.key(),
                tuple((known, name(x) if known else x) for known, x in inputs),
                tuple(name(n) for n in entry.outputs),
            )
            for entry, inputs in zip(self.entries, self._inputs)
        )
        targets = tuple(name(n) for n in self.targets)
        sources = tuple(tuple(name(n) for n in source) for source in self.sources)
        return self.kind, leaves, calls, targets, sources

    def replay(self, inputs: list[Any]) -> list[KerasTensor | None]:
        """The derivatives by the sources; the inputs are the arrays, then the weights, traced."""
        trace = current_trace()
        assert trace is not None, "records are replayed inside a trace"
        by = {number for source in self.sources for number in source}
        values: dict[int, KerasTensor] = {}

        def keep(number: int, tensor: Any) -> None:
            values[number] = trace.separate(tensor) if number in by else tensor

        for number, place in self._leaves:
            keep(number, trace.lift(inputs[place]))
        for entry, places in zip(self.entries, self._inputs):
            given = [values[x] if known else inputs[x] for known, x in places]
            for number, tensor in zip(entry.outputs, entry.call.replay(given)):
                keep(number, tensor)
        order = [n for n in by if n in values]
        seeds = inputs[len(self.arrays) :]
        targets = [values[n] for n in self.targets]
        found = pulled(self.kind, trace, targets, seeds, [values[n] for n in order])
        gradients = dict(zip(order, found))
        return [sum_of(gradients.get(n) for n in source) for source in self.sources]

    def run(self, weights: Sequence[Array]) -> list[Any]:
        """The derivatives as arrays, None by what no target depends on."""
        given = [*self.arrays, *weights]
        program, made = _program(self, given)
        if all(dtype is None for dtype in made):
            return [None] * len(made)
        results = iter(program.run([engine_array(np.asarray(x)) for x in given]))
        found = [
            None if dtype is None else next(results).astype(storage_dtype(dtype), copy=False)
            for dtype in made
        ]
        outputs = [x for x in found if x is not None]
        where = [at for at, x in enumerate(found) if x is not None]

        def replay(inputs: list[Any]) -> list[Any]:
            again = self.replay(inputs)
            return [again[at] for at in where]

        outputs = observed(Call(self.key, replay), given, outputs)
        known = iter(outputs)
        return [None if x is None else next(known) for x in found]


def sum_of(tensors: Iterable[KerasTensor | None]) -> KerasTensor | None:
    """The sum of those that are not None; None where there is none."""
    total: Any = None
    for tensor in tensors:
        if tensor is not None:
            total = tensor if total is None else total + tensor
    found: KerasTensor | None = total
    return found


_Compiled = tuple[Program, list[str | None]]
_programs: OrderedDict[Hashable, _Compiled] = OrderedDict()
_lock = threading.Lock()


def _program(derivative: Derivative, given: Sequence[Array]) -> _Compiled:
    """The compiled derivative, kept for others of the same key; and the results' dtypes."""
    key = (derivative.key(), tuple((x.shape, x.dtype.name) for x in given))
    with _lock:
        known = _programs.get(key)
        if known is not None:
            _programs.move_to_end(key)
            return known
    with tracing, Trace() as trace:
        inputs = [trace.input("", x.shape, x.dtype.name) for x in given]
        found = derivative.replay(list(inputs))
        program = trace.compile([x for x in found if x is not None])
    made = program, [None if x is None else x.dtype for x in found]
    with _lock:
        _programs[key] = made
        kept = sum(known.arena_bytes for known, _ in _programs.values())
        while len(_programs) > 1 and (len(_programs) > _KEPT_PROGRAMS or kept > _KEPT_BYTES):
            (oldest, _) = _programs.popitem(last=False)[1]
            kept -= oldest.arena_bytes
    return made
