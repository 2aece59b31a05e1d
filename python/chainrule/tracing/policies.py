"""Dtype policies: in which dtype a layer computes, and which its variables have."""

from __future__ import annotations

import re
from collections.abc import Iterator, MutableMapping
from typing import Any

from chainrule.base.config import floatx
from chainrule.base.dtypes import is_float_dtype, standardize_dtype
from chainrule.base.global_state import get_global_attribute, set_global_attribute
from chainrule.base.serialization import deserialize_keras_object, serialize_keras_object
from chainrule.tracing.casting import to_tensor

__all__ = [
    "DTypePolicy",
    "DTypePolicyMap",
    "FloatDTypePolicy",
    "deserialize",
    "dtype_policy",
    "get",
    "serialize",
    "set_dtype_policy",
]


class DTypePolicy:
    """Which dtype a layer computes in, and which its variables have.

    Parameters
    ----------
    name : str, optional
        A dtype name (both are that dtype), `"mixed_float16"` or `"mixed_bfloat16"` (variables
        in float32). Default: the policy that `set_dtype_policy` set, else `floatx()`.

    Raises
    ------
    ValueError
        When `name` is neither.

    Examples
    --------
    >>> policy = DTypePolicy("float64")
    >>> policy, policy.compute_dtype, policy.variable_dtype
    (<DTypePolicy "float64">, 'float64', 'float64')
    """

    def __init__(self, name: str | None = None) -> None:
        if name is None:
            name = dtype_policy().name
        if not isinstance(name, str):
            raise TypeError(
                "'name' must be a string, such as 'float32'. "
                f"Received: name={name} (of type {type(name)})"
            )
        self._name = name
        self._compute_dtype, self._variable_dtype = self._parse(name)

    @staticmethod
    def _parse(name: str) -> tuple[str, str]:
        if name in ("mixed_float16", "mixed_bfloat16"):
            return name.removeprefix("mixed_"), "float32"
        try:
            dtype = standardize_dtype(name)
        except ValueError as error:
            raise ValueError(
                f"Cannot convert '{name}' to a mixed precision DTypePolicy. Valid policies are "
                "the names of dtypes such as 'float32', 'mixed_float16' and 'mixed_bfloat16'."
            ) from error
        return dtype, dtype

    @property
    def name(self) -> str:
        """The name the policy was made from."""
        return self._name

    @property
    def compute_dtype(self) -> str:
        """The dtype of a layer's inputs and outputs."""
        return self._compute_dtype

    @property
    def variable_dtype(self) -> str:
        """The dtype of a layer's variables."""
        return self._variable_dtype

    @property
    def quantization_mode(self) -> None:
        """Always `None`: chainrule has no quantized layers."""
        return None

    def of(self, path: str | None) -> DTypePolicy:
        """The policy of the layer at `path`: this one, wherever that is."""
        return self

    def convert_input(self, x: Any, autocast: bool, dtype: Any) -> Any:
        """`x` as a tensor; floats are cast to `dtype` when `autocast` is on.

        Integers keep their dtype, and what is no tensor and has no `__array__` comes back as is.
        """
        if not (hasattr(x, "dtype") or hasattr(x, "__array__")):
            return x
        if not hasattr(x, "dtype"):
            x = to_tensor(x)
        target = standardize_dtype(dtype)
        name = standardize_dtype(x.dtype)
        if autocast and is_float_dtype(name) and name != target:
            return to_tensor(x, target)
        return x

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal policy."""
        return {"name": self._name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> DTypePolicy:
        """The policy that `get_config` describes."""
        return cls(**config)

    def __repr__(self) -> str:
        return f'<{type(self).__name__} "{self._name}">'

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicy) and (type(other), other._name) == (
            type(self),
            self._name,
        )

    def __hash__(self) -> int:
        return hash((type(self), self._name))


FloatDTypePolicy = DTypePolicy


class DTypePolicyMap(DTypePolicy, MutableMapping[str, DTypePolicy]):
    """A policy for each layer by its path, and one for all others.

    Given as `dtype` to a layer that hands its own to its parts, it lets one of them compute in
    another dtype. A key is the `path` of a layer, or a regular expression that matches whole paths.

    Parameters
    ----------
    default_policy : str or DTypePolicy, optional
        The policy of layers that no key fits. Default: that of `set_dtype_policy`, else `floatx()`.
    policy_map : dict of str to DTypePolicy, optional
        What is in it from the start. Default: nothing.

    Raises
    ------
    TypeError
        When `policy_map` is no dict.
    ValueError
        When `default_policy` is a map itself; a key is set twice; a value is no policy; more than
        one expression fits a path.

    Examples
    --------
    >>> policies = DTypePolicyMap("float32")
    >>> policies["decoder/.*"] = "mixed_bfloat16"
    >>> policies["decoder/dense"], policies["encoder/dense"]
    (<DTypePolicy "mixed_bfloat16">, <DTypePolicy "float32">)
    """

    def __init__(self, default_policy: Any = None, policy_map: Any = None) -> None:
        if isinstance(default_policy, DTypePolicyMap):
            raise ValueError("`default_policy` cannot be a `DTypePolicyMap`.")
        if policy_map is not None and not isinstance(policy_map, dict):
            raise TypeError(
                "If specified, `policy_map` must be a dict. "
                f"Received: policy_map={policy_map} (of type {type(policy_map)})"
            )
        self._given_default = default_policy
        self._default = get(default_policy)
        self._policies: dict[str, DTypePolicy] = {}
        self.update(policy_map or {})

    @property
    def default_policy(self) -> DTypePolicy:
        """The policy of layers that no key fits."""
        return self._default

    @property
    def name(self) -> str:
        """`map_` and the name of the default policy."""
        return f"map_{self._default.name}"

    @property
    def compute_dtype(self) -> str:
        """That of the default policy."""
        return self._default.compute_dtype

    @property
    def variable_dtype(self) -> str:
        """That of the default policy."""
        return self._default.variable_dtype

    def of(self, path: str | None) -> DTypePolicy:
        """The policy of the layer at `path`; the default one before the layer has a path."""
        return self[path] if path else self._default

    def __getitem__(self, key: str) -> DTypePolicy:
        if key in self._policies:
            return self._policies[key]
        fitting = [pattern for pattern in self._policies if re.fullmatch(pattern, key)]
        if len(fitting) > 1:
            raise ValueError(
                f"Path '{key}' matches multiple dtype policy keys: {fitting}. "
                "Expected keys of which at most one matches a path."
            )
        return self._policies[fitting[0]] if fitting else self._default

    def __setitem__(self, key: str, policy: Any) -> None:
        if key in self._policies:
            raise ValueError(
                f"DTypePolicyMap: '{key}' is there already, with {self._policies[key]}: expected "
                "another key, or `del` first."
            )
        try:
            self._policies[key] = get(policy)
        except (TypeError, ValueError) as error:
            raise ValueError(
                "Cannot interpret the assigned value. Expected a `DTypePolicy` or the name of "
                f"one for '{key}'. Received: {policy} (of type {type(policy)})"
            ) from error

    def __delitem__(self, key: str) -> None:
        del self._policies[key]

    def __contains__(self, key: object) -> bool:
        return key in self._policies

    def __iter__(self) -> Iterator[str]:
        return iter(self._policies)

    def __len__(self) -> int:
        return len(self._policies)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal map."""
        given = self._given_default
        return {
            "default_policy": serialize(given) if isinstance(given, DTypePolicy) else given,
            "policy_map": {key: serialize(policy) for key, policy in self._policies.items()},
        }

    def __repr__(self) -> str:
        mapping = [(key, policy.name) for key, policy in self._policies.items()]
        return f"<DTypePolicyMap default_policy={self._default.name}, mapping={mapping}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicyMap) and (self._default, self._policies) == (
            other._default,
            other._policies,
        )

    __hash__ = None  # type: ignore[assignment]  # it can change


