"""Layers of texts and categories, called on arrays and lists; hashes; bad input."""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule import layers
from chainrule.base.fingerprints import fingerprint64, siphash64
from chainrule.errors import DataError, DTypeError, ShapeError

words = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=8)


# -- hashes ------------------------------------------------------------------------------------

# Fingerprint64 of so many "x", by Google's C++ sources.
FARM = {
    1: 0xC17EFDBAECFF6802,
    5: 0x3C6A7AC171EE9228,
    9: 0xB6A881AB54DD3F11,
    20: 0x7241CE1F8EF74DC4,
    40: 0xEBF8E8AEAC993C94,
    64: 0x5FFB3C754F6913B8,
    65: 0x447CB9FD96F25F39,
    128: 0x5170AF09FD870C17,
    129: 0xF6EDF54559A5FEB6,
    200: 0xC1713BF9D998A3BF,
}


def test_fingerprints_are_those_of_farmhash() -> None:
    assert fingerprint64([b"x" * n for n in FARM]).tolist() == list(FARM.values())
    # The examples of BigQuery's FARM_FINGERPRINT.
    found = fingerprint64([b"1footrue", b"2applefalse", b"3true"]).view(np.int64)
    assert found.tolist() == [-1541654101129638711, 2794438866806483259, -4880158226897771312]


def test_siphash_gives_the_vectors_of_its_paper() -> None:
    key = (0x0706050403020100, 0x0F0E0D0C0B0A0908)
    found = siphash64([b"", bytes(range(15)), bytes(range(63))], key).tolist()
    assert found == [0x726FDB47DD0E0E31, 0xA129CA6149BE45E5, 0x958A324CEB064572]


@given(st.lists(st.binary(max_size=150), max_size=20))
def test_a_hash_does_not_depend_on_its_neighbours(texts: list[bytes]) -> None:
    alone = [int(fingerprint64([text])[0]) for text in texts]
    assert fingerprint64(texts).tolist() == alone


def test_bins_are_those_of_keras() -> None:
    letters = [["A"], ["B"], ["C"], ["D"], ["E"]]
    cases: list[tuple[dict[str, Any], Any, list[int]]] = [
        ({"num_bins": 3}, letters, [1, 0, 1, 1, 2]),
        ({"num_bins": 3, "mask_value": ""}, [["A"], ["B"], [""], ["C"], ["D"]], [1, 1, 0, 2, 2]),
        ({"num_bins": 3, "salt": [133, 137]}, letters, [1, 2, 1, 0, 2]),
        ({"num_bins": 3, "salt": 133}, letters, [0, 0, 2, 1, 0]),
        ({"num_bins": 3}, [0, 1, 2, 3, 4], [1, 0, 1, 0, 2]),
        ({"num_bins": 3, "salt": [133, 137]}, [0, 1, 2, 3, 4], [1, 1, 2, 0, 1]),
    ]
    for options, data, expected in cases:
        assert layers.Hashing(**options)(data).ravel().tolist() == expected
    features = np.array(list("ABABA")), np.array([101, 101, 101, 102, 102])
    assert layers.HashedCrossing(num_bins=5)(features).tolist() == [1, 4, 1, 1, 3]
    assert layers.HashedCrossing(num_bins=10)(("A", 101)) == 1
    lookup = layers.IntegerLookup(vocabulary=[1], num_oov_indices=4, oov_method="farmhash")
    assert lookup([100, 200, 300, 400]).tolist() == [3, 1, 3, 1]


@pytest.mark.parametrize(
    "inputs, part",
    [
        (np.array(1), "list or tuple"),
        ([np.array([1])], "at least two"),
        ((np.array([1.0]), np.array([1.0])), "integer or string"),
        ((np.ones((1, 2), int), np.ones((1, 2), int)), "should have shape"),
        ((np.ones(2, int), np.ones(3, int)), "equal shape"),
    ],
)
def test_what_cannot_be_crossed(inputs: Any, part: str) -> None:
    with pytest.raises(ValueError, match=part):
        layers.HashedCrossing(num_bins=10)(inputs)


