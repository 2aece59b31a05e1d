"""Losses on overlap (segmentation) and on distances of embeddings."""

from __future__ import annotations

import math
from typing import Any

from chainrule import ops
from chainrule.base import config as backend_config
from chainrule.losses.loss import FunctionLoss, Tensor, predictions
from chainrule.tracing.masking import set_keras_mask
from chainrule.tracing.policies import DTypePolicy

Axes = int | tuple[int, ...] | list[int] | None


def dice(y_true: Any, y_pred: Any, axis: Axes = None) -> Tensor:
    """``1 - 2 sum(y_true y_pred) / (sum(y_true) + sum(y_pred) + epsilon)`` over ``axis``.

    Parameters
    ----------
    y_true : tensor
        Targets from 0 to 1, of a shape that broadcasts with that of `y_pred`.
    y_pred : float tensor
        Predictions from 0 to 1.
    axis : int or tuple of int, optional
        The axes of the sums. Default None: all.

    Returns
    -------
    tensor
        The shape without those axes, in the float dtype of `y_pred`.

    Raises
    ------
    ShapeError
        An axis that is not there.
    ValueError
        Shapes that do not broadcast.
    DTypeError
        An argument that holds no numbers.

    References
    ----------
    L. R. Dice, Measures of the Amount of Ecologic Association Between Species, Ecology 26 (1945);
    as a loss, F. Milletari et al., V-Net, 3DV 2016.

    Examples
    --------
    >>> from chainrule import losses
    >>> round(float(losses.dice([1.0, 1.0, 0.0], [1.0, 0.0, 0.0])), 4)
    0.3333
    """
    y_pred = predictions(y_pred)
    y_true = ops.cast(y_true, y_pred.dtype)
    overlap = ops.sum(y_true * y_pred, axis=axis)
    size = ops.add(ops.sum(y_true, axis=axis), ops.sum(y_pred, axis=axis))
    return one_minus_ratio(ops.multiply(overlap, 2.0), size)


def one_minus_ratio(part: Tensor, whole: Tensor) -> Tensor:
    """``1 - part / (whole + epsilon)``."""
    return ops.subtract(1.0, ops.divide(part, ops.add(whole, backend_config.epsilon())))


def tversky(
    y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5, axis: Axes = None
) -> Tensor:
    """``1 - tp / (tp + alpha a + beta b + epsilon)`` over ``axis``.

    ``tp = sum(y_true y_pred)``, ``a = sum(y_true (1 - y_pred))``, ``b = sum((1 - y_true) y_pred)``.
    ``alpha = beta = 0.5`` is :func:`dice`.

    Parameters
    ----------
    y_true : tensor
        Targets from 0 to 1, of a shape that broadcasts with that of `y_pred`.
    y_pred : float tensor
        Predictions from 0 to 1.
    alpha : float
        The weight of what is missed, from 0 up. Default 0.5.
    beta : float
        The weight of what is too much, from 0 up. Default 0.5.
    axis : int or tuple of int, optional
        The axes of the sums. Default None: all.

    Returns
    -------
    tensor
        The shape without those axes, in the float dtype of `y_pred`.

    Raises
    ------
    ShapeError
        An axis that is not there.
    ValueError
        Shapes that do not broadcast.
    DTypeError
        An argument that holds no numbers.

    References
    ----------
    S. S. M. Salehi et al., Tversky Loss Function for Image Segmentation, MLMI 2017.

    Examples
    --------
    >>> from chainrule import losses
    >>> round(float(losses.tversky([1.0, 1.0, 0.0], [1.0, 0.0, 0.0], alpha=1.0)), 4)
    0.5
    """
    y_pred = predictions(y_pred)
    y_true = ops.cast(y_true, y_pred.dtype)
    overlap = ops.sum(y_true * y_pred, axis=axis)
    missed = ops.sum((1.0 - y_pred) * y_true, axis=axis)
    extra = ops.sum(y_pred * (1.0 - y_true), axis=axis)
    errors = ops.add(ops.multiply(missed, alpha), ops.multiply(extra, beta))
    return one_minus_ratio(overlap, ops.add(overlap, errors))


