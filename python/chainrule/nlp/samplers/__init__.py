"""Samplers: which token comes next, given the scores of all."""

from __future__ import annotations

from typing import Any

from chainrule.base import serialization
from chainrule.base.namespace import publish
from chainrule.nlp.samplers.beam_sampler import BeamSampler as BeamSampler
from chainrule.nlp.samplers.contrastive_sampler import ContrastiveSampler as ContrastiveSampler
from chainrule.nlp.samplers.greedy_sampler import GreedySampler as GreedySampler
from chainrule.nlp.samplers.random_sampler import RandomSampler as RandomSampler
from chainrule.nlp.samplers.sampler import Sampler as Sampler
from chainrule.nlp.samplers.top_k_sampler import TopKSampler as TopKSampler
from chainrule.nlp.samplers.top_p_sampler import TopPSampler as TopPSampler

_NAMES: dict[str, type[Sampler]] = {
    "beam": BeamSampler,
    "contrastive": ContrastiveSampler,
    "greedy": GreedySampler,
    "random": RandomSampler,
    "top_k": TopKSampler,
    "top_p": TopPSampler,
}


def serialize(sampler: Sampler) -> Any:
    """The configuration of a sampler."""
    return serialization.serialize_keras_object(sampler)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The sampler of a configuration."""
    return serialization.deserialize_keras_object(config, custom_objects=custom_objects)


def get(identifier: Any) -> Sampler:
    """The sampler for a name, a configuration, or a sampler itself.

    Parameters
    ----------
    identifier : str, dict or Sampler
        "beam", "contrastive", "greedy", "random", "top_k" or "top_p", with the defaults.

    Raises
    ------
    ValueError
        For anything else.

    Examples
    --------
    >>> from chainrule.nlp import samplers
    >>> samplers.get("top_k").k
    5
    """
    if isinstance(identifier, dict):
        identifier = deserialize(identifier)
    if isinstance(identifier, str) and identifier in _NAMES:
        return _NAMES[identifier]()
    if not isinstance(identifier, Sampler):
        raise ValueError(
            f"sampler: expected a Sampler or one of {sorted(_NAMES)}, got {identifier!r}"
        )
    return identifier


publish(globals())
