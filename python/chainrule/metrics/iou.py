"""Intersection over union, from a confusion matrix."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from chainrule import ops
from chainrule.base import config as backend_config
from chainrule.metrics.metric import Metric, Tensor
from chainrule.tracing.policies import DTypePolicy


def confusion_matrix(
    labels: Any, predictions: Any, num_classes: int, weights: Any = None, dtype: Any = "int32"
) -> Tensor:
    """``c[i, j]``: the weighted count of samples of label ``i`` predicted as ``j``.

    Parameters
    ----------
    labels, predictions : int array (N)
        In ``[0, num_classes)``.
    weights : array (N), optional

    Returns
    -------
    tensor (num_classes, num_classes)

    Raises
    ------
    DataError
        For a class outside the range.

    Examples
    --------
    >>> from chainrule.metrics.iou import confusion_matrix
    >>> confusion_matrix([0, 1, 1], [0, 0, 1], 2)
    array([[1, 0],
           [1, 1]], dtype=int32)
    """
    cell = ops.cast(labels, "int32") * num_classes + ops.cast(predictions, "int32")
    if weights is None:
        weights = ops.ones_like(cell)
    counts = ops.segment_sum(ops.cast(weights, dtype), cell, num_segments=num_classes**2)
    return ops.reshape(counts, (num_classes, num_classes))


class IoU(Metric):
    """``mean(c[k, k] / (sum(c[k]) + sum(c[:, k]) - c[k, k]))`` over the target classes ``k``.

    ``c`` is the confusion matrix. Classes that occur neither as label nor as prediction do not
    count.

    Parameters
    ----------
    num_classes : int
    target_class_ids : sequence of int
        The classes that are averaged.
    name, dtype : str, optional
        As in :class:`Metric`; counts are int32 by default.
    ignore_class : int, optional
        Samples of this label do not count. Labels and predictions outside ``[0, num_classes)``
        never do.
    sparse_y_true, sparse_y_pred : bool
        Class indices, not scores per class whose argmax is taken.
    axis : int
        The axis of those scores.

    Raises
    ------
    ValueError
        For a target class outside ``[0, num_classes)``.

    Source: P. Jaccard, The Distribution of the Flora in the Alpine Zone, New Phytologist 11 (1912).

    Examples
    --------
    >>> from chainrule import metrics
    >>> metric = metrics.IoU(num_classes=2, target_class_ids=[0])
    >>> round(float(metric([0, 0, 1, 1], [0, 1, 0, 1])), 4)
    0.3333
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: str | DTypePolicy | None = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(name=name, dtype=dtype or "int32")
        self._direction = "up"
        for k in target_class_ids:
            if not 0 <= k < num_classes:
                raise ValueError(
                    f"Target class id {k} is out of range, which is [0, {num_classes})."
                )
        self.num_classes = num_classes
        self.target_class_ids = [int(k) for k in target_class_ids]
        self.ignore_class = ignore_class
        self.sparse_y_true = sparse_y_true
        self.sparse_y_pred = sparse_y_pred
        self._one_shape = not (sparse_y_true or sparse_y_pred)
        self.axis = axis
        self.total_cm = self.add_variable(
            (num_classes, num_classes), "zeros", dtype=self.dtype, name="total_confusion_matrix"
        )

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add the confusion matrix of a batch."""
        if not self.sparse_y_true:
            y_true = ops.argmax(y_true, axis=self.axis)
        if not self.sparse_y_pred:
            y_pred = ops.argmax(y_pred, axis=self.axis)
        label = ops.reshape(ops.cast(ops.convert_to_tensor(y_true), "int32"), (-1,))
        predicted = ops.reshape(ops.cast(ops.convert_to_tensor(y_pred), "int32"), (-1,))
        counted = ops.logical_and(self._in_range(label), self._in_range(predicted))
        if self.ignore_class is not None:
            counted = ops.logical_and(counted, ops.not_equal(label, self.ignore_class))
        weight = ops.cast(counted, self.dtype)
        if sample_weight is not None:
            weight = weight * self._flat_weight(sample_weight, label.shape)
        zero = ops.zeros_like(label)
        self.total_cm.assign(
            self.total_cm
            + confusion_matrix(
                ops.where(counted, label, zero),
                ops.where(counted, predicted, zero),
                self.num_classes,
                weights=weight,
                dtype=self.dtype,
            )
        )

    def _in_range(self, classes: Tensor) -> Tensor:
        return ops.logical_and(ops.greater_equal(classes, 0), ops.less(classes, self.num_classes))

    def _flat_weight(self, sample_weight: Any, shape: tuple[int, ...]) -> Tensor:
        kind = str(getattr(sample_weight, "dtype", ""))
        if "float" in kind and "int" in self.dtype:
            warnings.warn(
                f"{self.name}: the weight is float and the counts are int: casting the weight "
                "drops its fraction. Pass integer weights or dtype='float32'.",
                stacklevel=3,
            )
        weight = ops.convert_to_tensor(sample_weight, dtype=self.dtype)
        if len(weight.shape) > 1:
            weight = ops.reshape(weight, (-1,))
        return ops.broadcast_to(weight, shape)

    def result(self) -> Tensor:
        """Return the mean over the target classes that occur."""
        matrix = ops.convert_to_tensor(self.total_cm)
        diagonal = matrix * ops.eye(self.num_classes, dtype=self.dtype)
        rows, columns, hits = (
            ops.cast(ops.take(total, self.target_class_ids), "float32")
            for total in (
                ops.sum(matrix, axis=1),
                ops.sum(matrix, axis=0),
                ops.sum(diagonal, axis=0),
            )
        )
        union = rows + columns - hits
        occurs = ops.cast(ops.greater(union, 1e-9), "float32")
        epsilon = backend_config.epsilon()
        iou = hits / (union + epsilon) * occurs
        return ops.divide(ops.sum(iou), ops.add(ops.sum(occurs), epsilon))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild this metric."""
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "target_class_ids": self.target_class_ids,
            "ignore_class": self.ignore_class,
            "sparse_y_true": self.sparse_y_true,
            "sparse_y_pred": self.sparse_y_pred,
            "axis": self.axis,
        }


