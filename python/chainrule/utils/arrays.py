"""Arrays before training: labels, norms, padding, splits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.base import tree
from chainrule.base.tables import as_numbers
from chainrule.utils.dataset import Dataset

__all__ = ["normalize", "pad_sequences", "split_dataset", "to_categorical"]

Array = npt.NDArray[Any]


def to_categorical(x: Any, num_classes: int | None = None) -> Array:
    """One-hot rows: out[..., k] = 1 where x[...] = k.

    Parameters
    ----------
    x : array-like of int
        Labels, of shape (...) or (..., 1).
    num_classes : int, optional
        Default: the largest label plus one.

    Returns
    -------
    ndarray
        Of shape (..., num_classes), float64.

    Raises
    ------
    ValueError
        For labels outside 0 .. num_classes - 1.
    DTypeError
        For labels that are no numbers.

    Examples
    --------
    >>> to_categorical([0, 2])
    array([[1., 0., 0.],
           [0., 0., 1.]])
    """
    labels = as_numbers(x, "to_categorical").astype("int64")
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    if labels.size and labels.min() < 0:
        raise ValueError(f"to_categorical: expected labels of at least 0, got {labels.min()}.")
    if not num_classes:
        if labels.size == 0:
            raise ValueError("to_categorical: without labels, `num_classes` has to be given.")
        num_classes = int(labels.max()) + 1
    if labels.size and labels.max() >= num_classes:
        raise ValueError(
            f"to_categorical: expected labels below num_classes={num_classes}, got {labels.max()}."
        )
    result = np.zeros((*labels.shape, num_classes))
    np.put_along_axis(result, labels[..., None], 1.0, axis=-1)
    return result


def normalize(x: Any, axis: int = -1, order: int = 2) -> Array:
    """x / ||x|| along an axis; where the norm is zero, x.

    Parameters
    ----------
    x : array-like
    axis : int
        Default: the last.
    order : int
        Of the norm. Default: 2.

    Examples
    --------
    >>> normalize(np.array([[3.0, 4.0], [0.0, 0.0]]))
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    array = np.asarray(x)
    if not np.issubdtype(array.dtype, np.inexact):
        array = array.astype("float64")
    norm = np.linalg.norm(array, order, axis, keepdims=True)
    return np.asarray(array / np.where(norm == 0, np.ones_like(norm), norm))


