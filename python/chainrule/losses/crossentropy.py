"""Cross-entropies of classes."""

from __future__ import annotations

import warnings
from typing import Any

from chainrule import ops
from chainrule.base.sizes import may_be
from chainrule.losses.loss import FunctionLoss, Tensor, predictions
from chainrule.tracing.masking import set_keras_mask
from chainrule.tracing.policies import DTypePolicy


def smooth_classes(y_true: Tensor, y_pred: Tensor, label_smoothing: float, place: str) -> Tensor:
    """``y_true (1 - s) + s / classes``; warns when ``y_pred`` has a single class."""
    if y_pred.shape and y_pred.shape[-1] == 1:
        warnings.warn(
            f"In loss {place}, expected y_pred.shape to be (batch_size, num_classes) with "
            f"num_classes > 1. Received: y_pred.shape={tuple(y_pred.shape)}. "
            "Use 'binary_crossentropy' for two classes.",
            SyntaxWarning,
            stacklevel=3,
        )
    if not label_smoothing:
        return y_true
    return y_true * (1.0 - label_smoothing) + label_smoothing / y_true.shape[-1]


def require_int_axis(axis: Any) -> None:
    """Raise ``ValueError`` for a Boolean, which is what a misplaced argument gives."""
    if isinstance(axis, bool):
        raise ValueError(f"`axis` must be of type `int`. Received: axis={axis} of type bool")


def categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """``-sum(y_true log p)`` along ``axis``, as Keras's `losses.categorical_crossentropy`; of
    logits, ``p = softmax(y_pred)``.

    Probabilities are divided by their sum and clipped to ``[epsilon, 1 - epsilon]``. Derivative by
    logits: ``p sum(y_true) - y_true``. A single class gives a SyntaxWarning.

    Parameters
    ----------
    y_true : tensor (..., classes)
        One-hot or soft targets, of the shape of `y_pred`.
    y_pred : float tensor (..., classes)
        Probabilities, or logits when ``from_logits``.
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
        Shapes that differ, or an axis that is not there.
    ValueError
        A bool as the axis.
    DTypeError
        An argument that holds no numbers.

    References
    ----------
    Szegedy et al., Rethinking the Inception Architecture for Computer Vision, 2015 (label
    smoothing).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import losses
    >>> np.round(losses.categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]), 4)
    array([0.6931], dtype=float32)
    """
    require_int_axis(axis)
    y_pred = predictions(y_pred)
    y_true = ops.cast(y_true, y_pred.dtype)
    y_true = smooth_classes(y_true, y_pred, label_smoothing, "categorical_crossentropy")
    return ops.categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)


def sparse_categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> Tensor:
    """``-log p[y_true]`` along ``axis``, as Keras's `losses.sparse_categorical_crossentropy`; of
    logits, ``p = softmax(y_pred)``.

    Derivative by logits: ``p - one_hot(y_true)``.

    Parameters
    ----------
    y_true : int tensor (...) or (..., 1)
        Class indices in ``[0, classes)``.
    y_pred : float tensor (..., classes)
        Probabilities, or logits when ``from_logits``.
    from_logits : bool
        Whether `y_pred` holds logits. Default False.
    ignore_class : int, optional
        Targets of this class have loss 0 and are masked.
    axis : int
        The axis of the classes. Default -1.

    Returns
    -------
    tensor (...)
        A value for each row, in the float dtype of `y_pred`.

    Raises
    ------
    ShapeError
        Targets of another shape, or an axis that is not there.
    IndexError
        With targets of as many axes as predictions, an axis that is not there.
    DataError
        A label outside ``[0, classes)``.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import losses
    >>> np.round(losses.sparse_categorical_crossentropy([1, 0], [[0.5, 0.5], [0.2, 0.8]]), 4)
    array([0.6931, 1.6094], dtype=float32)
    """
    y_pred = predictions(y_pred)
    y_true = ops.convert_to_tensor(y_true)
    rank = len(y_pred.shape)
    if len(y_true.shape) == rank and may_be(y_true.shape[axis], 1):
        y_true = ops.squeeze(y_true, axis=axis)
    if ignore_class is None:
        return ops.sparse_categorical_crossentropy(
            y_true, y_pred, from_logits=from_logits, axis=axis
        )
    valid = ops.not_equal(y_true, ops.cast(ignore_class, y_true.dtype))
    y_true = ops.where(valid, y_true, ops.zeros_like(y_true))
    y_pred = ops.where(ops.expand_dims(valid, axis), y_pred, ops.zeros_like(y_pred))
    loss = ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)
    class_axis = axis % rank
    valid = ops.reshape(valid, tuple(d for i, d in enumerate(y_pred.shape) if i != class_axis))
    loss = ops.where(valid, loss, ops.zeros_like(loss))
    set_keras_mask(loss, valid)
    return loss


