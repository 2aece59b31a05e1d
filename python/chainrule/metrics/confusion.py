"""Counts of true and false positives and negatives, precision and recall."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.metrics.metric import Metric, Tensor
from chainrule.metrics.thresholds import (
    NEG_INF,
    ConfusionMatrix,
    is_evenly_distributed_thresholds,
    parse_init_thresholds,
    update_confusion_matrix_variables,
)
from chainrule.tracing.policies import DTypePolicy


def scalar_for_one_threshold(values: Tensor) -> Tensor:
    """Return (1,) as a scalar and (T,) unchanged."""
    return ops.reshape(values, ()) if values.shape == (1,) else ops.convert_to_tensor(values)


class ConfusionCount(Metric):
    """The weighted count of one cell of the confusion matrix, per threshold."""

    def __init__(
        self,
        confusion_matrix_cond: ConfusionMatrix,
        thresholds: Any = None,
        name: str | None = None,
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self._confusion_matrix_cond = confusion_matrix_cond
        self.init_thresholds = thresholds
        self.thresholds = parse_init_thresholds(thresholds)
        self._thresholds_distributed_evenly = is_evenly_distributed_thresholds(self.thresholds)
        self.accumulator = self.add_variable(
            (len(self.thresholds),), "zeros", dtype=self.dtype, name="accumulator"
        )

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add the counts of a batch."""
        update_confusion_matrix_variables(
            {self._confusion_matrix_cond: self.accumulator},
            y_true,
            y_pred,
            thresholds=self.thresholds,
            thresholds_distributed_evenly=self._thresholds_distributed_evenly,
            sample_weight=sample_weight,
        )

    def result(self) -> Tensor:
        """Return the count: a scalar for one threshold, else (T,)."""
        return scalar_for_one_threshold(ops.convert_to_tensor(self.accumulator))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild this metric."""
        return {**super().get_config(), "thresholds": self.init_thresholds}


class FalsePositives(ConfusionCount):
    """``sum(weight [label = 0][score > threshold])``.

    Parameters
    ----------
    thresholds : float or sequence of float, optional
        In [0, 1]; 0.5 by default.
    name, dtype : str, optional
        As in :class:`Metric`.

    Examples
    --------
    >>> from chainrule import metrics
    >>> float(metrics.FalsePositives()([0, 1, 0, 0], [0.0, 0.1, 1.0, 1.0]))
    2.0
    """

    def __init__(
        self,
        thresholds: Any = None,
        name: str | None = None,
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        super().__init__(ConfusionMatrix.FALSE_POSITIVES, thresholds, name, dtype)


class FalseNegatives(ConfusionCount):
    """``sum(weight [label = 1][score <= threshold])``.

    Parameters
    ----------
    thresholds : float or sequence of float, optional
        As in :class:`FalsePositives`.
    name, dtype : str, optional
        As in :class:`FalsePositives`.
    """

    def __init__(
        self,
        thresholds: Any = None,
        name: str | None = None,
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        super().__init__(ConfusionMatrix.FALSE_NEGATIVES, thresholds, name, dtype)


class TrueNegatives(ConfusionCount):
    """``sum(weight [label = 0][score <= threshold])``.

    Parameters
    ----------
    thresholds : float or sequence of float, optional
        As in :class:`FalsePositives`.
    name, dtype : str, optional
        As in :class:`FalsePositives`.
    """

    def __init__(
        self,
        thresholds: Any = None,
        name: str | None = None,
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        super().__init__(ConfusionMatrix.TRUE_NEGATIVES, thresholds, name, dtype)


class TruePositives(ConfusionCount):
    """``sum(weight [label = 1][score > threshold])``.

    Parameters
    ----------
    thresholds : float or sequence of float, optional
        As in :class:`FalsePositives`.
    name, dtype : str, optional
        As in :class:`FalsePositives`.
    """

    def __init__(
        self,
        thresholds: Any = None,
        name: str | None = None,
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        super().__init__(ConfusionMatrix.TRUE_POSITIVES, thresholds, name, dtype)


class PositiveRate(Metric):
    """``tp / (tp + other)`` per threshold, where a subclass names the other cell."""

    other: ConfusionMatrix

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self._direction = "up"
        self.init_thresholds = thresholds
        self.top_k = top_k
        self.class_id = class_id
        self.thresholds = parse_init_thresholds(thresholds, 0.5 if top_k is None else NEG_INF)
        self._thresholds_distributed_evenly = is_evenly_distributed_thresholds(self.thresholds)
        shape = (len(self.thresholds),)
        other = self.other.name.lower()
        self.true_positives = self.add_variable(
            shape, "zeros", dtype=self.dtype, name="true_positives"
        )
        setattr(self, other, self.add_variable(shape, "zeros", dtype=self.dtype, name=other))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add the counts of a batch."""
        update_confusion_matrix_variables(
            {
                ConfusionMatrix.TRUE_POSITIVES: self.true_positives,
                self.other: getattr(self, self.other.name.lower()),
            },
            y_true,
            y_pred,
            thresholds=self.thresholds,
            thresholds_distributed_evenly=self._thresholds_distributed_evenly,
            top_k=self.top_k,
            class_id=self.class_id,
            sample_weight=sample_weight,
        )

    def result(self) -> Tensor:
        """Return the rate: a scalar for one threshold, else (T,)."""
        other = getattr(self, self.other.name.lower())
        rate = ops.divide_no_nan(self.true_positives, self.true_positives + other)
        return scalar_for_one_threshold(rate)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild this metric."""
        return {
            **super().get_config(),
            "thresholds": self.init_thresholds,
            "top_k": self.top_k,
            "class_id": self.class_id,
        }


class Precision(PositiveRate):
    """``tp / (tp + fp)``: how many of the positive predictions are right; 0 when there is none.

    Parameters
    ----------
    thresholds : float or sequence of float, optional
        In [0, 1]; a score above it is positive. 0.5 by default, and with ``top_k`` every one of
        the k largest scores is positive.
    top_k : int, optional
        Only the k largest scores of each sample can be positive.
    class_id : int, optional
        Only this class counts.
    name, dtype : str, optional
        As in :class:`Metric`.

    Examples
    --------
    >>> from chainrule import metrics
    >>> float(metrics.Precision()([0, 1, 1, 1], [1.0, 0.0, 1.0, 0.0]))
    0.5
    """

    other = ConfusionMatrix.FALSE_POSITIVES


class Recall(PositiveRate):
    """``tp / (tp + fn)``: how many of the positive labels are found; 0 when there is none.

    Parameters
    ----------
    thresholds : float or sequence of float, optional
        As in :class:`Precision`.
    top_k, class_id : int, optional
        As in :class:`Precision`.
    name, dtype : str, optional
        As in :class:`Precision`.

    Examples
    --------
    >>> from chainrule import metrics
    >>> float(metrics.Recall()([0, 1, 1, 1, 1], [1.0, 0.0, 1.0, 0.0, 0.0]))
    0.25
    """

    other = ConfusionMatrix.FALSE_NEGATIVES
