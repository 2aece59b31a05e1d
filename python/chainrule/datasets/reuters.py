"""Reuters: 11,228 newswires of 1987 as lists of word numbers, of 46 topics.

Source: D. D. Lewis, Reuters-21578 text categorization test collection.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.base.namespace import publish
from chainrule.datasets.housing import check_split
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

__all__ = ["get_label_names", "get_word_index", "load_data"]

FOLDER = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
SHA256 = "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"
WORDS_MD5 = "4d44cc38712099c9e383dc6e5f11a921"

_TOPICS = """
    cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade
    reserves ship cotton carcass crude nat-gas cpi money-fx interest gnp meal-feed alum
    oilseed gold tin strategic-metal livestock retail ipi iron-steel rubber heat jobs lei
    bop zinc orange pet-chem dlr gas silver wpi hog lead
"""


def load_data(
    path: Any = "reuters.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> Texts:
    """The newswires as `(x_train, y_train), (x_test, y_test)`, in Keras's order.

    The file keeps the lists as a pickle. It is read as data: nothing in it is executed, and anything
    else than lists of integers is refused.

    Parameters
    ----------
    path : str or Path
        A name is looked for in `$CHAINRULE_DATA`, then in the cache (`$CHAINRULE_HOME/datasets`,
        else `~/.chainrule/datasets`), then downloaded into the cache. A path with a folder is the
        file itself. Default: `"reuters.npz"`.
    num_words : int, optional
        Keep the words with smaller numbers, the most frequent ones; others become `oov_char`.
        Default: all but the rarest, as in Keras.
    skip_top : int
        Words with smaller numbers become `oov_char`. Default: 0.
    maxlen : int, optional
        Leave out texts of so many words or more. Default: none.
    test_split : float
        The fraction of the shuffled texts, the last ones, that is for testing. Default: 0.2.
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
        (8982,), lists of numbers, 1 for the most frequent word, plus `index_from`; and (8982,),
        labels 0 to 45, of which `get_label_names` tells the topics.
    x_test, y_test : ndarray
        (2246,) and (2246,).

    Raises
    ------
    ValueError
        A `maxlen` that no text is shorter than, or a `test_split` outside [0, 1).
    FileNotFoundError, ConnectionError
        No file at the path; nothing to be downloaded.
    FileFormatError
        A checksum that does not match; a file that is damaged or holds something else, such as a
        pickle that would run code.
    """
    check_split(test_split)
    file = locate(path, f"{FOLDER}reuters.npz", SHA256)
    ((rows, labels),) = read_texts(file, [("x", "y")])
    rows, labels = shuffled(rows, labels, np.random.RandomState(seed))
    rows, labels = shorter(marked(rows, start_char, index_from), labels, maxlen)
    if not rows:
        raise ValueError(f"Expected `maxlen` to leave texts, got {maxlen}")
    x = cut_words(rows, num_words, skip_top, oov_char)
    at = int(len(x) * (1 - test_split))
    return (x[:at], labels[:at]), (x[at:], labels[at:])


def get_word_index(path: Any = "reuters_word_index.json") -> dict[str, int]:
    """The number of each word, by frequency from 1 on; `load_data` adds `index_from` to it.

    Parameters
    ----------
    path : str or Path
        As for `load_data`. Default: `"reuters_word_index.json"`.

    Raises
    ------
    FileNotFoundError, ConnectionError
        No file at the path; nothing to be downloaded.
    FileFormatError
        A checksum that does not match; a file that is damaged or holds something else.
    """
    return read_words(path, f"{FOLDER}reuters_word_index.json", WORDS_MD5)


def get_label_names() -> tuple[str, ...]:
    """The topics of the labels 0 to 45.

    Examples
    --------
    >>> get_label_names()[3:6]
    ('earn', 'acq', 'wheat')
    """
    return tuple(_TOPICS.split())


publish(globals())
