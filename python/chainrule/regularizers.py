"""Regularizers: penalties on weights and activities, added to the loss."""

from __future__ import annotations

import math
from typing import Any

from chainrule import ops
from chainrule.base import lookup, serialization, suggestions
from chainrule.base.namespace import publish
from chainrule.base.naming import to_snake_case

__all__ = [
    "L1",
    "L1L2",
    "L2",
    "OrthogonalRegularizer",
    "Regularizer",
    "deserialize",
    "get",
    "l1",
    "l1_l2",
    "l2",
    "orthogonal_regularizer",
    "serialize",
]


class Regularizer(suggestions.Helpful):
    """``x -> penalty``, a scalar; the base of all regularizers.

    A subclass overrides `__call__`, and `get_config` where it is to be saved.

    Examples
    --------
    >>> import chainrule as keras
    >>> class Mean(keras.regularizers.Regularizer):
    ...     def __call__(self, x):
    ...         return keras.ops.mean(x)
    >>> float(Mean()(keras.ops.array([1.0, 3.0])))
    2.0
    """

    def __init__(self) -> None:
        super().__init__()

    def __call__(self, x: Any) -> Any:
        """The penalty of a tensor."""
        return 0.0

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Regularizer:
        """The regularizer of a `get_config`."""
        return cls(**config)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as plain values."""
        raise NotImplementedError(f"{self} does not implement get_config()")


class L1L2(Regularizer):
    """``l1 * sum(|x|) + l2 * sum(x ** 2)``.

    Parameters
    ----------
    l1, l2 : float
        The two factors, at least 0; None stands for 0.

    Raises
    ------
    ValueError
        For a factor that is negative or not finite.

    References
    ----------
    Zou & Hastie (2005), "Regularization and variable selection via the elastic net".
    """

    def __init__(self, l1: float | None = 0.0, l2: float | None = 0.0) -> None:
        self.l1 = validate_float_arg(0.0 if l1 is None else l1, name="l1")
        self.l2 = validate_float_arg(0.0 if l2 is None else l2, name="l2")

    def __call__(self, x: Any) -> Any:
        """The penalty of a tensor."""
        penalty = ops.zeros((), dtype=x.dtype)
        if self.l1 != 0.0:
            penalty = ops.add(penalty, ops.multiply(self.l1, ops.sum(ops.abs(x))))
        if self.l2 != 0.0:
            penalty = ops.add(penalty, ops.multiply(self.l2, ops.sum(ops.square(x))))
        return penalty

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"l1": self.l1, "l2": self.l2}


class L1(Regularizer):
    """``l1 * sum(|x|)``.

    Parameters
    ----------
    l1 : float
        The factor, at least 0; None stands for 0.01.

    Raises
    ------
    ValueError
        For a factor that is negative or not finite.

    References
    ----------
    Tibshirani (1996), "Regression shrinkage and selection via the lasso".

    Examples
    --------
    >>> import chainrule as keras
    >>> float(keras.regularizers.L1(0.5)(keras.ops.array([1.0, -3.0])))
    2.0
    """

    def __init__(self, l1: float | None = 0.01) -> None:
        self.l1 = validate_float_arg(0.01 if l1 is None else l1, name="l1")

    def __call__(self, x: Any) -> Any:
        """The penalty of a tensor."""
        return ops.multiply(self.l1, ops.sum(ops.abs(x)))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"l1": self.l1}


class L2(Regularizer):
    """``l2 * sum(x ** 2)``.

    Parameters
    ----------
    l2 : float
        The factor, at least 0; None stands for 0.01.

    Raises
    ------
    ValueError
        For a factor that is negative or not finite.

    References
    ----------
    Krogh & Hertz (1992), "A simple weight decay can improve generalization".

    Examples
    --------
    >>> import chainrule as keras
    >>> float(keras.regularizers.L2(0.5)(keras.ops.array([1.0, -3.0])))
    5.0
    """

    def __init__(self, l2: float | None = 0.01) -> None:
        self.l2 = validate_float_arg(0.01 if l2 is None else l2, name="l2")

    def __call__(self, x: Any) -> Any:
        """The penalty of a tensor."""
        return ops.multiply(self.l2, ops.sum(ops.square(x)))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"l2": self.l2}


class OrthogonalRegularizer(Regularizer):
    """``factor * mean over pairs i < j of |u_i . u_j|``, with ``u`` the normalized rows.

    Parameters
    ----------
    factor : float
        The factor, at least 0.
    mode : str
        ``"rows"``, or ``"columns"`` for the columns in place of the rows.

    Raises
    ------
    ValueError
        For a factor that is negative or not finite, another mode, or a tensor that is no matrix.

    References
    ----------
    Brock, Lim, Ritchie & Weston (2017), "Neural photo editing with introspective adversarial
    networks".
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        self.factor = validate_float_arg(factor, name="factor")
        if mode not in {"rows", "columns"}:
            raise ValueError(
                'Invalid value for argument `mode`. Expected one of {"rows", "columns"}. '
                f"Received: mode={mode}"
            )
        self.mode = mode

    def __call__(self, inputs: Any) -> Any:
        """The penalty of a matrix."""
        if len(inputs.shape) != 2:
            raise ValueError(
                "Inputs to OrthogonalRegularizer must have rank 2. Received: "
                f"inputs.shape={tuple(inputs.shape)}"
            )
        vectors = ops.convert_to_tensor(inputs)
        vectors = vectors if self.mode == "rows" else ops.transpose(vectors)
        vectors = ops.normalize(vectors, axis=1)
        products = ops.matmul(vectors, ops.transpose(vectors))
        size = vectors.shape[0]
        others = ops.multiply(products, ops.subtract(1.0, ops.eye(size, dtype=vectors.dtype)))
        pairs = size * (size - 1.0) / 2.0
        return ops.divide(ops.multiply(self.factor * 0.5, ops.sum(ops.abs(others))), pairs)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"factor": self.factor, "mode": self.mode}


