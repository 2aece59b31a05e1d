"""Paths of variables (`name_scope`) and of the layers whose `call` is running (`layer_scope`)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from chainrule.base.global_state import get_global_attribute, set_global_attribute

__all__ = ["current_path", "layer_path", "layer_scope", "name_scope"]

_NAMES = "name_scope_stack"
_LAYERS = "layer_stack"
# Python's stack, of a thousand calls by default, holds some ninety.
_DEEPEST = 60


def _stack(attribute: str) -> list[name_scope]:
    stack: list[name_scope] = get_global_attribute(attribute, [], set_to_default=True)
    return stack


class name_scope:
    """Prefixes the paths of variables made inside with `name/`.

    Parameters
    ----------
    name : str
        Without "/".
    caller : object, optional
        Who opens the scope.
    deduplicate : bool
        Whether opening it again for the same caller and name adds nothing. Default True.
    override_parent : str, optional
        An absolute path that replaces the names opened so far.

    Raises
    ------
    ValueError
        A name that is no string or contains "/".

    Examples
    --------
    >>> with name_scope("outer"), name_scope("inner"):
    ...     current_path()
    'outer/inner'
    """

    def __init__(
        self,
        name: str,
        caller: object = None,
        deduplicate: bool = True,
        override_parent: str | None = None,
    ) -> None:
        if not isinstance(name, str) or "/" in name:
            raise ValueError(
                "Argument `name` must be a string and cannot contain character `/`. "
                f"Received: name={name}"
            )
        self.name = name
        self.caller = caller
        self.deduplicate = deduplicate
        if override_parent is None and deduplicate:
            override_parent = getattr(caller, "_parent_path", None)
        self.override_parent = override_parent
        self._pop_on_exit = False

    def __enter__(self) -> name_scope:
        stack = _stack(_NAMES)
        if self.deduplicate and self.caller is not None and stack:
            parent = stack[-1]
            if parent.caller is self.caller and parent.name == self.name:
                return self
        stack.append(self)
        self._pop_on_exit = True
        return self

    def __exit__(self, *error: object) -> None:
        stack = _stack(_NAMES)
        if self._pop_on_exit and stack:
            stack.pop()


def current_path() -> str:
    """The names of the open name scopes, joined by "/"."""
    parts: list[str] = []
    for scope in _stack(_NAMES):
        if scope.override_parent is not None:
            parts = [part for part in scope.override_parent.split("/") if part]
        parts.append(scope.name)
    return "/".join(parts)


@contextmanager
def layer_scope(name: str) -> Iterator[None]:
    """Names the layer whose `call` runs inside; errors of ops report `layer_path()`.

    Raises
    ------
    ValueError
        Calls that nest deeper than Python's stack would.
    """
    around: tuple[str, ...] = get_global_attribute(_LAYERS, ())
    if len(around) >= _DEEPEST:
        raise ValueError(
            f"layer '{name}': expected calls of layers that nest at most {_DEEPEST} deep, got one "
            f"more within '{'/'.join(around[:3])}/...'"
        )
    set_global_attribute(_LAYERS, (*around, name))
    try:
        yield
    finally:
        set_global_attribute(_LAYERS, around)


def layer_path() -> str:
    """The layers whose `call` is running, outermost first, joined by "/"."""
    return "/".join(get_global_attribute(_LAYERS, ()))
