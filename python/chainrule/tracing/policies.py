"""Dtype policies: in which dtype a layer computes, and which its variables have."""

from __future__ import annotations

from typing import Any

from chainrule.base.config import floatx
from chainrule.base.dtypes import is_float_dtype, standardize_dtype
from chainrule.base.global_state import get_global_attribute, set_global_attribute
from chainrule.base.serialization import deserialize_keras_object, serialize_keras_object
from chainrule.tracing.casting import to_tensor

__all__ = [
    "DTypePolicy",
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


_POLICIES = {"DTypePolicy": DTypePolicy, "FloatDTypePolicy": DTypePolicy}


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
