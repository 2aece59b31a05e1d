"""Files replaced whole or not at all: the one way in which the package writes over a path."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

__all__ = ["replacing", "sync"]

_EFFECTIVE = os.access in os.supports_effective_ids


@contextmanager
def replacing(path: Any, previous: str | None = None) -> Iterator[str]:
    """Gives the name of an empty file beside `path`; when the block ends, it takes its place.

    Nobody sees half a file: a reader finds the old one or the whole new one. A block that fails
    leaves the old one, and no other. What a plain `open(path, "w")` keeps is kept: a symbolic link
    stays and what it points to is replaced, an old file's mode and, where that may be, its owner
    stay, and a new file has the mode that the umask leaves. Of a file with several names (hard
    links) only this name gets the new content.

    Parameters
    ----------
    path : str or path
    previous : str, optional
        The name beside it that the old file gets. Default: the old file goes.

    Yields
    ------
    str
        The temporary file, to be written (or opened again) by its name.

    Raises
    ------
    FileNotFoundError
        No such folder.
    IsADirectoryError
        `path` is a folder.
    PermissionError
        An old file that may not be written, even though its folder would allow to replace it.
    OSError
        A device, a pipe or a socket; a full disk.

    Examples
    --------
    >>> import tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "a.txt")
    >>> with replacing(path) as temporary:
    ...     with open(temporary, "w") as file:
    ...         _ = file.write("whole")
    >>> open(path).read(), os.listdir(os.path.dirname(path))
    ('whole', ['a.txt'])
    """
    given = str(os.fspath(path))
    old = _replaceable(given)
    target = os.path.realpath(given)
    folder, name = os.path.split(target)
    # Names have an end, often 255 bytes.
    temporary = os.path.join(folder, f".{name[:60]}.{os.urandom(4).hex()}.tmp")
    try:
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    except OSError as error:
        raise _renamed(error, given) from None
    try:
        yield temporary
        sync(temporary)
        if old is not None:
            _keep(temporary, old)
        if previous is not None and old is not None:
            os.replace(target, previous)
        os.replace(temporary, target)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def sync(path: str) -> None:
    """Have the disk hold a file's content, so that a rename does not come before it."""
    number = os.open(path, os.O_RDWR)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _replaceable(path: str) -> os.stat_result | None:
    """What lies at `path`, links followed; None where nothing does."""
    try:
        old = os.stat(path)
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(old.st_mode):
        raise IsADirectoryError(errno.EISDIR, "expected a file's name, got a folder", path)
    if not stat.S_ISREG(old.st_mode):
        raise OSError(
            errno.EINVAL, "expected a plain file to be replaced, got a device or a pipe", path
        )
    if not os.access(path, os.W_OK, effective_ids=_EFFECTIVE):
        raise PermissionError(errno.EACCES, "expected a file that may be written", path)
    return old


def _keep(path: str, old: os.stat_result) -> None:
    """Give a file the owner and the mode of another."""
    new = os.stat(path)
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        # Only a privileged process may give files away; for others the new file is their own.
        with suppress(PermissionError):
            os.chown(path, old.st_uid, old.st_gid)
    os.chmod(path, stat.S_IMODE(old.st_mode))


def _renamed(error: OSError, path: str) -> OSError:
    """The same error, of the path that was asked for."""
    return type(error)(error.errno, error.strerror, path)
