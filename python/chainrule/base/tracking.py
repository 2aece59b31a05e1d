"""Finding state by attribute assignment: the tracker behind `Layer.__setattr__`."""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from chainrule.base.errors import too_deep
from chainrule.base.tree import register_tree_node_class

_Function = TypeVar("_Function", bound=Callable[..., Any])
_local = threading.local()


class Changes:
    """How often a layer has got another attribute, or something has been tracked or forgotten.

    Who has looked at the layers of a model need not look again while the number stays.
    """

    count = 0
    # How often a layer has learnt something that compiled steps hold as numbers, or was given LoRA.
    adaptations = 0


changes = Changes()


def is_tracking_enabled() -> bool:
    """Whether attribute assignment registers state in this thread."""
    return bool(getattr(_local, "enabled", True))


class DotNotTrackScope:
    """Context in which attribute assignment registers nothing."""

    def __enter__(self) -> DotNotTrackScope:
        self._before = is_tracking_enabled()
        _local.enabled = False
        return self

    def __exit__(self, *args: object) -> None:
        _local.enabled = self._before


def no_automatic_dependency_tracking(fn: _Function) -> _Function:
    """Decorate a method whose attribute assignments register nothing."""

    @functools.wraps(fn)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with DotNotTrackScope():
            return fn(*args, **kwargs)

    return wrapper  # type: ignore[return-value]


def _remove_by_id(values: list[Any], value: Any) -> None:
    """Remove `value` from `values` by identity (tensors do not compare to one bool)."""
    for index, candidate in enumerate(values):
        if candidate is value:
            list.__delitem__(values, index)
            return


class Tracker:
    """Sorts assigned values into named stores, looking through containers.

    Parameters
    ----------
    config : dict
        ``{store name: (predicate, list)}``; a value goes to the first store whose predicate holds.
    exclusions : dict, optional
        ``{store name: [other stores]}``; a value already in one of the others is not added.

    Examples
    --------
    >>> numbers = []
    >>> tracker = Tracker({"numbers": (lambda x: isinstance(x, int), numbers)})
    >>> values = tracker.track([1, "a"])
    >>> values.append(2)
    >>> numbers
    [1, 2]
    """

    def __init__(
        self,
        config: dict[str, tuple[Callable[[Any], bool], list[Any]]],
        exclusions: dict[str, list[str]] | None = None,
    ) -> None:
        self.config = config
        self.stored_ids: dict[str, set[int]] = {name: set() for name in config}
        self.locked = False
        self.exclusions = exclusions or {}
        self._lock_violation_msg: str | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "stored_ids": {name: set() for name in self.config}}

    def refresh(self) -> None:
        """Know by identity what is in the stores; after copying and unpickling."""
        for name, (_, values) in self.config.items():
            self.stored_ids[name] = {id(value) for value in values}

    def track(self, attr: Any) -> Any:
        """Register `attr` and everything inside it; returns it, containers made to track.

        Raises
        ------
        ValueError
            When locked; for containers that nest deeper than Python's stack.
        """
        if not is_tracking_enabled():
            return attr
        try:
            return self._tracked(attr)
        except RecursionError:
            raise too_deep("an attribute") from None

    def _tracked(self, attr: Any) -> Any:
        for name, (predicate, _) in self.config.items():
            if predicate(attr):
                excluded = any(self.is_in_store(o, attr) for o in self.exclusions.get(name, ()))
                if not excluded and not self.is_in_store(name, attr):
                    self.add_to_store(name, attr)
                return attr
        if isinstance(attr, tuple):
            items = [self.track(e) for e in attr]
            return attr.__class__(*items) if hasattr(attr, "_fields") else attr.__class__(items)
        if isinstance(attr, list):
            return TrackedList(attr, self)
        if isinstance(attr, OrderedDict):
            return TrackedOrderedDict(attr, self)
        if isinstance(attr, dict):
            return TrackedDict(attr, self)
        if isinstance(attr, set):
            return TrackedSet(attr, self)
        return attr

    def untrack(self, value: Any) -> None:
        """Forget `value` in every store."""
        for name, ids in self.stored_ids.items():
            if id(value) in ids:
                ids.remove(id(value))
                _remove_by_id(self.config[name][1], value)
                changes.count += 1

    def lock(self, msg: str | None = None) -> None:
        """Refuse new elements from here on, with the message `msg`."""
        self.locked = True
        if msg is not None:
            self._lock_violation_msg = msg

    def unlock(self) -> None:
        """Accept new elements again."""
        self.locked = False

    def add_to_store(self, store_name: str, value: Any) -> None:
        """Append `value` to a store; ValueError when locked, but for metrics: `compile` may bring
        others."""
        if self.locked and store_name != "metrics":
            raise ValueError(self._lock_violation_msg)
        self.config[store_name][1].append(value)
        self.stored_ids[store_name].add(id(value))
        changes.count += 1

    def is_in_store(self, store_name: str, value: Any) -> bool:
        """Whether the very object `value` is in the store."""
        return id(value) in self.stored_ids[store_name]

    def replace_tracked_value(self, store_name: str, old_value: Any, new_value: Any) -> None:
        """Put `new_value` at the place of `old_value`; ValueError when that is not there."""
        if not self.is_in_store(store_name, old_value):
            raise ValueError(f"Unknown value: {old_value}")
        store = self.config[store_name][1]
        index = next(i for i, value in enumerate(store) if value is old_value)
        store[index] = new_value
        self.stored_ids[store_name].remove(id(old_value))
        self.stored_ids[store_name].add(id(new_value))
        changes.count += 1


def _container(cls: Any, values: Any) -> Any:
    """A container that tracks nothing yet; its tracker comes with the state."""
    return cls(values)


