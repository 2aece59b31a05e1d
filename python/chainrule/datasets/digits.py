"""Handwritten digits, 8x8 pixels: small enough to ship, real enough to learn from.

Source: E. Alpaydin and C. Kaynak (1998), Optical Recognition of Handwritten Digits, UCI Machine
Learning Repository, https://doi.org/10.24432/C50P49 (CC BY 4.0); `digits.md` beside the file says
more.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from chainrule.base.namespace import publish

__all__ = ["load_data"]

Bytes = npt.NDArray[np.uint8]


def load_data() -> tuple[tuple[Bytes, Bytes], tuple[Bytes, Bytes]]:
    """The digits as `(x_train, y_train), (x_test, y_test)`.

    Of each digit, every fifth scan in the order of the source is a test scan. The split never
    changes; both parts have the same 13 writers.

    Returns
    -------
    x_train, y_train : ndarray
        (1442, 8, 8) with values 0 to 16, and (1442,) with labels 0 to 9; both uint8.
    x_test, y_test : ndarray
        (355, 8, 8) and (355,).

    Examples
    --------
    >>> (x_train, y_train), (x_test, y_test) = load_data()
    >>> x_train.shape, y_test.shape, int(x_train.max())
    ((1442, 8, 8), (355,), 16)
    """
    with np.load(Path(__file__).with_name("digits.npz"), allow_pickle=False) as file:
        x_train, y_train, x_test, y_test = (
            file[name] for name in ("x_train", "y_train", "x_test", "y_test")
        )
    return (x_train, y_train), (x_test, y_test)


publish(globals())
