"""Objects to config dicts and back, in Keras 3's format.

A config is `{"module", "class_name", "config", "registered_name"}`, with `"build_config"` and
`"compile_config"` where the object has them. chainrule's own classes are written under Keras's
module names (`keras.layers`), and both `keras.` and `chainrule.` are read.

Loading runs no code of the file: a config can name chainrule's public classes and functions, the
registered ones, and those in `custom_objects`. Nothing is imported by a name from the config,
and lambdas are refused.
"""

from __future__ import annotations

import importlib
import inspect
import types
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from chainrule.base.dtypes import standardize_dtype
from chainrule.base.errors import too_deep
from chainrule.base.global_state import get_global_attribute, set_global_attribute
from chainrule.base.loading import bounded
from chainrule.base.registry import (
    GLOBAL_CUSTOM_OBJECTS,
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
    scoped_objects,
)

__all__ = [
    "CustomObjectScope",
    "ObjectSharingScope",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "register_keras_serializable",
    "serialize_keras_object",
    "sharing",
]

_PLAIN_TYPES = (str, int, float, bool)
_FUNCTION_MODULES = ("activations", "losses", "metrics", "ops", "initializers", "regularizers")
_PUBLIC_MODULES = (
    "optimizers.schedules",
    "activations",
    "audio",
    "constraints",
    "dtype_policies",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "nlp",
    "ops",
    "optimizers",
    "random",
    "regularizers",
    "utils",
)
_NO_MODELING = ("get", "serialize", "deserialize")
# Classes that Keras has under no public name, and writes by the module of their source.
_UNEXPORTED = {"Functional": "keras.src.models.functional"}
# Classes that Keras exports under another name than their own.
_EXPORTED_AS = {"GroupedQueryAttention": "GroupQueryAttention"}
_TOP_LEVEL = ("Sequential", "Model", "Layer", "DTypePolicy")
_NOT_LOADED = "could not be deserialized properly"
_SHARED = "shared_objects"
_NUMBER = "shared_object_id"

# The class name of a special config, such as `__keras_tensor__` -> what reads the inner config.
# The class behind it has `_special_config()`, which gives the whole.
SPECIAL: dict[str, Callable[[dict[str, Any]], Any]] = {}


class ObjectSharingScope:
    """Inside, an object that occurs twice is saved with one number and loaded as one object.

    Within another such scope, that one goes on.

    Parameters
    ----------
    layers_only : bool
        Leave objects that are no layers as they are, each its own. Default: False.
    """

    def __init__(self, layers_only: bool = False) -> None:
        self._layers_only = layers_only
        self._outermost = False

    def __enter__(self) -> ObjectSharingScope:
        self._outermost = get_global_attribute(_SHARED) is None
        if self._outermost:
            set_global_attribute(_SHARED, _Shared(self._layers_only))
        return self

    def __exit__(self, *error: object) -> None:
        if self._outermost:
            set_global_attribute(_SHARED, None)

    def finish(self, config: Any) -> Any:
        """The config, in which the objects that occur once have lost their number."""
        if not self._outermost:
            return config
        entries = [entry for entry in _dicts(config) if _NUMBER in entry]
        counts = Counter(entry[_NUMBER] for entry in entries)
        for entry in entries:
            if counts[entry[_NUMBER]] == 1:
                del entry[_NUMBER]
        return config


def sharing() -> ObjectSharingScope:
    """The scope in which a layer that stands in several models is one layer."""
    return ObjectSharingScope(layers_only=True)


class _Shared:
    """The objects of a scope: those that were saved, and those that were loaded, by number."""

    def __init__(self, layers_only: bool) -> None:
        self.layers_only = layers_only
        # The objects are kept: the identity of one that is gone may come again.
        self.saved: dict[int, tuple[int, Any]] = {}
        self.loaded: dict[Any, Any] = {}


def _dicts(config: Any) -> Iterator[dict[str, Any]]:
    pending = [config]
    while pending:
        x = pending.pop()
        if isinstance(x, dict):
            yield x
            pending.extend(x.values())
        elif isinstance(x, (list, tuple)):
            pending.extend(x)