# -- lookups -----------------------------------------------------------------------------------


@given(st.lists(words, min_size=1, unique=True), st.data())
def test_an_inverted_lookup_gives_the_words_back(vocabulary: list[str], data: Any) -> None:
    forward = layers.StringLookup(vocabulary=vocabulary)
    back = layers.StringLookup(vocabulary=vocabulary, invert=True)
    asked = data.draw(st.lists(st.one_of(st.sampled_from(vocabulary), words), max_size=20))
    expected = [word if word in vocabulary else "[UNK]" for word in asked]
    assert back(forward(np.array(asked, dtype=object))).tolist() == expected


@given(st.lists(st.lists(st.sampled_from("abcdef"), min_size=3, max_size=3), min_size=1))
def test_adapt_counts_as_plain_python_does(rows: list[list[str]]) -> None:
    layer = layers.StringLookup()
    layer.adapt(rows[i : i + 2] for i in range(0, len(rows), 2))
    counts = Counter(word for row in rows for word in row)
    expected = sorted(counts, key=lambda word: (counts[word], word), reverse=True)
    assert layer.get_vocabulary(include_special_tokens=False) == expected


@pytest.mark.parametrize(
    "data",
    [
        ["b", "a"],
        np.array(["b", "a"]),
        np.array([b"b", b"a"]),
        np.array(["b", "a"], dtype=object),
        np.array(["b", "a"], dtype=np.dtypes.StringDType()),
    ],
    ids=["list", "U", "S", "O", "T"],
)
def test_every_kind_of_strings_is_taken(data: Any) -> None:
    layer = layers.StringLookup(vocabulary=["a", "b"])
    assert layer(data).tolist() == [2, 1]


def test_columns_of_data_frames_are_taken() -> None:
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    layer = layers.StringLookup()
    layer.adapt(pandas.DataFrame({"c": ["a", "a", "b"]})["c"])
    assert layer(pandas.Series(["b", "a"], dtype="category")).tolist() == [2, 1]
    assert layer(polars.DataFrame({"c": ["b", "a"]})["c"]).tolist() == [2, 1]
    with pytest.raises(DataError, match="got NaN at position 1: fill"):
        layer(pandas.Series(["a", None]))
    with pytest.raises(DataError, match="got None at position 1: fill"):
        layer(polars.Series(["a", None]))


def test_output_modes() -> None:
    options: dict[str, Any] = {
        "max_tokens": 7,
        "mask_token": "",
        "vocabulary": ["one", "two", "three"],
    }
    batch = [["one", "two", "four", "two"], ["", "", "", "three"]]
    lookup = layers.StringLookup
    assert lookup(**options)(batch).tolist() == [[2, 3, 1, 3], [0, 0, 0, 4]]
    count = lookup(**options, output_mode="count")(batch)
    assert count.tolist() == [[1, 1, 2, 0], [0, 0, 0, 1]]
    hot = lookup(**options, output_mode="multi_hot", pad_to_max_tokens=True)(batch)
    assert hot.tolist() == [[1, 1, 1, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0, 0]]
    assert lookup(**options, output_mode="one_hot")(batch).shape == (2, 4, 4)
    weighted = lookup(**options, output_mode="tf_idf", idf_weights=[0.1, 0.2, 0.3])(batch)
    np.testing.assert_allclose(weighted, [[0.2, 0.1, 0.4, 0], [0, 0, 0, 0.3]], rtol=1e-6)


def test_inverse_document_frequencies_are_learnt() -> None:
    layer = layers.StringLookup(output_mode="tf_idf")
    layer.adapt([["one", "one"], ["one", "two"], ["two", "three"]])
    assert layer.get_vocabulary() == ["[UNK]", "two", "one", "three"][:1] + ["one", "two", "three"]
    expected = np.log(1 + 3 / (1 + np.array([2, 2, 1])))
    np.testing.assert_allclose(layer.idf_weights, [expected.mean(), *expected], rtol=1e-6)


