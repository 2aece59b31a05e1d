"""The metrics of a training by epoch: curves, and a table for a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.utils.drawing.figure import new_figure
from chainrule.utils.tables import html_table

__all__ = ["draw_curves", "table_of"]

_TRAINING, _VALIDATION = "#2a6f97", "#bc4b32"
_COLUMNS, _WIDTH, _HEIGHT = 2, 4.6, 3.2
# With more epochs, single points are not marked, and the table leaves out those between.
_FEW, _MOST_ROWS = 30, 20


def draw_curves(
    history: Mapping[str, Sequence[Any]], places: Mapping[str, Sequence[int]], path: Any = None
) -> Any:
    """A figure with one picture a metric; `val_NAME` is drawn with `NAME`.

    Parameters
    ----------
    history : mapping of str to sequence of numbers
        Values by epoch.
    places : mapping of str to sequence of int
        The epoch of each value. Where they are not known, the epochs are counted from 1.
    path : str or path, optional
        Where it is written.

    Raises
    ------
    ImportError
        Without matplotlib.
    ValueError
        No values.
    """
    names = _metrics(history)
    if not names:
        raise ValueError("History.plot: expected at least one epoch, got none")
    columns = min(_COLUMNS, len(names))
    rows = -(-len(names) // columns)
    figure = new_figure("History.plot", (_WIDTH * columns, _HEIGHT * rows))
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis, name in zip(axes, names):
        both = ((name, "training", _TRAINING), (f"val_{name}", "validation", _VALIDATION))
        drawn = [(key, label, color) for key, label, color in both if key in history]
        for key, label, color in drawn:
            values = [float(np.mean(value)) for value in history[key]]
            marker = "o" if len(values) <= _FEW else ""
            known = places.get(key, ())
            epochs = known if len(known) == len(values) else range(1, len(values) + 1)
            axis.plot(epochs, values, color=color, label=label, marker=marker, markersize=4)
        axis.set(title=name.replace("_", " "), xlabel="epoch")
        axis.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
        axis.grid(alpha=0.25)
        for side in ("top", "right"):
            axis.spines[side].set_visible(False)
        if len(drawn) > 1:
            axis.legend(frameon=False)
    for axis in axes[len(names) :]:
        axis.set_visible(False)
    if path is not None:
        figure.savefig(path, dpi=130)
    return figure


def table_of(history: Mapping[str, Sequence[Any]]) -> str:
    """The values as an HTML table, an epoch a row; of many the first and the last.

    Examples
    --------
    >>> table_of({"loss": [0.5]})
    '<table><tr><th>epoch</th><th>loss</th></tr><tr><td>1</td><td>0.5</td></tr></table>'
    """
    count = max(map(len, history.values()), default=0)
    numbers = list(range(count))
    if count > _MOST_ROWS:
        numbers = [*numbers[: _MOST_ROWS // 2], -1, *numbers[-_MOST_ROWS // 2 :]]
    rows = [
        ["…"] * (1 + len(history))
        if at < 0
        else [str(at + 1), *(_cell(values, at) for values in history.values())]
        for at in numbers
    ]
    return html_table(["epoch", *history], rows)


def _cell(values: Sequence[Any], at: int) -> str:
    return f"{float(np.mean(values[at])):.4g}" if at < len(values) else ""


def _metrics(history: Mapping[str, Sequence[Any]]) -> list[str]:
    """The names without `val_`, once each."""
    filled = (name for name, values in history.items() if len(values))
    return list(dict.fromkeys(name.removeprefix("val_") for name in filled))
