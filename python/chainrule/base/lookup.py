"""What `get` does for losses, metrics, regularizers and constraints, and `get` by kind."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from chainrule.base.errors import shown
from chainrule.base.registry import get_registered_object
from chainrule.base.serialization import deserialize_keras_object
from chainrule.base.suggestions import did_you_mean

__all__ = ["find", "members", "provide", "resolve"]

_GETS: dict[str, Callable[[Any], Any]] = {}


def provide(kind: str, get: Callable[[Any], Any]) -> None:
    """Make the public `get` of a kind of objects known to what stands below them."""
    _GETS[kind] = get


def find(kind: str, identifier: Any) -> Any:
    """What the public `get` of this kind gives.

    Examples
    --------
    >>> from chainrule import initializers
    >>> find("initializer", "zeros").get_config()
    {}
    """
    return _GETS[kind](identifier)


def members(space: Mapping[str, Any], kind: type | None = None) -> tuple[Any, ...]:
    """The classes and functions of a package that its `__init__` has imported, by name.

    Parameters
    ----------
    space : mapping
        `globals()` of the package.
    kind : type, optional
        Only this class and those derived from it.

    Examples
    --------
    >>> from chainrule import initializers
    >>> [cls.__name__ for cls in members(vars(initializers))][:3]
    ['Constant', 'GlorotNormal', 'GlorotUniform']
    """
    found = {
        value.__name__: value
        for value in space.values()
        if str(getattr(value, "__module__", "")).startswith(f"{space['__name__']}.")
        and (kind is None or (inspect.isclass(value) and issubclass(value, kind)))
    }
    return tuple(found[name] for name in sorted(found))


def resolve(identifier: Any, kind: str, objects: Mapping[str, Any]) -> Any:
    """The object of a name, a configuration, a class, a function, or the given one itself.

    Parameters
    ----------
    identifier : str, dict, class, callable or None
        None stays None; a class is called without arguments.
    kind : str
        What it should be, for the message.
    objects : mapping
        The known names.

    Raises
    ------
    ValueError
        For a name that is not known, or something that cannot be called.

    Examples
    --------
    >>> resolve("int", "number", {"int": int})
    0
    """
    found = identifier
    if identifier is None:
        return None
    if isinstance(identifier, dict):
        found = deserialize_keras_object(identifier, module_objects=dict(objects))
    elif isinstance(identifier, str):
        found = get_registered_object(identifier, module_objects=dict(objects))
    if not callable(found):
        known = ", ".join(sorted(objects))
        raise ValueError(
            f"Could not interpret {kind} identifier: {shown(identifier)}."
            f"{did_you_mean(identifier, objects)} Expected a callable, a configuration, or one of the "
            f"names {known}"
        )
    return found() if inspect.isclass(found) else found
