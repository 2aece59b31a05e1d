"""Writes like Shakespeare with an LSTM, beside the GPT: `python -m chainrule.examples.char_lstm`.

Trains an LSTM on the windows of Tiny Shakespeare that `char_gpt` sees, with the same optimizer and about
as many weights, and prints its loss on the same held-back text beside the GPT's, which is trained too
where `--out` does not hold it yet. Its peak rate is five times nanoGPT's, not tuned. The file
`tinyshakespeare.txt` is read from `$CHAINRULE_DATA`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

import chainrule as cr
from chainrule import layers, nlp
from chainrule.examples._characters import (
    QUICK,
    Recipe,
    Text,
    draw_curves,
    held_back_loss,
    prepare,
    train,
)
from chainrule.examples._training import options_of, print_result, save_figure
from chainrule.examples.char_gpt import trained_gpt
from chainrule.utils.io import print_msg

__all__ = ["CharacterLSTM", "main"]

PEAK = 5e-3


class CharacterLSTM(nlp.CausalLM):
    """Two LSTMs between a table of characters and the scores of the next."""

    cache_has_places = False

    def __init__(self, text: Text, units: int) -> None:
        super().__init__(name="char_lstm")
        self.tokenizer = text.tokenizer
        self.vocabulary_size = text.tokenizer.vocabulary_size()
        self.max_sequence_length = 512
        self.embedding = layers.Embedding(self.vocabulary_size, units // 2)
        self.units = units
        self.recurrences = [
            layers.LSTM(units, return_sequences=True, return_state=True) for _ in range(2)
        ]
        self.scores = layers.Dense(self.vocabulary_size)

    def empty_cache(self, batch_size: int, length: int) -> Any:
        zeros = np.zeros((batch_size, self.units), "float32")
        return [[zeros, zeros] for _ in self.recurrences]

    def hidden_states(
        self, token_ids: Any, cache: Any = None, cache_update_index: Any = None, **options: Any
    ) -> tuple[Any, Any]:
        x, after = self.embedding(token_ids), []
        for number, recurrence in enumerate(self.recurrences):
            x, *states = recurrence(x, initial_state=None if cache is None else cache[number])
            after.append(states)
        return x, after

    def logits(self, hidden: Any) -> Any:
        return self.scores(hidden)

    def call(self, inputs: Any) -> Any:
        return self.logits(self.hidden_states(inputs)[0])


def main(arguments: Sequence[str] | None = None) -> tuple[float, float]:
    """Train, report, write, and give the losses of the LSTM and of the GPT."""
    parser = options_of("Write like Shakespeare with an LSTM, beside a small GPT.")
    parser.add_argument("--length", type=int, default=300, help="of the text that is written")
    options = parser.parse_args(arguments)

    start = time.perf_counter()
    text, recipe = Text(), QUICK if options.quick else Recipe()
    gpt, gpt_curves = trained_gpt(text, recipe, options.quick, options.seed, options.out)
    cr.utils.set_random_seed(options.seed)
    model = CharacterLSTM(text, 64 if options.quick else 240)
    prepare(model, recipe, PEAK)
    curves = train(model, text, recipe, options.seed, options.out / "char_lstm")
    model.summary()
    losses = held_back_loss(model, text, recipe), held_back_loss(gpt, text, recipe)
    sampler = nlp.TopKSampler(k=20, temperature=0.8, seed=options.seed)
    length = min(options.length, model.max_sequence_length)
    print_msg(model.generate("ROMEO:\n", max_length=length, sampler=sampler))
    runs = {"LSTM": curves, "GPT": gpt_curves}
    picture = options.out / "char_lstm.png"
    save_figure(picture, lambda figure: draw_curves(figure, runs, recipe), (7, 4.5))
    print_result(
        "char_lstm",
        "loss on the held-back text {:.3f} nats a character, the GPT's {:.3f}".format(*losses),
        start,
    )
    return losses


if __name__ == "__main__":
    main()
