"""Folders of trained GPT-2s: the configuration and the names of tensors of Hugging Face's files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

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

_SIZES = {
    "vocabulary_size": "vocab_size",
    "num_layers": "n_layer",
    "num_heads": "n_head",
    "hidden_dim": "n_embd",
    "max_sequence_length": "n_positions",
}
_DROPOUTS = ("resid_pdrop", "embd_pdrop", "attn_pdrop")
_PREFIX = "transformer."
_HEAD = "lm_head.weight"
# Masks that older files hold beside the weights of attentions.
_MASKS = (".attn.bias", ".attn.masked_bias")
# What the model has not: key of config.json -> the only value.
_FIXED = {
    "scale_attn_weights": True,
    "scale_attn_by_inverse_layer_idx": False,
    "add_cross_attention": False,
}


def read_gpt(cls: Any, path: Any, dropout: float | None) -> Any:
    """The model of class `cls` that a folder holds; see `GPT.from_folder`."""
    folder = Path(path)
    place = folder / "config.json"
    config = read_object(place)
    read_choice(config, "model_type", None, ["gpt2"], place)
    arguments = _arguments(config, place)
    if dropout is not None:
        arguments["dropout"] = dropout
    file, tensors = read_tensors(folder)
    head = None if arguments["tie_weights"] else tensors.get(_HEAD)
    prefix, tensors = without_prefix(tensors, _PREFIX)
    tensors = {n: a for n, a in tensors.items() if not n.endswith(_MASKS) and n != _HEAD}
    parts = list(_parts(arguments))
    if head is not None:
        tensors[_HEAD] = head
    check_tensors(tensors, parts, file, prefix)
    tokenizer = read_tokenizer(folder, arguments["vocabulary_size"])
    model = cls(**arguments)
    for part in parts:
        part.assign(model, tensors[part.name])
    model.tokenizer = tokenizer
    return model


def write_gpt(model: Any, path: Any) -> None:
    """See `GPT.save_to_folder`."""
    if not model.normalize_first:
        raise ValueError(
            f"model '{model.name}': expected normalize_first, as a gpt2 has, got False"
        )
    sizes = {name: getattr(model, name) for name in _SIZES}
    config = {
        "model_type": "gpt2",
        "architectures": ["GPT2LMHeadModel"],
        **{key: sizes[name] for name, key in _SIZES.items()},
        "n_inner": model.intermediate_dim,
        "activation_function": activation_name(model.activation, f"model '{model.name}'"),
        "layer_norm_epsilon": model.layer_norm_epsilon,
        **dict.fromkeys(_DROPOUTS, model.dropout),
        "tie_word_embeddings": model.tie_weights,
    }
    sizes.update(intermediate_dim=model.intermediate_dim, tie_weights=model.tie_weights)
    named = {
        ("" if part.name == _HEAD else _PREFIX) + part.name: part.array(model)
        for part in _parts(sizes)
    }
    write_folder(path, config, named, model.tokenizer)


def _arguments(config: dict[str, Any], place: Path) -> dict[str, Any]:
    """The arguments of GPT that a config.json says.

    Raises
    ------
    FileFormatError
    """
    sizes = read_sizes(config, _SIZES, place)
    if config.get("n_inner") is not None:
        sizes |= read_sizes(config, {"intermediate_dim": "n_inner"}, place)
    else:
        sizes["intermediate_dim"] = 4 * sizes["hidden_dim"]
    for key, value in _FIXED.items():
        read_choice(config, key, value, [value], place)
    try:
        check_layers(sizes["num_layers"])
        head_size(sizes["hidden_dim"], sizes["num_heads"], "a GPT")
    except ValueError as error:
        raise FileFormatError(f"{place}: {error}") from error
    name = read_choice(config, "activation_function", "gelu_new", ACTIVATIONS, place)
    return {
        **sizes,
        "activation": ACTIVATIONS[name],
        "layer_norm_epsilon": read_number(config, "layer_norm_epsilon", 1e-5, place),
        "dropout": read_number(config, "resid_pdrop", 0.1, place),
        "tie_weights": read_choice(config, "tie_word_embeddings", True, [True, False], place),
    }


def _parts(sizes: Mapping[str, Any]) -> Iterator[Part]:
    """Every tensor of a model of these sizes; matrices are (inputs, outputs) here."""
    wide, inner = sizes["hidden_dim"], sizes["intermediate_dim"]
    words = sizes["vocabulary_size"], wide
    yield Part("wte.weight", words, lambda m: [m.embedding.token_embedding.embeddings])
    yield Part(
        "wpe.weight",
        (sizes["max_sequence_length"], wide),
        lambda m: [m.embedding.position_embedding.position_embeddings],
    )
    for number in range(sizes["num_layers"]):
        of = partial(partial, _of_layer, number=number)
        place = f"h.{number}"
        yield from norm(f"{place}.ln_1", wide, of(part="attention_norm"))
        yield from _matrix(f"{place}.attn.c_attn", wide, 3 * wide, of(part="attention"))
        yield from _matrix(f"{place}.attn.c_proj", wide, wide, of(part="attention_output"))
        yield from norm(f"{place}.ln_2", wide, of(part="norm"))
        yield from _matrix(f"{place}.mlp.c_fc", wide, inner, of(part="intermediate"))
        yield from _matrix(f"{place}.mlp.c_proj", inner, wide, of(part="output"))
    yield from norm("ln_f", wide, lambda m: m.layer_norm)
    if not sizes["tie_weights"]:
        yield Part(_HEAD, words, lambda m: [m.embedding.token_embedding.reverse_embeddings], True)


def _of_layer(model: Any, number: int, part: str) -> Any:
    """The layer, or the layers side by side, that a part of a decoder is."""
    decoder = model.decoders[number]
    attention = decoder._self_attention_layer
    found = {
        "attention_norm": decoder._self_attention_layer_norm,
        "attention": [attention.query_dense, attention.key_dense, attention.value_dense],
        "attention_output": [attention.output_dense],
        "norm": decoder._feedforward_layer_norm,
        "intermediate": [decoder._feedforward_intermediate_dense],
        "output": [decoder._feedforward_output_dense],
    }
    return found[part]


def _matrix(name: str, inputs: int, outputs: int, find: Callable[[Any], Any]) -> Iterator[Part]:
    yield Part(f"{name}.weight", (inputs, outputs), lambda m: [x.kernel for x in find(m)])
    yield Part(f"{name}.bias", (outputs,), lambda m: [x.bias for x in find(m)])
