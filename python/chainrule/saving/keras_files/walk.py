"""The objects of a model that have state, each with the path that Keras's files know it by.

Keras names no object by its `name`, which is another in each process, but by the attributes that
lead to it from the model: `layers/dense_1/vars/0`, `encoder/_cells/gru_cell/vars/2`. Attributes come
in the order of their names, private ones last; the objects in a list or a dict are called by their
class and numbered. An object that is reached again is where it was reached first.

Source: what Keras 3.15 writes (`keras.saving`), and its documentation of the `.keras` format.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

from chainrule.base.naming import to_snake_case

__all__ = ["is_saveable", "saveables"]

# The modules of the base classes: what these define is no part of a user's class.
_BASES = (
    "base.super_init",
    "layers.calling",
    "layers.layer",
    "layers.state",
    "losses.loss",
    "metrics.metric",
    "models.functional",
    "models.model",
    "models.sequential",
    "optimizers.adjustments",
    "optimizers.optimizer",
    "optimizers.state",
    "tracing.operation",
    "training.trainer",
)
_BASE_MODULES = frozenset(f"chainrule.{module}" for module in _BASES)
# What the base classes define and files have, all the same.
_VISITED = frozenset({"layers", "optimizer"})
# Attributes of the base classes that hold again what is reached otherwise.
_KEPT_BESIDE = frozenset(
    {
        "_functional",
        "_graph_layers",
        "_inbound_nodes",
        "_input_layer",
        "_input_layers",
        "_layers",
        "_metrics",
        "_nodes",
        "_operations",
        "_outbound_nodes",
        "_seed_generators",
    }
)
_KINDS = ("Functional", "Sequential")
# How often objects are looked at that have come before: a file's groups may lie in circles.
_MOST_AGAIN = 10_000


def is_saveable(x: object) -> bool:
    """Whether Keras looks for state in the object: layers, optimizers, metrics, losses."""
    return callable(getattr(type(x), "_obj_type", None))


Again = Callable[[str], bool]


def saveables(root: Any, again: Again | None = None) -> Iterator[tuple[str, Any]]:
    """Each object with state that is reached from `root`, once, with its path.

    Parameters
    ----------
    root : Model or Layer
        Its own path is "".
    again : callable, optional
        ``again(path)`` says whether an object that was reached before comes once more, now that it
        is reached by another path. Default: never.
    """
    yield from _saveables(root, "", _Seen(again))


class _Seen(set[int]):
    """The objects that have come, by identity."""

    def __init__(self, again: Again | None) -> None:
        super().__init__()
        self._again = again
        self._left = _MOST_AGAIN

    def comes(self, item: Any, path: str) -> bool:
        """Whether the object comes now."""
        if id(item) in self:
            self._left -= 1
            return self._again is not None and self._left > 0 and self._again(path)
        self.add(id(item))
        return True


def _saveables(item: Any, path: str, seen: _Seen) -> Iterator[tuple[str, Any]]:
    if not seen.comes(item, path):
        return
    yield path, item
    for name, value in _attributes(item):
        yield from _reached(value, f"{path}/{name}" if path else name, seen)


def _reached(value: Any, path: str, seen: _Seen) -> Iterator[tuple[str, Any]]:
    if is_saveable(value):
        yield from _saveables(value, path, seen)
    elif isinstance(value, (list, dict, tuple)):
        yield from _contained(value, path, seen, set())


def _contained(
    container: Any, path: str, seen: _Seen, containers: set[int]
) -> Iterator[tuple[str, Any]]:
    if id(container) in containers:
        return
    containers.add(id(container))
    counts: dict[str, int] = {}
    for value in container.values() if isinstance(container, dict) else container:
        if is_saveable(value):
            name = _numbered(to_snake_case(type(value).__name__), counts)
            yield from _saveables(value, f"{path}/{name}", seen)
        elif isinstance(value, (list, dict, tuple)):
            name = _numbered("container", counts)
            yield from _contained(value, f"{path}/{name}", seen, containers)


def _numbered(name: str, counts: dict[str, int]) -> str:
    if name not in counts:
        counts[name] = 0
        return name
    counts[name] += 1
    return f"{name}_{counts[name]}"


def _attributes(item: Any) -> Iterator[tuple[str, Any]]:
    """The attributes in which there may be state, in the order in which files have them."""
    kind = item._obj_type()
    if kind in _KINDS:
        yield "layers", item.layers
    cls: Any = type(item)
    skipped = _names_of_bases(cls)
    names = [n for n in object.__dir__(item) if not n.startswith("__") and n not in skipped]
    for name in sorted(names, key=lambda n: f"~{n}" if n.startswith("_") else n):
        try:
            value = getattr(item, name)
        except Exception:  # noqa: BLE001
            # A property of a user's class that has no value now, as Keras's walk has it.
            continue
        yield name, value


@functools.lru_cache(maxsize=1024)
def _names_of_bases(cls: Any) -> frozenset[str]:
    """The names that a class has from the base classes."""
    bases = [base for base in cls.__mro__ if base.__module__ in _BASE_MODULES]
    inherited = {name for base in bases for name in vars(base)} - _VISITED
    return frozenset(inherited | _KEPT_BESIDE)
