"""Files from the network: into a cache, checked, whole or not at all."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chainrule.base.errors import FileFormatError
from chainrule.utils.io import print_msg
from chainrule.utils.progbar import Progbar
from chainrule.utils.writing import replacing

__all__ = ["cache_home", "check_hash", "download", "hash_file"]

_CHUNK = 1 << 17
_TIMEOUT = 60.0
_ALGORITHMS = {64: "sha256", 32: "md5"}


def cache_home() -> Path:
    """Where downloads are kept: `$CHAINRULE_HOME`, else `~/.chainrule`."""
    return Path(os.environ.get("CHAINRULE_HOME") or "~/.chainrule").expanduser()


def algorithm_of(file_hash: str, algorithm: str = "auto") -> str:
    """The name of a hash's algorithm; with "auto", the one of its length.

    Raises
    ------
    ValueError
        For another algorithm than sha256 and md5, or a text that is no hash of the algorithm.

    Examples
    --------
    >>> algorithm_of("9e107d9d372bb6826bd81d3542a419d6")
    'md5'
    """
    known = {name: length for length, name in _ALGORITHMS.items()}
    if algorithm not in ("auto", *known):
        raise ValueError(f'Expected `hash_algorithm` "auto", "sha256" or "md5", got {algorithm!r}')
    text = str(file_hash)
    found = _ALGORITHMS.get(len(text)) if algorithm == "auto" else algorithm
    if found is None or not re.fullmatch("[0-9a-fA-F]{%d}" % known[found], text):
        raise ValueError(
            f"file_hash: expected 64 hexadecimal digits (sha256) or 32 (md5), got {file_hash!r}"
        )
    return found


def hash_file(path: Any, algorithm: str = "sha256") -> str:
    """The hash of a file's bytes, in hexadecimal digits, read in chunks."""
    hasher = hashlib.new(algorithm, usedforsecurity=False)
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            hasher.update(chunk)
    return hasher.hexdigest()


def check_hash(name: Any, expected: str, got: str, algorithm: str) -> None:
    """Refuse a file whose hash is not the expected one.

    Raises
    ------
    FileFormatError
    """
    if got.lower() != expected.lower():
        raise FileFormatError(
            f"Incomplete or corrupted file detected: '{name}': expected the {algorithm} checksum "
            f"{expected}, got {got}"
        )


def download(
    origin: str, target: Path, file_hash: str | None = None, algorithm: str = "auto"
) -> Path:
    """Fetch `origin` into the file `target`, with a progress bar.

    The bytes go to a temporary name beside the target, which they get once they are complete and
    checked. A download that fails, or is interrupted, leaves the target as it was.

    Parameters
    ----------
    origin : str
        An address: http, https, ftp or file.
    target : Path
        Its folder is made where it is missing.
    file_hash : str, optional
        The expected hash in hexadecimal digits.
    algorithm : {"auto", "sha256", "md5"}
        Of the hash. Default: told from its length.

    Raises
    ------
    ConnectionError
        The address does not answer, answers with an error, or sends less than it announced.
    FileFormatError
        The checksum does not match.
    """
    algorithm = algorithm_of(file_hash, algorithm) if file_hash else "sha256"
    target.parent.mkdir(parents=True, exist_ok=True)
    hasher = hashlib.new(algorithm, usedforsecurity=False)
    with replacing(target) as part:
        print_msg(f"Downloading {origin}")
        with open(part, "wb") as file:
            for chunk in _chunks(origin, target):
                file.write(chunk)
                hasher.update(chunk)
        if file_hash:
            check_hash(origin, str(file_hash), hasher.hexdigest(), algorithm)
    return target


def _chunks(origin: str, target: Path) -> Iterator[bytes]:
    """What an address sends, with a progress bar; all that it announced."""
    import http.client
    import urllib.request

    request = urllib.request.Request(origin, headers={"User-Agent": "chainrule"})
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as response:
            length = response.headers.get("Content-Length")
            total = int(length) if length and length.isdigit() else None
            bar = Progbar(total, unit_name="byte")
            done = 0
            while chunk := response.read(_CHUNK):
                yield chunk
                done += len(chunk)
                if done != total:
                    bar.update(done)
            if total is not None and done != total:
                raise OSError(f"the connection ended after {done} of {total} bytes")
            bar.update(done, finalize=True)
    except (http.client.HTTPException, OSError) as error:  # urllib's are OSErrors
        raise ConnectionError(
            f"download: expected '{target.name}' from {origin}, got: "
            f"{error or type(error).__name__}. A copy put at '{target}' is used as it is."
        ) from error
