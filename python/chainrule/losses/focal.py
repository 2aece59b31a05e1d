"""Losses that weight the cross-entropy by how wrong or how noisy a sample is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule import ops
from chainrule.base import config as backend_config
from chainrule.losses.crossentropy import require_int_axis, smooth_binary, smooth_classes
from chainrule.losses.loss import FunctionLoss, Tensor, predictions
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

    Parameters
    ----------
    y_true : tensor (..., n)
        Labels from 0 to 1, of the shape of `y_pred`.
    y_pred : float tensor (..., n)
        Probabilities p, or logits when ``from_logits``.
    apply_class_balancing : bool
        Whether classes are weighted by ``alpha``. Default False.
    alpha : float
        In [0, 1], the weight of class 1. Default 0.25.
    gamma : float
        The focusing exponent, from 0 (no focus) up. Default 2.0.
    from_logits : bool
        Whether `y_pred` holds logits. Default False.
    label_smoothing : float
        s in [0, 1]: targets become ``y_true (1 - s) + s / 2``. Default 0.0.
    axis : int
        The axis of the mean. Default -1.

    Returns
    -------
    tensor (...)
        A value for each row, in the float dtype of `y_pred`.

    Raises
    ------
    ShapeError
        Shapes that differ, or an axis that is not there.
    DTypeError
        An argument that holds no numbers.

    References
    ----------
    T.-Y. Lin et al., Focal Loss for Dense Object Detection, ICCV 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import losses
    >>> np.round(losses.binary_focal_crossentropy([[0.0, 1.0]], [[0.4, 0.6]]), 4)
    array([0.0817], dtype=float32)
    """
    y_pred = predictions(y_pred)
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

    Probabilities are divided by their sum and clipped to ``[epsilon, 1 - epsilon]``. A single class
    gives a SyntaxWarning.

    Parameters
    ----------
    y_true : tensor (..., classes)
        One-hot or soft targets, of the shape of `y_pred`.
    y_pred : float tensor (..., classes)
        Probabilities, or logits when ``from_logits``.
    alpha : float or sequence (classes)
        The weight of all classes, or of each. Default 0.25.
    gamma : float
        The focusing exponent, from 0 (no focus) up. Default 2.0.
    from_logits : bool
        Whether `y_pred` holds logits. Default False.
    label_smoothing : float
        s in [0, 1]: targets become ``y_true (1 - s) + s / classes``. Default 0.0.
    axis : int
        The axis of the classes. Default -1.

    Returns
    -------
    tensor (...)
        A value for each row, in the float dtype of `y_pred`.

    Raises
    ------
    ShapeError
        An axis that is not there.
    ValueError
        Shapes that do not broadcast, or a bool as the axis.
    DTypeError
        An argument that holds no numbers.

    References
    ----------
    T.-Y. Lin et al., Focal Loss for Dense Object Detection, ICCV 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import losses
    >>> np.round(losses.categorical_focal_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]), 4)
    array([0.0433], dtype=float32)
    """
    require_int_axis(axis)
    y_pred = predictions(y_pred)
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
    y_true : int tensor (batch) or (batch, 1)
        Class indices; one outside the classes counts as probability 0.
    y_pred : float tensor (batch, classes)
        Probabilities.
    q : float
        Above 0, up to 1.

    Returns
    -------
    tensor (batch)
        A value for each row, in the float dtype of `y_pred`.

    Raises
    ------
    ShapeError
        Shapes that do not broadcast.
    IndexError
        A scalar `y_pred`.
    DTypeError
        An argument that holds no numbers.

    References
    ----------
    Z. Zhang, M. Sabuncu, Generalized Cross Entropy Loss for Training Deep Neural Networks with
    Noisy Labels, NeurIPS 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import losses
    >>> losses.categorical_generalized_cross_entropy([1], [[0.75, 0.25]], q=0.5)
    array([1.], dtype=float32)
    """
    y_pred = predictions(y_pred)
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
        Whether class 1 is weighted by ``alpha`` and class 0 by ``1 - alpha``. Default False.
    alpha : float
        In [0, 1], the weight of class 1. Default 0.25.
    gamma : float
        The focusing exponent, from 0 (no focus) up. Default 2.0.
    from_logits : bool
        Whether `y_pred` holds logits. Default False.
    label_smoothing : float
        In [0, 1]: how far targets move towards 1/2. Default 0.0.
    axis : int
        The axis of the mean. Default -1.
    reduction : str or None
        As in :class:`Loss`. Default "sum_over_batch_size".
    name : str, optional
        Of the loss, in messages and logs. Default "binary_focal_crossentropy".
    dtype : str or DTypePolicy, optional
        Of the computation. Default: `config.floatx()`.

    Raises
    ------
    ValueError
        An unknown reduction.

    Examples
    --------
    >>> from chainrule import losses
    >>> round(float(losses.BinaryFocalCrossentropy()([[0.0, 1.0]], [[0.4, 0.6]])), 4)
    0.0817
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
        The weight of all classes, or of each. Default 0.25.
    gamma : float
        The focusing exponent, from 0 (no focus) up. Default 2.0.
    from_logits : bool
        Whether `y_pred` holds logits. Default False.
    label_smoothing : float
        s in [0, 1]: targets become ``y_true (1 - s) + s / classes``. Default 0.0.
    axis : int
        The axis of the classes. Default -1.
    reduction : str or None
        As in :class:`Loss`. Default "sum_over_batch_size".
    name : str, optional
        Of the loss, in messages and logs. Default "categorical_focal_crossentropy".
    dtype : str or DTypePolicy, optional
        Of the computation. Default: `config.floatx()`.

    Raises
    ------
    ValueError
        An unknown reduction.

    Examples
    --------
    >>> from chainrule import losses
    >>> round(float(losses.CategoricalFocalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
    0.0433
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
        In (0, 1): robustness to wrong labels. Default 0.5.
    reduction : str or None
        As in :class:`Loss`. Default "sum_over_batch_size".
    name : str, optional
        Of the loss, in messages and logs. Default "categorical_generalized_cross_entropy".
    dtype : str or DTypePolicy, optional
        Of the computation. Default: `config.floatx()`.

    Raises
    ------
    ValueError
        An unknown reduction, or ``q`` not in (0, 1).

    Examples
    --------
    >>> from chainrule import losses
    >>> round(float(losses.CategoricalGeneralizedCrossEntropy()([1], [[0.75, 0.25]])), 4)
    1.0
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
