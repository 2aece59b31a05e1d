"""What a read or an assignment of a Variable means here and now.

Every thread has one stack of scopes. The innermost that has an answer gives it:

- `Trace`: ops become nodes of its graph, reads and assignments too;
- `StatelessScope`: reads take values from a mapping, assignments go to that mapping;
- `eager_scope`: hides the scopes around it (a variable made inside a trace gets real numbers).

The names of open layers and variables are in `name_scopes`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import _core
from chainrule.base.name_scopes import current_path, layer_path, layer_scope, name_scope
from chainrule.tracing.autocast import AutocastScope, get_autocast_scope

if TYPE_CHECKING:
    from chainrule.tracing.tensor import KerasTensor
    from chainrule.tracing.variable import Variable

__all__ = [
    "AutocastScope",
    "StatelessScope",
    "SymbolicScope",
    "Trace",
    "active_scopes",
    "current_path",
    "current_trace",
    "device_scope",
    "eager_scope",
    "get_autocast_scope",
    "get_stateless_scope",
    "get_symbolic_scope",
    "in_stateless_scope",
    "in_symbolic_scope",
    "initialize_all_variables",
    "layer_path",
    "layer_scope",
    "name_scope",
    "register_uninitialized_variable",
]


class _State(threading.local):
    def __init__(self) -> None:
        self.scopes: list[Trace | StatelessScope | None] = []
        self.symbolic: list[SymbolicScope] = []
        self.uninitialized: list[Variable] = []


_state = _State()


class Trace:
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

    def __init__(self) -> None:
        self.graph = _core.Graph()
        self.variables: dict[int, tuple[Variable, KerasTensor]] = {}
        self.reads: list[tuple[Variable, KerasTensor]] = []
        self.updated: list[Variable] = []
        self.losses: list[Any] = []
        self.branches = 0

    def __enter__(self) -> Trace:
        _state.scopes.append(self)
        return self

    def __exit__(self, *error: object) -> None:
        _state.scopes.pop()

    def tensor(self, value: int, dtype: str | None = None) -> KerasTensor:
        """The traced KerasTensor of the graph's value with number `value`."""
        from chainrule.tracing.tensor import KerasTensor

        shape, engine_dtype = self.graph.spec(value)
        return KerasTensor.traced(self, value, tuple(shape), dtype or engine_dtype)

    def input(self, name: str, shape: Iterable[int], dtype: str) -> KerasTensor:
        """A fed input; feeds are given to the program in the order of these calls."""
        from chainrule.tracing.dispatch import engine_dtype

        shape = tuple(int(size) for size in shape)
        return self.tensor(self.graph.input(name, shape, engine_dtype(dtype)), dtype)

    def lift(self, x: Any) -> KerasTensor:
        """`x` as a value of this graph: traced tensors as they are, the rest as constants."""
        from chainrule.tracing.dispatch import constant
        from chainrule.tracing.tensor import KerasTensor

        x = constant(x)
        if not isinstance(x, KerasTensor):
            from chainrule.tracing.dispatch import engine_array

            return self.tensor(self.graph.constant(engine_array(x)), x.dtype.name)
        if x.trace is not self:
            raise TypeError(
                f"{x!r} belongs to another trace (or is symbolic); a value can only be used "
                "inside the trace that made it."
            )
        return x

    def read(self, variable: Variable) -> KerasTensor:
        """The variable's current value here: read from its cell, or what was assigned last."""
        known = self.variables.get(id(variable))
        if known is not None:
            return known[1]
        value = _mapped_outside(self, variable)
        if value is None and variable.cell is not None:
            number = self.graph.read(variable.cell)
        elif value is None:
            from chainrule.tracing.dispatch import engine_dtype

            dtype = engine_dtype(variable.stored_dtype)
            number = self.graph.input(variable.path, variable.shape, dtype)
        else:
            from chainrule.tracing.dispatch import engine_array

            number = self.graph.constant(engine_array(value))
        tensor = self.tensor(number, variable.stored_dtype)
        self.variables[id(variable)] = (variable, tensor)
        self.reads.append((variable, tensor))
        return tensor

    def assign(self, variable: Variable, value: Any) -> None:
        """Make `value` the variable's value from here on, and after the program has run."""
        if self.branches:
            self.read(variable)
        if all(known is not variable for known in self.updated):
            self.updated.append(variable)
        tensor = self.lift(value)
        if variable.cell is not None:
            self.graph.assign(variable.cell, tensor.value)
        self.variables[id(variable)] = (variable, tensor)

    def add_loss(self, loss: Any) -> None:
        """Keep a loss that a layer reported."""
        self.losses.append(loss)

    def gradients(self, loss: Any, wrt: Iterable[KerasTensor]) -> list[KerasTensor]:
        """d loss / d w for each traced `w`, as new nodes of the graph; `loss` is a scalar."""
        targets = [self.lift(w) for w in wrt]
        numbers = self.graph.gradients(self.lift(loss).value, [w.value for w in targets])
        return [self.tensor(n, w.dtype) for n, w in zip(numbers, targets)]

    def compile(self, outputs: Iterable[Any]) -> _core.Program:
        """The program that computes `outputs` and carries out all assignments."""
        return self.graph.compile([self.lift(x).value for x in outputs])


