"""Optimizers: how the weights follow from their gradients.

Names as strings (``"sgd"``, ``"AdamW"``) are resolved by `get`, in any case.
"""

from __future__ import annotations

from typing import Any

from chainrule.base import lookup, serialization, suggestions
from chainrule.base.namespace import publish
from chainrule.optimizers import schedules as schedules
from chainrule.optimizers.adadelta import Adadelta as Adadelta
from chainrule.optimizers.adafactor import Adafactor as Adafactor
from chainrule.optimizers.adagrad import Adagrad as Adagrad
from chainrule.optimizers.adam import Adam as Adam
from chainrule.optimizers.adamax import Adamax as Adamax
from chainrule.optimizers.adamw import AdamW as AdamW
from chainrule.optimizers.ftrl import Ftrl as Ftrl
from chainrule.optimizers.lamb import Lamb as Lamb
from chainrule.optimizers.lion import Lion as Lion
from chainrule.optimizers.loss_scale_optimizer import LossScaleOptimizer as LossScaleOptimizer
from chainrule.optimizers.multi_optimizer import MultiOptimizer as MultiOptimizer
from chainrule.optimizers.multi_optimizer import OptimizerMap as OptimizerMap
from chainrule.optimizers.muon import Muon as Muon
from chainrule.optimizers.nadam import Nadam as Nadam
from chainrule.optimizers.optimizer import Optimizer as Optimizer
from chainrule.optimizers.rmsprop import RMSprop as RMSprop
from chainrule.optimizers.schedule_free_adamw import ScheduleFreeAdamW as ScheduleFreeAdamW
from chainrule.optimizers.sgd import SGD as SGD

ALL_OBJECTS: tuple[Any, ...] = lookup.members(globals(), Optimizer)
ALL_OBJECTS_DICT: dict[str, Any] = {cls.__name__.lower(): cls for cls in ALL_OBJECTS}
ALL_OBJECTS_DICT["optimizermap"] = OptimizerMap


def serialize(optimizer: Optimizer) -> Any:
    """The configuration of an optimizer, as a dict, without its variables.

    Examples
    --------
    >>> from chainrule import optimizers
    >>> config = optimizers.serialize(optimizers.SGD(momentum=0.5))
    >>> optimizers.deserialize(config).momentum
    0.5
    """
    return serialization.serialize_keras_object(optimizer)


def deserialize(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
    """The optimizer of a configuration.

    Parameters
    ----------
    config
        What `serialize` returned. The name of a class of this module may be in any case.
    custom_objects
        Names of the user's own classes and functions.
    """
    name = config.get("class_name")
    if isinstance(name, str) and name.lower() in ALL_OBJECTS_DICT:
        config = {**config, "class_name": name.lower()}
    return serialization.deserialize_keras_object(
        config, module_objects=ALL_OBJECTS_DICT, custom_objects=custom_objects
    )


def get(identifier: Any) -> Any:
    """The optimizer of a name, in any case, of a configuration, or the given one itself.

    Raises
    ------
    ValueError
        For a name that is not known, or something that is no optimizer.

    Examples
    --------
    >>> from chainrule import optimizers
    >>> type(optimizers.get("rmsprop")).__name__
    'RMSprop'
    """
    if identifier is None:
        return None
    optimizer = identifier
    if isinstance(identifier, dict):
        optimizer = deserialize(identifier)
    elif isinstance(identifier, str):
        optimizer = deserialize({"class_name": identifier, "config": {}})
    if not isinstance(optimizer, Optimizer):
        known = ", ".join(ALL_OBJECTS_DICT)
        raise ValueError(
            f"Could not interpret optimizer identifier: {identifier!r}."
            f"{suggestions.did_you_mean(identifier, ALL_OBJECTS_DICT)} Expected an `Optimizer`, a "
            f"configuration, or one of the names {known}"
        )
    return optimizer


publish(globals())
