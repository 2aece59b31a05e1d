"""Windows of a time series as batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.utils.dataset import Dataset
from chainrule.utils.row_batches import batches_of_rows

__all__ = ["timeseries_dataset_from_array"]

Array = npt.NDArray[Any]


def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
    format: str | None = "tf",
) -> Dataset:
    """Windows of a series, `x[i] = data[i : i + sequence_length * sampling_rate : sampling_rate]`.

    Parameters
    ----------
    data : array-like
        (steps, ...).
    targets : array-like or None
        targets[i] is that of the window that begins at step i; None gives windows alone.
    sequence_length : int
        Steps of a window.
    sequence_stride : int
        Steps between the beginnings of two windows. Default 1.
    sampling_rate : int
        Steps between two steps of a window. Default 1.
    batch_size : int, optional
        Default 128. None gives single windows.
    shuffle : bool
        Shuffle the windows, anew for each epoch. Default False.
    seed : int, optional
        For the shuffle.
    start_index, end_index : int, optional
        Take windows of these steps only; the last is left out.
    format : {"tf", "grain"}, optional
        For Keras's signature: the dataset is always chainrule's own.

    Returns
    -------
    Dataset
        Of `(windows, targets)`, or `windows`: (rows, sequence_length, ...), cut when their turn
        comes.

    Raises
    ------
    ValueError
        Sizes and places that the data do not have; data too short for a window.

    Examples
    --------
    >>> data = np.arange(6)
    >>> batches = timeseries_dataset_from_array(data, data[3:], sequence_length=3)
    >>> [(x.tolist(), y.tolist()) for x, y in batches]
    [([[0, 1, 2], [1, 2, 3], [2, 3, 4]], [3, 4, 5])]
    """
    series = np.asarray(data)
    length = len(series)

    def check(name: str, value: int | None, least: int, most: int) -> None:
        if value is None:
            return
        if value < least:
            bound = f"{least} or greater" if least == 0 else "higher than 0"
            raise ValueError(f"`{name}` must be {bound}. Received: {name}={value}")
        if value > most:
            raise ValueError(
                f"`{name}` must be lower than the length of the data. Received: {name}={value}, "
                f"for data of length {length}"
            )

    check("start_index", start_index, 0, length - 1)
    check("end_index", end_index, 1, length - 1)
    check("sampling_rate", sampling_rate, 1, length - 1)
    check("sequence_stride", sequence_stride, 1, length - 1)
    check("sequence_length", sequence_length, 1, length)
    if start_index and end_index is not None and end_index <= start_index:
        raise ValueError(
            "`end_index` must be higher than `start_index`. Received: "
            f"start_index={start_index}, and end_index={end_index} "
        )
    if format not in ("tf", "grain", None):
        raise ValueError(
            f'`format` should be either "tf" or "grain". Received: format={format}'
        )
    if batch_size is not None and (isinstance(batch_size, bool) or batch_size < 1):
        raise ValueError(f"`batch_size` must be None or higher than 0. Received: {batch_size}")
    chosen = slice(start_index, end_index)
    series = series[chosen]
    aims = None if targets is None else np.asarray(targets)
    count = len(series) - (sequence_length - 1) * sampling_rate
    if aims is not None:
        count = min(count, len(aims))
        aims = aims[chosen]
        count = min(count, len(aims))
    if count < 1:
        raise ValueError(
            f"timeseries_dataset_from_array: expected data and targets for one window of "
            f"{sequence_length} steps, {sampling_rate} apart, got {len(series)} steps"
        )
    seed = int(np.random.randint(10**6)) if seed is None else seed
    starts = np.arange(0, count, sequence_stride)
    if shuffle:
        np.random.RandomState(seed).shuffle(starts)
    steps = np.arange(sequence_length) * sampling_rate

    def take(rows: Array) -> Any:
        windows = series[starts[rows][:, None] + steps]
        return windows if aims is None else (windows, aims[starts[rows]])

    return Dataset(batches_of_rows(len(starts), take, batch_size, shuffle, seed))
