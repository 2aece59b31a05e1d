"""`get_file`: a file from the network, downloaded once."""

from __future__ import annotations

import os
import urllib.parse
from pathlib import Path
from typing import Any

from chainrule.utils.downloads import algorithm_of, cache_home, download, hash_file
from chainrule.utils.io import print_msg

__all__ = ["get_file"]


def get_file(
    fname: Any = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: Any = "auto",
    cache_dir: Any = None,
    force_download: bool = False,
) -> str:
    """The path of a file of the cache, downloaded where it is missing or not the expected one.

    Without a hash, nothing tells whether the file is the one that was meant: give one where you
    can.

    Parameters
    ----------
    fname : str, optional
        The file's name in the cache. Default: the last part of `origin`. With `extract` and
        without a dot in it, the name of the folder that the archive is unpacked to.
    origin : str
        The address.
    untar : bool
        The same as `extract` with `archive_format="tar"`. Default: False.
    md5_hash : str, optional
        The same as `file_hash` with `hash_algorithm="md5"`.
    file_hash : str, optional
        The file's hash in hexadecimal digits.
    cache_subdir : str
        The folder below the cache; an absolute path stands for itself. Default: "datasets".
    hash_algorithm : {"auto", "sha256", "md5"}
        Default: told from the hash's length.
    extract : bool
        Unpack the file, an archive; names and links that lead out of it are refused. Default:
        False.
    archive_format : {"auto", "tar", "zip"}, or a list of such
        What the archive may be. Default: either.
    cache_dir : str or Path, optional
        The cache. Default: `$CHAINRULE_HOME`, else `~/.chainrule`.
    force_download : bool
        Download even where the file is there. Default: False.

    Returns
    -------
    str
        The path of the file; with `extract`, of the folder with the archive's contents.

    Raises
    ------
    ValueError
        No `origin`; a name with a folder; a hash or an option that is none.
    ConnectionError
        The download fails. The cache is as it was.
    FileFormatError
        The download's hash is not the expected one, or the archive is damaged or hostile.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "a.txt").write_text("hello")
    >>> url = (folder / "a.txt").as_uri()
    >>> path = get_file("b.txt", url, cache_dir=folder)  # doctest: +ELLIPSIS
    Downloading file:///...
    >>> Path(path).read_text(), Path(path).parent.name
    ('hello', 'datasets')
    """
    if origin is None:
        raise ValueError('Please specify the "origin" argument (URL of the file to download).')
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, "md5"
    algorithm = algorithm_of(file_hash, hash_algorithm) if file_hash else "sha256"
    given = os.fspath(fname) if fname else ""
    name = given or os.path.basename(urllib.parse.urlsplit(origin).path)
    if not name:
        raise ValueError(
            f"get_file: expected an origin that ends with a file's name, or `fname`, got '{origin}'"
        )
    if name in (".", "..") or any(separator in name for separator in ("/", "\\", os.sep)):
        raise ValueError(
            f"get_file: expected `fname` without a folder, got '{name}'; `cache_dir` and "
            "`cache_subdir` name the folder"
        )
    folder = Path(cache_dir).expanduser() if cache_dir else cache_home()
    folder = folder / cache_subdir
    if not (extract or untar):
        _fetch(origin, folder / name, file_hash, algorithm, force_download)
        return str(folder / name)
    target, contents = folder / f"{name}_archive", folder / name
    if "." in given:
        target, contents = folder / name, folder / f"{name.split('.')[0]}_extracted"
    fresh = _fetch(origin, target, file_hash, algorithm, force_download)
    if fresh or not contents.is_dir():
        from chainrule.utils.archives import extract_archive

        extract_archive(target, contents, "tar" if untar else archive_format)
    return str(contents)


def _fetch(origin: str, target: Path, file_hash: str | None, algorithm: str, force: bool) -> bool:
    """Download where it is needed; whether it was."""
    if target.exists() and not force:
        if not file_hash or hash_file(target, algorithm).lower() == file_hash.lower():
            return False
        print_msg(f"'{target}' is not the expected file ({algorithm} {file_hash}).")
    download(origin, target, file_hash, algorithm)
    return True
