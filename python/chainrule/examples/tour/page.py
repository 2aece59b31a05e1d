"""What the chapters of the tour share: settings, results, tables, colours that all readers can tell apart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from chainrule.datasets import digits

__all__ = ["BLUE", "COLOURS", "DASHES", "ORANGE", "Result", "Settings", "scans", "table"]

Array = npt.NDArray[Any]

# Okabe and Ito (2008), Color Universal Design: told apart with any kind of colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
BLUE, ORANGE = COLOURS[:2]
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)), (0, (1, 1)))


class Settings(NamedTuple):
    """How a chapter is run: `quick` is a try of a second, `picture` the file that it draws."""

    quick: bool
    seed: int
    picture: Path


class Result(NamedTuple):
    """What a chapter found: in a line, and as numbers by name."""

    line: str
    figures: dict[str, float]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns side by side, the first to the left and the others to the right.

    Examples
    --------
    >>> print(table(["layer", "norm"], [["first", "0.5"], ["second", "12.25"]]))
    layer    norm
    first     0.5
    second  12.25
    """
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (head, *rows)
    )


def scans() -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """The digits of the wheel, as rows of 64 numbers from 0 to 1, and their labels.

    Examples
    --------
    >>> (x, y), (x_test, y_test) = scans()
    >>> x.shape, x_test.shape, float(x.max())
    ((1442, 64), (355, 64), 1.0)
    """
    (x, y), (x_test, y_test) = digits.load_data()
    return (_rows(x), y.astype("int64")), (_rows(x_test), y_test.astype("int64"))


def _rows(images: Array) -> Array:
    return images.reshape(-1, 64).astype("float32") / 16
