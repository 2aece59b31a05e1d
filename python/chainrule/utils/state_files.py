"""A tree of numbers, words and arrays in one file, written whole or not at all."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from chainrule.base.errors import too_deep
from chainrule.base.loading import read_json
from chainrule.utils.reading import damage, read_arrays
from chainrule.utils.writing import replacing

__all__ = ["read_state", "write_state"]

_TREE = "tree"
def write_state(path: str, state: Any, previous: str | None = None) -> None:
    """Write under another name and rename, so that `path` is the old file or the whole new one.

    Parameters
    ----------
    state : None, bool, int, float, str, array, or lists, tuples and dicts by name of these
        Tuples come back as lists.
    previous : str, optional
        The name that the old file gets. Default: it is replaced.

    Raises
    ------
    TypeError
        For another object in `state`.
    ValueError
        For a state that nests deeper than Python's stack.
    OSError
        As `chainrule.utils.writing.replacing`.

    Examples
    --------
    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "state.npz")
    >>> write_state(path, {"epoch": 3, "best": None, "weights": [np.ones(2)]})
    >>> read_state(path)
    {'epoch': 3, 'best': None, 'weights': [array([1., 1.])]}
    """
    arrays: dict[str, Any] = {}
    try:
        tree = json.dumps(_encoded(state, arrays, "state")).encode()
    except RecursionError:
        raise too_deep("a state") from None
    arrays[_TREE] = np.frombuffer(tree, "uint8")
    with replacing(path, previous) as temporary, open(temporary, "wb") as file:
        np.savez(file, **arrays)


def read_state(path: str) -> Any:
    """What `write_state` was given.

    Raises
    ------
    FileFormatError
        A file that is truncated, damaged (its checksums tell), or none of these.
    FileNotFoundError
    """
    with damage(path, "a whole state of a training"):
        arrays = read_arrays(path)
        return _decoded(read_json(arrays.pop(_TREE).tobytes()), arrays)


def _encoded(x: Any, arrays: dict[str, Any], name: str) -> Any:
    """Plain JSON; an array is its number in `arrays`."""
    if x is None or isinstance(x, (bool, int, float, str)):
        return x
    if isinstance(x, dict):
        return {"dict": {str(k): _encoded(v, arrays, f"{name}[{k!r}]") for k, v in x.items()}}
    if isinstance(x, (list, tuple)):
        return [_encoded(item, arrays, f"{name}[{i}]") for i, item in enumerate(x)]
    array = np.asarray(x)
    if array.dtype.kind not in "biufc":
        raise TypeError(
            f"{name}: expected None, a number, a string, an array, or a list or dict of these, "
            f"got {type(x).__name__}"
        )
    number = str(len(arrays))
    arrays[number] = array
    return {"array": number}


def _decoded(x: Any, arrays: dict[str, Any]) -> Any:
    if isinstance(x, list):
        return [_decoded(item, arrays) for item in x]
    if isinstance(x, dict):
        if len(x) != 1:
            raise ValueError(f"a tree with {sorted(x)}")
        if "array" in x:
            return arrays[x["array"]]
        return {key: _decoded(item, arrays) for key, item in x["dict"].items()}
    return x
