"""Archives unpacked: whole or not at all, and never outside their folder."""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from chainrule.base.errors import FileFormatError
from chainrule.utils.reading import damage

__all__ = ["extract_archive"]

# What the system says of the place where the contents go: all other errors are the archive's.
_OF_THE_SYSTEM = {
    errno.EACCES,
    errno.EDQUOT,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOSPC,
    errno.EPERM,
    errno.EROFS,
}


@dataclass
class _Entry:
    """One thing in an archive: a folder, a file (its data), or a link (where to)."""

    name: str
    is_folder: bool = False
    data: IO[bytes] | None = None
    link: str | None = None
    is_hard: bool = False
    executable: bool = False


def extract_archive(path: Any, folder: Any, archive_format: Any = "auto") -> Path:
    """Unpack a `.tar`, `.tar.gz`, `.tar.bz2`, `.tar.xz` or `.zip` into a new folder.

    The contents go to a temporary folder beside it, which gets its name when they are complete; a
    folder of that name is replaced.

    Parameters
    ----------
    path : str or Path
        The archive.
    folder : str or Path
        Where its contents go.
    archive_format : {"auto", "tar", "zip"}, or a list of such
        What the archive may be. Default: either.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ValueError
        For another `archive_format`.
    FileFormatError
        A file that is no archive, is damaged or truncated, or holds a name or a link that leads
        outside the folder, or something that is neither file, folder nor link. The folder is as
        it was.
    """
    source, target = Path(path), Path(folder)
    kind = _kind(source, archive_format)
    part = target.with_name(f".{target.name}.{os.urandom(4).hex()}.part")
    part.mkdir(parents=True)
    try:
        with _whole(source, kind):
            if kind == "tar":
                with tarfile.open(source) as tar:
                    _unpack(_tar_entries(source, tar), source, part)
            else:
                with zipfile.ZipFile(source) as archive:
                    _unpack(_zip_entries(source, archive), source, part)
        _replace(part, target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return target


@contextmanager
def _whole(path: Path, kind: str) -> Iterator[None]:
    """Inside, an error means a damaged archive, unless the system has no room for the contents."""
    try:
        with damage(path, f"a whole {kind} archive"):
            yield
    except FileFormatError as error:
        cause = error.__cause__
        if isinstance(cause, OSError) and cause.errno in _OF_THE_SYSTEM:
            raise cause from None
        raise
    except FileNotFoundError as error:
        if not path.exists():
            raise
        raise FileFormatError(
            f"file '{path}': expected a whole {kind} archive, got: {error}"
        ) from error


def _kind(path: Path, archive_format: Any) -> str:
    formats = ["tar", "zip"] if archive_format == "auto" else archive_format
    formats = [formats] if isinstance(formats, str) else list(formats or ())
    tests = {"tar": tarfile.is_tarfile, "zip": zipfile.is_zipfile}
    if unknown := [name for name in formats if name not in tests]:
        raise ValueError(f'Expected `archive_format` "auto", "tar" or "zip", got {unknown[0]!r}')
    for name in formats:
        with damage(path, "an archive"):
            if tests[name](path):
                return str(name)
    raise FileFormatError(
        f"file '{path}': expected an archive ({' or '.join(formats) or 'of no format'}), got "
        "something else"
    )


def _tar_entries(path: Path, archive: tarfile.TarFile) -> Iterator[_Entry]:
    for member in archive:
        if member.isdir():
            yield _Entry(member.name, is_folder=True)
        elif member.issym() or member.islnk():
            yield _Entry(member.name, link=member.linkname, is_hard=member.islnk())
        elif member.isfile():
            data = archive.extractfile(member)
            yield _Entry(member.name, data=data, executable=bool(member.mode & stat.S_IXUSR))
        else:
            raise FileFormatError(
                f"file '{path}': expected files, folders and links, got the device "
                f"'{member.name}'"
            )
    file = archive.fileobj
    assert file is not None
    # The end of a tar is a block of zeros; tarfile takes the end of the file for it, too.
    if file.tell() < archive.offset + tarfile.BLOCKSIZE:
        raise EOFError(f"the data ends after {file.tell()} bytes, before the end of the archive")
    # Where the archive is packed, its checksum stands at the end.
    while file.read(1 << 20):
        pass


def _zip_entries(path: Path, archive: zipfile.ZipFile) -> Iterator[_Entry]:
    for info in archive.infolist():
        mode = info.external_attr >> 16
        if info.is_dir():
            yield _Entry(info.filename, is_folder=True)
            continue
        with archive.open(info) as data:
            if stat.S_ISLNK(mode):
                yield _Entry(info.filename, link=os.fsdecode(data.read(4096)))
            else:
                yield _Entry(info.filename, data=data, executable=bool(mode & stat.S_IXUSR))


def _unpack(entries: Iterable[_Entry], path: Path, folder: Path) -> None:
    base = os.path.realpath(folder)
    links = []
    for entry in entries:
        target = _inside(path, base, entry.name)
        if target == base:
            continue
        if entry.is_folder:
            os.makedirs(target, exist_ok=True)
            continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if os.path.lexists(target):
            os.unlink(target)
        if entry.link is not None and entry.is_hard:
            copied = _inside(path, base, entry.link)
            if not os.path.isfile(copied):
                raise FileFormatError(
                    f"file '{path}': expected the file '{entry.link}' before its second name "
                    f"'{entry.name}', got none"
                )
            shutil.copyfile(copied, target)
        elif entry.link is not None:
            os.symlink(entry.link, target)
            links.append((entry, target))
        else:
            assert entry.data is not None
            with open(target, "xb") as file:
                shutil.copyfileobj(entry.data, file)
            if entry.executable:
                os.chmod(target, os.stat(target).st_mode | 0o111)
        # A link may lead outside only once a later one is there.
        for link, place in links:
            assert link.link is not None
            if os.path.isabs(link.link) or not _is_within(os.path.realpath(place), base):
                raise _outside(path, f"{link.name}' -> '{link.link}")


def _inside(path: Path, base: str, name: str) -> str:
    """Where an entry of this name goes, with the links on the way followed.

    Raises
    ------
    FileFormatError
        Outside of the folder.
    """
    parts = re.split(r"[/\\]", name)
    if parts[0] == "" or ".." in parts or "\0" in name or os.path.splitdrive(name)[0]:
        raise _outside(path, name)
    target = os.path.join(base, *parts)
    folder = os.path.realpath(os.path.dirname(target))
    if target.rstrip(os.sep) != base and not _is_within(folder, base):
        raise _outside(path, name)
    return os.path.normpath(target)


def _is_within(path: str, base: str) -> bool:
    return os.path.commonpath([path, base]) == base


def _outside(path: Path, name: str) -> FileFormatError:
    return FileFormatError(
        f"file '{path}': expected names below the archive's own folder, got '{name}'"
    )


def _replace(part: Path, folder: Path) -> None:
    """Give a temporary folder its name; the one that had it goes."""
    if not os.path.lexists(folder):
        os.rename(part, folder)
        return
    old = part.with_name(f"{part.name}.old")
    os.rename(folder, old)
    os.rename(part, folder)
    if old.is_dir() and not old.is_symlink():
        shutil.rmtree(old)
    else:
        old.unlink()
