"""How often predictions equal targets."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.base import config as backend_config
from chainrule.losses.loss import squeeze_or_expand_to_same_rank
from chainrule.metrics.metric import Tensor
from chainrule.metrics.reduction import FunctionMetric
from chainrule.tracing.policies import DTypePolicy


def accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """``y_true == y_pred``, element by element, as 0 and 1 of ``floatx``."""
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.convert_to_tensor(y_true, dtype=y_pred.dtype)
    y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
    return ops.cast(ops.equal(y_true, y_pred), backend_config.floatx())


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Tensor:
    """``y_true == (y_pred > threshold)``, element by element, as 0 and 1 of ``floatx``.

    Examples
    --------
    >>> from chainrule import metrics
    >>> metrics.binary_accuracy([1, 0, 1], [0.9, 0.1, 0.4])
    array([1., 1., 0.], dtype=float32)
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true, y_pred = squeeze_or_expand_to_same_rank(ops.convert_to_tensor(y_true), y_pred)
    predicted = ops.cast(ops.greater(y_pred, threshold), y_true.dtype)
    return ops.cast(ops.equal(y_true, predicted), backend_config.floatx())


def categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """``argmax(y_true) == argmax(y_pred)`` over the last axis, as 0 and 1 of ``floatx``.

    Parameters
    ----------
    y_true : array (..., classes)
        One-hot or soft targets.
    y_pred : array (..., classes)
        Probabilities or logits.

    Examples
    --------
    >>> from chainrule import metrics
    >>> metrics.categorical_accuracy([[0, 1], [1, 0]], [[0.1, 0.9], [0.2, 0.8]])
    array([1., 0.], dtype=float32)
    """
    y_pred = ops.convert_to_tensor(y_pred)
    label = ops.argmax(y_true, axis=-1)
    shape = label.shape
    if len(shape) == len(y_pred.shape):
        label = ops.squeeze(label, axis=-1)
    matches = ops.equal(label, ops.argmax(y_pred, axis=-1))
    return ops.reshape(ops.cast(matches, backend_config.floatx()), shape)


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """``y_true == argmax(y_pred)`` over the last axis, as 0 and 1 of ``floatx``.

    Parameters
    ----------
    y_true : int array (...) or (..., 1)
        Class indices.
    y_pred : array (..., classes)
        Probabilities or logits.

    Examples
    --------
    >>> from chainrule import metrics
    >>> metrics.sparse_categorical_accuracy([[1], [0]], [[0.1, 0.9], [0.2, 0.8]])
    array([1., 0.], dtype=float32)
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.convert_to_tensor(y_true)
    if len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1] == 1:
        y_true = ops.squeeze(y_true, axis=-1)
    label = ops.cast(ops.argmax(y_pred, axis=-1), y_true.dtype)
    matches = ops.cast(ops.equal(y_true, label), backend_config.floatx())
    if len(matches.shape) > 1 and matches.shape[-1] == 1:
        matches = ops.squeeze(matches, axis=-1)
    return matches


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Tensor:
    """Whether ``argmax(y_true)`` is among the ``k`` largest of ``y_pred``, as 0 and 1.

    Examples
    --------
    >>> from chainrule import metrics
    >>> metrics.top_k_categorical_accuracy([[0, 0, 1]], [[0.1, 0.6, 0.3]], k=2)
    array([1.], dtype=float32)
    """
    return sparse_top_k_categorical_accuracy(ops.argmax(y_true, axis=-1), y_pred, k=k)


def sparse_top_k_categorical_accuracy(
    y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False
) -> Tensor:
    """Whether ``y_true`` is among the ``k`` largest of ``y_pred``, as 0 and 1.

    Parameters
    ----------
    y_true : int array (...)
        Class indices.
    y_pred : array (..., classes)
        Scores, or when ``from_sorted_ids`` class indices from the highest score to the lowest.

    Examples
    --------
    >>> from chainrule import metrics
    >>> metrics.sparse_top_k_categorical_accuracy([2], [[0.1, 0.6, 0.3]], k=2)
    array([1.], dtype=float32)
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.convert_to_tensor(y_true, dtype=y_pred.dtype if from_sorted_ids else "int32")
    shape = y_true.shape
    y_pred = ops.reshape(y_pred, (-1, y_pred.shape[-1]))
    y_true = ops.reshape(y_true, (-1,))
    if from_sorted_ids:
        matches = ops.any(ops.equal(ops.expand_dims(y_true, axis=1), y_pred[:, :k]), axis=1)
    else:
        matches = ops.in_top_k(y_true, y_pred, k=k)
    return ops.reshape(ops.cast(matches, backend_config.floatx()), shape)


