"""Margin losses."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.losses.loss import FunctionLoss, Tensor, tensor_pair
from chainrule.tracing.policies import DTypePolicy


def convert_binary_labels_to_hinge(y_true: Tensor) -> Tensor:
    """Map labels of 0 and 1 to -1 and 1 when the whole tensor holds only 0 and 1."""
    is_binary = ops.all(ops.logical_or(ops.equal(y_true, 0), ops.equal(y_true, 1)))
    return ops.where(is_binary, 2.0 * y_true - 1.0, y_true)


def hinge(y_true: Any, y_pred: Any) -> Tensor:
    """``mean(max(1 - y_true y_pred, 0))`` over the last axis, targets -1 and 1 (or 0 and 1); as
    Keras's `losses.hinge`.

    Derivative by `y_pred`: ``-y_true / n`` where ``y_true y_pred < 1``, else 0.

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
    >>> losses.hinge([[1.0, -1.0]], [[0.5, 0.5]])
    array([1.], dtype=float32)
    """
    y_true, y_pred = tensor_pair(y_true, y_pred)
    y_true = convert_binary_labels_to_hinge(y_true)
    return ops.mean(ops.maximum(1.0 - y_true * y_pred, 0.0), axis=-1)


def squared_hinge(y_true: Any, y_pred: Any) -> Tensor:
    """``mean(max(1 - y_true y_pred, 0)**2)`` over the last axis, targets -1 and 1 (or 0 and 1); as
    Keras's `losses.squared_hinge`.

    Derivative by `y_pred`: ``-2 y_true max(1 - y_true y_pred, 0) / n``.

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
    >>> losses.squared_hinge([[1.0, -1.0]], [[0.5, 0.5]])
    array([1.25], dtype=float32)
    """
    y_true, y_pred = tensor_pair(y_true, y_pred)
    y_true = convert_binary_labels_to_hinge(y_true)
    return ops.mean(ops.square(ops.maximum(1.0 - y_true * y_pred, 0.0)), axis=-1)


def categorical_hinge(y_true: Any, y_pred: Any) -> Tensor:
    """``max(neg - pos + 1, 0)``, ``pos = sum(y_true y_pred)``, ``neg = max((1 - y_true) y_pred)``.

    ``y_true`` is one-hot along the last axis.

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
    K. Crammer, Y. Singer, On the Algorithmic Implementation of Multiclass Kernel-based Vector
    Machines, JMLR 2 (2001).

    Examples
    --------
    >>> from chainrule import losses
    >>> losses.categorical_hinge([[0.0, 1.0]], [[0.5, 0.25]])
    array([1.25], dtype=float32)
    """
    y_true, y_pred = tensor_pair(y_true, y_pred)
    pos = ops.sum(y_true * y_pred, axis=-1)
    neg = ops.max((1.0 - y_true) * y_pred, axis=-1)
    return ops.maximum(neg - pos + 1.0, 0.0)


class Hinge(FunctionLoss):
    """``mean(max(1 - y_true y_pred, 0))``; see :func:`hinge`.

    Parameters
    ----------
    reduction : str or None
        As in :class:`Loss`. Default "sum_over_batch_size".
    name : str, optional
        Of the loss, in messages and logs. Default "hinge".
    dtype : str or DTypePolicy, optional
        Of the computation. Default: `config.floatx()`.

    Raises
    ------
    ValueError
        An unknown reduction.

    Examples
    --------
    >>> from chainrule import losses
    >>> round(float(losses.Hinge()([[1.0, -1.0]], [[0.5, 0.5]])), 4)
    1.0
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "hinge",
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        super().__init__(hinge, reduction, name, dtype)


class SquaredHinge(FunctionLoss):
    """``mean(max(1 - y_true y_pred, 0)**2)``; see :func:`squared_hinge`.

    Parameters
    ----------
    reduction : str or None
        As in :class:`Loss`. Default "sum_over_batch_size".
    name : str, optional
        Of the loss, in messages and logs. Default "squared_hinge".
    dtype : str or DTypePolicy, optional
        Of the computation. Default: `config.floatx()`.

    Raises
    ------
    ValueError
        An unknown reduction.

    Examples
    --------
    >>> from chainrule import losses
    >>> round(float(losses.SquaredHinge()([[1.0, -1.0]], [[0.5, 0.5]])), 4)
    1.25
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "squared_hinge",
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        super().__init__(squared_hinge, reduction, name, dtype)


class CategoricalHinge(FunctionLoss):
    """``max(neg - pos + 1, 0)``; see :func:`categorical_hinge`.

    Parameters
    ----------
    reduction : str or None
        As in :class:`Loss`. Default "sum_over_batch_size".
    name : str, optional
        Of the loss, in messages and logs. Default "categorical_hinge".
    dtype : str or DTypePolicy, optional
        Of the computation. Default: `config.floatx()`.

    Raises
    ------
    ValueError
        An unknown reduction.

    Examples
    --------
    >>> from chainrule import losses
    >>> round(float(losses.CategoricalHinge()([[0.0, 1.0]], [[0.5, 0.25]])), 4)
    1.25
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_hinge",
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        super().__init__(categorical_hinge, reduction, name, dtype)
