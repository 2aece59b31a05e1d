"""Keras's `.keras` archives: a zip of `config.json`, `model.weights.h5` and what is no array."""

from __future__ import annotations

import io
import json
import os
import re
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from chainrule.base.errors import FileFormatError
from chainrule.base.loading import limit_of, read_json
from chainrule.utils.reading import damage
from chainrule.utils.writing import replacing

__all__ = ["Archive", "KERAS_VERSION", "opened_archive", "write_archive"]

# Of the format that is written.
KERAS_VERSION = "3.15.1"
_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_ASSETS = "assets"
_WRITER = "chainrule"
# Deflate cannot pack better than 1032 to 1, and small members may be packed by anything.
_MOST_PACKED, _SMALL = 1040, 1 << 16
_MOST_MEMBERS = 100_000


class Archive:
    """An open archive, of which only known members of bounded size are read."""

    def __init__(self, path: str, members: zipfile.ZipFile, limit: int) -> None:
        self._path = path
        self._zip = members
        names = [entry.filename for entry in members.infolist()]
        if len(set(names)) != len(names) or len(names) > _MOST_MEMBERS:
            raise FileFormatError(f"file '{path}': expected each member once, got {names!r:.200}")
        total = sum(entry.file_size for entry in members.infolist())
        packed = sum(entry.compress_size for entry in members.infolist())
        if total > limit or total > _SMALL + _MOST_PACKED * packed:
            raise FileFormatError(
                f"file '{path}': expected members of at most {limit} bytes together "
                f"(`memory_limit`), got {total} packed in {packed}"
            )
        if _CONFIG not in names or _WEIGHTS not in names:
            raise FileFormatError(
                f"file '{path}': expected a Keras zip archive with '{_CONFIG}' and '{_WEIGHTS}', "
                f"got {names!r:.200}"
            )

    @property
    def is_own(self) -> bool:
        """Whether chainrule wrote it, not Keras."""
        if _METADATA not in self._zip.namelist():
            return False
        with damage(self._path, f"'{_METADATA}' of JSON"):
            metadata = read_json(self._read(_METADATA))
        return isinstance(metadata, dict) and metadata.get("written_by") == _WRITER

    @property
    def config(self) -> bytes:
        """The text of the model's configuration."""
        return self._read(_CONFIG)

    def weights(self) -> io.BytesIO:
        """The file of HDF5 in the archive."""
        return io.BytesIO(self._read(_WEIGHTS))

    def _read(self, name: str) -> bytes:
        with damage(self._path, "a whole Keras zip archive"):
            return self._zip.read(name)

    @contextmanager
    def assets(self) -> Iterator[str | None]:
        """A folder, there for as long as the block runs, with what is no array; None without such."""
        entries = [
            entry
            for entry in self._zip.infolist()
            if entry.filename.startswith(f"{_ASSETS}/") and not entry.is_dir()
        ]
        with tempfile.TemporaryDirectory() if entries else nullcontext(None) as folder:
            for entry in entries if folder else ():
                parts = re.split(r"[/\\]", entry.filename)[1:]
                if any(part in ("", ".", "..") or ":" in part or "\0" in part for part in parts):
                    raise FileFormatError(
                        f"file '{self._path}': expected names below '{_ASSETS}', got "
                        f"'{entry.filename}'"
                    )
                content = self._read(entry.filename)
                target = os.path.join(str(folder), *parts)
                with damage(self._path, "files and folders of one name each"):
                    os.makedirs(os.path.dirname(target), exist_ok=True)
                    with open(target, "xb") as file:
                        file.write(content)
            yield folder


@contextmanager
def opened_archive(path: str, memory_limit: int | None = None) -> Iterator[Archive]:
    """A `.keras` file.

    Raises
    ------
    FileFormatError
        No Keras zip archive, or one whose members claim more than `memory_limit`.
    """
    with damage(path, "a whole Keras zip archive"):
        members = zipfile.ZipFile(path)
    with members:
        yield Archive(path, members, limit_of(memory_limit))


def write_archive(path: str, config: Any, weights: bytes, assets: str) -> None:
    """Write the members of a `.keras` file, under a temporary name that is changed at the end.

    Parameters
    ----------
    path : str
    config
        The model's configuration, of plain values.
    weights : bytes
        A file of HDF5.
    assets : str
        The folder of what is no array.
    """
    metadata = {"keras_version": KERAS_VERSION, "written_by": _WRITER}
    with (
        replacing(path) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive,
    ):
        for name, content in (
            (_METADATA, json.dumps(metadata).encode()),
            (_CONFIG, json.dumps(config).encode()),
            (_WEIGHTS, weights),
        ):
            archive.writestr(zipfile.ZipInfo(name), content)
        for folder, inner, files in os.walk(assets):
            inner.sort()
            for name in sorted(files):
                place = os.path.join(folder, name)
                relative = os.path.relpath(place, assets).replace(os.sep, "/")
                with open(place, "rb") as file:
                    archive.writestr(zipfile.ZipInfo(f"{_ASSETS}/{relative}"), file.read())
