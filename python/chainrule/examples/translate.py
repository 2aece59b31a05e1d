"""Translates captions of photographs: `python -m chainrule.examples.translate` (German to English).

Trains a Transformer, or with `--network gru` recurrences with additive attention, on the 29,000 pairs
of Multi30k (Elliott et al. 2016, arXiv 1605.00459), translates the 1,014 sentences of `val` and the
1,000 of `test_2016_flickr` by a beam search, and prints the BLEU of both, in lower case and with case.
The picture shows the curves, and where the network with attention looks as it writes. How much the
search favours long texts was chosen on `val`; sizes and rates were set beforehand, after Wu et al. 2021,
arXiv 2105.14462. Needs `tokenizers` and `sacrebleu` (`pip install tokenizers sacrebleu`); the files
`multi30k/*.gz` are read from `$CHAINRULE_DATA`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import chainrule as cr
from chainrule import layers, nlp, ops
from chainrule.examples._training import (
    Curves,
    fit_or_resume,
    options_of,
    print_result,
    save_figure,
)
from chainrule.examples._translation import (
    END,
    LONGEST,
    PAD,
    START,
    Batches,
    labels,
    pairs_of,
    require,
    scores_of,
    smoothed_crossentropy,
    subwords_of,
    translated,
)
from chainrule.utils.io import print_msg

__all__ = ["Recurrent", "Transformer", "main"]

Array = npt.NDArray[Any]
BEAMS = 5
LENGTH_PENALTY = 1.0


class Recipe(NamedTuple):
    """What is trained how long; `quick` makes it a try."""

    width: int
    depth: int
    dropout: float
    rate: float
    epochs: int
    warm_up: int = 800
    tokens: int = 1024
    subwords: int = 6000
    pairs: int | None = None

    def quick(self) -> Recipe:
        """A try of seconds."""
        return Recipe(64, 1, 0.0, 4e-3, 4, warm_up=40, subwords=1000, pairs=1500)


RECIPES = {
    "transformer": Recipe(128, 4, 0.2, 2.5e-3, 18),
    "gru": Recipe(192, 1, 0.3, 2e-3, 6),
}


class Translator(nlp.Seq2SeqLM):
    """One table embeds both languages and scores the next subword."""

    start_token_id, end_token_id, pad_token_id = START, END, PAD
    max_sequence_length = LONGEST

    def __init__(self, vocabulary_size: int, width: int, dropout: float, name: str) -> None:
        super().__init__(name=name)
        self.vocabulary_size = vocabulary_size
        self.width = width
        self.table = layers.ReversibleEmbedding(
            vocabulary_size,
            width,
            embeddings_initializer=cr.initializers.RandomNormal(stddev=width**-0.5),
        )
        self.dropout = layers.Dropout(dropout)

    def logits(self, hidden: Any) -> Any:
        return self.table(hidden, reverse=True)


class Transformer(Translator):
    """An encoder and a decoder of `depth` layers.

    Norms come first (Xiong et al. 2020, arXiv 2002.04745); the sizes are "Transformer-Tiny" of Wu et
    al. 2021, arXiv 2105.14462.
    """

    def __init__(self, vocabulary_size: int, width: int, depth: int, dropout: float) -> None:
        super().__init__(vocabulary_size, width, dropout, "transformer")
        self.places = nlp.SinePositionEncoding()
        self.heads = 4
        options: dict[str, Any] = {
            "intermediate_dim": 2 * width,
            "num_heads": self.heads,
            "dropout": dropout,
            "normalize_first": True,
        }
        self.encoders = [nlp.TransformerEncoder(**options) for _ in range(depth)]
        self.decoders = [nlp.TransformerDecoder(**options) for _ in range(depth)]
        self.encoder_norm = layers.LayerNormalization(epsilon=1e-5)
        self.decoder_norm = layers.LayerNormalization(epsilon=1e-5)

    def embedded(self, tokens: Any, start: Any, training: bool | None = None) -> Any:
        """Tokens (N, T) and their places, which begin with `start`, as vectors (N, T, C)."""
        x = self.table(tokens) * self.width**0.5
        return self.dropout(x + self.places(x, start_index=start), training=training)

    def encoded(self, source: Any, training: bool | None = None) -> tuple[Any, Any]:
        """The encoded source (N, S, C), and where it is no padding."""
        mask = ops.not_equal(source, PAD)
        x = self.embedded(source, 0, training)
        for encoder in self.encoders:
            x = encoder(x, padding_mask=mask, training=training)
        return self.encoder_norm(x), mask

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        source, mask = self.encoded(inputs["encoder_token_ids"], training)
        x = self.embedded(inputs["decoder_token_ids"], 0, training)
        for decoder in self.decoders:
            x = decoder(x, source, encoder_padding_mask=mask, training=training)
        return self.logits(self.decoder_norm(x))

    def empty_cache(self, batch_size: int, length: int, source: Any = None) -> Any:
        encoded, mask = self.encoded(source)
        empty = np.zeros((batch_size, length, self.heads, self.width // self.heads), "float32")
        caches = [((empty, empty), decoder.encoded_cache(encoded)) for decoder in self.decoders]
        return encoded, mask, caches

    def hidden_states(
        self, token_ids: Any, cache: Any = None, cache_update_index: Any = None, **options: Any
    ) -> tuple[Any, Any]:
        encoded, mask, caches = cache
        x = self.embedded(token_ids, cache_update_index)
        after = []
        for decoder, (own, across) in zip(self.decoders, caches, strict=True):
            x, own, across = decoder(
                x,
                encoded,
                encoder_padding_mask=mask,
                self_attention_cache=own,
                self_attention_cache_update_index=cache_update_index,
                cross_attention_cache=across,
            )
            after.append((own, across))
        return self.decoder_norm(x), (encoded, mask, after)


class Recurrent(Translator):
    """A GRU reads both ways; one asks it by additive attention, another writes from what that finds.

    ``q = GRU(y)``, ``c_t = sum_s softmax_s(v . tanh(W q_t + U h_s)) h_s``, ``z = GRU([q, c])``.
    Bahdanau et al. 2015, arXiv 1409.0473; that the lower of two recurrences asks is from Wu et al. 2016,
    arXiv 1609.08144.
    """

    cache_has_places = False

    def __init__(self, vocabulary_size: int, width: int, dropout: float) -> None:
        super().__init__(vocabulary_size, width, dropout, "gru")
        self.reader = layers.Bidirectional(layers.GRU(width, return_sequences=True))
        self.first_states = [layers.Dense(width, activation="tanh") for _ in range(2)]
        self.asker = layers.GRU(width, return_sequences=True, return_state=True)
        self.query = layers.Dense(width, use_bias=False)
        self.key = layers.Dense(width)
        self.attention = layers.AdditiveAttention()
        self.writer = layers.GRU(width, return_sequences=True, return_state=True)
        self.readout = layers.Dense(width, activation="tanh")

    def empty_cache(
        self, batch_size: int, length: int, source: Any = None, training: bool | None = None
    ) -> Any:
        mask = ops.not_equal(source, PAD)
        x = self.dropout(self.table(source) * self.width**0.5, training=training)
        read = self.dropout(self.reader(x, mask=mask), training=training)
        # What was read backwards ends at the first place.
        states = [layer(read[:, 0, self.width :]) for layer in self.first_states]
        return read, self.key(read), mask, states

    def hidden_states(
        self, token_ids: Any, cache: Any = None, cache_update_index: Any = None, **options: Any
    ) -> tuple[Any, Any]:
        hidden, cache, _ = self.written(token_ids, cache, **options)
        return hidden, cache

    def written(
        self, tokens: Any, cache: Any, training: bool | None = None
    ) -> tuple[Any, Any, Any]:
        """The hidden states (N, T, C), the states afterwards, and who looked where (N, T, S)."""
        read, keys, mask, (asking, writing) = cache
        x = self.dropout(self.table(tokens) * self.width**0.5, training=training)
        asked, asking = self.asker(x, initial_state=asking)
        context, weights = self.attention(
            [self.query(asked), read, keys], mask=[None, mask], return_attention_scores=True
        )
        both = self.dropout(ops.concatenate([asked, context], axis=-1), training=training)
        made, writing = self.writer(both, initial_state=writing)
        hidden = self.readout(ops.concatenate([made, context], axis=-1))
        hidden = self.dropout(hidden, training=training)
        return hidden, (read, keys, mask, [asking, writing]), weights

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        source, tokens = inputs["encoder_token_ids"], inputs["decoder_token_ids"]
        rows, length = tokens.shape
        first = self.empty_cache(rows, length, source, training=training)
        return self.logits(self.hidden_states(tokens, first, training=training)[0])

    def looks(self, source: Array, text: Array) -> Array:
        """Where the network looks (T, S) as it writes each subword of a text (T,)."""
        tokens = np.array([[START, *text[:-1]]])
        return np.array(self.written(tokens, self.empty_cache(1, 1, source[None]))[2][0])


def build_model(network: str, vocabulary_size: int, recipe: Recipe) -> Any:
    """The network of this name."""
    if network == "gru":
        return Recurrent(vocabulary_size, recipe.width, recipe.dropout)
    return Transformer(vocabulary_size, recipe.width, recipe.depth, recipe.dropout)


def prepare(model: Any, recipe: Recipe, steps: int) -> None:
    """Compile a model: Adam, whose rate rises, and falls to 0 by a cosine."""
    rate = cr.optimizers.schedules.CosineDecay(
        0.0, steps - recipe.warm_up, warmup_target=recipe.rate, warmup_steps=recipe.warm_up
    )
    optimizer = cr.optimizers.Adam(rate, beta_2=0.98, global_clipnorm=1.0)
    model.compile(optimizer, smoothed_crossentropy)


def draw(figure: Any, curves: Curves, looks: Sequence[tuple[list[str], list[str], Array]]) -> None:
    """The losses, and of some sentences who looked where."""
    axes = figure.subplots(1, 1 + len(looks))
    first, *others = np.atleast_1d(axes)
    epochs = range(1, len(curves["loss"]) + 1)
    for name, label in (("loss", "training"), ("val_loss", "validation")):
        first.plot(epochs, curves[name], ".-", label=label)
    first.set(xlabel="epoch", title="smoothed cross-entropy")
    first.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    first.grid(alpha=0.3)
    first.legend()
    for axis, (source, text, weights) in zip(others, looks, strict=True):
        axis.imshow(weights, cmap="Greys", vmin=0, vmax=1, aspect="auto")
        axis.set_xticks(range(len(source)), source, rotation=90)
        axis.set_yticks(range(len(text)), text)
        axis.set(title="where it looks", xlabel="read", ylabel="written")


def main(arguments: Sequence[str] | None = None) -> dict[str, float]:
    """Train, translate, report, and give the BLEU of each part in lower case."""
    parser = options_of("Translate German captions into English.")
    parser.add_argument("--network", choices=list(RECIPES), default="transformer")
    parser.add_argument("--epochs", type=int, help="how often to see all pairs")
    options = parser.parse_args(arguments)
    for package in ("tokenizers", "sacrebleu"):
        require(package, "translate")

    start = time.perf_counter()
    cr.utils.set_random_seed(options.seed)
    recipe = RECIPES[options.network]
    recipe = recipe.quick() if options.quick else recipe
    recipe = recipe._replace(epochs=options.epochs or recipe.epochs)
    train, held = pairs_of("train", recipe.pairs), pairs_of("val", 100 if options.quick else None)
    subwords = subwords_of(train.german + train.english, recipe.subwords)
    batches = Batches(train, subwords, recipe.tokens, options.seed)
    model = build_model(options.network, subwords.get_vocab_size(), recipe)
    prepare(model, recipe, len(batches) * recipe.epochs)
    curves = fit_or_resume(
        model,
        options.out / f"translate_{options.network}",
        batches,
        epochs=recipe.epochs,
        validation_data=Batches(held, subwords, 2 * recipe.tokens),
    )
    model.summary()
    sampler = nlp.BeamSampler(BEAMS, length_penalty=LENGTH_PENALTY)
    test = pairs_of("test_2016_flickr", 100 if options.quick else None)
    figures = {}
    for name, pairs in (("val", held), ("test", test)):
        (figures[name], cased), made = scores_of(model, subwords, pairs, sampler)
        print_msg(f"{name}: BLEU {figures[name]:.1f} in lower case, {cased:.1f} with case")
    for german, english, ours in list(zip(*test, made, strict=True))[:5]:
        print_msg(f"\n  {german}\n  {english}\n> {ours}")
    looks = []
    if options.network == "gru":
        some = test.german[:2]
        for encoding, text in zip(
            subwords.encode_batch(some), translated(model, subwords, some, sampler), strict=True
        ):
            weights = model.looks(np.array([*encoding.ids, END]), text)
            written = labels([subwords.id_to_token(token) for token in text])
            looks.append((labels([*encoding.tokens, "[END]"]), written, weights))
    picture = options.out / f"translate_{options.network}.png"
    save_figure(picture, lambda figure: draw(figure, curves, looks), (5 + 5 * len(looks), 5))
    print_result(
        f"translate ({options.network})",
        f"BLEU on test_2016_flickr {figures['test']:.2f} in lower case, {cased:.2f} with case",
        start,
    )
    return figures


if __name__ == "__main__":
    main()
