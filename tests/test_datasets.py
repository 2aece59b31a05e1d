"""Datasets: found, downloaded, checked; damaged, foreign and hostile files are refused by name."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import os
import struct
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule import config
from chainrule.datasets import cifar10, cifar10_small, cifar100, digits, fashion_mnist, mnist
from chainrule.datasets.locate import locate
from chainrule.errors import FileFormatError
from chainrule.utils.downloads import algorithm_of, cache_home, download, hash_file
from tests.local_server import Server

DATA = os.environ.get("CHAINRULE_DATA", "")


def needs(name: str) -> pytest.MarkDecorator:
    there = bool(DATA) and Path(DATA, name).exists()
    return pytest.mark.skipif(not there, reason=f"no {name} in $CHAINRULE_DATA")


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own, and no $CHAINRULE_DATA, for each test."""
    monkeypatch.setenv("CHAINRULE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CHAINRULE_DATA", raising=False)
    return tmp_path


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def mnist_arrays(train: int = 5, test: int = 2) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {
        "x_train": rng.integers(0, 256, (train, 28, 28), dtype="uint8"),
        "y_train": rng.integers(0, 10, train, dtype="uint8"),
        "x_test": rng.integers(0, 256, (test, 28, 28), dtype="uint8"),
        "y_test": rng.integers(0, 10, test, dtype="uint8"),
    }


def npz_bytes(compressed: bool = True, **arrays: Any) -> bytes:
    file = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(file, **arrays)
    return file.getvalue()


def idx_bytes(array: Any) -> bytes:
    head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return gzip.compress(head + array.tobytes())


