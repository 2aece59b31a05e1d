"""Activation functions, by name and as functions.

A name as a string (``"relu"``, ``"swish"``) is resolved by :func:`get`; a layer accepts the name,
the function, or any callable of one tensor.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

from chainrule.activations.axiswise import glu as glu
from chainrule.activations.axiswise import log_softmax as log_softmax
from chainrule.activations.axiswise import softmax as softmax
from chainrule.activations.axiswise import sparsemax as sparsemax
from chainrule.activations.rectifiers import hard_shrink as hard_shrink
from chainrule.activations.rectifiers import hard_sigmoid as hard_sigmoid
from chainrule.activations.rectifiers import hard_silu as hard_silu
from chainrule.activations.rectifiers import hard_tanh as hard_tanh
from chainrule.activations.rectifiers import leaky_relu as leaky_relu
from chainrule.activations.rectifiers import linear as linear
from chainrule.activations.rectifiers import relu as relu
from chainrule.activations.rectifiers import relu6 as relu6
from chainrule.activations.rectifiers import soft_shrink as soft_shrink
from chainrule.activations.rectifiers import sparse_plus as sparse_plus
from chainrule.activations.rectifiers import sparse_sigmoid as sparse_sigmoid
from chainrule.activations.rectifiers import threshold as threshold
from chainrule.activations.smooth import celu as celu
from chainrule.activations.smooth import elu as elu
from chainrule.activations.smooth import exponential as exponential
from chainrule.activations.smooth import gelu as gelu
from chainrule.activations.smooth import log_sigmoid as log_sigmoid
from chainrule.activations.smooth import mish as mish
from chainrule.activations.smooth import selu as selu
from chainrule.activations.smooth import sigmoid as sigmoid
from chainrule.activations.smooth import silu as silu
from chainrule.activations.smooth import softplus as softplus
from chainrule.activations.smooth import softsign as softsign
from chainrule.activations.smooth import squareplus as squareplus
from chainrule.activations.smooth import tanh as tanh
from chainrule.activations.smooth import tanh_shrink as tanh_shrink
from chainrule.base import lookup, registry, serialization, suggestions
from chainrule.base.namespace import publish

ALL_OBJECTS: tuple[Any, ...] = lookup.members(globals())

swish = silu
hard_swish = hard_silu

ALL_OBJECTS_DICT: dict[str, Any] = {fn.__name__: fn for fn in ALL_OBJECTS}
ALL_OBJECTS_DICT.update(swish=silu, hard_swish=hard_silu)


def serialize(activation: Any) -> Any:
    """The name of one of the functions above, or the configuration of another callable; as Keras's
    `activations.serialize`.

    Parameters
    ----------
    activation : callable
        What is described.

    Returns
    -------
    str or dict
        Plain values that ``deserialize`` takes.

    Raises
    ------
    ValueError
        The callable has no configuration.

    Examples
    --------
    >>> from chainrule import activations
    >>> activations.serialize(activations.relu)
    'relu'
    """
    if isinstance(activation, types.FunctionType) and activation in ALL_OBJECTS:
        return activation.__name__
    config = serialization.serialize_keras_object(activation)
    if not isinstance(config, dict) or "config" not in config:
        raise ValueError(
            f"Activation {activation!r} cannot be serialized. Register your own function with "
            "`saving.register_keras_serializable`."
        )
    return config


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The activation of a name or a configuration, as Keras's `activations.deserialize`.

    Parameters
    ----------
    config : str or dict
        What ``serialize`` gives; anything else comes back as it is.
    custom_objects : dict, optional
        Further names of functions and classes.

    Returns
    -------
    callable
        The activation.

    Raises
    ------
    TypeError
        An unknown class or function in a configuration.
    ValueError
        A configuration of something that is no part of a model.

    Examples
    --------
    >>> from chainrule import activations
    >>> activations.deserialize("relu") is activations.relu
    True
    """
    return serialization.deserialize_keras_object(
        config, module_objects=ALL_OBJECTS_DICT, custom_objects=custom_objects
    )


def get(identifier: Any) -> Callable[..., Any]:
    """The activation for a name, a configuration or a callable; as Keras's `activations.get`.

    Parameters
    ----------
    identifier : str, dict, callable or None
        None stands for ``linear``.

    Returns
    -------
    callable
        Of one tensor.

    Raises
    ------
    ValueError
        A name that is not known, or an object that cannot be called.
    TypeError
        An unknown class or function in a configuration.

    Examples
    --------
    >>> from chainrule import activations
    >>> activations.get("swish") is activations.silu
    True
    """
    if identifier is None:
        return linear
    activation = identifier
    if isinstance(identifier, dict):
        named = identifier.get("class_name") == "function"
        objects = ALL_OBJECTS_DICT if named else None
        activation = serialization.deserialize_keras_object(identifier, module_objects=objects)
    elif isinstance(identifier, str):
        activation = registry.get_registered_object(identifier, module_objects=ALL_OBJECTS_DICT)
    if not callable(activation):
        known = ", ".join(sorted(ALL_OBJECTS_DICT))
        raise ValueError(
            f"Could not interpret activation function identifier: {identifier!r}."
            f"{suggestions.did_you_mean(identifier, ALL_OBJECTS_DICT)} Expected a callable, a "
            f"configuration, or one of the names {known}"
        )
    function: Callable[..., Any] = activation
    return function


publish(globals())