@register_tree_node_class
class TrackedList(list[Any]):
    """A list whose elements are registered with a tracker."""

    tracker: Tracker | None = None

    def __init__(self, values: Iterable[Any] | None = None, tracker: Tracker | None = None) -> None:
        self.tracker = tracker
        values = list(values or ())
        super().__init__([tracker.track(v) for v in values] if tracker else values)

    def __reduce__(self) -> tuple[Any, ...]:
        return _container, (type(self), list(self)), {"tracker": self.tracker}

    def _track(self, value: Any) -> Any:
        return self.tracker.track(value) if self.tracker else value

    def _untrack(self, value: Any) -> None:
        if self.tracker:
            self.tracker.untrack(value)

    def append(self, value: Any) -> None:
        super().append(self._track(value))

    def insert(self, index: Any, value: Any) -> None:
        super().insert(index, self._track(value))

    def extend(self, values: Iterable[Any]) -> None:
        super().extend([self._track(v) for v in values])

    def remove(self, value: Any) -> None:
        self._untrack(value)
        try:
            super().remove(value)
        except ValueError:
            _remove_by_id(self, value)

    def pop(self, index: Any = -1) -> Any:
        value = super().pop(index)
        self._untrack(value)
        return value

    def clear(self) -> None:
        for value in self:
            self._untrack(value)
        super().clear()

    def __delitem__(self, index: Any) -> None:
        removed = self[index] if isinstance(index, slice) else [self[index]]
        super().__delitem__(index)
        for value in removed:
            self._untrack(value)

    def tree_flatten(self) -> tuple[list[Any], None]:
        """The leaves, for `chainrule.tree`."""
        return list(self), None

    @classmethod
    def tree_unflatten(cls, metadata: None, children: Iterable[Any]) -> TrackedList:
        """The inverse of `tree_flatten`; the copy tracks nothing."""
        return cls(children)


@register_tree_node_class
class TrackedDict(dict[Any, Any]):
    """A dict whose values are registered with a tracker."""

    tracker: Tracker | None = None

    def __init__(self, values: Any = None, tracker: Tracker | None = None) -> None:
        self.tracker = tracker
        items = values.items() if hasattr(values, "items") else (values or ())
        super().__init__((k, self._track(v)) for k, v in items)

    def __reduce__(self) -> tuple[Any, ...]:
        return _container, (type(self), list(self.items())), {"tracker": self.tracker}

    def _track(self, value: Any) -> Any:
        return self.tracker.track(value) if self.tracker else value

    def _untrack(self, value: Any) -> None:
        if self.tracker:
            self.tracker.untrack(value)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, self._track(value))

    def update(self, mapping: Mapping[Any, Any]) -> None:  # type: ignore[override]
        super().update({k: self._track(v) for k, v in mapping.items()})

    def pop(self, key: Any, *args: Any) -> Any:
        if len(args) > 1:
            raise TypeError(f"pop expected at most 2 arguments, got {1 + len(args)}")
        if key not in self:
            return super().pop(key, *args)
        value = super().pop(key)
        self._untrack(value)
        return value

    def popitem(self, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        key, value = super().popitem(*args, **kwargs)
        self._untrack(value)
        return key, value

    def clear(self) -> None:
        for value in self.values():
            self._untrack(value)
        super().clear()

    def tree_flatten(self) -> tuple[list[Any], list[Any], list[Any]]:
        """The values in the order of the sorted keys, for `chainrule.tree`."""
        keys = sorted(self, key=str)
        return [self[k] for k in keys], keys, keys

    @classmethod
    def tree_unflatten(cls, metadata: list[Any], children: Iterable[Any]) -> TrackedDict:
        """The inverse of `tree_flatten`; the copy tracks nothing."""
        return cls(zip(metadata, children))


@register_tree_node_class
class TrackedOrderedDict(TrackedDict, OrderedDict[Any, Any]):
    """An OrderedDict whose values are registered with a tracker."""

    def tree_flatten(self) -> tuple[list[Any], list[Any], list[Any]]:
        """The values in their order, for `chainrule.tree`."""
        keys = list(self)
        return [self[key] for key in keys], keys, keys


@register_tree_node_class
class TrackedSet(set[Any]):
    """A set whose elements are registered with a tracker."""

    tracker: Tracker | None = None

    def __init__(self, values: Iterable[Any] | None = None, tracker: Tracker | None = None) -> None:
        self.tracker = tracker
        super().__init__(self._track(v) for v in values or ())

    def __reduce__(self) -> tuple[Any, ...]:
        return _container, (type(self), list(self)), {"tracker": self.tracker}

    def _track(self, value: Any) -> Any:
        return self.tracker.track(value) if self.tracker else value

    def _untrack(self, value: Any) -> None:
        if self.tracker:
            self.tracker.untrack(value)

    def add(self, value: Any) -> None:
        super().add(self._track(value))

    def update(self, *values: Iterable[Any]) -> None:
        super().update([self._track(v) for group in values for v in group])

    def remove(self, value: Any) -> None:
        super().remove(value)
        self._untrack(value)

    def pop(self) -> Any:
        value = super().pop()
        self._untrack(value)
        return value

    def clear(self) -> None:
        for value in self:
            self._untrack(value)
        super().clear()

    def tree_flatten(self) -> tuple[list[Any], None]:
        """The leaves, for `chainrule.tree`."""
        return list(self), None

    @classmethod
    def tree_unflatten(cls, metadata: None, children: Iterable[Any]) -> TrackedSet:
        """The inverse of `tree_flatten`; the copy tracks nothing."""
        return cls(children)
