"""Means of regression errors."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.losses.regression import (
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    same_rank_and_dtype,
    unit_vectors,
)
from chainrule.metrics.metric import Tensor
from chainrule.metrics.reduction import FunctionMetric, Mean
from chainrule.tracing.policies import DTypePolicy


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """``sum(l2(y_true) l2(y_pred))`` along ``axis``: 1 for the same direction, -1 for opposite."""
    y_true, y_pred = same_rank_and_dtype(y_true, y_pred)
    return ops.sum(unit_vectors(y_true, axis) * unit_vectors(y_pred, axis), axis=axis)


class MeanSquaredError(FunctionMetric):
    """``mean((y_true - y_pred)**2)``; see :func:`losses.mean_squared_error`.

    Parameters
    ----------
    name, dtype : str, optional
        As in :class:`Metric`.

    Examples
    --------
    >>> from chainrule import metrics
    >>> float(metrics.MeanSquaredError()([[0.0, 1.0], [0.0, 0.0]], [[1.0, 1.0], [0.0, 0.0]]))
    0.25
    """

    def __init__(
        self, name: str | None = "mean_squared_error", dtype: str | DTypePolicy | None = None
    ) -> None:
        super().__init__(mean_squared_error, name=name, dtype=dtype)


class RootMeanSquaredError(Mean):
    """``sqrt(mean((y_true - y_pred)**2))`` over all elements so far.

    Parameters
    ----------
    name, dtype : str, optional
        As in :class:`Metric`.

    Examples
    --------
    >>> from chainrule import metrics
    >>> float(metrics.RootMeanSquaredError()([[0.0, 1.0], [0.0, 0.0]], [[1.0, 1.0], [0.0, 0.0]]))
    0.5
    """

    _one_shape = True

    def __init__(
        self, name: str | None = "root_mean_squared_error", dtype: str | DTypePolicy | None = None
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self._direction = "down"

    def update_state(  # type: ignore[override]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        """Add the squared errors of a batch."""
        y_pred = ops.convert_to_tensor(y_pred, dtype=self.dtype)
        y_true, y_pred = same_rank_and_dtype(y_true, y_pred)
        super().update_state(ops.square(y_pred - y_true), sample_weight=sample_weight)

    def result(self) -> Tensor:
        """Return the root of the mean so far."""
        return ops.sqrt(super().result())


class MeanAbsoluteError(FunctionMetric):
    """``mean(|y_true - y_pred|)``; see :func:`losses.mean_absolute_error`.

    Parameters
    ----------
    name, dtype : str, optional
        As in :class:`Metric`.
    """

    def __init__(
        self, name: str | None = "mean_absolute_error", dtype: str | DTypePolicy | None = None
    ) -> None:
        super().__init__(mean_absolute_error, name=name, dtype=dtype)


class MeanAbsolutePercentageError(FunctionMetric):
    """``100 mean(|(y_true - y_pred) / y_true|)``.

    See :func:`losses.mean_absolute_percentage_error`.

    Parameters
    ----------
    name, dtype : str, optional
        As in :class:`Metric`.
    """

    def __init__(
        self,
        name: str | None = "mean_absolute_percentage_error",
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        super().__init__(mean_absolute_percentage_error, name=name, dtype=dtype)


class MeanSquaredLogarithmicError(FunctionMetric):
    """``mean((log(1 + y_pred) - log(1 + y_true))**2)``.

    See :func:`losses.mean_squared_logarithmic_error`.

    Parameters
    ----------
    name, dtype : str, optional
        As in :class:`Metric`.
    """

    def __init__(
        self,
        name: str | None = "mean_squared_logarithmic_error",
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        super().__init__(mean_squared_logarithmic_error, name=name, dtype=dtype)


class CosineSimilarity(FunctionMetric):
    """``mean(sum(l2(y_true) l2(y_pred)))``: 1 for the same direction, -1 for the opposite.

    Parameters
    ----------
    name, dtype : str, optional
        As in :class:`Metric`.
    axis : int
        The axis of the vectors.

    Examples
    --------
    >>> from chainrule import metrics
    >>> metric = metrics.CosineSimilarity()
    >>> round(float(metric([[0.0, 1.0], [1.0, 1.0]], [[1.0, 0.0], [1.0, 1.0]])), 6)
    0.5
    """

    def __init__(
        self,
        name: str | None = "cosine_similarity",
        dtype: str | DTypePolicy | None = None,
        axis: int = -1,
    ) -> None:
        super().__init__(cosine_similarity, name=name, dtype=dtype, axis=axis)
        self.axis = axis
        self._direction = "up"


class LogCoshError(FunctionMetric):
    """``mean(log(cosh(y_pred - y_true)))``; see :func:`losses.log_cosh`.

    Parameters
    ----------
    name, dtype : str, optional
        As in :class:`Metric`.
    """

    def __init__(
        self, name: str | None = "logcosh", dtype: str | DTypePolicy | None = None
    ) -> None:
        super().__init__(log_cosh, name=name, dtype=dtype)
