"""Confusion counts of scores at one or many thresholds.

A score counts as positive at threshold ``t`` when it is above ``t``. At ``T`` thresholds the N
scores are put into T + 1 buckets (bucket = number of thresholds below the score) by one
scatter-add, and cumulative sums over the buckets give the counts: O(N log T + T), not O(N T).
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import ops
from chainrule.base import config as backend_config
from chainrule.losses.loss import squeeze_or_expand_to_same_rank
from chainrule.metrics.metric import Tensor
from chainrule.tracing.variable import Variable

NEG_INF = -1e10


class ConfusionMatrix(Enum):
    """The four cells of a binary confusion matrix."""

    TRUE_POSITIVES = "tp"
    FALSE_POSITIVES = "fp"
    TRUE_NEGATIVES = "tn"
    FALSE_NEGATIVES = "fn"


class AUCCurve(Enum):
    """The curve under which an area is computed."""

    ROC = "ROC"
    PR = "PR"
    PRGAIN = "PRGAIN"

    @staticmethod
    def from_str(key: str) -> AUCCurve:
        """Return the curve named in upper or lower case."""
        for curve in AUCCurve:
            if key in (curve.value, curve.value.lower()):
                return curve
        raise ValueError(
            f'Invalid AUC curve value: "{key}". Expected one of {[c.value for c in AUCCurve]}'
        )


class AUCSummationMethod(Enum):
    """The height of the rectangle between two points of a curve."""

    INTERPOLATION = "interpolation"
    MAJORING = "majoring"
    MINORING = "minoring"

    @staticmethod
    def from_str(key: str) -> AUCSummationMethod:
        """Return the method named in lower case or capitalised."""
        for method in AUCSummationMethod:
            if key in (method.value, method.value.capitalize()):
                return method
        raise ValueError(
            f'Invalid AUC summation method value: "{key}". '
            f"Expected one of {[m.value for m in AUCSummationMethod]}"
        )


def parse_init_thresholds(thresholds: Any, default_threshold: float = 0.5) -> list[float]:
    """Return a list of thresholds in [0, 1], or ``[default_threshold]`` for ``None``.

    Raises
    ------
    ValueError
        When a threshold is ``None`` or outside [0, 1].
    """
    if thresholds is None:
        return [default_threshold]
    if not isinstance(thresholds, list | tuple | np.ndarray):
        thresholds = [thresholds]
    invalid = [t for t in thresholds if t is None or t < 0 or t > 1]
    if invalid:
        raise ValueError(f"Threshold values must be in [0, 1]. Received: {invalid}")
    return list(thresholds)


def is_evenly_distributed_thresholds(thresholds: Sequence[float]) -> bool:
    """Whether the thresholds are 0, 1/(T-1), ..., 1 within epsilon, T >= 3."""
    count = len(thresholds)
    if count < 3:
        return False
    even = np.arange(count, dtype=np.float32) / (count - 1)
    return bool(np.allclose(thresholds, even, atol=backend_config.epsilon()))


def update_confusion_matrix_variables(
    variables_to_update: Mapping[ConfusionMatrix, Variable],
    y_true: Any,
    y_pred: Any,
    thresholds: Sequence[float] | np.ndarray[Any, Any],
    top_k: int | None = None,
    class_id: int | None = None,
    sample_weight: Any = None,
    multi_label: bool = False,
    label_weights: Any = None,
    thresholds_distributed_evenly: bool = False,
) -> None:
    """Add the counts of a batch to variables of shape (T,), or (T, labels) when ``multi_label``.

    Parameters
    ----------
    variables_to_update : mapping
        From a cell of the matrix to its variable.
    y_true, y_pred : array
        Labels (zero or not) and scores, of one shape.
    thresholds : sequence (T)
        Need not be sorted.
    top_k : int, optional
        Scores other than the ``top_k`` largest of the last axis count as negative.
    class_id : int, optional
        Only this entry of the last axis counts.
    sample_weight : array, optional
        Broadcast to ``y_pred``; of its rank or one less.
    label_weights : array (labels), optional
        Weight of each label when labels are flattened.
    thresholds_distributed_evenly : bool
        The thresholds are 0, 1/(T-1), ..., 1 (the ends may lie epsilon outside): the bucket is
        computed, not searched.

    Raises
    ------
    ValueError
        When ``label_weights`` comes with ``multi_label``, or ``class_id`` with scores of rank 1.
    """
    if multi_label and label_weights is not None:
        raise ValueError("`label_weights` cannot be used with `multi_label=True` here.")
    dtype = next(iter(variables_to_update.values())).dtype
    y_true = ops.convert_to_tensor(y_true, dtype=dtype)
    y_pred = ops.convert_to_tensor(y_pred, dtype=dtype)
    y_pred, y_true = squeeze_or_expand_to_same_rank(y_pred, y_true)
    if sample_weight is not None:
        sample_weight = ops.expand_dims(ops.convert_to_tensor(sample_weight, dtype=dtype), axis=-1)
        _, sample_weight = squeeze_or_expand_to_same_rank(
            y_true, sample_weight, expand_rank_1=False
        )
    if top_k is not None:
        y_pred = filter_top_k(y_pred, top_k)
    if class_id is not None:
        if len(y_pred.shape) == 1:
            raise ValueError(
                "When class_id is provided, y_pred must be a 2D array with shape "
                f"(num_samples, num_classes), found shape: {tuple(y_pred.shape)}"
            )
        y_true = ops.take(y_true, [class_id], axis=-1)
        y_pred = ops.take(y_pred, [class_id], axis=-1)

    weight = ops.ones_like(y_pred)
    if sample_weight is not None:
        weight = ops.broadcast_to(sample_weight, y_pred.shape)
    if label_weights is not None:
        weight = weight * ops.convert_to_tensor(label_weights, dtype=dtype)
    labels = ops.cast(y_true, "bool")
    if not multi_label:
        y_pred, labels, weight = (ops.reshape(x, (-1, 1)) for x in (y_pred, labels, weight))

    if len(thresholds) == 1:
        counts = counts_at_threshold(y_pred, labels, weight, float(thresholds[0]))
    else:
        if thresholds_distributed_evenly:
            outside = thresholds[0] < 0.0 or thresholds[-1] > 1.0
            order: NDArray[Any] = np.arange(len(thresholds))
            buckets = even_buckets(y_pred, len(thresholds), first=1 if outside else 0)
        else:
            order = np.argsort(thresholds, kind="stable")
            buckets = searched_buckets(y_pred, np.asarray(thresholds)[order])
        counts = counts_from_buckets(buckets, labels, weight, len(thresholds))
        if np.any(order[:-1] > order[1:]):
            rank = np.argsort(order).astype(np.int32)
            counts = {cell: ops.take(count, rank, axis=0) for cell, count in counts.items()}
    for cell, variable in variables_to_update.items():
        variable.assign(variable + ops.reshape(counts[cell], variable.shape))


def counts_at_threshold(
    y_pred: Tensor, labels: Tensor, weight: Tensor, threshold: float
) -> dict[ConfusionMatrix, Tensor]:
    """Return the weighted counts (labels,) of scores (N, labels) at one threshold."""
    above = ops.greater(y_pred, threshold)
    below, negative = ops.logical_not(above), ops.logical_not(labels)

    def count(label: Tensor, side: Tensor) -> Tensor:
        return ops.sum(ops.cast(ops.logical_and(label, side), weight.dtype) * weight, axis=0)

    return {
        ConfusionMatrix.TRUE_POSITIVES: count(labels, above),
        ConfusionMatrix.FALSE_POSITIVES: count(negative, above),
        ConfusionMatrix.TRUE_NEGATIVES: count(negative, below),
        ConfusionMatrix.FALSE_NEGATIVES: count(labels, below),
    }


def even_buckets(y_pred: Tensor, count: int, first: int) -> Tensor:
    """``max(ceil(score (T - 1)), first)``, scores clipped to [0, 1] and NaN taken as 0."""
    score = ops.where(ops.greater(y_pred, 0.0), ops.minimum(y_pred, 1.0), ops.zeros_like(y_pred))
    return ops.maximum(ops.cast(ops.ceil(score * (count - 1.0)), "int32"), first)


def searched_buckets(y_pred: Tensor, thresholds: np.ndarray[Any, Any]) -> Tensor:
    """Return how many of the sorted thresholds are below each score, by binary search.

    The search runs ``ceil(log2(T + 1))`` steps over all scores at once; thresholds are padded
    with infinity to a power of two less one.
    """
    size = 1 << len(thresholds).bit_length()
    table = np.full(size - 1, np.inf)
    table[: len(thresholds)] = thresholds
    table = ops.convert_to_tensor(table, dtype=y_pred.dtype)
    position = ops.zeros_like(y_pred, dtype="int32")
    step = size // 2
    while step:
        further = position + step
        above = ops.greater(y_pred, ops.take(table, further - 1, axis=0))
        position = ops.where(above, further, position)
        step //= 2
    return position


def counts_from_buckets(
    buckets: Tensor, labels: Tensor, weight: Tensor, count: int
) -> dict[ConfusionMatrix, Tensor]:
    """Return the weighted counts (T, labels) of bucket numbers (N, labels) in [0, T].

    One scatter-add fills a histogram (labels, T + 1, 2) over buckets and label values; buckets up
    to ``t`` are negative at threshold ``t``, buckets above it positive.
    """
    columns = operator.index(buckets.shape[1])
    column = np.arange(columns, dtype=np.int32) * (2 * (count + 1))
    slot = column + 2 * buckets + ops.cast(labels, "int32")
    histogram = ops.segment_sum(
        ops.reshape(weight, (-1,)), ops.reshape(slot, (-1,)), num_segments=2 * columns * (count + 1)
    )
    histogram = ops.reshape(histogram, (columns, count + 1, 2))
    below = ops.cumsum(histogram, axis=1)[:, :-1]
    above = ops.flip(ops.cumsum(ops.flip(histogram, axis=1), axis=1), axis=1)[:, 1:]
    return {
        ConfusionMatrix.TRUE_POSITIVES: ops.transpose(above[:, :, 1]),
        ConfusionMatrix.FALSE_POSITIVES: ops.transpose(above[:, :, 0]),
        ConfusionMatrix.TRUE_NEGATIVES: ops.transpose(below[:, :, 0]),
        ConfusionMatrix.FALSE_NEGATIVES: ops.transpose(below[:, :, 1]),
    }


def filter_top_k(x: Tensor, k: int) -> Tensor:
    """Return ``x`` with all but the ``k`` largest of the last axis replaced by ``NEG_INF``."""
    _, indices = ops.top_k(x, k)
    kept = ops.sum(ops.one_hot(indices, x.shape[-1], dtype=x.dtype), axis=-2)
    return ops.where(kept > 0, x, ops.full_like(x, NEG_INF))
