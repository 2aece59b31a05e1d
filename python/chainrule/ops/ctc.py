"""Connectionist temporal classification: the loss of labellings of frames, and their search."""

from __future__ import annotations

import operator
from typing import Any

from chainrule.base.dtypes import result_type, standardize_dtype
from chainrule.base.errors import ShapeError
from chainrule.base.sizes import known
from chainrule.ops import reductions
from chainrule.ops._common import binary, block, unary
from chainrule.ops._sized import filled, numbers
from chainrule.ops.comparison import where
from chainrule.ops.indexing import take_along_axis
from chainrule.ops.joining import concatenate
from chainrule.ops.positions import argmax
from chainrule.ops.shaping import _reshape
from chainrule.ops.sorting import argsort
from chainrule.tracing.casting import as_dtype, promote_float
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation

__all__ = ["ctc_decode", "ctc_loss"]


def _logits(x: Any, name: str) -> Any:
    """Frames of classes, in float32 or wider."""
    (x,) = promote_float(x)
    if x.ndim != 3:
        raise ShapeError(
            f"{name} of shape (batch, frames, classes) expected, got {tuple(x.shape)}"
        )
    return as_dtype(x, result_type(standardize_dtype(x.dtype), "float32"))


def _blank(mask_index: Any, classes: Any) -> int:
    """The class of the blank, counted from the front; the last one for None."""
    index = -1 if mask_index is None else operator.index(mask_index)
    count = known(classes)
    if count is None or 0 <= index < count:
        return index
    if not -count <= index < 0:
        raise ShapeError(f"`mask_index` among {count} classes expected, got {mask_index}")
    return index + count


@operation
def ctc_loss(
    target: Any, output: Any, target_length: Any, output_length: Any, mask_index: int = 0
) -> Any:
    """-ln p(target | output), where p adds up all alignments of the labels with the frames, and the
    classes of each frame have the probabilities softmax(output); as Keras's `ops.ctc_loss`.

    In an alignment each frame has a class: the labels in order, each for one frame or several, and
    blanks anywhere, at least one between two equal labels. Computed in float64, as logarithms.
    Derivative by `output`: softmax(output) less the share of the alignments that are in a class.

    Parameters
    ----------
    target : integer tensor (batch, labels)
        Labels from 0 to classes - 1; what is behind a row's length does not count.
    output : tensor (batch, frames, classes)
        Logits; integers are cast to `floatx()`.
    target_length : integer tensor (batch,)
        How many labels of a row count.
    output_length : integer tensor (batch,)
        How many frames of a row count. A row of none, without labels, has the loss 0.
    mask_index : int
        The class of the blank; below 0 it counts from the end. Default 0.

    Returns
    -------
    tensor (batch,)
        A loss for each row, in the float dtype of `output`, float32 at least. Infinite where a label
        has the probability 0.

    Raises
    ------
    ShapeError
        Another rank, batches that differ, or a `mask_index` that is no class.
    DataError
        More labels than the frames can hold (one frame each, and one between equal ones), a length
        or a label out of range. Keras gives a huge loss in place of the first.
    GradientError
        For second derivatives.
    DTypeError
        An argument that holds no numbers.

    References
    ----------
    Graves, Fernandez, Gomez and Schmidhuber, Connectionist Temporal Classification, ICML 2006.

    Examples
    --------
    >>> import numpy as np
    >>> even = np.zeros((1, 2, 3))  # the 3 paths (1, 1), (0, 1) and (1, 0) of 9
    >>> f"{ctc_loss([[1]], even, [1], [2]).item():.4f}"
    '1.0986'
    """
    output = _logits(output, "output")
    attrs = {"mask_index": _blank(mask_index, output.shape[2])}
    integers = [as_dtype(x, "int64") for x in (target, target_length, output_length)]
    return apply("ctc_loss", attrs, [output, *integers])


