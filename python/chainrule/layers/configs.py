"""Layers as configurations."""

from __future__ import annotations

from typing import Any

from chainrule.base import serialization
from chainrule.tracing.operation import Operation

__all__ = ["deserialize", "serialize"]


def serialize(layer: Any) -> dict[str, Any]:
    """The configuration of a layer, as a dict of plain values, without its weights.

    Raises
    ------
    TypeError
        The layer has no `get_config`, or something in its configuration has none.

    Examples
    --------
    >>> from chainrule import layers
    >>> layers.serialize(layers.Dense(3, name="head"))["config"]["units"]
    3
    """
    config: dict[str, Any] = serialization.serialize_keras_object(layer)
    return config


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The layer that a configuration describes, with new weights.

    Parameters
    ----------
    config : dict
        What `serialize` gave, or its round trip through JSON.
    custom_objects : dict of str to class, optional
        Classes that the configuration may name besides chainrule's and the registered ones.

    Raises
    ------
    TypeError
        The configuration names an unknown class.
    ValueError
        It describes something else than a layer.

    Examples
    --------
    >>> from chainrule import layers
    >>> layers.deserialize(layers.serialize(layers.Dense(3))).units
    3
    """
    layer = serialization.deserialize_keras_object(config, custom_objects=custom_objects)
    if not isinstance(layer, Operation):
        raise ValueError(
            f"layers.deserialize: expected the configuration of a layer, got {config!r}"
        )
    return layer
