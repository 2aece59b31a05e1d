"""Texts to tokens: lower case, punctuation, words, characters and n-grams.

As Keras's layers do it: lower case and white space are ASCII's, so that texts in all languages are
cut the same way everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from chainrule.base.errors import DTypeError, ShapeError

__all__ = ["ngrams_of", "rows_of", "split_texts", "standardize_texts"]

PUNCTUATION = b"!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~'"
_LOWER = bytes(range(256)).lower()
_WORDS = re.compile(r"[^ \t\n\r\f\v]+")
# What `str.split` takes for white space, and ASCII does not.
_OTHER_SPACE = re.compile("[\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")


def standardize_texts(texts: Sequence[str], how: str) -> list[str]:
    """Texts in lower case, without punctuation, or both.

    Parameters
    ----------
    texts : sequence of str
    how : {"lower", "strip_punctuation", "lower_and_strip_punctuation"}

    Examples
    --------
    >>> standardize_texts(["Hello, World!"], "lower_and_strip_punctuation")
    ['hello world']
    """
    table = _LOWER if how.startswith("lower") else None
    dropped = PUNCTUATION if how.endswith("punctuation") else b""
    # The bytes of characters beyond ASCII in UTF-8 are none of those that are changed.
    return [
        text.encode("utf-8", "surrogatepass")
        .translate(table, dropped)
        .decode("utf-8", "surrogatepass")
        for text in texts
    ]


def split_texts(texts: Sequence[str], how: str) -> list[list[str]]:
    """The tokens of each text.

    Parameters
    ----------
    texts : sequence of str
    how : {"whitespace", "character"}

    Examples
    --------
    >>> split_texts([" a  bc", ""], "whitespace"), split_texts(["bc"], "character")
    ([['a', 'bc'], []], [['b', 'c']])
    """
    if how == "character":
        return [list(text) for text in texts]
    return [
        _WORDS.findall(text) if _OTHER_SPACE.search(text) else text.split() for text in texts
    ]


def ngrams_of(tokens: Sequence[str], widths: Iterable[int]) -> list[str]:
    """All runs of so many tokens, joined by spaces, width by width.

    Examples
    --------
    >>> ngrams_of(["a", "b", "c"], (1, 2))
    ['a', 'b', 'c', 'a b', 'b c']
    """
    found: list[str] = []
    for width in widths:
        if width == 1:
            found.extend(tokens)
        else:
            found.extend(map(" ".join, zip(*(tokens[i:] for i in range(width)))))
    return found


def rows_of(result: Any, count: int, place: str) -> list[list[str]]:
    """What a user's function made of `count` texts, as a list of tokens for each.

    Raises
    ------
    ShapeError
        Another number of rows.
    DTypeError
        Tokens that are no texts, or rows that are no lists.
    """
    rows = result.to_list() if hasattr(result, "to_list") else result
    if not hasattr(rows, "__len__") or len(rows) != count:
        got = f"{len(rows)} rows" if hasattr(rows, "__len__") else type(rows).__name__
        raise ShapeError(f"{place}: `split` expected to give {count} lists of tokens, got {got}")
    cut: list[list[str]] = []
    for row in rows:
        if isinstance(row, (str, bytes)) or not hasattr(row, "__iter__"):
            raise DTypeError(
                f"{place}: `split` expected to give a list of tokens for each text, got {row!r}"
            )
        tokens = [t.decode("utf-8") if isinstance(t, bytes) else t for t in row]
        if not all(isinstance(token, str) for token in tokens):
            raise DTypeError(f"{place}: `split` expected to give texts, got {tokens[:3]}")
        cut.append([str(token) for token in tokens])
    return cut
