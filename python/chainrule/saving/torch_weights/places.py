"""The layers of a model that have weights, each with its place and its links to PyTorch's tensors."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from chainrule.base.naming import to_snake_case
from chainrule.saving.torch_weights.layouts import Link, layout_of

__all__ = ["Place", "places_of"]

# PyTorch's, where the numbers do not say it.
_EPSILON = 1e-5
# What lets numbers pass one by one.
_ONE_BY_ONE = {
    "Activation",
    "AlphaDropout",
    "BatchNormalization",
    "Dropout",
    "ELU",
    "GaussianDropout",
    "GaussianNoise",
    "Identity",
    "LeakyReLU",
    "ReLU",
}


class Place(NamedTuple):
    """A layer with weights.

    Attributes
    ----------
    path : str
        As in the files of `save_weights`: ``"dense"``, ``"dense_1"``, ``"sequential/conv2d"``.
    links : list of Link
    note : str
        What tensors do not say.
    """

    path: str
    links: list[Link]
    note: str


def places_of(model: Any) -> list[Place]:
    """The places of a model, in the order of its layers; a shared layer once.

    Raises
    ------
    ValueError
        Weights that no module of PyTorch has.
    """
    return list(_below(model, "", set()))


def _below(layer: Any, path: str, seen: set[int]) -> Iterator[Place]:
    if id(layer) in seen:
        return
    seen.add(id(layer))
    links = layout_of(layer, _flattened(layer))
    own = [*layer._trainable_variables, *layer._non_trainable_variables]
    if links is not None:
        linked = {id(v) for link in links for v in link.variables}
        # LoRA's factors are counted into their kernels.
        linked |= {id(v) for inner in layer._flatten_layers() for v in inner._mergeable}
        rest = [v for v in layer.variables if id(v) not in linked and not _is_seed(v)]
    else:
        rest = own
    if rest:
        raise ValueError(
            f"layer '{layer.name}' ({type(layer).__name__}): expected weights of which PyTorch's layout is "
            f"known, got {[v.path for v in rest]}"
        )
    if links is not None:
        yield Place(path, links, _note(layer))
        return
    taken: set[str] = set()
    for inner in layer._layers:
        name = base = to_snake_case(type(inner).__name__)
        number = 0
        while name in taken:
            number += 1
            name = f"{base}_{number}"
        taken.add(name)
        yield from _below(inner, f"{path}/{name}".lstrip("/"), seen)


def _is_seed(variable: Any) -> bool:
    return bool(variable.name == "seed_generator_state")


def _note(layer: Any) -> str:
    epsilon = getattr(layer, "epsilon", None)
    if epsilon is None or math.isclose(epsilon, _EPSILON):
        return ""
    return f"epsilon={epsilon:g}; PyTorch's default is {_EPSILON:g}"


def _flattened(layer: Any) -> tuple[int, ...] | None:
    """(..., channels) of what `Flatten` made the layer's inputs of; None where it did not."""
    for _ in range(64):
        nodes = getattr(layer, "_inbound_nodes", None)
        if not nodes or not nodes[0].input_tensors:
            return None
        tensor = nodes[0].input_tensors[0]
        layer = tensor._keras_history.operation
        kind = type(layer).__name__
        if kind == "Flatten":
            shape = tuple(layer._inbound_nodes[0].input_tensors[0].shape[1:])
            is_plain = len(shape) < 2 or layer.data_format == "channels_first"
            return None if is_plain or None in shape else shape
        if kind not in _ONE_BY_ONE:
            return None
    return None
