"""California housing: median prices of 20,640 districts in the census of 1990, by 8 numbers each.

Source: R. K. Pace and R. Barry (1997), Sparse Spatial Autoregressions, Statistics and Probability
Letters 33.
"""

from __future__ import annotations

from typing import Any

from chainrule.base.namespace import publish
from chainrule.datasets.housing import Houses, load_houses

__all__ = ["load_data"]

ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/california_housing.npz"
SHA256 = "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f"
_SMALL = 600


def load_data(
    version: str = "large",
    path: Any = "california_housing.npz",
    test_split: float = 0.2,
    seed: int = 113,
) -> Houses:
    """The districts as `(x_train, y_train), (x_test, y_test)`, in Keras's order.

    Parameters
    ----------
    version : {"large", "small"}
        All 20,640 districts, or the first 600. Default: large.
    path : str or Path
        A name is looked for in `$CHAINRULE_DATA`, then in the cache (`$CHAINRULE_HOME/datasets`,
        else `~/.chainrule/datasets`), then downloaded into the cache. A path with a folder is the
        file itself. Default: `"california_housing.npz"`.
    test_split : float
        The fraction that is for testing. Default: 0.2.
    seed : int
        Of the shuffle before the split. Default: 113.

    Returns
    -------
    x_train, y_train : ndarray
        (16512, 8), longitude, latitude, median age, rooms, bedrooms, population, households and
        median income; and (16512,), dollars.
    x_test, y_test : ndarray
        (4128, 8) and (4128,).

    Raises
    ------
    ValueError
        Another `version`, or a `test_split` outside [0, 1).
    FileNotFoundError, ConnectionError
        No file at the path; nothing to be downloaded.
    FileFormatError
        A checksum that does not match; a file that is damaged or holds something else.
    """
    if version not in ("large", "small"):
        raise ValueError(f'Expected `version` "small" or "large", got {version!r}')
    rows = _SMALL if version == "small" else None
    return load_houses(path, ORIGIN, SHA256, 8, test_split, seed, rows)


publish(globals())
