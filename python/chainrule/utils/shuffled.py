"""Datasets of rows that are shuffled anew for each epoch, and functions over datasets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.utils.prefetch import by_threads
from chainrule.utils.py_dataset import PyDataset
from chainrule.utils.remembered import checked, count

__all__ = ["MappedDataset", "ShuffledDataset"]

Array = npt.NDArray[Any]


class ShuffledDataset(PyDataset):
    """Batches of rows, which a subclass makes of their numbers.

    Iterating over it begins anew each time; with `shuffle` in another order.

    Parameters
    ----------
    rows : int
    batch_size : int or None
        None gives single rows.
    shuffle : bool
        Draw a new order after each epoch.
    seed : int
        For the shuffle.
    workers : int
        Threads that make batches.
    """

    # `fit` does not shuffle the batches: the rows are shuffled here, or not at all.
    keeps_order = True

    def __init__(
        self, rows: int, batch_size: int | None, shuffle: bool, seed: int, workers: int = 1
    ) -> None:
        super().__init__(workers=workers, max_queue_size=workers + 1)
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self._epoch = 0
        self._order: Array = np.arange(rows)

    def _make(self, rows: Array) -> Any:
        """The batch of these rows; of one row without a batch axis where `batch_size` is None."""
        raise NotImplementedError

    def __len__(self) -> int:
        return -(-len(self._order) // (self.batch_size or 1))

    def __getitem__(self, index: int) -> Any:
        """The batch of this number."""
        if not 0 <= index < len(self):
            raise IndexError(
                f"{type(self).__name__}: expected a batch 0 to {len(self) - 1}, got {index}"
            )
        size = self.batch_size or 1
        return self._make(self._order[index * size : (index + 1) * size])

    def __iter__(self) -> Iterator[Any]:
        numbers = range(len(self))
        if self.workers:
            yield from by_threads(self.__getitem__, numbers, self.workers, self.max_queue_size)
        else:
            yield from map(self.__getitem__, numbers)
        self.on_epoch_end()

    def backup_state(self) -> dict[str, Any]:
        """How many epochs are over."""
        return {"epoch": self._epoch}

    def restore_state(self, state: dict[str, Any]) -> None:
        """The order of that epoch."""
        self._epoch = checked(type(self).__name__, state, {"epoch": count})["epoch"]
        self._draw_order()

    def on_epoch_end(self) -> None:
        """Draw the next epoch's order."""
        self._epoch += 1
        self._draw_order()

    def _draw_order(self) -> None:
        self._order = np.arange(len(self._order))
        if self.shuffle and self._epoch:
            generator = np.random.Generator(np.random.Philox(key=[self.seed, self._epoch]))
            self._order = generator.permutation(self._order)

    def map(self, function: Callable[..., Any]) -> MappedDataset:
        """The dataset of what a function makes of each batch.

        Parameters
        ----------
        function : callable
            Gets x, or x and y; a layer, say.

        Examples
        --------
        >>> from chainrule.utils import timeseries_dataset_from_array
        >>> data = timeseries_dataset_from_array(np.arange(4), None, sequence_length=2)
        >>> [batch.tolist() for batch in data.map(lambda x: x * 10)]
        [[[0, 10], [10, 20], [20, 30]]]
        """
        return MappedDataset(self, function)


class MappedDataset(PyDataset):
    """What a function makes of the batches of a dataset.

    Parameters
    ----------
    source : PyDataset
    function : callable
    """

    keeps_order = True

    def __init__(self, source: Any, function: Callable[..., Any]) -> None:
        super().__init__(workers=source.workers, max_queue_size=source.max_queue_size)
        self.source = source
        self.function = function

    @property
    def class_names(self) -> Any:
        """Those of the source."""
        return self.source.class_names

    def _made(self, batch: Any) -> Any:
        return self.function(*batch) if isinstance(batch, tuple) else self.function(batch)

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Any:
        """What the function makes of the batch of this number."""
        return self._made(self.source[index])

    def __iter__(self) -> Iterator[Any]:
        return map(self._made, self.source)

    def backup_state(self) -> dict[str, Any]:
        """The source's."""
        state: dict[str, Any] = self.source.backup_state()
        return state

    def restore_state(self, state: dict[str, Any]) -> None:
        """The source's."""
        self.source.restore_state(state)

    def on_epoch_begin(self) -> None:
        """Tell the source."""
        self.source.on_epoch_begin()

    def on_epoch_end(self) -> None:
        """Tell the source."""
        self.source.on_epoch_end()

    def map(self, function: Callable[..., Any]) -> MappedDataset:
        """As `ShuffledDataset.map`."""
        return MappedDataset(self, function)
