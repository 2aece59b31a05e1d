"""What a thread remembers between calls: name counters, open scopes, the default dtype policy.

Examples
--------
>>> set_global_attribute("answer", 42)
>>> get_global_attribute("answer")
42
>>> clear_session()
>>> get_global_attribute("answer") is None
True
"""

from __future__ import annotations

import gc
import threading
from typing import Any

__all__ = ["clear_session", "get_global_attribute", "set_global_attribute"]

_state = threading.local()


def get_global_attribute(name: str, default: Any = None, set_to_default: bool = False) -> Any:
    """The value stored under `name`, or `default`.

    With `set_to_default`, a missing value is also stored, so that a later call sees the same
    object.
    """
    value = getattr(_state, name, None)
    if value is None and default is not None:
        value = default
        if set_to_default:
            set_global_attribute(name, value)
    return value


def set_global_attribute(name: str, value: Any) -> None:
    """Store `value` under `name` for the calling thread."""
    setattr(_state, name, value)


def clear_session(free_memory: bool = True) -> None:
    """Forget all state: automatic names start again at zero, open scopes are closed.

    Parameters
    ----------
    free_memory : bool
        Also run Python's garbage collector, which frees models that refer to themselves, and free
        what is kept for results: the memory of arrays of 1 MB or more that are gone serves the
        next results of the same size, at most 8 of them and 256 MB.

    Examples
    --------
    >>> from chainrule.base.global_state import clear_session
    >>> from chainrule.base.naming import auto_name
    >>> clear_session()
    >>> auto_name("Dense"), auto_name("Dense")
    ('dense', 'dense_1')
    >>> clear_session()
    >>> auto_name("Dense")
    'dense'
    """
    global _state
    _state = threading.local()
    if free_memory:
        from chainrule import _core

        gc.collect()
        _core.free_memory()
