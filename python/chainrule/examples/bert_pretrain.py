"""Trains a small Bert from nothing: `python -m chainrule.examples.bert_pretrain`.

Of the 29,000 English captions of Multi30k (Elliott et al. 2016, arXiv 1605.00459) the words that
are seen three times or more, in lower case, are the vocabulary. Some words of each caption are
hidden, others in each epoch: 80% of them by [MASK], 10% by a word at random, 10% not at all, and
the network says what they were (Devlin et al. 2019, arXiv 1810.04805). While training 30% are
hidden, since so short a training learns more from more (Wettig et al. 2022, arXiv 2202.08005); of
the 1,014 captions of `val`, 15%, always the same. The loss on these is printed beside that of one
who only knows how frequent each word is in training. Words outside the vocabulary are never asked
for.

Then the table of words is probed: the nearest words of some, and 72 words of eight kinds, each
sorted to the kind whose other words have the nearest mean, beside the table before training. The
files `multi30k/*.en.gz` are read from `$CHAINRULE_DATA`. Sizes were set by the
time they take, and the last epoch counts: `val` chooses nothing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import chainrule as cr
from chainrule import nlp, ops
from chainrule.examples._data import lines
from chainrule.examples._report import draw_curves
from chainrule.examples._training import (
    Curves,
    fit_or_resume,
    options_of,
    print_result,
    save_figure,
    warmed_adamw,
)
from chainrule.examples._words import (
    MASK,
    NEIGHBOURS,
    PAD,
    SPECIAL,
    UNKNOWN,
    Vocabulary,
    nearest,
    sorted_right,
    unit_rows,
)
from chainrule.utils.io import print_msg

__all__ = ["HiddenWords", "WordGuesser", "main"]

Array = npt.NDArray[Any]
LONGEST = 32
# The share of the words that is hidden while training, and in validation.
HIDDEN, HELD_HIDDEN = 0.3, 0.15
# What stands where there is nothing to guess.
NOTHING = -1

GAPS = [
    "a man in a [MASK] shirt plays the guitar .",
    "two dogs run through the [MASK] .",
    "a little girl is [MASK] down a slide .",
    "the chef is cooking in the [MASK] .",
]


class Recipe(NamedTuple):
    """What is trained how long."""

    width: int
    depth: int
    epochs: int
    rate: float = 1e-3
    batch_size: int = 128
    captions: int | None = None


FULL = Recipe(128, 2, 8, rate=2e-3, batch_size=64)
QUICK = Recipe(64, 1, 4, rate=4e-3, batch_size=64, captions=2000)


class HiddenWords(cr.utils.PyDataset):
    """Batches of captions of about one length, in which words are hidden.

    Inputs are `token_ids` and `padding_mask` (N, T), and the `places` (N, K) of the hidden words;
    the labels (N, K) are these words, -1 where a caption has fewer.

    Parameters
    ----------
    captions : list of arrays of int
    vocabulary_size : int
    batch_size : int
    seed : int
    again : bool
        Whether each epoch hides other words, in another order. Both follow from the seed, the
        epoch and the number of the batch, so that a resumed training sees what it would have seen.
    share : float
        How many of a caption's words are hidden; at least one.
    """

    def __init__(
        self,
        captions: Sequence[Array],
        vocabulary_size: int,
        batch_size: int,
        seed: int,
        again: bool,
        share: float = HIDDEN,
    ) -> None:
        super().__init__()
        self._batches = nlp.LengthBatches(
            captions, None, batch_size, shuffle=again, multiple=4, max_length=LONGEST, seed=seed
        )
        self._vocabulary_size, self._seed, self._again = vocabulary_size, seed, again
        self._share, self._epoch = share, 0

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> tuple[dict[str, Array], Array]:
        rng = np.random.default_rng([self._seed, self._epoch, index])
        (inputs,) = self._batches[index]
        ids = inputs["token_ids"]
        can = (ids != PAD) & (ids != UNKNOWN)
        wanted = np.minimum(
            np.maximum(1, np.rint(self._share * inputs["padding_mask"].sum(1))), can.sum(1)
        )
        # The places that can be hidden come first, in an order of chance.
        most = max(1, round(self._share * ids.shape[1]))
        places = np.argsort(np.where(can, rng.random(ids.shape), 2.0), axis=1)[:, :most]
        asked = np.arange(most) < wanted[:, None]
        words = np.take_along_axis(ids, places, axis=1)
        chance = rng.random(words.shape)
        others = rng.integers(len(SPECIAL), self._vocabulary_size, words.shape)
        shown = np.where(chance < 0.8, MASK, np.where(chance < 0.9, others, words))
        hidden = ids.copy()
        np.put_along_axis(hidden, places, np.where(asked, shown, words).astype("int32"), axis=1)
        inputs = {**inputs, "token_ids": hidden, "places": places.astype("int32")}
        return inputs, np.where(asked, words, NOTHING).astype("int32")

    def on_epoch_end(self) -> None:
        if self._again:
            self._epoch += 1
            self._batches.on_epoch_end()

    def backup_state(self) -> dict[str, Any]:
        return {"epoch": self._epoch, "batches": self._batches.backup_state()}

    def restore_state(self, state: dict[str, Any]) -> None:
        self._epoch = int(state["epoch"])
        self._batches.restore_state(state["batches"])


class WordGuesser(cr.Model):
    """A Bert, and the scores (N, K, V) of all words at the places that are asked for."""

    def __init__(self, bert: Any) -> None:
        super().__init__(name="word_guesser")
        self.bert = bert
        self.table = bert.embedding.token_embedding
        self.head = nlp.MaskedLMHead(
            token_embedding=self.table, intermediate_activation="gelu", layer_norm_epsilon=1e-12
        )

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        tokens = {name: inputs[name] for name in ("token_ids", "padding_mask")}
        return self.head(self.bert(tokens, training=training), inputs["places"])


def build_model(vocabulary_size: int, width: int, depth: int, dropout: float = 0.1) -> Any:
    """The network, not yet trained."""
    bert = nlp.Bert(
        vocabulary_size,
        depth,
        4,
        width,
        max_sequence_length=LONGEST,
        num_segments=0,
        dropout=dropout,
        # Wider than Bert's 0.02, since its vectors are narrower.
        kernel_initializer=cr.initializers.TruncatedNormal(stddev=0.5 * width**-0.5),
    )
    return WordGuesser(bert)


def prepare(model: Any, rate: float, steps: int) -> None:
    """Compile a model."""
    loss = cr.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=NOTHING)
    model.compile(warmed_adamw(rate, steps, beta_2=0.98, global_clipnorm=1.0), loss)


class Loss(NamedTuple):
    """Mean negative log-probabilities of the hidden words, and how many there are."""

    network: float
    frequency: float
    right: float
    words: int


def evaluated(model: Any, data: HiddenWords, counts: Array) -> Loss:
    """What the network and the words' frequencies lose on the same hidden words."""
    by_network, by_frequency, right = [], [], []
    frequency = np.log(np.maximum(counts, 1) / counts.sum())
    for index in range(len(data)):
        inputs, words = data[index]
        asked = words != NOTHING
        logs = np.asarray(ops.log_softmax(model.predict_on_batch(inputs)))[asked]
        words = words[asked]
        by_network.append(logs[np.arange(len(words)), words])
        by_frequency.append(frequency[words])
        right.append(logs.argmax(axis=-1) == words)
    means = [float(np.concatenate(x).mean()) for x in (by_network, by_frequency, right)]
    return Loss(-means[0], -means[1], means[2], sum(map(len, right)))


