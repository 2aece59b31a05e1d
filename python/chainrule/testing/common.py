"""The checks that are the same for a function, a layer, a loss, a metric and an optimizer."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule import ops
from chainrule.base import tree
from chainrule.checks.gradients import judge
from chainrule.checks.traced import TracedLoss
from chainrule.layers import Layer
from chainrule.reference import walk
from chainrule.testing.report import CheckReport, LeftOut, Wrong, told
from chainrule.testing.runs import (
    Array,
    Compiled,
    Run,
    State,
    Subject,
    bits,
    eagerly,
    traced_loss,
    with_threads,
)
from chainrule.tracing.tensor import KerasTensor
from chainrule.tracing.variable import Variable

THREADS = (1, 2, 3, 8)
DTYPES = ("float32", "float64")

_OPS_ONLY = "NumPy in a call cuts the gradient and cannot be compiled: write it in chainrule.ops"


def _still() -> None:
    """Leave the variables as they are."""


@dataclass
class Standard:
    """The checks that hold of any call, one after the other; what a fault makes meaningless is left out.

    Attributes
    ----------
    report : CheckReport
    subject : Subject
    state : State
        Of the subject's variables.
    batches : list of list of ndarray
        The arrays of some calls, all of the same shapes and dtypes.
    dtype : str
    label : str
        Behind the names of the lines. Default none.
    nudge : callable
        Moves the variables between the calls of "compiled = eager". Default: leaves them.
    is_one : bool
        Whether, so far, the same call gave the same bits, compiled or not.
    """

    report: CheckReport
    subject: Subject
    state: State
    batches: list[list[Array]]
    dtype: str
    label: str = ""
    nudge: Callable[[], None] = _still
    is_one: bool = True

    def calls(self) -> bool:
        """Repeatable, compiled, and the same bits both ways; False where it cannot be compiled."""
        first = self.batches[0]
        self.is_one = self.line("called twice", lambda: repeatable(self.subject, first, self.state))
        try:
            compiled = compile_call(self.subject, first, self.state)
        except Wrong as error:
            reason = error
            self.line("compiled", lambda: raised(reason))
            return False
        if self.is_one:
            self.is_one = self.line("compiled = eager", lambda: self._compiled_is_eager(compiled))
        return True

    def gradient(self, tolerance: float | None = None) -> bool:
        """Gradients by variables and inputs against the reference and differences."""
        return self.line("gradient", lambda: gradient(self, tolerance))

    def threads(self, counts: Sequence[int]) -> bool:
        """The same bits for these numbers of threads."""
        arrays = self.batches[0]
        return not self.is_one or self.line(
            "threads", lambda: same_for_threads(self.subject, arrays, self.state, counts)
        )

    def line(self, name: str, check: Callable[[], str]) -> bool:
        """Run one check under a name of this label."""
        return self.report.run(name + self.label, self.dtype, check)

    def _compiled_is_eager(self, compiled: Compiled) -> str:
        with self.state.kept():
            for number, arrays in enumerate(self.batches):
                if number:
                    self.nudge()
                eager, program = eagerly(self.subject, arrays, self.state), compiled.run(arrays)
                apart = difference(eager, program, self.state, ("eager", "compiled"))
                if apart:
                    raise Wrong(apart)
        return f"the same bits at {len(self.batches)} points, {len(compiled.assigned)} assigned"


def same_compiled(subject: Subject, arrays: Sequence[Array], state: State) -> Run:
    """The eager call, whose bits the compiled one gives.

    Raises
    ------
    Wrong
        They differ.
    """
    eager = eagerly(subject, arrays, state)
    compiled = compile_call(subject, arrays, state).run(arrays)
    apart = difference(eager, compiled, state, ("eager", "compiled"))
    if apart:
        raise Wrong(apart)
    return eager


def raised(error: Exception) -> str:
    """Raise what was caught."""
    raise error


def compile_call(subject: Subject, arrays: Sequence[Array], state: State) -> Compiled:
    """The call as a program.

    Raises
    ------
    Wrong
        It cannot be traced, or keeps values of the trace.
    """
    try:
        compiled = Compiled(subject, arrays, state)
    except Exception as error:
        remedy = f". {_OPS_ONLY}" if "while tracing" in str(error) else ""
        raise Wrong(f"runs on arrays but not in a compiled step: {told(error)}{remedy}") from error
    for owner in subject.owners:
        for name, value in _own(owner).items():
            if any(isinstance(x, KerasTensor) and not x.is_symbolic for x in _leaves(value)):
                raise Wrong(
                    f"attribute `{name}` keeps a value of the trace, which is none behind the call: "
                    "return it, or assign it to a Variable"
                )
    return compiled


def repeatable(subject: Subject, arrays: Sequence[Array], state: State) -> str:
    """The same call from the same state gives the same bits, and changes variables alone."""
    before = attributes(subject.owners)
    first = eagerly(subject, arrays, state)
    for name, (old, new) in changed(before, attributes(subject.owners)).items():
        raise Wrong(
            f"attribute `{name}` changes in the call, from {old} to {new}, and is no Variable: a "
            "compiled step would keep its first value"
        )
    if bits(first.state[state.shared]) != bits(state.variables[state.shared].numpy()):
        raise Wrong(
            "draws from the global generator of seeds: give the op `seed=SeedGenerator(seed)`, made "
            "in `__init__`"
        )
    apart = difference(first, eagerly(subject, arrays, state), state, ("first", "second"))
    if not apart:
        return "the same bits"
    with _same_global_seeds():
        first = eagerly(subject, arrays, state)
    with _same_global_seeds():
        second = eagerly(subject, arrays, state)
    if not difference(first, second, state, ("first", "second")):
        raise Wrong(
            "random numbers come from NumPy's or Python's global generator: draw them by "
            f"chainrule.random with a SeedGenerator. {apart}"
        )
    raise Wrong(
        f"the same call twice gives two results: {apart}. Random numbers need a SeedGenerator, "
        "state a Variable"
    )


def same_for_threads(
    subject: Subject, arrays: Sequence[Array], state: State, threads: Iterable[int]
) -> str:
    """Outputs, variables and gradients have the same bits for every number of threads."""
    found: list[tuple[int, Run, list[Array]]] = []
    for count in threads:
        with with_threads(count):
            run = compile_call(subject, arrays, state).run(arrays)
            traced = traced_loss(subject, arrays, np.random.default_rng(1))
            found.append((count, run, [] if traced is None else traced.computed))
        (least, one, gradients), (_, other, others) = found[0], found[-1]
        labels = (f"{least} threads", f"{count} threads")
        apart = difference(one, other, state, labels)
        if apart:
            raise Wrong(apart)
        for number, (a, b) in enumerate(zip(gradients, others)):
            if bits(a) != bits(b):
                raise Wrong(f"gradient {number}: {where(a, b, labels)}")
    return f"the same bits for {', '.join(str(count) for count, _, _ in found)} threads"


def gradient(of: Standard, tolerance: float | None = None) -> str:
    """Gradients by variables and inputs against the reference, and, in float64, against differences."""
    traced = traced_loss(of.subject, of.batches[0], np.random.default_rng(1))
    if traced is None:
        raise LeftOut("no output is a float, or there is nothing to differentiate by")
    found = judge(traced, tolerance, directions=2 if of.dtype == "float64" else 0)
    of.report.gradients[f"{of.dtype}{of.label}"] = found
    if not found.ok:
        faults = [str(fault) for fault in found.faults[:1]]
        rows = [f"{row.layer}/{row.weight}".strip("/") for row in found.rows if not row.ok]
        raise Wrong("; ".join([*faults, f"wrong by {', '.join(rows)}" if rows else "wrong loss"]))
    idle = without_effect(traced)
    if idle:
        raise Wrong(
            f"{', '.join(idle)}: the outputs do not depend on it; a Variable counts where `call` "
            "reads it, not as the array that it was"
        )
    worst = max((row.error for row in found.rows), default=0.0)
    text = f"{worst:.1e} from the reference"
    if of.dtype == "float64":
        apart = max((row.difference_error for row in found.rows), default=0.0)
        text += f", {apart:.1e} from differences"
    return text


def without_effect(traced: TracedLoss) -> list[str]:
    """The trainable variables that the loss is not computed from."""
    used = {v for node in walk.ancestors(traced.nodes, [traced.loss]) for v in node["outputs"]}
    pairs = zip(traced.variables, traced.weights)
    return [f"'{v.path}'" for v, w in pairs if isinstance(v, Variable) and w not in used]


def difference(a: Run, b: Run, state: State, labels: tuple[str, str]) -> str:
    """How two runs differ in their bits, in words; empty where they do not."""
    if len(a.outputs) != len(b.outputs):
        return f"{len(a.outputs)} outputs {labels[0]}, {len(b.outputs)} {labels[1]}"
    for number, (x, y) in enumerate(zip(a.outputs, b.outputs)):
        if x.shape != y.shape or x.dtype != y.dtype or bits(x) != bits(y):
            name = f"output {number}: " if len(a.outputs) > 1 else "outputs: "
            return name + where(x, y, labels)
    for variable, x, y in zip(state.variables, a.state, b.state):
        if bits(x) != bits(y):
            return f"variable '{variable.path}' behind the call: {where(x, y, labels)}"
    return ""


def where(x: Array, y: Array, labels: tuple[str, str]) -> str:
    """The first place at which two arrays differ, in words."""
    if x.shape != y.shape or x.dtype != y.dtype:
        return f"{labels[0]} {x.shape} {x.dtype}, {labels[1]} {y.shape} {y.dtype}"
    same = (x == y) & ((x != 0) | (np.signbit(x) == np.signbit(y))) if x.dtype != bool else x == y
    apart = np.argwhere(~(same | (_nan(x) & _nan(y))))
    place = tuple(apart[0].tolist())
    return (
        f"{labels[0]} {x[place]!s}, {labels[1]} {y[place]!s} at {list(place)} "
        f"({len(apart)} of {x.size} differ)"
    )


def attributes(owners: Iterable[Any]) -> dict[str, Any]:
    """The plain values among the attributes of objects, in a form to compare."""
    found = {}
    for number, owner in enumerate(owners):
        for name, value in _own(owner).items():
            plain = _plain(value)
            if plain is not None:
                found[name if number == 0 else f"{type(owner).__name__}.{name}"] = plain
    return found


def changed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """The attributes that differ, as short texts."""
    names = [name for name in after if before.get(name) != after[name]]
    return {name: (_short(before.get(name, "nothing")), _short(after[name])) for name in names}


def _own(owner: Any) -> dict[str, Any]:
    """The attributes of an object, for a layer without those that every layer has."""
    known = vars(Layer()) if isinstance(owner, Layer) else {}
    return {name: value for name, value in vars(owner).items() if name not in known}


def _leaves(value: Any) -> list[Any]:
    return tree.flatten(value) if isinstance(value, (list, tuple, dict)) else [value]


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes, np.generic)):
        return repr(value)
    if isinstance(value, np.ndarray):
        return (value.shape, str(value.dtype), value.tobytes() if value.dtype != object else "")
    if isinstance(value, np.random.Generator):
        return repr(value.bit_generator.state)
    if isinstance(value, (list, tuple)):
        return [_plain(x) for x in value]
    if isinstance(value, dict):
        return {repr(key): _plain(x) for key, x in value.items()}
    return None


def _short(plain: Any) -> str:
    if isinstance(plain, tuple):
        return f"an array of shape {plain[0]}"
    text = str(plain)
    return text if len(text) <= 60 else f"{text[:57]}..."


@contextmanager
def _same_global_seeds() -> Iterator[None]:
    """Inside, NumPy's and Python's global generators start from a fixed seed."""
    numpy_state, python_state = np.random.get_state(), random.getstate()
    np.random.seed(0)
    random.seed(0)
    try:
        yield
    finally:
        np.random.set_state(numpy_state)
        random.setstate(python_state)


def nudge(variables: Iterable[Any], generator: np.random.Generator) -> None:
    """Move float variables a little, so that what begins at 0 or 1 counts: the trainable ones up by
    less than 0.1, the others by a tenth of their size."""
    for variable in variables:
        value = variable.numpy()
        if value.dtype.kind == "f":
            step = generator.uniform(0, 0.1, value.shape)
            moved = value + step if variable.trainable else value * (1 + step)
            variable.assign(ops.cast(moved, variable.stored_dtype))


def _nan(x: Array) -> Array:
    return np.isnan(x) if x.dtype.kind == "f" else np.zeros(x.shape, bool)