def test_a_vocabulary_comes_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_bytes("é\nb\n".encode("latin-1"))
    layer = layers.StringLookup(vocabulary=str(path), encoding="latin-1")
    assert layer.get_vocabulary() == ["[UNK]", "é", "b"]
    assert layer.get_config()["vocabulary"] is None
    with pytest.raises(DataError, match="expected text in utf-8, got .* in line 1"):
        layers.StringLookup(vocabulary=str(path))
    with pytest.raises(DataError, match="expected an integer in line 1"):
        layers.IntegerLookup(vocabulary=str(path), encoding="latin-1")
    with pytest.raises(ValueError, match="does not exist"):
        layers.StringLookup(vocabulary=str(tmp_path / "none.txt"))
    with pytest.raises(ValueError, match="path of a file outside"):
        layers.StringLookup.from_config({"vocabulary": str(path)})


@pytest.mark.parametrize(
    "bad, error, part",
    [
        (["a", "z"], DataError, r"'words' .*found OOV values \['z'\].*num_oov_indices=1"),
        (["a", None], DataError, "got None at position 1"),
        (["a", float("nan")], DataError, "got NaN at position 1"),
        ([b"a", b"\xff"], DataError, "expected texts in utf-8"),
        (np.array([1, 2]), DTypeError, "expected texts, got numbers of dtype int64"),
        (["a", 1], DTypeError, "got 1 of type int at position 1"),
        ([["a"], ["a", "b"]], ShapeError, "rows of one length"),
    ],
)
def test_bad_texts_are_named(bad: Any, error: type[Exception], part: str) -> None:
    layer = layers.StringLookup(vocabulary=["a", "b"], num_oov_indices=0, name="words")
    with pytest.raises(error, match=part):
        layer(bad)
    assert layer(["a", "b"]).tolist() == [0, 1]


def test_bad_integers_are_named() -> None:
    layer = layers.IntegerLookup(vocabulary=[1, 2])
    for bad, error in (([1.5], DataError), ([np.nan], DataError), (["1"], DTypeError)):
        with pytest.raises(error, match="integer_lookup"):
            layer(bad)
    assert layer(np.array([1.0, 2.0])).tolist() == [1, 2]
    assert layer(np.array([2**63 - 1, -(2**63)])).tolist() == [0, 0]


@pytest.mark.parametrize(
    "options, part",
    [
        ({"max_tokens": 1}, "must be greater than 1"),
        ({"num_oov_indices": -1}, "greater than or equal to 0"),
        ({"num_oov_indices": 10**30}, r"`num_oov_indices` must be below 2\*\*63"),
        ({"pad_to_max_tokens": True}, "must set `max_tokens`"),
        ({"output_mode": "onehot"}, "Unknown value for `output_mode`"),
        ({"output_mode": "count", "invert": True}, "must be `'int'` when `invert`"),
        ({"output_mode": "count", "sparse": True}, "dense arrays"),
        ({"sparse": True}, "`sparse` may only be true"),
        ({"idf_weights": [1.0]}, "`idf_weights` should only be set"),
        ({"output_mode": "tf_idf", "vocabulary": ["a"]}, "`idf_weights` argument must also"),
        ({"vocabulary": ["a", "a", "b"]}, r"repeated terms are: \['a'\]"),
        ({"vocabulary": []}, "empty vocabulary"),
        ({"vocabulary": ["a", "m"], "mask_token": "m"}, "reserved mask token"),
        ({"vocabulary": ["a", "[UNK]"], "invert": True}, "reserved OOV token"),
        ({"vocabulary": ["a", "b"], "max_tokens": 2}, "larger than the maximum"),
        ({"salt": "x"}, "tuple of size 2 integers"),
        ({"unknown": 1}, "Unrecognized keyword"),
    ],
)
def test_bad_arguments_are_refused(options: dict[str, Any], part: str) -> None:
    with pytest.raises(ValueError, match=part):
        layers.StringLookup(**options)