def _remember_config(obj: Any, config: dict[str, Any]) -> None:
    if config["module"] == "__main__":
        config["module"] = None
    shared: _Shared | None = get_global_attribute(_SHARED)
    if shared is not None and (hasattr(obj, "_inbound_nodes") or not shared.layers_only):
        config[_NUMBER] = shared.saved.setdefault(id(obj), (len(shared.saved), obj))[0]


def public_name(obj: Any) -> tuple[str, str] | None:
    """Keras's module and name of one of chainrule's public classes or functions, else `None`.

    Examples
    --------
    >>> from chainrule.tracing.policies import DTypePolicy
    >>> public_name(DTypePolicy)
    ('keras', 'DTypePolicy')
    >>> public_name(int) is None
    True
    """
    module, name = getattr(obj, "__module__", None) or "", getattr(obj, "__name__", "")
    if not module.startswith("chainrule."):
        return None
    if name in _TOP_LEVEL and _find_public("", name) is obj:
        return "keras", name
    home = module.removeprefix("chainrule.")
    for public in sorted(_PUBLIC_MODULES, key=lambda p: not f"{home}.".startswith(f"{p}.")):
        if _find_public(public, name) is obj:
            return f"keras.{public}", _EXPORTED_AS.get(name, name)
    return None


def public_class(public: str, name: Any) -> str | None:
    """The module that a config names for a class of a public module, or None where it has no such.

    Examples
    --------
    >>> public_class("layers", "Dense"), public_class("layers", "Adam")
    ('keras.layers', None)
    """
    found = _find_public(public, name) if isinstance(name, str) else None
    return f"keras.{public}" if inspect.isclass(found) else None


def _find_public(public: str, name: str) -> Any:
    """The class or function `name` of a public module that a config may name, or `None`."""
    if public == "":
        if name not in _TOP_LEVEL:
            return None
        public = {"Layer": "layers", "DTypePolicy": "dtype_policies"}.get(name, "models")
    obj = getattr(importlib.import_module(f"chainrule.{public}"), name, None)
    if not str(getattr(obj, "__module__", "")).startswith("chainrule.") or name.startswith("_"):
        return None
    if inspect.isclass(obj):
        return obj if hasattr(obj, "from_config") else None
    if public not in _FUNCTION_MODULES or name in _NO_MODELING:
        return None
    return obj if callable(obj) else None


def serialize_keras_object(obj: Any) -> Any:
    """A config of plain Python values that `deserialize_keras_object` turns back into `obj`.

    Parameters
    ----------
    obj
        A plain value, array, list, tuple, dict, slice, function, or an object with `get_config`.

    Raises
    ------
    TypeError
        When `obj`, or something in it, has no `get_config`.
    ValueError
        What nests deeper than Python's stack.

    Examples
    --------
    >>> from chainrule.tracing.policies import DTypePolicy
    >>> serialize_keras_object(DTypePolicy("float64"))["config"]
    {'name': 'float64'}
    >>> serialize_keras_object(slice(1, None))["class_name"]
    '__slice__'
    """
    try:
        return _serialized(obj)
    except RecursionError:
        raise too_deep("an object to be saved") from None


def _serialized(obj: Any) -> Any:
    if obj is None or isinstance(obj, _PLAIN_TYPES):
        return obj.item() if isinstance(obj, np.generic) else obj
    if isinstance(obj, (list, tuple)):
        values = [_serialized(x) for x in obj]
        return tuple(values) if isinstance(obj, tuple) else values
    if isinstance(obj, dict):
        return {key: _serialized(value) for key, value in obj.items()}
    special = _serialize_special(obj)
    if special is not None:
        return special
    if isinstance(obj, np.generic) or (isinstance(obj, np.ndarray) and obj.ndim == 0):
        return obj.item()
    return _serialize_by_name(obj)


