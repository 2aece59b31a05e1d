"""What a chapter on backpropagation teaches, computed: `python -m chainrule.examples.tour [CHAPTER]`.

Eight chapters of a few seconds each, by number or by name: one neuron and a small network by hand, losses,
ways of descending, activations, gradients that vanish or explode, over- and underfitting, initial
weights, and where the other examples show images, speech and language. Each prints its numbers, draws a
picture, and ends with a line of figures. Without a chapter, all are listed and run. Everything is
computed by chainrule on the digits of the wheel; no other file is read.
"""

from __future__ import annotations

import argparse
import importlib
import time
from collections.abc import Sequence
from types import ModuleType

import chainrule as cr
from chainrule.examples._training import options_of, print_result
from chainrule.examples.tour.page import Settings
from chainrule.utils.io import print_msg

__all__ = ["CHAPTERS", "main"]

CHAPTERS = (
    "neuron",
    "losses",
    "descent",
    "activations",
    "cures",
    "fitting",
    "weights",
    "examples",
)


def _chapter(name: str) -> ModuleType:
    return importlib.import_module(f"{__name__}.{name}")


def _place(word: str) -> int:
    """The place of a chapter by its number, from 1, or its name."""
    if word in CHAPTERS:
        return CHAPTERS.index(word)
    if word.isdecimal() and 1 <= int(word) <= len(CHAPTERS):
        return int(word) - 1
    raise argparse.ArgumentTypeError(
        f"expected a number from 1 to {len(CHAPTERS)} or one of {', '.join(CHAPTERS)}, got {word!r}"
    )


def main(arguments: Sequence[str] | None = None) -> dict[str, dict[str, float]]:
    """Run chapters, all without any named, and give the figures of each by its name."""
    parser = options_of("What a chapter on backpropagation teaches, computed.")
    parser.add_argument(
        "chapters",
        nargs="*",
        type=_place,
        metavar="CHAPTER",
        help=f"a number, or one of {', '.join(CHAPTERS)}; all if none is given",
    )
    options = parser.parse_args(arguments)

    start = time.perf_counter()
    if not options.chapters:
        for place, name in enumerate(CHAPTERS, 1):
            print_msg(f"{place}  {name:<12}  {_chapter(name).TITLE}")
        print_msg("")
    found = {}
    for place in options.chapters or range(len(CHAPTERS)):
        name = CHAPTERS[place]
        chapter, began = _chapter(name), time.perf_counter()
        title = f"{place + 1}. {chapter.TITLE}"
        print_msg(f"{title}\n{'=' * len(title)}\n\n{chapter.TEXT}")
        cr.utils.set_random_seed(options.seed)
        picture = options.out / f"tour_{place + 1}_{name}.png"
        result = chapter.run(Settings(options.quick, options.seed, picture))
        print_result(f"tour {name}", result.line, began)
        print_msg("")
        found[name] = result.figures
    if len(found) > 1:
        print_result("tour", f"{len(found)} chapters", start)
    return found
