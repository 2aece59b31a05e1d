"""Correlation of predictions and targets."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.base import config as backend_config
from chainrule.losses.regression import same_rank_and_dtype
from chainrule.metrics.metric import Tensor
from chainrule.metrics.reduction import FunctionMetric
from chainrule.tracing.policies import DTypePolicy

Axes = int | tuple[int, ...] | list[int]


def pearson_correlation(y_true: Any, y_pred: Any, axis: Axes = -1) -> Tensor:
    """``mean((t - mean t)(p - mean p)) / (std t std p)`` along ``axis``.

    A constant vector has no correlation: NaN.

    Source: K. Pearson, Note on Regression and Inheritance in the Case of Two Parents, Proc. R.
    Soc. Lond. 58 (1895).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import metrics
    >>> np.round(metrics.pearson_correlation([[0.0, 1.0, 0.5]], [[0.1, 0.9, 0.5]]), 4)
    array([1.], dtype=float32)
    """
    y_true, y_pred = same_rank_and_dtype(y_true, y_pred)
    true = y_true - ops.mean(y_true, axis=axis, keepdims=True)
    pred = y_pred - ops.mean(y_pred, axis=axis, keepdims=True)
    true = true / ops.std(true, axis=axis, keepdims=True)
    pred = pred / ops.std(pred, axis=axis, keepdims=True)
    return ops.mean(true * pred, axis=axis)


def concordance_correlation(y_true: Any, y_pred: Any, axis: Axes = -1) -> Tensor:
    """``2 cov(t, p) / (var t + var p + (mean t - mean p)**2 + epsilon)`` along ``axis``.

    Source: L. I.-K. Lin, A Concordance Correlation Coefficient to Evaluate Reproducibility,
    Biometrics 45 (1989).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import metrics
    >>> np.round(metrics.concordance_correlation([[0.0, 1.0, 0.5]], [[0.1, 0.9, 0.5]]), 4)
    array([0.9756], dtype=float32)
    """
    y_true, y_pred = same_rank_and_dtype(y_true, y_pred)
    true_mean = ops.mean(y_true, axis=axis, keepdims=True)
    pred_mean = ops.mean(y_pred, axis=axis, keepdims=True)
    true_var = ops.var(y_true, axis=axis, keepdims=True)
    pred_var = ops.var(y_pred, axis=axis, keepdims=True)
    covariance = (y_true - true_mean) * (y_pred - pred_mean)
    scale = true_var + pred_var + ops.square(true_mean - pred_mean) + backend_config.epsilon()
    return ops.mean(2.0 * covariance / scale, axis=axis)


class PearsonCorrelation(FunctionMetric):
    """The mean over samples of their Pearson coefficient; see :func:`pearson_correlation`.

    Parameters
    ----------
    name, dtype : str, optional
        As in :class:`Metric`.
    axis : int or tuple of int
        Along which samples vary.
    """

    def __init__(
        self,
        name: str | None = "pearson_correlation",
        dtype: str | DTypePolicy | None = None,
        axis: Axes = -1,
    ) -> None:
        super().__init__(pearson_correlation, name=name, dtype=dtype, axis=axis)
        self.axis = axis
        self._direction = "up"


class ConcordanceCorrelation(FunctionMetric):
    """The mean over samples of their concordance; see :func:`concordance_correlation`.

    Parameters
    ----------
    name, dtype : str, optional
        As in :class:`Metric`.
    axis : int or tuple of int
        Along which samples vary.
    """

    def __init__(
        self,
        name: str | None = "concordance_correlation",
        dtype: str | DTypePolicy | None = None,
        axis: Axes = -1,
    ) -> None:
        super().__init__(concordance_correlation, name=name, dtype=dtype, axis=axis)
        self.axis = axis
        self._direction = "up"
