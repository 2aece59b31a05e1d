"""Small folders of models as Hugging Face writes them, made by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from chainrule import _core

CONFIG = {
    "model_type": "bert",
    "vocab_size": 9,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "hidden_size": 4,
    "intermediate_size": 6,
    "max_position_embeddings": 8,
    "type_vocab_size": 2,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
}
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "walk", "##ing", "cafe", "!"]


def folder(path: Path, prefix: str = "") -> dict[str, Any]:
    """Writes a folder as Hugging Face has it, of random numbers; gives the tensors."""
    rng = np.random.default_rng(0)
    c, inner = 4, 6
    layer = "encoder.layer.0"
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (9, c),
        "embeddings.position_embeddings.weight": (8, c),
        "embeddings.token_type_embeddings.weight": (2, c),
        f"{layer}.intermediate.dense.weight": (inner, c),
        f"{layer}.intermediate.dense.bias": (inner,),
        f"{layer}.output.dense.weight": (c, inner),
        f"{layer}.output.dense.bias": (c,),
        "pooler.dense.weight": (c, c),
        "pooler.dense.bias": (c,),
    }
    for part in ("self.query", "self.key", "self.value", "output.dense"):
        shapes[f"{layer}.attention.{part}.weight"] = (c, c)
        shapes[f"{layer}.attention.{part}.bias"] = (c,)
    norms = ("embeddings", f"{layer}.attention.output", f"{layer}.output")
    for name, part in ((n, p) for n in norms for p in ("weight", "bias")):
        shapes[f"{name}.LayerNorm.{part}"] = (c,)
    tensors = {prefix + n: rng.standard_normal(s).astype("float32") for n, s in shapes.items()}
    path.mkdir(exist_ok=True)
    _core.save_safetensors(str(path / "model.safetensors"), tensors, {})
    (path / "config.json").write_text(json.dumps(CONFIG))
    (path / "vocab.txt").write_text("\n".join(WORDS) + "\n", encoding="utf-8")
    return tensors
