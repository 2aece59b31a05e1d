"""The picture of a report: ridges of activations and of their gradients, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.diagnosis.finding import Finding
from chainrule.diagnosis.measured import ActivationStatistics, Measured
from chainrule.utils.drawing.figure import new_figure

__all__ = ["draw"]

Array = NDArray[Any]

_BINS = 60
_HEIGHT = 0.42
_OVERLAP = 0.88
_SHADES = ("#2a6f97", "#bc4b32")


def draw(measured: Measured | None, findings: Sequence[Finding], path: Any = None) -> Any:
    """A figure with one ridge a layer, the first layer on top."""
    rows = [] if measured is None else measured.activations
    if not rows:
        raise ValueError("report.plot: expected activations to draw, got none that were measured")
    height = 1.5 + _HEIGHT * len(rows) + 0.2 * min(len(findings), 4)
    figure = new_figure("report.plot", (10, height))
    left, right = figure.subplots(1, 2, width_ratios=(1, 1))
    _ridges(left, [a.values for a in rows], _SHADES[0])
    _ridges(right, [_logarithms(a.gradients) for a in rows], _SHADES[1])
    places = [-i for i in range(len(rows))]
    left.set_yticks(places, [f"{_short(a.layer)}\n{_notes(a)}" for a in rows], fontsize=7)
    right.set_yticks(places, [f"norm {a.gradient_norm:.1e}" for a in rows], fontsize=7)
    right.yaxis.tick_right()
    for axis in (left, right):
        axis.tick_params(axis="y", length=0)
    left.set(title="activations", xlabel="value")
    right.set(title="gradients of the loss by them", xlabel="log10 of the size; zeros left out")
    found = [f"{f.kind.replace('_', ' ')}  {f.layer}" for f in findings[:4]]
    figure.suptitle("\n".join(found) if found else "nothing found", fontsize=9)
    if path is not None:
        figure.savefig(path, dpi=130)
    return figure


def _notes(a: ActivationStatistics) -> str:
    """The activation, and what is worth a word."""
    if a.dead:
        return f"{a.activation}, {a.dead} of {a.units} dead"
    if a.saturated > 0.05:
        return f"{a.activation}, {a.saturated:.0%} flat"
    return f"{a.activation}, {a.zeros:.0%} zeros" if a.zeros > 0.01 else a.activation


def _short(layer: str) -> str:
    """A path without the model's name."""
    return layer.partition("/")[2] or layer


def _logarithms(gradients: Array) -> Array:
    sizes = np.abs(gradients)
    return np.asarray(np.log10(sizes[sizes > 0]))


def _ridges(axis: Any, samples: list[Array], colour: str) -> None:
    """How often each value comes, as one filled curve a row on one axis of values."""
    finite = [s[np.isfinite(s)] for s in samples]
    whole = np.concatenate(finite)
    if not whole.size:
        whole = np.zeros(1)
    low, high = np.percentile(whole, (0.5, 99.5))
    pad = 0.05 * (high - low) or 0.5
    edges = np.linspace(low - pad, high + pad, _BINS + 1)
    middles = (edges[1:] + edges[:-1]) / 2
    for i, sample in enumerate(finite):
        axis.axhline(-i, color="#dddddd", linewidth=0.6, zorder=i)
        if not sample.size:
            continue
        counts = np.histogram(np.clip(sample, edges[0], edges[-1]), edges)[0].astype("float64")
        smooth = np.convolve(np.pad(counts, 2, mode="edge"), [0.1, 0.2, 0.4, 0.2, 0.1], "valid")
        curve = smooth / smooth.max() * _OVERLAP
        axis.fill_between(middles, -i, -i + curve, color=colour, alpha=0.75, linewidth=0, zorder=i)
        axis.plot(middles, -i + curve, color="white", linewidth=0.8, zorder=i)
    axis.set_xlim(edges[0], edges[-1])
    axis.set_ylim(-len(samples) + 0.7, 1.15)
    for side in ("top", "right", "left"):
        axis.spines[side].set_visible(False)
    axis.grid(axis="x", alpha=0.25)
