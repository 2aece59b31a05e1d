"""Spells first names, and shows gradients vanish: `python -m chainrule.examples.names_rnn`.

Trains a SimpleRNN and an LSTM to spell 32,033 first names character by character (the data of Andrej
Karpathy's makemore), prints the loss of both on a tenth that is held back, and names that they make up.
The names follow one another by the alphabet: how the next one begins, only the letters of the last one
tell. The picture shows how the loss of such a first letter depends on the states before: the norm of
the loss's gradient by the state after each character. It is a product of as many Jacobians as there are
steps between, and falls like a power of a number below 1 (Hochreiter 1991; Bengio et al. 1994), unless
the network has learnt to keep what it will need, as an LSTM's cell can. With names in random order
nothing far back is needed, and the LSTM's gradient falls faster than the SimpleRNN's. The file
`names.txt` is read from `$CHAINRULE_DATA`. Nothing is chosen on what is held back.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import chainrule as cr
from chainrule import layers, nlp, ops
from chainrule.examples._data import lines
from chainrule.examples._training import (
    Curves,
    fit_or_resume,
    options_of,
    print_result,
    save_figure,
)
from chainrule.utils.io import print_msg

__all__ = ["NameSpeller", "main"]

Array = npt.NDArray[Any]
KINDS = {"SimpleRNN": layers.SimpleRNN, "LSTM": layers.LSTM}
BLOCK = 40
END = "\n"


class NameSpeller(nlp.CausalLM):
    """A table of characters, a recurrence, and the scores of the next character."""

    cache_has_places = False
    max_sequence_length = 64

    def __init__(self, kind: str, tokenizer: Any, units: int) -> None:
        super().__init__(name=kind.lower())
        self.tokenizer = tokenizer
        self.vocabulary_size = tokenizer.vocabulary_size()
        self.units = units
        self.embedding = layers.Embedding(self.vocabulary_size, units // 2)
        self.recurrence = KINDS[kind](units, return_sequences=True, return_state=True)
        self.scores = layers.Dense(self.vocabulary_size)
        self.states = 2 if kind == "LSTM" else 1

    def empty_cache(self, batch_size: int, length: int) -> Any:
        return [np.zeros((batch_size, self.units), "float32")] * self.states

    def hidden_states(
        self, token_ids: Any, cache: Any = None, cache_update_index: Any = None, **options: Any
    ) -> tuple[Any, Any]:
        x, *states = self.recurrence(self.embedding(token_ids), initial_state=cache)
        return x, states

    def logits(self, hidden: Any) -> Any:
        return self.scores(hidden)

    def call(self, inputs: Any) -> Any:
        return self.logits(self.hidden_states(inputs)[0])


def gradient_norms(model: Any, x: Array, y: Array) -> Array:
    """(T,): the norm of the gradient of the last loss by the state after each step, a mean of windows.

    The loss is that of the last character of each window x (N, T), which y (N,) names. A step is
    ``state = cell(state) + nudge``; the gradient by a nudge of 0 is the one by the state.
    """

    def loss(nudges: Any) -> Any:
        embedded, states = model.embedding(x), model.empty_cache(len(x), 0)
        for step in range(x.shape[1]):
            _, states = model.recurrence.cell(embedded[:, step], states)
            states = [state + nudges[part, step] for part, state in enumerate(states)]
        values = cr.losses.sparse_categorical_crossentropy(y, model.scores(states[0]), True)
        return ops.sum(values)

    zeros = np.zeros((model.states, x.shape[1], len(x), model.units), "float32")
    _, gradient = cr.value_and_grad(loss)(zeros)
    return np.array(np.sqrt(np.square(gradient).sum(axis=(0, 3))).mean(axis=1))


def half_life(norms: Array) -> float:
    """In how many steps the norms halve, by the first and the one ten steps before the last."""
    return float((len(norms) - 11) * np.log(2) / np.log(norms[-11] / norms[0]))


def data_of(names: list[str], tokenizer: Any) -> tuple[Array, Array]:
    """Windows (N, BLOCK) of the names one after the other, and the characters that follow."""
    stream = tokenizer.tokenize(END + END.join(names) + END)
    count = (len(stream) - 1) // BLOCK
    return (
        stream[: count * BLOCK].reshape(count, BLOCK),
        stream[1 : count * BLOCK + 1].reshape(count, BLOCK),
    )


def ending_names(stream_x: Array, stream_y: Array, count: int) -> tuple[Array, Array]:
    """Windows (count, BLOCK) that end where a name ends, and the letters (count,) that follow."""
    x, y = stream_x.reshape(-1), stream_y.reshape(-1)
    ends = np.flatnonzero(x == x[0])
    chosen = ends[ends >= BLOCK - 1]
    chosen = chosen[:: max(1, len(chosen) // count)][:count]
    return x[chosen[:, None] + np.arange(1 - BLOCK, 1)], y[chosen]


def made_up(model: Any, count: int, seed: int) -> list[str]:
    """Names that a network makes up."""
    sampler = nlp.RandomSampler(seed=seed)
    stop = [int(model.tokenizer.tokenize(END)[0])]
    texts = model.generate([END] * count, 24, stop, sampler, strip_prompt=True)
    return [text.strip().capitalize() for text in texts]


def draw(figure: Any, curves: dict[str, Curves], norms: dict[str, Array]) -> None:
    """The losses, and the norms over the steps, relative to the last."""
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.4))
    for number, (name, run) in enumerate(curves.items()):
        epochs = range(1, len(run["loss"]) + 1)
        left.plot(epochs, run["val_loss"], ".-", color=f"C{number}", label=f"{name}, held back")
        left.plot(epochs, run["loss"], ".--", color=f"C{number}", label=f"{name}, training")
    left.set(xlabel="epoch", ylabel="nats a character", title="loss")
    left.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    for number, (name, values) in enumerate(norms.items()):
        back = np.arange(len(values))[::-1]
        is_new = "new" in name
        right.semilogy(
            back,
            values / values[-1],
            ":" if is_new else "-",
            linewidth=1 if is_new else 2,
            color=f"C{number % 2}",
            label=f"{name}: halves every {half_life(values):.1f} steps",
        )
    right.invert_xaxis()
    right.set(
        xlabel="steps before the last",
        ylabel="norm, the last step's = 1",
        title="gradient of the last loss by earlier states",
    )
    for axis in (left, right):
        axis.grid(alpha=0.3)
        axis.legend()


def main(arguments: Sequence[str] | None = None) -> dict[str, float]:
    """Train both, report, and give their losses on what is held back."""
    parser = options_of("Spell first names with a SimpleRNN and an LSTM.")
    parser.add_argument("--epochs", type=int, help="how often to see all names (10)")
    options = parser.parse_args(arguments)

    start = time.perf_counter()
    names = lines("names.txt")
    order = np.random.Generator(np.random.Philox(options.seed)).permutation(len(names))
    names = [names[i] for i in order][: 3000 if options.quick else None]
    tokenizer = nlp.CharacterTokenizer("".join(names) + END)
    cut = len(names) * 9 // 10
    (x, y), held = (data_of(sorted(part), tokenizer) for part in (names[:cut], names[cut:]))
    ends = ending_names(*held, 64)
    curves, norms, losses = {}, {}, {}
    for kind in KINDS:
        cr.utils.set_random_seed(options.seed)
        model = NameSpeller(kind, tokenizer, 64 if options.quick else 128)
        optimizer = cr.optimizers.Adam(4e-3 if options.quick else 2e-3, clipnorm=1.0)
        model.compile(optimizer, cr.losses.SparseCategoricalCrossentropy(from_logits=True))
        model(x[:1])
        norms[f"{kind}, new"] = gradient_norms(model, *ends)
        curves[kind] = fit_or_resume(
            model,
            options.out / f"names_{kind.lower()}",
            x,
            y,
            batch_size=32,
            epochs=options.epochs or (5 if options.quick else 10),
            validation_data=held,
        )
        norms[f"{kind}, trained"] = gradient_norms(model, *ends)
        losses[kind] = float(model.evaluate(*held, verbose=0))
        model.summary()
        print_msg(f"{kind} makes up: " + ", ".join(made_up(model, 12, options.seed)))
    for name, values in norms.items():
        print_msg(f"{name}: the gradient halves every {half_life(values):.1f} steps back")
    norms = {n: norms[n] for part in ("trained", "new") for n in norms if part in n}
    save_figure(options.out / "names_rnn.png", lambda f: draw(f, curves, norms), (11, 4.5))
    figures = ", ".join(f"{kind} {loss:.3f}" for kind, loss in losses.items())
    print_result("names_rnn", f"loss on the held-back names, nats a character: {figures}", start)
    return losses


if __name__ == "__main__":
    main()
