"""F-scores: means of precision and recall per class."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.base import config as backend_config
from chainrule.metrics.metric import Metric, Tensor
from chainrule.tracing.policies import DTypePolicy

AVERAGES = (None, "micro", "macro", "weighted")


class FBetaScore(Metric):
    """``(1 + b) precision recall / (b precision + recall)``, ``b = beta**2``, per class.

    Parameters
    ----------
    average : {None, "micro", "macro", "weighted"}
        ``None`` gives one score per class, ``macro`` their mean, ``weighted`` their mean weighted
        by the number of true samples, ``micro`` one score of the counts over all classes.
    beta : float
        How much recall counts beside precision.
    threshold : float, optional
        In (0, 1]: predictions above it are positive. Without it the largest prediction of a
        sample is.
    name, dtype : str, optional
        As in :class:`Metric`.

    Raises
    ------
    ValueError
        For an unknown average, a beta or threshold that is not a float in its range, or inputs
        that are not (batch, classes).

    Source: C. J. van Rijsbergen, Information Retrieval, 2nd ed. (1979), chapter 7.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import metrics
    >>> metric = metrics.FBetaScore(beta=2.0, threshold=0.5)
    >>> y_true = np.array([[1, 1, 1], [1, 0, 0], [1, 1, 0]])
    >>> y_pred = np.array([[0.2, 0.6, 0.7], [0.2, 0.6, 0.6], [0.6, 0.8, 0.0]])
    >>> np.round(metric(y_true, y_pred), 4)
    array([0.3846, 0.9091, 0.8333], dtype=float32)
    """

    _one_shape = True

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self._direction = "up"
        if average not in AVERAGES:
            raise ValueError(
                "Invalid `average` argument value. Expected one of: "
                f"{{None, 'micro', 'macro', 'weighted'}}. Received: average={average}"
            )
        if not isinstance(beta, float):
            raise ValueError(
                "Invalid `beta` argument value. It should be a Python float. "
                f"Received: beta={beta} of type '{type(beta)}'"
            )
        if beta <= 0.0:
            raise ValueError(
                f"Invalid `beta` argument value. It should be > 0. Received: beta={beta}"
            )
        if threshold is not None and not isinstance(threshold, float):
            raise ValueError(
                "Invalid `threshold` argument value. It should be a Python float. "
                f"Received: threshold={threshold} of type '{type(threshold)}'"
            )
        if threshold is not None and not 0.0 < threshold <= 1.0:
            raise ValueError(
                "Invalid `threshold` argument value. It should verify 0 < threshold <= 1. "
                f"Received: threshold={threshold}"
            )
        self.average = average
        self.beta = beta
        self.threshold = threshold
        self.axis = None if average == "micro" else 0

    def _build(self, y_true_shape: Any, y_pred_shape: Any) -> None:
        received = (
            f"Received input shapes: y_pred.shape={tuple(y_pred_shape)} and "
            f"y_true.shape={tuple(y_true_shape)}."
        )
        if len(y_pred_shape) != 2 or len(y_true_shape) != 2:
            raise ValueError(
                f"FBetaScore expects 2D inputs with shape (batch_size, output_dim). {received}"
            )
        if y_pred_shape[-1] is None or y_true_shape[-1] is None:
            raise ValueError(
                "FBetaScore expects 2D inputs with shape (batch_size, output_dim), with "
                f"output_dim fully defined (not None). {received}"
            )
        shape = () if self.average == "micro" else (y_pred_shape[-1],)
        self.true_positives = self._add_counts("true_positives", shape)
        self.false_positives = self._add_counts("false_positives", shape)
        self.false_negatives = self._add_counts("false_negatives", shape)
        self.intermediate_weights = self._add_counts("intermediate_weights", shape)

    def _add_counts(self, name: str, shape: tuple[int, ...]) -> Any:
        return self.add_variable(shape, "zeros", dtype=self.dtype, name=name)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add the counts of a batch (batch, classes); weights are per sample (batch)."""
        y_true = ops.convert_to_tensor(y_true, dtype=self.dtype)
        y_pred = ops.convert_to_tensor(y_pred, dtype=self.dtype)
        self._ensure_built(y_true.shape, y_pred.shape)
        if self.threshold is None:
            # A sample of zeros has no positive prediction.
            largest = ops.greater_equal(y_pred, ops.max(y_pred, axis=-1, keepdims=True))
            positive = ops.logical_and(largest, ops.greater(ops.abs(y_pred), 1e-9))
        else:
            positive = ops.greater(y_pred, self.threshold)
        predicted = ops.cast(positive, self.dtype)
        if sample_weight is not None:
            sample_weight = ops.convert_to_tensor(sample_weight, dtype=self.dtype)
            sample_weight = ops.expand_dims(sample_weight, axis=1)

        def count(values: Tensor) -> Tensor:
            if sample_weight is not None:
                values = values * sample_weight
            return ops.sum(values, axis=self.axis)

        tp = count(predicted * y_true)
        fp = count(predicted * (1.0 - y_true))
        fn = count((1.0 - predicted) * y_true)
        self.true_positives.assign(self.true_positives + tp)
        self.false_positives.assign(self.false_positives + fp)
        self.false_negatives.assign(self.false_negatives + fn)
        self.intermediate_weights.assign(self.intermediate_weights + count(y_true))

    def result(self) -> Tensor:
        """Return the scores (classes), or their average."""
        epsilon = backend_config.epsilon()
        tp = self.true_positives
        precision = ops.divide(tp, ops.add(tp + self.false_positives, epsilon))
        recall = ops.divide(tp, ops.add(tp + self.false_negatives, epsilon))
        square = self.beta**2
        total = ops.add(ops.multiply(precision, square), recall)
        score = ops.divide(ops.multiply(precision, recall), ops.add(total, epsilon))
        score = ops.multiply(score, 1.0 + square)
        if self.average == "weighted":
            weights = self.intermediate_weights
            return ops.sum(score * ops.divide(weights, ops.add(ops.sum(weights), epsilon)))
        return score if self.average is None else ops.mean(score)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild this metric."""
        return {
            **super().get_config(),
            "average": self.average,
            "beta": self.beta,
            "threshold": self.threshold,
        }


class F1Score(FBetaScore):
    """``2 precision recall / (precision + recall)`` per class: :class:`FBetaScore`, beta 1.

    Parameters
    ----------
    average : str, optional
        As in :class:`FBetaScore`.
    threshold : float, optional
        As in :class:`FBetaScore`.
    name, dtype : str, optional
        As in :class:`FBetaScore`.
    """

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        super().__init__(average=average, beta=1.0, threshold=threshold, name=name, dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild this metric."""
        config = super().get_config()
        del config["beta"]
        return config
