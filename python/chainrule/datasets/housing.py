"""Tables of houses and their prices: read, shuffled and split as Keras does."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.base.errors import FileFormatError
from chainrule.datasets.locate import locate
from chainrule.datasets.npz import read_npz

__all__ = ["Houses", "check_split", "load_houses"]

Array = npt.NDArray[Any]
Houses = tuple[tuple[Array, Array], tuple[Array, Array]]


def check_split(test_split: float) -> None:
    """Refuse a fraction outside [0, 1).

    Raises
    ------
    ValueError
    """
    if not 0 <= test_split < 1:
        raise ValueError(f"Expected `test_split` from 0 to below 1, got {test_split}")


def load_houses(
    path: Any,
    origin: str,
    sha256: str,
    columns: int,
    test_split: float,
    seed: int,
    rows: int | None = None,
) -> Houses:
    """`(x_train, y_train), (x_test, y_test)` of a file with arrays `x` and `y`.

    Parameters
    ----------
    path, origin, sha256
        As `locate` takes them.
    columns : int
        Of `x`.
    test_split : float
        The fraction of the shuffled rows, the last ones, that is for testing.
    seed : int
        Of the shuffle.
    rows : int, optional
        How many of the file's first rows to take. Default: all.

    Raises
    ------
    ValueError
        A fraction outside [0, 1).
    FileFormatError
        Another number of prices than of houses; and what `read_npz` refuses.
    """
    check_split(test_split)
    file = locate(path, origin, sha256)
    found = read_npz(file, {"x": (None, columns), "y": (None,)}, "float")
    x, y = found["x"], found["y"]
    if len(x) != len(y):
        raise FileFormatError(f"file '{file}': expected {len(x)} prices in y, got {len(y)}")
    x, y = x[:rows], y[:rows]
    order = np.arange(len(x))
    np.random.RandomState(seed).shuffle(order)
    x, y = x[order], y[order]
    at = int(len(x) * (1 - test_split))
    return (x[:at].copy(), y[:at].copy()), (x[at:].copy(), y[at:].copy())
