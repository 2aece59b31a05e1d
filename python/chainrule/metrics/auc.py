"""The area under a curve of rates over thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule import ops
from chainrule.base import config as backend_config
from chainrule.metrics.metric import Metric, Tensor
from chainrule.metrics.thresholds import (
    AUCCurve,
    AUCSummationMethod,
    ConfusionMatrix,
    is_evenly_distributed_thresholds,
    update_confusion_matrix_variables,
)
from chainrule.tracing.policies import DTypePolicy


class AUC(Metric):
    """``sum((x[t] - x[t+1]) height[t])`` over thresholds: the area under the ROC or PR curve.

    ROC: x = false positive rate, y = recall. PR: x = recall, y = precision. PRGAIN: recall and
    precision gain. Counts are kept per threshold, so the error falls with ``num_thresholds``.

    Parameters
    ----------
    num_thresholds : int
        Spread evenly over [0, 1].
    curve : {"ROC", "PR", "PRGAIN"}
    summation_method : {"interpolation", "minoring", "majoring"}
        The height of each rectangle: the mean, the least or the largest of its two ends. PR with
        interpolation follows Davis and Goadrich instead.
    name, dtype : str, optional
        As in :class:`Metric`.
    thresholds : sequence of float, optional
        Used in place of even thresholds; 0 and 1 are added at the ends.
    multi_label : bool
        The last axis holds labels: their areas are computed apart and averaged.
    num_labels : int, optional
        With ``multi_label``, makes the variables at once and not at the first update.
    label_weights : sequence of float, optional
        Weights of that average; without ``multi_label``, of each label's counts.
    from_logits : bool
        Scores are logits: a sigmoid is applied first.

    Raises
    ------
    ValueError
        For an unknown curve or method, fewer than two thresholds, or ``num_labels`` without
        ``multi_label``.

    Sources: J. A. Hanley, B. J. McNeil, The Meaning and Use of the Area under a ROC Curve,
    Radiology 143 (1982); J. Davis, M. Goadrich, The Relationship Between Precision-Recall and ROC
    Curves, ICML 2006; P. Flach, M. Kull, Precision-Recall-Gain Curves, NeurIPS 2015.

    Examples
    --------
    >>> from chainrule import metrics
    >>> round(float(metrics.AUC(num_thresholds=3)([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9])), 6)
    0.75
    """

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str | AUCCurve = "ROC",
        summation_method: str | AUCSummationMethod = "interpolation",
        name: str | None = None,
        dtype: str | DTypePolicy | None = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Any = None,
        from_logits: bool = False,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self._direction = "up"
        self.curve = curve if isinstance(curve, AUCCurve) else AUCCurve.from_str(curve)
        if not isinstance(summation_method, AUCSummationMethod):
            summation_method = AUCSummationMethod.from_str(summation_method)
        self.summation_method = summation_method
        self._init_from_thresholds = thresholds is not None
        if thresholds is not None:
            inner = sorted(float(t) for t in thresholds)
            even = is_evenly_distributed_thresholds([0.0, *inner, 1.0])
        else:
            if num_thresholds <= 1:
                raise ValueError(
                    "Argument `num_thresholds` must be an integer > 1. "
                    f"Received: num_thresholds={num_thresholds}"
                )
            inner = [i / (num_thresholds - 1) for i in range(1, num_thresholds - 1)]
            even = True
        self._thresholds_distributed_evenly = even
        self.num_thresholds = len(inner) + 2
        # The end points lie outside [0, 1], so that scores of exactly 0 and 1 fall inside.
        epsilon = backend_config.epsilon()
        self._thresholds = np.array([0.0 - epsilon, *inner, 1.0 + epsilon])

        self.multi_label = multi_label
        self.num_labels = num_labels
        self.label_weights = None
        if label_weights is not None:
            self.label_weights = ops.convert_to_tensor(label_weights, dtype=self.dtype)
        self._from_logits = from_logits
        if multi_label and num_labels:
            self._ensure_built((None, num_labels))
        elif num_labels:
            raise ValueError("`num_labels` is needed only when `multi_label` is True.")
        elif not multi_label:
            self._ensure_built(None)

    @property
    def thresholds(self) -> list[float]:
        """The thresholds, both end points included."""
        return [float(t) for t in self._thresholds]

    def _build(self, shape: Any) -> None:
        counts: tuple[int, ...] = (self.num_thresholds,)
        if self.multi_label:
            if len(shape) != 2:
                raise ValueError(
                    "`y_pred` must have rank 2 when `multi_label=True`. "
                    f"Found rank {len(shape)}. Full shape received for `y_pred`: {tuple(shape)}"
                )
            self._num_labels = int(shape[1])
            counts = (self.num_thresholds, self._num_labels)
        self.true_positives = self._add_counts("true_positives", counts)
        self.false_positives = self._add_counts("false_positives", counts)
        self.true_negatives = self._add_counts("true_negatives", counts)
        self.false_negatives = self._add_counts("false_negatives", counts)

    def _add_counts(self, name: str, shape: tuple[int, ...]) -> Any:
        return self.add_variable(shape, "zeros", dtype=self.dtype, name=name)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add the counts of a batch."""
        y_pred = ops.convert_to_tensor(y_pred)
        self._ensure_built(y_pred.shape)
        if self._from_logits:
            y_pred = ops.sigmoid(y_pred)
        update_confusion_matrix_variables(
            {cell: getattr(self, cell.name.lower()) for cell in ConfusionMatrix},
            y_true,
            y_pred,
            self._thresholds,
            thresholds_distributed_evenly=self._thresholds_distributed_evenly,
            sample_weight=sample_weight,
            multi_label=self.multi_label,
            label_weights=None if self.multi_label else self.label_weights,
        )

    def _curve_points(self) -> tuple[Tensor, Tensor]:
        """Return x and y of the curve at each threshold."""
        tp, fp = self.true_positives, self.false_positives
        tn, fn = self.true_negatives, self.false_negatives
        if self.curve == AUCCurve.PRGAIN:
            # Without true positives the gains diverge: recall gain 0, precision gain 1. A recall
            # below the share of positives has negative gain: 0.
            ratio = ops.divide_no_nan(tp + fn, tn + fp)
            none = ops.equal(tp, 0.0)
            recall_gain = 1.0 - ratio * ops.divide_no_nan(fn, tp)
            precision_gain = 1.0 - ratio * ops.divide_no_nan(fp, tp)
            recall_gain = ops.where(none, ops.zeros_like(recall_gain), recall_gain)
            precision_gain = ops.where(none, ops.ones_like(precision_gain), precision_gain)
            return ops.maximum(recall_gain, 0.0), precision_gain
        recall = ops.divide_no_nan(tp, tp + fn)
        if self.curve == AUCCurve.PR:
            return recall, ops.divide_no_nan(tp, tp + fp)
        return ops.divide_no_nan(fp, fp + tn), recall

    def interpolate_pr_auc(self) -> Tensor:
        """``sum(slope (dTP + intercept log(P_a / P_b)) / (TP + FN))``.

        Between two thresholds TP and P = TP + FP are taken as linear in each other:
        ``TP = slope P + intercept``. Then precision ``TP / P = slope + intercept / P``, and its
        integral over recall is the term above (Davis and Goadrich 2006, section 4). Where no
        score is positive at the upper threshold, precision is the constant ``slope``.
        """
        tp = ops.convert_to_tensor(self.true_positives)
        p = ops.add(self.true_positives, self.false_positives)
        fn = ops.convert_to_tensor(self.false_negatives)
        dtp = tp[:-1] - tp[1:]
        slope = ops.divide_no_nan(dtp, ops.maximum(p[:-1] - p[1:], 0.0))
        intercept = tp[1:] - slope * p[1:]
        both = ops.logical_and(ops.greater(p[:-1], 0.0), ops.greater(p[1:], 0.0))
        ratio = ops.divide_no_nan(p[:-1], ops.maximum(p[1:], 0.0))
        ratio = ops.where(both, ratio, ops.ones_like(ratio))
        area = slope * (dtp + intercept * ops.log(ratio))
        return self._total(ops.divide_no_nan(area, ops.maximum(tp[1:] + fn[1:], 0.0)))

    def result(self) -> Tensor:
        """Return the area so far."""
        interpolated = self.summation_method == AUCSummationMethod.INTERPOLATION
        if self.curve == AUCCurve.PR and interpolated:
            return self.interpolate_pr_auc()
        x, y = self._curve_points()
        if interpolated:
            heights = (y[:-1] + y[1:]) / 2.0
        elif self.summation_method == AUCSummationMethod.MINORING:
            heights = ops.minimum(y[:-1], y[1:])
        else:
            heights = ops.maximum(y[:-1], y[1:])
        return self._total((x[:-1] - x[1:]) * heights)

    def _total(self, terms: Tensor) -> Tensor:
        """Sum over thresholds, then average over labels."""
        if not self.multi_label:
            return ops.sum(terms)
        by_label = ops.sum(terms, axis=0)
        if self.label_weights is None:
            return ops.mean(by_label)
        weighted = ops.sum(by_label * self.label_weights)
        return ops.divide_no_nan(weighted, ops.sum(self.label_weights))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild this metric."""
        config = {
            **super().get_config(),
            "num_thresholds": self.num_thresholds,
            "curve": self.curve.value,
            "summation_method": self.summation_method.value,
            "multi_label": self.multi_label,
            "num_labels": self.num_labels,
            "label_weights": None if self.label_weights is None else self.label_weights.tolist(),
            "from_logits": self._from_logits,
        }
        if self._init_from_thresholds:
            config["thresholds"] = self.thresholds[1:-1]
        return config
