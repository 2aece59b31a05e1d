"""Vocabularies: which index a token has, and how often tokens come."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain, repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.base.errors import DataError

__all__ = ["TokenCounts", "Vocabulary", "read_tokens"]

Array = NDArray[Any]

MISSING = -1


class Vocabulary:
    """Tokens and their indices, which begin at `start`.

    Parameters
    ----------
    tokens : sequence of str or int
        No token twice.
    start : int

    Examples
    --------
    >>> Vocabulary(["a", "b"], 2).find(np.array(["b", "c"], dtype=object))
    array([ 3, -1])
    """

    def __init__(self, tokens: Sequence[Any], start: int) -> None:
        self.tokens = list(tokens)
        self.start = start
        self._table: dict[Any, int] = {}
        self._sorted = self._places = np.zeros(0, np.int64)
        if self.tokens and not isinstance(self.tokens[0], str):
            found = np.array(self.tokens, np.int64)
            order = np.argsort(found)
            self._sorted, self._places = found[order], order + start
        else:
            self._table = {token: start + i for i, token in enumerate(self.tokens)}

    def __len__(self) -> int:
        return len(self.tokens)

    def find(self, values: Array) -> Array:
        """The index of each value, -1 for those that are not known, as int64."""
        if values.dtype.kind == "O":
            return self.find_all(values.ravel().tolist()).reshape(values.shape)
        if not len(self._sorted):
            return np.full(values.shape, MISSING, np.int64)
        near = np.searchsorted(self._sorted, values).clip(max=len(self._sorted) - 1)
        return np.where(self._sorted[near] == values, self._places[near], MISSING)

    def find_all(self, texts: Sequence[str]) -> Array:
        """The index of each text of a list, -1 for those that are not known."""
        found = map(self._table.get, texts, repeat(MISSING))
        return np.fromiter(found, np.int64, len(texts))


class TokenCounts:
    """How often tokens come, and in how many documents, over any number of batches.

    Parameters
    ----------
    documents : bool
        Count documents too.

    Examples
    --------
    >>> counts = TokenCounts(True)
    >>> counts.add([["a", "b", "a"], ["b"]])
    >>> counts.most_common(()), counts.in_documents(["a", "b"]).tolist()
    (['b', 'a'], [1, 2])
    """

    def __init__(self, documents: bool) -> None:
        self._counts: Counter[Any] = Counter()
        self._in: Counter[Any] | None = Counter() if documents else None
        self.documents = 0

    def __len__(self) -> int:
        return len(self._counts)

    def add(self, rows: Sequence[Iterable[Any]]) -> None:
        """Count the tokens of some documents."""
        self._counts.update(chain.from_iterable(rows))
        if self._in is not None:
            self._in.update(chain.from_iterable(map(set, rows)))
            self.documents += len(rows)

    def most_common(self, left_out: Iterable[Any], most: int | None = None) -> list[Any]:
        """The tokens by how often they come; of the same number, the greater first."""
        for token in left_out:
            self._counts.pop(token, None)
        pairs = [(count, token) for token, count in self._counts.items()]
        pairs.sort(reverse=True)
        return [token for _, token in pairs[:most]]

    def in_documents(self, tokens: Iterable[Any]) -> Array:
        """In how many documents each token comes."""
        assert self._in is not None
        return np.array([self._in[token] for token in tokens], np.int64)


def read_tokens(path: str, encoding: str, integers: bool) -> list[Any]:
    """The tokens of a file, a line each; the end of the last line begins no other.

    Raises
    ------
    ValueError
        No file there.
    DataError
        Bytes that are none of the encoding, or a line that is no integer, by its number.
    """
    if not os.path.isfile(path):
        raise ValueError(f"Vocabulary file {path} does not exist.")
    with open(path, "rb") as file:
        data = file.read()
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise DataError(
            f"vocabulary file '{path}': expected text in {encoding}, got bytes of another encoding "
            f"in line {data.count(bytes([10]), 0, error.start) + 1}"
        ) from None
    lines = text.replace("\r\n", "\n").split("\n")
    while lines and not lines[-1]:
        lines.pop()
    if not integers:
        return lines
    tokens = []
    for number, line in enumerate(lines, 1):
        try:
            tokens.append(int(line))
        except ValueError:
            raise DataError(
                f"vocabulary file '{path}': expected an integer in line {number}, got {line!r}"
            ) from None
    return tokens
