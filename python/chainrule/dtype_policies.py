"""Dtype policies by name: `get`, `serialize` and `deserialize`."""

from __future__ import annotations

from typing import Any

from chainrule.base.dtypes import DTypePolicy, FloatDTypePolicy, dtype_policy, standardize_dtype
from chainrule.base.namespace import publish

__all__ = ["DTypePolicy", "FloatDTypePolicy", "deserialize", "get", "serialize"]

_POLICIES = {"DTypePolicy": DTypePolicy, "FloatDTypePolicy": DTypePolicy}


def serialize(dtype_policy: DTypePolicy) -> dict[str, Any]:
    """The policy as a config dict."""
    from chainrule.base.serialization import serialize_keras_object

    config: dict[str, Any] = serialize_keras_object(dtype_policy)
    return config


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The policy that a config dict describes."""
    from chainrule.base.serialization import deserialize_keras_object

    return deserialize_keras_object(
        config, custom_objects=custom_objects, module_objects=_POLICIES
    )


def get(identifier: Any) -> DTypePolicy:
    """The policy for `None` (the global one), a policy, a config dict, or a dtype.

    Raises
    ------
    ValueError
        When `identifier` is none of these.

    Examples
    --------
    >>> import numpy as np
    >>> get(np.float64)
    <DTypePolicy "float64">
    """
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, dict):
        identifier = deserialize(identifier)
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, str):
        return DTypePolicy(identifier)
    try:
        return DTypePolicy(standardize_dtype(identifier))
    except (TypeError, ValueError) as error:
        raise ValueError(
            "Cannot interpret `dtype` argument. Expected a string or an instance of "
            f"DTypePolicy. Received: dtype={identifier}"
        ) from error


publish(globals())
