"""The weights of a trained Bert, by the names that Hugging Face's files have for them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from chainrule import _core
from chainrule.base.errors import FileFormatError
from chainrule.base.loading import read_json
from chainrule.nlp.tokenizers.word_piece_tokenizer import WordPieceTokenizer

# Argument of Bert -> key of config.json.
_SIZES = {
    "vocabulary_size": "vocab_size",
    "num_layers": "num_hidden_layers",
    "num_heads": "num_attention_heads",
    "hidden_dim": "hidden_size",
    "intermediate_dim": "intermediate_size",
    "max_sequence_length": "max_position_embeddings",
    "num_segments": "type_vocab_size",
}
_ACTIVATIONS = {"gelu": "gelu", "relu": "relu", "silu": "silu", "swish": "silu", "tanh": "tanh"}


def read_bert(cls: Any, path: Any, pooler: bool, dropout: float | None) -> Any:
    """The model of class `cls` that a folder holds; see `Bert.from_folder`."""
    folder = Path(path)
    arguments = _arguments(_read(folder / "config.json"), folder)
    if dropout is not None:
        arguments["dropout"] = dropout
    weights_file = folder / "model.safetensors"
    if not weights_file.exists():
        raise FileNotFoundError(f"{weights_file}: expected the weights of the model")
    arrays, _ = _core.load_safetensors(str(weights_file))
    model = cls(**arguments, pooler=pooler)
    _assign(model, arrays, weights_file)
    vocabulary = folder / "vocab.txt"
    if vocabulary.exists():
        settings = folder / "tokenizer_config.json"
        told = _read(settings) if settings.exists() else {}
        model.tokenizer = WordPieceTokenizer(
            vocabulary,
            lowercase=bool(told.get("do_lower_case", True)),
            sequence_length=model.max_sequence_length,
        )
    return model


def _read(file: Path) -> Any:
    """What a file of JSON says, which is to be a dict.

    Raises
    ------
    FileFormatError
    """
    try:
        found = read_json(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise FileFormatError(f"{file}: expected JSON, got: {error}") from error
    if not isinstance(found, dict):
        raise FileFormatError(f"{file}: expected a JSON object, got {type(found).__name__}")
    return found


def _arguments(config: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The arguments of Bert that a config.json says.

    Raises
    ------
    FileFormatError
    """
    place = folder / "config.json"
    if config.get("model_type") != "bert":
        raise FileFormatError(
            f"{place}: expected model_type 'bert', got {config.get('model_type')!r}"
        )
    missing = [key for key in _SIZES.values() if not isinstance(config.get(key), int)]
    if missing:
        raise FileFormatError(f"{place}: expected ints for {missing}, got none")
    if config.get("position_embedding_type", "absolute") != "absolute":
        raise FileFormatError(
            f"{place}: expected absolute positions, got {config['position_embedding_type']!r}"
        )
    activation = config.get("hidden_act", "gelu")
    if activation not in _ACTIVATIONS:
        raise FileFormatError(
            f"{place}: expected hidden_act of {sorted(_ACTIVATIONS)}, got {activation!r}"
        )
    arguments: dict[str, Any] = {name: config[key] for name, key in _SIZES.items()}
    return {
        **arguments,
        "activation": _ACTIVATIONS[activation],
        "layer_norm_epsilon": float(config.get("layer_norm_eps", 1e-12)),
        "dropout": float(config.get("hidden_dropout_prob", 0.1)),
    }


def _assign(model: Any, arrays: dict[str, NDArray[Any]], file: Path) -> None:
    """Give the model's variables the arrays of a file; all are looked at before the first.

    Raises
    ------
    FileFormatError
    """
    prefix = "bert." if any(name.startswith("bert.") for name in arrays) else ""
    pairs = []
    for name, variable, shape, is_matrix in _names(model):
        array = arrays.get(f"{prefix}{name}")
        if array is None:
            raise FileFormatError(f"{file}: expected a tensor '{prefix}{name}', got none")
        if array.shape != shape or array.dtype.kind != "f":
            raise FileFormatError(
                f"{file}: '{prefix}{name}': expected {shape} floats, got {array.shape} "
                f"{array.dtype}"
            )
        array = array.T if is_matrix else array
        pairs.append((variable, array.reshape(variable.shape)))
    for variable, array in pairs:
        variable.assign(array)


# Name in the file, variable, shape in the file, and whether it is a matrix, transposed there.
_Name = tuple[str, Any, tuple[int, ...], bool]


def _names(model: Any) -> Iterator[_Name]:
    """Every variable with what the file says of it."""
    tables = {
        "word_embeddings": model.embedding.token_embedding.embeddings,
        "position_embeddings": model.embedding.position_embedding.position_embeddings,
        "token_type_embeddings": model.segment_embedding.embeddings,
    }
    for name, variable in tables.items():
        yield f"embeddings.{name}.weight", variable, tuple(variable.shape), False
    yield from _norm("embeddings.LayerNorm", model.embedding_layer_norm)
    for number, encoder in enumerate(model.encoders):
        place = f"encoder.layer.{number}"
        attention = encoder._self_attention_layer
        parts = {
            "attention.self.query": attention.query_dense,
            "attention.self.key": attention.key_dense,
            "attention.self.value": attention.value_dense,
            "attention.output.dense": attention.output_dense,
            "intermediate.dense": encoder._feedforward_intermediate_dense,
            "output.dense": encoder._feedforward_output_dense,
        }
        for name, layer in parts.items():
            yield from _dense(f"{place}.{name}", layer)
        yield from _norm(f"{place}.attention.output.LayerNorm", encoder._self_attention_layer_norm)
        yield from _norm(f"{place}.output.LayerNorm", encoder._feedforward_layer_norm)
    if model.pooler_dense is not None:
        yield from _dense("pooler.dense", model.pooler_dense)


def _dense(name: str, layer: Any) -> Iterator[_Name]:
    """PyTorch's matrices are (outputs, inputs), and heads lie side by side."""
    outputs = math.prod(layer.bias.shape)
    inputs = math.prod(layer.kernel.shape) // outputs
    yield f"{name}.weight", layer.kernel, (outputs, inputs), True
    yield f"{name}.bias", layer.bias, (outputs,), False


def _norm(name: str, layer: Any) -> Iterator[_Name]:
    for part, variable in (("weight", layer.gamma), ("bias", layer.beta)):
        yield f"{name}.{part}", variable, tuple(variable.shape), False
