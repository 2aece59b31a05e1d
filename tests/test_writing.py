"""What is written over a path: links, modes, what is no plain file, and what a failure leaves."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.utils import downloads, state_files
from chainrule.utils.writing import replacing


def model() -> Any:
    return cr.Sequential([cr.Input((4,)), cr.layers.Dense(1)])


def download(path: Path) -> None:
    source = path.with_name("source")
    source.write_bytes(b"new")
    try:
        downloads.download(source.as_uri(), path)
    finally:
        source.unlink()


def picture(path: Path) -> None:
    pytest.importorskip("PIL")
    cr.utils.save_img(path, np.zeros((2, 2, 3)), file_format="png")


# Every writer, and the ending that it wants.
WRITERS = {
    "save": (lambda path: model().save(path), ".chainrule"),
    "save_weights": (lambda path: model().save_weights(path), ".safetensors"),
    "write_state": (lambda path: state_files.write_state(str(path), {"epoch": 1}), ".npz"),
    "download": (download, ".bin"),
    "plot_model": (lambda path: cr.utils.plot_model(model(), path), ".svg"),
    "save_img": (picture, ".png"),
}


@pytest.fixture(params=WRITERS)
def writer(request: Any, tmp_path: Path) -> Any:
    write, ending = WRITERS[request.param]
    return write, tmp_path / f"file{ending}"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_a_new_file_obeys_the_umask(writer: Any, umask: int) -> None:
    write, path = writer
    before = os.umask(umask)
    try:
        write(path)
    finally:
        os.umask(before)
    assert mode(path) == 0o666 & ~umask
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("old", [0o640, 0o600, 0o666, 0o755])
def test_the_old_mode_stays(writer: Any, old: int) -> None:
    write, path = writer
    path.write_text("old")
    path.chmod(old)
    write(path)
    assert mode(path) == old and path.read_bytes() != b"old"
    assert os.listdir(path.parent) == [path.name]


def test_links_stay_and_what_they_point_to_is_replaced(writer: Any, tmp_path: Path) -> None:
    write, path = writer
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    target = elsewhere / f"target{path.suffix}"
    target.write_text("old")
    target.chmod(0o640)
    middle = tmp_path / "middle"
    middle.symlink_to(target)
    path.symlink_to("middle")
    write(path)
    assert os.readlink(path) == "middle" and os.readlink(middle) == str(target)
    assert target.read_bytes() != b"old" and mode(target) == 0o640
    target.unlink()
    write(path)  # a link to nothing: the file is made there
    assert path.is_symlink() and target.is_file()
    assert os.listdir(elsewhere) == [target.name]


def test_what_is_no_plain_file_is_refused(writer: Any) -> None:
    write, path = writer
    path.mkdir()
    with pytest.raises(IsADirectoryError, match=path.name):
        write(path)
    path.rmdir()
    os.mkfifo(path)
    with pytest.raises(OSError, match="expected a plain file"):
        write(path)
    assert stat.S_ISFIFO(path.stat().st_mode)
    path.unlink()
    path.symlink_to("/dev/null")
    with pytest.raises(OSError, match="expected a plain file"):
        write(path)
    assert os.readlink(path) == "/dev/null" and stat.S_ISCHR(os.stat("/dev/null").st_mode)
    path.unlink()
    path.symlink_to(path.name)
    with pytest.raises(OSError, match=path.name):
        write(path)
    assert os.listdir(path.parent) == [path.name]


AS_ANOTHER_USER = """
import os, sys
import chainrule as cr
folder, path = sys.argv[1:]
model = cr.Sequential([cr.Input((4,)), cr.layers.Dense(1)])
model.save(os.path.join(folder, "imports.chainrule"))  # of an interpreter that others may not read
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
for _ in range(2):
    try:
        model.save(path)
    except PermissionError as error:
        print("refused", error.filename)
    os.chmod(folder, 0o500)
    os.chmod(path, 0o600)
"""


def test_a_file_that_may_not_be_written_stays() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "m.chainrule"
        path.write_text("precious")
        path.chmod(0o444)
        if os.getuid() == 0:
            os.chown(folder, 65534, 65534)
            os.chown(path, 65534, 65534)
        run = [sys.executable, "-c", AS_ANOTHER_USER, name, str(path)]
        found = subprocess.run(run, capture_output=True, text=True)
        assert found.returncode == 0, found.stderr
        # The file may not be written; then it may, but its folder may not.
        assert found.stdout.split() == ["refused", str(path)] * 2
        assert path.read_text() == "precious"
        folder.chmod(0o700)
        assert sorted(os.listdir(folder)) == ["imports.chainrule", path.name]


def test_a_failure_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    for error in (RuntimeError, KeyboardInterrupt):
        with pytest.raises(error), replacing(path) as temporary:
            Path(temporary).write_text("half")
            raise error
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["a"]


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    path = str(tmp_path / "state.npz")
    state_files.write_state(path, {"n": 1})
    monkeypatch.setattr("numpy.savez", full)
    with pytest.raises(OSError, match="No space left"):
        state_files.write_state(path, {"n": 2}, f"{path}.bkp")
    monkeypatch.undo()
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        model().save(tmp_path / "m.chainrule")
    assert os.listdir(tmp_path) == ["state.npz"] and state_files.read_state(path) == {"n": 1}


def test_missing_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"), replacing(tmp_path / "nowhere" / "a"):
        pass
