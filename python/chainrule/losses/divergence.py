"""Losses on distributions and counts."""

from __future__ import annotations

import math
from typing import Any

from chainrule import ops
from chainrule.base import config as backend_config
from chainrule.losses.loss import FunctionLoss, Tensor, tensor_pair
from chainrule.tracing.policies import DTypePolicy


def kl_divergence(y_true: Any, y_pred: Any) -> Tensor:
    """``sum(y_true log(y_true / y_pred))`` over the last axis, both clipped to ``[epsilon, 1]``.

    Derivative by ``y_pred``: ``-y_true / y_pred`` inside the clip.

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

    References
    ----------
    S. Kullback, R. A. Leibler, On Information and Sufficiency, Ann. Math. Statist. 22 (1951).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import losses
    >>> np.round(losses.kl_divergence([[0.5, 0.5]], [[0.25, 0.75]]), 4)
    array([0.1438], dtype=float32)
    """
    y_true, y_pred = tensor_pair(y_true, y_pred)
    epsilon = backend_config.epsilon()
    y_true = ops.clip(y_true, epsilon, 1.0)
    y_pred = ops.clip(y_pred, epsilon, 1.0)
    return ops.sum(y_true * ops.log(y_true / y_pred), axis=-1)


def poisson(y_true: Any, y_pred: Any) -> Tensor:
    """``mean(y_pred - y_true log(y_pred + epsilon))`` over the last axis, as Keras's
    `losses.poisson`.

    Derivative by ``y_pred``: ``(1 - y_true / (y_pred + epsilon)) / n``. An infinite prediction
    gives infinity.

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
    >>> np.round(losses.poisson([[1.0, 2.0]], [[2.0, 2.0]]), 4)
    array([0.9603], dtype=float32)
    """
    y_true, y_pred = tensor_pair(y_true, y_pred)
    endless = y_pred == math.inf
    near = ops.where(endless, ops.ones_like(y_pred), y_pred)
    return ops.mean(y_pred - y_true * ops.log(near + backend_config.epsilon()), axis=-1)


class KLDivergence(FunctionLoss):
    """``sum(y_true log(y_true / y_pred))``; see :func:`kl_divergence`.

    Parameters
    ----------
    reduction : str or None
        As in :class:`Loss`. Default "sum_over_batch_size".
    name : str, optional
        Of the loss, in messages and logs. Default "kl_divergence".
    dtype : str or DTypePolicy, optional
        Of the computation. Default: `config.floatx()`.

    Raises
    ------
    ValueError
        An unknown reduction.

    Examples
    --------
    >>> from chainrule import losses
    >>> round(float(losses.KLDivergence()([[0.5, 0.5]], [[0.25, 0.75]])), 4)
    0.1438
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "kl_divergence",
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        super().__init__(kl_divergence, reduction, name, dtype)


class Poisson(FunctionLoss):
    """``mean(y_pred - y_true log(y_pred))``; see :func:`poisson`.

    Parameters
    ----------
    reduction : str or None
        As in :class:`Loss`. Default "sum_over_batch_size".
    name : str, optional
        Of the loss, in messages and logs. Default "poisson".
    dtype : str or DTypePolicy, optional
        Of the computation. Default: `config.floatx()`.

    Raises
    ------
    ValueError
        An unknown reduction.

    Examples
    --------
    >>> from chainrule import losses
    >>> round(float(losses.Poisson()([[1.0, 2.0]], [[2.0, 2.0]])), 4)
    0.9603
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "poisson",
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        super().__init__(poisson, reduction, name, dtype)
