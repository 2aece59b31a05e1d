"""Texts as lists of word numbers: read without unpickling, shuffled, and cut to a vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.base.errors import FileFormatError
from chainrule.base.loading import read_json
from chainrule.datasets.int_lists import parse_int_lists
from chainrule.datasets.locate import locate
from chainrule.datasets.npz import most_bytes, opened, read_npz
from chainrule.utils.reading import damage, read_header

__all__ = ["Texts", "cut_words", "marked", "read_texts", "read_words", "shorter", "shuffled"]

Array = npt.NDArray[Any]
Rows = list[list[int]]
Texts = tuple[tuple[Array, Array], tuple[Array, Array]]


def read_texts(path: Path, parts: Sequence[tuple[str, str]]) -> list[tuple[Rows, Array]]:
    """The lists of integers and the labels of each part of an `.npz` file.

    The lists are a pickle, which is read as data: see `chainrule.datasets.int_lists`.

    Parameters
    ----------
    path : Path
    parts : sequence of (str, str)
        The names of the lists and of the labels.

    Raises
    ------
    FileFormatError
        A file that is damaged, lacks an array, or holds anything else than that.
    """
    found = []
    with opened(path, [name for part in parts for name in part]) as archive:
        for name, labels in parts:
            entry = archive.getinfo(f"{name}.npy")
            with archive.open(entry) as stream:
                read_header(stream, "O")
                most = most_bytes(path, entry.file_size)
                data = stream.read(most + 1)
            if len(data) > most:
                raise ValueError(f"more than {most} bytes of array '{name}'")
            rows = parse_int_lists(data)
            targets = read_npz(path, {labels: (len(rows),)}, "int")[labels]
            found.append((rows, targets))
    return found


def shuffled(rows: Rows, labels: Array, draw: np.random.RandomState) -> tuple[Rows, Array]:
    """Both in the order that `draw` gives."""
    order = np.arange(len(rows))
    draw.shuffle(order)
    return [rows[i] for i in order], labels[order]


def marked(rows: Rows, start_char: int | None, index_from: int | None) -> Rows:
    """Word numbers from `index_from` on, behind `start_char` where there is one."""
    first = [] if start_char is None else [start_char]
    shift = index_from or 0
    return [first + [word + shift for word in row] for row in rows]


def shorter(rows: Rows, labels: Array, maxlen: int | None) -> tuple[Rows, Array]:
    """The rows of fewer than `maxlen` words."""
    if not maxlen:
        return rows, labels
    kept = [i for i, row in enumerate(rows) if len(row) < maxlen]
    return [rows[i] for i in kept], labels[kept]


def cut_words(
    rows: Rows, num_words: int | None, skip_top: int, oov_char: int | None
) -> Array:
    """An array of the lists; numbers outside [skip_top, num_words) are `oov_char`, or left out.

    Parameters
    ----------
    rows : list of list of int
    num_words : int, optional
        Default: the largest number, which is then outside, as in Keras.
    skip_top : int
    oov_char : int, optional
        Default: such words are left out.

    Examples
    --------
    >>> cut_words([[1, 14, 3], [5]], num_words=10, skip_top=2, oov_char=2).tolist()
    [[2, 2, 3], [5]]
    """
    most = num_words or max((max(row, default=0) for row in rows), default=0)
    made = np.empty(len(rows), dtype=object)
    for i, row in enumerate(rows):
        if oov_char is None:
            made[i] = [word for word in row if skip_top <= word < most]
        else:
            made[i] = [word if skip_top <= word < most else oov_char for word in row]
    return made


def read_words(path: Any, origin: str, md5: str) -> dict[str, int]:
    """The numbers of words from a JSON file.

    Raises
    ------
    FileNotFoundError, ConnectionError
        No file at the path; nothing to be downloaded.
    FileFormatError
        A checksum that does not match; a file that is anything else than numbers by word.
    """
    file = locate(path, origin, md5)
    with damage(file, "a JSON file of numbers by word"):
        words = read_json(file.read_bytes())
    if not isinstance(words, dict) or not set(map(type, words.values())) <= {int}:
        raise FileFormatError(f"file '{file}': expected a number for each word, got other JSON")
    return words