def dtype_policy() -> DTypePolicy:
    """The policy of layers that are given no `dtype`."""
    policy = get_global_attribute("dtype_policy")
    if policy is None:
        policy = DTypePolicy(floatx())
        set_global_attribute("dtype_policy", policy)
    assert isinstance(policy, DTypePolicy)
    return policy


def set_dtype_policy(policy: str | DTypePolicy) -> None:
    """Set the policy of layers that are given no `dtype`.

    Raises
    ------
    ValueError
        When `policy` is neither a policy nor the name of one.

    Examples
    --------
    >>> set_dtype_policy("float64")
    >>> dtype_policy()
    <DTypePolicy "float64">
    >>> set_dtype_policy("float32")
    """
    if isinstance(policy, str):
        policy = DTypePolicy(policy)
    if not isinstance(policy, DTypePolicy):
        raise ValueError(
            "Invalid `policy` argument. Expected the string name of a policy (such as "
            f"'float32') or a `DTypePolicy`. Received: policy={policy} (of type {type(policy)})"
        )
    set_global_attribute("dtype_policy", policy)


_POLICIES = {
    "DTypePolicy": DTypePolicy,
    "DTypePolicyMap": DTypePolicyMap,
    "FloatDTypePolicy": DTypePolicy,
}


def serialize(dtype_policy: DTypePolicy) -> dict[str, Any]:
    """The policy as a config dict."""
    config: dict[str, Any] = serialize_keras_object(dtype_policy)
    return config


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The policy that a config dict describes."""
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
