"""MNIST: 70,000 handwritten digits, 28x28 pixels.

Source: Y. LeCun, C. Cortes and C. Burges (1998), The MNIST database of handwritten digits
(CC BY-SA 3.0).
"""

from __future__ import annotations

from typing import Any

from chainrule.base.namespace import publish
from chainrule.datasets.locate import locate
from chainrule.datasets.npz import Splits, read_splits

__all__ = ["load_data"]

ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"


def load_data(path: Any = "mnist.npz") -> Splits:
    """The digits as `(x_train, y_train), (x_test, y_test)`.

    Parameters
    ----------
    path : str or Path
        A name is looked for in `$CHAINRULE_DATA`, then in the cache (`$CHAINRULE_HOME/datasets`,
        else `~/.chainrule/datasets`), then downloaded into the cache. A path with a folder is the
        file itself. Default: `"mnist.npz"`.

    Returns
    -------
    x_train, y_train : ndarray
        (60000, 28, 28), white ink (255) on black (0), and (60000,), labels 0 to 9; both uint8.
    x_test, y_test : ndarray
        (10000, 28, 28) and (10000,).

    Raises
    ------
    FileNotFoundError, ConnectionError
        No file at the path; nothing to be downloaded.
    FileFormatError
        A checksum that does not match; a file that is damaged or holds something else.
    """
    return read_splits(locate(path, ORIGIN, SHA256), (28, 28), 10)


publish(globals())