def guesses(
    model: Any, vocabulary: Vocabulary, text: str, most: int = 5
) -> list[tuple[str, float]]:
    """The likeliest words for a text's [MASK], and their probabilities."""
    ids = vocabulary.tokens(text)[None]
    inputs = {
        "token_ids": ids,
        "padding_mask": np.ones(ids.shape, bool),
        "places": np.argwhere(ids[0] == MASK).astype("int32"),
    }
    shares = np.asarray(ops.softmax(model.predict_on_batch(inputs)))[0, 0]
    return [(vocabulary.words[at], float(shares[at])) for at in np.argsort(-shares)[:most]]


def draw(
    figure: Any, curves: Curves, frequency: float, guessed: dict[str, list[tuple[str, float]]]
) -> None:
    """The losses, and what the network puts into gaps."""
    left, right = figure.subfigures(1, 2, width_ratios=[2, 3])
    axis = left.subplots()
    draw_curves(axis, "loss", {"": curves})
    axis.axhline(frequency, color="gray", linestyle=":", label="words by their frequency")
    axis.axhline(frequency - 2, color="gray", linestyle="-.", label="2 nats below")
    axis.set(title="masked loss (nats)")
    axis.legend()
    for axis, (text, words) in zip(right.subplots(2, 2).flat, guessed.items(), strict=True):
        axis.barh([word for word, _ in words][::-1], [share for _, share in words][::-1])
        axis.set(xlim=(0, 1), xlabel="probability")
        axis.set_title(text, fontsize=9)


