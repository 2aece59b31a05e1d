"""Connectionist temporal classification."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.base.errors import ShapeError
from chainrule.losses.loss import FunctionLoss, Tensor
from chainrule.ops._sized import numbers
from chainrule.tracing.policies import DTypePolicy


def ctc(y_true: Any, y_pred: Any, mask: Any = None) -> Tensor:
    """``-ln p(y_true | y_pred)``, where ``p`` adds up all alignments of the labels with the frames;
    as Keras's `losses.ctc`.

    Class 0 is the blank. A row has as many labels as are not 0, which come first, and as many frames
    as its mask says. For lengths in numbers, and another blank, use `ops.ctc_loss`. Derivative by
    the logits: ``softmax(y_pred)`` less the share of the alignments that are in a class.

    Parameters
    ----------
    y_true : tensor (batch, labels)
        Labels from 1 to classes - 1, then zeros.
    y_pred : tensor (batch, frames, classes)
        Logits.
    mask : bool tensor (batch, frames), optional
        Which frames count; Keras's function has none. Default: all of them. A model's loss gets the
        mask of the output, as `layers.Masking` begins it.

    Returns
    -------
    tensor
        (batch,): a loss for each row, in the float dtype of `y_pred`, float32 at least.

    Raises
    ------
    ShapeError
        Another rank, or batches that differ.
    DataError
        More labels than the frames can hold (one frame each, and one between equal ones), or a label
        that is no class.
    DTypeError
        An argument that holds no numbers.

    References
    ----------
    Graves, Fernandez, Gomez and Schmidhuber, Connectionist Temporal Classification, ICML 2006.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import losses
    >>> f"{losses.ctc([[1, 0]], np.zeros((1, 2, 3))).item():.4f}"
    '1.0986'
    """
    y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    if len(y_true.shape) != 2:
        raise ShapeError(
            "Targets `y_true` are expected to be a tensor of shape `(batch_size, max_length)` in "
            f"integer format. Received: y_true.shape={tuple(y_true.shape)}"
        )
    if len(y_pred.shape) != 3:
        raise ShapeError(
            "Logits `y_pred` are expected to be a tensor of shape "
            f"`(batch_size, max_length, num_classes)`. Received: y_pred.shape={tuple(y_pred.shape)}"
        )
    rows, frames = y_pred.shape[:2]
    labels = ops.sum(ops.cast(ops.not_equal(y_true, 0), "int32"), axis=-1)
    if mask is None:
        lengths = ops.broadcast_to(ops.cast(frames, "int32"), (rows,))
    else:
        mask = ops.cast(mask, "bool")
        if len(mask.shape) != 2:
            raise ShapeError(f"ctc: expected a mask (batch, frames), got {tuple(mask.shape)}")
        lengths = ops.sum(ops.cast(mask, "int32"), axis=-1)
        # The frames that count come first, in their order.
        order = ops.argsort(ops.where(mask, numbers(frames), frames), axis=-1)
        y_pred = ops.take_along_axis(y_pred, ops.expand_dims(order, -1), axis=1)
    return ops.ctc_loss(y_true, y_pred, labels, lengths)


class CTC(FunctionLoss):
    """The mean over a batch of ``-ln p(y_true | y_pred)``, as Keras's `losses.CTC`: :func:`ctc`.

    Frames that the mask of `y_pred` leaves out do not count.

    Parameters
    ----------
    reduction : str or None
        As in :class:`Loss`. Default "sum_over_batch_size".
    name : str
        Of the loss. Default "ctc".
    dtype : str or DTypePolicy, optional
        Of the computation. Default: `config.floatx()`.

    Raises
    ------
    ValueError
        An unknown reduction.

    References
    ----------
    Graves, Fernandez, Gomez and Schmidhuber, Connectionist Temporal Classification, ICML 2006.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import losses
    >>> f"{losses.CTC()([[1, 2, 1, 0], [2, 2, 0, 0]], np.zeros((2, 4, 3))):.4f}"
    '2.6168'
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "ctc",
        dtype: str | DTypePolicy | None = None,
    ) -> None:
        super().__init__(ctc, reduction, name, dtype)
