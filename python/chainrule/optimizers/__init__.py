"""Optimizers: how the weights follow from their gradients.

Names as strings (``"sgd"``, ``"AdamW"``) are resolved by `get`, in any case.
"""

from __future__ import annotations

from typing import Any

from chainrule.base import serialization
from chainrule.base.namespace import publish
from chainrule.optimizers import schedules
from chainrule.optimizers.adadelta import Adadelta
from chainrule.optimizers.adafactor import Adafactor
from chainrule.optimizers.adagrad import Adagrad
from chainrule.optimizers.adam import Adam
from chainrule.optimizers.adamax import Adamax
from chainrule.optimizers.adamw import AdamW
from chainrule.optimizers.ftrl import Ftrl
from chainrule.optimizers.lamb import Lamb
from chainrule.optimizers.lion import Lion
from chainrule.optimizers.loss_scale_optimizer import LossScaleOptimizer
from chainrule.optimizers.multi_optimizer import MultiOptimizer, OptimizerMap
from chainrule.optimizers.muon import Muon
from chainrule.optimizers.nadam import Nadam
from chainrule.optimizers.optimizer import Optimizer
from chainrule.optimizers.rmsprop import RMSprop
from chainrule.optimizers.schedule_free_adamw import ScheduleFreeAdamW
from chainrule.optimizers.sgd import SGD

ALL_OBJECTS: tuple[type[Optimizer], ...] = (
    Adadelta,
    Adafactor,
    Adagrad,
    Adam,
    AdamW,
    Adamax,
    Ftrl,
    Lamb,
    Lion,
    LossScaleOptimizer,
    MultiOptimizer,
    Muon,
    Nadam,
    Optimizer,
    RMSprop,
    SGD,
    ScheduleFreeAdamW,
)
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
            f"Could not interpret optimizer identifier: {identifier!r}. Expected an `Optimizer`, a "
            f"configuration, or one of the names {known}"
        )
    return optimizer


__all__ = [
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "LossScaleOptimizer",
    "MultiOptimizer",
    "Muon",
    "Nadam",
    "Optimizer",
    "OptimizerMap",
    "RMSprop",
    "SGD",
    "ScheduleFreeAdamW",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]

publish(globals())
