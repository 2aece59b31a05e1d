"""IMDB: 50,000 film reviews as lists of word numbers, half of them positive.

Source: A. L. Maas et al. (2011), Learning Word Vectors for Sentiment Analysis, ACL.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.base.namespace import publish
from chainrule.datasets.locate import locate
from chainrule.datasets.sequences import (
    Texts,
    cut_words,
    marked,
    read_texts,
    read_words,
    shorter,
    shuffled,
)

__all__ = ["get_word_index", "load_data"]

FOLDER = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
SHA256 = "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"
WORDS_MD5 = "bfafd718b763782e994055a2d397834f"


def load_data(
    path: Any = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> Texts:
    """The reviews as `(x_train, y_train), (x_test, y_test)`, in Keras's order.

    The file keeps the lists as a pickle. It is read as data: nothing in it is executed, and anything
    else than lists of integers is refused.

    Parameters
    ----------
    path : str or Path
        A name is looked for in `$CHAINRULE_DATA`, then in the cache (`$CHAINRULE_HOME/datasets`,
        else `~/.chainrule/datasets`), then downloaded into the cache. A path with a folder is the
        file itself. Default: `"imdb.npz"`.
    num_words : int, optional
        Keep the words with smaller numbers, the most frequent ones; others become `oov_char`.
        Default: all but the rarest, as in Keras.
    skip_top : int
        Words with smaller numbers become `oov_char`. Default: 0.
    maxlen : int, optional
        Leave out texts of so many words or more. Default: none.
    seed : int
        Of the shuffle. Default: 113.
    start_char : int, optional
        What each text begins with. Default: 1. None: nothing.
    oov_char : int, optional
        What stands for words that are not kept. Default: 2. None: they are left out.
    index_from : int
        Added to each word's number. Default: 3.

    Returns
    -------
    x_train, y_train : ndarray
        (25000,), lists of numbers, 1 for the most frequent word, plus `index_from`; and (25000,),
        labels 0 (negative) and 1.
    x_test, y_test : ndarray
        (25000,) and (25000,).

    Raises
    ------
    ValueError
        A `maxlen` that no text is shorter than.
    FileNotFoundError, ConnectionError
        No file at the path; nothing to be downloaded.
    FileFormatError
        A checksum that does not match; a file that is damaged or holds something else, such as a
        pickle that would run code.
    """
    file = locate(path, f"{FOLDER}imdb.npz", SHA256)
    draw = np.random.RandomState(seed)
    parts = []
    for rows, labels in read_texts(file, [("x_train", "y_train"), ("x_test", "y_test")]):
        rows, labels = shuffled(rows, labels, draw)
        parts.append(shorter(marked(rows, start_char, index_from), labels, maxlen))
    if not all(rows for rows, _ in parts):
        raise ValueError(f"Expected `maxlen` to leave texts in both parts, got {maxlen}")
    (train, y_train), (test, y_test) = parts
    x = cut_words(train + test, num_words, skip_top, oov_char)
    return (x[: len(train)], y_train), (x[len(train) :], y_test)


def get_word_index(path: Any = "imdb_word_index.json") -> dict[str, int]:
    """The number of each word, by frequency from 1 on; `load_data` adds `index_from` to it.

    Parameters
    ----------
    path : str or Path
        As for `load_data`. Default: `"imdb_word_index.json"`.

    Raises
    ------
    FileNotFoundError, ConnectionError
        No file at the path; nothing to be downloaded.
    FileFormatError
        A checksum that does not match; a file that is damaged or holds something else.
    """
    return read_words(path, f"{FOLDER}imdb_word_index.json", WORDS_MD5)


publish(globals())