def test_a_failed_call_changes_nothing() -> None:
    layer = layers.StringLookup(output_mode="count")
    layer.adapt(["a", "b"])
    known = layer.get_vocabulary()

    def broken() -> Iterator[Any]:
        yield ["c", "c"]
        yield [None]

    with pytest.raises(DataError, match="None"):
        layer.adapt(broken())
    with pytest.raises(ValueError, match="at least one batch"):
        layer.adapt(iter(()))
    with pytest.raises(RuntimeError, match="Old vocab size is 3, new vocab size is 4"):
        layer.set_vocabulary(["a", "b", "c"])
    assert layer.get_vocabulary() == known
    given_words = layers.StringLookup(vocabulary=["a"])
    with pytest.raises(ValueError, match="Cannot adapt layer"):
        given_words.adapt(["b"])
    assert given_words.get_vocabulary() == ["[UNK]", "a"]
    with pytest.raises(RuntimeError, match="must set the layer's vocabulary"):
        layers.StringLookup(output_mode="count")(["a"])


def test_batches_of_other_things_are_streamed() -> None:
    def endless() -> Iterator[Any]:
        while True:
            yield ["cat", "dog"], [0, 1]

    layer = layers.StringLookup()
    layer.adapt(endless(), steps=3)
    assert sorted(layer.get_vocabulary()) == ["[UNK]", "cat", "dog"]
    with pytest.raises(TypeError, match="an array, a list or an iterable"):
        layer.adapt(3)


def test_configurations_come_back() -> None:
    for layer in (
        layers.StringLookup(vocabulary=["a", "b"], mask_token="", num_oov_indices=2, salt=3),
        layers.IntegerLookup(vocabulary=[1, 2], output_mode="count", max_tokens=5),
        layers.TextVectorization(vocabulary=["a"], ngrams=(1, 2), output_sequence_length=3),
        layers.Hashing(3, mask_value="", salt=1),
        layers.HashedCrossing(3, output_mode="one_hot"),
    ):
        assert type(layer).from_config(layer.get_config()).get_config() == layer.get_config()


def test_assets_come_back(tmp_path: Path) -> None:
    options: dict[str, Any] = {"num_oov_indices": 2, "mask_token": "<mask>"}
    layer = layers.StringLookup(**options)
    layer.set_vocabulary(["apple", "banana"])
    layer.save_assets(tmp_path)
    other = layers.StringLookup(**options)
    other.load_assets(tmp_path)
    assert other.get_vocabulary() == layer.get_vocabulary()


# -- texts -------------------------------------------------------------------------------------


def test_texts_become_indices() -> None:
    layer = layers.TextVectorization(output_sequence_length=4)
    layer.adapt(["foo bar", "bar baz", "baz bada boom"])
    assert layer([["foo qux bar"], ["qux baz"]]).tolist() == [[4, 1, 3, 0], [1, 2, 0, 0]]
    assert layer("foo bar").tolist() == [4, 3, 0, 0]
    assert layer([""]).tolist() == [[0, 0, 0, 0]]
    assert layer(np.array([], dtype=object)).shape == (0, 4)


@given(st.lists(st.text(string.printable + "éß  中", max_size=30), min_size=1, max_size=6))
def test_standardizing_and_splitting_as_plain_python_does(texts: list[str]) -> None:
    """Lower case, punctuation and white space are ASCII's."""

    def cut(text: str) -> list[str]:
        kept = "".join(c.lower() if c.isascii() else c for c in text if c not in string.punctuation)
        for space in "\t\n\r\f\v":
            kept = kept.replace(space, " ")
        return [word for word in kept.split(" ") if word]

    layer = layers.TextVectorization()
    layer.adapt(texts)
    counts = Counter(word for text in texts for word in cut(text))
    expected = sorted(counts, key=lambda word: (counts[word], word), reverse=True)
    assert layer.get_vocabulary(include_special_tokens=False) == [w for w in expected]
    rows = [[layer.get_vocabulary().index(word) for word in cut(text)] for text in texts]
    longest = max(map(len, rows))
    assert layer(texts).tolist() == [row + [0] * (longest - len(row)) for row in rows]