@operation
def ctc_decode(
    inputs: Any,
    sequence_lengths: Any,
    strategy: str = "greedy",
    beam_width: int = 100,
    top_paths: int = 1,
    merge_repeated: bool = True,
    mask_index: int | None = 0,
) -> tuple[Any, Any]:
    """The labels of frames, as Keras's `ops.ctc_decode`: the likeliest class of each frame, equal
    neighbours once, without blanks; or the likeliest labellings that a beam search finds.

    Parameters
    ----------
    inputs : tensor (batch, frames, classes)
        Logits; integers are cast to `floatx()`.
    sequence_lengths : integer tensor (batch,)
        How many frames of a row count.
    strategy : {"greedy", "beam_search"}
        Default "greedy".
    beam_width : int
        Of a beam search, how many beginnings of labellings are kept after each frame. What is above
        the number of those that there are costs nothing. Default 100.
    top_paths : int
        Of a beam search, how many labellings to give. Default 1.
    merge_repeated : bool
        With "greedy", whether equal neighbours are one label. Default True.
    mask_index : int, optional
        The class of the blank; below 0 it counts from the end, None is the last. Default 0.

    Returns
    -------
    int32 tensor (paths, batch, frames)
        Labels, then -1; one path for "greedy", else `top_paths`, the likeliest first. Of equally
        likely ones that with the lower label comes first where they part.
    tensor (batch, paths)
        For "greedy", minus the sum of the largest logits; else ln p of each labelling, minus
        infinity where fewer are found. In the float dtype of `inputs`, float32 at least.

    Raises
    ------
    ValueError
        Another strategy, or a `beam_width` or `top_paths` below 1.
    ShapeError
        Another rank, batches that differ, or a `mask_index` that is no class.
    DataError
        In a beam search, NaN, or a length that is not one of 0 to the number of frames.
    GradientError
        For the derivative of a beam search's scores.
    MemoryError
        A beam search that is wider than memory.
    DTypeError
        An argument that holds no numbers.

    References
    ----------
    Hannun, Maas, Jurafsky and Ng, First-Pass Large Vocabulary Continuous Speech Recognition using
    Bi-Directional Recurrent DNNs, 2014, algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> frames = np.log([[[0.2, 0.7, 0.1], [0.2, 0.7, 0.1], [0.8, 0.1, 0.1], [0.3, 0.1, 0.6]]])
    >>> labels, _ = ctc_decode(frames, [4])
    >>> labels.tolist()
    [[[1, 2, -1, -1]]]
    >>> labels, scores = ctc_decode(frames, [4], "beam_search", top_paths=2)
    >>> labels[:, 0].tolist(), scores.round(3).tolist()
    ([[1, 2, -1, -1], [1, -1, -1, -1]], [[-0.689, -1.538]])
    """
    inputs = _logits(inputs, "inputs")
    blank = _blank(mask_index, inputs.shape[2])
    if strategy == "greedy":
        return _greedy(inputs, as_dtype(sequence_lengths, "int32"), merge_repeated, blank)
    if strategy != "beam_search":
        raise ValueError(
            f"Invalid strategy {strategy}. Supported values are 'greedy' and 'beam_search'."
        )
    attrs = {
        "mask_index": blank,
        "beam_width": operator.index(beam_width),
        "top_paths": operator.index(top_paths),
    }
    paths, scores = apply(
        "ctc_beam_search", attrs, [inputs, as_dtype(sequence_lengths, "int64")], outputs=2
    )
    return paths, scores


def _greedy(inputs: Any, lengths: Any, merge_repeated: bool, blank: int) -> tuple[Any, Any]:
    rows, frames = inputs.shape[:2]
    places = numbers(frames)
    unused = binary("ge", _reshape(places, [1, frames]), _reshape(lengths, [rows, 1]))
    labels = where(unused, blank, argmax(inputs, axis=-1))
    dtype = standardize_dtype(inputs.dtype)
    tops = where(unused, as_dtype(0.0, dtype), reductions.max(inputs, axis=-1))
    is_none = binary("eq", labels, as_dtype(blank, "int32"))
    if merge_repeated and known(frames) != 0:
        again = binary("eq", block(labels, 1, 1, frames), block(labels, 1, 0, frames - 1))
        first = filled([rows, 1], False, "bool")
        is_none = binary("logical_or", is_none, concatenate([first, again], axis=1))
    # Labels keep their order, and what is none comes behind them.
    order = argsort(where(is_none, frames, _reshape(places, [1, frames])), axis=-1)
    labels = take_along_axis(where(is_none, -1, labels), order, axis=-1)
    scores = unary("neg", reductions.sum(tops, axis=1, keepdims=True))
    return _reshape(as_dtype(labels, "int32"), [1, rows, frames]), scores
