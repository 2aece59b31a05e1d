"""Folders there and back between us and Hugging Face's `transformers`, where that is installed."""

from __future__ import annotations

import os

import numpy as np
import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from chainrule import nlp  # noqa: E402

SIZES = {"vocab_size": 100, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
BERT = {**SIZES, "intermediate_size": 64, "max_position_embeddings": 42}
TOKENS = np.random.default_rng(0).integers(5, 90, (2, 9)).astype("int32")


def _theirs(kind):
    """A small model of theirs with random numbers."""
    torch.manual_seed(0)
    model = {
        "bert": lambda: transformers.BertModel(
            transformers.BertConfig(**BERT), add_pooling_layer=False
        ),
        "roberta": lambda: transformers.RobertaModel(
            transformers.RobertaConfig(**BERT, type_vocab_size=1, pad_token_id=1),
            add_pooling_layer=False,
        ),
        "distilbert": lambda: transformers.DistilBertModel(
            transformers.DistilBertConfig(
                vocab_size=100, dim=32, n_layers=2, n_heads=4, hidden_dim=64
            )
        ),
        "gpt2": lambda: transformers.GPT2LMHeadModel(
            transformers.GPT2Config(vocab_size=100, n_positions=40, n_embd=32, n_layer=2, n_head=4)
        ),
    }[kind]()
    for weight in model.parameters():
        torch.nn.init.normal_(weight, 0.0 if weight.dim() > 1 else 0.5, 0.1)
    return model.eval()


def _answer(model):
    with torch.no_grad():
        made = model(input_ids=torch.tensor(TOKENS.astype("int64")))
    return (made.logits if hasattr(made, "logits") else made.last_hidden_state).numpy()


@pytest.mark.parametrize("kind", ["bert", "roberta", "distilbert", "gpt2"])
def test_folders_go_there_and_back(kind, tmp_path):
    theirs = _theirs(kind)
    theirs.save_pretrained(tmp_path / "theirs")
    ours = (nlp.GPT if kind == "gpt2" else nlp.Bert).from_folder(tmp_path / "theirs")
    expected = _answer(theirs)
    np.testing.assert_allclose(np.asarray(ours(TOKENS)), expected, rtol=0, atol=1e-5)
    ours.save_to_folder(tmp_path / "ours")
    again = type(theirs).from_pretrained(tmp_path / "ours").eval()
    np.testing.assert_array_equal(_answer(again), expected)
