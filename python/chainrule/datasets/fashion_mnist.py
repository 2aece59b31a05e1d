"""Fashion-MNIST: 70,000 pictures of clothes, 28x28 pixels, 10 classes.

Source: H. Xiao, K. Rasul and R. Vollgraf (2017), Fashion-MNIST: a novel image dataset for
benchmarking machine learning algorithms, arXiv:1708.07747 (MIT).
"""

from __future__ import annotations

import gzip
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.base.errors import FileFormatError
from chainrule.base.namespace import publish
from chainrule.datasets.locate import locate, locate_name
from chainrule.datasets.npz import Bytes, Splits, check_labels, most_bytes
from chainrule.utils.reading import damage, read_into

__all__ = ["CLASS_NAMES", "load_data"]

CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
SHA256 = {
    "train-images-idx3-ubyte.gz": (
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"
    ),
    "train-labels-idx1-ubyte.gz": (
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"
    ),
    "t10k-images-idx3-ubyte.gz": (
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"
    ),
    "t10k-labels-idx1-ubyte.gz": (
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"
    ),
}


def load_data(path: Any = "fashion-mnist") -> Splits:
    """The pictures as `(x_train, y_train), (x_test, y_test)`.

    Parameters
    ----------
    path : str or Path
        The folder of the four files `train-images-idx3-ubyte.gz`, `train-labels-idx1-ubyte.gz`,
        `t10k-images-idx3-ubyte.gz` and `t10k-labels-idx1-ubyte.gz`. A name is looked for in
        `$CHAINRULE_DATA`, then in the cache (`$CHAINRULE_HOME/datasets`, else
        `~/.chainrule/datasets`), and what is not there is downloaded into the cache. A path with
        a folder before it is the folder itself. Default: `"fashion-mnist"`.

    Returns
    -------
    x_train, y_train : ndarray
        (60000, 28, 28), 0 to 255 on a black ground, and (60000,), labels 0 to 9, which
        `CLASS_NAMES` names; both uint8.
    x_test, y_test : ndarray
        (10000, 28, 28) and (10000,).

    Raises
    ------
    FileNotFoundError, ConnectionError
        No file at the path; nothing to be downloaded.
    FileFormatError
        A checksum that does not match; a file that is damaged or holds something else.
    """
    if isinstance(path, str) and not os.path.dirname(os.path.expanduser(path)):
        files = [locate_name(f"{path}/{n}", ORIGIN + n, h) for n, h in SHA256.items()]
    else:
        files = [locate(locate(path) / name) for name in SHA256]
    x_train, y_train, x_test, y_test = (
        read_idx(file, (28, 28) if "images" in file.name else ()) for file in files
    )
    check_labels(files[1], "the labels", y_train, x_train, 10)
    check_labels(files[3], "the labels", y_test, x_test, 10)
    return (x_train, y_train), (x_test, y_test)


def read_idx(path: Path, item: tuple[int, ...]) -> Bytes:
    """The uint8 array of an idx file, packed by gzip, of shape (n, *item).

    The file is 0, 0, 8 (for uint8), the number of axes, each axis as a big-endian uint32, and the
    elements in C order.

    Raises
    ------
    FileFormatError
        A file that is no gzip, is damaged or truncated, or holds an array of another shape.
    """
    axes = 1 + len(item)
    with damage(path, "a whole idx file packed by gzip"), gzip.open(path, "rb") as stream:
        head = stream.read(4 + 4 * axes)
        shape = tuple(int(n) for n in np.frombuffer(head[4:], dtype=">u4"))
        if head[:4] != bytes([0, 0, 8, axes]) or shape[1:] != item or not any(shape[:1]):
            wanted = str(("n", *item)).replace("'", "")
            raise FileFormatError(
                f"file '{path}': expected an idx array of shape {wanted} and dtype uint8, "
                f"got a header of {head.hex(' ', 4)}"
            )
        size = math.prod(shape)
        if size > most_bytes(path):
            raise FileFormatError(
                f"file '{path}': expected {size} bytes of elements, got at most {most_bytes(path)}"
            )
        array = np.empty(size, dtype="uint8")
        read_into(stream, array)
    return array.reshape(shape)


publish(globals())
