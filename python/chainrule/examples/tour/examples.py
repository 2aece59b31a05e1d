"""Where images, speech and language are shown: the other examples, as their files say it themselves."""

from __future__ import annotations

import ast
import importlib.util
import pkgutil
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from chainrule import examples, layers, nlp
from chainrule.examples._training import save_figure
from chainrule.examples.tour.page import BLUE, ORANGE, Result, Settings
from chainrule.utils.io import print_msg

__all__ = ["TEXT", "TITLE", "Example", "all_examples", "run"]

TITLE = "Images, speech and language: the other examples"
TEXT = """\
What the chapters before have shown is all there is to training; the rest is which layers stand where.
Convolutions look at each place of an image, or moment of a sound, with the same weights; recurrent layers
read a sequence step by step; attention lets every word look at every other. Each program below is one file
to read, to run and to change.
"""
# The subject of an example is the first of these with a name that the example uses.
SUBJECTS = {
    "speech": {"audio", "recordings", "MelSpectrogram"},
    "language": {"nlp", "TextVectorization", "StringLookup"},
    "images": {"mnist", "fashion_mnist", "cifar10", "cifar100", "cifar10_small", "digits"},
}
OTHER = "besides"


class Example(NamedTuple):
    """A program of this folder: its name, what its file says first, its subject, and the layers it uses."""

    name: str
    says: str
    subject: str
    layers: frozenset[str]


@cache
def _source(module: str) -> ast.Module:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"no source of {module}")
    return ast.parse(Path(spec.origin).read_text(encoding="utf-8"))


def _used(module: str) -> tuple[set[str], set[str]]:
    """Names that a file imports, and its layers, as `layers.X` and `nlp.X`; its helpers' too."""
    imported: set[str] = set()
    parts: set[str] = set()
    for node in ast.walk(_source(module)):
        if isinstance(node, ast.ImportFrom):
            imported.update(alias.name for alias in node.names)
            if (node.module or "").startswith(f"{examples.__name__}._"):
                more, deeper = _used(str(node.module))
                # Helpers that serve every example say nothing of one.
                imported |= more - {"audio", "nlp"}
                parts |= deeper
        elif isinstance(node, ast.Attribute):
            owner = node.value.attr if isinstance(node.value, ast.Attribute) else None
            owner = node.value.id if isinstance(node.value, ast.Name) else owner
            home = {"layers": layers, "nlp": nlp}.get(str(owner))
            what = getattr(home, node.attr, None) if home else None
            is_layer = isinstance(what, type) and issubclass(what, layers.Layer)
            if is_layer and what is not layers.Layer:
                parts.add(node.attr)
    return imported, parts


def all_examples() -> list[Example]:
    """Every program of this folder but the tour, by subject and name."""
    found = []
    for module in pkgutil.iter_modules(examples.__path__):
        if module.name.startswith("_") or module.ispkg:
            continue
        path = f"{examples.__name__}.{module.name}"
        says = (ast.get_docstring(_source(path)) or "").split("\n\n")[0].split(": `")[0]
        imported, parts = _used(path)
        named = imported | parts
        subject = next((s for s, names in SUBJECTS.items() if named & names), OTHER)
        found.append(Example(module.name, " ".join(says.split()), subject, frozenset(parts)))
    order = [*SUBJECTS, OTHER]
    return sorted(found, key=lambda example: (order.index(example.subject), example.name))


def draw(figure: Any, found: list[Example]) -> None:
    """A dot where an example uses a layer, those used most to the left."""
    counts: dict[str, int] = {}
    for example in found:
        for layer in example.layers:
            counts[layer] = counts.get(layer, 0) + 1
    names = sorted(counts, key=lambda name: (-counts[name], name))
    axis = figure.subplots()
    there = np.array([[name in example.layers for name in names] for example in found])
    down, across = np.nonzero(there)
    axis.scatter(across, down, s=70, color=BLUE, zorder=2)
    axis.set_xticks(range(len(names)), names, rotation=90)
    axis.set_yticks(range(len(found)), [f"{e.name} ({e.subject})" for e in found])
    axis.set(xlim=(-0.7, len(names) - 0.3), ylim=(len(found) - 0.3, -0.7))
    for place in range(1, len(found)):
        if found[place].subject != found[place - 1].subject:
            axis.axhline(place - 0.5, color=ORANGE, linewidth=1.5)
    axis.set_title("which example uses which layers")
    axis.grid(alpha=0.3)


def run(settings: Settings) -> Result:
    """List the examples by subject, with what they say of themselves."""
    found = all_examples()
    width = max(len(example.name) for example in found)
    counts = {subject: 0 for subject in [*SUBJECTS, OTHER]}
    for example in found:
        if not counts[example.subject]:
            print_msg(f"{example.subject.capitalize()}\n")
        counts[example.subject] += 1
        print_msg(f"    python -m chainrule.examples.{example.name:<{width}}  {example.says}")
        if example is found[-1] or found[found.index(example) + 1].subject != example.subject:
            print_msg("")
    save_figure(settings.picture, lambda figure: draw(figure, found), (16, 8))
    line = ", ".join(f"{count} {subject}" for subject, count in counts.items() if count)
    return Result(f"examples: {line}", {s: float(count) for s, count in counts.items()})