def validate_float_arg(value: Any, name: str) -> float:
    """Return `value` as a float.

    Raises
    ------
    ValueError
        When it is no number, negative, or not finite.
    """
    if not isinstance(value, (float, int)) or not math.isfinite(value) or value < 0:
        raise ValueError(
            f"Invalid value for argument {name}: expected a non-negative float. "
            f"Received: {name}={value}"
        )
    return float(value)


l1 = L1
l2 = L2
l1_l2 = L1L2
orthogonal_regularizer = OrthogonalRegularizer

ALL_OBJECTS: tuple[type[Regularizer], ...] = (Regularizer, L1, L2, L1L2, OrthogonalRegularizer)
ALL_OBJECTS_DICT = {cls.__name__: cls for cls in ALL_OBJECTS}
ALL_OBJECTS_DICT.update({to_snake_case(cls.__name__): cls for cls in ALL_OBJECTS})
ALL_OBJECTS_DICT["l1_l2"] = L1L2


def serialize(regularizer: Any) -> Any:
    """The configuration of a regularizer, as a dict.

    Examples
    --------
    >>> from chainrule import regularizers
    >>> regularizers.deserialize(regularizers.serialize(regularizers.L2(0.5))).l2
    0.5
    """
    return serialization.serialize_keras_object(regularizer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The regularizer of a configuration; `custom_objects` names the user's own classes."""
    return serialization.deserialize_keras_object(
        config, module_objects=ALL_OBJECTS_DICT, custom_objects=custom_objects
    )


def get(identifier: Any) -> Any:
    """The regularizer of a name, a configuration, a class or a function, or the given one itself.

    Raises
    ------
    ValueError
        For a name that is not known, or something that cannot be called.

    Examples
    --------
    >>> from chainrule import regularizers
    >>> regularizers.get("l2").get_config()
    {'l2': 0.01}
    """
    return lookup.resolve(identifier, "regularizer", ALL_OBJECTS_DICT)


publish(globals())
