"""What a folder of sentence-transformers says besides its Bert."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chainrule.base.errors import FileFormatError
from chainrule.nlp.folders import read_object, read_value

_POOLINGS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_max_tokens": "max",
}
_MODULES = ("Transformer", "Pooling", "Normalize")


def read_sentence_options(path: Any) -> dict[str, Any]:
    """`pooling`, `normalize` and `sequence_length`, as far as a folder says them.

    Raises
    ------
    FileFormatError
        A module, or a pooling, that `SentenceEncoder` has not.
    """
    folder = Path(path)
    modules, pooling = folder / "modules.json", folder / "1_Pooling" / "config.json"
    limits = folder / "sentence_bert_config.json"
    told: dict[str, Any] = {}
    if modules.exists():
        listed = read_value(modules)
        kinds = [str(m.get("type", "")).rsplit(".", 1)[-1] for m in _dicts(listed, modules)]
        if kinds not in ([*_MODULES], [*_MODULES[:2]]):
            raise FileFormatError(f"{modules}: expected the modules {_MODULES}, got {kinds}")
        told["normalize"] = "Normalize" in kinds
    if pooling.exists():
        said = read_object(pooling)
        chosen = [key for key, value in said.items() if key.startswith("pooling_mode_") and value]
        if len(chosen) != 1 or chosen[0] not in _POOLINGS:
            raise FileFormatError(f"{pooling}: expected one of {list(_POOLINGS)}, got {chosen}")
        told["pooling"] = _POOLINGS[chosen[0]]
    if limits.exists():
        longest = read_object(limits).get("max_seq_length")
        if longest is not None and (type(longest) is not int or longest <= 0):
            raise FileFormatError(f"{limits}: expected a positive int, got {longest!r}")
        told["sequence_length"] = longest
    return told


def _dicts(listed: Any, file: Path) -> list[dict[str, Any]]:
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise FileFormatError(f"{file}: expected a list of objects, got {type(listed).__name__}")
    return listed
