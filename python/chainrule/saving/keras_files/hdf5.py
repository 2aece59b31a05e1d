"""HDF5 files read with care: what stands in the file itself, of no more bytes than it has."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from chainrule.base.errors import FileFormatError
from chainrule.base.loading import limit_of
from chainrule.utils.reading import damage

__all__ = ["Group", "h5py", "opened", "put_array"]

Array = NDArray[Any]

# Numbers of filters: deflate, shuffle, fletcher32, and h5py's lzf. Others are plug-ins that HDF5
# would look for on this machine.
_FILTERS = frozenset({1, 2, 3, 32000})
# Deflate cannot pack better than 1032 to 1.
_MOST_PACKED = 1040
# Bytes of an array that need not stand in the file.
_SMALL = 1 << 12
# What the header of a group holds.
_LONGEST = 1 << 16
_NUMBERS = "biuf"
_BFLOAT16 = "bfloat16"


def h5py() -> Any:
    """The package h5py.

    Raises
    ------
    ImportError
        It is not installed.
    """
    try:
        import h5py as package
    except ImportError as error:
        raise ImportError(
            "files of HDF5 (.keras, .weights.h5, .h5) are read and written by h5py: "
            "pip install 'chainrule[h5]'"
        ) from error
    return package


class Group:
    """A group of an HDF5 file, whose members lie in the file itself.

    Links to other places, other files and arrays that are views of others are refused.

    Parameters
    ----------
    file : str
        The file's name, for messages.
    group : h5py.Group
    limit : int
        The most bytes that an array may have.
    """

    def __init__(self, file: str, group: Any, limit: int) -> None:
        self._file = file
        self._group = group
        self._limit = limit

    @property
    def place(self) -> str:
        """The file and where in it."""
        return f"file '{self._file}', '{self._group.name}'"

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return int(self._group.file.id.get_filesize())

    def keys(self) -> list[str]:
        """The names of the members."""
        return list(self._group)

    def find(self, path: str) -> Group | None:
        """The group at a path below this one; None where there is none."""
        found = self
        for name in path.split("/") if path else ():
            member = found._member(name)
            if member is None or not isinstance(member, h5py().Group):
                return None
            found = Group(self._file, member, self._limit)
        return found

    def group(self, path: str) -> Group:
        """As `find`.

        Raises
        ------
        FileFormatError
            No group there.
        """
        found = self.find(path)
        if found is None:
            raise FileFormatError(f"{self.place}: expected a group '{path}', got none")
        return found

    def _member(self, name: str) -> Any:
        if not name or name == "." or name not in self._group:
            return None
        link = self._group.get(name, getlink=True)
        if not isinstance(link, h5py().HardLink):
            raise FileFormatError(
                f"{self.place}: expected groups and arrays in the file itself, got the "
                f"{type(link).__name__} '{name}'"
            )
        return self._group[name]

    def arrays(self) -> dict[str, Array]:
        """All arrays that lie directly in the group, by name."""
        return {name: self.array(name) for name in self._group}

    def array(self, path: str) -> Array:
        """The numbers of an array, bfloat16 as float32.

        Raises
        ------
        FileFormatError
            No array of numbers there, or one that claims more than the file holds.
        """
        *above, name = path.split("/")
        group = self.group("/".join(above))
        data = group._member(name)
        place = f"{group.place}: '{name}'"
        if data is None or not isinstance(data, h5py().Dataset):
            raise FileFormatError(f"{place}: expected an array, got none")
        is_bfloat16 = _text(data.attrs.get("dtype", "")) == _BFLOAT16 and data.dtype.itemsize == 2
        if data.shape is None or not (data.dtype.kind in _NUMBERS or is_bfloat16):
            raise FileFormatError(f"{place}: expected an array of numbers, got dtype {data.dtype}")
        properties = data.id.get_create_plist()
        if data.is_virtual or properties.get_external_count():
            raise FileFormatError(f"{place}: expected numbers in the file itself, got other places")
        filters = {properties.get_filter(i)[0] for i in range(properties.get_nfilters())}
        if filters - _FILTERS:
            raise FileFormatError(f"{place}: expected numbers packed by gzip or lzf, got another")
        size = math.prod(data.shape) * data.dtype.itemsize
        if size > max(_SMALL, _MOST_PACKED * data.id.get_storage_size()):
            raise FileFormatError(
                f"{place}: expected an array of the bytes in the file, got shape {data.shape} of "
                f"{size} in {data.id.get_storage_size()}"
            )
        if size > self._limit:
            raise FileFormatError(
                f"{place}: expected at most {self._limit} bytes (`memory_limit`), got {size}"
            )
        if is_bfloat16:
            return _of_bfloat16(np.asarray(data[()]))
        found = np.asarray(data[()])
        return found.astype(found.dtype.newbyteorder("="), copy=False)

    def shapes(self) -> set[tuple[int, ...]]:
        """The shapes of all arrays in the group and in those below it."""
        found: set[tuple[int, ...]] = set()

        def visit(_: str, item: Any) -> None:
            if isinstance(item, h5py().Dataset) and item.shape is not None:
                found.add(tuple(item.shape))

        self._group.visititems(visit)
        return found

    def holders(self) -> set[str]:
        """The paths of the groups, below this one, that hold arrays."""
        found: set[str] = set()

        def visit(name: str, item: Any) -> None:
            if isinstance(item, h5py().Dataset):
                found.add(name.rpartition("/")[0])

        self._group.visititems(visit)
        return found

    def attribute(self, name: str) -> Any:
        """An attribute: a text, or a list of texts; None where there is none.

        Raises
        ------
        FileFormatError
            An attribute of another kind, or one that may be longer than the file is.
        """
        if name not in self._group.attrs:
            return None
        found = self._group.attrs.get_id(name)
        count = math.prod(found.shape or ())
        # Texts lie elsewhere in the file, and many may be the same long one.
        most = self._bytes_beside_arrays() if found.dtype.kind == "O" else found.dtype.itemsize
        if count * most > (self._limit if found.dtype.kind == "O" else _LONGEST):
            raise FileFormatError(f"{self.place}: expected a short attribute '{name}', got {count}")
        value = self._group.attrs[name]
        if isinstance(value, (str, bytes, np.bytes_)):
            return _text(value)
        values = np.asarray(value)
        if values.dtype.kind not in "SUO" and values.size:
            raise FileFormatError(f"{self.place}: expected texts in '{name}', got {values.dtype}")
        return [_text(x) for x in values.ravel()]

    def texts(self, name: str) -> list[str]:
        """A list of texts, which Keras splits where it is long: `name0`, `name1`, ...

        Raises
        ------
        FileFormatError
            None there, or of another kind.
        """
        found = self.attribute(name)
        parts = [found] if found is not None else []
        while found is None and (part := self.attribute(f"{name}{len(parts)}")) is not None:
            parts.append(part)
        if not parts or not all(isinstance(part, list) for part in parts):
            raise FileFormatError(f"{self.place}: expected a list of texts '{name}', got none")
        return [text for part in parts for text in part]

    def _bytes_beside_arrays(self) -> int:
        """How many bytes of the file are none of an array's, those of packed arrays among them."""
        file = self._group.file
        places = set()

        def visit(_: str, item: Any) -> None:
            if isinstance(item, h5py().Dataset) and item.id.get_offset() is not None:
                places.add((item.id.get_offset(), item.id.get_storage_size()))

        file.visititems(visit)
        rest, end = self.size, 0
        for start, size in sorted(places):
            rest -= max(0, start + size - max(start, end))
            end = max(end, start + size)
        return int(max(rest, _SMALL))


