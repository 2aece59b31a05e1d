"""The base of all initializers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.base.suggestions import Helpful


class Initializer(Helpful):
    """``(shape, dtype) -> tensor``: the first value of a weight; as Keras's
    `initializers.Initializer`.

    A subclass overrides `__call__`, and `get_config` where it has settings.

    Examples
    --------
    >>> import chainrule as keras
    >>> class Half(keras.initializers.Initializer):
    ...     def __call__(self, shape, dtype=None):
    ...         return keras.ops.full(shape, 0.5, dtype=dtype)
    >>> keras.layers.Dense(2, bias_initializer=Half())(keras.ops.zeros((1, 3)))
    array([[0.5, 0.5]], dtype=float32)
    """

    def __init__(self) -> None:
        super().__init__()

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Any:
        """A tensor of first values.

        Parameters
        ----------
        shape
            Its shape.
        dtype
            Its dtype. Defaults to `config.floatx()`.
        """
        raise NotImplementedError(
            "Initializer subclasses must implement the `__call__()` method. "
            f"Missing in: {type(self).__name__}"
        )

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as plain values."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Initializer:
        """The initializer of a `get_config`."""
        return cls(**config)

    def clone(self) -> Initializer:
        """Another initializer with the same settings."""
        return type(self).from_config(self.get_config())
