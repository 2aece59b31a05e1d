"""Batches of like lengths, sentence encoders, and the search by cosines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule import nlp
from chainrule.errors import DataError, FileFormatError, ShapeError
from tests.bert_folders import folder

# --- batches of like lengths ---------------------------------------------------------------------

LENGTHS = st.lists(st.integers(1, 20), min_size=1, max_size=60)


@given(LENGTHS, st.integers(1, 9), st.integers(1, 8), st.booleans())
def test_every_sequence_comes_once(
    lengths: list[int], size: int, multiple: int, shuffle: bool
) -> None:
    rows = [np.full(length, number) for number, length in enumerate(lengths)]
    batches = nlp.LengthBatches(
        rows, np.arange(len(rows)), size, shuffle, multiple, padding=-1, seed=1
    )
    for _ in range(2):
        seen = []
        order = batches.order
        for inputs, labels in batches:
            ids, mask = inputs["token_ids"], inputs["padding_mask"]
            assert ids.dtype == "int32" and mask.dtype == "bool" and len(ids) <= size
            assert ids.shape[1] % multiple == 0 and ids.shape[1] - mask.sum(1).max() < multiple
            for row, kept, label in zip(ids, mask, labels, strict=True):
                assert row[kept].tolist() == [label] * lengths[label]
                assert (row[~kept] == -1).all() and kept[: lengths[label]].all()
            seen.extend(labels.tolist())
        assert seen == order.tolist() and sorted(seen) == list(range(len(rows)))


def test_batches_hold_like_lengths_and_every_epoch_draws_others() -> None:
    lengths = np.random.default_rng(0).integers(1, 65, 3000)
    rows = [np.ones(length, int) for length in lengths]
    batches = nlp.LengthBatches(rows, batch_size=20, shuffle=True, multiple=1, seed=3)
    first = batches.order
    places = sum(inputs["token_ids"].size for (inputs,) in batches)
    batches.restore_state({"epoch": 0})
    assert lengths.sum() / places > 0.97
    batches.on_epoch_end()
    assert not np.array_equal(batches.order, first)
    again = nlp.LengthBatches(rows, batch_size=20, shuffle=True, multiple=1, seed=3)
    assert np.array_equal(again.order, first)
    again.restore_state(batches.backup_state())
    assert np.array_equal(again.order, batches.order)
    plain = nlp.LengthBatches(rows, batch_size=20)
    assert (np.diff(lengths[plain.order]) >= 0).all()


def test_batches_refuse_what_they_cannot_hold() -> None:
    with pytest.raises(DataError, match="sequence 1: expected one token or more"):
        nlp.LengthBatches([[1], []])
    with pytest.raises(DataError, match="one sequence or more"):
        nlp.LengthBatches([])
    with pytest.raises(DataError, match="each of 2 sequences, got 3"):
        nlp.LengthBatches([[1], [2]], [0, 1, 0])
    with pytest.raises(ShapeError, match="sequence 0: expected a row of ints, got float64"):
        nlp.LengthBatches([[0.5]])
    with pytest.raises(ShapeError, match="sequence 1: expected at most max_length=2 tokens, got 3"):
        nlp.LengthBatches([[1], [1, 2, 3]], max_length=2)
    with pytest.raises(ValueError, match="batch_size"):
        nlp.LengthBatches([[1]], batch_size=0)
    with pytest.raises(IndexError, match="a batch 0 to 0, got 1"):
        nlp.LengthBatches([[1]])[1]


# --- sentence encoders ---------------------------------------------------------------------------


class Letters:
    """A letter is a token."""

    def tokenize(self, text: str) -> list[int]:
        return [ord(letter) - ord("a") for letter in text]


TEXTS = ["one", "a", "seventeen", "two", "twelve", "nine"]


def encoder(**options: Any) -> Any:
    cr.utils.set_random_seed(1)
    bert = nlp.Bert(26, 1, 2, 8, max_sequence_length=10, kernel_initializer="glorot_uniform")
    return nlp.SentenceEncoder(bert, Letters(), **options)


@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
def test_vectors_of_texts(pooling: str) -> None:
    model = encoder(pooling=pooling, normalize=False)
    pool = {"mean": lambda h: h.mean(0), "cls": lambda h: h[0], "max": lambda h: h.max(0)}[pooling]
    alone = [pool(model.backbone(np.array([Letters().tokenize(text)]))[0]) for text in TEXTS]
    vectors = model.encode(TEXTS, batch_size=2)
    np.testing.assert_allclose(vectors, alone, atol=1e-5)
    np.testing.assert_allclose(model.encode(TEXTS[2]), alone[2], atol=1e-5)
    unit = encoder(pooling=pooling).encode(TEXTS)
    expected = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    np.testing.assert_allclose(unit, expected, atol=1e-5)
    assert model.encode([]).shape == (0, 8)
    whole = model(np.array([[1, 2, 3]]))
    mask = np.array([[True, True, True, False]])
    padded = model({"token_ids": np.array([[1, 2, 3, 0]]), "padding_mask": mask})
    np.testing.assert_allclose(padded, whole, atol=1e-5)


def test_an_encoder_is_saved_and_trained(tmp_path: Path) -> None:
    model = encoder()
    model.save(tmp_path / "encoder.chainrule")
    again = cr.saving.load_model(tmp_path / "encoder.chainrule")
    again.tokenizer = Letters()
    np.testing.assert_array_equal(again.encode(TEXTS), model.encode(TEXTS))
    assert again.get_config() == model.get_config()
    tokens, mask = cr.Input((6,), dtype="int32"), cr.Input((6,), dtype="bool")
    plain = nlp.SentenceEncoder(nlp.Bert(9, 1, 2, 8, max_sequence_length=6, dropout=0.0))
    trained = cr.Model([tokens, mask], plain({"token_ids": tokens, "padding_mask": mask}))
    trained.compile("sgd", "mse")
    ids = np.random.default_rng(0).integers(0, 9, (3, 6))
    kept = np.arange(6) < np.array([[6], [2], [4]])
    report = trained.check_gradients([ids, kept], np.eye(3, 8))
    assert report.ok, str(report)


def test_an_encoder_refuses_what_it_cannot_read() -> None:
    model = encoder(name="reader")
    with pytest.raises(TypeError, match="'reader': encode: expected text 1 to be a str, got int"):
        model.encode(["one", 5])
    with pytest.raises(DataError, match="sequence 1: expected one token or more"):
        model.encode(["one", ""])
    with pytest.raises(ShapeError, match="sequence 0: expected at most max_length=10 tokens"):
        model.encode(["seventyseventy"])
    with pytest.raises(ValueError, match="pooling.*'sum'"):
        encoder(pooling="sum")
    model.tokenizer = None
    with pytest.raises(TypeError, match="expected a `tokenizer`, got None"):
        model.encode("one")


def test_a_folder_of_sentence_transformers(tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    folder(tmp_path)

    def write(name: str, content: Any) -> None:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(json.dumps(content))

    def kinds(*names: str) -> list[dict[str, str]]:
        return [{"type": f"sentence_transformers.models.{name}"} for name in names]

    plain = nlp.SentenceEncoder.from_folder(tmp_path)
    assert (plain.pooling, plain.normalize, plain.tokenizer.sequence_length) == ("mean", True, 8)
    write("modules.json", kinds("Transformer", "Pooling"))
    write(
        "1_Pooling/config.json", {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}
    )
    write("sentence_bert_config.json", {"max_seq_length": 5})
    model = nlp.SentenceEncoder.from_folder(tmp_path)
    assert (model.pooling, model.normalize, model.tokenizer.sequence_length) == ("cls", False, 5)
    assert nlp.SentenceEncoder.from_folder(tmp_path, pooling="max").pooling == "max"
    long = model.encode("walking walking cafe walking")
    states = model.backbone(np.array([[2, 5, 6, 5, 3]]))
    np.testing.assert_allclose(long, states[0, 0], atol=1e-6)
    write("1_Pooling/config.json", {"pooling_mode_lasttoken": True})
    with pytest.raises(FileFormatError, match="pooling_mode_lasttoken"):
        nlp.SentenceEncoder.from_folder(tmp_path)
    write("modules.json", kinds("Transformer", "Pooling", "Dense"))
    with pytest.raises(FileFormatError, match="modules.json.*Dense"):
        nlp.SentenceEncoder.from_folder(tmp_path)
    write("modules.json", {"a": 1})
    with pytest.raises(FileFormatError, match="modules.json: expected a list"):
        nlp.SentenceEncoder.from_folder(tmp_path)
    (tmp_path / "modules.json").unlink()
    write("1_Pooling/config.json", {"pooling_mode_max_tokens": True})
    write("sentence_bert_config.json", {"max_seq_length": -1})
    with pytest.raises(FileFormatError, match="positive int, got -1"):
        nlp.SentenceEncoder.from_folder(tmp_path)


# --- search --------------------------------------------------------------------------------------


@given(st.integers(1, 300), st.integers(1, 30), st.integers(1, 40), st.integers(0, 9))
def test_search_finds_the_nearest(queries: int, corpus: int, top_k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    q, c = rng.standard_normal((queries, 4)), rng.standard_normal((corpus, 4))
    expected = (q / np.linalg.norm(q, axis=1, keepdims=True)) @ (
        c / np.linalg.norm(c, axis=1, keepdims=True)
    ).T
    cosines, rows = nlp.semantic_search(q, c, top_k)
    k = min(top_k, corpus)
    assert cosines.shape == rows.shape == (queries, k) and rows.dtype == "int32"
    np.testing.assert_allclose(cosines, -np.sort(-expected, axis=1)[:, :k], atol=1e-5)
    np.testing.assert_allclose(np.take_along_axis(expected, rows, 1), cosines, atol=1e-5)


def test_search_of_one_query_and_of_what_does_not_fit() -> None:
    corpus = np.eye(3)
    cosines, rows = nlp.semantic_search(np.array([0.0, 2.0, 1.0]), corpus, top_k=2)
    assert rows.tolist() == [1, 2] and cosines.shape == (2,)
    cosines, rows = nlp.semantic_search(np.zeros((0, 3)), corpus)
    assert cosines.shape == rows.shape == (0, 3)
    for queries, among in (
        (np.ones((2, 4)), corpus),
        (np.ones(3), np.zeros((0, 3))),
        (1.0, corpus),
    ):
        with pytest.raises(ShapeError, match="semantic_search: expected queries"):
            nlp.semantic_search(queries, among)
    with pytest.raises(ValueError, match="top_k"):
        nlp.semantic_search(corpus, corpus, 0)


def test_a_sentence_encoder_needs_a_network() -> None:
    with pytest.raises(TypeError, match="expected a `backbone` such as nlp.Bert, got int"):
        nlp.SentenceEncoder(1)
