"""Which of a user's classes and functions a loaded config may name.

A config can only name chainrule's own public objects and what is registered here, for good
(`register_keras_serializable`) or inside a block (`CustomObjectScope`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, TypeVar

from chainrule.base.global_state import get_global_attribute, set_global_attribute

__all__ = [
    "CustomObjectScope",
    "custom_object_scope",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "register_keras_serializable",
]

T = TypeVar("T")

GLOBAL_CUSTOM_OBJECTS: dict[str, Any] = {}
GLOBAL_CUSTOM_NAMES: dict[Any, str] = {}
_SCOPE = "custom_objects_scope_dict"


class CustomObjectScope:
    """Inside the `with` block, configs can name these objects.

    Parameters
    ----------
    custom_objects : dict of str to object
        Classes and functions by the name that configs use.

    Examples
    --------
    >>> def cube(x):
    ...     return x * x * x
    >>> with CustomObjectScope({"cube": cube}):
    ...     get_registered_object("cube") is cube
    True
    >>> get_registered_object("cube") is None
    True
    """

    def __init__(self, custom_objects: Mapping[str, Any] | None) -> None:
        self.custom_objects = dict(custom_objects or {})
        self._outer: dict[str, Any] = {}

    def __enter__(self) -> CustomObjectScope:
        self._outer = scoped_objects()
        set_global_attribute(_SCOPE, {**self._outer, **self.custom_objects})
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        set_global_attribute(_SCOPE, self._outer)


custom_object_scope = CustomObjectScope


def scoped_objects() -> dict[str, Any]:
    """The objects of the open `CustomObjectScope`s, by name."""
    return dict(get_global_attribute(_SCOPE, {}))


def get_custom_objects() -> dict[str, Any]:
    """The live dictionary of registered objects, by registered name."""
    return GLOBAL_CUSTOM_OBJECTS


def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable[[T], T]:
    """Decorator: register a class or function, so that configs can name it.

    Parameters
    ----------
    package : str
        The registered name is `package>name`.
    name : str, optional
        Default: the object's `__name__`.

    Raises
    ------
    ValueError
        When a class has no `get_config` method.

    Examples
    --------
    >>> @register_keras_serializable("docs")
    ... def cube(x):
    ...     return x * x * x
    >>> get_registered_name(cube)
    'docs>cube'
    >>> get_registered_object("docs>cube") is cube
    True
    """

    def register(obj: T) -> T:
        if inspect.isclass(obj) and not hasattr(obj, "get_config"):
            raise ValueError(
                "Cannot register a class that does not have a get_config() method. "
                f"Received: {obj}"
            )
        registered = f"{package}>{name if name is not None else getattr(obj, '__name__')}"
        GLOBAL_CUSTOM_OBJECTS[registered] = obj
        GLOBAL_CUSTOM_NAMES[obj] = registered
        return obj

    return register


def get_registered_name(obj: Any) -> str:
    """The name a class or function is registered under, or else its `__name__`."""
    return GLOBAL_CUSTOM_NAMES.get(obj) or str(obj.__name__)


def get_registered_object(
    name: str | None,
    custom_objects: Mapping[str, Any] | None = None,
    module_objects: Mapping[str, Any] | None = None,
) -> Any:
    """The object of that name, or `None`.

    Looks into the open scopes, the registered objects, `custom_objects` and `module_objects`, in
    this order.
    """
    for objects in (scoped_objects(), GLOBAL_CUSTOM_OBJECTS, custom_objects, module_objects):
        if objects and name is not None and name in objects:
            return objects[name]
    return None
