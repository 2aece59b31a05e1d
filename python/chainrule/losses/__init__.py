"""Losses: functions of ``(y_true, y_pred)``, and callable objects that weight and reduce them.

Names as strings (``"mse"``, ``"categorical_crossentropy"``, ``"MeanSquaredError"``) are resolved
by :func:`get`.
"""

from __future__ import annotations

from typing import Any

from chainrule.base import lookup, serialization
from chainrule.base.namespace import publish
from chainrule.losses.crossentropy import BinaryCrossentropy as BinaryCrossentropy
from chainrule.losses.crossentropy import CategoricalCrossentropy as CategoricalCrossentropy
from chainrule.losses.crossentropy import (
    SparseCategoricalCrossentropy as SparseCategoricalCrossentropy,
)
from chainrule.losses.crossentropy import binary_crossentropy as binary_crossentropy
from chainrule.losses.crossentropy import categorical_crossentropy as categorical_crossentropy
from chainrule.losses.crossentropy import (
    sparse_categorical_crossentropy as sparse_categorical_crossentropy,
)
from chainrule.losses.ctc import CTC as CTC
from chainrule.losses.ctc import ctc as ctc
from chainrule.losses.divergence import KLDivergence as KLDivergence
from chainrule.losses.divergence import Poisson as Poisson
from chainrule.losses.divergence import kl_divergence as kl_divergence
from chainrule.losses.divergence import poisson as poisson
from chainrule.losses.focal import BinaryFocalCrossentropy as BinaryFocalCrossentropy
from chainrule.losses.focal import CategoricalFocalCrossentropy as CategoricalFocalCrossentropy
from chainrule.losses.focal import (
    CategoricalGeneralizedCrossEntropy as CategoricalGeneralizedCrossEntropy,
)
from chainrule.losses.focal import binary_focal_crossentropy as binary_focal_crossentropy
from chainrule.losses.focal import categorical_focal_crossentropy as categorical_focal_crossentropy
from chainrule.losses.focal import (
    categorical_generalized_cross_entropy as categorical_generalized_cross_entropy,
)
from chainrule.losses.loss import Loss as Loss
from chainrule.losses.loss import LossFunctionWrapper as LossFunctionWrapper
from chainrule.losses.margin import CategoricalHinge as CategoricalHinge
from chainrule.losses.margin import Hinge as Hinge
from chainrule.losses.margin import SquaredHinge as SquaredHinge
from chainrule.losses.margin import categorical_hinge as categorical_hinge
from chainrule.losses.margin import hinge as hinge
from chainrule.losses.margin import squared_hinge as squared_hinge
from chainrule.losses.regression import CosineSimilarity as CosineSimilarity
from chainrule.losses.regression import Huber as Huber
from chainrule.losses.regression import LogCosh as LogCosh
from chainrule.losses.regression import MeanAbsoluteError as MeanAbsoluteError
from chainrule.losses.regression import MeanAbsolutePercentageError as MeanAbsolutePercentageError
from chainrule.losses.regression import MeanSquaredError as MeanSquaredError
from chainrule.losses.regression import MeanSquaredLogarithmicError as MeanSquaredLogarithmicError
from chainrule.losses.regression import cosine_similarity as cosine_similarity
from chainrule.losses.regression import huber as huber
from chainrule.losses.regression import log_cosh as log_cosh
from chainrule.losses.regression import mean_absolute_error as mean_absolute_error
from chainrule.losses.regression import (
    mean_absolute_percentage_error as mean_absolute_percentage_error,
)
from chainrule.losses.regression import mean_squared_error as mean_squared_error
from chainrule.losses.regression import (
    mean_squared_logarithmic_error as mean_squared_logarithmic_error,
)
from chainrule.losses.similarity import Circle as Circle
from chainrule.losses.similarity import Dice as Dice
from chainrule.losses.similarity import Tversky as Tversky
from chainrule.losses.similarity import circle as circle
from chainrule.losses.similarity import dice as dice
from chainrule.losses.similarity import tversky as tversky

ALL_OBJECTS: tuple[Any, ...] = lookup.members(globals())

ALL_OBJECTS_DICT: dict[str, Any] = {obj.__name__: obj for obj in ALL_OBJECTS}
for _short, _function in {
    "bce": binary_crossentropy,
    "kld": kl_divergence,
    "mae": mean_absolute_error,
    "mse": mean_squared_error,
    "mape": mean_absolute_percentage_error,
    "msle": mean_squared_logarithmic_error,
}.items():
    ALL_OBJECTS_DICT[_short] = ALL_OBJECTS_DICT[_short.upper()] = _function


def serialize(loss: Any) -> Any:
    """The configuration of a loss object or function, as Keras's `losses.serialize`.

    Parameters
    ----------
    loss : Loss or callable
        What is described; a function by its name.

    Returns
    -------
    dict or str
        Plain values that ``deserialize`` takes.

    Raises
    ------
    TypeError
        Something in it has no ``get_config``.

    Examples
    --------
    >>> from chainrule import losses
    >>> losses.deserialize(losses.serialize(losses.Huber(delta=2.0))).delta
    2.0
    """
    return serialization.serialize_keras_object(loss)


def deserialize(name: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The loss object or function of a configuration or a name, as Keras's `losses.deserialize`.

    Parameters
    ----------
    name : dict or str
        What ``serialize`` gives; anything else comes back as it is.
    custom_objects : dict, optional
        Further names of classes and functions.

    Returns
    -------
    Loss or callable
        An object or a function.

    Raises
    ------
    TypeError
        An unknown class or function in a configuration.
    ValueError
        A configuration of something that is no part of a model.

    Examples
    --------
    >>> from chainrule import losses
    >>> losses.deserialize("mean_squared_error") is losses.mean_squared_error
    True
    """
    return serialization.deserialize_keras_object(
        name, module_objects=ALL_OBJECTS_DICT, custom_objects=custom_objects
    )


def get(identifier: Any) -> Any:
    """The loss for a name, a configuration, a function, a class or an object; as Keras's
    `losses.get`.

    Parameters
    ----------
    identifier : str, dict, callable, class or None
        None stays None; a class is called without arguments.

    Returns
    -------
    Loss, callable or None
        An object or a function.

    Raises
    ------
    ValueError
        A name that is not known, or an object that cannot be called.
    TypeError
        An unknown class or function in a configuration.

    Examples
    --------
    >>> from chainrule import losses
    >>> losses.get("mse") is losses.mean_squared_error
    True
    >>> losses.get("Huber").delta
    1.0
    """
    return lookup.resolve(identifier, "loss", ALL_OBJECTS_DICT)


publish(globals())
