"""What examples read: files named in `$CHAINRULE_DATA`, or in the cache of data sets; scans of digits."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from chainrule.datasets import digits, mnist
from chainrule.datasets.locate import locate_name
from chainrule.errors import DataError

__all__ = ["Recordings", "Scans", "digit_scans", "labelled_lines", "lines", "recordings"]

Array = npt.NDArray[Any]


class Scans(NamedTuple):
    """Scans of digits, (N, H, W, 1) float32 from 0 to 1, and the digits, (N,) int32."""

    x_train: Array
    y_train: Array
    x_test: Array
    y_test: Array


def digit_scans(small: bool) -> Scans:
    """The 1,797 scans of 8x8 pixels that ship, or the 70,000 of 28x28 of MNIST."""
    train, test = digits.load_data() if small else mnist.load_data()
    (x, y), (x_test, y_test) = (
        (x[..., None].astype("float32") / (16 if small else 255), y.astype("int32"))
        for x, y in (train, test)
    )
    return Scans(x, y, x_test, y_test)


class Recordings(NamedTuple):
    """Sounds one after another in one array, and what is known of each.

    Recording `i` is `audio[offsets[i]:offsets[i + 1]]`, 16-bit samples; `labels` holds the file's
    other arrays by their names.
    """

    audio: Array
    offsets: Array
    labels: dict[str, Array]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def sound(self, i: int) -> Array:
        """Samples of recording `i` between -1 and 1, float32."""
        return self.audio[self.offsets[i] : self.offsets[i + 1]].astype("float32") / 32768


def recordings(name: str, rate: int | None = None) -> Recordings:
    """`fsdd.npz` (Free Spoken Digit Dataset, CC BY-SA 4.0) or `emodb.npz` (EmoDB, CC0 1.0).

    Parameters
    ----------
    name : str
    rate : int, optional
        What samples a second are expected, where the file says how many it has.

    Raises
    ------
    DataError
        Another rate, or a recording without samples.
    """
    with np.load(locate_name(name), allow_pickle=False) as file:
        arrays = dict(file)
    audio, offsets = arrays.pop("audio"), arrays.pop("offsets")
    there = arrays.get("rate", rate)
    if rate is not None and there != rate:
        raise DataError(
            f"{name}: expected {rate} samples a second, got {there}; `audio.resample` changes that"
        )
    lengths = np.diff(np.minimum(offsets, len(audio)))
    if (lengths <= 0).any():
        raise DataError(
            f"{name}: expected samples in each recording, got none in number {lengths.argmin()}"
        )
    return Recordings(audio, offsets, arrays)


def lines(name: str) -> list[str]:
    """Lines of a UTF-8 text in `$CHAINRULE_DATA`, such as `multi30k/train.de.gz`, without their ends."""
    path = locate_name(name)
    opened = gzip.open if path.suffix == ".gz" else Path.open
    with opened(path, "rt", encoding="utf-8") as file:
        return [line.rstrip("\n") for line in file]


def labelled_lines(name: str) -> list[list[str]]:
    """The columns of each line of a file with tabs, such as `text/sst2.train.tsv.gz`."""
    return [line.split("\t") for line in lines(name)]
