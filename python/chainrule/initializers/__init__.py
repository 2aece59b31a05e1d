"""Initializers: the first values of the weights.

Names as strings (``"glorot_uniform"``, ``"GlorotUniform"``) are resolved by `get`.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.base import dtypes, errors, lookup, naming, serialization, suggestions
from chainrule.base.namespace import publish
from chainrule.initializers.constant_initializers import Constant as Constant
from chainrule.initializers.constant_initializers import Identity as Identity
from chainrule.initializers.constant_initializers import Ones as Ones
from chainrule.initializers.constant_initializers import Zeros as Zeros
from chainrule.initializers.initializer import Initializer as Initializer
from chainrule.initializers.random_initializers import Orthogonal as Orthogonal
from chainrule.initializers.random_initializers import RandomNormal as RandomNormal
from chainrule.initializers.random_initializers import RandomUniform as RandomUniform
from chainrule.initializers.random_initializers import TruncatedNormal as TruncatedNormal
from chainrule.initializers.stft import STFT as STFT
from chainrule.initializers.variance_scaling import GlorotNormal as GlorotNormal
from chainrule.initializers.variance_scaling import GlorotUniform as GlorotUniform
from chainrule.initializers.variance_scaling import HeNormal as HeNormal
from chainrule.initializers.variance_scaling import HeUniform as HeUniform
from chainrule.initializers.variance_scaling import LecunNormal as LecunNormal
from chainrule.initializers.variance_scaling import LecunUniform as LecunUniform
from chainrule.initializers.variance_scaling import VarianceScaling as VarianceScaling
from chainrule.ops import conversion

constant = Constant
identity = IdentityInitializer = Identity
ones = Ones
zeros = Zeros
glorot_normal = GlorotNormal
glorot_uniform = GlorotUniform
he_normal = HeNormal
he_uniform = HeUniform
lecun_normal = LecunNormal
lecun_uniform = LecunUniform
orthogonal = OrthogonalInitializer = Orthogonal
random_normal = RandomNormal
random_uniform = RandomUniform
stft = STFTInitializer = STFT
truncated_normal = TruncatedNormal
variance_scaling = VarianceScaling

ALL_OBJECTS: tuple[Any, ...] = lookup.members(globals(), Initializer)
ALL_OBJECTS_DICT = {cls.__name__: cls for cls in ALL_OBJECTS}
ALL_OBJECTS_DICT.update({naming.to_snake_case(cls.__name__): cls for cls in ALL_OBJECTS})
ALL_OBJECTS_DICT.update(
    {
        "IdentityInitializer": Identity,
        "OrthogonalInitializer": Orthogonal,
        "STFTInitializer": STFT,
        "normal": RandomNormal,
        "one": Ones,
        "uniform": RandomUniform,
        "zero": Zeros,
    }
)


def serialize(initializer: Any) -> Any:
    """The configuration of an initializer, as Keras's `initializers.serialize`.

    Parameters
    ----------
    initializer : Initializer or callable
        What is described; a function by its name.

    Returns
    -------
    dict or str
        Plain values that `deserialize` takes.

    Raises
    ------
    TypeError
        Something in it has no ``get_config``.

    Examples
    --------
    >>> from chainrule import initializers
    >>> initializers.deserialize(initializers.serialize(initializers.HeNormal(seed=3))).seed
    3
    """
    return serialization.serialize_keras_object(initializer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The initializer of a name or a configuration, as Keras's `initializers.deserialize`.

    Parameters
    ----------
    config : dict or str
        What `serialize` gives; anything else comes back as it is.
    custom_objects : dict, optional
        Further names of the user's own classes and functions.

    Returns
    -------
    Initializer or callable
        A name gives an object with the default settings.

    Raises
    ------
    TypeError
        An unknown class or function in a configuration.
    ValueError
        A configuration of something that is no part of a model.

    Examples
    --------
    >>> from chainrule import initializers
    >>> initializers.deserialize("ones")((2,)).tolist()
    [1.0, 1.0]
    """
    return serialization.deserialize_keras_object(
        config, module_objects=ALL_OBJECTS_DICT, custom_objects=custom_objects
    )


def get(identifier: Any) -> Any:
    """The initializer of a name, a configuration, a class, a function or an array of values; as
    Keras's `initializers.get`.

    Parameters
    ----------
    identifier : str, dict, class, callable, ndarray or None
        A function takes ``(shape, dtype)``. An array is the value itself; another shape is an error
        when it is called. None stays None.

    Returns
    -------
    Initializer, callable or None
        What can be called with ``(shape, dtype)``.

    Raises
    ------
    ValueError
        A name that is not known, or something that cannot be called.
    TypeError
        An unknown class or function in a configuration.

    Examples
    --------
    >>> from chainrule import initializers
    >>> initializers.get("ones")((2,))
    array([1., 1.], dtype=float32)
    """
    if identifier is None:
        return None
    initializer = identifier
    if isinstance(identifier, (dict, str)):
        initializer = deserialize(identifier)
    elif isinstance(identifier, (np.ndarray, np.generic)) or conversion.is_tensor(identifier):
        initializer = _of_values(identifier)
    if not callable(initializer):
        raise ValueError(
            f"Could not interpret initializer identifier: {errors.shown(identifier)}."
            f"{suggestions.did_you_mean(identifier, ALL_OBJECTS_DICT)} Expected a callable, an array, "
            f"a configuration, or one of the names {', '.join(sorted(ALL_OBJECTS_DICT))}"
        )
    return initializer() if inspect.isclass(initializer) else initializer


def _of_values(values: Any) -> Any:
    def initialize(shape: Sequence[int], dtype: Any = None) -> Any:
        if tuple(shape) != tuple(values.shape):
            raise ValueError(
                f"Expected `shape` to be {tuple(values.shape)} for direct tensor as initializer. "
                f"Received shape={tuple(shape)}"
            )
        return conversion.cast(values, dtypes.standardize_dtype(dtype))

    return initialize


lookup.provide("initializer", get)


publish(globals())
