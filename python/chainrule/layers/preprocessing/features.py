"""Feature and Cross: what a FeatureSpace makes of a column, and of several columns together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.base import serialization

__all__ = ["Cross", "Feature"]


class Cross:
    """Columns that are hashed together.

    Parameters
    ----------
    feature_names : sequence of str
    crossing_dim : int
        Bins.
    output_mode : {"one_hot", "int"}

    Raises
    ------
    ValueError
        For another mode.

    Examples
    --------
    >>> Cross(("town", "street"), 8).name
    'town_X_street'
    """

    def __init__(
        self, feature_names: Sequence[str], crossing_dim: int, output_mode: str = "one_hot"
    ) -> None:
        if output_mode not in ("int", "one_hot"):
            raise ValueError(
                "Invalid value for argument `output_mode`. Expected one of {'int', 'one_hot'}. "
                f"Received: output_mode={output_mode}"
            )
        self.feature_names = tuple(feature_names)
        self.crossing_dim = crossing_dim
        self.output_mode = output_mode

    @property
    def name(self) -> str:
        """The names of the columns."""
        return "_X_".join(self.feature_names)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            "feature_names": list(self.feature_names),
            "crossing_dim": self.crossing_dim,
            "output_mode": self.output_mode,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Cross:
        """A cross of these arguments."""
        return cls(**config)


class Feature:
    """What is made of one column.

    Parameters
    ----------
    dtype : str
        Of the column.
    preprocessor : Layer
        What it goes through.
    output_mode : {"int", "one_hot", "float"}
        What comes out: with "one_hot", indices are encoded.

    Raises
    ------
    ValueError
        For another mode.
    """

    def __init__(self, dtype: str, preprocessor: Any, output_mode: str) -> None:
        if output_mode not in ("int", "one_hot", "float"):
            raise ValueError(
                "Invalid value for argument `output_mode`. Expected one of {'int', 'one_hot', "
                f"'float'}}. Received: output_mode={output_mode}"
            )
        self.dtype = dtype
        if isinstance(preprocessor, dict):
            preprocessor = serialization.deserialize_keras_object(preprocessor)
        self.preprocessor = preprocessor
        self.output_mode = output_mode

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, the layer as a configuration."""
        return {
            "dtype": self.dtype,
            "preprocessor": serialization.serialize_keras_object(self.preprocessor),
            "output_mode": self.output_mode,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Feature:
        """A feature of these arguments."""
        return cls(**config)
