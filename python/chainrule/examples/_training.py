"""What examples share: their options, a training that goes on where it was stopped, a result in a line."""

from __future__ import annotations

import argparse
import csv
import importlib.util
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import chainrule as cr
from chainrule.utils.io import print_msg
from chainrule.utils.writing import replacing

__all__ = [
    "Curves",
    "fit_or_resume",
    "options_of",
    "print_result",
    "read_curves",
    "save_figure",
    "warmed_adamw",
]

Curves = dict[str, list[float]]


def options_of(description: str) -> argparse.ArgumentParser:
    """A parser of the options that every example takes.

    `--quick` makes it a try of seconds; `--seed`, of which the weights follow; `--out`, the folder
    of what is written, which holds the unfinished trainings too.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="a try of seconds: little data, small")
    parser.add_argument("--seed", type=int, default=0, help="the same seed, the same weights")
    parser.add_argument("--out", type=Path, default=Path(), help="the folder of what is written")
    return parser


def read_curves(path: Path) -> Curves:
    """What `CSVLogger` wrote; of an epoch that was run again, the last.

    Its columns "NA" of validations that there were not are left out.
    """
    with path.open(newline="") as file:
        rows = {int(row.pop("epoch")): row for row in csv.DictReader(file)}
    last = [rows[epoch] for epoch in sorted(rows)]
    known = [key for key, value in last[0].items() if value != "NA"] if last else []
    return {key: [float(row[key]) for row in last] for key in known}


def warmed_adamw(rate: float, steps: int, **settings: Any) -> Any:
    """AdamW whose rate rises over a tenth of the steps and falls to 0 by a cosine.

    Weights decay by 0.01; embeddings, biases and norms do not.
    """
    warm = max(1, steps // 10)
    schedule = cr.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - warm), warmup_target=rate, warmup_steps=warm
    )
    adam = cr.optimizers.AdamW(schedule, weight_decay=0.01, **settings)
    adam.exclude_from_weight_decay(var_names=["embeddings", "bias", "gamma", "beta"])
    return adam


def fit_or_resume(model: Any, folder: Path, *data: Any, **settings: Any) -> Curves:
    """`model.fit(*data, **settings)` with its state in `folder`; gives the curves.

    A training that was stopped goes on to the same bits; one that has ended is loaded. With
    `verbose=0` nothing is printed.
    """
    silent = settings.get("verbose") == 0
    weights, log, backup = (folder / n for n in ("final.safetensors", "epochs.csv", "unfinished"))
    if weights.exists():
        if not model.built:
            model(_few_rows(data[0]))
        model.load_weights(weights)
        if not silent:
            print_msg(f"Trained before: {weights}")
        return read_curves(log)
    if not backup.exists():
        log.unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    kept = [cr.callbacks.CSVLogger(log, append=True), cr.callbacks.BackupAndRestore(backup)]
    model.fit(*data, callbacks=[*settings.pop("callbacks", ()), *kept], **settings)
    if not silent:
        print_msg(f"trained in {time.perf_counter() - start:.0f} s")
    model.save_weights(weights)
    return read_curves(log)


def _few_rows(x: Any) -> Any:
    """Inputs with which a model can be built, of what `fit` is given."""
    if isinstance(x, cr.utils.PyDataset):
        return x[0][0]
    return cr.tree.map_structure(lambda array: array[:1], x)


def print_result(name: str, figures: str, start: float) -> None:
    """The example's one line: its name, its figures, and the time since `start` (perf_counter)."""
    minutes, seconds = divmod(round(time.perf_counter() - start), 60)
    print_msg(f"{name}: {figures}; {minutes} min {seconds} s")


def save_figure(path: Path, draw: Callable[[Any], None], size: tuple[float, float]) -> None:
    """A matplotlib figure of `size` inches that `draw` fills, and a line that says where, or why not."""
    if importlib.util.find_spec("matplotlib") is None:
        print_msg("With matplotlib installed (pip install matplotlib), a picture is drawn too.")
        return
    from matplotlib import figure

    whole = figure.Figure(figsize=size, layout="constrained")
    draw(whole)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        whole.savefig(temporary, format=path.suffix[1:], dpi=110)
    print_msg(f"Picture: {path.resolve()}")
