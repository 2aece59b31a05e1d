"""What examples print and draw: a table of classes, curves, a confusion matrix, mistakes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.examples._training import save_figure

__all__ = [
    "class_table",
    "confusion_matrix",
    "draw_confusions",
    "draw_curves",
    "draw_report",
    "save_report",
    "worst_mistakes",
]

Array = npt.NDArray[Any]
Curves = Mapping[str, Sequence[float]]

MISTAKES = 16
# Curves of fewer epochs get a dot for each.
FEW = 10


def confusion_matrix(labels: Array, predicted: Array, classes: int) -> Array:
    """How many images of class i (row) were taken for class j (column).

    Examples
    --------
    >>> confusion_matrix(np.array([0, 1, 1]), np.array([0, 1, 0]), 2).tolist()
    [[1, 0], [1, 1]]
    """
    counts = np.bincount(labels * classes + predicted, minlength=classes * classes)
    return counts.reshape(classes, classes)


def class_table(
    labels: Array,
    predicted: Array,
    names: Sequence[str],
    heading: str = "class",
    counted: str = "images",
) -> str:
    """Precision, recall and number of images, or what else is counted, of each class.

    Examples
    --------
    >>> print(class_table(np.array([0, 1, 1]), np.array([0, 1, 0]), ["cat", "dog"]))
    class  precision  recall  images
      cat      50.0%  100.0%       1
      dog     100.0%   50.0%       2
    """
    counts = confusion_matrix(labels, predicted, len(names))
    width = max(len(heading), *map(len, names))
    lines = [f"{heading:>{width}}  precision  recall  {counted}"]
    for name, right, found, there in zip(
        names, counts.diagonal(), counts.sum(axis=0), counts.sum(axis=1), strict=True
    ):
        precision, recall = right / max(found, 1), right / max(there, 1)
        lines.append(f"{name:>{width}}  {precision:9.1%}  {recall:6.1%}  {there:{len(counted)}}")
    return "\n".join(lines)


def worst_mistakes(labels: Array, probabilities: Array, most: int = MISTAKES) -> Array:
    """Rows whose class was wrong, the least probable right class first.

    Examples
    --------
    >>> worst_mistakes(np.array([0, 0, 1]), np.array([[0.4, 0.6], [0.1, 0.9], [0.2, 0.8]])).tolist()
    [1, 0]
    """
    right = probabilities[np.arange(len(labels)), labels]
    wrong = np.flatnonzero(probabilities.argmax(axis=-1) != labels)
    return wrong[np.argsort(right[wrong], kind="stable")][:most]


def draw_curves(axis: Any, metric: str, runs: Mapping[str, Curves]) -> None:
    """A metric by epochs, of training and validation, for each run by its name ("" where there is one)."""
    longest = 1
    for number, (run, curves) in enumerate(runs.items()):
        parts = ((f"val_{metric}", "validation", "-"), (metric, "training", "--"))
        for key, part, style in parts:
            if key in curves:
                epochs = range(1, len(curves[key]) + 1)
                longest = max(longest, len(epochs))
                label = f"{run}, {part}" if run else part
                marker = "." if len(epochs) < FEW else ""
                axis.plot(
                    epochs, curves[key], style, marker=marker, color=f"C{number}", label=label
                )
    axis.set(xlabel="epoch", title=metric, xlim=(0.5, longest + 0.5))
    axis.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    axis.grid(alpha=0.3)
    axis.legend()


def draw_confusions(axis: Any, counts: Array, names: Sequence[str]) -> None:
    """A confusion matrix as an image, with its counts."""
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    places = range(len(names))
    turned = 90 if max(map(len, names)) > 2 else 0
    axis.set_xticks(places, names, rotation=turned)
    axis.set_yticks(places, names)
    for i in places:
        for j in places:
            if counts[i, j]:
                colour = "white" if shares[i, j] > 0.5 else "black"
                axis.text(j, i, counts[i, j], ha="center", va="center", color=colour, fontsize=7)
    axis.set(xlabel="taken for", ylabel="class", title="confusion matrix")


def _draw_mistake(axis: Any, image: Array, title: str) -> None:
    axis.imshow(image.squeeze(), cmap="gray" if image.squeeze().ndim == 2 else None)
    axis.set_title(title, fontsize=7)


def draw_report(
    whole: Any,
    runs: Mapping[str, Curves],
    images: Array,
    labels: Array,
    probabilities: Array,
    names: Sequence[str],
) -> None:
    """Loss and accuracy of each run, the confusion matrix, the worst mistakes.

    Parameters
    ----------
    whole : matplotlib.figure.Figure
    runs : mapping
        By the run's name ("" where there is one run), the `history` that `fit` gave.
    images, labels, probabilities : ndarray
        Test images (N, H, W) or (N, H, W, C), their classes, and what `predict` gave (N, classes).
    names : sequence of str
        Of the classes.
    """
    across = MISTAKES // 2
    halves: Any = whole.subfigures(2, 1, height_ratios=(1.4, 1))
    above, below = halves
    axes = above.subplots(1, 3)
    for axis, metric in zip(axes, ("loss", "accuracy")):
        draw_curves(axis, metric, runs)
    predicted = probabilities.argmax(axis=-1)
    draw_confusions(axes[2], confusion_matrix(labels, predicted, len(names)), names)
    below.suptitle("the worst mistakes: the class, its probability p, and what it was taken for")
    rows = iter(worst_mistakes(labels, probabilities))
    for axis in below.subplots(2, across).flat:
        axis.axis("off")
        row = next(rows, None)
        if row is not None:
            right, taken = labels[row], predicted[row]
            title = f"{names[right]} (p = {probabilities[row, right]:.2g}), not {names[taken]}"
            _draw_mistake(axis, images[row], title)


def save_report(path: Path, *report: Any) -> None:
    """`draw_report` where matplotlib is installed, and a line that says where, or why not."""
    save_figure(path, lambda whole: draw_report(whole, *report), (15, 8.5))
