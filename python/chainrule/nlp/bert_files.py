"""Folders of trained Berts: the configurations and the names of tensors of Hugging Face's files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from chainrule.base.errors import FileFormatError
from chainrule.nlp.folders import (
    ACTIVATIONS,
    Part,
    activation_name,
    check_tensors,
    norm,
    read_choice,
    read_number,
    read_object,
    read_sizes,
    read_tensors,
    without_prefix,
    write_folder,
)
from chainrule.nlp.sizes import check_layers, head_size
from chainrule.nlp.tokenizers.folder_tokenizer import read_tokenizer

class _Family(NamedTuple):
    """A kind of model: what its config.json and its tensors are called.

    Attributes
    ----------
    sizes : mapping
        Argument of Bert -> key of config.json.
    activation, dropout, attention_dropout : str
        Keys of config.json.
    layer : str
        The name of a layer's tensors, by its number.
    names : mapping
        Part of a layer -> its name there.
    pad : int
        The number of the padding token.
    skip : int
        Places that the table of positions has before the first.
    epsilon : float or None
        Of the norms, where config.json does not say.
    """

    sizes: Mapping[str, str]
    activation: str
    dropout: str
    attention_dropout: str
    layer: str
    names: Mapping[str, str]
    pad: int = 0
    skip: int = 0
    epsilon: float | None = None


_SIZES = {
    "vocabulary_size": "vocab_size",
    "num_layers": "num_hidden_layers",
    "num_heads": "num_attention_heads",
    "hidden_dim": "hidden_size",
    "intermediate_dim": "intermediate_size",
    "max_sequence_length": "max_position_embeddings",
    "num_segments": "type_vocab_size",
}
_BERT = _Family(
    _SIZES,
    "hidden_act",
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
    "encoder.layer",
    {
        "query": "attention.self.query",
        "key": "attention.self.key",
        "value": "attention.self.value",
        "attention_output": "attention.output.dense",
        "attention_norm": "attention.output.LayerNorm",
        "intermediate": "intermediate.dense",
        "output": "output.dense",
        "output_norm": "output.LayerNorm",
    },
)
# RoBERTa counts places from the number of its padding token on, plus one.
_ROBERTA = _BERT._replace(pad=1, skip=2)
_DISTILBERT = _Family(
    {
        "vocabulary_size": "vocab_size",
        "num_layers": "n_layers",
        "num_heads": "n_heads",
        "hidden_dim": "dim",
        "intermediate_dim": "hidden_dim",
        "max_sequence_length": "max_position_embeddings",
    },
    "activation",
    "dropout",
    "attention_dropout",
    "transformer.layer",
    {
        "query": "attention.q_lin",
        "key": "attention.k_lin",
        "value": "attention.v_lin",
        "attention_output": "attention.out_lin",
        "attention_norm": "sa_layer_norm",
        "intermediate": "ffn.lin1",
        "output": "ffn.lin2",
        "output_norm": "output_layer_norm",
    },
    epsilon=1e-12,
)
_FAMILIES = {"bert": _BERT, "roberta": _ROBERTA, "distilbert": _DISTILBERT}
_CLASSES = {"bert": "BertModel", "roberta": "RobertaModel", "distilbert": "DistilBertModel"}
# Tensors that the model does not need: tables of numbers that count places.
_BUFFERS = ("embeddings.position_ids", "embeddings.token_type_ids")
# What stands beside a model without a prefix: heads.
_HEADS = ("cls.", "classifier.", "lm_head.", "qa_outputs.", "pre_classifier.", "vocab_")


def read_bert(cls: Any, path: Any, pooler: bool, dropout: float | None) -> Any:
    """The model of class `cls` that a folder holds; see `Bert.from_folder`."""
    folder = Path(path)
    place = folder / "config.json"
    config = read_object(place)
    kind = read_choice(config, "model_type", None, _FAMILIES, place)
    arguments = _arguments(config, _FAMILIES[kind], kind, place)
    arguments["pooler"] = pooler
    if dropout is not None:
        arguments["dropout"] = dropout
    file, tensors = read_tensors(folder)
    prefix, tensors = without_prefix(tensors, f"{kind}.")
    ignored = (*_BUFFERS, *(() if prefix else _HEADS), *(() if pooler else ("pooler.",)))
    tensors = {n: array for n, array in tensors.items() if not n.startswith(ignored)}
    parts = list(_parts(_FAMILIES[kind], arguments))
    check_tensors(tensors, parts, file, prefix)
    tokenizer = read_tokenizer(folder, arguments["vocabulary_size"])
    model = cls(**arguments)
    for part in parts:
        part.assign(model, tensors[part.name])
    model.folder_type = kind
    if tokenizer is not None:
        tokenizer.sequence_length = model.max_sequence_length
        model.tokenizer = tokenizer
    return model


def write_bert(model: Any, path: Any, kind: str | None) -> None:
    """See `Bert.save_to_folder`."""
    kind = model.folder_type if kind is None else kind
    if kind not in _FAMILIES:
        raise ValueError(f"`model_type`: expected one of {list(_FAMILIES)}, got {kind!r}")
    if kind == "distilbert":
        _check_distilbert(model)
    elif not model.num_segments:
        raise ValueError(f"model '{model.name}': expected segments, as a {kind} has, got none")
    family = _FAMILIES[kind]
    arguments = {
        **{name: getattr(model, name) for name in _SIZES if name in family.sizes},
        "pooler": model.pooler,
    }
    named = {part.name: part.array(model) for part in _parts(family, arguments)}
    write_folder(path, _config(model, family, kind), named, model.tokenizer)


def _check_distilbert(model: Any) -> None:
    if model.num_segments or model.pooler or model.layer_norm_epsilon != _DISTILBERT.epsilon:
        raise ValueError(
            f"model '{model.name}': expected no segments, no pooler and a layer_norm_epsilon of 1e-12, "
            f"as a distilbert has, got {model.num_segments}, {model.pooler} and "
            f"{model.layer_norm_epsilon}"
        )


def _config(model: Any, family: _Family, kind: str) -> dict[str, Any]:
    """What config.json says of a model."""
    sizes = {key: getattr(model, name) for name, key in family.sizes.items()}
    sizes["max_position_embeddings"] += family.skip
    config = {
        "model_type": kind,
        "architectures": [_CLASSES[kind]],
        **sizes,
        family.activation: activation_name(model.activation, f"model '{model.name}'"),
        family.dropout: model.dropout,
        family.attention_dropout: model.dropout,
        "pad_token_id": family.pad,
    }
    if family.epsilon is None:
        config["layer_norm_eps"] = model.layer_norm_epsilon
    return config


def _arguments(config: dict[str, Any], family: _Family, kind: str, place: Path) -> dict[str, Any]:
    """The arguments of Bert that a config.json says.

    Raises
    ------
    FileFormatError
    """
    sizes = read_sizes(config, family.sizes, place)
    sizes["max_sequence_length"] -= family.skip
    sizes.setdefault("num_segments", 0)
    positions = config.get("position_embedding_type", "absolute")
    if positions != "absolute" or config.get("is_decoder") or config.get("add_cross_attention"):
        raise FileFormatError(
            f"{place}: expected absolute positions and an encoder, got {positions!r} positions, "
            f"is_decoder={config.get('is_decoder')!r}"
        )
    if kind == "roberta" and config.get("pad_token_id", 1) != 1:
        raise FileFormatError(
            f"{place}: expected pad_token_id 1, after which places count, got "
            f"{config['pad_token_id']!r}"
        )
    try:
        check_layers(sizes["num_layers"])
        head_size(sizes["hidden_dim"], sizes["num_heads"], "a Bert")
    except ValueError as error:
        raise FileFormatError(f"{place}: {error}") from error
    activation = read_choice(config, family.activation, "gelu", ACTIVATIONS, place)
    epsilon = family.epsilon
    if epsilon is None:
        epsilon = read_number(config, "layer_norm_eps", 1e-12, place)
    return {
        **sizes,
        "activation": ACTIVATIONS[activation],
        "layer_norm_epsilon": epsilon,
        "dropout": read_number(config, family.dropout, 0.1, place),
    }


def _parts(family: _Family, sizes: Mapping[str, Any]) -> Iterator[Part]:
    """Every tensor of a model of these sizes."""
    wide, inner = sizes["hidden_dim"], sizes["intermediate_dim"]
    words = sizes["vocabulary_size"], wide
    places = sizes["max_sequence_length"] + family.skip, wide
    yield Part("embeddings.word_embeddings.weight", words, _words)
    yield Part("embeddings.position_embeddings.weight", places, _places, skip=family.skip)
    if sizes.get("num_segments"):
        segments = sizes["num_segments"], wide
        yield Part("embeddings.token_type_embeddings.weight", segments, _segments)
    yield from norm("embeddings.LayerNorm", wide, lambda model: model.embedding_layer_norm)
    for number in range(sizes["num_layers"]):
        for part, name in family.names.items():
            find = partial(_of_layer, number=number, part=part)
            place = f"{family.layer}.{number}.{name}"
            if part.endswith("norm"):
                yield from norm(place, wide, find)
                continue
            units = inner if part == "intermediate" else wide
            yield from dense(place, inner if part == "output" else wide, units, find)
    if sizes["pooler"]:
        yield from dense("pooler.dense", wide, wide, lambda model: model.pooler_dense)


def _words(model: Any) -> list[Any]:
    return [model.embedding.token_embedding.embeddings]


def _places(model: Any) -> list[Any]:
    return [model.embedding.position_embedding.position_embeddings]


def _segments(model: Any) -> list[Any]:
    return [model.segment_embedding.embeddings]


def _of_layer(model: Any, number: int, part: str) -> Any:
    """The layer that a part of an encoder is."""
    encoder = model.encoders[number]
    attention = encoder._self_attention_layer
    found = {
        "query": attention.query_dense,
        "key": attention.key_dense,
        "value": attention.value_dense,
        "attention_output": attention.output_dense,
        "attention_norm": encoder._self_attention_layer_norm,
        "intermediate": encoder._feedforward_intermediate_dense,
        "output": encoder._feedforward_output_dense,
        "output_norm": encoder._feedforward_layer_norm,
    }
    return found[part]


def dense(name: str, inputs: int, outputs: int, find: Any) -> Iterator[Part]:
    """PyTorch's matrices are (outputs, inputs), and heads lie side by side."""
    yield Part(f"{name}.weight", (outputs, inputs), lambda model: [find(model).kernel], True)
    yield Part(f"{name}.bias", (outputs,), lambda model: [find(model).bias])
