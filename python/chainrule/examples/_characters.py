"""What `char_gpt` and `char_lstm` share: the text, its windows, the recipe, the loss on what is held back.

The recipe is nanoGPT's for a CPU (its README): windows of 64 characters that begin anywhere, 12 a
step, 2,000 steps of AdamW whose rate rises to its peak in 100 steps and falls to a tenth of it by a
cosine, betas of 0.9 and 0.99, a decay of 0.1 on matrices, gradients clipped at a norm of 1.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import chainrule as cr
from chainrule import nlp
from chainrule.datasets.locate import locate_name
from chainrule.examples._training import Curves, fit_or_resume

__all__ = ["Recipe", "Text", "draw_curves", "held_back_loss", "prepare", "train"]

Array = npt.NDArray[Any]
HELD_BACK = 0.1
WARM_UP = 100
# A curve shows the loss on one of so many held-back windows; the figure at the end is of all.
SPARSE = 10


class Recipe(NamedTuple):
    """How long is trained, on windows of which length."""

    steps: int = 2000
    block: int = 64
    batch_size: int = 12
    rounds: int = 10


QUICK = Recipe(steps=240, block=32, rounds=3)


class Text:
    """Tiny Shakespeare as numbers of characters: the first nine tenths to train on, the rest held back."""

    def __init__(self) -> None:
        text = locate_name("tinyshakespeare.txt").read_text(encoding="utf-8")
        self.tokenizer = nlp.CharacterTokenizer(text)
        tokens = self.tokenizer.tokenize(text)
        held = round(len(tokens) * HELD_BACK)
        self.train, self.held = tokens[:-held], tokens[-held:]

    def drawn(self, recipe: Recipe, seed: int) -> tuple[Array, Array]:
        """Windows (steps * batch_size, block) that begin anywhere, and the characters that follow."""
        draws = np.random.Generator(np.random.Philox(seed))
        starts = draws.integers(0, len(self.train) - recipe.block, recipe.steps * recipe.batch_size)
        windows = self.train[starts[:, None] + np.arange(recipe.block + 1)]
        return windows[:, :-1], windows[:, 1:]

    def held_back(self, recipe: Recipe) -> tuple[Array, Array]:
        """All held-back windows, one after the other, and the characters that follow."""
        count = (len(self.held) - 1) // recipe.block
        cut = slice(0, count * recipe.block)
        return (
            self.held[cut].reshape(count, -1),
            self.held[1:][cut].reshape(count, -1),
        )


def prepare(model: Any, recipe: Recipe, peak: float) -> None:
    """Compile a model with the recipe's optimizer."""
    rate = cr.optimizers.schedules.CosineDecay(
        0.0, recipe.steps - WARM_UP, alpha=0.1, warmup_target=peak, warmup_steps=WARM_UP
    )
    optimizer = cr.optimizers.AdamW(
        rate, weight_decay=0.1, beta_1=0.9, beta_2=0.99, epsilon=1e-8, global_clipnorm=1.0
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    loss = cr.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, weighted_metrics=[])


def train(model: Any, text: Text, recipe: Recipe, seed: int, folder: Path) -> Curves:
    """Train in `rounds` rounds, after each of which the loss on some held-back windows is printed."""
    x, y = text.drawn(recipe, seed)
    held_x, held_y = text.held_back(recipe)
    return fit_or_resume(
        model,
        folder,
        x,
        y,
        batch_size=recipe.batch_size,
        shuffle=False,
        epochs=recipe.rounds,
        steps_per_epoch=recipe.steps // recipe.rounds,
        validation_data=(held_x[::SPARSE], held_y[::SPARSE]),
        validation_batch_size=64,
    )


def held_back_loss(model: Any, text: Text, recipe: Recipe) -> float:
    """The mean loss of a character, in nats, on all held-back windows."""
    x, y = text.held_back(recipe)
    return float(model.evaluate(x, y, batch_size=64, verbose=0))


def draw_curves(figure: Any, runs: dict[str, Curves], recipe: Recipe) -> None:
    """The losses of each run over the steps."""
    axis = figure.subplots()
    for number, (name, curves) in enumerate(runs.items()):
        steps = recipe.steps // recipe.rounds * np.arange(1, len(curves["loss"]) + 1)
        colour = f"C{number}"
        axis.plot(steps, curves["val_loss"], ".-", color=colour, label=f"{name}, held back")
        axis.plot(steps, curves["loss"], ".--", color=colour, label=f"{name}, training")
    axis.set(
        xlabel="steps", ylabel="nats a character", title="Tiny Shakespeare: loss", xlim=(0, None)
    )
    axis.grid(alpha=0.3)
    axis.legend()
