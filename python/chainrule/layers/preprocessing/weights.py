"""Inverse document frequencies: what a word that comes everywhere counts less."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.base import config

__all__ = ["document_frequency", "padded_weights"]

Array = NDArray[Any]


def document_frequency(counts: Array, documents: int) -> Array:
    """``log(1 + documents / (1 + count))`` for the number of documents that each token is in.

    Examples
    --------
    >>> document_frequency(np.array([3]), 4).round(4).tolist()
    [0.6931]
    """
    return np.asarray(np.log(1 + documents / (1 + counts.astype("float64"))))


def padded_weights(
    weights: Any, tokens: int, front: int, padded: int | None, most: int | None
) -> Array:
    """The weights of all indices: before the tokens' own their mean, behind them zeros.

    Parameters
    ----------
    weights : array-like
        One for each of the tokens.
    tokens : int
    front : int
        How many special tokens have no weight of their own.
    padded : int, optional
        How many indices there are, where the output is padded.
    most : int, optional
        The most that there may be.

    Raises
    ------
    ValueError
        Weights that are no list, or as many as there are tokens.
    """
    array = np.asarray(weights, dtype="float64")
    if array.ndim != 1:
        raise ValueError(f"TF-IDF data must be a 1-index array. Received: shape={array.shape}")
    if len(array) != tokens:
        raise ValueError(
            "`idf_weights` must be the same length as vocabulary. "
            f"len(idf_weights) is {len(array)}; len(vocabulary) is {tokens}"
        )
    mean = array.mean() if len(array) else 0.0
    whole = np.concatenate([np.full(front, mean), array])
    if padded is not None and (most is None or len(whole) <= most):
        whole = np.pad(whole, (0, padded - len(whole)))
    return whole.astype(config.floatx())
