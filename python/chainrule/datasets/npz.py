"""Arrays from an `.npz` file: checked before they are read, and never unpickled."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.base import config
from chainrule.base.errors import FileFormatError
from chainrule.utils.reading import damage, read_header, read_into

__all__ = ["check_labels", "most_bytes", "opened", "read_npz", "read_splits"]

Array = npt.NDArray[Any]
Bytes = npt.NDArray[np.uint8]
Splits = tuple[tuple[Bytes, Bytes], tuple[Bytes, Bytes]]

# Deflate shrinks at most to 1/1032: a file that claims more holds less than it says.
_MOST_PACKED = 1100


def read_npz(
    path: Path, shapes: dict[str, tuple[int | None, ...]], kinds: str = "uint8"
) -> dict[str, Array]:
    """The named arrays of an `.npz` file.

    Parameters
    ----------
    path : Path
    shapes : dict
        The shape of each array; None is any number but 0. Other arrays are not looked at.
    kinds : {"uint8", "int", "float"}
        What the arrays hold. Default: uint8.

    Raises
    ------
    FileFormatError
        A file that is no archive, is damaged or truncated, lacks an array, or holds one of
        another shape or dtype, such as pickled objects.
    """
    with opened(path, shapes) as archive:
        return {
            name: _read(path, archive, name, shape, kinds) for name, shape in shapes.items()
        }


@contextmanager
def opened(path: Path, names: Collection[str]) -> Iterator[zipfile.ZipFile]:
    """The archive of a file that holds the arrays of these names.

    Raises
    ------
    FileFormatError
        A file that is no archive, or lacks an array; inside, whatever reading it raises.
    """
    with damage(path, "a whole .npz archive"), zipfile.ZipFile(path) as archive:
        held = [n.removesuffix(".npy") for n in archive.namelist() if n.endswith(".npy")]
        if any(name not in held for name in names):
            raise FileFormatError(
                f"file '{path}': expected the arrays {', '.join(names)}, got "
                f"{', '.join(sorted(held)) or 'none'}"
            )
        yield archive


def _fits(dtype: np.dtype[Any], kinds: str) -> bool:
    if kinds == "uint8":
        return dtype == np.uint8
    return dtype.kind in {"int": "iu", "float": "f"}[kinds]


def _read(
    path: Path,
    archive: zipfile.ZipFile,
    name: str,
    expected: tuple[int | None, ...],
    kinds: str,
) -> Array:
    entry = archive.getinfo(f"{name}.npy")
    with archive.open(entry) as stream:
        try:
            shape, fortran, dtype = read_header(stream)
        except ValueError as error:
            raise FileFormatError(
                f"file '{path}': expected array '{name}' of dtype {kinds}, got {error}"
            ) from error
        fits = len(shape) == len(expected) and all(
            n > 0 if want is None else n == want for n, want in zip(shape, expected)
        )
        if not (fits and _fits(dtype, kinds)):
            wanted = str(expected).replace("None", "n")
            raise FileFormatError(
                f"file '{path}': expected array '{name}' of shape {wanted} and dtype {kinds}, got "
                f"{shape} and {dtype}"
            )
        size = math.prod(shape) * dtype.itemsize
        most = most_bytes(path, entry.file_size)
        if size > most:
            raise FileFormatError(
                f"file '{path}': expected {size} bytes of array '{name}', got at most {most}"
            )
        array = np.empty(math.prod(shape), dtype)
        read_into(stream, array)
    array = array.astype(dtype.newbyteorder("="), copy=False)
    if fortran:
        return np.ascontiguousarray(array.reshape(shape[::-1]).transpose())
    return array.reshape(shape)


def most_bytes(path: Path, claimed: int | None = None) -> int:
    """How many bytes a packed file can hold, and `config.memory_limit()` lets it take."""
    most = min(path.stat().st_size * _MOST_PACKED, config.memory_limit())
    return most if claimed is None else min(most, claimed)


def check_labels(path: Path, name: str, labels: Bytes, images: Bytes, classes: int) -> None:
    """Refuse labels beyond the classes, and another number of labels than of images.

    Raises
    ------
    FileFormatError
    """
    if len(labels) != len(images):
        raise FileFormatError(
            f"file '{path}': expected a label for each of {len(images)} images, got {len(labels)} "
            f"in {name}"
        )
    if labels.max() >= classes:
        raise FileFormatError(
            f"file '{path}': expected labels 0 to {classes - 1}, got {labels.max()} in {name}"
        )


def read_splits(path: Path, image_shape: Sequence[int], classes: int) -> Splits:
    """`(x_train, y_train), (x_test, y_test)` from an `.npz` file of these four arrays.

    Parameters
    ----------
    path : Path
    image_shape : sequence of int
        Of one image.
    classes : int
        Labels are 0 to classes - 1.

    Raises
    ------
    FileFormatError
        As `read_npz`; and where the labels do not fit to the images or the classes.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "tiny.npz"
    >>> x, y = np.zeros((3, 2, 2), "uint8"), np.arange(3, dtype="uint8")
    >>> np.savez(file, x_train=x, y_train=y, x_test=x[:1], y_test=y[:1])
    >>> (x_train, y_train), (x_test, y_test) = read_splits(file, (2, 2), 3)
    >>> x_train.shape, y_test.shape
    ((3, 2, 2), (1,))
    """
    images, labels = (None, *image_shape), (None,)
    found = read_npz(
        path, {"x_train": images, "y_train": labels, "x_test": images, "y_test": labels}
    )
    for part in ("train", "test"):
        x, y = found[f"x_{part}"], found[f"y_{part}"]
        check_labels(path, f"y_{part}", y, x, classes)
    return (found["x_train"], found["y_train"]), (found["x_test"], found["y_test"])
