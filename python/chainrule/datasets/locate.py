"""Where a dataset's file lies: named, in `$CHAINRULE_DATA`, in the cache, or on the network."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from chainrule.utils.downloads import cache_home, download

__all__ = ["locate"]


def locate(path: Any, origin: str | None = None, file_hash: str | None = None) -> Path:
    """The file to read.

    Parameters
    ----------
    path : str or Path
        A text without a folder is a name: it is looked for in `$CHAINRULE_DATA`, then in
        `datasets` of the cache (`$CHAINRULE_HOME`, else `~/.chainrule`), then downloaded into
        the cache. Anything else (`"./mnist.npz"`, a `Path`) is the file itself.
    origin : str, optional
        The address to download from. Default: the file is not to be had from the network.
    file_hash : str, optional
        The sha256 or md5 checksum of the download. Files that are already there may be other copies of the
        data; what reads them checks their structure.

    Raises
    ------
    FileNotFoundError
        No such file, and none to be downloaded.
    ConnectionError, FileFormatError
        From `chainrule.utils.downloads.download`.

    Examples
    --------
    >>> locate("./no_such.npz")
    Traceback (most recent call last):
        ...
    FileNotFoundError: dataset: expected a file at './no_such.npz', got none
    """
    text = os.path.expanduser(os.fspath(path))
    if not isinstance(path, str) or os.path.dirname(text):
        if not os.path.exists(text):
            raise FileNotFoundError(f"dataset: expected a file at '{text}', got none")
        return Path(text)
    return locate_name(text, origin, file_hash)


def locate_name(name: str, origin: str | None = None, file_hash: str | None = None) -> Path:
    """The file of a name, which may hold folders, below the folders where data is kept."""
    folders = [cache_home() / "datasets"]
    if given := os.environ.get("CHAINRULE_DATA"):
        folders.insert(0, Path(given).expanduser())
    for folder in folders:
        if (folder / name).exists():
            return folder / name
    if origin is None:
        places = " and ".join(f"'{folder}'" for folder in folders)
        raise FileNotFoundError(
            f"dataset: expected '{name}' in $CHAINRULE_DATA or the cache, got none in {places}; "
            "name the file with load_data(path=...)"
        )
    return download(origin, folders[-1] / name, file_hash)
