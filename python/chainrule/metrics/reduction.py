"""Sum and mean over a stream of batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule import losses, ops
from chainrule.base import config as backend_config
from chainrule.base import serialization
from chainrule.losses.loss import apply_mask, squeeze_or_expand_to_same_rank
from chainrule.metrics.metric import Metric, Tensor
from chainrule.tracing.masking import get_keras_mask
from chainrule.tracing.policies import DTypePolicy


def reduce_to_samplewise_values(
    values: Any, sample_weight: Any, reduce_fn: Callable[..., Tensor], dtype: Any
) -> tuple[Tensor, Tensor | None]:
    """Weight the values and reduce all axes but the first; the weights are reduced the same way."""
    dtype = dtype or backend_config.floatx()
    mask = get_keras_mask(values)
    values = ops.convert_to_tensor(values, dtype=dtype)
    if sample_weight is not None:
        sample_weight = apply_mask(sample_weight, mask, dtype=dtype, reduction="sum")
        values, sample_weight = squeeze_or_expand_to_same_rank(values, sample_weight)
        weight_rank = len(sample_weight.shape)
        if len(values.shape) > weight_rank:
            values = reduce_fn(values, axis=list(range(weight_rank, len(values.shape))))
        sample_weight = ops.broadcast_to(sample_weight, values.shape)
        values = values * sample_weight
        if weight_rank > 1:
            sample_weight = reduce_fn(sample_weight, axis=list(range(1, weight_rank)))
    if len(values.shape) > 1:
        values = reduce_fn(values, axis=list(range(1, len(values.shape))))
    return values, sample_weight


class Sum(Metric):
    """``sum(weight * values)`` over all batches.

    Parameters
    ----------
    name, dtype : str, optional
        As in :class:`Metric`.

    Examples
    --------
    >>> from chainrule import metrics
    >>> metric = metrics.Sum()
    >>> metric.update_state([1, 3, 5, 7], sample_weight=[1, 1, 0, 0])
    >>> float(metric.result())
    4.0
    """

    def __init__(self, name: str | None = "sum", dtype: str | DTypePolicy | None = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), "zeros", dtype=self.dtype, name="total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Add the sum of a batch."""
        values, _ = reduce_to_samplewise_values(values, sample_weight, ops.sum, self.dtype)
        self.total.assign(self.total + ops.sum(values))

    def result(self) -> Tensor:
        """Return the sum so far."""
        return ops.cast(self.total, self.dtype)


class Mean(Metric):
    """``sum(weight * values) / sum(weight)`` over all batches; 0 before the first.

    Values of rank above one are first averaged over all axes but the first.

    Parameters
    ----------
    name, dtype : str, optional
        As in :class:`Metric`.

    Examples
    --------
    >>> from chainrule import metrics
    >>> metric = metrics.Mean()
    >>> metric.update_state([1, 3, 5, 7])
    >>> float(metric.result())
    4.0
    """

    def __init__(self, name: str | None = "mean", dtype: str | DTypePolicy | None = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), "zeros", dtype=self.dtype, name="total")
        self.count = self.add_variable((), "zeros", dtype=self.dtype, name="count")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Add the weighted values of a batch and their weights."""
        values, sample_weight = reduce_to_samplewise_values(
            values, sample_weight, ops.mean, self.dtype
        )
        self.total.assign(self.total + ops.sum(values))
        if sample_weight is not None:
            count = ops.sum(sample_weight)
        else:
            count = ops.cast(values.shape[0] if len(values.shape) else 1, self.dtype)
        self.count.assign(self.count + count)

    def result(self) -> Tensor:
        """Return the mean so far."""
        return ops.divide_no_nan(self.total, self.count)


class MeanMetricWrapper(Mean):
    """The mean of ``fn(y_true, y_pred, **kwargs)``, a value per sample, over all batches.

    Parameters
    ----------
    fn : callable
        Written with ``chainrule.ops``.
    name, dtype : str, optional
        As in :class:`Metric`.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import metrics
    >>> metric = metrics.MeanMetricWrapper(lambda t, p: (t - p) ** 2, name="squares")
    >>> float(metric(np.array([[0.0], [1.0]]), np.array([[1.0], [3.0]])))
    2.5
    """

    def __init__(
        self,
        fn: Callable[..., Tensor],
        name: str | None = None,
        dtype: str | DTypePolicy | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self._fn = fn
        self._fn_kwargs = kwargs
        if fn in losses.ALL_OBJECTS or type(fn) in losses.ALL_OBJECTS:
            self._direction = "down"

    def update_state(  # type: ignore[override]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        """Add the values of a batch; the mask of ``y_pred`` weights them too."""
        mask = get_keras_mask(y_pred)
        values = self._fn(y_true, y_pred, **self._fn_kwargs)
        weight = apply_mask(sample_weight, mask, dtype=self.dtype, reduction="sum")
        super().update_state(values, sample_weight=weight)

    def get_config(self) -> dict[str, Any]:
        """Return the base configuration with the function and its arguments serialized."""
        config = super().get_config()
        config["fn"] = serialization.serialize_keras_object(self._fn)
        config.update(serialization.serialize_keras_object(self._fn_kwargs))
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Metric:
        """Build a metric from the result of ``get_config``."""
        if "fn" in config:
            config = serialization.deserialize_keras_object(config)
        return cls(**config)


class FunctionMetric(MeanMetricWrapper):
    """A named mean: its configuration is the base one and the arguments of its function."""

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild this metric."""
        return {**Metric.get_config(self), **self._fn_kwargs}
