"""Words and their numbers, and what the table that embeds them has learnt of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "KINDS",
    "MASK",
    "NEIGHBOURS",
    "PAD",
    "SPECIAL",
    "UNKNOWN",
    "Vocabulary",
    "nearest",
    "sorted_right",
    "unit_rows",
    "words_of",
]

Array = npt.NDArray[Any]
PAD, UNKNOWN, MASK = range(3)
SPECIAL = ["[PAD]", "[UNK]", "[MASK]"]
NEIGHBOURS = ["red", "dog", "guitar", "beach", "running", "three"]
KINDS = {
    "colours": "red blue green yellow white black orange pink brown",
    "numbers": "two three four five six several many some few",
    "people": "man woman boy girl child baby lady guy toddler",
    "animals": "dog cat horse cow bird sheep monkey elephant puppy",
    "clothes": "shirt jacket hat dress coat pants jeans shorts sweater",
    "music": "guitar drums piano violin trumpet saxophone accordion flute cello",
    "vehicles": "car truck bus bicycle motorcycle train boat bike van",
    "doing": "running walking sitting standing jumping playing riding eating sleeping",
}


def words_of(text: str) -> list[str]:
    """Words and punctuation in lower case, and [MASK].

    Examples
    --------
    >>> words_of("A man's [MASK], two T-shirts.")
    ['a', "man's", '[MASK]', ',', 'two', 't-shirts', '.']
    """
    return re.findall(
        r"\[MASK\]|[^\W_]+(?:['-][^\W_]+)*|[^\w\s]", text.lower().replace("[mask]", "[MASK]")
    )


class Vocabulary:
    """The words seen three times or more, the most frequent first, and how often each was.

    Of a text only the first `longest` words count.
    """

    def __init__(self, texts: Sequence[str], longest: int) -> None:
        self.longest = longest
        counts = Counter(word for text in texts for word in words_of(text))
        known = [(word, count) for word, count in counts.most_common() if count >= 3]
        self.words = SPECIAL + [word for word, _ in known]
        self.counts = np.array([0] * len(SPECIAL) + [count for _, count in known])
        self.numbers = {word: number for number, word in enumerate(self.words)}

    def __len__(self) -> int:
        return len(self.words)

    def tokens(self, text: str) -> Array:
        """The numbers of a text's first words."""
        known = (self.numbers.get(word, UNKNOWN) for word in words_of(text)[: self.longest])
        return np.array(list(known), "int32")


def unit_rows(table: Any) -> Array:
    """The words' vectors without what all have in common, each of length 1."""
    rows: Array = np.array(table.embeddings)
    rows -= rows.mean(axis=0)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def nearest(rows: Array, vocabulary: Vocabulary, word: str, most: int = 5) -> list[str]:
    """The words of the highest cosine with one."""
    number = vocabulary.numbers[word]
    order = np.argsort(-(rows @ rows[number]), kind="stable")
    return [vocabulary.words[at] for at in order if at != number and at >= len(SPECIAL)][:most]


def sorted_right(rows: Array, vocabulary: Vocabulary) -> float:
    """The share of `KINDS`' words that are nearest to the mean of the others of their own kind."""
    kinds = [
        rows[[vocabulary.numbers[word] for word in words.split() if word in vocabulary.numbers]]
        for words in KINDS.values()
    ]
    right = []
    for own, kind in enumerate(kinds):
        for at in range(len(kind)):
            means = [k.mean(axis=0) for k in kinds]
            means[own] = np.delete(kind, at, axis=0).mean(axis=0)
            scores = [kind[at] @ mean / np.linalg.norm(mean) for mean in means]
            right.append(int(np.argmax(scores)) == own)
    return float(np.mean(right))
