"""Initializers without randomness."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule import ops
from chainrule.base import serialization
from chainrule.base.dtypes import standardize_dtype
from chainrule.initializers.initializer import Initializer


class Constant(Initializer):
    """Every element is `value`, as Keras's `initializers.Constant`.

    Parameters
    ----------
    value : float or tensor
        A number, or an array that broadcasts to the shape of the weight. Default 0.0.

    Raises
    ------
    ShapeError
        When called: a shape to which `value` does not broadcast.
    DTypeError
        When called: a `value` that holds no numbers.

    Examples
    --------
    >>> import chainrule as keras
    >>> keras.initializers.Constant(3.0)((2,))
    array([3., 3.], dtype=float32)
    """

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Any:
        """A tensor of first values."""
        value = ops.cast(self.value, standardize_dtype(dtype))
        return ops.broadcast_to(value, tuple(shape))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"value": serialization.serialize_keras_object(self.value)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Constant:
        """The initializer of a `get_config`."""
        return cls(serialization.deserialize_keras_object(config.get("value", 0.0)))


class Zeros(Initializer):
    """Every element is 0, as Keras's `initializers.Zeros`.

    Examples
    --------
    >>> import chainrule as keras
    >>> keras.initializers.Zeros()((2,))
    array([0., 0.], dtype=float32)
    """

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Any:
        """A tensor of first values."""
        return ops.zeros(tuple(shape), dtype=standardize_dtype(dtype))


class Ones(Initializer):
    """Every element is 1, as Keras's `initializers.Ones`.

    Examples
    --------
    >>> import chainrule as keras
    >>> keras.initializers.Ones()((2,))
    array([1., 1.], dtype=float32)
    """

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Any:
        """A tensor of first values."""
        return ops.ones(tuple(shape), dtype=standardize_dtype(dtype))


class Identity(Initializer):
    """``gain`` on the diagonal of a matrix, 0 elsewhere.

    Parameters
    ----------
    gain : float
        The number on the diagonal. Default 1.0.

    Raises
    ------
    ValueError
        When called: a shape that is not a matrix's.

    References
    ----------
    Le, Jaitly & Hinton (2015), "A simple way to initialize recurrent networks of rectified linear
    units".

    Examples
    --------
    >>> import chainrule as keras
    >>> keras.initializers.Identity(gain=2.0)((2, 2))
    array([[2., 0.],
           [0., 2.]], dtype=float32)
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Any:
        """A matrix of first values."""
        if len(shape) != 2:
            raise ValueError(
                "Identity matrix initializer can only be used for 2D matrices. "
                f"Received: shape={tuple(shape)} of rank {len(shape)}."
            )
        rows, columns = shape
        return ops.multiply(self.gain, ops.eye(rows, columns, dtype=standardize_dtype(dtype)))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"gain": self.gain}
