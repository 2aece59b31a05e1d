"""StatelessScope: values of variables from a mapping, and assignments that only change it."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

from chainrule.tracing.casting import to_tensor
from chainrule.tracing.scopes import Scope, innermost
from chainrule.tracing.stored import Stored

__all__ = [
    "StatelessScope",
    "get_stateless_scope",
    "in_stateless_scope",
    "initialize_all_variables",
    "register_uninitialized_variable",
]


class _Waiting(threading.local):
    def __init__(self) -> None:
        self.variables: list[Stored] = []


_waiting = _Waiting()


class StatelessScope(Scope):
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
        state_mapping: Iterable[tuple[Stored, Any]] | None = None,
        collect_losses: bool = False,
        initialize_variables: bool = True,
    ) -> None:
        self.collect_losses = collect_losses
        self.initialize_variables = initialize_variables
        self.losses: list[Any] = []
        self.state_mapping: dict[int, Any] = {}
        self._variables: dict[int, Stored] = {}
        for variable, value in state_mapping or ():
            if not isinstance(variable, Stored):
                raise ValueError(
                    "Invalid reference variable in StatelessScope: all keys in argument "
                    f"`mapping` must be Variable instances. Received instead: {variable}"
                )
            value = to_tensor(value, dtype=variable.dtype)
            if tuple(value.shape) != variable.shape:
                raise ValueError(
                    "Invalid variable value in StatelessScope: all values in argument `mapping` "
                    "must be tensors with a shape that matches the corresponding variable shape. "
                    f"Variable {variable.path} has shape {variable.shape}; "
                    f"received shape {tuple(value.shape)}."
                )
            self.add_update((variable, value))

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        if self.initialize_variables and get_stateless_scope() is None:
            initialize_all_variables()

    def add_loss(self, loss: Any) -> None:
        """Keep a loss that a layer reported."""
        self.losses.append(loss)

    def add_update(self, update: tuple[Stored, Any]) -> None:
        """Give a variable a new value inside this scope."""
        variable, value = update
        self.state_mapping[id(variable)] = value
        self._variables[id(variable)] = variable

    def read(self, variable: Stored) -> Any:
        """As `get_current_value`."""
        return self.get_current_value(variable)

    def assign(self, variable: Stored, value: Any) -> None:
        """As `add_update`."""
        self.add_update((variable, value))

    def get_current_value(self, variable: Stored) -> Any:
        """The variable's value inside this scope, or None where the scope has none."""
        return self.state_mapping.get(id(variable))


def get_stateless_scope() -> StatelessScope | None:
    """The innermost StatelessScope of this thread, or None."""
    return innermost(StatelessScope)


def in_stateless_scope() -> bool:
    """Whether a StatelessScope is open in this thread."""
    return get_stateless_scope() is not None


def register_uninitialized_variable(variable: Stored) -> None:
    """Give `variable` its numbers when the outermost StatelessScope closes."""
    _waiting.variables.append(variable)


def initialize_all_variables() -> None:
    """Run the initializers that waited for the outermost StatelessScope to close."""
    waiting, _waiting.variables = _waiting.variables, []
    for variable in waiting:
        variable._deferred_initialize()