class StatelessScope:
    """Inside, variables read from `state_mapping` and assignments only change that mapping.

    Parameters
    ----------
    state_mapping : iterable of (Variable, array-like), optional
        Values the variables have inside the scope, of the variables' shapes.
    collect_losses : bool, default False
        Whether `Layer.add_loss` reports to this scope.
    initialize_variables : bool, default True
        Whether variables made inside get their numbers when the outermost scope closes.

    Raises
    ------
    ValueError
        A key that is not a Variable, or a value whose shape is not the variable's.

    Examples
    --------
    >>> import chainrule
    >>> v = chainrule.Variable([1.0, 2.0])
    >>> with StatelessScope([(v, [5.0, 6.0])]) as scope:
    ...     _ = v.assign_add([1.0, 1.0])
    >>> scope.get_current_value(v).tolist(), v.numpy().tolist()
    ([6.0, 7.0], [1.0, 2.0])
    """

    def __init__(
        self,
        state_mapping: Iterable[tuple[Variable, Any]] | None = None,
        collect_losses: bool = False,
        initialize_variables: bool = True,
    ) -> None:
        from chainrule.ops.conversion import convert_to_tensor
        from chainrule.tracing.variable import Variable

        self.collect_losses = collect_losses
        self.initialize_variables = initialize_variables
        self.losses: list[Any] = []
        self.state_mapping: dict[int, Any] = {}
        self._variables: dict[int, Variable] = {}
        for variable, value in state_mapping or ():
            if not isinstance(variable, Variable):
                raise ValueError(
                    "Invalid reference variable in StatelessScope: all keys in argument "
                    f"`mapping` must be Variable instances. Received instead: {variable}"
                )
            value = convert_to_tensor(value, dtype=variable.dtype)
            if tuple(value.shape) != variable.shape:
                raise ValueError(
                    "Invalid variable value in StatelessScope: all values in argument `mapping` "
                    "must be tensors with a shape that matches the corresponding variable shape. "
                    f"Variable {variable.path} has shape {variable.shape}; "
                    f"received shape {tuple(value.shape)}."
                )
            self.add_update((variable, value))

    def __enter__(self) -> StatelessScope:
        _state.scopes.append(self)
        return self

    def __exit__(self, *error: object) -> None:
        _state.scopes.pop()
        if self.initialize_variables and get_stateless_scope() is None:
            initialize_all_variables()

    def add_loss(self, loss: Any) -> None:
        """Keep a loss that a layer reported."""
        self.losses.append(loss)

    def add_update(self, update: tuple[Variable, Any]) -> None:
        """Give a variable a new value inside this scope."""
        variable, value = update
        self.state_mapping[id(variable)] = value
        self._variables[id(variable)] = variable

    def get_current_value(self, variable: Variable) -> Any:
        """The variable's value inside this scope, or None where the scope has none."""
        return self.state_mapping.get(id(variable))


def _mapped_outside(trace: Trace, variable: Variable) -> Any:
    """The value that a StatelessScope around `trace` holds for `variable`, if it is numbers."""
    around = _state.scopes[: _state.scopes.index(trace)] if trace in _state.scopes else []
    for scope in reversed(around):
        if scope is None:
            return None
        if isinstance(scope, StatelessScope):
            value = scope.get_current_value(variable)
            if isinstance(value, np.ndarray):
                return value
    return None


@contextmanager
def eager_scope() -> Iterator[None]:
    """Inside, ops run on numbers even where a trace is open around."""
    _state.scopes.append(None)
    try:
        yield
    finally:
        _state.scopes.pop()


def active_scopes() -> Iterator[Trace | StatelessScope]:
    """The scopes in force, innermost first, up to the first `eager_scope` or `Trace`."""
    for scope in reversed(_state.scopes):
        if scope is None:
            return
        yield scope
        if isinstance(scope, Trace):
            return


def current_trace() -> Trace | None:
    """The trace that receives ops now, or None when ops run eagerly."""
    for scope in active_scopes():
        if isinstance(scope, Trace):
            return scope
    return None


def get_stateless_scope() -> StatelessScope | None:
    """The innermost StatelessScope of this thread, or None."""
    for scope in reversed(_state.scopes):
        if isinstance(scope, StatelessScope):
            return scope
    return None


def in_stateless_scope() -> bool:
    """Whether a StatelessScope is open in this thread."""
    return get_stateless_scope() is not None


def register_uninitialized_variable(variable: Variable) -> None:
    """Give `variable` its numbers when the outermost StatelessScope closes."""
    _state.uninitialized.append(variable)


def initialize_all_variables() -> None:
    """Run the initializers that waited for the outermost StatelessScope to close."""
    waiting, _state.uninitialized = _state.uninitialized, []
    for variable in waiting:
        variable._deferred_initialize()


class SymbolicScope:
    """Marks that only shapes and dtypes are wanted; `in_symbolic_scope()` is True inside."""

    def __enter__(self) -> SymbolicScope:
        _state.symbolic.append(self)
        return self

    def __exit__(self, *error: object) -> None:
        _state.symbolic.pop()


def in_symbolic_scope() -> bool:
    """Whether a SymbolicScope is open in this thread."""
    return bool(_state.symbolic)


def get_symbolic_scope() -> SymbolicScope | None:
    """The innermost SymbolicScope of this thread, or None."""
    return _state.symbolic[-1] if _state.symbolic else None


@contextmanager
def device_scope(device_name: str) -> Iterator[None]:
    """Does nothing: there is one device, the CPU."""
    yield
