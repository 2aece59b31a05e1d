"""The best of one rate where another rate reaches a given value."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.metrics.metric import Metric, Tensor
from chainrule.metrics.thresholds import ConfusionMatrix, update_confusion_matrix_variables
from chainrule.tracing.policies import DTypePolicy


class RateAtRate(Metric):
    """``max(dependent rate)`` over the thresholds where ``constrained rate >= value``.

    Thresholds are spread evenly over [0, 1]. The result is 0 when no threshold qualifies.
    """

    #: The name of the constrained rate, which is also the argument that gives its value.
    constraint: str
    #: The name of the rate whose maximum is the result.
    dependent: str

    def __init__(
        self,
        value: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        if value < 0 or value > 1:
            raise ValueError(
                f"Argument `{self.constraint}` must be in the range [0, 1]. "
                f"Received: {self.constraint}={value}"
            )
        if num_thresholds <= 0:
            raise ValueError(
                "Argument `num_thresholds` must be an integer > 0. "
                f"Received: num_thresholds={num_thresholds}"
            )
        super().__init__(name=name, dtype=dtype)
        self._direction = "up"
        self.value = value
        self.num_thresholds = num_thresholds
        self.class_id = class_id
        if num_thresholds == 1:
            self.thresholds = [0.5]
        else:
            self.thresholds = [i / (num_thresholds - 1) for i in range(num_thresholds)]
        self.true_positives = self._add_counts("true_positives")
        self.false_positives = self._add_counts("false_positives")
        self.true_negatives = self._add_counts("true_negatives")
        self.false_negatives = self._add_counts("false_negatives")

    def _add_counts(self, name: str) -> Any:
        return self.add_variable((len(self.thresholds),), "zeros", dtype=self.dtype, name=name)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add the counts of a batch."""
        update_confusion_matrix_variables(
            {cell: getattr(self, cell.name.lower()) for cell in ConfusionMatrix},
            y_true,
            y_pred,
            thresholds=self.thresholds,
            thresholds_distributed_evenly=self.num_thresholds > 1,
            class_id=self.class_id,
            sample_weight=sample_weight,
        )

    def _rate(self, name: str) -> Tensor:
        tp, fp = self.true_positives, self.false_positives
        tn, fn = self.true_negatives, self.false_negatives
        part, rest = {
            "sensitivity": (tp, fn),
            "recall": (tp, fn),
            "specificity": (tn, fp),
            "precision": (tp, fp),
        }[name]
        return ops.divide_no_nan(part, part + rest)

    def result(self) -> Tensor:
        """Return the largest dependent rate under the constraint."""
        feasible = ops.greater_equal(self._rate(self.constraint), self.value)
        return ops.max(self._rate(self.dependent) * ops.cast(feasible, self.dtype))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild this metric."""
        return {
            **super().get_config(),
            "num_thresholds": self.num_thresholds,
            "class_id": self.class_id,
            self.constraint: self.value,
        }


class SensitivityAtSpecificity(RateAtRate):
    """``max tp / (tp + fn)`` where ``tn / (tn + fp) >= specificity``.

    Parameters
    ----------
    specificity : float
        In [0, 1].
    num_thresholds : int
        How many thresholds are tried.
    class_id : int, optional
        Only this class counts.
    name, dtype : str, optional
        As in :class:`Metric`.

    Examples
    --------
    >>> from chainrule import metrics
    >>> metric = metrics.SensitivityAtSpecificity(0.5)
    >>> float(metric([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8]))
    0.5
    """

    constraint, dependent = "specificity", "sensitivity"

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        super().__init__(specificity, num_thresholds, class_id, name, dtype)
        self.specificity = specificity


class SpecificityAtSensitivity(RateAtRate):
    """``max tn / (tn + fp)`` where ``tp / (tp + fn) >= sensitivity``.

    Parameters
    ----------
    sensitivity : float
        In [0, 1].
    num_thresholds : int
        As in :class:`SensitivityAtSpecificity`.
    class_id : int, optional
        As in :class:`SensitivityAtSpecificity`.
    name, dtype : str, optional
        As in :class:`SensitivityAtSpecificity`.
    """

    constraint, dependent = "sensitivity", "specificity"

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)
        self.sensitivity = sensitivity


class PrecisionAtRecall(RateAtRate):
    """``max tp / (tp + fp)`` where ``tp / (tp + fn) >= recall``.

    Parameters
    ----------
    recall : float
        In [0, 1].
    num_thresholds : int
        As in :class:`SensitivityAtSpecificity`.
    class_id : int, optional
        As in :class:`SensitivityAtSpecificity`.
    name, dtype : str, optional
        As in :class:`SensitivityAtSpecificity`.
    """

    constraint, dependent = "recall", "precision"

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        super().__init__(recall, num_thresholds, class_id, name, dtype)
        self.recall = recall


class RecallAtPrecision(RateAtRate):
    """``max tp / (tp + fn)`` where ``tp / (tp + fp) >= precision``.

    Parameters
    ----------
    precision : float
        In [0, 1].
    num_thresholds : int
        As in :class:`SensitivityAtSpecificity`.
    class_id : int, optional
        As in :class:`SensitivityAtSpecificity`.
    name, dtype : str, optional
        As in :class:`SensitivityAtSpecificity`.
    """

    constraint, dependent = "precision", "recall"

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        super().__init__(precision, num_thresholds, class_id, name, dtype)
        self.precision = precision
