"""The binary files of CIFAR-10 and CIFAR-100, read out of their archive.

A record is one label byte (CIFAR-10) or two (CIFAR-100: coarse, fine), then 3072 bytes: the 32x32
red, then green, then blue values. The format is described at
https://www.cs.toronto.edu/~kriz/cifar.html.
"""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from chainrule.base import config
from chainrule.base.errors import FileFormatError
from chainrule.datasets.npz import Bytes, most_bytes
from chainrule.utils.reading import damage, read_into

__all__ = ["CLASS_NAMES", "as_keras", "read_archive"]

CLASS_NAMES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)

_PIXELS = 3 * 32 * 32
_LARGEST = 1 << 28


def read_archive(
    path: Path, parts: Sequence[Sequence[str]], label_classes: Sequence[int]
) -> list[tuple[Bytes, Bytes]]:
    """Images (n, 32, 32, 3) and labels (n, kinds) of each part.

    Parameters
    ----------
    path : Path
        A `.tar.gz`, or the folder that its files were extracted to.
    parts : sequence of sequences of str
        The files of each part, without folders; their records follow one another.
    label_classes : sequence of int
        The number of classes of each label byte of a record.

    Raises
    ------
    FileFormatError
        A file that is no archive, is damaged or truncated, lacks one of the names, or holds
        records of another length or labels beyond the classes.
    """
    names = [name for part in parts for name in part]
    with damage(path, "a whole .tar.gz archive"):
        found = _files(path, names) if path.is_dir() else _members(path, names)
    missing = [name for name in names if name not in found]
    if missing:
        raise FileFormatError(
            f"file '{path}': expected the binary version of the data with {', '.join(names)}, "
            f"got no {', '.join(missing)}"
        )
    return [
        _records(path, {name: found[name] for name in part}, label_classes) for part in parts
    ]


def _records(
    path: Path, files: dict[str, Bytes], label_classes: Sequence[int]
) -> tuple[Bytes, Bytes]:
    kinds = len(label_classes)
    for name, data in files.items():
        if len(data) == 0 or len(data) % (kinds + _PIXELS):
            raise FileFormatError(
                f"file '{path}': expected '{name}' of records of {kinds + _PIXELS} bytes, got "
                f"{len(data)} bytes"
            )
    records = np.concatenate(list(files.values())).reshape(-1, kinds + _PIXELS)
    labels = records[:, :kinds].copy()
    for column, classes in zip(labels.T, label_classes):
        if column.max() >= classes:
            raise FileFormatError(
                f"file '{path}': expected labels 0 to {classes - 1}, got {column.max()} in "
                f"{', '.join(files)}"
            )
    images = records[:, kinds:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), labels


def _files(path: Path, names: Sequence[str]) -> dict[str, Bytes]:
    return {
        name: np.fromfile(path / name, dtype="uint8")
        for name in names
        if (path / name).is_file()
    }


def _members(path: Path, names: Sequence[str]) -> dict[str, Bytes]:
    found: dict[str, Bytes] = {}
    with gzip.open(path, "rb") as stream, tarfile.open(fileobj=stream, mode="r:") as archive:
        for member in archive:
            name = member.name.rsplit("/", 1)[-1]
            if name not in names or name in found or not member.isfile():
                continue
            if member.size > min(_LARGEST, most_bytes(path)):
                raise FileFormatError(
                    f"file '{path}': expected '{name}' of at most {_LARGEST} bytes, got "
                    f"{member.size}"
                )
            file = archive.extractfile(member)
            assert file is not None
            found[name] = np.empty(member.size, dtype="uint8")
            read_into(file, found[name])
        # The checksum stands at the end of the stream.
        while stream.read(1 << 20):
            pass
    return found


def as_keras(images: Bytes, labels: Bytes) -> tuple[Bytes, Bytes]:
    """Images in `image_data_format()`, and labels as a column, as Keras gives them."""
    if config.image_data_format() == "channels_first":
        images = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    return images, labels.reshape(-1, 1)
