"""A tree of numbers, words and arrays in one file, written whole or not at all."""

from __future__ import annotations

import json
import os
import struct
import zipfile
import zlib
from typing import Any

import numpy as np

from chainrule.errors import FileFormatError
from chainrule.utils.writing import replacing

__all__ = ["read_state", "write_state"]

_TREE = "tree"
_DAMAGED = (
    EOFError,
    KeyError,
    MemoryError,
    NotImplementedError,
    OSError,
    OverflowError,
    RecursionError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


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

    Examples
    --------
    >>> import tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "state.npz")
    >>> write_state(path, {"epoch": 3, "best": None, "weights": [np.ones(2)]})
    >>> read_state(path)
    {'epoch': 3, 'best': None, 'weights': [array([1., 1.])]}
    """
    arrays: dict[str, Any] = {}
    tree = json.dumps(_encoded(state, arrays, "state")).encode()
    arrays[_TREE] = np.frombuffer(tree, "uint8")
    with replacing(path, previous) as temporary, open(temporary, "wb") as file:
        np.savez(file, **arrays)


def read_state(path: str) -> Any:
    """What `write_state` was given.

    Raises
    ------
    FileFormatError
        A file that is truncated, damaged (its checksums tell), or none of these.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        tree = json.loads(arrays.pop(_TREE).tobytes())
        return _decoded(tree, arrays)
    except _DAMAGED as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of the system: no such file, say
        raise FileFormatError(
            f"file '{path}': expected a whole state of a training, got: "
            f"{error or type(error).__name__}"
        ) from error


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
        if "array" in x:
            return arrays[x["array"]]
        return {key: _decoded(item, arrays) for key, item in x["dict"].items()}
    return x
