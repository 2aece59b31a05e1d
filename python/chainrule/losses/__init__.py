"""Losses: functions of ``(y_true, y_pred)``, and callable objects that weight and reduce them.

Names as strings (``"mse"``, ``"categorical_crossentropy"``, ``"MeanSquaredError"``) are resolved
by :func:`get`.
"""

from __future__ import annotations

from typing import Any

from chainrule.base import lookup, serialization
from chainrule.base.namespace import publish
from chainrule.losses.crossentropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)
from chainrule.losses.divergence import KLDivergence, Poisson, kl_divergence, poisson
from chainrule.losses.focal import (
    BinaryFocalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    binary_focal_crossentropy,
    categorical_focal_crossentropy,
    categorical_generalized_cross_entropy,
)
from chainrule.losses.loss import Loss, LossFunctionWrapper
from chainrule.losses.margin import (
    CategoricalHinge,
    Hinge,
    SquaredHinge,
    categorical_hinge,
    hinge,
    squared_hinge,
)
from chainrule.losses.regression import (
    CosineSimilarity,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    cosine_similarity,
    huber,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
)
from chainrule.losses.similarity import Circle, Dice, Tversky, circle, dice, tversky

ALL_OBJECTS: set[Any] = {
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    CategoricalHinge,
    Circle,
    CosineSimilarity,
    Dice,
    Hinge,
    Huber,
    KLDivergence,
    LogCosh,
    Loss,
    LossFunctionWrapper,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    SparseCategoricalCrossentropy,
    SquaredHinge,
    Tversky,
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_generalized_cross_entropy,
    categorical_hinge,
    circle,
    cosine_similarity,
    dice,
    hinge,
    huber,
    kl_divergence,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    sparse_categorical_crossentropy,
    squared_hinge,
    tversky,
}

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


__all__ = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "CategoricalHinge",
    "Circle",
    "CosineSimilarity",
    "Dice",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "LossFunctionWrapper",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "Tversky",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "categorical_hinge",
    "circle",
    "cosine_similarity",
    "deserialize",
    "dice",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "serialize",
    "sparse_categorical_crossentropy",
    "squared_hinge",
    "tversky",
]

publish(globals())