def _text(x: Any) -> str:
    if isinstance(x, bytes):
        return x.decode("utf-8")
    if not isinstance(x, str):
        raise ValueError(f"expected a text, got {type(x).__name__}")
    return x


def _of_bfloat16(stored: Array) -> Array:
    """The upper halves of float32 numbers."""
    halves: Array = stored.view(np.uint16) if stored.ndim else stored.reshape(1).view(np.uint16)
    return (halves.astype(np.uint32) << 16).view(np.float32).reshape(stored.shape)


@contextmanager
def opened(
    name: str, file: str | IO[bytes] | None = None, memory_limit: int | None = None
) -> Iterator[Group]:
    """The root of an HDF5 file; whatever is wrong with the file is a FileFormatError.

    Parameters
    ----------
    name : str
        For messages, and the file's path where `file` is not given.
    file : str or file object, optional
    memory_limit : int, optional
        As of `load_model`.

    Raises
    ------
    FileFormatError
    ImportError
        h5py is not installed.
    """
    package = h5py()
    with damage(name, "a whole HDF5 file"):
        root = package.File(name if file is None else file, "r")
    with root:
        yield Group(name, root, limit_of(memory_limit))


def put_array(group: Any, name: str, value: Any) -> None:
    """Write the numbers of an array, or of a variable, into an open file: bfloat16 as float32."""
    numbers = np.asarray(value.numpy() if hasattr(value, "numpy") else value)
    if numbers.dtype.name == _BFLOAT16:
        numbers = numbers.astype(np.float32)
    group.create_dataset(name, data=numbers)