def tar_bytes(files: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return file.getvalue()


def records(n: int, label_classes: tuple[int, ...], seed: int) -> Any:
    rng = np.random.default_rng(seed)
    labels = np.stack([rng.integers(0, c, n) for c in label_classes], axis=1)
    pixels = rng.integers(0, 256, (n, 3072))
    return np.concatenate([labels, pixels], axis=1).astype("uint8")


def cifar10_files(n: int = 3) -> dict[str, bytes]:
    names = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    return {
        f"cifar-10-batches-bin/{name}.bin": records(n, (10,), i).tobytes()
        for i, name in enumerate(names)
    }


def leftovers(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.rglob("*") if p.is_file())


# Where files are looked for


def test_an_explicit_path_comes_first(folders: Path) -> None:
    arrays = mnist_arrays()
    file = folders / "mine.npz"
    file.write_bytes(npz_bytes(**arrays))
    (x_train, y_train), (x_test, y_test) = mnist.load_data(file)
    np.testing.assert_array_equal(x_train, arrays["x_train"])
    np.testing.assert_array_equal(y_train, arrays["y_train"])
    np.testing.assert_array_equal(x_test, arrays["x_test"])
    np.testing.assert_array_equal(y_test, arrays["y_test"])
    assert x_train.flags.writeable and x_train.flags.c_contiguous
    (same, _), _ = mnist.load_data(path=str(file))
    np.testing.assert_array_equal(same, x_train)


def test_a_path_that_is_not_there_is_not_downloaded(folders: Path, server: Server) -> None:
    with pytest.raises(FileNotFoundError, match="expected a file at .*none.npz"):
        locate(folders / "none.npz", server.url + "mnist.npz")
    with pytest.raises(FileNotFoundError, match="./none.npz"):
        locate("./none.npz", server.url + "mnist.npz")
    assert server.asked == []


def test_the_data_folder_comes_before_the_cache_and_the_cache_before_the_network(
    folders: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.files["a.bin"] = b"network"
    cached = cache_home() / "datasets" / "a.bin"
    assert locate("a.bin", server.url + "a.bin") == cached
    assert cached.read_bytes() == b"network" and len(server.asked) == 1
    assert locate("a.bin", server.url + "a.bin") == cached and len(server.asked) == 1
    (folders / "data").mkdir()
    monkeypatch.setenv("CHAINRULE_DATA", str(folders / "data"))
    assert locate("a.bin", server.url + "a.bin") == cached
    (folders / "data" / "a.bin").write_bytes(b"own")
    assert locate("a.bin", server.url + "a.bin").read_bytes() == b"own"
    assert len(server.asked) == 1


def test_without_an_address_the_places_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINRULE_DATA", "/no/such/folder")
    with pytest.raises(FileNotFoundError, match="cifar10_small.npz.*'/no/such/folder'.*home"):
        cifar10_small.load_data()


def test_the_cache_is_in_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHAINRULE_HOME")
    assert cache_home() == Path.home() / ".chainrule"


# Downloads


def test_a_download_is_checked_and_kept(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    body = npz_bytes(**mnist_arrays())
    server.files["mnist.npz"] = body
    monkeypatch.setattr(mnist, "ORIGIN", server.url + "mnist.npz")
    monkeypatch.setattr(mnist, "SHA256", sha(body))
    for _ in range(2):
        (x_train, _), _ = mnist.load_data()
        assert x_train.shape == (5, 28, 28)
    assert len(server.asked) == 1
    assert leftovers(cache_home()) == ["mnist.npz"]
    assert f"{len(body)}/{len(body)}" in capsys.readouterr().out


def test_the_published_checksum_refuses_another_copy(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.files["mnist.npz"] = npz_bytes(**mnist_arrays())
    monkeypatch.setattr(mnist, "ORIGIN", server.url + "mnist.npz")
    with pytest.raises(FileFormatError, match="mnist.npz.*expected the sha256.*731c5ac6.*got"):
        mnist.load_data()
    assert leftovers(cache_home()) == []


def test_an_interrupted_download_leaves_nothing(server: Server, folders: Path) -> None:
    server.files["a.bin"] = bytes(300_000)
    server.cut = 200_000
    with pytest.raises(ConnectionError, match="a.bin.*200000 of 300000 bytes"):
        download(server.url + "a.bin", folders / "a.bin")
    assert leftovers(folders) == []


def test_a_failed_download_keeps_the_file_that_was_there(server: Server, folders: Path) -> None:
    (folders / "a.bin").write_bytes(b"old")
    server.files["a.bin"] = b"new"
    with pytest.raises(FileFormatError, match="expected the sha256 checksum"):
        download(server.url + "a.bin", folders / "a.bin", sha(b"other"))
    server.cut = 1
    with pytest.raises(ConnectionError):
        download(server.url + "a.bin", folders / "a.bin")
    assert (folders / "a.bin").read_bytes() == b"old"
    assert leftovers(folders) == ["a.bin"]


def test_ctrl_c_leaves_nothing(
    server: Server, folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chainrule.utils import downloads

    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    server.files["a.bin"] = bytes(500_000)
    monkeypatch.setattr(downloads.Progbar, "update", interrupt)
    with pytest.raises(KeyboardInterrupt):
        download(server.url + "a.bin", folders / "a.bin")
    assert leftovers(folders) == []


def test_a_disk_that_is_full_is_no_matter_of_the_connection(
    server: Server, folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        def update(self, _: bytes) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    server.files["a.bin"] = b"abc"
    monkeypatch.setattr(hashlib, "new", lambda *_, **__: Full())
    with pytest.raises(OSError, match="No space left") as caught:
        download(server.url + "a.bin", folders / "a.bin")
    assert not isinstance(caught.value, ConnectionError)
    assert leftovers(folders) == []


def test_addresses_that_do_not_answer(server: Server, folders: Path) -> None:
    with pytest.raises(ConnectionError, match="gone.bin.*404"):
        download(server.url + "gone.bin", folders / "gone.bin")
    server.close()
    with pytest.raises(ConnectionError, match="a.bin"):
        download(server.url + "a.bin", folders / "a.bin")
    with pytest.raises(ValueError, match="unknown url type"):
        download("not an address", folders / "a.bin")
    assert leftovers(folders) == []


def test_hashes(folders: Path) -> None:
    file = folders / "a"
    file.write_bytes(b"abc")
    assert hash_file(file) == sha(b"abc")
    assert hash_file(file, "md5") == "900150983cd24fb0d6963f7d28e17f72"
    assert algorithm_of("0" * 64) == "sha256" and algorithm_of("0" * 32) == "md5"
    for text, algorithm in (("0" * 40, "auto"), ("x" * 64, "auto"), ("0" * 32, "sha256")):
        with pytest.raises(ValueError, match="hexadecimal"):
            algorithm_of(text, algorithm)
    with pytest.raises(ValueError, match="sha1"):
        algorithm_of("0" * 40, "sha1")


# .npz


class Bomb:
    """Unpickled, it would make a file."""

    def __reduce__(self) -> Any:
        return open, ("owned", "w")


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in mnist_arrays().items() if key != name}


def pickled(**_: Any) -> bytes:
    arrays = mnist_arrays()
    arrays["y_train"] = np.array([Bomb()] * 5, dtype=object)
    return npz_bytes(**arrays)


def header_of_a_giant() -> bytes:
    """An archive whose array claims a terabyte."""
    file = io.BytesIO(npz_bytes(compressed=False, **without("x_train")))
    head = io.BytesIO()
    spec = {"descr": "|u1", "fortran_order": False, "shape": (10**9, 28, 28)}
    np.lib.format.write_array_header_1_0(head, spec)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("x_train.npy", head.getvalue())
    return file.getvalue()


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 255]) + data[at + 1 :]


def broken_npz() -> list[tuple[str, bytes, str]]:
    arrays = mnist_arrays()
    whole = npz_bytes(**arrays)
    plain = npz_bytes(compressed=False, **arrays)
    return [
        ("empty", b"", "a whole .npz archive"),
        ("text", b"<html>not found</html>", "a whole .npz archive"),
        ("truncated", whole[: len(whole) // 2], "a whole .npz archive"),
        ("flipped bit", flipped(plain, 700), "a whole .npz archive"),
        ("missing array", npz_bytes(**without("y_test")), "expected the arrays .*y_test.*got"),
        ("pickle", pickled(), "y_train.*uint8.*pickled objects"),
        ("float", npz_bytes(**{**arrays, "x_train": np.zeros((5, 28, 28))}), "x_train.*float64"),
        ("shape", npz_bytes(**{**arrays, "x_test": arrays["x_test"][:, 1:]}), r"\(2, 27, 28\)"),
        ("rank", npz_bytes(**{**arrays, "y_test": arrays["y_test"][:, None]}), r"\(2, 1\)"),
        ("no rows", npz_bytes(**{**arrays, "x_test": arrays["x_test"][:0]}), r"\(0, 28, 28\)"),
        ("lengths", npz_bytes(**{**arrays, "y_test": arrays["y_train"]}), "each of 2 images"),
        ("label", npz_bytes(**{**arrays, "y_test": np.array([1, 10], "uint8")}), "0 to 9, got 10"),
        ("giant", header_of_a_giant(), "bytes of array 'x_train', got at most"),
        ("a .npy", npy_bytes(arrays["x_train"]), "a whole .npz archive"),
    ]


def npy_bytes(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize(("name", "data", "message"), broken_npz(), ids=lambda v: str(v)[:20])
def test_broken_npz_files(
    folders: Path, monkeypatch: pytest.MonkeyPatch, name: str, data: bytes, message: str
) -> None:
    monkeypatch.chdir(folders)
    file = folders / "broken.npz"
    file.write_bytes(data)
    with pytest.raises(FileFormatError, match=message) as caught:
        mnist.load_data(file)
    assert str(file) in str(caught.value)
    assert leftovers(folders) == ["broken.npz"]


def test_a_folder_is_no_npz(folders: Path) -> None:
    with pytest.raises(FileFormatError, match="a whole .npz archive"):
        mnist.load_data(folders)


def test_fortran_order_and_other_arrays_are_fine(folders: Path) -> None:
    arrays = mnist_arrays()
    given = {**arrays, "x_train": np.asfortranarray(arrays["x_train"]), "note": np.array("hello")}
    file = folders / "a.npz"
    file.write_bytes(npz_bytes(**given))
    (x_train, _), _ = mnist.load_data(file)
    np.testing.assert_array_equal(x_train, arrays["x_train"])
    assert x_train.flags.c_contiguous


@pytest.mark.parametrize("seed", range(40))
def test_any_damage_gives_one_exception(folders: Path, seed: int) -> None:
    """Random bytes of a valid file replaced, or its end cut off: read whole or refused."""
    rng = np.random.default_rng(seed)
    data = bytearray(npz_bytes(compressed=bool(seed % 2), **mnist_arrays()))
    for at in rng.integers(0, len(data), 3):
        data[at] = rng.integers(0, 256)
    file = folders / "a.npz"
    file.write_bytes(bytes(data[: len(data) - int(rng.integers(0, 400)) * (seed % 3 == 0)]))
    try:
        (x_train, _), _ = mnist.load_data(file)
    except FileFormatError as error:
        assert str(file) in str(error)
    else:
        assert x_train.shape == (5, 28, 28)


# Fashion-MNIST: idx files


def fashion_files() -> dict[str, bytes]:
    arrays = mnist_arrays()
    return {
        "train-images-idx3-ubyte.gz": idx_bytes(arrays["x_train"]),
        "train-labels-idx1-ubyte.gz": idx_bytes(arrays["y_train"]),
        "t10k-images-idx3-ubyte.gz": idx_bytes(arrays["x_test"]),
        "t10k-labels-idx1-ubyte.gz": idx_bytes(arrays["y_test"]),
    }


def test_fashion_mnist_is_downloaded_file_by_file(
    folders: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = fashion_files()
    server.files.update(files)
    monkeypatch.setattr(fashion_mnist, "ORIGIN", server.url)
    monkeypatch.setattr(fashion_mnist, "SHA256", {n: sha(files[n]) for n in fashion_mnist.SHA256})
    arrays = mnist_arrays()
    for _ in range(2):
        (x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()
        np.testing.assert_array_equal(x_train, arrays["x_train"])
        np.testing.assert_array_equal(y_train, arrays["y_train"])
        np.testing.assert_array_equal(x_test, arrays["x_test"])
        np.testing.assert_array_equal(y_test, arrays["y_test"])
    assert len(server.asked) == 4
    assert leftovers(folders) == sorted(files)
    (same, _), _ = fashion_mnist.load_data(cache_home() / "datasets" / "fashion-mnist")
    np.testing.assert_array_equal(same, x_train)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "a whole idx file|header"),
        (gzip.compress(b""), "header"),
        (gzip.compress(bytes([0, 0, 8, 3, 0])), "idx"),
        (idx_bytes(np.zeros((5, 28, 28), "uint8"))[:40], "a whole idx file"),
        (idx_bytes(np.zeros((5, 27, 28), "uint8")), "header"),
        (idx_bytes(np.zeros((0, 28, 28), "uint8")), "header"),
        (gzip.compress(bytes([0, 0, 13, 3]) + struct.pack(">3I", 5, 28, 28)), "header"),
        (gzip.compress(bytes([0, 0, 8, 3]) + struct.pack(">3I", 2**32 - 1, 28, 28)), "at most"),
        (gzip.compress(bytes([0, 0, 8, 3]) + struct.pack(">3I", 5, 28, 28)), "after 0 of 3920"),
        (idx_bytes(np.zeros((4, 28, 28), "uint8")), "each of 4 images, got 5"),
        (b"PK\x03\x04 not a gzip", "a whole idx file"),
    ],
)
def test_broken_idx_files(folders: Path, data: bytes, message: str) -> None:
    for name, good in fashion_files().items():
        (folders / name).write_bytes(good)
    (folders / "train-images-idx3-ubyte.gz").write_bytes(data)
    with pytest.raises(FileFormatError, match=message) as caught:
        fashion_mnist.load_data(folders)
    assert str(folders) in str(caught.value)


# CIFAR: binary records in an archive


def test_cifar10_from_its_archive_and_from_a_folder(folders: Path) -> None:
    files = cifar10_files()
    file = folders / "cifar.tar.gz"
    file.write_bytes(tar_bytes({"cifar-10-batches-bin/readme.html": b"hello", **files}))
    (x_train, y_train), (x_test, y_test) = cifar10.load_data(file)
    assert x_train.shape == (15, 32, 32, 3) and y_train.shape == (15, 1)
    assert x_test.shape == (3, 32, 32, 3) and y_test.shape == (3, 1)
    third = records(3, (10,), 2)[1]
    assert y_train[7, 0] == third[0]
    np.testing.assert_array_equal(x_train[7], third[1:].reshape(3, 32, 32).transpose(1, 2, 0))
    np.testing.assert_array_equal(y_test[:, 0], records(3, (10,), 5)[:, 0])
    for name, data in files.items():
        (folders / name).parent.mkdir(exist_ok=True)
        (folders / name).write_bytes(data)
    (same, _), _ = cifar10.load_data(folders / "cifar-10-batches-bin")
    np.testing.assert_array_equal(same, x_train)


def test_cifar_channels_first(folders: Path) -> None:
    file = folders / "cifar.tar.gz"
    file.write_bytes(tar_bytes(cifar10_files()))
    (last, _), _ = cifar10.load_data(file)
    before = config.image_data_format()
    config.set_image_data_format("channels_first")
    try:
        (first, _), (x_test, _) = cifar10.load_data(file)
    finally:
        config.set_image_data_format(before)
    assert x_test.shape == (3, 3, 32, 32)
    np.testing.assert_array_equal(first.transpose(0, 2, 3, 1), last)


def test_cifar100_fine_and_coarse(folders: Path) -> None:
    train, test = records(4, (20, 100), 0), records(2, (20, 100), 1)
    file = folders / "cifar-100.tar.gz"
    file.write_bytes(
        tar_bytes({"c/train.bin": train.tobytes(), "c/test.bin": test.tobytes(), "c/x.txt": b""})
    )
    (x_train, fine), (_, fine_test) = cifar100.load_data(path=file)
    (_, coarse), _ = cifar100.load_data("coarse", path=file)
    assert x_train.shape == (4, 32, 32, 3)
    np.testing.assert_array_equal(coarse[:, 0], train[:, 0])
    np.testing.assert_array_equal(fine[:, 0], train[:, 1])
    np.testing.assert_array_equal(fine_test[:, 0], test[:, 1])
    with pytest.raises(ValueError, match="fine.*coarse.*'medium'"):
        cifar100.load_data("medium", path=file)


def broken_cifar() -> list[tuple[str, bytes, str]]:
    files = cifar10_files()
    whole = tar_bytes(files)
    first = "cifar-10-batches-bin/data_batch_1.bin"
    python_version = {name.replace(".bin", ""): data for name, data in files.items()}
    wrong_label = bytearray(files[first])
    wrong_label[0] = 10
    return [
        ("empty", b"", "a whole .tar.gz"),
        ("text", b"<html>", "a whole .tar.gz"),
        ("truncated", whole[: len(whole) // 2], "a whole .tar.gz|got no"),
        ("pickles", tar_bytes(python_version), "binary version.*got no data_batch_1.bin"),
        ("short", tar_bytes({**files, first: files[first][:-1]}), "records of 3073 bytes, got 9218"),
        ("no rows", tar_bytes({**files, first: b""}), "records of 3073 bytes, got 0"),
        ("label", tar_bytes({**files, first: bytes(wrong_label)}), "labels 0 to 9, got 10"),
        ("flipped", flipped(whole, len(whole) // 3), "a whole .tar.gz|got no|labels 0 to 9"),
    ]


@pytest.mark.parametrize(("name", "data", "message"), broken_cifar(), ids=lambda v: str(v)[:20])
def test_broken_cifar_archives(folders: Path, name: str, data: bytes, message: str) -> None:
    file = folders / "broken.tar.gz"
    file.write_bytes(data)
    with pytest.raises(FileFormatError, match=message) as caught:
        cifar10.load_data(file)
    assert str(file) in str(caught.value)
    assert leftovers(folders) == ["broken.tar.gz"]


def test_links_of_an_archive_are_not_followed(folders: Path) -> None:
    (folders / "secret").write_bytes(records(3, (10,), 0).tobytes())
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, data in list(cifar10_files().items())[1:]:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        link = tarfile.TarInfo("data_batch_1.bin")
        link.type, link.linkname = tarfile.SYMTYPE, str(folders / "secret")
        archive.addfile(link)
    (folders / "a.tar.gz").write_bytes(file.getvalue())
    with pytest.raises(FileFormatError, match="got no data_batch_1.bin"):
        cifar10.load_data(folders / "a.tar.gz")


# The data itself


@needs("mnist.npz")
def test_the_real_mnist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINRULE_DATA", DATA)
    (x_train, y_train), (x_test, y_test) = mnist.load_data()
    assert x_train.shape == (60000, 28, 28) and x_test.shape == (10000, 28, 28)
    assert x_train.dtype == y_train.dtype == x_test.dtype == y_test.dtype == np.uint8
    assert sorted(np.bincount(y_train))[0] > 5000 and len(np.bincount(y_test)) == 10
    assert x_train[:, 0, 0].max() == 0 and x_train.max() == 255


@needs("cifar10_small.npz")
def test_the_real_cifar10_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINRULE_DATA", DATA)
    (x_train, y_train), (x_test, y_test) = cifar10_small.load_data()
    assert x_train.shape == (6000, 32, 32, 3) and y_train.shape == (6000, 1)
    assert x_test.shape == (1500, 32, 32, 3) and y_test.shape == (1500, 1)
    np.testing.assert_array_equal(np.bincount(y_train[:, 0]), [600] * 10)
    np.testing.assert_array_equal(np.bincount(y_test[:, 0]), [150] * 10)


@pytest.mark.parametrize("module", [mnist, fashion_mnist, cifar10, cifar100])
def test_checksums_and_addresses_are_well_formed(module: Any) -> None:
    assert module.ORIGIN.startswith("https://")
    hashes = module.SHA256.values() if isinstance(module.SHA256, dict) else [module.SHA256]
    assert all(algorithm_of(text) == "sha256" for text in hashes)


def test_keras_downloads_the_same_mnist() -> None:
    source = pytest.importorskip("importlib.util").find_spec("keras")
    if source is None:
        pytest.skip("keras is not installed")
    folder = Path(source.submodule_search_locations[0]) / "src" / "datasets"
    assert mnist.SHA256 in (folder / "mnist.py").read_text()
    assert all(name in (folder / "fashion_mnist.py").read_text() for name in fashion_mnist.SHA256)


def test_digits_ship_with_the_package() -> None:
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    assert (len(x_train), len(x_test)) == (len(y_train), len(y_test)) == (1442, 355)