def _serialize_special(obj: Any) -> dict[str, Any] | None:
    if isinstance(obj, bytes):
        return {"class_name": "__bytes__", "config": {"value": obj.decode("utf-8")}}
    if isinstance(obj, slice):
        parts = {"start": obj.start, "stop": obj.stop, "step": obj.step}
        return {"class_name": "__slice__", "config": serialize_keras_object(parts)}
    if obj is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    if isinstance(obj, np.ndarray) and obj.ndim > 0:
        return {
            "class_name": "__numpy__",
            "config": {"value": obj.tolist(), "dtype": standardize_dtype(obj.dtype)},
        }
    if hasattr(type(obj), "_special_config"):
        special: dict[str, Any] = obj._special_config()
        return special
    if isinstance(obj, types.FunctionType) and obj.__name__ == "<lambda>":
        warnings.warn(
            f"A lambda (in {obj.__module__}, line {obj.__code__.co_firstlineno}) cannot be saved: "
            "only its place is kept, and loading will refuse it. Use a named function, "
            "registered with `@chainrule.saving.register_keras_serializable()`.",
            stacklevel=3,
        )
        return {"class_name": "__lambda__", "config": {"value": obj.__qualname__}}
    return None


def _serialize_by_name(obj: Any) -> dict[str, Any]:
    is_function = isinstance(obj, (types.FunctionType, types.BuiltinFunctionType))
    if is_function:
        config: dict[str, Any] = {
            "module": "builtins",
            "class_name": "function",
            "config": get_registered_name(obj),
            "registered_name": "function",
        }
    elif hasattr(obj, "get_config") and not inspect.isclass(obj):
        inner = obj.get_config()
        if not isinstance(inner, dict):
            raise TypeError(
                f"The `get_config()` method of {obj} should return a dict. It returned: {inner}"
            )
        cls = type(obj)
        name = public_name(cls)
        config = {
            "module": name[0] if name else cls.__module__,
            "class_name": name[1] if name else cls.__name__,
            "config": serialize_keras_object(inner),
            "registered_name": None if name else get_registered_name(cls),
        }
        if config["class_name"] in _UNEXPORTED and name:
            config["module"] = _UNEXPORTED[config["class_name"]]
            config["registered_name"] = config["class_name"]
    else:
        raise TypeError(
            f"Cannot serialize object {obj} of type {type(obj)}. "
            "To be serializable, a class must implement the `get_config()` method."
        )
    for key in ("build_config", "compile_config"):
        getter = getattr(obj, f"get_{key}", None)
        value = getter() if getter is not None else None
        if value is not None:
            config[key] = serialize_keras_object(dict(value))
    _remember_config(obj, config)
    return config


def deserialize_keras_object(
    config: Any,
    custom_objects: Mapping[str, Any] | None = None,
    safe_mode: bool = True,
    module_objects: Mapping[str, Any] | None = None,
) -> Any:
    """The object that a config describes.

    Parameters
    ----------
    config
        What `serialize_keras_object` gave, or its round trip through JSON.
    custom_objects : dict of str to object, optional
        Classes and functions that the config may name besides the public and registered ones.
    safe_mode : bool
        Kept for Keras's signature. Loading is always safe: no value makes a file's code run.
    module_objects : dict of str to object, optional
        What a bare name stands for, as in `losses.deserialize("mse")`.

    Raises
    ------
    TypeError
        When the config names an unknown class or function, or is malformed.
    ValueError
        When it names a lambda, or something public that is not part of a model, or nests deeper
        than Python's stack.
    MemoryError
        When what it describes takes more than `config.memory_limit()`.

    Examples
    --------
    >>> config = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float64"}}
    >>> deserialize_keras_object(config)
    <DTypePolicy "float64">
    """
    objects = {**(custom_objects or {}), **scoped_objects(), **GLOBAL_CUSTOM_OBJECTS}
    try:
        with bounded():
            return _deserialized(config, objects, module_objects)
    except RecursionError:
        raise too_deep("a configuration") from None


