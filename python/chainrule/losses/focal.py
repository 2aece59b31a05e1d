"""Losses that weight the cross-entropy by how wrong or how noisy a sample is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule import ops
from chainrule.base import config as backend_config
from chainrule.losses.crossentropy import require_int_axis, smooth_binary, smooth_classes
from chainrule.losses.loss import FunctionLoss, Tensor
from chainrule.tracing.policies import DTypePolicy


def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """``mean(w (1 - p_t)**gamma bce)``, ``p_t = y_true p + (1 - y_true)(1 - p)``, along ``axis``.

    ``w = alpha`` for class 1 and ``1 - alpha`` for class 0 when ``apply_class_balancing``, else 1.

    Source: T.-Y. Lin et al., Focal Loss for Dense Object Detection, ICCV 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import losses
    >>> np.round(losses.binary_focal_crossentropy([[0.0, 1.0]], [[0.4, 0.6]]), 4)
    array([0.0817], dtype=float32)
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = smooth_binary(ops.cast(y_true, y_pred.dtype), label_smoothing)
    if from_logits:
        y_pred = ops.sigmoid(y_pred)
    loss = ops.binary_crossentropy(y_true, y_pred, from_logits=False)
    p_t = y_true * y_pred + (1.0 - y_true) * (1.0 - y_pred)
    loss = ops.power(1.0 - p_t, gamma) * loss
    if apply_class_balancing:
        loss = (y_true * alpha + (1.0 - y_true) * (1.0 - alpha)) * loss
    return ops.mean(loss, axis=axis)


def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: float | Sequence[float] = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """``sum(alpha (1 - p)**gamma (-y_true log p))`` along ``axis``.

    Probabilities are divided by their sum and clipped to ``[epsilon, 1 - epsilon]``.

    Parameters
    ----------
    y_true, y_pred : array (..., classes)
    alpha : float or sequence (classes)
        Weight of all classes, or one per class.

    Source: T.-Y. Lin et al., Focal Loss for Dense Object Detection, ICCV 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import losses
    >>> np.round(losses.categorical_focal_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]), 4)
    array([0.0433], dtype=float32)
    """
    require_int_axis(axis)
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.cast(y_true, y_pred.dtype)
    y_true = smooth_classes(y_true, y_pred, label_smoothing, "categorical_focal_crossentropy")
    if from_logits:
        y_pred = ops.softmax(y_pred, axis=axis)
    epsilon = backend_config.epsilon()
    p = y_pred / ops.sum(y_pred, axis=axis, keepdims=True)
    p = ops.clip(p, epsilon, 1.0 - epsilon)
    weight = ops.power(1.0 - p, gamma) * ops.convert_to_tensor(alpha, dtype=y_pred.dtype)
    return ops.sum(weight * (-y_true * ops.log(p)), axis=axis)


def categorical_generalized_cross_entropy(y_true: Any, y_pred: Any, q: float) -> Tensor:
    """``(1 - p[y_true]**q) / q``: cross-entropy as q -> 0, absolute error as q -> 1.

    Derivative by the probability of the true class: ``-p**(q - 1)``.

    Parameters
    ----------
    y_true : int array (batch) or (batch, 1)
    y_pred : array (batch, classes)
        Probabilities.

    Source: Z. Zhang, M. Sabuncu, Generalized Cross Entropy Loss for Training Deep Neural Networks
    with Noisy Labels, NeurIPS 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import losses
    >>> losses.categorical_generalized_cross_entropy([1], [[0.75, 0.25]], q=0.5)
    array([1.], dtype=float32)
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.cast(y_true, "int32")
    if len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1] == 1:
        y_true = ops.squeeze(y_true, axis=-1)
    target = ops.one_hot(y_true, y_pred.shape[-1], dtype=y_pred.dtype)
    p = ops.sum(ops.where(target > 0, y_pred, ops.zeros_like(y_pred)), axis=-1)
    return (1.0 - ops.power(p, q)) / q


class BinaryFocalCrossentropy(FunctionLoss):
    """``mean(w (1 - p_t)**gamma bce)``; see :func:`binary_focal_crossentropy`.

    Parameters
    ----------
    apply_class_balancing : bool
        Weight class 1 by ``alpha`` and class 0 by ``1 - alpha``.
    alpha, gamma : float
        Class weight and focusing exponent.
    from_logits, label_smoothing, axis
        As in :class:`BinaryCrossentropy`.
    reduction, name, dtype
        As in :class:`Loss`.
    """

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_focal_crossentropy",
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        super().__init__(
            binary_focal_crossentropy,
            reduction,
            name,
            dtype,
            apply_class_balancing=apply_class_balancing,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )
        self.apply_class_balancing = apply_class_balancing
        self.alpha = alpha
        self.gamma = gamma
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis


class CategoricalFocalCrossentropy(FunctionLoss):
    """``sum(alpha (1 - p)**gamma (-y_true log p))``; see :func:`categorical_focal_crossentropy`.

    Parameters
    ----------
    alpha : float or sequence (classes)
        Class weights.
    gamma : float
        Focusing exponent.
    from_logits, label_smoothing, axis
        As in :class:`CategoricalCrossentropy`.
    reduction, name, dtype
        As in :class:`Loss`.
    """

    def __init__(
        self,
        alpha: float | Sequence[float] = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_focal_crossentropy",
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        super().__init__(
            categorical_focal_crossentropy,
            reduction,
            name,
            dtype,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )
        self.alpha = alpha
        self.gamma = gamma
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis


class CategoricalGeneralizedCrossEntropy(FunctionLoss):
    """``(1 - p[y_true]**q) / q``; see :func:`categorical_generalized_cross_entropy`.

    Parameters
    ----------
    q : float
        In (0, 1): robustness to wrong labels.
    reduction, name, dtype
        As in :class:`Loss`.

    Raises
    ------
    ValueError
        When ``q`` is not in (0, 1).
    """

    def __init__(
        self,
        q: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_generalized_cross_entropy",
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        if not 0 < q < 1:
            raise ValueError(f"q must be in the interval (0, 1). Received: q={q}")
        super().__init__(categorical_generalized_cross_entropy, reduction, name, dtype, q=q)
        self.q = q
