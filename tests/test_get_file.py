"""`get_file` and archives: cached, checked, unpacked whole and never outside their folder."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chainrule.errors import FileFormatError
from chainrule.utils import get_file
from chainrule.utils.archives import extract_archive
from tests.local_server import Server


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def tar_bytes(members: list[tuple[tarfile.TarInfo, bytes]], mode: str = "w:gz") -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:  # type: ignore[call-overload]
        for member, data in members:
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return file.getvalue()


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644) -> Any:
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.mode = kind, link, mode
    return member


FILES = [(entry("d/a.txt"), b"aaa"), (entry("d/run", mode=0o755), b"#!"), (entry("b.txt"), b"b")]


def zip_bytes(files: dict[str, bytes], links: dict[str, str] | None = None) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
        for name, target in (links or {}).items():
            info = zipfile.ZipInfo(name)
            info.create_system = 3
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, target)
    return file.getvalue()


def tree(folder: Path) -> list[str]:
    """Every file and link below a folder, hidden ones too."""
    return sorted(
        str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_symlink() or not p.is_dir()
    )


# get_file


def test_a_file_is_downloaded_once(server: Server, tmp_path: Path) -> None:
    server.files["a/b.txt"] = b"hello"
    for _ in range(2):
        path = get_file(origin=server.url + "a/b.txt?x=1", cache_dir=tmp_path)
        assert path == str(tmp_path / "datasets" / "b.txt")
        assert Path(path).read_bytes() == b"hello"
    assert server.asked == ["/a/b.txt?x=1"]


def test_the_cache_is_given_by_the_environment(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAINRULE_HOME", str(tmp_path / "home"))
    server.files["a.txt"] = b"hello"
    path = get_file("c.txt", server.url + "a.txt", cache_subdir="mine")
    assert path == str(tmp_path / "home" / "mine" / "c.txt")


def test_hashes(server: Server, tmp_path: Path) -> None:
    server.files["a.txt"] = b"hello"
    url = server.url + "a.txt"
    md5 = hashlib.md5(b"hello").hexdigest()
    get_file("1", url, file_hash=sha(b"hello"), cache_dir=tmp_path)
    get_file("2", url, file_hash=sha(b"hello").upper(), cache_dir=tmp_path)
    get_file("3", url, md5_hash=md5, cache_dir=tmp_path)
    get_file("4", url, file_hash=md5, cache_dir=tmp_path)
    get_file("5", url, file_hash=md5, hash_algorithm="md5", cache_dir=tmp_path)
    with pytest.raises(FileFormatError, match="a.txt.*expected the sha256 checksum 0000.*got"):
        get_file("6", url, file_hash="0" * 64, cache_dir=tmp_path)
    assert tree(tmp_path) == [f"datasets/{n}" for n in "12345"]
    with pytest.raises(ValueError, match="hexadecimal"):
        get_file("7", url, file_hash="0" * 63, cache_dir=tmp_path)


def test_a_file_of_another_hash_is_downloaded_again(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "datasets").mkdir()
    cached = tmp_path / "datasets" / "a.txt"
    cached.write_bytes(b"half")
    server.files["a.txt"] = b"hello"
    assert get_file("a.txt", server.url + "a.txt", cache_dir=tmp_path) == str(cached)
    assert cached.read_bytes() == b"half" and server.asked == []
    get_file("a.txt", server.url + "a.txt", file_hash=sha(b"hello"), cache_dir=tmp_path)
    assert cached.read_bytes() == b"hello" and len(server.asked) == 1
    assert "not the expected file" in capsys.readouterr().out
    server.files["a.txt"] = b"newer"
    get_file("a.txt", server.url + "a.txt", cache_dir=tmp_path, force_download=True)
    assert cached.read_bytes() == b"newer"


@pytest.mark.parametrize("name", ["../a", "a/b", "a\\b", "..", "."])
def test_names_with_folders(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="without a folder"):
        get_file(name, "http://127.0.0.1:9/a", cache_dir=tmp_path)
    assert tree(tmp_path) == []


def test_origins_that_name_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="origin"):
        get_file("a.txt")
    with pytest.raises(ValueError, match="file's name"):
        get_file(origin="http://127.0.0.1:9/", cache_dir=tmp_path)
    with pytest.raises(ConnectionError, match="http://127.0.0.1:9/a"):
        get_file(origin="http://127.0.0.1:9/a", cache_dir=tmp_path)
    assert tree(tmp_path) == []


def test_an_archive_is_unpacked_once(server: Server, tmp_path: Path) -> None:
    server.files["flowers.tgz"] = tar_bytes(FILES)
    names = {
        None: ("flowers.tgz", "flowers.tgz_archive"),
        "mine": ("mine", "mine_archive"),
        "mine.tar.gz": ("mine_extracted", "mine.tar.gz"),
    }
    for name, (folder, archive) in names.items():
        url = server.url + "flowers.tgz"
        path = Path(get_file(name, url, extract=True, cache_dir=tmp_path))
        assert path == tmp_path / "datasets" / folder
        assert tree(path) == ["b.txt", "d/a.txt", "d/run"]
        assert (tmp_path / "datasets" / archive).is_file()
        (path / "b.txt").write_text("mine")
        get_file(name, url, extract=True, cache_dir=tmp_path)
        assert (path / "b.txt").read_text() == "mine"
        get_file(name, url, untar=True, cache_dir=tmp_path, force_download=True)
        assert (path / "b.txt").read_text() == "b"
    assert len(server.asked) == 6


def test_a_broken_archive_leaves_the_old_folder(server: Server, tmp_path: Path) -> None:
    whole = tar_bytes([(entry(f"{i}.bin"), os.urandom(5000)) for i in range(20)])
    server.files["a.tgz"] = whole
    url = server.url + "a.tgz"
    path = Path(get_file("a", url, extract=True, cache_dir=tmp_path))
    server.files["a.tgz"] = whole[: len(whole) // 2]
    with pytest.raises(FileFormatError, match="a_archive.*whole tar archive"):
        get_file("a", url, extract=True, cache_dir=tmp_path, force_download=True)
    assert len(tree(path)) == 20
    assert sorted(os.listdir(tmp_path / "datasets")) == ["a", "a_archive"]


# Archives


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_tars(tmp_path: Path, mode: str) -> None:
    (tmp_path / "a.tar").write_bytes(tar_bytes(FILES, mode))
    folder = extract_archive(tmp_path / "a.tar", tmp_path / "out")
    assert tree(folder) == ["b.txt", "d/a.txt", "d/run"]
    assert (folder / "d" / "a.txt").read_bytes() == b"aaa"
    assert os.access(folder / "d" / "run", os.X_OK)
    assert not os.access(folder / "b.txt", os.X_OK)


def test_zips(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zip_bytes({"d/": b"", "d/a.txt": b"aaa", "b.txt": b"b"}))
    folder = extract_archive(tmp_path / "a.zip", tmp_path / "out", "zip")
    assert tree(folder) == ["b.txt", "d/a.txt"]
    assert (folder / "d" / "a.txt").read_bytes() == b"aaa"


def test_links_that_stay_inside(tmp_path: Path) -> None:
    members = [
        *FILES,
        (entry("d/up", tarfile.SYMTYPE, "../b.txt"), b""),
        (entry("hard", tarfile.LNKTYPE, "d/a.txt"), b""),
        (entry("b.txt"), b"again"),
    ]
    (tmp_path / "a.tar").write_bytes(tar_bytes(members))
    folder = extract_archive(tmp_path / "a.tar", tmp_path / "out")
    assert (folder / "d" / "up").read_bytes() == b"again"
    assert (folder / "hard").read_bytes() == b"aaa"


HOSTILE: dict[str, Callable[[], bytes]] = {
    "parent": lambda: tar_bytes([*FILES, (entry("../evil"), b"x")]),
    "parent within": lambda: tar_bytes([(entry("d/../../evil"), b"x")]),
    "absolute": lambda: tar_bytes([(entry("/tmp/chainrule_evil"), b"x")]),
    "backslash": lambda: tar_bytes([(entry("..\\evil"), b"x")]),
    "link out": lambda: tar_bytes([(entry("l", tarfile.SYMTYPE, "../.."), b"")]),
    "absolute link": lambda: tar_bytes([(entry("l", tarfile.SYMTYPE, "/etc"), b"")]),
    "through a link": lambda: tar_bytes(
        [(entry("l", tarfile.SYMTYPE, ".."), b""), (entry("l/evil"), b"x")]
    ),
    "chain of links": lambda: tar_bytes(
        [
            (entry("a/x"), b"x"),
            (entry("a/here", tarfile.SYMTYPE, ".."), b""),
            (entry("out", tarfile.SYMTYPE, "a/here/.."), b""),
            (entry("out/evil"), b"x"),
        ]
    ),
    "chain of links, later": lambda: tar_bytes(
        [
            (entry("out", tarfile.SYMTYPE, "a/here/.."), b""),
            (entry("a/here", tarfile.SYMTYPE, ".."), b""),
        ]
    ),
    "hard link out": lambda: tar_bytes([(entry("h", tarfile.LNKTYPE, "../secret"), b"")]),
    "hard link to nothing": lambda: tar_bytes([(entry("h", tarfile.LNKTYPE, "none"), b"")]),
    "device": lambda: tar_bytes([(entry("pipe", tarfile.FIFOTYPE), b"")]),
    "zip parent": lambda: zip_bytes({"../evil": b"x"}),
    "zip absolute": lambda: zip_bytes({"/tmp/chainrule_evil": b"x"}),
    "zip link out": lambda: zip_bytes({}, {"l": "../../secret"}),
    "zip through a link": lambda: zip_bytes({}, {"l": "/tmp", "l/chainrule_evil": "x"}),
}


@pytest.mark.skipif(sys.platform == "win32", reason="makes links")
@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_leaves_the_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "in").mkdir()
    file = tmp_path / "in" / "hostile"
    file.write_bytes(HOSTILE[name]())
    with pytest.raises(FileFormatError, match="hostile") as caught:
        extract_archive(file, tmp_path / "in" / "out")
    assert "expected" in str(caught.value) and "got" in str(caught.value)
    assert tree(tmp_path) == ["in/hostile", "secret"]
    assert os.listdir(tmp_path / "in") == ["hostile"]
    assert not Path("/tmp/chainrule_evil").exists()


def damaged() -> dict[str, bytes]:
    members = [(entry(f"{i}.bin"), os.urandom(3000)) for i in range(9)]
    packed = tar_bytes(members)
    zipped = zip_bytes({f"{i}.bin": os.urandom(3000) for i in range(9)})
    middle = len(zipped) // 2
    return {
        "empty": b"",
        "text": b"<html>not found</html>" * 100,
        "cut gz": packed[: len(packed) // 3],
        "cut tar": tar_bytes(members, "w")[:4000],
        "checksum of gz": packed[:-8] + bytes(8),
        "cut zip": zipped[:middle],
        "flipped zip": zipped[:middle] + bytes([zipped[middle] ^ 255]) + zipped[middle + 1 :],
    }


@pytest.mark.parametrize("name", damaged())
def test_damaged_archives(tmp_path: Path, name: str) -> None:
    file = tmp_path / "damaged"
    file.write_bytes(damaged()[name])
    with pytest.raises(FileFormatError, match="damaged.*expected.*archive"):
        extract_archive(file, tmp_path / "out")
    assert os.listdir(tmp_path) == ["damaged"]


def test_formats(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(zip_bytes({"a.txt": b"x"}))
    with pytest.raises(FileFormatError, match=r"\(tar\)"):
        extract_archive(file, tmp_path / "out", "tar")
    with pytest.raises(FileFormatError, match="of no format"):
        extract_archive(file, tmp_path / "out", None)
    with pytest.raises(ValueError, match="'rar'"):
        extract_archive(file, tmp_path / "out", ["zip", "rar"])
    extract_archive(file, tmp_path / "out", ["tar", "zip"])
    assert tree(tmp_path / "out") == ["a.txt"]