def _deserialized(
    config: Any, objects: Mapping[str, Any], module_objects: Mapping[str, Any] | None = None
) -> Any:
    if config is None:
        return None
    if isinstance(config, str) and objects.get(config) is not None:
        return objects[config]
    if isinstance(config, (list, tuple)):
        return [_deserialized(x, objects) for x in config]
    if module_objects is not None:
        found, obj = _from_module_objects(config, objects, module_objects)
        if found:
            return obj
    if isinstance(config, _PLAIN_TYPES):
        return config
    if not isinstance(config, dict):
        raise TypeError(f"Could not parse config: {config}")
    if "class_name" not in config or "config" not in config:
        return {key: _deserialized(value, objects) for key, value in config.items()}
    return _from_config_dict(config, objects)


def _from_module_objects(
    config: Any, objects: Mapping[str, Any], module_objects: Mapping[str, Any]
) -> tuple[bool, Any]:
    """Whether `module_objects` settles the config, and the object."""
    inner = None
    name = config
    if isinstance(config, dict):
        if "class_name" not in config:
            raise ValueError(f"Unknown `config` as a `dict`, config={config}")
        inner = config.get("config")
        names = (config["class_name"], config.get("registered_name"), inner)
        if any(isinstance(n, str) and n in objects for n in names):
            return False, None
        if config["class_name"] == "function":
            name = inner if config.get("module") == "builtins" else config["registered_name"]
        elif config.get("module", "") is None:
            raise TypeError(
                f"Cannot deserialize object of type `{config['class_name']}`. If "
                f"`{config['class_name']}` is a custom class, please register it using the "
                "`@keras.saving.register_keras_serializable()` decorator."
            )
        else:
            name = config["class_name"]
    if not isinstance(name, str) or name not in module_objects:
        return True, config if not isinstance(config, dict) else name
    obj = module_objects[name]
    if not inspect.isclass(obj):
        return True, obj
    return True, _instantiate(obj, {"class_name": name, "config": inner}, inner or {}, objects)


def _from_config_dict(config: dict[str, Any], objects: Mapping[str, Any]) -> Any:
    class_name = config["class_name"]
    inner = config["config"] if config["config"] is not None else {}
    if isinstance(class_name, str) and class_name.startswith("__"):
        return _deserialize_special(class_name, inner, objects, config)
    if class_name == "function":
        if not isinstance(inner, str):
            raise TypeError(
                "Expected 'config' to be a non-null str for a function, "
                f"instead got {type(inner)}. Full config: {config}"
            )
        return _retrieve(inner, inner, config, "function", objects)
    if not isinstance(inner, dict):
        raise TypeError(
            f"Expected 'config' to be a dict for {class_name}, "
            f"instead got {type(inner)}. Full config: {config}"
        )
    number, shared = config.get(_NUMBER), get_global_attribute(_SHARED)
    if number is not None and shared is not None and number in shared.loaded:
        return shared.loaded[number]
    cls = _retrieve(class_name, config.get("registered_name", class_name), config, "class", objects)
    if isinstance(cls, types.FunctionType):
        return cls
    instance = _instantiate(cls, config, inner, objects)
    if number is not None and shared is not None:
        shared.loaded[number] = instance
    return instance


def _deserialize_special(
    class_name: str, inner: Any, objects: Mapping[str, Any], config: dict[str, Any]
) -> Any:
    if class_name == "__lambda__":
        raise ValueError(
            "The config names a Python lambda. Loading one would be arbitrary code execution, so "
            "chainrule has no way to do it. Use a named function, registered with "
            "`@chainrule.saving.register_keras_serializable()`."
        )
    if class_name == "__tuple__" and isinstance(inner, (list, tuple)):
        return tuple(_deserialized(x, objects) for x in inner)
    if class_name == "__typespec__" and not isinstance(inner, (list, tuple)):
        raise TypeError(
            "Expected 'config' to be a list or a tuple for a __typespec__, "
            f"instead got {type(inner)}. Full config: {config}"
        )
    if not isinstance(inner, dict):
        raise TypeError(
            f"Expected 'config' to be a dict for {class_name}, "
            f"instead got {type(inner)}. Full config: {config}"
        )
    try:
        if class_name in ("__numpy__", "__tensor__"):
            return np.array(inner["value"], dtype=standardize_dtype(inner["dtype"]))
        if class_name == "__bytes__":
            return str(inner["value"]).encode("utf-8")
        if class_name == "__ellipsis__":
            return Ellipsis
        if class_name == "__slice__":
            parts = [_deserialized(inner[k], objects) for k in ("start", "stop", "step")]
            return slice(*parts)
        if class_name in SPECIAL:
            return SPECIAL[class_name](inner)
    except KeyError as error:
        raise TypeError(f"{class_name}: the key {error} is missing in {config}") from error
    raise TypeError(f"Could not parse config: {class_name!r} is unknown. Full config: {config}")


