"""What a read or an assignment of a variable means here and now.

Every thread has one stack of scopes. The innermost that has an answer gives it:

- `Trace`: ops become nodes of its graph, reads and assignments too;
- `StatelessScope`: reads take values from a mapping, assignments go to that mapping;
- `eager_scope`: hides the scopes around it (a variable made inside a trace gets real numbers).

The names of open layers and variables are in `name_scopes`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from chainrule.base.sizes import Size
from chainrule.tracing.stored import Stored

__all__ = [
    "ReadAs",
    "Scope",
    "SymbolicScope",
    "active_scopes",
    "assigned_scope",
    "device_scope",
    "eager_scope",
    "get_symbolic_scope",
    "in_symbolic_scope",
    "innermost",
    "is_any_open",
    "scopes_around",
]


class Scope:
    """What stands on the stack between `__enter__` and `__exit__`."""

    # Whether the scopes around have no say inside.
    is_last = False
    # Whether assignments go to this scope, not to that around it.
    takes_assignments = True

    def __enter__(self: S) -> S:
        _state.scopes.append(self)
        return self

    def __exit__(self, *error: object) -> None:
        _state.scopes.pop()

    def number(self, size: Size) -> Any:
        """A size that is not known, as an int32."""
        raise NotImplementedError

    def read(self, variable: Stored) -> Any:
        """The variable's value in this scope, or None where the scope has none."""
        raise NotImplementedError

    def assign(self, variable: Stored, value: Any) -> None:
        """Make `value` the variable's value in this scope."""
        raise NotImplementedError


S = TypeVar("S", bound=Scope)


class ReadAs(Scope):
    """Inside, one variable reads as another value; what is assigned goes to the scopes around."""

    takes_assignments = False

    def __init__(self, variable: Stored, value: Any) -> None:
        self.variable = variable
        self.value = value

    def read(self, variable: Stored) -> Any:
        return self.value if variable is self.variable else None


class _State(threading.local):
    def __init__(self) -> None:
        self.scopes: list[Scope | None] = []
        self.symbolic: list[SymbolicScope] = []


_state = _State()


@contextmanager
def eager_scope() -> Iterator[None]:
    """Inside, ops run on numbers even where a trace is open around."""
    _state.scopes.append(None)
    try:
        yield
    finally:
        _state.scopes.pop()


def active_scopes() -> Iterator[Scope]:
    """The scopes in force, innermost first, up to the first `eager_scope` or `Trace`."""
    for scope in reversed(_state.scopes):
        if scope is None:
            return
        yield scope
        if scope.is_last:
            return


def assigned_scope() -> Scope | None:
    """The scope in force that takes assignments, or None where they go to the variables."""
    return next((scope for scope in active_scopes() if scope.takes_assignments), None)


def scopes_around(inner: Scope) -> Iterator[Scope]:
    """The scopes outside of `inner`, innermost first, up to the first `eager_scope`."""
    around = _state.scopes[: _state.scopes.index(inner)] if inner in _state.scopes else []
    for scope in reversed(around):
        if scope is None:
            return
        yield scope


def innermost(kind: type[S]) -> S | None:
    """The innermost scope of this class in this thread, whatever is open inside; or None."""
    for scope in reversed(_state.scopes):
        if isinstance(scope, kind):
            return scope
    return None


def is_any_open() -> bool:
    """Whether any scope of this module is open in this thread."""
    return bool(_state.scopes or _state.symbolic)


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
