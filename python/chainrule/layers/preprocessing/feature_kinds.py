"""The kinds of columns that a FeatureSpace knows by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule.base.naming import auto_name
from chainrule.layers.core.identity import Identity
from chainrule.layers.preprocessing.discretization import Discretization
from chainrule.layers.preprocessing.features import Cross, Feature
from chainrule.layers.preprocessing.hashing import Hashing
from chainrule.layers.preprocessing.integer_lookup import IntegerLookup
from chainrule.layers.preprocessing.normalization import Normalization
from chainrule.layers.preprocessing.rescaling import Rescaling
from chainrule.layers.preprocessing.string_lookup import StringLookup

__all__ = ["FeatureKinds", "feature_of"]


def _made(
    kind: str, layer: Callable[..., Any], dtype: str, output_mode: str, name: Any, **options: Any
) -> Feature:
    name = name or auto_name(kind)
    return Feature(dtype, layer(name=f"{name}_preprocessor", **options), output_mode)


class FeatureKinds:
    """What makes features; `FeatureSpace` has these as class methods."""

    @classmethod
    def cross(cls, feature_names: Any, crossing_dim: Any, output_mode: str = "one_hot") -> Cross:
        """Columns that are hashed together into `crossing_dim` bins."""
        return Cross(feature_names, crossing_dim, output_mode=output_mode)

    @classmethod
    def feature(cls, dtype: str, preprocessor: Any, output_mode: str) -> Feature:
        """A column of this dtype that goes through a layer of one's own choice."""
        return Feature(dtype, preprocessor, output_mode)

    @classmethod
    def float_rescaled(cls, scale: Any = 1.0, offset: Any = 0.0, name: Any = None) -> Feature:
        """Numbers, times `scale`, plus `offset`."""
        options = {"scale": scale, "offset": offset}
        return _made("float_rescaled", Rescaling, "float32", "float", name, **options)

    @classmethod
    def float_normalized(cls, name: Any = None) -> Feature:
        """Numbers brought to mean 0 and variance 1."""
        return _made("float_normalized", Normalization, "float32", "float", name, axis=-1)

    @classmethod
    def float_discretized(
        cls,
        num_bins: Any,
        bin_boundaries: Any = None,
        output_mode: str = "one_hot",
        name: Any = None,
    ) -> Feature:
        """Numbers as the index of their range, of `num_bins` with as many numbers in each."""
        options = {"num_bins": num_bins, "bin_boundaries": bin_boundaries}
        if bin_boundaries is not None:
            options["num_bins"] = None
        kind = "float_discretized"
        return _made(kind, Discretization, "float32", output_mode, name, **options)

    @classmethod
    def integer_categorical(
        cls,
        max_tokens: Any = None,
        num_oov_indices: Any = 1,
        output_mode: str = "one_hot",
        name: Any = None,
    ) -> Feature:
        """Integers as indices of a vocabulary."""
        options = {"max_tokens": max_tokens, "num_oov_indices": num_oov_indices}
        kind = "integer_categorical"
        return _made(kind, IntegerLookup, "int32", output_mode, name, **options)

    @classmethod
    def string_categorical(
        cls,
        max_tokens: Any = None,
        num_oov_indices: Any = 1,
        output_mode: str = "one_hot",
        name: Any = None,
    ) -> Feature:
        """Texts as indices of a vocabulary."""
        options = {"max_tokens": max_tokens, "num_oov_indices": num_oov_indices}
        kind = "string_categorical"
        return _made(kind, StringLookup, "string", output_mode, name, **options)

    @classmethod
    def string_hashed(
        cls, num_bins: Any, output_mode: str = "one_hot", name: Any = None
    ) -> Feature:
        """Texts as indices of `num_bins` bins."""
        return _made("string_hashed", Hashing, "string", output_mode, name, num_bins=num_bins)

    @classmethod
    def integer_hashed(
        cls, num_bins: Any, output_mode: str = "one_hot", name: Any = None
    ) -> Feature:
        """Integers as indices of `num_bins` bins."""
        return _made("integer_hashed", Hashing, "int32", output_mode, name, num_bins=num_bins)

    # Last: within the class its name hides the type.
    @classmethod
    def float(cls, name: Any = None) -> Feature:
        """Numbers as they are."""
        return _made("float", Identity, "float32", "float", name)


def feature_of(name: str, value: Any, hashing_dim: int, bins: int) -> Feature:
    """The feature that a user means: by name, as a configuration, or the given one itself.

    Raises
    ------
    ValueError
        For a name that is not known.
    """
    if isinstance(value, Feature):
        return value
    if isinstance(value, dict):
        return Feature.from_config(value.get("config", value))
    plain = ("float", "float_normalized", "float_rescaled", "integer_categorical")
    if value in (*plain, "string_categorical"):
        made: Feature = getattr(FeatureKinds, value)(name=name)
        return made
    if value == "float_discretized":
        return FeatureKinds.float_discretized(num_bins=bins, name=name)
    if value in ("integer_hashed", "string_hashed"):
        hashed: Feature = getattr(FeatureKinds, value)(hashing_dim, name=name)
        return hashed
    raise ValueError(f"Invalid feature type: {value}")
