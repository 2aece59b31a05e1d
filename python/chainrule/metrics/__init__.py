"""Metrics: state that accumulates over batches, eagerly or inside a compiled step.

Names as strings (``"mse"``, ``"categorical_accuracy"``, ``"AUC"``) are resolved by :func:`get`. The
loss functions that make sense as metrics are here too, under their names in ``losses``.
"""

from __future__ import annotations

from typing import Any

from chainrule.base import lookup, naming, serialization
from chainrule.base.namespace import publish
from chainrule.losses import binary_crossentropy as binary_crossentropy
from chainrule.losses import binary_focal_crossentropy as binary_focal_crossentropy
from chainrule.losses import categorical_crossentropy as categorical_crossentropy
from chainrule.losses import categorical_focal_crossentropy as categorical_focal_crossentropy
from chainrule.losses import categorical_hinge as categorical_hinge
from chainrule.losses import hinge as hinge
from chainrule.losses import huber as huber
from chainrule.losses import kl_divergence as kl_divergence
from chainrule.losses import log_cosh as log_cosh
from chainrule.losses import mean_absolute_error as mean_absolute_error
from chainrule.losses import mean_absolute_percentage_error as mean_absolute_percentage_error
from chainrule.losses import mean_squared_error as mean_squared_error
from chainrule.losses import mean_squared_logarithmic_error as mean_squared_logarithmic_error
from chainrule.losses import poisson as poisson
from chainrule.losses import sparse_categorical_crossentropy as sparse_categorical_crossentropy
from chainrule.losses import squared_hinge as squared_hinge
from chainrule.metrics.accuracy import Accuracy as Accuracy
from chainrule.metrics.accuracy import BinaryAccuracy as BinaryAccuracy
from chainrule.metrics.accuracy import CategoricalAccuracy as CategoricalAccuracy
from chainrule.metrics.accuracy import SparseCategoricalAccuracy as SparseCategoricalAccuracy
from chainrule.metrics.accuracy import (
    SparseTopKCategoricalAccuracy as SparseTopKCategoricalAccuracy,
)
from chainrule.metrics.accuracy import TopKCategoricalAccuracy as TopKCategoricalAccuracy
from chainrule.metrics.accuracy import binary_accuracy as binary_accuracy
from chainrule.metrics.accuracy import categorical_accuracy as categorical_accuracy
from chainrule.metrics.accuracy import sparse_categorical_accuracy as sparse_categorical_accuracy
from chainrule.metrics.accuracy import (
    sparse_top_k_categorical_accuracy as sparse_top_k_categorical_accuracy,
)
from chainrule.metrics.accuracy import top_k_categorical_accuracy as top_k_categorical_accuracy
from chainrule.metrics.auc import AUC as AUC
from chainrule.metrics.confusion import FalseNegatives as FalseNegatives
from chainrule.metrics.confusion import FalsePositives as FalsePositives
from chainrule.metrics.confusion import Precision as Precision
from chainrule.metrics.confusion import Recall as Recall
from chainrule.metrics.confusion import TrueNegatives as TrueNegatives
from chainrule.metrics.confusion import TruePositives as TruePositives
from chainrule.metrics.correlation import ConcordanceCorrelation as ConcordanceCorrelation
from chainrule.metrics.correlation import PearsonCorrelation as PearsonCorrelation
from chainrule.metrics.correlation import concordance_correlation as concordance_correlation
from chainrule.metrics.correlation import pearson_correlation as pearson_correlation
from chainrule.metrics.f_score import F1Score as F1Score
from chainrule.metrics.f_score import FBetaScore as FBetaScore
from chainrule.metrics.iou import BinaryIoU as BinaryIoU
from chainrule.metrics.iou import IoU as IoU
from chainrule.metrics.iou import MeanIoU as MeanIoU
from chainrule.metrics.iou import OneHotIoU as OneHotIoU
from chainrule.metrics.iou import OneHotMeanIoU as OneHotMeanIoU
from chainrule.metrics.metric import Metric as Metric
from chainrule.metrics.operating_points import PrecisionAtRecall as PrecisionAtRecall
from chainrule.metrics.operating_points import RecallAtPrecision as RecallAtPrecision
from chainrule.metrics.operating_points import SensitivityAtSpecificity as SensitivityAtSpecificity
from chainrule.metrics.operating_points import SpecificityAtSensitivity as SpecificityAtSensitivity
from chainrule.metrics.probabilistic import BinaryCrossentropy as BinaryCrossentropy
from chainrule.metrics.probabilistic import CategoricalCrossentropy as CategoricalCrossentropy
from chainrule.metrics.probabilistic import CategoricalHinge as CategoricalHinge
from chainrule.metrics.probabilistic import Hinge as Hinge
from chainrule.metrics.probabilistic import KLDivergence as KLDivergence
from chainrule.metrics.probabilistic import Poisson as Poisson
from chainrule.metrics.probabilistic import (
    SparseCategoricalCrossentropy as SparseCategoricalCrossentropy,
)
from chainrule.metrics.probabilistic import SquaredHinge as SquaredHinge
from chainrule.metrics.r2_score import R2Score as R2Score
from chainrule.metrics.reduction import Mean as Mean
from chainrule.metrics.reduction import MeanMetricWrapper as MeanMetricWrapper
from chainrule.metrics.reduction import Sum as Sum
from chainrule.metrics.regression import CosineSimilarity as CosineSimilarity
from chainrule.metrics.regression import LogCoshError as LogCoshError
from chainrule.metrics.regression import MeanAbsoluteError as MeanAbsoluteError
from chainrule.metrics.regression import MeanAbsolutePercentageError as MeanAbsolutePercentageError
from chainrule.metrics.regression import MeanSquaredError as MeanSquaredError
from chainrule.metrics.regression import MeanSquaredLogarithmicError as MeanSquaredLogarithmicError
from chainrule.metrics.regression import RootMeanSquaredError as RootMeanSquaredError

ALL_OBJECTS: tuple[Any, ...] = lookup.members(globals(), Metric)

ALL_OBJECTS_DICT: dict[str, Any] = {cls.__name__: cls for cls in ALL_OBJECTS}
ALL_OBJECTS_DICT.update({naming.to_snake_case(cls.__name__): cls for cls in ALL_OBJECTS})
for _short, _cls in {
    "bce": BinaryCrossentropy,
    "mse": MeanSquaredError,
    "mae": MeanAbsoluteError,
    "mape": MeanAbsolutePercentageError,
    "msle": MeanSquaredLogarithmicError,
}.items():
    ALL_OBJECTS_DICT[_short] = ALL_OBJECTS_DICT[_short.upper()] = _cls


def serialize(metric: Any) -> Any:
    """Return the configuration of a metric object or function.

    Examples
    --------
    >>> from chainrule import metrics
    >>> metrics.deserialize(metrics.serialize(metrics.AUC(curve="PR"))).curve.value
    'PR'
    """
    return serialization.serialize_keras_object(metric)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Return the metric object or function of a configuration or a name.

    ``custom_objects`` maps further names to classes and functions.
    """
    return serialization.deserialize_keras_object(
        config, module_objects=ALL_OBJECTS_DICT, custom_objects=custom_objects
    )


def get(identifier: Any) -> Any:
    """Return the metric for a name, a configuration, a function, a class or an object.

    Raises
    ------
    ValueError
        For a name that is not known, or an object that cannot be called.

    Examples
    --------
    >>> from chainrule import metrics
    >>> metrics.get("mse")
    <MeanSquaredError name=mean_squared_error>
    """
    return lookup.resolve(identifier, "metric", ALL_OBJECTS_DICT)


publish(globals())
