"""Safetensors files as arrays: halves, which the core does not keep, are read as float32."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import _core
from chainrule.base.errors import FileFormatError
from chainrule.base.loading import read_json

__all__ = ["read_tensors"]

Array = NDArray[Any]

# Of the format: an int of 8 bytes says how long the header is.
_PREFIX, _LONGEST_HEADER = 8, 100_000_000
# What an array of NumPy can have.
_MOST_AXES, _MOST_ELEMENTS = 32, 1 << 60
_HALVES = ("F16", "BF16")
_DTYPES: dict[str, np.dtype[Any]] = {
    "F16": np.dtype("<f2"),
    "BF16": np.dtype("<u2"),
    "F32": np.dtype("<f4"),
    "F64": np.dtype("<f8"),
    "I32": np.dtype("<i4"),
    "I64": np.dtype("<i8"),
    "U8": np.dtype("u1"),
    "U32": np.dtype("<u4"),
    "BOOL": np.dtype("u1"),
}


def read_tensors(path: str) -> tuple[dict[str, Array], dict[str, str]]:
    """All arrays of a safetensors file by name, and its metadata.

    Parameters
    ----------
    path : str

    Returns
    -------
    arrays : dict
        Of F16 and BF16 float32, which holds each of their numbers exactly.
    metadata : dict of str

    Raises
    ------
    FileFormatError
        A file that is damaged, of another format, or of dtypes that are not known.
    """
    try:
        return _core.load_safetensors(path)
    except FileFormatError:
        header = _header(path)
        entries = {k: v for k, v in header.items() if k != "__metadata__"}
        dtypes = [e.get("dtype") if isinstance(e, dict) else None for e in entries.values()]
        if not any(dtype in _HALVES for dtype in dtypes):
            raise
    data = np.fromfile(path, "u1", offset=_PREFIX + _header_length(path))
    _check(path, entries, len(data))
    metadata = header.get("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise FileFormatError(f"file '{path}': expected metadata of texts, got {metadata!r:.80}")
    arrays = {}
    for name, entry in entries.items():
        first, end = entry["data_offsets"]
        stored = data[first:end].view(_DTYPES[entry["dtype"]])
        arrays[name] = _as_known(stored, entry["dtype"]).reshape(entry["shape"])
    return arrays, metadata


def _as_known(stored: Array, dtype: str) -> Array:
    """An array that owns its numbers, of a dtype that the core keeps."""
    if dtype == "BF16":
        # The upper half of a float32.
        return (stored.astype(np.uint32) << 16).view(np.float32)
    if dtype == "F16":
        return stored.astype(np.float32)
    return stored != 0 if dtype == "BOOL" else stored.astype(stored.dtype.newbyteorder("="))


def _header_length(path: str) -> int:
    """How long the header is, or -1 where the file is too short to say or to hold it."""
    size = Path(path).stat().st_size
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(_PREFIX), "little")
    return length if length <= min(size - _PREFIX, _LONGEST_HEADER) else -1


def _header(path: str) -> dict[str, Any]:
    """The header, or nothing where there is none that can be read."""
    length = _header_length(path)
    with open(path, "rb") as file:
        file.seek(_PREFIX)
        text = file.read(max(length, 0))
    try:
        found = read_json(text.decode("utf-8"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _check(path: str, entries: dict[str, Any], size: int) -> None:
    """Refuse tensors that do not lie side by side and fill the data to its end.

    Raises
    ------
    FileFormatError
    """
    places = []
    for name, entry in entries.items():
        place = f"file '{path}': tensor '{name}'"
        known = isinstance(entry, dict) and entry.keys() == {"dtype", "shape", "data_offsets"}
        if not known or entry["dtype"] not in list(_DTYPES):
            raise FileFormatError(
                f"{place}: expected a dtype of {list(_DTYPES)}, got {entry!r:.120}"
            )
        shape, offsets = entry["shape"], entry["data_offsets"]
        is_possible = _are_counts(shape) and len(shape) <= _MOST_AXES
        is_possible = is_possible and math.prod(max(size, 1) for size in shape) < _MOST_ELEMENTS
        if not (is_possible and _are_counts(offsets) and len(offsets) == 2):
            raise FileFormatError(f"{place}: expected a shape and two offsets, got {entry!r:.120}")
        expected = math.prod(shape) * _DTYPES[entry["dtype"]].itemsize
        if offsets[1] - offsets[0] != expected:
            raise FileFormatError(f"{place}: expected {expected} bytes, got {offsets}")
        places.append((*offsets, place))
    end = 0
    for first, after, place in sorted(places):
        if first != end or after > size:
            raise FileFormatError(
                f"{place}: expected data from {end} to {size} at most, got {first} to {after}"
            )
        end = after
    if end != size:
        raise FileFormatError(f"file '{path}': expected {end} bytes of data, got {size}")


def _are_counts(values: Any) -> bool:
    return isinstance(values, list) and all(type(v) is int and v >= 0 for v in values)