class Accuracy(FunctionMetric):
    """``mean(y_true == y_pred)``.

    Parameters
    ----------
    name, dtype : str, optional
        As in :class:`Metric`.

    Examples
    --------
    >>> from chainrule import metrics
    >>> float(metrics.Accuracy()([[1], [2], [3], [4]], [[0], [2], [3], [4]]))
    0.75
    """

    def __init__(
        self, name: str | None = "accuracy", dtype: str | DTypePolicy | None = None
    ) -> None:
        super().__init__(accuracy, name=name, dtype=dtype)
        self._direction = "up"


class BinaryAccuracy(FunctionMetric):
    """``mean(y_true == (y_pred > threshold))``; see :func:`binary_accuracy`.

    Parameters
    ----------
    name, dtype : str, optional
        As in :class:`Metric`.
    threshold : float
        Predictions above it count as 1.
    """

    def __init__(
        self,
        name: str | None = "binary_accuracy",
        dtype: str | DTypePolicy | None = None,
        threshold: float = 0.5,
    ) -> None:
        super().__init__(binary_accuracy, name=name, dtype=dtype, threshold=threshold)
        self.threshold = threshold
        self._direction = "up"


class CategoricalAccuracy(FunctionMetric):
    """``mean(argmax(y_true) == argmax(y_pred))``; see :func:`categorical_accuracy`.

    Parameters
    ----------
    name, dtype : str, optional
        As in :class:`Metric`.
    """

    def __init__(
        self, name: str | None = "categorical_accuracy", dtype: str | DTypePolicy | None = None
    ) -> None:
        super().__init__(categorical_accuracy, name=name, dtype=dtype)
        self._direction = "up"


class SparseCategoricalAccuracy(FunctionMetric):
    """``mean(y_true == argmax(y_pred))``; see :func:`sparse_categorical_accuracy`.

    Parameters
    ----------
    name, dtype : str, optional
        As in :class:`Metric`.
    """

    def __init__(
        self,
        name: str | None = "sparse_categorical_accuracy",
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        super().__init__(sparse_categorical_accuracy, name=name, dtype=dtype)
        self._direction = "up"


class TopKCategoricalAccuracy(FunctionMetric):
    """How often the true class is among the ``k`` largest; see :func:`top_k_categorical_accuracy`.

    Parameters
    ----------
    k : int
        How many predictions count.
    name, dtype : str, optional
        As in :class:`Metric`.
    """

    def __init__(
        self,
        k: int = 5,
        name: str | None = "top_k_categorical_accuracy",
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        super().__init__(top_k_categorical_accuracy, name=name, dtype=dtype, k=k)
        self.k = k
        self._direction = "up"


class SparseTopKCategoricalAccuracy(FunctionMetric):
    """How often the label is among the ``k`` best; see :func:`sparse_top_k_categorical_accuracy`.

    Parameters
    ----------
    k : int
        How many predictions count.
    name, dtype : str, optional
        As in :class:`Metric`.
    from_sorted_ids : bool
        Predictions are class indices in order of their scores.
    """

    def __init__(
        self,
        k: int = 5,
        name: str | None = "sparse_top_k_categorical_accuracy",
        dtype: str | DTypePolicy | None = None,
        from_sorted_ids: bool = False,
    ) -> None:
        super().__init__(
            sparse_top_k_categorical_accuracy,
            name=name,
            dtype=dtype,
            k=k,
            from_sorted_ids=from_sorted_ids,
        )
        self.k = k
        self.from_sorted_ids = from_sorted_ids
        self._direction = "up"
