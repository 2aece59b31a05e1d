"""The coefficient of determination."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from chainrule import ops
from chainrule.losses.regression import same_rank_and_dtype
from chainrule.metrics.metric import Metric, Tensor
from chainrule.tracing.policies import DTypePolicy

AGGREGATIONS = (None, "uniform_average", "variance_weighted_average")


class R2Score(Metric):
    """``1 - sum((y_true - y_pred)**2) / sum((y_true - mean(y_true))**2)`` per output.

    Parameters
    ----------
    class_aggregation : {"uniform_average", "variance_weighted_average", None}
        The mean over outputs, their mean weighted by the variance of the targets, or all scores.
    num_regressors : int
        ``p``: with n observations the score becomes ``1 - (1 - R2)(n - 1) / (n - p - 1)``; it
        stays unadjusted while ``p >= n - 1``.
    name, dtype : str, optional
        As in :class:`Metric`.

    Raises
    ------
    ValueError
        For an unknown aggregation, a negative ``num_regressors``, or inputs that are not
        (batch, outputs).

    Source: S. Wright, Correlation and Causation, J. Agric. Res. 20 (1921); the adjustment,
    M. Ezekiel, Methods of Correlation Analysis (1930).

    Examples
    --------
    >>> from chainrule import metrics
    >>> round(float(metrics.R2Score()([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]])), 4)
    0.5714
    """

    _one_shape = True

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self._direction = "up"
        if class_aggregation not in AGGREGATIONS:
            raise ValueError(
                "Invalid value for argument `class_aggregation`. "
                f"Expected one of {AGGREGATIONS}. Received: class_aggregation={class_aggregation}"
            )
        if num_regressors < 0:
            raise ValueError(
                "Invalid value for argument `num_regressors`. "
                f"Expected a value >= 0. Received: num_regressors={num_regressors}"
            )
        self.class_aggregation = class_aggregation
        self.num_regressors = num_regressors
        self.num_samples = self.add_variable((), "zeros", dtype=self.dtype, name="num_samples")

    def _build(self, y_true_shape: Any, y_pred_shape: Any) -> None:
        if len(y_pred_shape) != 2 or len(y_true_shape) != 2 or y_pred_shape[-1] is None:
            raise ValueError(
                "R2Score expects 2D inputs with shape (batch_size, output_dim). Received: "
                f"y_pred.shape={tuple(y_pred_shape)} and y_true.shape={tuple(y_true_shape)}."
            )
        self.squared_sum = self._add_sums("squared_sum", y_pred_shape[-1])
        self.sum = self._add_sums("sum", y_pred_shape[-1])
        self.total_mse = self._add_sums("residual", y_pred_shape[-1])
        self.count = self._add_sums("count", y_pred_shape[-1])

    def _add_sums(self, name: str, outputs: int) -> Any:
        return self.add_variable((outputs,), "zeros", dtype=self.dtype, name=name)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add the sums of a batch (batch, outputs)."""
        y_pred = ops.convert_to_tensor(y_pred, dtype=self.dtype)
        y_true, y_pred = same_rank_and_dtype(y_true, y_pred)
        self._ensure_built(y_true.shape, y_pred.shape)
        weight = ops.convert_to_tensor(1 if sample_weight is None else sample_weight, self.dtype)
        if len(weight.shape) == 1:
            weight = ops.expand_dims(weight, axis=1)
        weight = ops.broadcast_to(weight, y_true.shape)
        weighted = y_true * weight
        residual = ops.sum(ops.square(y_true - y_pred) * weight, axis=0)
        self.sum.assign(self.sum + ops.sum(weighted, axis=0))
        self.squared_sum.assign(self.squared_sum + ops.sum(y_true * weighted, axis=0))
        self.total_mse.assign(self.total_mse + residual)
        self.count.assign(self.count + ops.sum(weight, axis=0))
        self.num_samples.assign(self.num_samples + float(math.prod(y_true.shape)))

    def result(self) -> Tensor:
        """Return the score or scores so far."""
        mean = self.sum / self.count
        total = self.squared_sum - self.sum * mean
        scores = 1.0 - self.total_mse / total
        scores = ops.where(ops.isinf(scores), ops.zeros_like(scores), scores)
        if self.class_aggregation == "uniform_average":
            scores = ops.mean(scores)
        elif self.class_aggregation == "variance_weighted_average":
            scores = ops.divide(ops.sum(total * scores), ops.sum(total))
        return self._adjusted(scores) if self.num_regressors else scores

    def _adjusted(self, score: Tensor) -> Tensor:
        n, p = ops.convert_to_tensor(self.num_samples), float(self.num_regressors)
        if isinstance(n, np.ndarray) and p >= n - 1:
            warnings.warn(
                f"{self.name}: {self.num_regressors} regressors for {int(n)} values: the score "
                "is not adjusted.",
                stacklevel=3,
            )
        freedom = ops.subtract(ops.subtract(n, p), 1.0)
        enough = ops.greater(freedom, 0.0)
        freedom = ops.where(enough, freedom, ops.ones_like(freedom))
        rest = ops.multiply(ops.subtract(1.0, score), ops.subtract(n, 1.0))
        return ops.where(enough, ops.subtract(1.0, ops.divide(rest, freedom)), score)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild this metric."""
        return {
            **super().get_config(),
            "class_aggregation": self.class_aggregation,
            "num_regressors": self.num_regressors,
        }