def binary_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """``mean(-y_true log p - (1 - y_true) log(1 - p))`` along ``axis``, as Keras's
    `losses.binary_crossentropy`.

    Probabilities are clipped to ``[epsilon, 1 - epsilon]``. Logits ``z`` use ``max(z, 0) - z y_true
    + log(1 + exp(-|z|))``, derivative ``(sigmoid(z) - y_true) / n``.

    Parameters
    ----------
    y_true : tensor (..., n)
        Labels from 0 to 1, of the shape of `y_pred`.
    y_pred : float tensor (..., n)
        Probabilities, or logits when ``from_logits``.
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

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import losses
    >>> np.round(losses.binary_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]), 4)
    array([0.6931], dtype=float32)
    """
    y_pred = predictions(y_pred)
    y_true = smooth_binary(ops.cast(y_true, y_pred.dtype), label_smoothing)
    loss = ops.binary_crossentropy(y_true, y_pred, from_logits=from_logits)
    return ops.mean(loss, axis=axis)


def smooth_binary(y_true: Tensor, label_smoothing: float) -> Tensor:
    """``y_true (1 - s) + s / 2``."""
    if not label_smoothing:
        return y_true
    return y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing


class BinaryCrossentropy(FunctionLoss):
    """``mean(-y_true log p - (1 - y_true) log(1 - p))``; see :func:`binary_crossentropy`.

    Parameters
    ----------
    from_logits : bool
        Whether `y_pred` holds logits. Default False.
    label_smoothing : float
        In [0, 1]: how far targets move towards 1/2. Default 0.0.
    axis : int
        The axis of the mean. Default -1.
    reduction : str or None
        As in :class:`Loss`. Default "sum_over_batch_size".
    name : str, optional
        Of the loss, in messages and logs. Default "binary_crossentropy".
    dtype : str or DTypePolicy, optional
        Of the computation. Default: `config.floatx()`.

    Raises
    ------
    ValueError
        An unknown reduction.

    Examples
    --------
    >>> from chainrule import losses
    >>> round(float(losses.BinaryCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
    0.6931
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_crossentropy",
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        super().__init__(
            binary_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis


class CategoricalCrossentropy(FunctionLoss):
    """``-sum(y_true log p)``, one-hot targets; see :func:`categorical_crossentropy`.

    Parameters
    ----------
    from_logits : bool
        Whether `y_pred` holds logits. Default False.
    label_smoothing : float
        s in [0, 1]: targets become ``y_true (1 - s) + s / classes``. Default 0.0.
    axis : int
        The axis of the classes. Default -1.
    reduction : str or None
        As in :class:`Loss`. Default "sum_over_batch_size".
    name : str, optional
        Of the loss, in messages and logs. Default "categorical_crossentropy".
    dtype : str or DTypePolicy, optional
        Of the computation. Default: `config.floatx()`.

    Raises
    ------
    ValueError
        An unknown reduction.

    Examples
    --------
    >>> from chainrule import losses
    >>> round(float(losses.CategoricalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
    0.6931
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_crossentropy",
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        super().__init__(
            categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis


class SparseCategoricalCrossentropy(FunctionLoss):
    """``-log p[y_true]``, integer targets; see :func:`sparse_categorical_crossentropy`.

    Parameters
    ----------
    from_logits : bool
        Whether `y_pred` holds logits. Default False.
    ignore_class : int, optional
        The label that carries no loss.
    reduction : str or None
        As in :class:`Loss`. Default "sum_over_batch_size".
    axis : int
        The axis of the classes. Default -1.
    name : str, optional
        Of the loss, in messages and logs. Default "sparse_categorical_crossentropy".
    dtype : str or DTypePolicy, optional
        Of the computation. Default: `config.floatx()`.

    Raises
    ------
    ValueError
        An unknown reduction.

    Examples
    --------
    >>> from chainrule import losses
    >>> round(float(losses.SparseCategoricalCrossentropy()([1, 0], [[0.5, 0.5], [0.2, 0.8]])), 4)
    1.1513
    """

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        super().__init__(
            sparse_categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )
        self.from_logits = from_logits
        self.ignore_class = ignore_class
        self.axis = axis
