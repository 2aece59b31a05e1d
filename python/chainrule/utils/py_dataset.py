"""Batches by number, made by Python code while the core computes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

__all__ = ["PyDataset"]


class PyDataset:
    """Base class of datasets that make their batches by number.

    A subclass has `__getitem__(index)`, which returns a batch (x, (x, y) or (x, y, sample_weight);
    None is left out), and `__len__()` or the property `num_batches`, the number of batches. `fit`,
    `evaluate` and `predict` take the batches in the order of their numbers (`fit` with
    `shuffle=True` in a new order each epoch) whichever worker is done first, so an epoch sees each
    batch once.

    Parameters
    ----------
    workers : int
        1 makes batches on one thread beside the core, more on so many threads, 0 makes them
        between the steps, on the thread of `fit`. Default: 1.
    use_multiprocessing : bool
        Make the batches in `workers` processes instead: worth it where `__getitem__` spends its
        time in Python itself, as threads take turns there. The dataset is copied to the processes
        at the start of each epoch, and must be picklable where processes are not forked. Before
        each batch, a process seeds Python's and NumPy's global generators by the batch's number.
        Default: False.
    max_queue_size : int
        The most batches that are ready or being made. Default: 10.

    Raises
    ------
    ValueError
        For a negative number of workers, or an empty queue.

    Examples
    --------
    >>> import numpy as np
    >>> class Squares(PyDataset):
    ...     def __len__(self):
    ...         return 3
    ...     def __getitem__(self, index):
    ...         x = np.full((2, 1), index, "float32")
    ...         return x, x**2
    >>> [float(y[0, 0]) for x, y in Squares(workers=2)]
    [0.0, 1.0, 4.0]
    """

    # For subclasses whose `__init__` does not call this one.
    workers: int = 1
    use_multiprocessing: bool = False
    max_queue_size: int = 10

    def __init__(
        self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10
    ) -> None:
        for name, value, least in (
            ("workers", workers, 0),
            ("max_queue_size", max_queue_size, 1),
        ):
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(
                    f"{type(self).__name__}: expected {name} to be an integer of {least} or more, "
                    f"got {value!r}"
                )
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

    def __getitem__(self, index: int) -> Any:
        """The batch of this number.

        Raises
        ------
        NotImplementedError
            Where a subclass does not say.
        """
        raise NotImplementedError(f"{type(self).__name__}: expected a method __getitem__(index)")

    def __iter__(self) -> Iterator[Any]:
        count = self.num_batches
        for index in itertools.count() if count is None else range(count):
            yield self[index]

    @property
    def num_batches(self) -> int | None:
        """The number of batches of an epoch; `None` where there is no end.

        Raises
        ------
        NotImplementedError
            Where a subclass has neither this property nor `__len__`.
        """
        if hasattr(self, "__len__"):
            return len(self)
        raise NotImplementedError(
            f"{type(self).__name__}: expected a method __len__() or a property num_batches"
        )

    def backup_state(self) -> dict[str, Any]:
        """What `callbacks.BackupAndRestore` saves of the dataset: by name, numbers, strings,
        arrays, None, and lists and dicts of these. Default: nothing."""
        return {}

    def restore_state(self, state: dict[str, Any]) -> None:
        """Take back what `backup_state` gave, before the first batch of a resumed run."""

    def on_epoch_begin(self) -> None:
        """Called at the start of every epoch, before its first batch is made."""

    def on_epoch_end(self) -> None:
        """Called at the end of every epoch, after its last step."""
