"""Files that may be damaged: one error for whatever reading them raises, and arrays read with care."""

from __future__ import annotations

import math
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.base import config
from chainrule.base.errors import FileFormatError

__all__ = ["damage", "read_arrays", "read_header", "read_into"]

Array = npt.NDArray[Any]


@contextmanager
def damage(path: Any, expected: str) -> Iterator[None]:
    """Inside, an error means that the file is not what was expected.

    The standard library and NumPy raise errors of some twenty kinds for damaged files, `OSError`s
    of the system among them. Only a missing file and one that may not be read are called by those
    names.

    Parameters
    ----------
    path : str or path
    expected : str
        What the file should hold, for the message.

    Raises
    ------
    FileFormatError
    FileNotFoundError, PermissionError
        As they came.

    Examples
    --------
    >>> with damage("a.npz", "a whole archive"):
    ...     raise EOFError("the data ends")
    Traceback (most recent call last):
        ...
    chainrule.errors.FileFormatError: file 'a.npz': expected a whole archive, got: the data ends
    """
    try:
        yield
    except (FileFormatError, FileNotFoundError, PermissionError):
        raise
    except Exception as error:
        raise FileFormatError(
            f"file '{path}': expected {expected}, got: {error or type(error).__name__}"
        ) from error


def read_header(
    stream: Any, kinds: str = "biufc"
) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether in Fortran's order, and dtype of the array that a `.npy` stream holds.

    Parameters
    ----------
    stream : binary file
    kinds : str
        Of the dtypes to take. Default: numbers.

    Raises
    ------
    ValueError
        A header of none, a negative size, or a dtype of another kind: pickled objects, say.
    Exception
        What else `numpy.lib.format` raises for a damaged header.
    """
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    else:
        shape, fortran, dtype = np.lib.format.read_array_header_2_0(stream)
    if any(isinstance(n, bool) or n < 0 for n in shape):
        raise ValueError(f"an array of shape {shape}")
    if dtype.kind not in kinds:
        raise ValueError(f"an array of {'pickled objects' if dtype.hasobject else dtype}")
    return tuple(shape), bool(fortran), dtype


def read_into(stream: Any, array: Array) -> None:
    """Fill a flat array from a stream that has to end with it.

    Raises
    ------
    EOFError
        Where the stream holds fewer bytes, or more.
    """
    view, done = array.view("uint8").data, 0
    while done < len(view):
        got = stream.readinto(view[done:])
        if not got:
            raise EOFError(f"the data ends after {done} of {len(view)} bytes")
        done += got
    if stream.read(1):
        raise EOFError(f"the data goes on after {len(view)} bytes")


def read_arrays(path: Any) -> dict[str, Array]:
    """The arrays of an `.npz` file as `numpy.savez` writes it, by name; never more than it holds.

    Raises
    ------
    ValueError
        A packed archive, a name that comes twice, or an array of another size than its header says.
    Exception
        What else a damaged archive makes `zipfile` and NumPy raise; see `damage`.
    """
    size = os.path.getsize(path)
    if not os.path.isfile(path):
        raise ValueError("a folder, a device or a pipe")
    if size > config.memory_limit():
        raise ValueError(f"{size} bytes, more than `config.memory_limit()`")
    arrays: dict[str, Array] = {}
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise ValueError("a packed archive")
        if sum(entry.file_size for entry in entries) > size:
            raise ValueError("an archive that claims more bytes than it has")
        for entry in entries:
            name = entry.filename.removesuffix(".npy")
            if name in arrays:
                raise ValueError(f"two arrays '{name}'")
            with archive.open(entry) as stream:
                shape, fortran, dtype = read_header(stream)
                count = math.prod(shape)
                if count * dtype.itemsize > entry.file_size:
                    raise EOFError(f"array '{name}' of shape {shape} in {entry.file_size} bytes")
                flat = np.empty(count, dtype)
                read_into(stream, flat)
            arrays[name] = flat.reshape(shape, order="F" if fortran else "C")
    return arrays
