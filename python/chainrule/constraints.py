"""Constraints: what a weight is projected onto after every update."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule import ops
from chainrule.base import config as settings
from chainrule.base import lookup, serialization, suggestions
from chainrule.base.namespace import publish
from chainrule.base.naming import to_snake_case

__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "deserialize",
    "get",
    "max_norm",
    "min_max_norm",
    "non_neg",
    "serialize",
    "unit_norm",
]


class Constraint(suggestions.Helpful):
    """``w -> w``, projected; the base of all constraints.

    A subclass overrides `__call__`, written in `chainrule.ops`, and `get_config` where it has
    settings.

    Examples
    --------
    >>> import chainrule as keras
    >>> class Below(keras.constraints.Constraint):
    ...     def __call__(self, w):
    ...         return keras.ops.minimum(w, 1.0)
    >>> Below()(keras.ops.array([0.5, 2.0]))
    array([0.5, 1. ], dtype=float32)
    """

    def __init__(self) -> None:
        super().__init__()

    def __call__(self, w: Any) -> Any:
        """The projection of a weight."""
        return w

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as plain values."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Constraint:
        """The constraint of a `get_config`."""
        return cls(**config)


class MaxNorm(Constraint):
    """``w * min(n, max_value) / (n + epsilon)``, where ``n`` is the norm of ``w`` along `axis`.

    Parameters
    ----------
    max_value : float
        The largest norm.
    axis : int or sequence of int
        Axis, or axes, of one vector: 0 for the weights into each unit of a Dense kernel of shape
        (inputs, units); (0, 1, 2) for the filters of a Conv2D kernel.

    References
    ----------
    Srivastava et al. (2014), "Dropout: a simple way to prevent neural networks from overfitting".

    Examples
    --------
    >>> import chainrule as keras
    >>> keras.constraints.MaxNorm(1.0)(keras.ops.array([[3.0], [4.0]])).round(4)
    array([[0.6],
           [0.8]], dtype=float32)
    """

    def __init__(self, max_value: float = 2, axis: int | Sequence[int] = 0) -> None:
        self.max_value = max_value
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        """The projection of a weight."""
        norms = _norms(w, self.axis)
        return _scale(w, norms, ops.minimum(norms, self.max_value))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"max_value": self.max_value, "axis": self.axis}


class NonNeg(Constraint):
    """``max(w, 0)``.

    Examples
    --------
    >>> import chainrule as keras
    >>> keras.constraints.NonNeg()(keras.ops.array([-1.0, 2.0]))
    array([0., 2.], dtype=float32)
    """

    def __call__(self, w: Any) -> Any:
        """The projection of a weight."""
        return ops.maximum(w, 0.0)


class UnitNorm(Constraint):
    """``w / (n + epsilon)``, where ``n`` is the norm of ``w`` along `axis`.

    Parameters
    ----------
    axis : int or sequence of int
        Axis, or axes, of one vector; see `MaxNorm`.
    """

    def __init__(self, axis: int | Sequence[int] = 0) -> None:
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        """The projection of a weight."""
        return ops.divide(w, ops.add(_norms(w, self.axis), settings.epsilon()))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"axis": self.axis}


class MinMaxNorm(Constraint):
    """``w * (rate * clip(n, min_value, max_value) + (1 - rate) * n) / (n + epsilon)``.

    ``n`` is the norm of ``w`` along `axis`.

    Parameters
    ----------
    min_value, max_value : float
        The smallest and the largest norm.
    rate : float
        1 enforces the bounds at once; below 1, the norm moves this part of the way a step.
    axis : int or sequence of int
        Axis, or axes, of one vector; see `MaxNorm`.
    """

    def __init__(
        self,
        min_value: float = 0.0,
        max_value: float = 1.0,
        rate: float = 1.0,
        axis: int | Sequence[int] = 0,
    ) -> None:
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        """The projection of a weight."""
        norms = _norms(w, self.axis)
        bounded = ops.clip(norms, self.min_value, self.max_value)
        desired = ops.add(ops.multiply(self.rate, bounded), ops.multiply(1 - self.rate, norms))
        return _scale(w, norms, desired)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            "min_value": self.min_value,
            "max_value": self.max_value,
            "rate": self.rate,
            "axis": self.axis,
        }


def _norms(w: Any, axis: int | Sequence[int]) -> Any:
    axes = axis if isinstance(axis, int) else tuple(axis)
    return ops.sqrt(ops.sum(ops.square(w), axis=axes, keepdims=True))


def _scale(w: Any, norms: Any, desired: Any) -> Any:
    return ops.multiply(w, ops.divide(desired, ops.add(norms, settings.epsilon())))


max_norm = MaxNorm
non_neg = NonNeg
unit_norm = UnitNorm
min_max_norm = MinMaxNorm

ALL_OBJECTS: tuple[type[Constraint], ...] = (Constraint, MaxNorm, MinMaxNorm, NonNeg, UnitNorm)
ALL_OBJECTS_DICT = {cls.__name__: cls for cls in ALL_OBJECTS}
ALL_OBJECTS_DICT.update({to_snake_case(cls.__name__): cls for cls in ALL_OBJECTS})


def serialize(constraint: Any) -> Any:
    """The configuration of a constraint, as a dict.

    Examples
    --------
    >>> from chainrule import constraints
    >>> constraints.deserialize(constraints.serialize(constraints.MaxNorm(3.0))).max_value
    3.0
    """
    return serialization.serialize_keras_object(constraint)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The constraint of a configuration; `custom_objects` names the user's own classes."""
    return serialization.deserialize_keras_object(
        config, module_objects=ALL_OBJECTS_DICT, custom_objects=custom_objects
    )


def get(identifier: Any) -> Any:
    """The constraint of a name, a configuration, a class or a function, or the given one itself.

    Raises
    ------
    ValueError
        For a name that is not known, or something that cannot be called.

    Examples
    --------
    >>> from chainrule import constraints
    >>> constraints.get("max_norm").max_value
    2
    """
    return lookup.resolve(identifier, "constraint", ALL_OBJECTS_DICT)


publish(globals())
