"""GPT-2's folders: read as NumPy computes them, written and read again, refused whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import _core, nlp
from chainrule.errors import FileFormatError

CONFIG = {
    "model_type": "gpt2",
    "vocab_size": 9,
    "n_layer": 2,
    "n_head": 2,
    "n_embd": 4,
    "n_positions": 8,
    "activation_function": "gelu_new",
}


def folder(path: Path, prefix: str = "transformer.", **changes: Any) -> dict[str, Any]:
    """Writes a folder of random numbers; gives the tensors without the prefix."""
    rng = np.random.default_rng(0)
    c = 4
    shapes: dict[str, tuple[int, ...]] = {"wte.weight": (9, c), "wpe.weight": (8, c)}
    for n in range(2):
        for name, (i, o) in {
            "attn.c_attn": (c, 3 * c), "attn.c_proj": (c, c),
            "mlp.c_fc": (c, 4 * c), "mlp.c_proj": (4 * c, c),
        }.items():  # fmt: skip
            shapes |= {f"h.{n}.{name}.weight": (i, o), f"h.{n}.{name}.bias": (o,)}
        for name in ("ln_1", "ln_2"):
            shapes |= {f"h.{n}.{name}.weight": (c,), f"h.{n}.{name}.bias": (c,)}
    shapes |= {"ln_f.weight": (c,), "ln_f.bias": (c,)}
    tensors = {n: rng.standard_normal(s).astype("float32") for n, s in shapes.items()}
    stored = {prefix + n: a for n, a in tensors.items()}
    stored[f"{prefix}h.0.attn.bias"] = np.ones((1, 1, 8, 8), "uint8")
    path.mkdir(exist_ok=True)
    _core.save_safetensors(str(path / "model.safetensors"), stored, {})
    (path / "config.json").write_text(json.dumps({**CONFIG, **changes}))
    return tensors


def gpt_in_numpy(w: dict[str, Any], ids: Any) -> Any:
    """The scores of the model of `folder`, written out with its names."""

    def dense(x: Any, name: str) -> Any:
        return x @ np.float64(w[f"{name}.weight"]) + w[f"{name}.bias"]

    def norm(x: Any, name: str) -> Any:
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
        return x * w[f"{name}.weight"] + w[f"{name}.bias"]

    h = np.float64(w["wte.weight"][ids]) + w["wpe.weight"][: len(ids)]
    future = np.triu(np.ones((len(ids), len(ids)), bool), 1)
    for n in range(2):
        q, k, v = np.split(dense(norm(h, f"h.{n}.ln_1"), f"h.{n}.attn.c_attn"), 3, axis=1)
        heads = []
        for part in (slice(0, 2), slice(2, 4)):
            scores = np.where(future, -np.inf, q[:, part] @ k[:, part].T / np.sqrt(2))
            scores = np.exp(scores - scores.max(1, keepdims=True))
            heads.append(scores / scores.sum(1, keepdims=True) @ v[:, part])
        h = h + dense(np.concatenate(heads, 1), f"h.{n}.attn.c_proj")
        wide = dense(norm(h, f"h.{n}.ln_2"), f"h.{n}.mlp.c_fc")
        wide = wide / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (wide + 0.044715 * wide**3)))
        h = h + dense(wide, f"h.{n}.mlp.c_proj")
    return norm(h, "ln_f") @ w["wte.weight"].T


@pytest.mark.parametrize("prefix", ["", "transformer."])
def test_a_folder_of_gpt2(tmp_path: Path, prefix: str) -> None:
    tensors = folder(tmp_path, prefix)
    model = nlp.GPT.from_folder(tmp_path)
    ids = np.array([2, 5, 6, 3])
    np.testing.assert_allclose(model(ids[None])[0], gpt_in_numpy(tensors, ids), atol=1e-5)
    assert model.dropout == 0.1 and nlp.GPT.from_folder(tmp_path, dropout=0.0).dropout == 0.0


@pytest.mark.parametrize("tied", [True, False])
def test_there_and_back(tmp_path: Path, tied: bool) -> None:
    model = nlp.GPT(9, 2, 2, 4, 6, 8, 0.25, activation=nlp.gelu_approximate, tie_weights=tied)
    for variable in model.trainable_weights:
        variable.assign(np.random.default_rng(1).standard_normal(variable.shape))
    model.tokenizer = nlp.BytePairTokenizer({"a": 0, "b": 1, "ab": 2}, ["a b"])
    model.save_to_folder(tmp_path)
    again = nlp.GPT.from_folder(tmp_path)
    ids = np.array([[2, 5, 6, 3]])
    np.testing.assert_array_equal(again(ids), model(ids))
    assert again.tokenizer.merges == ["a b"] and again.tie_weights == tied
    assert again.activation is nlp.gelu_approximate
    model.save(tmp_path / "gpt.chainrule")
    np.testing.assert_array_equal(cr.saving.load_model(tmp_path / "gpt.chainrule")(ids), model(ids))


def test_folders_that_are_not_whole_are_refused(tmp_path: Path) -> None:
    def refused(match: str, **changes: Any) -> None:
        folder(tmp_path, **changes)
        with pytest.raises(FileFormatError, match=match):
            nlp.GPT.from_folder(tmp_path)

    refused("model_type of .'gpt2'., got 'bert'", model_type="bert")
    refused("positive ints for .'n_layer'", n_layer=0)
    refused("multiple of num_heads=3", n_head=3)
    refused(
        "scale_attn_by_inverse_layer_idx of .False., got True", scale_attn_by_inverse_layer_idx=True
    )
    refused("activation_function", activation_function="magic")
    refused("lm_head.weight': expected .9, 4. floats, got none", tie_word_embeddings=False)
    refused("(?s)h.1.ln_1.*no such tensor.*h.1.mlp.c_fc.weight", n_layer=1)
    refused(
        "(?s)wpe.weight': expected .7, 4..*h.0.mlp.c_fc.bias': expected .5,",
        n_positions=7,
        n_inner=5,
    )
    with pytest.raises(ValueError, match="expected normalize_first"):
        nlp.GPT(9, 1, 2, 4, normalize_first=False).save_to_folder(tmp_path / "a")
    assert not (tmp_path / "a").exists()
