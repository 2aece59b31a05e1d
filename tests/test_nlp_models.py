"""GPT and Bert: losses as of Keras's layers, folders of Hugging Face, tokenizers, the same bits."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import _core, nlp
from chainrule.errors import DataError, FileFormatError, ShapeError
from tests.bert_folders import CONFIG, WORDS, folder
from tests.processes import printed
from tests.transformers import composed_bert, composed_gpt, drawn, set_weights, weights_of

# Of a character GPT (4 layers of 128, batches of 12 x 64) and a small Bert, ten steps of AdamW.
PINNED_GPT = [
    4.174956, 4.117383, 4.075068, 4.05514, 4.037945,
    4.023317, 4.009005, 3.995346, 3.988698, 3.972314,
]
PINNED_BERT = [
    1.096057, 1.102419, 1.113431, 1.09592, 1.092756,
    1.108057, 1.087504, 1.090714, 1.091036, 1.119479,
]


def keras_library() -> Any:
    os.environ.setdefault("KERAS_BACKEND", "jax")
    return pytest.importorskip("keras", minversion="3.15")


def losses(keras: Any, model: Any, x: Any, y: Any, rows: int) -> list[float]:
    """The loss of each of ten steps."""
    model.compile(
        keras.optimizers.AdamW(1e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    found = []
    for step in range(10):
        part = slice(step * rows, (step + 1) * rows)
        found.append(float(model.train_on_batch(x[part], y[part])))
    return found


def gpt_case() -> tuple[Any, Any]:
    rng = np.random.default_rng(1)
    text = np.minimum(rng.geometric(0.1, (120, 65)), 65) - 1
    return text[:, :-1].astype("int32"), text[:, 1:].astype("int32")


def bert_case() -> tuple[Any, Any]:
    rng = np.random.default_rng(2)
    ids = np.minimum(rng.geometric(0.05, (160, 24)), 200) - 1
    return ids.astype("int32"), (ids[:, 0] % 3).astype("int32")


def own_gpt() -> Any:
    model = nlp.GPT(65, 4, 4, 128, max_sequence_length=64, dropout=0.0)
    model.set_weights(drawn([w.shape for w in model.get_weights()]))
    return model


def own_bert() -> Any:
    ids = cr.Input((24,), dtype="int32")
    body = nlp.Bert(200, 2, 2, 32, max_sequence_length=24, dropout=0.0)
    x = cr.layers.GlobalAveragePooling1D()(body(ids))
    model = cr.Model(ids, cr.layers.Dense(3)(x))
    model.set_weights(drawn([w.shape for w in model.get_weights()]))
    return model


def composed(keras: Any, kind: str) -> Any:
    if kind == "gpt":
        model, layers = composed_gpt(keras, 65, 4, 4, 128, 64)
    else:
        model, layers = composed_bert(keras, 200, 2, 2, 32, 24, 3)
    set_weights(layers, drawn([w.shape for w in weights_of(layers)]))
    return model


CASES = {"gpt": (own_gpt, gpt_case, 12), "bert": (own_bert, bert_case, 16)}


@pytest.mark.parametrize("kind", CASES)
def test_ten_losses(kind: str) -> None:
    make, case, rows = CASES[kind]
    found = losses(cr, make(), *case(), rows)
    pinned = {"gpt": PINNED_GPT, "bert": PINNED_BERT}[kind]
    np.testing.assert_allclose(found, pinned, rtol=1e-4)
    again = losses(cr, composed(cr, kind), *case(), rows)
    np.testing.assert_allclose(found, again, rtol=1e-5)


@pytest.mark.parametrize("kind", CASES)
def test_ten_losses_are_those_of_keras(kind: str) -> None:
    keras = keras_library()
    make, case, rows = CASES[kind]
    theirs = losses(keras, composed(keras, kind), *case(), rows)
    np.testing.assert_allclose(losses(cr, make(), *case(), rows), theirs, rtol=1e-4)


def test_gradients_of_whole_models() -> None:
    loss = cr.losses.SparseCategoricalCrossentropy(from_logits=True)
    rng = np.random.default_rng(0)
    gpt = nlp.GPT(9, 2, 2, 8, max_sequence_length=6, dropout=0.0)
    gpt.compile("adam", loss)
    ids = rng.integers(0, 9, (3, 7))
    report = gpt.check_gradients(ids[:, :-1], ids[:, 1:])
    assert report.ok, str(report)
    tokens, mask = cr.Input((6,), dtype="int32"), cr.Input((6,), dtype="bool")
    body = nlp.Bert(9, 2, 2, 8, max_sequence_length=6, dropout=0.0)
    x = body({"token_ids": tokens, "padding_mask": mask})
    bert = cr.Model([tokens, mask], cr.layers.Dense(3)(cr.layers.GlobalAveragePooling1D()(x)))
    bert.compile("adam", loss)
    given = np.arange(6) < np.array([[6], [3], [1]])
    report = bert.check_gradients([ids[:, :-1], given], np.array([0, 1, 2]))
    assert report.ok, str(report)


def test_bert_with_segments_and_pooler() -> None:
    model = nlp.Bert(20, 1, 2, 8, max_sequence_length=6, pooler=True)
    ids = np.array([[1, 2, 3]])
    out = model({"token_ids": ids, "segment_ids": np.array([[0, 1, 1]])})
    assert out["sequence_output"].shape == (1, 3, 8) and out["pooled_output"].shape == (1, 8)
    dense = model.pooler_dense
    expected = np.tanh(out["sequence_output"][:, 0] @ dense.kernel.numpy() + dense.bias.numpy())
    np.testing.assert_allclose(out["pooled_output"], expected, atol=1e-6)
    plain = model(ids)["sequence_output"]
    zeros = model({"token_ids": ids, "segment_ids": np.zeros((1, 3), "int32")})["sequence_output"]
    np.testing.assert_array_equal(plain, zeros)
    assert not np.allclose(plain, out["sequence_output"])


def test_bert_refuses_what_does_not_fit() -> None:
    model = nlp.Bert(20, 1, 2, 8, max_sequence_length=6, name="small")
    with pytest.raises(DataError, match="small/embedding/token_embedding.*20"):
        model.predict(np.array([[1, 20]]), verbose=0)
    with pytest.raises(ShapeError, match="position_embedding.*sequence_length=6.*7"):
        model(np.zeros((1, 7), "int32"))
    mask = np.ones((1, 4), bool)
    with pytest.raises(ShapeError, match="small/transformer_layer_0"):
        model({"token_ids": np.zeros((1, 3), "int32"), "padding_mask": mask})
    with pytest.raises(DataError, match="segment_embedding.*2"):
        model({"token_ids": np.array([[1]]), "segment_ids": np.array([[2]])})


def test_bert_is_saved_and_loaded(tmp_path: Path) -> None:
    model = nlp.Bert(20, 2, 2, 8, max_sequence_length=6, pooler=True, activation="relu")
    ids = np.array([[1, 2, 3]])
    model.save(tmp_path / "bert.chainrule")
    again = cr.saving.load_model(tmp_path / "bert.chainrule")
    assert again.get_config() == model.get_config()
    a, b = (m.predict(ids, verbose=0)["pooled_output"] for m in (model, again))
    np.testing.assert_array_equal(a, b)


# --- folders of Hugging Face ---------------------------------------------------------------------

def bert_in_numpy(w: dict[str, Any], ids: Any) -> Any:
    """The model of `folder`, written out with its names."""
    from math import erf

    def dense(x: Any, name: str) -> Any:
        return x @ np.float64(w[f"{name}.weight"]).T + w[f"{name}.bias"]

    def norm(x: Any, name: str) -> Any:
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-12)
        return x * w[f"{name}.LayerNorm.weight"] + w[f"{name}.LayerNorm.bias"]

    e = "embeddings."
    h = w[f"{e}word_embeddings.weight"][ids] + w[f"{e}position_embeddings.weight"][: len(ids)]
    h = norm(h + w[f"{e}token_type_embeddings.weight"][0], "embeddings")
    layer = "encoder.layer.0"
    q, k, v = (dense(h, f"{layer}.attention.self.{p}") for p in ("query", "key", "value"))
    heads = []
    for part in (slice(0, 2), slice(2, 4)):
        scores = np.exp(q[:, part] @ k[:, part].T / np.sqrt(2))
        heads.append(scores / scores.sum(1, keepdims=True) @ v[:, part])
    made = dense(np.concatenate(heads, 1), f"{layer}.attention.output.dense")
    h = norm(h + made, f"{layer}.attention.output")
    wide = dense(h, f"{layer}.intermediate.dense")
    wide = wide * 0.5 * (1 + np.vectorize(erf)(wide / np.sqrt(2)))
    return norm(h + dense(wide, f"{layer}.output.dense"), f"{layer}.output")


@pytest.mark.parametrize("prefix", ["", "bert."])
def test_a_folder_of_hugging_face(tmp_path: Path, prefix: str) -> None:
    tensors = folder(tmp_path, prefix)
    plain = {name.removeprefix(prefix): array for name, array in tensors.items()}
    model = nlp.Bert.from_folder(tmp_path, pooler=True)
    ids = np.array([2, 5, 6, 3])
    expected = bert_in_numpy(plain, ids)
    out = model(ids[None])
    np.testing.assert_allclose(out["sequence_output"][0], expected, atol=1e-5)
    first = expected[0] @ plain["pooler.dense.weight"].T + plain["pooler.dense.bias"]
    np.testing.assert_allclose(out["pooled_output"][0], np.tanh(first), atol=1e-5)
    assert nlp.Bert.from_folder(tmp_path, dropout=0.0).dropout == 0.0


def test_folders_that_are_not_whole_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="config.json"):
        nlp.Bert.from_folder(tmp_path)
    tensors = folder(tmp_path)
    weights = str(tmp_path / "model.safetensors")

    def refused(match: str, **changes: Any) -> None:
        (tmp_path / "config.json").write_text(json.dumps({**CONFIG, **changes}))
        with pytest.raises(FileFormatError, match=match):
            nlp.Bert.from_folder(tmp_path)

    refused("model_type of .'bert', 'roberta', 'distilbert'., got 'gpt2'", model_type="gpt2")
    refused("positive ints for .'hidden_size'", hidden_size="4")
    refused("positive ints for .'vocab_size', 'num_hidden_layers'", vocab_size=-1, num_hidden_layers=True)
    refused("hidden_act", hidden_act="magic")
    refused("hidden_act", hidden_act=["gelu"])
    refused("absolute positions", position_embedding_type="relative_key")
    refused("an encoder.*is_decoder=True", is_decoder=True)
    refused("'layer_norm_eps', got 'small'", layer_norm_eps="small")
    refused("multiple of num_heads=3, got 4", num_attention_heads=3)
    refused("num_layers.*at most 1000", num_hidden_layers=10**9)
    refused(r"word_embeddings.weight': expected \(10, 4\) floats, got \(9, 4\)", vocab_size=10)
    refused("encoder.layer.1.attention.self.query.weight': .*, got none", num_hidden_layers=2)
    every = r"(?s)word_embeddings.weight.*layer.0.intermediate.dense.weight.*layer.0.output.dense.weight"
    refused(every, vocab_size=10**12, intermediate_size=7)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(FileFormatError, match="config.json"):
        nlp.Bert.from_folder(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    tensors["embeddings.word_embeddings.weight"] = np.zeros((4, 9), "float32")
    _core.save_safetensors(weights, tensors, {})
    with pytest.raises(FileFormatError, match=r"expected \(9, 4\) floats, got \(4, 9\)"):
        nlp.Bert.from_folder(tmp_path)
    extra = {**tensors, "encoder.layer.1.output.dense.bias": np.zeros(4, "float32")}
    del extra["embeddings.LayerNorm.bias"]
    extra["embeddings.LayerNorm.weight"] = np.zeros(4, "int32")
    _core.save_safetensors(weights, extra, {})
    with pytest.raises(FileFormatError) as refusal:
        nlp.Bert.from_folder(tmp_path)
    for told in (
        r"'embeddings.word_embeddings.weight': expected (9, 4) floats, got (4, 9)",
        "'embeddings.LayerNorm.bias': expected (4,) floats, got none",
        "'embeddings.LayerNorm.weight': expected (4,) floats, got (4,) int32",
        "'encoder.layer.1.output.dense.bias': expected no such tensor, got (4,)",
    ):
        assert told in str(refusal.value)
    Path(weights).write_bytes(b"nothing")
    with pytest.raises(FileFormatError):
        nlp.Bert.from_folder(tmp_path)
    Path(weights).unlink()
    with pytest.raises(FileNotFoundError, match="model.safetensors"):
        nlp.Bert.from_folder(tmp_path)


def test_tensors_in_shards(tmp_path: Path) -> None:
    tensors = folder(tmp_path)
    whole = nlp.Bert.from_folder(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(FileFormatError, match="pytorch_model.bin: expected model.safetensors, got a pickle"):
        nlp.Bert.from_folder(tmp_path)
    names = sorted(tensors)
    places = {name: f"model-{1 + (at > 9)}.safetensors" for at, name in enumerate(names)}
    for file in set(places.values()):
        part = {name: tensors[name] for name in names if places[name] == file}
        _core.save_safetensors(str(tmp_path / file), part, {})

    def index(told: Any) -> None:
        (tmp_path / "model.safetensors.index.json").write_text(json.dumps(told))

    index({"metadata": {}, "weight_map": places})
    ids = np.array([[2, 5, 6, 3]])
    np.testing.assert_array_equal(nlp.Bert.from_folder(tmp_path)(ids), whole(ids))
    index({"weight_map": {**places, names[0]: "model-2.safetensors"}})
    with pytest.raises(FileFormatError, match="model-1.safetensors: expected the tensors that"):
        nlp.Bert.from_folder(tmp_path)
    index({"weight_map": {**places, names[0]: "model-3.safetensors", names[1]: "model-4.safetensors"}})
    with pytest.raises(FileNotFoundError, match="'model-3.safetensors', 'model-4.safetensors'"):
        nlp.Bert.from_folder(tmp_path)
    index({"weight_map": {**places, names[0]: "../model-1.safetensors"}})
    with pytest.raises(FileFormatError, match="of the same folder, got ...*model-1"):
        nlp.Bert.from_folder(tmp_path)
    for wrong in ({}, {"weight_map": []}, []):
        index(wrong)
        with pytest.raises(FileFormatError, match="index.json: expected"):
            nlp.Bert.from_folder(tmp_path)


@pytest.mark.parametrize("kind", ["bert", "roberta", "distilbert"])
@pytest.mark.parametrize("activation", ["gelu", nlp.gelu_approximate, "relu"])
def test_folders_there_and_back(tmp_path: Path, kind: str, activation: Any) -> None:
    segments = {"bert": 2, "roberta": 1, "distilbert": 0}[kind]
    cr.utils.set_random_seed(0)
    model = nlp.Bert(
        9, 2, 2, 4, 6, 8, segments, activation=activation, pooler=kind != "distilbert",
        dropout=0.25, kernel_initializer="glorot_uniform",
    )  # fmt: skip
    for variable in model.trainable_weights:
        variable.assign(np.random.default_rng(1).standard_normal(variable.shape))
    model.tokenizer = nlp.WordPieceTokenizer(WORDS, lowercase=False)
    model.save_to_folder(tmp_path / "a", kind)
    again = nlp.Bert.from_folder(tmp_path / "a", pooler=model.pooler)
    skipped = ("name", "kernel_initializer")
    one, other = ({k: v for k, v in m.get_config().items() if k not in skipped} for m in (model, again))
    assert one == other and again.folder_type == kind
    for a, b in zip(model.trainable_weights, again.trainable_weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    assert again.tokenizer.tokens() == WORDS and not again.tokenizer.lowercase
    again.save_to_folder(tmp_path / "b")
    for name in ("config.json", "model.safetensors", "vocab.txt"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    stored = _core.load_safetensors(str(tmp_path / "a" / "model.safetensors"))
    assert stored[1] == {"format": "pt"}
    if kind == "roberta":
        table = stored[0]["embeddings.position_embeddings.weight"]
        assert table.shape == (10, 4) and not table[:2].any()


def test_folders_that_cannot_hold_a_model(tmp_path: Path) -> None:
    model = nlp.Bert(9, 1, 2, 4, activation="elu")
    with pytest.raises(ValueError, match="expected an activation of .'gelu'"):
        model.save_to_folder(tmp_path / "a")
    with pytest.raises(ValueError, match="`model_type`: expected one of .*'gpt2'"):
        model.save_to_folder(tmp_path / "a", "gpt2")
    with pytest.raises(ValueError, match="no segments, no pooler"):
        model.save_to_folder(tmp_path / "a", "distilbert")
    with pytest.raises(ValueError, match="expected segments, as a bert has"):
        nlp.Bert(9, 1, 2, 4, num_segments=0).save_to_folder(tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_a_bert_without_segments() -> None:
    model = nlp.Bert(9, 1, 2, 4, num_segments=0, name="plain")
    ids = np.array([[1, 2]])
    assert model(ids).shape == (1, 2, 4)
    with pytest.raises(ValueError, match="'plain': expected no 'segment_ids'"):
        model({"token_ids": ids, "segment_ids": np.zeros_like(ids)})


def test_byte_pairs_and_files_of_tokenizers(tmp_path: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    vocabulary = {"<s>": 0, "</s>": 1, "<pad>": 2, "a": 3, "b": 4, "\u0120": 5, "ab": 6, "\u0120ab": 7}
    merges = ["a b", "\u0120 ab"]
    plain = nlp.BytePairTokenizer(vocabulary, merges)
    assert plain.tokenize("ab abb").tolist() == [6, 7, 4] and plain.detokenize([6, 7, 4]) == "ab abb"
    around = nlp.BytePairTokenizer(vocabulary, merges, 4, start="<s>", end="</s>")
    assert around.tokenize("ab ab ab ab").tolist() == [0, 6, 7, 1]
    around.sequence_length = 3
    assert around(["ab ab", ""])["token_ids"].tolist() == [[0, 6, 1], [0, 1, 2]]
    around.save_to_folder(tmp_path)
    again = nlp.BytePairTokenizer(tmp_path / "vocab.json", tmp_path / "merges.txt")
    assert again.tokenize("ab abb").tolist() == [6, 7, 4]
    made = tokenizers.Tokenizer(tokenizers.models.BPE(vocabulary, [("a", "b")]))
    made.enable_padding(length=9)
    made.enable_truncation(1)
    made.save(str(tmp_path / "tokenizer.json"))
    file = nlp.FileTokenizer(tmp_path / "tokenizer.json")
    assert file.tokenize("abab").tolist() == [6, 6]
    with pytest.raises(FileFormatError, match="piece"):
        nlp.BytePairTokenizer(vocabulary, ["a b c"])
    with pytest.raises(FileFormatError, match="'<mask>'"):
        nlp.BytePairTokenizer(vocabulary, merges, start="<mask>")
    with pytest.raises(FileFormatError, match="a number of 0 or more"):
        nlp.BytePairTokenizer({"a": "b"}, [])
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(FileFormatError, match="tokenizer.json: expected a tokenizer"):
        nlp.FileTokenizer(tmp_path / "tokenizer.json").tokenize("a")
    with pytest.raises(FileNotFoundError):
        nlp.FileTokenizer(tmp_path / "none.json")


def test_a_vocabulary_that_the_weights_do_not_fit(tmp_path: Path) -> None:
    folder(tmp_path)
    (tmp_path / "vocab.txt").write_text("\n".join([*WORDS, "more"]), encoding="utf-8")
    with pytest.raises(FileFormatError, match="vocab.txt: expected at most 9 tokens.*got 10"):
        nlp.Bert.from_folder(tmp_path)
    (tmp_path / "vocab.txt").unlink()
    assert nlp.Bert.from_folder(tmp_path).tokenizer is None
    whole = tmp_path / "tokenizer.json"
    for told, match in (
        ({"model": {"vocab": {"a": 0, "b": 9}}}, "at most 9 tokens.*got 10"),
        ({"model": {"vocab": {"a": 0}}, "added_tokens": [{"id": 11}]}, "got 12"),
        ({"model": {"vocab": [["a", 0.0]] * 10}}, "got 10"),
        ({"model": {"vocab": {"a": "0"}}}, "an int for each token"),
        ({"model": {}}, "a model with a vocabulary"),
        ([], "a JSON object"),
    ):
        whole.write_text(json.dumps(told))
        with pytest.raises(FileFormatError, match=match):
            nlp.Bert.from_folder(tmp_path)
    whole.unlink()
    (tmp_path / "merges.txt").write_text("#version: 0.2\n")
    (tmp_path / "vocab.json").write_text(json.dumps({"a": 0, "b": 9}))
    with pytest.raises(FileFormatError, match="vocab.json: expected at most 9 tokens"):
        nlp.Bert.from_folder(tmp_path)


def test_a_trained_model_gives_the_embeddings_of_its_makers() -> None:
    """MiniLM, where `CHAINRULE_MINILM` names its folder, against transformers and PyTorch."""
    pytest.importorskip("tokenizers")
    place, data = os.environ.get("CHAINRULE_MINILM"), os.environ.get("CHAINRULE_DATA")
    if not place or not data or not (Path(data) / "minilm_reference.npz").exists():
        pytest.skip("CHAINRULE_MINILM and CHAINRULE_DATA do not name the model and its embeddings")
    told = np.load(Path(data) / "minilm_reference.npz")
    model = nlp.Bert.from_folder(place)
    model.tokenizer.sequence_length = 256
    sentences = [str(s) for s in told["sentences"]]
    inputs = model.tokenizer(sentences)
    rows = [r[m] for r, m in zip(inputs["token_ids"], inputs["padding_mask"])]
    assert np.concatenate(rows).tolist() == told["ids"].tolist()
    mask = inputs["padding_mask"][..., None]
    states = model.predict(inputs, verbose=0)
    mean = (states * mask).sum(1) / mask.sum(1)
    mean /= np.linalg.norm(mean, axis=1, keepdims=True)
    np.testing.assert_allclose(mean, told["embeddings"], atol=1e-4)


# --- tokenizers ----------------------------------------------------------------------------------


def test_word_pieces(tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    folder(tmp_path)
    tokenizer = nlp.Bert.from_folder(tmp_path).tokenizer
    assert tokenizer.tokenize("Walking café!").tolist() == [2, 5, 6, 7, 8, 3]
    assert tokenizer.detokenize([2, 5, 6, 7, 8, 3]) == "walking cafe!"
    assert tokenizer.tokenize("").tolist() == [2, 3]
    inputs = tokenizer(["walk", "walking xyz"])
    assert inputs["token_ids"].tolist() == [[2, 5, 3, 0, 0], [2, 5, 6, 1, 3]]
    assert inputs["padding_mask"].sum(1).tolist() == [3, 5]
    assert tokenizer.vocabulary_size() == 9 and tokenizer.token_to_id("walk") == 5
    assert tokenizer.id_to_token(7) == "cafe" and tokenizer.token_to_id("run") is None
    assert len(tokenizer.tokenize("walk " * 50)) == 8
    cased = nlp.WordPieceTokenizer([*WORDS, "Walk"], lowercase=False, special_tokens=False)
    assert cased.tokenize("Walk walk").tolist() == [9, 5]
    with pytest.raises(TypeError, match="text 1 to be a str"):
        tokenizer(["walk", 5])
    with pytest.raises(FileFormatError, match=r"\[CLS\]"):
        nlp.WordPieceTokenizer(["[UNK]", "a"]).tokenize("a")


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(ImportError, match=r"pip install 'chainrule\[nlp\]'"):
        nlp.WordPieceTokenizer(WORDS).tokenize("walk")


# --- the same bits -------------------------------------------------------------------------------


def digest() -> str:
    """SHA-256 of the weights after ten steps with dropout and masks, and of texts drawn from them."""
    cr.utils.set_random_seed(3)
    ids, _ = gpt_case()
    tokens = cr.Input((64,), dtype="int32")
    gpt = nlp.GPT(65, 2, 4, 64, max_sequence_length=64, dropout=0.2)
    source = nlp.TokenAndPositionEmbedding(65, 64, 64, mask_zero=True)(tokens)
    encoded = nlp.TransformerEncoder(96, 4, dropout=0.2, activation="gelu")(source)
    decoded = nlp.TransformerDecoder(96, 4, dropout=0.2)(encoded, encoded)
    both = cr.Model(tokens, cr.layers.Dense(65)(decoded))
    found = hashlib.sha256()
    for model in (gpt, both):
        model.compile(
            cr.optimizers.AdamW(1e-3, global_clipnorm=0.5),
            cr.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        model.fit(ids[:, ::1], ids[:, ::-1], batch_size=12, epochs=1, verbose=0)
        for variable in [*model.variables, *model.optimizer.variables]:
            value = variable.numpy()
            assert np.isfinite(value).all()
            found.update(np.ascontiguousarray(value).tobytes())
    for sampler in ("greedy", nlp.TopKSampler(seed=1), "contrastive"):
        for text in gpt.generate([[1, 2, 3], [5]], 64, sampler=sampler):
            found.update(text.tobytes())
    return found.hexdigest()


def in_a_process(threads: int, isa: str) -> str:
    return printed("from tests.test_nlp_models import *; print(digest())", threads, isa)


@pytest.fixture(scope="module")
def here() -> str:
    return digest()


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_the_same_bits_for_any_number_of_threads(here: str, threads: int) -> None:
    assert in_a_process(threads, _core.isa()) == here


@pytest.mark.parametrize("isa", ["scalar", "avx2", "avx512", "neon"])
def test_the_same_bits_on_any_instruction_set(here: str, isa: str) -> None:
    assert in_a_process(2, isa) == here
