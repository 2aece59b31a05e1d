"""CIFAR-100: 60,000 photographs, 32x32 pixels, 100 classes in 20 groups.

Source: A. Krizhevsky (2009), Learning multiple layers of features from tiny images, technical
report, University of Toronto.
"""

from __future__ import annotations

from typing import Any

from chainrule.base.namespace import publish
from chainrule.datasets.cifar import as_keras, read_archive
from chainrule.datasets.locate import locate
from chainrule.datasets.npz import Splits

__all__ = ["load_data"]

ORIGIN = "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz"
SHA256 = "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec"


def load_data(label_mode: str = "fine", path: Any = "cifar-100-binary.tar.gz") -> Splits:
    """The photographs as `(x_train, y_train), (x_test, y_test)`.

    The file is the binary version of the data (169 MB): unlike the Python version, a pickle, it
    cannot run code.

    Parameters
    ----------
    label_mode : {"fine", "coarse"}
        Labels of the 100 classes, or of the 20 groups. Default: fine.
    path : str or Path
        The archive, or the folder it was extracted to. A name is looked for in `$CHAINRULE_DATA`,
        then in the cache (`$CHAINRULE_HOME/datasets`, else `~/.chainrule/datasets`), then
        downloaded into the cache. A path with a folder is the file itself. Default:
        `"cifar-100-binary.tar.gz"`.

    Returns
    -------
    x_train, y_train : ndarray
        (50000, 32, 32, 3), red, green, blue from 0 to 255, or (50000, 3, 32, 32) where
        `image_data_format()` is "channels_first"; and (50000, 1), labels 0 to 99, or
        0 to 19. Both uint8.
    x_test, y_test : ndarray
        (10000, 32, 32, 3) and (10000, 1).

    Raises
    ------
    ValueError
        Another `label_mode`.
    FileNotFoundError, ConnectionError
        No file at the path; nothing to be downloaded.
    FileFormatError
        A checksum that does not match; a file that is damaged or holds something else.
    """
    if label_mode not in ("fine", "coarse"):
        raise ValueError(f'Expected `label_mode` "fine" or "coarse", got {label_mode!r}')
    kind = ("coarse", "fine").index(label_mode)
    train, test = (
        as_keras(images, labels[:, kind])
        for images, labels in read_archive(
            locate(path, ORIGIN, SHA256), [["train.bin"], ["test.bin"]], [20, 100]
        )
    )
    return train, test


publish(globals())
