"""Checks of what an object takes back from a file: every value of its kind before one is set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

__all__ = [
    "anything",
    "array",
    "checked",
    "count",
    "dict_of",
    "flag",
    "list_of",
    "number",
    "optional",
    "seed",
]

Kind = Callable[[Any], bool]

_MOST = 2**31


def count(x: Any) -> bool:
    """An integer from 0 to 2**31 - 1."""
    return isinstance(x, (int, np.integer)) and not isinstance(x, bool) and bool(0 <= x < _MOST)


def number(x: Any) -> bool:
    """A real number, NaN and infinity among them."""
    if isinstance(x, np.ndarray):
        return x.ndim == 0 and x.dtype.kind in "iuf"
    return isinstance(x, (int, float, np.number)) and not isinstance(x, bool)


def flag(x: Any) -> bool:
    """True or False."""
    return isinstance(x, bool)


def array(x: Any) -> bool:
    """A NumPy array."""
    return isinstance(x, np.ndarray)


def seed(x: Any) -> bool:
    """A seed from 0 to 2**64 - 1."""
    return isinstance(x, int) and not isinstance(x, bool) and 0 <= x < 2**64


def anything(x: Any) -> bool:
    """Whatever it is."""
    return True


def optional(kind: Kind) -> Kind:
    """None, or what `kind` says."""
    return _described(f"None or {_words(kind)}", lambda x: x is None or kind(x))


def list_of(kind: Kind) -> Kind:
    """A list whose items are what `kind` says."""
    return _described(
        f"a list, each item {_words(kind)}",
        lambda x: isinstance(x, (list, tuple)) and all(map(kind, x)),
    )


def dict_of(kind: Kind) -> Kind:
    """A dict whose values are what `kind` says."""
    return _described(
        f"a dict, each value {_words(kind)}",
        lambda x: isinstance(x, dict) and all(map(kind, x.values())),
    )


def _described(words: str, kind: Kind) -> Kind:
    kind.__doc__ = words
    return kind


def _words(kind: Kind) -> str:
    """What a kind is, as messages say it: its docstring."""
    words = (kind.__doc__ or "").strip().rstrip(".")
    return words if words.startswith("None") else words[:1].lower() + words[1:]


def checked(what: str, state: Any, kinds: Mapping[str, Kind]) -> dict[str, Any]:
    """The values of `state` that are named in `kinds`, each of its kind.

    Parameters
    ----------
    what : str
        Whose state it is, for the message.
    state : dict by name
    kinds : mapping
        What each value has to be; a missing one is None.

    Raises
    ------
    ValueError
        No dict, or a value of another kind.

    Examples
    --------
    >>> checked("EarlyStopping", {"wait": 2}, {"wait": count})
    {'wait': 2}
    >>> checked("EarlyStopping", {"wait": float("nan")}, {"wait": count})
    Traceback (most recent call last):
        ...
    ValueError: the state of EarlyStopping: expected for 'wait' an integer from 0 to 2**31 - 1, got nan
    """
    if not isinstance(state, dict):
        raise ValueError(f"the state of {what}: expected a dict, got {type(state).__name__}")
    values = {name: state.get(name) for name in kinds}
    for name, kind in kinds.items():
        if not kind(values[name]):
            shown = repr(values[name])
            raise ValueError(
                f"the state of {what}: expected for '{name}' {_words(kind)}, got "
                f"{shown if len(shown) < 80 else type(values[name]).__name__}"
            )
    return values
