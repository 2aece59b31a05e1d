"""Sentences and their translations: subwords, batches of like lengths, the loss, and the BLEU."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import chainrule as cr
from chainrule import ops
from chainrule.examples._data import lines

__all__ = [
    "END",
    "LONGEST",
    "PAD",
    "START",
    "Batches",
    "Pairs",
    "bleu",
    "labels",
    "pairs_of",
    "require",
    "scores_of",
    "smoothed_crossentropy",
    "subwords_of",
    "translated",
]

Array = npt.NDArray[Any]
PAD, UNKNOWN, START, END = range(4)
SPECIAL = ["[PAD]", "[UNK]", "[START]", "[END]"]
# Lengths are multiples of this: a few dozen shapes of batches, each compiled once.
STEP = 4
SMOOTHING = 0.1
# Sentences that are translated together, and the most subwords of a translation.
ROWS, LONGEST = 50, 64


class Pairs(NamedTuple):
    """German sentences and their English translations, line by line."""

    german: list[str]
    english: list[str]


def require(package: str, example: str) -> None:
    """An error that says what to install, where an example's package is missing."""
    if importlib.util.find_spec(package) is None:
        raise ImportError(f"{example} needs the package {package}: pip install {package}")


def pairs_of(part: str, most: int | None = None) -> Pairs:
    """The first `most` pairs of `train`, `val` or `test_2016_flickr` of Multi30k."""
    german, english = (lines(f"multi30k/{part}.{language}.gz")[:most] for language in ("de", "en"))
    return Pairs(german, english)


def subwords_of(texts: Sequence[str], size: int) -> Any:
    """A byte pair encoding of at most `size` subwords, learnt from texts of both languages.

    Words keep the space before them, punctuation stands alone, so `decode` gives back the text.
    Sennrich et al. 2016, arXiv 1508.07909.
    """
    import tokenizers as t

    subwords = t.Tokenizer(t.models.BPE(unk_token=SPECIAL[UNKNOWN]))
    subwords.normalizer = t.normalizers.NFC()
    subwords.pre_tokenizer = t.pre_tokenizers.Sequence(
        [t.pre_tokenizers.Metaspace(), t.pre_tokenizers.Punctuation("isolated")]
    )
    subwords.decoder = t.decoders.Metaspace()
    trainer = t.trainers.BpeTrainer(
        vocab_size=size, special_tokens=SPECIAL, show_progress=False, min_frequency=2
    )
    subwords.train_from_iterator(texts, trainer)
    return subwords


class Batches(cr.utils.PyDataset):
    """Batches of pairs of about as many words: both lengths are multiples of `STEP`.

    A batch has about `tokens` target subwords. Each epoch puts other sentences of the same lengths
    together; its number is part of the state that a resumed training takes up.

    Parameters
    ----------
    pairs : Pairs
    subwords : Tokenizer
    tokens : int
    seed : int, optional
        Without it, every epoch is the same.
    longest : int
        Pairs with more subwords are left out.
    """

    def __init__(
        self, pairs: Pairs, subwords: Any, tokens: int, seed: int | None = None, longest: int = 48
    ) -> None:
        super().__init__()
        german, english = (
            [encoding.ids for encoding in subwords.encode_batch(side)] for side in pairs
        )
        self._pairs = [
            (np.array([*g, END], "int32"), np.array([START, *e, END], "int32"))
            for g, e in zip(german, english, strict=True)
            if max(len(g), len(e)) < longest
        ]
        self._tokens, self._seed, self._epoch = tokens, seed, 0
        # (pairs, 2): lengths of source and target, rounded up.
        lengths = np.array([(len(g), len(e) - 1) for g, e in self._pairs])
        self._lengths = -(-lengths // STEP) * STEP
        self._batches = list(self._cut())

    def _cut(self) -> Iterator[Array]:
        """Numbers of the pairs of each batch; their counts are the same in each epoch."""
        draws = np.random.Generator(np.random.Philox(key=[self._seed or 0, self._epoch]))
        ties = draws.permutation(len(self._pairs))
        source, target = self._lengths.T
        order = np.lexsort((ties, source, target))
        for length in np.unique(target):
            group = order[target[order] == length]
            rows = max(1, self._tokens // int(length))
            for at in range(0, len(group), rows):
                yield group[at : at + rows]

    def on_epoch_end(self) -> None:
        if self._seed is not None:
            self._epoch += 1
            self._batches = list(self._cut())

    def backup_state(self) -> dict[str, Any]:
        return {"epoch": self._epoch}

    def restore_state(self, state: dict[str, Any]) -> None:
        self._epoch = int(state["epoch"])
        self._batches = list(self._cut())

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> tuple[dict[str, Array], Array]:
        rows = self._batches[index]
        source, target = self._lengths[rows].max(axis=0)
        encoder = np.full((len(rows), source), PAD, "int32")
        decoder = np.full((len(rows), target + 1), PAD, "int32")
        for row, number in enumerate(rows):
            german, english = self._pairs[number]
            encoder[row, : len(german)] = german
            decoder[row, : len(english)] = english
        # What stands at [END] is read too: nobody looks at what follows, and its loss counts nothing.
        return {
            "encoder_token_ids": encoder,
            "decoder_token_ids": decoder[:, :-1],
        }, decoder[:, 1:]


def bleu(made: Sequence[str], references: Sequence[str]) -> tuple[float, float]:
    """BLEU of sacrebleu (tokenizer 13a), in lower case and with case. Post 2018, arXiv 1804.08771."""
    from sacrebleu.metrics.bleu import BLEU

    lower, cased = (
        BLEU(lowercase=lower, force=True).corpus_score(list(made), [list(references)]).score
        for lower in (True, False)
    )
    return lower, cased


def smoothed_crossentropy(y_true: Any, scores: Any) -> Any:
    """``mean(-(1 - e) log p[y] - e mean(log p))`` over the places that are no padding, e = 0.1."""
    y = ops.cast(y_true, "int32")
    logs = ops.log_softmax(scores)
    own = ops.take_along_axis(logs, ops.expand_dims(y, -1), axis=-1)[..., 0]
    losses = -(1 - SMOOTHING) * own - SMOOTHING * ops.mean(logs, axis=-1)
    counts = ops.cast(ops.not_equal(y, PAD), losses.dtype)
    return ops.sum(losses * counts) / ops.sum(counts)


def translated(model: Any, subwords: Any, german: Sequence[str], sampler: Any) -> list[Array]:
    """Subwords of the translations; sentences of about one length are translated together."""
    sources = [np.array([*encoding.ids, END]) for encoding in subwords.encode_batch(german)]
    order = np.argsort([len(source) for source in sources], kind="stable")
    made: list[Any] = [None] * len(sources)
    for at in range(0, len(order), ROWS):
        rows = order[at : at + ROWS]
        texts = model.generate([sources[row] for row in rows], LONGEST, sampler=sampler)
        for row, text in zip(rows, texts, strict=True):
            made[row] = text
    return made


def scores_of(
    model: Any, subwords: Any, pairs: Pairs, sampler: Any
) -> tuple[tuple[float, float], list[str]]:
    """BLEU in lower case and with case, and the translations."""
    made = subwords.decode_batch(translated(model, subwords, pairs.german, sampler))
    return bleu(made, pairs.english), made


def labels(tokens: Sequence[str]) -> list[str]:
    """Subwords as they are drawn: a dot before those that go on with a word."""
    return [
        token[1:] if token[0] == "\u2581" else f"\u00b7{token}" if token[0].isalpha() else token
        for token in tokens
    ]
