"""An eighth of CIFAR-10: 7,500 photographs, 32x32 pixels, 10 classes.

600 training and 150 test images of each class, from a JPEG copy of CIFAR-10. JPEG loses detail and
the classes are small: an accuracy on it says nothing about the whole dataset, it compares one way
of training with another within minutes. The file is not to be downloaded.

Source: A. Krizhevsky (2009), Learning multiple layers of features from tiny images, technical
report, University of Toronto.
"""

from __future__ import annotations

from typing import Any

from chainrule.base.namespace import publish
from chainrule.datasets.cifar import CLASS_NAMES, as_keras
from chainrule.datasets.locate import locate
from chainrule.datasets.npz import Splits, read_splits

__all__ = ["CLASS_NAMES", "load_data"]


def load_data(path: Any = "cifar10_small.npz") -> Splits:
    """The photographs as `(x_train, y_train), (x_test, y_test)`, shaped as those of `cifar10`.

    Parameters
    ----------
    path : str or Path
        A name is looked for in `$CHAINRULE_DATA`, then in the cache. A path with a folder is the
        file itself. Default: `"cifar10_small.npz"`.

    Returns
    -------
    x_train, y_train : ndarray
        (6000, 32, 32, 3), red, green, blue from 0 to 255, or (6000, 3, 32, 32) where
        `image_data_format()` is "channels_first"; and (6000, 1), labels 0 to 9, which
        `CLASS_NAMES` names. Both uint8.
    x_test, y_test : ndarray
        (1500, 32, 32, 3) and (1500, 1).

    Raises
    ------
    FileNotFoundError
        No such file.
    FileFormatError
        A file that is damaged or holds something else.
    """
    (x_train, y_train), (x_test, y_test) = read_splits(locate(path), (32, 32, 3), 10)
    return as_keras(x_train, y_train), as_keras(x_test, y_test)


publish(globals())