def pad_sequences(
    sequences: Sequence[Any],
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> Array:
    """Sequences of different lengths as one array.

    Parameters
    ----------
    sequences : sequence of sequences
        Their items may be arrays of one shape.
    maxlen : int, optional
        Default: the length of the longest.
    dtype : dtype
        Default: int32.
    padding, truncating : {"pre", "post"}
        Where to fill in and where to cut. Default: at the front.
    value
        What to fill in. Default: 0.

    Returns
    -------
    ndarray
        Of shape (len(sequences), maxlen, ...).

    Raises
    ------
    ValueError
        When an item is no sequence, the items' shapes differ, or a word is unknown.

    Examples
    --------
    >>> pad_sequences([[1], [2, 3]])
    array([[0, 1],
           [2, 3]], dtype=int32)
    """
    for name, word in (("padding", padding), ("truncating", truncating)):
        if word not in ("pre", "post"):
            raise ValueError(f'Expected `{name}` "pre" or "post". Received: {name}={word!r}')
    for item in sequences:
        if not hasattr(item, "__len__"):
            raise ValueError(
                f"`sequences` must be a list of iterables. Found non-iterable: {item!r}"
            )
    length = maxlen if maxlen is not None else max(map(len, sequences), default=0)
    shape = next((np.asarray(s).shape[1:] for s in sequences if len(s)), ())
    is_text = np.issubdtype(np.dtype(dtype), np.str_) or np.issubdtype(np.dtype(dtype), str)
    if isinstance(value, str) and np.dtype(dtype) != object and not is_text:
        raise ValueError(
            f"`dtype` {dtype} is not compatible with `value`'s type: {type(value)}. "
            "For text, use dtype=object."
        )
    result = np.full((len(sequences), length, *shape), value, dtype=dtype)
    for row, item in zip(result, sequences, strict=True):
        kept = np.asarray(
            item[max(len(item) - length, 0) :] if truncating == "pre" else item[:length],
            dtype=dtype,
        )
        if len(kept) == 0:
            continue
        if kept.shape[1:] != shape:
            raise ValueError(
                f"Shape of sample {kept.shape[1:]} is different from the expected shape {shape}"
            )
        row[length - len(kept) if padding == "pre" else 0 :][: len(kept)] = kept
    return result


def split_dataset(
    dataset: Any,
    left_size: int | float | None = None,
    right_size: int | float | None = None,
    shuffle: bool = False,
    seed: int | None = None,
) -> tuple[Any, Any]:
    """A dataset in two parts.

    Parameters
    ----------
    dataset : array, a nest of arrays of one length, or Dataset
        Samples along the first axis. Of a Dataset one pass is made and kept in memory; batches that
        `batch` made are taken apart, and put together again in both parts.
    left_size, right_size : int or float, optional
        A number of samples, or a fraction. One of them may be left out.
    shuffle : bool
        Draw the samples of the parts at random. Default: False.
    seed : int, optional
        For the shuffle.

    Returns
    -------
    tuple
        Left and right part, nested as `dataset`; views of it where they are not shuffled. Two
        Datasets of a Dataset.

    Raises
    ------
    ValueError
        When the sizes do not fit to the dataset, the arrays' lengths differ, or a Dataset has no end.

    Examples
    --------
    >>> left, right = split_dataset((np.arange(10), np.arange(10) * 2), left_size=0.8)
    >>> right[0], right[1]
    (array([8, 9]), array([16, 18]))
    """
    if isinstance(dataset, Dataset):
        return _split_elements(dataset, left_size, right_size, shuffle, seed)
    arrays = tree.map_structure(np.asarray, dataset)
    lengths = {len(a) for a in tree.flatten(arrays)}
    if len(lengths) != 1:
        raise ValueError(f"split_dataset: expected arrays of one length, got {sorted(lengths)}.")
    first, second = _parts(lengths.pop(), left_size, right_size, shuffle, seed)
    return (
        tree.map_structure(lambda a: a[first], arrays),
        tree.map_structure(lambda a: a[second], arrays),
    )


def _split_elements(dataset: Dataset, *options: Any) -> tuple[Dataset, Dataset]:
    """The elements of one pass in two datasets."""
    if dataset.cardinality() == Dataset.INFINITE:
        raise ValueError("split_dataset: expected a dataset that ends; `take` some of it.")
    size = dataset.batch_size
    elements = list(dataset if size is None else dataset.unbatch())
    left, right = (
        Dataset.of([elements[i] for i in np.arange(len(elements))[rows]])
        for rows in _parts(len(elements), *options)
    )
    return (left, right) if size is None else (left.batch(size), right.batch(size))


def _parts(
    total: int, left_size: Any, right_size: Any, shuffle: bool, seed: int | None
) -> tuple[Any, Any]:
    """Which rows go to the left, and which to the right."""
    left = _part(left_size, total, "left_size")
    right = _part(right_size, total, "right_size")
    if left is None and right is None:
        raise ValueError("At least one of `left_size` and `right_size` must be given.")
    left = total - right if left is None and right is not None else left
    assert left is not None
    right = total - left if right is None else right
    if left + right > total or left < 0 or right < 0:
        raise ValueError(
            f"The sizes {left} and {right} do not fit to a dataset of {total} samples."
        )
    first, second = slice(0, left), slice(left, left + right)
    if not shuffle:
        return first, second
    order = np.random.default_rng(seed).permutation(total)
    return order[first], order[second]


def _part(size: int | float | None, total: int, name: str) -> int | None:
    if size is None:
        return None
    if isinstance(size, bool) or not isinstance(size, (int, float, np.integer, np.floating)):
        raise TypeError(f"Expected `{name}` to be an int or a float. Received: {size!r}")
    if isinstance(size, (float, np.floating)):
        if not 0 <= size <= 1:
            raise ValueError(f"A fraction `{name}` must be between 0 and 1. Received: {size}")
        return round(size * total)
    return int(size)