class BinaryIoU(IoU):
    """:class:`IoU` of classes 0 and 1, predicted by ``y_pred >= threshold``.

    Parameters
    ----------
    target_class_ids : sequence of int
        Of 0 and 1.
    threshold : float
    name, dtype : str, optional
        As in :class:`IoU`.
    """

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        super().__init__(2, target_class_ids, name=name, dtype=dtype)
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add the confusion matrix of a batch."""
        y_pred = ops.greater_equal(ops.convert_to_tensor(y_pred, dtype="float32"), self.threshold)
        super().update_state(y_true, y_pred, sample_weight)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild this metric."""
        return {
            **Metric.get_config(self),
            "target_class_ids": self.target_class_ids,
            "threshold": self.threshold,
        }


class MeanIoU(IoU):
    """:class:`IoU` averaged over all classes.

    Parameters
    ----------
    num_classes : int
        As in :class:`IoU`.
    name, dtype : str, optional
        As in :class:`IoU`.
    ignore_class : int, optional
        As in :class:`IoU`.
    sparse_y_true, sparse_y_pred : bool
        As in :class:`IoU`.
    axis : int
        As in :class:`IoU`.
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: str | DTypePolicy | None = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(
            num_classes,
            range(num_classes),
            name,
            dtype,
            ignore_class,
            sparse_y_true,
            sparse_y_pred,
            axis,
        )

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild this metric."""
        config = super().get_config()
        del config["target_class_ids"]
        return config


class OneHotIoU(IoU):
    """:class:`IoU` of one-hot labels, and of scores per class unless ``sparse_y_pred``.

    Parameters
    ----------
    num_classes : int
        As in :class:`IoU`.
    target_class_ids : sequence of int
        As in :class:`IoU`.
    name, dtype : str, optional
        As in :class:`IoU`.
    ignore_class : int, optional
        As in :class:`IoU`.
    sparse_y_pred : bool
        As in :class:`IoU`.
    axis : int
        As in :class:`IoU`.
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: str | DTypePolicy | None = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(
            num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis
        )

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild this metric."""
        config = super().get_config()
        del config["sparse_y_true"]
        return config


class OneHotMeanIoU(MeanIoU):
    """:class:`MeanIoU` of one-hot labels, and of scores per class unless ``sparse_y_pred``.

    Parameters
    ----------
    num_classes : int
        As in :class:`IoU`.
    name, dtype : str, optional
        As in :class:`IoU`.
    ignore_class : int, optional
        As in :class:`IoU`.
    sparse_y_pred : bool
        As in :class:`IoU`.
    axis : int
        As in :class:`IoU`.
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: str | DTypePolicy | None = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild this metric."""
        config = super().get_config()
        del config["sparse_y_true"]
        return config
