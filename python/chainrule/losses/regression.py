"""Losses on real-valued targets."""

from __future__ import annotations

import math
from typing import Any

from chainrule import ops
from chainrule.base import config as backend_config
from chainrule.losses.loss import (
    FunctionLoss,
    Tensor,
    squeeze_or_expand_to_same_rank,
    tensor_pair,
)
from chainrule.tracing.policies import DTypePolicy


def same_rank_and_dtype(y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
    """Convert both to tensors of ``y_pred``'s dtype and of one rank."""
    return squeeze_or_expand_to_same_rank(*tensor_pair(y_true, y_pred))


def mean_squared_error(y_true: Any, y_pred: Any) -> Tensor:
    """``mean((y_true - y_pred)**2)`` over the last axis, as Keras's `losses.mean_squared_error`.

    Derivative by `y_pred`: ``2 (y_pred - y_true) / n``.

    Parameters
    ----------
    y_true : tensor (..., n)
        Targets, cast to the dtype of `y_pred`; of its shape, up to a last axis of size 1.
    y_pred : float tensor (..., n)
        Predictions.

    Returns
    -------
    tensor (...)
        A value for each row, in the float dtype of `y_pred`.

    Raises
    ------
    ShapeError
        Shapes that do not broadcast, or scalars.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> from chainrule import losses
    >>> losses.mean_squared_error([[0.0, 1.0]], [[1.0, 1.0]])
    array([0.5], dtype=float32)
    """
    y_true, y_pred = same_rank_and_dtype(y_true, y_pred)
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Tensor:
    """``mean(|y_true - y_pred|)`` over the last axis, as Keras's `losses.mean_absolute_error`.

    Derivative by `y_pred`: ``sign(y_pred - y_true) / n``.

    Parameters
    ----------
    y_true : tensor (..., n)
        Targets, cast to the dtype of `y_pred`; of its shape, up to a last axis of size 1.
    y_pred : float tensor (..., n)
        Predictions.

    Returns
    -------
    tensor (...)
        A value for each row, in the float dtype of `y_pred`.

    Raises
    ------
    ShapeError
        Shapes that do not broadcast, or scalars.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> from chainrule import losses
    >>> losses.mean_absolute_error([[0.0, 1.0]], [[1.0, 1.0]])
    array([0.5], dtype=float32)
    """
    y_true, y_pred = same_rank_and_dtype(y_true, y_pred)
    return ops.mean(ops.abs(y_true - y_pred), axis=-1)


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Tensor:
    """``100 mean(|y_true - y_pred| / max(|y_true|, epsilon))`` over the last axis, as Keras's
    `losses.mean_absolute_percentage_error`.

    Derivative by `y_pred`: ``100 sign(y_pred - y_true) / (n max(|y_true|, epsilon))``, with epsilon
    = `config.epsilon()`.

    Parameters
    ----------
    y_true : tensor (..., n)
        Targets, cast to the dtype of `y_pred`; of its shape, up to a last axis of size 1.
    y_pred : float tensor (..., n)
        Predictions.

    Returns
    -------
    tensor (...)
        A value for each row, in the float dtype of `y_pred`.

    Raises
    ------
    ShapeError
        Shapes that do not broadcast, or scalars.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> from chainrule import losses
    >>> losses.mean_absolute_percentage_error([[2.0, 4.0]], [[1.0, 4.0]])
    array([25.], dtype=float32)
    """
    y_true, y_pred = same_rank_and_dtype(y_true, y_pred)
    scale = ops.maximum(ops.abs(y_true), backend_config.epsilon())
    return ops.multiply(ops.mean(ops.abs((y_true - y_pred) / scale), axis=-1), 100.0)


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Tensor:
    """``mean((log(1 + max(y_pred, eps)) - log(1 + max(y_true, eps)))**2)`` over the last axis, as
    Keras's `losses.mean_squared_logarithmic_error`.

    Parameters
    ----------
    y_true : tensor (..., n)
        Targets, cast to the dtype of `y_pred`; of its shape, up to a last axis of size 1.
    y_pred : float tensor (..., n)
        Predictions.

    Returns
    -------
    tensor (...)
        A value for each row, in the float dtype of `y_pred`.

    Raises
    ------
    ShapeError
        Shapes that do not broadcast, or scalars.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import losses
    >>> np.round(losses.mean_squared_logarithmic_error([[0.0, 1.0]], [[1.0, 1.0]]), 4)
    array([0.2402], dtype=float32)
    """
    y_true, y_pred = same_rank_and_dtype(y_true, y_pred)
    epsilon = backend_config.epsilon()
    log_pred = ops.log(ops.maximum(y_pred, epsilon) + 1.0)
    log_true = ops.log(ops.maximum(y_true, epsilon) + 1.0)
    return ops.mean(ops.square(log_pred - log_true), axis=-1)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Tensor:
    """``mean(e**2 / 2 if |e| <= delta else delta |e| - delta**2 / 2)``, ``e = y_pred - y_true``.

    Derivative by `y_pred`: ``clip(e, -delta, delta) / n``.

    Parameters
    ----------
    y_true : tensor (..., n)
        Targets, cast to the dtype of `y_pred`; of its shape, up to a last axis of size 1.
    y_pred : float tensor (..., n)
        Predictions.
    delta : float
        The error at which the loss turns from quadratic to linear, above 0. Default 1.0.

    Returns
    -------
    tensor (...)
        A value for each row, in the float dtype of `y_pred`.

    Raises
    ------
    ShapeError
        Shapes that do not broadcast, or scalars.
    DTypeError
        An argument that holds no numbers.

    References
    ----------
    P. J. Huber, Robust Estimation of a Location Parameter, Ann. Math. Statist. 35 (1964).

    Examples
    --------
    >>> from chainrule import losses
    >>> losses.huber([[0.0, 0.0]], [[1.0, 3.0]])
    array([1.5], dtype=float32)
    """
    y_true, y_pred = same_rank_and_dtype(y_true, y_pred)
    error = y_pred - y_true
    size = ops.abs(error)
    near = size <= delta
    inside = 0.5 * ops.square(ops.where(near, error, ops.zeros_like(error)))
    outside = delta * size - 0.5 * delta**2
    return ops.mean(ops.where(near, inside, outside), axis=-1)


def log_cosh(y_true: Any, y_pred: Any) -> Tensor:
    """``mean(log(cosh(e)))`` over the last axis, ``e = y_pred - y_true``; as Keras's
    `losses.log_cosh`.

    Derivative by `y_pred`: ``tanh(e) / n``. Computed as ``e + softplus(-2 e) - log 2``, which does
    not overflow.

    Parameters
    ----------
    y_true : tensor (..., n)
        Targets, cast to the dtype of `y_pred`; of its shape, up to a last axis of size 1.
    y_pred : float tensor (..., n)
        Predictions.

    Returns
    -------
    tensor (...)
        A value for each row, in the float dtype of `y_pred`.

    Raises
    ------
    ShapeError
        Shapes that do not broadcast, or scalars.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import losses
    >>> np.round(losses.log_cosh([[0.0, 0.0]], [[1.0, 0.0]]), 4)
    array([0.2169], dtype=float32)
    """
    y_true, y_pred = same_rank_and_dtype(y_true, y_pred)
    error = y_pred - y_true
    endless = ops.isinf(error)
    near = ops.where(endless, ops.zeros_like(error), error)
    smooth = near + ops.softplus(near * -2.0) - math.log(2.0)
    return ops.mean(ops.where(endless, ops.abs(error), smooth), axis=-1)


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """``-sum(l2(y_true) l2(y_pred))`` along ``axis``, as Keras's `losses.cosine_similarity`: -1 for
    the same direction, 1 for opposite.

    ``l2(x) = x / max(|x|, epsilon)``; a zero vector gives 0.

    Parameters
    ----------
    y_true : tensor (..., n)
        Targets, cast to the dtype of `y_pred`; of its shape, up to a last axis of size 1.
    y_pred : float tensor (..., n)
        Predictions.
    axis : int
        The axis of the features. Default -1.

    Returns
    -------
    tensor (...)
        A value for each vector, in the float dtype of `y_pred`.

    Raises
    ------
    ShapeError
        Shapes that do not broadcast, or an axis that is not there.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import losses
    >>> np.round(losses.cosine_similarity([[0.0, 1.0], [1.0, 1.0]], [[1.0, 0.0], [2.0, 2.0]]), 4)
    array([-0., -1.], dtype=float32)
    """
    y_true, y_pred = same_rank_and_dtype(y_true, y_pred)
    cosine = ops.sum(unit_vectors(y_true, axis) * unit_vectors(y_pred, axis), axis=axis)
    return ops.negative(cosine)


def unit_vectors(x: Tensor, axis: int) -> Tensor:
    """``x / max(|x|, epsilon)`` along ``axis``; the derivative at a zero vector is finite."""
    square = ops.sum(ops.square(x), axis=axis, keepdims=True)
    return x * ops.rsqrt(ops.maximum(square, backend_config.epsilon() ** 2))


class MeanSquaredError(FunctionLoss):
    """``mean((y_true - y_pred)**2)``; see :func:`mean_squared_error`.

    Parameters
    ----------
    reduction : str or None
        As in :class:`Loss`. Default "sum_over_batch_size".
    name : str, optional
        Of the loss, in messages and logs. Default "mean_squared_error".
    dtype : str or DTypePolicy, optional
        Of the computation. Default: `config.floatx()`.

    Raises
    ------
    ValueError
        An unknown reduction.

    Examples
    --------
    >>> from chainrule import losses
    >>> float(losses.MeanSquaredError()([[0.0], [1.0]], [[2.0], [1.0]]))
    2.0
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_squared_error",
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        super().__init__(mean_squared_error, reduction, name, dtype)


class MeanAbsoluteError(FunctionLoss):
    """``mean(|y_true - y_pred|)``; see :func:`mean_absolute_error`.

    Parameters
    ----------
    reduction : str or None
        As in :class:`Loss`. Default "sum_over_batch_size".
    name : str, optional
        Of the loss, in messages and logs. Default "mean_absolute_error".
    dtype : str or DTypePolicy, optional
        Of the computation. Default: `config.floatx()`.

    Raises
    ------
    ValueError
        An unknown reduction.

    Examples
    --------
    >>> from chainrule import losses
    >>> round(float(losses.MeanAbsoluteError()([[0.0], [1.0]], [[2.0], [1.0]])), 4)
    1.0
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_absolute_error",
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        super().__init__(mean_absolute_error, reduction, name, dtype)


class MeanAbsolutePercentageError(FunctionLoss):
    """``100 mean(|(y_true - y_pred) / y_true|)``; see :func:`mean_absolute_percentage_error`.

    Parameters
    ----------
    reduction : str or None
        As in :class:`Loss`. Default "sum_over_batch_size".
    name : str, optional
        Of the loss, in messages and logs. Default "mean_absolute_percentage_error".
    dtype : str or DTypePolicy, optional
        Of the computation. Default: `config.floatx()`.

    Raises
    ------
    ValueError
        An unknown reduction.

    Examples
    --------
    >>> from chainrule import losses
    >>> round(float(losses.MeanAbsolutePercentageError()([[2.0], [4.0]], [[1.0], [4.0]])), 4)
    25.0
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_absolute_percentage_error",
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        super().__init__(mean_absolute_percentage_error, reduction, name, dtype)


class MeanSquaredLogarithmicError(FunctionLoss):
    """``mean((log(1 + y_pred) - log(1 + y_true))**2)``; see :func:`mean_squared_logarithmic_error`.

    Parameters
    ----------
    reduction : str or None
        As in :class:`Loss`. Default "sum_over_batch_size".
    name : str, optional
        Of the loss, in messages and logs. Default "mean_squared_logarithmic_error".
    dtype : str or DTypePolicy, optional
        Of the computation. Default: `config.floatx()`.

    Raises
    ------
    ValueError
        An unknown reduction.

    Examples
    --------
    >>> from chainrule import losses
    >>> round(float(losses.MeanSquaredLogarithmicError()([[0.0], [1.0]], [[1.0], [1.0]])), 4)
    0.2402
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_squared_logarithmic_error",
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        super().__init__(mean_squared_logarithmic_error, reduction, name, dtype)


class Huber(FunctionLoss):
    """Quadratic within ``delta``, linear beyond; see :func:`huber`.

    Parameters
    ----------
    delta : float
        The error at which the loss turns from quadratic to linear, above 0. Default 1.0.
    reduction : str or None
        As in :class:`Loss`. Default "sum_over_batch_size".
    name : str, optional
        Of the loss, in messages and logs. Default "huber_loss".
    dtype : str or DTypePolicy, optional
        Of the computation. Default: `config.floatx()`.

    Raises
    ------
    ValueError
        An unknown reduction.

    Examples
    --------
    >>> from chainrule import losses
    >>> round(float(losses.Huber()([[0.0], [0.0]], [[1.0], [3.0]])), 4)
    1.5
    """

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "huber_loss",
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        super().__init__(huber, reduction, name, dtype, delta=delta)
        self.delta = delta

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild this loss; ``delta`` where it is not the default."""
        config = super().get_config()
        if self.delta == 1.0:
            del config["delta"]
        return config


class LogCosh(FunctionLoss):
    """``mean(log(cosh(y_pred - y_true)))``; see :func:`log_cosh`.

    Parameters
    ----------
    reduction : str or None
        As in :class:`Loss`. Default "sum_over_batch_size".
    name : str, optional
        Of the loss, in messages and logs. Default "log_cosh".
    dtype : str or DTypePolicy, optional
        Of the computation. Default: `config.floatx()`.

    Raises
    ------
    ValueError
        An unknown reduction.

    Examples
    --------
    >>> from chainrule import losses
    >>> round(float(losses.LogCosh()([[0.0, 0.0]], [[1.0, 0.0]])), 4)
    0.2169
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "log_cosh",
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        super().__init__(log_cosh, reduction, name, dtype)


class CosineSimilarity(FunctionLoss):
    """``-sum(l2(y_true) l2(y_pred))`` along ``axis``; see :func:`cosine_similarity`.

    Parameters
    ----------
    axis : int
        The axis of the features. Default -1.
    reduction : str or None
        As in :class:`Loss`. Default "sum_over_batch_size".
    name : str, optional
        Of the loss, in messages and logs. Default "cosine_similarity".
    dtype : str or DTypePolicy, optional
        Of the computation. Default: `config.floatx()`.

    Raises
    ------
    ValueError
        An unknown reduction.

    Examples
    --------
    >>> from chainrule import losses
    >>> round(float(losses.CosineSimilarity()([[0, 1.0], [1, 1]], [[1.0, 0], [2, 2]])), 4)
    -0.5
    """

    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "cosine_similarity",
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        super().__init__(cosine_similarity, reduction, name, dtype, axis=axis)
        self.axis = axis
