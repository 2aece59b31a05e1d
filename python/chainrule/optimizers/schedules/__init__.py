"""Learning rates that depend on the number of steps made."""

from __future__ import annotations

from typing import Any

from chainrule.base import lookup, serialization
from chainrule.base.namespace import publish
from chainrule.optimizers.schedules.cosine_decay import CosineDecay as CosineDecay
from chainrule.optimizers.schedules.cosine_decay_restarts import (
    CosineDecayRestarts as CosineDecayRestarts,
)
from chainrule.optimizers.schedules.exponential_decay import ExponentialDecay as ExponentialDecay
from chainrule.optimizers.schedules.inverse_time_decay import InverseTimeDecay as InverseTimeDecay
from chainrule.optimizers.schedules.learning_rate_schedule import (
    LearningRateSchedule as LearningRateSchedule,
)
from chainrule.optimizers.schedules.piecewise_constant_decay import (
    PiecewiseConstantDecay as PiecewiseConstantDecay,
)
from chainrule.optimizers.schedules.polynomial_decay import PolynomialDecay as PolynomialDecay

ALL_OBJECTS: tuple[Any, ...] = tuple(
    cls
    for cls in lookup.members(globals(), LearningRateSchedule)
    if cls is not LearningRateSchedule
)
ALL_OBJECTS_DICT = {cls.__name__: cls for cls in ALL_OBJECTS}


def serialize(learning_rate_schedule: LearningRateSchedule) -> Any:
    """The configuration of a schedule, as a dict.

    Examples
    --------
    >>> from chainrule.optimizers import schedules
    >>> schedules.deserialize(schedules.serialize(schedules.PolynomialDecay(0.1, 5))).decay_steps
    5
    """
    return serialization.serialize_keras_object(learning_rate_schedule)


def deserialize(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
    """The schedule of a configuration.

    Parameters
    ----------
    config
        What `serialize` returned.
    custom_objects
        Names of the user's own classes.

    Raises
    ------
    ValueError
        For a class that is not known.
    """
    schedule = serialization.deserialize_keras_object(
        config, module_objects=ALL_OBJECTS_DICT, custom_objects=custom_objects
    )
    if not callable(schedule):
        raise ValueError(
            f"Could not interpret learning rate schedule: {config!r}. Expected a configuration of "
            f"one of {', '.join(ALL_OBJECTS_DICT)}, or of a registered class"
        )
    return schedule


publish(globals())