def _instantiate(
    cls: Any, config: dict[str, Any], inner: dict[str, Any], objects: Mapping[str, Any]
) -> Any:
    if not hasattr(cls, "from_config"):
        raise TypeError(
            f"Unable to reconstruct an instance of '{config['class_name']}' because the class is "
            f"missing a `from_config()` method. Full object config: {config}"
        )
    try:
        with CustomObjectScope(objects):
            instance = cls.from_config(inner)
            build_config = config.get("build_config")
            if build_config and not instance.built:
                instance.build_from_config(build_config)
                instance.built = True
            compile_config = config.get("compile_config")
            if compile_config:
                instance.compile_from_config(compile_config)
                instance.compiled = True
    except (TypeError, AttributeError, LookupError) as error:
        if _NOT_LOADED in str(error):
            raise
        raise TypeError(
            f"{cls} {_NOT_LOADED}: {error}. Objects that `get_config()` returns have to be "
            f"deserialized in `from_config()`. Full object config: {config}"
        ) from error
    return instance


def _public_module(module: str) -> str | None:
    """The part of a config's module name after `keras.` or `chainrule.` that is public."""
    package, _, rest = module.partition(".")
    if package not in ("keras", "chainrule"):
        return None
    rest = rest.removeprefix("src.")
    for public in _PUBLIC_MODULES:
        if rest == public or rest.startswith(f"{public}."):
            return public
    return "" if rest == "" else None


def _retrieve(
    name: Any, registered: Any, config: dict[str, Any], kind: str, objects: Mapping[str, Any]
) -> Any:
    """The class or function that a config names."""
    custom = get_registered_object(registered, custom_objects=objects)
    if custom is None and kind == "class" and registered is None:
        custom = objects.get(name)
    if custom is not None:
        return custom
    module = config.get("module")
    obj = None
    if isinstance(module, str) and isinstance(name, str):
        public = _public_module(module)
        if public is not None:
            obj = _find_public(public, name)
            if obj is None and module.startswith(("keras", "chainrule")):
                _refuse_helpers(public, name, module)
        elif kind == "function" and module == "builtins":
            found = (_find_public(m, name) for m in _FUNCTION_MODULES)
            obj = next((f for f in found if f is not None), None)
            if obj is None and ">" not in name:
                obj = next((o for n, o in objects.items() if n.endswith(f">{name}")), None)
                if obj is not None:
                    return obj
    if obj is None:
        raise TypeError(
            f"Could not locate {kind} '{name}'. Make sure custom classes and functions are "
            "decorated with `@keras.saving.register_keras_serializable()`, or given in "
            f"`custom_objects`. Full object config: {config}"
        )
    explicit = config.get("registered_name")
    if explicit and explicit not in (name, config.get("class_name")):
        raise ValueError(
            f"`registered_name={explicit!r}` was provided in the config, but '{module}.{name}' "
            "resolved to a Keras built-in, which does not use registered names. "
            f"Full object config: {config}"
        )
    return obj


def _refuse_helpers(public: str, name: str, module: str) -> None:
    """Raise when the config names something public that is not part of a model."""
    place = f"chainrule.{public}" if public else "chainrule"
    if hasattr(importlib.import_module(place), name):
        raise ValueError(
            f"Cannot deserialize `{module}.{name}` because it is not a modeling function. "
            "Configs can name operations, layers, metrics, losses, and registered objects."
        )