def main(arguments: Sequence[str] | None = None) -> dict[str, float]:
    """Train, probe, report, and give the figures."""
    parser = options_of("Train a small Bert from nothing on captions of photographs.")
    parser.add_argument("--epochs", type=int, help="how often to see all captions")
    options = parser.parse_args(arguments)
    start = time.perf_counter()
    cr.utils.set_random_seed(options.seed)
    recipe = QUICK if options.quick else FULL
    recipe = recipe._replace(epochs=options.epochs or recipe.epochs)
    texts = lines("multi30k/train.en.gz")[: recipe.captions]
    vocabulary = Vocabulary(texts, LONGEST)
    train, held = (
        HiddenWords(
            [vocabulary.tokens(text) for text in part],
            len(vocabulary),
            recipe.batch_size,
            options.seed,
            again,
            share,
        )
        for part, again, share in (
            (texts, True, HIDDEN),
            (lines("multi30k/val.en.gz"), False, HELD_HIDDEN),
        )
    )
    model = build_model(len(vocabulary), recipe.width, recipe.depth)
    untrained = sorted_right(unit_rows(model.table), vocabulary)
    prepare(model, recipe.rate, len(train) * recipe.epochs)
    curves = fit_or_resume(
        model,
        options.out / f"bert_pretrain{'_quick' if options.quick else ''}",
        train,
        validation_data=held,
        epochs=recipe.epochs,
    )
    model.summary()
    loss = evaluated(model, held, vocabulary.counts)
    print_msg(f"\n{len(vocabulary)} words; of {loss.words} hidden words {loss.right:.1%} guessed")
    rows = unit_rows(model.table)
    for word in NEIGHBOURS:
        print_msg(f"{word}: {', '.join(nearest(rows, vocabulary, word))}")
    guessed = {text: guesses(model, vocabulary, text) for text in GAPS}
    for text, words in guessed.items():
        said = ", ".join(f"{word} {share:.0%}" for word, share in words)
        print_msg(f"{text}\n> {said}")
    trained = sorted_right(rows, vocabulary)
    save_figure(
        options.out / "bert_pretrain.png",
        lambda whole: draw(whole, curves, loss.frequency, guessed),
        (14, 5.5),
    )
    print_result(
        "bert_pretrain",
        f"masked loss {loss.network:.2f} nats, words by their frequency {loss.frequency:.2f}, "
        f"{loss.frequency - loss.network:.2f} below; words sorted by kind {trained:.0%}, "
        f"untrained {untrained:.0%}",
        start,
    )
    return {
        "loss": loss.network,
        "frequency": loss.frequency,
        "kinds": trained,
        "untrained": untrained,
        "first": curves["val_loss"][0],
    }


if __name__ == "__main__":
    main()
