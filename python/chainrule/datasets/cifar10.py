"""CIFAR-10: 60,000 photographs, 32x32 pixels, 10 classes.

Source: A. Krizhevsky (2009), Learning multiple layers of features from tiny images, technical
report, University of Toronto.
"""

from __future__ import annotations

from typing import Any

from chainrule.base.namespace import publish
from chainrule.datasets.cifar import CLASS_NAMES, as_keras, read_archive
from chainrule.datasets.locate import locate
from chainrule.datasets.npz import Splits

__all__ = ["CLASS_NAMES", "load_data"]

ORIGIN = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
SHA256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"


def load_data(path: Any = "cifar-10-binary.tar.gz") -> Splits:
    """The photographs as `(x_train, y_train), (x_test, y_test)`.

    The file is the binary version of the data (170 MB): unlike the Python version, a pickle, it
    cannot run code.

    Parameters
    ----------
    path : str or Path
        The archive, or the folder it was extracted to. A name is looked for in `$CHAINRULE_DATA`,
        then in the cache (`$CHAINRULE_HOME/datasets`, else `~/.chainrule/datasets`), then
        downloaded into the cache. A path with a folder is the file itself. Default:
        `"cifar-10-binary.tar.gz"`.

    Returns
    -------
    x_train, y_train : ndarray
        (50000, 32, 32, 3), red, green, blue from 0 to 255, or (50000, 3, 32, 32) where
        `image_data_format()` is "channels_first"; and (50000, 1), labels 0 to 9, which
        `CLASS_NAMES` names. Both uint8.
    x_test, y_test : ndarray
        (10000, 32, 32, 3) and (10000, 1).

    Raises
    ------
    FileNotFoundError, ConnectionError
        No file at the path; nothing to be downloaded.
    FileFormatError
        A checksum that does not match; a file that is damaged or holds something else.
    """
    file = locate(path, ORIGIN, SHA256)
    train = [f"data_batch_{i}.bin" for i in range(1, 6)]
    (x_train, y_train), (x_test, y_test) = read_archive(file, [train, ["test_batch.bin"]], [10])
    return as_keras(x_train, y_train), as_keras(x_test, y_test)


publish(globals())
