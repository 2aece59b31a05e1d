"""LengthBatches: batches of sequences that are about as long as each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import random
from chainrule.base.errors import DataError, ShapeError
from chainrule.nlp.sizes import check_size
from chainrule.utils.py_dataset import PyDataset
from chainrule.utils.remembered import checked, count

# Batches whose rows are sorted by length together, where the order is drawn.
_POOL = 50


class LengthBatches(PyDataset):
    """Batches of sequences of tokens, each of sequences of like lengths, so that little is padding.

    A batch is padded to its longest sequence, rounded up to a multiple of `multiple`: there are few
    shapes, each of which is compiled once.

    Parameters
    ----------
    sequences : sequence of int arrays (T_i,)
        One token or more each.
    labels : array (N, ...), optional
        With labels a batch is ``(inputs, labels)``, without it is ``(inputs,)``.
    batch_size : int
        Default 32.
    shuffle : bool
        Whether every epoch draws other batches, in another order. Default False: the shortest
        sequences come first.
    multiple : int
        Default 8.
    max_length : int, optional
        The most places, to which `multiple` does not round up. Default: any number.
    padding : int
        The token at places without one. Default 0.
    seed : int, optional
        Of the draws. Default: drawn.
    workers : int
        Threads that make batches. Default 1.

    Raises
    ------
    DataError
        No sequence, one without a token, or another number of labels.
    ShapeError
        What is no row of ints, or one longer than `max_length`.
    ValueError
        Sizes that are no positive ints.

    Notes
    -----
    The inputs are a dict of `token_ids`, int32 (B, T), and `padding_mask`, bool (B, T), which is false
    at padding, as `Bert` and `GPT` take them. `order` (N,) are the numbers of the sequences in the
    order of this epoch's rows. With a seed, `fit` that goes on by `BackupAndRestore` draws what it
    would have drawn.

    Examples
    --------
    >>> from chainrule import nlp
    >>> batches = nlp.LengthBatches([[5, 6, 7], [8], [9, 4]], batch_size=2, multiple=1)
    >>> for (inputs,) in batches:
    ...     print(inputs["token_ids"].tolist())
    [[8, 0], [9, 4]]
    [[5, 6, 7]]
    >>> batches.order.tolist()
    [1, 2, 0]
    """

    # `fit` does not shuffle the batches: the rows are shuffled here, or not at all.
    keeps_order = True

    def __init__(
        self,
        sequences: Sequence[Any],
        labels: Any = None,
        batch_size: int = 32,
        shuffle: bool = False,
        multiple: int = 8,
        max_length: int | None = None,
        padding: int = 0,
        seed: int | None = None,
        workers: int = 1,
    ) -> None:
        check_size("batch_size", batch_size)
        seed = random.make_default_seed() if seed is None else seed
        super().__init__(workers=workers, max_queue_size=workers + 1)
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self._epoch = 0
        self.sequences = [_row(number, row, max_length) for number, row in enumerate(sequences)]
        if not self.sequences:
            raise DataError("LengthBatches: expected one sequence or more, got none")
        self.labels = None if labels is None else np.asarray(labels)
        if self.labels is not None and len(self.labels) != len(self.sequences):
            raise DataError(
                f"LengthBatches: expected a label for each of {len(self.sequences)} sequences, "
                f"got {len(self.labels)}"
            )
        self.multiple = check_size("multiple", multiple)
        self.max_length = max_length
        self.padding = padding
        self._lengths = np.array([len(row) for row in self.sequences])
        self._draw_order()

    @property
    def order(self) -> NDArray[Any]:
        """int64 (N,): the numbers of the sequences, in the order of this epoch's rows."""
        return self._order

    def _draw_order(self) -> None:
        size = self.batch_size
        if not self.shuffle:
            self._order = np.argsort(self._lengths, kind="stable")
            return
        rng = np.random.Generator(np.random.Philox(key=[self.seed, self._epoch]))
        rows = rng.permutation(len(self.sequences))
        pool = _POOL * size
        parts = (rows[at : at + pool] for at in range(0, len(rows), pool))
        ordered = np.concatenate(
            [part[np.argsort(self._lengths[part], kind="stable")] for part in parts]
        )
        full = len(rows) // size
        batches = ordered[: full * size].reshape(full, size)[rng.permutation(full)]
        self._order = np.concatenate([batches.reshape(-1), ordered[full * size :]])

    def __len__(self) -> int:
        return -(-len(self._order) // self.batch_size)

    def __getitem__(self, index: int) -> Any:
        """The batch of this number."""
        if not 0 <= index < len(self):
            raise IndexError(f"LengthBatches: expected a batch 0 to {len(self) - 1}, got {index}")
        return self._make(self._order[index * self.batch_size : (index + 1) * self.batch_size])

    def __iter__(self) -> Iterator[Any]:
        yield from super().__iter__()
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

    def _make(self, rows: NDArray[Any]) -> Any:
        places = -(-int(self._lengths[rows].max()) // self.multiple) * self.multiple
        places = places if self.max_length is None else min(places, self.max_length)
        ids = np.full((len(rows), places), self.padding, "int32")
        for at, row in enumerate(rows):
            ids[at, : self._lengths[row]] = self.sequences[row]
        mask = np.arange(places) < self._lengths[rows, None]
        inputs = {"token_ids": ids, "padding_mask": mask}
        return (inputs,) if self.labels is None else (inputs, self.labels[rows])


def _row(number: int, row: Any, most: int | None) -> NDArray[Any]:
    """The tokens as int32 (T,).

    Raises
    ------
    DataError, ShapeError
    """
    tokens = np.asarray(row)
    if not tokens.size:
        raise DataError(f"LengthBatches: sequence {number}: expected one token or more, got none")
    if tokens.ndim != 1 or tokens.dtype.kind not in "iu":
        raise ShapeError(
            f"LengthBatches: sequence {number}: expected a row of ints, got {tokens.dtype} of shape "
            f"{tokens.shape}"
        )
    if most is not None and len(tokens) > most:
        raise ShapeError(
            f"LengthBatches: sequence {number}: expected at most max_length={most} tokens, got "
            f"{len(tokens)}"
        )
    return tokens.astype("int32")
