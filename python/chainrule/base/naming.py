"""Automatic names: the first `Dense` layer is `dense`, the second `dense_1`."""

from __future__ import annotations

import collections
import re
from typing import Any

from chainrule.base.global_state import get_global_attribute, set_global_attribute

__all__ = ["auto_name", "get_object_name", "get_uid", "reset_uids", "to_snake_case", "uniquify"]

_COUNTERS = "object_name_uids"


def _counters() -> collections.defaultdict[str, int]:
    counters = get_global_attribute(_COUNTERS)
    if counters is None:
        reset_uids()
        counters = get_global_attribute(_COUNTERS)
    assert isinstance(counters, collections.defaultdict)
    return counters


def auto_name(prefix: str) -> str:
    """A fresh name for an object of the class called `prefix`.

    Examples
    --------
    >>> reset_uids()
    >>> auto_name("BatchNormalization"), auto_name("BatchNormalization")
    ('batch_normalization', 'batch_normalization_1')
    """
    return uniquify(to_snake_case(prefix))


def uniquify(name: str) -> str:
    """`name` itself the first time, then `name_1`, `name_2`, ...

    Examples
    --------
    >>> reset_uids()
    >>> uniquify("head"), uniquify("head"), uniquify("tail")
    ('head', 'head_1', 'tail')
    """
    counters = _counters()
    unique = f"{name}_{counters[name]}" if name in counters else name
    counters[name] += 1
    return unique


def to_snake_case(name: str) -> str:
    """`CamelCase` to `camel_case`; characters that are not letters, digits or `_` are dropped.

    Examples
    --------
    >>> to_snake_case("MeanSquaredError")
    'mean_squared_error'
    >>> to_snake_case("L1L2")
    'l1l2'
    """
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def get_uid(prefix: str = "") -> int:
    """The next number for `prefix`, starting at 1.

    Examples
    --------
    >>> reset_uids()
    >>> get_uid("dense"), get_uid("dense")
    (1, 2)
    """
    counters = _counters()
    counters[prefix] += 1
    return counters[prefix]


def reset_uids() -> None:
    """Start all numbers again."""
    set_global_attribute(_COUNTERS, collections.defaultdict(int))


def get_object_name(obj: Any) -> str:
    """What a message or a metric's key calls `obj`: its `name`, or its snake-case Python name."""
    name = getattr(obj, "name", None)
    if isinstance(name, str):
        return name
    return to_snake_case(getattr(obj, "__name__", None) or type(obj).__name__)