def circle(
    y_true: Any,
    y_pred: Any,
    ref_labels: Any = None,
    ref_embeddings: Any = None,
    remove_diagonal: bool = True,
    gamma: float = 80.0,
    margin: float = 0.4,
) -> Tensor:
    """``softplus(logsumexp(gamma a_p (d - m)) + logsumexp(gamma a_n (1 - m - d)))`` per sample.

    ``d = max(1 - y_pred ref^T, 0)`` are cosine distances; the first sum runs over references of
    the same label with ``a_p = m + d``, the second over the others with
    ``a_n = max(1 + m - d, 0)``. Samples of loss 0 (no positive or no negative) are masked.

    Parameters
    ----------
    y_true : int tensor (batch) or (batch, 1)
        The class of each sample.
    y_pred : float tensor (batch, dim)
        Embeddings, unit vectors.
    ref_labels : int tensor (references), optional
        Default: ``y_true``.
    ref_embeddings : float tensor (references, dim), optional
        Default: ``y_pred``.
    remove_diagonal : bool
        Whether a sample is no positive of itself. Default True.
    gamma : float
        The scale of the similarities, above 0. Default 80.0.
    margin : float
        m, how far the decision boundary is relaxed, in [0, 1]. Default 0.4.

    Returns
    -------
    tensor (batch)
        A value for each sample, in the float dtype of `y_pred`.

    Raises
    ------
    ShapeError
        Numbers of labels or dimensions that do not fit.
    ValueError
        Embeddings that are no matrix.
    DTypeError
        An argument that holds no numbers.

    References
    ----------
    Y. Sun et al., Circle Loss: A Unified Perspective of Pair Similarity Optimization, CVPR 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import losses
    >>> same = np.array([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]], "float32")
    >>> np.round(losses.circle([0, 0, 1], same), 4)
    array([0., 0., 0.], dtype=float32)
    """
    y_pred = predictions(y_pred)
    labels = ops.reshape(ops.cast(y_true, "int32"), (-1, 1))
    if ref_embeddings is None:
        ref_embeddings = y_pred
    references = labels if ref_labels is None else ops.cast(ref_labels, "int32")
    distances = 1.0 - ops.matmul(y_pred, ops.transpose(ops.convert_to_tensor(ref_embeddings)))
    distances = ops.maximum(distances, 0.0)  # (batch, references)

    positive = ops.equal(labels, ops.reshape(references, (1, -1)))
    negative = ops.logical_not(positive)
    if remove_diagonal:
        rows, columns = distances.shape
        off_diagonal = ops.logical_not(ops.eye(rows, columns, dtype="bool"))
        positive = ops.logical_and(positive, off_diagonal)

    near = gamma * (distances - margin) * (margin + distances)
    far = gamma * (1.0 - margin - distances) * ops.maximum(1.0 + margin - distances, 0.0)
    loss = ops.softplus(masked_logsumexp(near, positive) + masked_logsumexp(far, negative))
    set_keras_mask(loss, loss > 0)
    return loss


def masked_logsumexp(x: Tensor, mask: Tensor) -> Tensor:
    """``log(sum(exp(x)))`` of the chosen entries of each row, -inf for a row without any."""
    value = ops.logsumexp(ops.where(mask, x, ops.full_like(x, -1e30)), axis=1)
    return ops.where(ops.any(mask, axis=1), value, ops.full_like(value, -math.inf))


class Dice(FunctionLoss):
    """``1 - 2 sum(y_true y_pred) / (sum(y_true) + sum(y_pred))``; see :func:`dice`.

    Parameters
    ----------
    reduction : str or None
        As in :class:`Loss`. Default "sum_over_batch_size".
    name : str, optional
        Of the loss, in messages and logs. Default "dice".
    axis : int or tuple of int, optional
        The axes of the sums. Default None: all.
    dtype : str or DTypePolicy, optional
        Of the computation. Default: `config.floatx()`.

    Raises
    ------
    ValueError
        An unknown reduction.

    Examples
    --------
    >>> from chainrule import losses
    >>> round(float(losses.Dice()([1.0, 1.0, 0.0], [1.0, 0.0, 0.0])), 4)
    0.3333
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "dice",
        axis: Axes = None,
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        super().__init__(dice, reduction, name, dtype, axis=axis)
        self.axis = axis


class Tversky(FunctionLoss):
    """``1 - tp / (tp + alpha fn + beta fp)``; see :func:`tversky`.

    Parameters
    ----------
    alpha : float
        The weight of what is missed, from 0 up. Default 0.5.
    beta : float
        The weight of what is too much, from 0 up. Default 0.5.
    reduction : str or None
        As in :class:`Loss`. Default "sum_over_batch_size".
    name : str, optional
        Of the loss, in messages and logs. Default "tversky".
    axis : int or tuple of int, optional
        The axes of the sums. Default None: all.
    dtype : str or DTypePolicy, optional
        Of the computation. Default: `config.floatx()`.

    Raises
    ------
    ValueError
        An unknown reduction.

    Examples
    --------
    >>> from chainrule import losses
    >>> round(float(losses.Tversky(alpha=1.0)([1.0, 1.0, 0.0], [1.0, 0.0, 0.0])), 4)
    0.5
    """

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "tversky",
        axis: Axes = None,
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        super().__init__(tversky, reduction, name, dtype, alpha=alpha, beta=beta, axis=axis)
        self.alpha = alpha
        self.beta = beta
        self.axis = axis


class Circle(FunctionLoss):
    """Pulls embeddings of a class together and pushes others away; see :func:`circle`.

    Parameters
    ----------
    gamma : float
        The scale of the similarities, above 0. Default 80.0.
    margin : float
        How far the decision boundary is relaxed, in [0, 1]. Default 0.4.
    remove_diagonal : bool
        Whether a sample is no positive of itself. Default True.
    reduction : str or None
        As in :class:`Loss`. Default "sum_over_batch_size".
    name : str, optional
        Of the loss, in messages and logs. Default "circle".
    dtype : str or DTypePolicy, optional
        Of the computation. Default: `config.floatx()`.

    Raises
    ------
    ValueError
        An unknown reduction.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import losses
    >>> same = np.array([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]], "float32")
    >>> round(float(losses.Circle()([0, 0, 1], same)), 4)
    0.0
    """

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "circle",
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        super().__init__(
            circle,
            reduction,
            name,
            dtype,
            gamma=gamma,
            margin=margin,
            remove_diagonal=remove_diagonal,
        )
        self.gamma = gamma
        self.margin = margin
        self.remove_diagonal = remove_diagonal
