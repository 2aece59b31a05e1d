"""Boston housing: prices of 506 suburbs of the 1970s, by 13 numbers each.

One of the 13 was made from the share of Black residents, on the assumption that segregation raises
prices; use `california_housing` unless you compare with earlier work.

Source: D. Harrison and D. L. Rubinfeld (1978), Hedonic housing prices and the demand for clean air,
Journal of Environmental Economics and Management 5.
"""

from __future__ import annotations

from typing import Any

from chainrule.base.namespace import publish
from chainrule.datasets.housing import Houses, load_houses

__all__ = ["load_data"]

ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/boston_housing.npz"
SHA256 = "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"


def load_data(
    path: Any = "boston_housing.npz", test_split: float = 0.2, seed: int = 113
) -> Houses:
    """The suburbs as `(x_train, y_train), (x_test, y_test)`, in Keras's order.

    Parameters
    ----------
    path : str or Path
        A name is looked for in `$CHAINRULE_DATA`, then in the cache (`$CHAINRULE_HOME/datasets`,
        else `~/.chainrule/datasets`), then downloaded into the cache. A path with a folder is the
        file itself. Default: `"boston_housing.npz"`.
    test_split : float
        The fraction that is for testing. Default: 0.2.
    seed : int
        Of the shuffle before the split. Default: 113.

    Returns
    -------
    x_train, y_train : ndarray
        (404, 13), and (404,), thousands of dollars.
    x_test, y_test : ndarray
        (102, 13) and (102,).

    Raises
    ------
    ValueError
        A `test_split` outside [0, 1).
    FileNotFoundError, ConnectionError
        No file at the path; nothing to be downloaded.
    FileFormatError
        A checksum that does not match; a file that is damaged or holds something else.
    """
    return load_houses(path, ORIGIN, SHA256, 13, test_split, seed)


publish(globals())
