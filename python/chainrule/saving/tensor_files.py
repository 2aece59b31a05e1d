"""Safetensors files as arrays: halves are read as float32, which holds each of their numbers."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from chainrule import _core

__all__ = ["read_tensors"]


def read_tensors(path: str) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
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
    return _core.load_safetensors(path)
