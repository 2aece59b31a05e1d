"""What files keep of a vocabulary that is not in a layer's configuration."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from chainrule.base import config
from chainrule.layers.preprocessing.vocabulary import read_tokens

__all__ = ["load_assets", "refuse_paths", "restore", "save_assets", "state_of"]

_FILE = "vocabulary.txt"


def state_of(layer: Any) -> dict[str, Any] | None:
    """The tokens and their weights; None where the configuration has them, or there are none."""
    tokens = layer.get_vocabulary(include_special_tokens=False)
    if not tokens or list(layer.input_vocabulary or ()) in (tokens, layer.get_vocabulary()):
        return None
    state: dict[str, Any] = {"vocabulary": tokens}
    if layer.idf_weights is not None:
        state["idf_weights"] = layer.idf_weights.tolist()
    return state


def restore(layer: Any, state: dict[str, Any] | None) -> None:
    """Take back what `state_of` gave.

    Raises
    ------
    ValueError
        Tokens or weights of another kind.
    """
    if not state or "vocabulary" not in state:
        return
    tokens, kind = state["vocabulary"], str if layer.vocabulary_dtype == "string" else int
    if not isinstance(tokens, list) or not all(type(token) is kind for token in tokens):
        raise ValueError(f"layer '{layer.name}': expected a vocabulary of {kind.__name__}")
    layer._set_tokens(tokens, _weights(layer, tokens, state.get("idf_weights")))


def _weights(layer: Any, tokens: list[Any], values: Any) -> Any:
    """The weights of a layer of TF-IDF; None for another.

    Raises
    ------
    ValueError
        Another number of them than the tokens need.
    """
    if layer.output_mode != "tf_idf":
        return None
    weights = np.asarray(values, dtype=config.floatx())
    size = layer._padded_size or len(tokens) + layer._token_start
    if weights.shape != (size,):
        raise ValueError(f"layer '{layer.name}': expected {size} weights, got shape {weights.shape}")
    return weights


def save_assets(layer: Any, dir_path: Any) -> None:
    """Write the vocabulary to a file of a folder, a token in each line, the special ones first."""
    if layer.input_vocabulary is not None:
        return
    with open(os.path.join(dir_path, _FILE), "w", encoding="utf-8", newline="\n") as file:
        file.write("\n".join(map(str, layer.get_vocabulary())))


def load_assets(layer: Any, dir_path: Any, idf_weights: Any = None) -> None:
    """Read what `save_assets` wrote; the weights of TF-IDF come from elsewhere."""
    if layer.input_vocabulary is not None:
        return
    path = os.path.join(dir_path, _FILE)
    tokens = read_tokens(path, "utf-8", layer.vocabulary_dtype != "string")
    own = tokens[layer._token_start :]
    layer._set_tokens(own, _weights(layer, own, idf_weights))


def refuse_paths(vocabulary: Any) -> None:
    """Raise a ValueError for a configuration that names a file: it could be any on this machine."""
    if isinstance(vocabulary, str):
        raise ValueError(
            "a configuration: expected the tokens of a vocabulary, got the path of a file outside "
            f"of it, '{vocabulary}'; pass the path to the layer's constructor, or to "
            "`set_vocabulary`"
        )
