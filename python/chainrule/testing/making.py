"""New layers like the one that is checked, in either dtype."""

from __future__ import annotations

import copy
import inspect
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from chainrule.base import config, serialization
from chainrule.base.dtypes import is_float_dtype
from chainrule.base.registry import CustomObjectScope
from chainrule.layers import Layer
from chainrule.testing.report import LeftOut, Wrong, said, told
from chainrule.tracing import policies

__all__ = ["Maker", "check_kind", "global_floats", "makes_one", "new", "rebuilt"]


class Maker:
    """Makes layers in a dtype.

    Parameters
    ----------
    given : Layer or callable
        An instance, whose copies are made by copying, and in the other dtype by its configuration; or
        a function without arguments that gives a new layer.

    Raises
    ------
    TypeError
        It is neither.
    """

    def __init__(self, given: Any) -> None:
        if not isinstance(given, Layer) and not callable(given):
            raise TypeError(
                "check_layer: expected a layer, or a function that gives a new one, got "
                f"{type(given).__name__}"
            )
        self.given = given
        self.name = type(given).__name__ if isinstance(given, Layer) else _name_of(given)

    def __call__(self, dtype: str) -> Layer:
        """A new layer that computes in `dtype`.

        Raises
        ------
        LeftOut
            The layer has a float dtype of its own.
        """
        if isinstance(self.given, Layer):
            layer = self._copy(self.given, dtype)
        else:
            with global_policy(dtype):
                layer = self.given()
            if not isinstance(layer, Layer):
                raise TypeError(f"check_layer: expected a function that gives a layer, got {layer!r}")
            self.name = type(layer).__name__
        if layer.compute_dtype != dtype and is_float_dtype(layer.compute_dtype):
            raise LeftOut(f"the layer computes in {layer.compute_dtype}")
        return layer

    def _copy(self, given: Layer, dtype: str) -> Layer:
        if given.compute_dtype == dtype:
            return copy.deepcopy(given)
        try:
            with own_classes(given):
                written = serialization.serialize_keras_object(given)
                written["config"] = _in_dtype(written["config"], given, dtype)
                layer = serialization.deserialize_keras_object(written)
        except Exception as error:
            raise LeftOut(f"made by its configuration, which fails: {told(error)}") from error
        assert isinstance(layer, Layer)
        return layer


def _name_of(given: Callable[[], Any]) -> str:
    return getattr(given, "__name__", type(given).__name__)


def _in_dtype(written: Any, given: Layer, dtype: str) -> Any:
    """The configuration with its dtype, and those of the layers inside, replaced by another."""
    old = given.dtype_policy
    texts = (old.name, policies.serialize(old))
    if isinstance(written, dict):
        return {
            key: policies.serialize(policies.get(dtype))
            if key == "dtype" and value in texts
            else _in_dtype(value, given, dtype)
            for key, value in written.items()
        }
    if isinstance(written, (list, tuple)):
        return type(written)(_in_dtype(value, given, dtype) for value in written)
    return written


@contextmanager
def global_policy(dtype: str) -> Iterator[None]:
    """Inside, what is given no dtype computes in this one."""
    before = policies.dtype_policy()
    policies.set_dtype_policy(dtype)
    try:
        yield
    finally:
        policies.set_dtype_policy(before)


@contextmanager
def global_floats(dtype: str) -> Iterator[None]:
    """Inside, `floatx()` too is this dtype."""
    before = config.floatx()
    config.set_floatx(dtype)
    try:
        with global_policy(dtype):
            yield
    finally:
        config.set_floatx(before)


def makes_one(given: Any) -> bool:
    """Whether a callable can be called without arguments: a class, or a function that gives a new
    object."""
    if not callable(given):
        return False
    try:
        parameters = inspect.signature(given).parameters.values()
    except (TypeError, ValueError):
        return isinstance(given, type)
    return all(p.default is not p.empty or p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters)


def check_kind(given: Any, kind: type, place: str) -> None:
    """Refuse what is neither an object of the kind nor something that may give one.

    Raises
    ------
    TypeError
    """
    if not isinstance(given, kind) and not makes_one(given):
        raise TypeError(
            f"{place}: expected a {kind.__name__}, or a function that gives one, got {given!r}"
        )


def new(given: Any, kind: type, place: str) -> Any:
    """A new object like the one given, in the global float dtype.

    Parameters
    ----------
    given
        An object of the kind, or a function without arguments that gives one.
    kind : type
    place : str
        The name of the check, for messages.

    Raises
    ------
    TypeError
        It is neither.
    """
    if not isinstance(given, kind):
        check_kind(given, kind, place)
        made = given()
        if not isinstance(made, kind):
            raise TypeError(f"{place}: expected a function that gives a {kind.__name__}, got {made!r}")
        return made
    dtype = getattr(given, "dtype", None)
    if dtype in (None, config.floatx()):
        return copy.deepcopy(given)
    try:
        with own_classes(given):
            written = serialization.serialize_keras_object(given)
            if written["config"].get("dtype") is not None:
                written["config"]["dtype"] = config.floatx()
            return serialization.deserialize_keras_object(written)
    except Exception as error:
        raise LeftOut(f"made by its configuration, which fails: {told(error)}") from error


@contextmanager
def own_classes(thing: Any) -> Iterator[None]:
    """Inside, the class of an object, and those of the layers inside it, are known by name."""
    parts = [thing, *(thing._flatten_layers() if isinstance(thing, Layer) else [])]
    with ExitStack() as scopes:
        scopes.enter_context(CustomObjectScope({type(x).__name__: type(x) for x in parts}))
        yield


def rebuilt(thing: Any) -> Any:
    """An object of the same configuration, which has been through JSON.

    Raises
    ------
    Wrong
        The configuration cannot be taken, written or read, or is another one behind it.
    """
    kind = type(thing).__name__
    with own_classes(thing):
        with said("get_config"):
            written = serialization.serialize_keras_object(thing)
        with said("the configuration as JSON"):
            text = json.dumps(written)
        with said(f"{kind}.from_config"):
            other = serialization.deserialize_keras_object(json.loads(text))
        if type(other) is not type(thing):
            raise Wrong(f"the configuration gives a {type(other).__name__}")
        again = json.loads(json.dumps(serialization.serialize_keras_object(other)))
    apart = _apart(json.loads(text), again)
    if apart:
        raise Wrong(f"the configuration changes on its way back: {apart}")
    return other


def _apart(a: Any, b: Any, path: str = "") -> str:
    """The first entry in which two configurations differ, in words."""
    if isinstance(a, dict) and isinstance(b, dict):
        for key in {**a, **b}:
            if key in ("shared_object_id", "build_config"):
                continue
            found = _apart(a.get(key), b.get(key), f"{path}.{key}".lstrip("."))
            if found:
                return found
        return ""
    return "" if a == b else f"`{path}` was {a!r} and is {b!r}"
