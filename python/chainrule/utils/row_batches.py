"""Batches of rows that are made of their numbers: files of folders, windows of series."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.utils.data_plans.batches import Batch
from chainrule.utils.data_plans.orders import Shuffle
from chainrule.utils.data_plans.plan import Plan, Rows
from chainrule.utils.dataset import Dataset
from chainrule.utils.labelled_files import Files

__all__ = ["batches_of_files", "batches_of_rows"]


def batches_of_rows(
    count: int,
    take: Callable[[npt.NDArray[Any]], Any],
    batch_size: int | None,
    shuffle: bool,
    seed: int,
    workers: int = 1,
) -> Plan:
    """The plan of a dataset of `count` rows, shuffled anew for each pass but the first.

    Parameters
    ----------
    count : int
    take : function
        Makes the batch of an array of row numbers; None where there is nothing to be had of them.
    batch_size : int or None
        None gives single rows.
    shuffle : bool
    seed : int
        Of the orders.
    workers : int
        Threads that make batches.
    """
    plan: Plan = Rows(count, take, workers)
    if shuffle:
        plan = Shuffle(plan, count, seed, anew=True, begins_as_given=True)
    return plan if batch_size is None else Batch(plan, batch_size)


def batches_of_files(
    files: Files,
    take: Callable[[npt.NDArray[Any]], Any],
    batch_size: int | None,
    workers: int = 1,
) -> Dataset:
    """The dataset of the files of a folder, of which `take` makes batches by their numbers."""
    plan = batches_of_rows(
        len(files.paths), take, batch_size, files.shuffle, files.seed, workers
    )
    return Dataset(plan, files.class_names, files.paths)
