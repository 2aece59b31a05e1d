"""Houses, reviews and newswires: Keras's orders and cuts; pickles are read as data, hostile ones refused."""

from __future__ import annotations

import importlib
import io
import json
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.datasets import boston_housing, california_housing, imdb, reuters
from chainrule.datasets.int_lists import parse_int_lists
from chainrule.errors import FileFormatError
from chainrule.utils.downloads import algorithm_of


def objects(rows: Any) -> Any:
    array = np.empty(len(rows), dtype=object)
    for i, row in enumerate(rows):
        array[i] = row
    return array


def texts(count: int, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    return objects([rng.integers(1, 90_000, rng.integers(1, 40)).tolist() for _ in range(count)])


@pytest.fixture
def houses(tmp_path: Path) -> dict[int, Path]:
    """A file of the form of each table, by its columns."""
    rng = np.random.default_rng(0)
    files = {}
    for columns, rows in ((8, 700), (13, 50)):
        files[columns] = tmp_path / f"{columns}.npz"
        np.savez(files[columns], x=rng.normal(size=(rows, columns)), y=rng.normal(size=rows))
    return files


@pytest.fixture
def wires(tmp_path: Path) -> Path:
    np.savez(tmp_path / "r.npz", x=texts(50), y=np.arange(50) % 46)
    return tmp_path / "r.npz"


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    parts = {"x_train": texts(40), "y_train": np.arange(40) % 2}
    np.savez_compressed(
        tmp_path / "i.npz", x_test=texts(30, 1), y_test=np.arange(30) % 2, **parts
    )
    return tmp_path / "i.npz"


def kerases(name: str, file: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Keras's module of that name, which takes the file as it is."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    pytest.importorskip("keras", minversion="3.15")
    module = importlib.import_module(f"keras.src.datasets.{name}")
    monkeypatch.setattr(module, "get_file", lambda *_, **__: str(file))
    return module


def assert_same(found: Any, expected: Any) -> None:
    for ours, theirs in zip(found, expected, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            assert len(a) == len(b) and [*map(repr, a)] == [*map(repr, b)]


@pytest.mark.parametrize("options", [{}, {"test_split": 0.5, "seed": 3}, {"test_split": 0}])
def test_houses_are_in_kerass_order(
    houses: dict[int, Path], options: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    keras = kerases("boston_housing", houses[13], monkeypatch)
    assert_same(boston_housing.load_data(houses[13], **options), keras.load_data(**options))
    keras = kerases("california_housing", houses[8], monkeypatch)
    for version in ("small", "large"):
        assert_same(
            california_housing.load_data(version, houses[8], **options),
            keras.load_data(version, **options),
        )


WORDS = [
    {},
    {"num_words": 5000},
    {"num_words": 5000, "oov_char": None, "skip_top": 20},
    {"skip_top": 30_000, "start_char": None},
    {"start_char": None, "index_from": 0, "seed": 7},
    {"maxlen": 20, "start_char": 9, "index_from": 10},
]


@pytest.mark.parametrize("options", WORDS, ids=str)
def test_texts_are_cut_as_kerass(
    reviews: Path, wires: Path, options: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    keras = kerases("imdb", reviews, monkeypatch)
    assert_same(imdb.load_data(reviews, **options), keras.load_data(**options))
    keras = kerases("reuters", wires, monkeypatch)
    for split in (0.2, 0.5):
        assert_same(
            reuters.load_data(wires, test_split=split, **options),
            keras.load_data(test_split=split, **options),
        )


def test_hashes_and_names_are_kerass() -> None:
    source = pytest.importorskip("importlib.util").find_spec("keras")
    if source is None:
        pytest.skip("keras is not installed")
    folder = Path(source.submodule_search_locations[0]) / "src" / "datasets"
    for module in (boston_housing, california_housing, imdb, reuters):
        text = (folder / f"{module.__name__.rpartition('.')[2]}.py").read_text()
        hashes = [module.SHA256, *([module.WORDS_MD5] if hasattr(module, "WORDS_MD5") else [])]
        assert all(digits in text and algorithm_of(digits) for digits in hashes)
    text = (folder / "reuters.py").read_text()
    assert [name for name in reuters.get_label_names() if f'"{name}",' not in text] == []


def test_files_are_found_by_name_and_word_numbers_checked(
    tmp_path: Path, wires: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAINRULE_DATA", str(tmp_path))
    wires.rename(tmp_path / "reuters.npz")
    (x, y), _ = reuters.load_data()
    assert x.shape == y.shape == (40,) and x[0][0] == 1 and type(x[0]) is list
    for module, name in ((reuters, "reuters"), (imdb, "imdb")):
        file = tmp_path / f"{name}_word_index.json"
        file.write_text(json.dumps({"the": 1, "caf\u00e9": 2}))
        assert module.get_word_index() == {"the": 1, "caf\u00e9": 2}
        for bad in ('["the"]', '{"the": "1"}', '{"the": 1', "[" * 10_000):
            file.write_text(bad)
            with pytest.raises(FileFormatError, match=f"{name}_word_index.json"):
                module.get_word_index()


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@given(rows=st.lists(st.lists(st.integers(0, 2**31 - 1), max_size=5), max_size=6))
def test_lists_are_read_as_pickle_reads_them(protocol: int, rows: list[list[int]]) -> None:
    assert parse_int_lists(pickle.dumps(objects(rows), protocol=protocol)) == rows


def test_long_lists_and_a_file_of_python_2() -> None:
    rows = [list(range(k, k + 70_000, 7)) for k in (0, 250)]
    assert parse_int_lists(pickle.dumps(objects(rows), protocol=3)) == rows
    written = (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00\x85U\x01b"
        b"\x87Rq\x03(K\x01K\x02\x85cnumpy\ndtype\nq\x04U\x02O8K\x00K\x01\x87Rq\x05(K\x03U\x01|NNN"
        b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb\x89]q\x06(]q\x07(K\x01M\x00\x01e]q\x08K\x05aetb."
    )
    assert parse_int_lists(written) == [[1, 256], [5]]


class Calls:
    """Its pickle would write a file where it is loaded."""

    def __init__(self, *what: Any) -> None:
        self.what = what

    def __reduce__(self) -> Any:
        return self.what


RAN: list[Any] = []
HOSTILE = [
    (Calls(RAN.append, (1,)), "names|instruction"),
    (Calls(os.system, ("exit 1",)), "names 'posix system'|names 'nt system'"),
    (objects([[1], Calls(eval, ("1",))]), "names '(builtins|__builtin__) eval'"),
    (objects([[1], (2, 3)]), "no lists of integers"),
    (objects([[1], [-1]]), "no lists of integers"),
    (objects([[1], [2**40]]), "no lists of integers"),
    (objects([[1], [True]]), "no lists of integers"),
    (objects([[1], [1.5]]), "instruction b'G'"),
    (objects([[1], "text"]), "no lists of integers"),
    (objects([[7] * 5] * 2), "an object twice"),
    (objects([[1], [2]]).reshape(2, 1), "another shape"),
    (np.arange(3), "."),
    ([[1], [2]], "something else than an array"),
    ({"a": 1}, "instruction"),
]


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize(("made", "words"), HOSTILE, ids=[words for _, words in HOSTILE])
def test_hostile_pickles_are_refused(
    tmp_path: Path, made: Any, words: str, protocol: int
) -> None:
    data = pickle.dumps(made, protocol=protocol)
    with pytest.raises(ValueError, match=words):
        parse_int_lists(data)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|O", "fortran_order": False, "shape": (2,)}
    )
    labels = io.BytesIO()
    np.save(labels, np.arange(2))
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("x.npy", header.getvalue() + data)
        archive.writestr("y.npy", labels.getvalue())
    with pytest.raises(FileFormatError, match=r"x\.npz"):
        reuters.load_data(tmp_path / "x.npz")
    assert not RAN


@pytest.mark.parametrize("protocol", [2, 4])
def test_damaged_pickles_are_refused(protocol: int) -> None:
    good = pickle.dumps(objects([[1, 2, 300], [70_000], []]), protocol=protocol)
    for cut in range(len(good)):
        with pytest.raises(ValueError):
            parse_int_lists(good[:cut])
    with pytest.raises(ValueError, match="goes on"):
        parse_int_lists(good + b".")
    # A place in the memo far away takes no memory here.
    assert parse_int_lists(good[:-1] + b"r\xff\xff\xff\xff.")


@given(st.binary(max_size=60), st.integers(0, 200))
def test_no_bytes_break_the_parser(noise: bytes, at: int) -> None:
    good = pickle.dumps(objects([[1, 2], [300]]), protocol=2)
    for data in (noise, good[:at] + noise, good[:at] + noise + good[at + len(noise) :]):
        try:
            rows = parse_int_lists(data)
        except ValueError:
            continue
        assert all(type(n) is int and 0 <= n < 2**31 for row in rows for n in row)


def test_other_files_are_refused(tmp_path: Path, reviews: Path, houses: dict[int, Path]) -> None:
    x, y = np.zeros((5, 8)), np.zeros(5)
    for arrays, words in (
        ({"x": x}, "the arrays x, y, got x"),
        ({"x": x, "y": y[:3]}, "5 prices in y, got 3"),
        ({"x": x[:, :3], "y": y}, r"array 'x' of shape \(n, 8\) and dtype float"),
        ({"x": x.astype(int), "y": y}, "dtype float, got .* int64"),
        ({"x": objects([x]), "y": y}, "pickled objects"),
    ):
        np.savez(tmp_path / "h.npz", **arrays)
        with pytest.raises(FileFormatError, match=words):
            california_housing.load_data(path=tmp_path / "h.npz")
    for arrays, words in (
        ({"x": texts(3), "y": np.arange(2)}, r"array 'y' of shape \(3,\)"),
        ({"x": texts(3), "y": texts(3)}, "array 'y' of dtype int, got .*pickled objects"),
        ({"x": np.zeros((3, 4)), "y": np.arange(3)}, "an array of float64"),
    ):
        np.savez(tmp_path / "r.npz", **arrays)
        with pytest.raises(FileFormatError, match=words):
            reuters.load_data(tmp_path / "r.npz")
    damaged = bytearray(reviews.read_bytes())
    damaged[len(damaged) // 2] ^= 0xFF
    reviews.write_bytes(damaged)
    with pytest.raises(FileFormatError, match=r"i\.npz"):
        imdb.load_data(reviews)


def test_arguments_that_cannot_be(houses: dict[int, Path], wires: Path, reviews: Path) -> None:
    for call, words in (
        (lambda: california_housing.load_data("huge", houses[8]), "`version`"),
        (lambda: california_housing.load_data(path=houses[8], test_split=1), "`test_split`"),
        (lambda: boston_housing.load_data(houses[13], test_split=-0.1), "`test_split`"),
        (lambda: reuters.load_data(wires, test_split=2), "`test_split`"),
        (lambda: reuters.load_data(wires, maxlen=1), "`maxlen`"),
        (lambda: imdb.load_data(reviews, maxlen=1), "`maxlen`"),
    ):
        with pytest.raises(ValueError, match=words):
            call()
