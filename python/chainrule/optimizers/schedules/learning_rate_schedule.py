"""The base of all learning rate schedules."""

from __future__ import annotations

from typing import Any

from chainrule.base.suggestions import Helpful


class LearningRateSchedule(Helpful):
    """``step -> learning rate``: a learning rate that depends on the number of steps made.

    A subclass overrides `__call__`, written in `chainrule.ops` because the step is a tensor of
    the compiled training step, and `get_config` where it is to be saved.

    Examples
    --------
    >>> import chainrule as keras
    >>> class OneOver(keras.optimizers.schedules.LearningRateSchedule):
    ...     def __call__(self, step):
    ...         return 1.0 / (keras.ops.cast(step, "float32") + 1.0)
    >>> optimizer = keras.optimizers.SGD(OneOver())
    >>> optimizer.apply([keras.ops.array(1.0)], [keras.Variable(0.0)])
    >>> print(float(optimizer.learning_rate))
    0.5
    """

    def __init__(self) -> None:
        super().__init__()

    def __call__(self, step: Any) -> Any:
        """The learning rate at a step.

        Parameters
        ----------
        step
            Scalar integer tensor: how many steps were made.
        """
        raise NotImplementedError(
            f"Learning rate schedule '{type(self).__name__}' must override "
            "`__call__(self, step)`."
        )

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as plain values."""
        raise NotImplementedError(
            f"Learning rate schedule '{type(self).__name__}' must override `get_config()` in "
            "order to be serializable."
        )

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LearningRateSchedule:
        """The schedule of a `get_config`."""
        return cls(**config)


def check_positive(name: str, value: Any) -> Any:
    """Return `value`, a number of steps.

    Raises
    ------
    ValueError
        When it is not above 0.
    """
    if value <= 0:
        raise ValueError(f"Argument `{name}` must be > 0. Received: {name}={value}")
    return value
