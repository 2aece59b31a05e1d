"""A learning rate for each range of steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule import ops
from chainrule.optimizers.schedules.learning_rate_schedule import LearningRateSchedule


class PiecewiseConstantDecay(LearningRateSchedule):
    """``values[i]``, where ``i`` counts the `boundaries` that ``step`` is above.

    Parameters
    ----------
    boundaries : sequence of float
        Increasing numbers of steps; at a boundary the learning rate is still the one before it.
    values : sequence of float
        Learning rates, one more than there are boundaries.
    name : str
        The schedule's name.

    Raises
    ------
    ValueError
        When there is not one more value than boundaries.

    Examples
    --------
    >>> from chainrule.optimizers.schedules import PiecewiseConstantDecay
    >>> schedule = PiecewiseConstantDecay([10, 20], [1.0, 0.5, 0.25])
    >>> [float(schedule(step)) for step in (10, 11, 21)]
    [1.0, 0.5, 0.25]
    """

    def __init__(
        self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstant"
    ) -> None:
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                "The length of boundaries should be 1 less than the length of values. Received: "
                f"boundaries={boundaries} of length {len(boundaries)}, and values={values} of "
                f"length {len(values)}."
            )
        self.boundaries = boundaries
        self.values = values
        self.name = name

    def __call__(self, step: Any) -> Any:
        """The learning rate at `step`."""
        step = ops.convert_to_tensor(step)
        rate = ops.convert_to_tensor(float(self.values[-1]))
        for boundary, value in zip(self.boundaries[::-1], self.values[-2::-1]):
            rate = ops.where(ops.less_equal(step, boundary), float(value), rate)
        return rate

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"boundaries": self.boundaries, "values": self.values, "name": self.name}
