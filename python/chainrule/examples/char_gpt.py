"""Writes like Shakespeare, character by character: `python -m chainrule.examples.char_gpt`.

Trains a GPT of four layers of 128 channels on Tiny Shakespeare by nanoGPT's recipe for a CPU, whose
README gives a loss of 1.88 on the last tenth of the text. Prints the loss on all of that tenth, and a
text that the network goes on to write. `--compare` then trains the same network from the same weights
on the same batches here and in PyTorch (`pip install torch`), by turns of 50 steps, and prints what
either took, in all and a step (the median of the turns, which load from elsewhere moves less). The file
`tinyshakespeare.txt` is read from `$CHAINRULE_DATA`. Nothing is chosen on the held-back text: the
recipe is nanoGPT's.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import chainrule as cr
from chainrule import nlp
from chainrule.examples._characters import (
    QUICK,
    Recipe,
    Text,
    draw_curves,
    held_back_loss,
    prepare,
    train,
)
from chainrule.examples._training import Curves, options_of, print_result, save_figure
from chainrule.utils.io import print_msg

__all__ = ["main", "trained_gpt"]

PEAK = 1e-3
TURN = 50


def build_model(text: Text, recipe: Recipe, quick: bool) -> Any:
    """nanoGPT's network: 0.8 million weights, none dropped."""
    return nlp.GPT(
        text.tokenizer.vocabulary_size(),
        num_layers=2 if quick else 4,
        num_heads=4,
        hidden_dim=64 if quick else 128,
        max_sequence_length=recipe.block,
        dropout=0.0,
        tokenizer=text.tokenizer,
    )


def trained_gpt(
    text: Text, recipe: Recipe, quick: bool, seed: int, folder: Path
) -> tuple[Any, Curves]:
    """The trained network and its curves; where it was trained before, it is loaded."""
    cr.utils.set_random_seed(seed)
    model = build_model(text, recipe, quick)
    prepare(model, recipe, PEAK)
    return model, train(model, text, recipe, seed, folder / "char_gpt")


def written(model: Any, prompt: str, length: int, block: int, seed: int) -> str:
    """A prompt and `length` characters more; the network sees the last half window and what it adds."""
    sampler = nlp.TopKSampler(k=20, temperature=0.8, seed=seed)
    text = prompt
    while len(text) < len(prompt) + length:
        seen = text[-(block // 2) :]
        text += model.generate(seen, max_length=block, sampler=sampler, strip_prompt=True)
    return text[: len(prompt) + length]


def compare(text: Text, recipe: Recipe, quick: bool, seed: int) -> float:
    """How many times as long PyTorch takes; by turns, so that other load falls on both."""
    from chainrule.examples._torch_gpt import TorchGPT

    cr.utils.set_random_seed(seed)
    model = build_model(text, recipe, quick)
    prepare(model, recipe, PEAK)
    peer = TorchGPT(model, recipe.steps, PEAK)
    x, y = text.drawn(recipe, seed)
    turns = []
    for at in range(0, len(x), TURN * recipe.batch_size):
        rows = slice(at, at + TURN * recipe.batch_size)
        start = time.perf_counter()
        model.fit(x[rows], y[rows], batch_size=recipe.batch_size, shuffle=False, verbose=0)
        middle = time.perf_counter()
        peer.fit(x[rows], y[rows], recipe.batch_size)
        turns.append((middle - start, time.perf_counter() - middle))
    sums, steps = np.sum(turns, axis=0), 1000 * np.median(turns, axis=0) / TURN
    losses = held_back_loss(model, text, recipe), peer.loss(*text.held_back(recipe))
    for name, total, step, loss in zip(
        ("chainrule", f"PyTorch, {peer.threads} threads"), sums, steps, losses, strict=True
    ):
        print_msg(f"{name}: {total:.1f} s, {step:.2f} ms a step, loss {loss:.3f}")
    ratio = float(np.median([theirs / ours for ours, theirs in turns]))
    print_msg(f"PyTorch takes {ratio:.2f} times as long (the median of {len(turns)} turns)")
    return ratio


def main(arguments: Sequence[str] | None = None) -> float:
    """Train, report, write, and give the loss on the held-back text."""
    parser = options_of("Write like Shakespeare with a small GPT.")
    parser.add_argument("--length", type=int, default=500, help="of the text that is written")
    parser.add_argument("--compare", action="store_true", help="time PyTorch on the same recipe")
    options = parser.parse_args(arguments)
    if options.compare and importlib.util.find_spec("torch") is None:
        parser.error("--compare needs PyTorch: pip install torch")

    start = time.perf_counter()
    text, recipe = Text(), QUICK if options.quick else Recipe()
    model, curves = trained_gpt(text, recipe, options.quick, options.seed, options.out)
    model.summary()
    loss = held_back_loss(model, text, recipe)
    print_msg(written(model, "ROMEO:\n", options.length, recipe.block, options.seed))
    picture = options.out / "char_gpt.png"
    save_figure(picture, lambda figure: draw_curves(figure, {"GPT": curves}, recipe), (7, 4.5))
    print_result("char_gpt", f"loss on the held-back text {loss:.3f} nats a character", start)
    if options.compare:
        compare(text, recipe, options.quick, options.seed)
    return loss


if __name__ == "__main__":
    main()
