"""Threads of the core in joblib's worker processes."""

from __future__ import annotations

import multiprocessing
import os

from chainrule import _core

__all__ = ["share_threads"]

_VARIABLE = "OMP_NUM_THREADS"


def share_threads() -> None:
    """In a worker of joblib's, use as many threads as joblib leaves to each of its workers.

    It says so by `OMP_NUM_THREADS`, by which the threads of n workers are as many as the cores, and not
    n times as many. `CHAINRULE_NUM_THREADS` goes first. Results are the same for any number.
    """
    if not multiprocessing.current_process().name.startswith("Loky"):
        return
    asked = os.environ.get(_VARIABLE, "")
    if "CHAINRULE_NUM_THREADS" not in os.environ and asked.isdigit() and int(asked) > 0:
        _core.set_num_threads(int(asked))