def test_modes_of_texts() -> None:
    texts = ["foo bar", "baz foo foo"]
    make = layers.TextVectorization
    known = ["foo", "bar", "baz"]
    hot = make(output_mode="multi_hot", vocabulary=known)(texts)
    assert hot.tolist() == [[0, 1, 1, 0], [0, 1, 0, 1]]
    count = make(output_mode="count", vocabulary=known)(texts)
    assert count.tolist() == [[0, 1, 1, 0], [0, 2, 0, 1]]
    weighted = make(output_mode="tf_idf", vocabulary=known, idf_weights=[0.3, 0.5, 0.2])(texts)
    np.testing.assert_allclose(weighted, [[0, 0.3, 0.5, 0], [0, 0.6, 0, 0.2]], rtol=1e-6)
    assert make(output_mode="one_hot", vocabulary=known)(texts).shape == (2, 3, 4)
    assert make(split=None, vocabulary=known)([["foo"], ["x"]]).tolist() == [[2], [1]]
    letters = make(split="character", vocabulary=list("abcde"))
    assert letters(["abcf"]).tolist() == [[2, 3, 4, 1]]


def test_ngrams() -> None:
    layer = layers.TextVectorization(ngrams=(1, 3))
    layer.adapt(["foo bar baz"])
    assert set(layer.get_vocabulary()[2:]) == {"foo", "bar", "baz", "foo bar baz"}
    pairs = layers.TextVectorization(ngrams=2)
    pairs.adapt(["foo bar baz", "x"])
    assert {"foo bar", "bar baz", "x"} <= set(pairs.get_vocabulary())


def test_functions_of_the_user() -> None:
    kinds = []

    def standardize(texts: Any) -> Any:
        kinds.append(texts.dtype.kind)
        return np.char.replace(np.char.lower(texts), ",", "")

    layer = layers.TextVectorization(standardize=standardize)
    layer.adapt(["Hello, world."])
    assert set(kinds) == {"U"}
    assert layer.get_vocabulary() == ["", "[UNK]", "world.", "hello"]
    bar = layers.TextVectorization(
        standardize=None, split=lambda x: np.char.split(x, "|"), vocabulary=["a", "b"]
    )
    assert bar(["a|b", "b"]).tolist() == [[2, 3], [3, 0]]
    for split, part in (
        (lambda x: [["a"]], "expected to give 2 lists of tokens, got 1 rows"),
        (lambda x: ["a", "b"], "a list of tokens for each text"),
        (lambda x: [[1], [2]], "to give texts"),
    ):
        with pytest.raises((ShapeError, DTypeError), match=part):
            layers.TextVectorization(split=split, vocabulary=["a"])(["a", "b"])


@pytest.mark.parametrize(
    "options, part",
    [
        ({"standardize": "upper"}, "`standardize`"),
        ({"split": "comma"}, "`split`"),
        ({"ngrams": "two"}, "`ngrams` must be"),
        ({"ngrams": 0}, "`ngrams` must be"),
        ({"output_mode": "count", "output_sequence_length": 3}, "must not be set"),
        ({"output_sequence_length": 2.5}, "either None or an integer"),
        ({"ragged": True}, "arrays of one shape"),
        ({"output_mode": "count", "sparse": True}, "dense arrays"),
    ],
)
def test_bad_arguments_of_texts(options: dict[str, Any], part: str) -> None:
    with pytest.raises(ValueError, match=part):
        layers.TextVectorization(**options)


def test_texts_in_two_columns_are_refused() -> None:
    layer = layers.TextVectorization(vocabulary=["a"])
    with pytest.raises(ShapeError, match="last shape dimension must be 1"):
        layer([["a", "b"]])


def test_one_long_text_makes_the_others_no_longer() -> None:
    """An array of a fixed width would take 4 bytes for each of 20,000 x 200,000 characters."""
    texts = ["a b"] * 20_000 + ["a " * 100_000]
    layer = layers.TextVectorization(output_sequence_length=2)
    layer.adapt(texts)
    assert layer(texts).shape == (20_001, 2)
    lookup = layers.StringLookup()
    lookup.adapt(texts)
    assert lookup.vocabulary_size() == 3
