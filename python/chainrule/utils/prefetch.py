"""Batches made ahead: on a thread, on several, or in processes; in order, errors included."""

from __future__ import annotations

import itertools
import queue
import random
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from chainrule.base.global_state import get_global_attribute, set_global_attribute
from chainrule.base.seeds import get_random_seed
from chainrule.random import global_seed_generator

if TYPE_CHECKING:
    from concurrent.futures import Executor

__all__ = ["by_processes", "by_threads", "prefetch"]

S = TypeVar("S")
T = TypeVar("T")

# What a thread that makes batches has from the thread that trains.
_INHERITED = ("dtype_policy", "global_random_seed", "global_seed_generator")

# How long a thread that makes batches waits before it looks whether anybody still wants them.
_POLL = 0.05


def inherited() -> dict[str, Any]:
    """Seeds and dtype policy of the calling thread."""
    if get_random_seed() is not None:
        global_seed_generator()
    return {name: get_global_attribute(name) for name in _INHERITED}


def inherit(values: dict[str, Any]) -> None:
    """Take over what `inherited` returned in another thread."""
    for name, value in values.items():
        set_global_attribute(name, value)


def prefetch(items: Iterable[T], depth: int) -> Generator[T, None, None]:
    """The items, up to `depth` of them made ahead on a thread of its own.

    What making an item raises is raised here, after the items before it. Closing the generator
    ends the thread as soon as it has made the item that it is at.

    Examples
    --------
    >>> list(prefetch((n * n for n in range(4)), depth=2))
    [0, 1, 4, 9]
    """
    ready: queue.Queue[tuple[bool, Any]] = queue.Queue(depth)
    stopped = threading.Event()
    state = inherited()

    def put(is_item: bool, value: Any) -> bool:
        while not stopped.is_set():
            try:
                ready.put((is_item, value), timeout=_POLL)
                return True
            except queue.Full:
                continue
        return False

    def make() -> None:
        inherit(state)
        try:
            for item in items:
                if not put(True, item):
                    return
            put(False, None)
        except BaseException as error:  # raised again where the items are taken
            put(False, error)

    thread = threading.Thread(target=make, name="chainrule-prefetch", daemon=True)
    thread.start()
    try:
        while True:
            try:
                is_item, value = ready.get(timeout=_POLL)
            except queue.Empty:  # where a signal does not end the wait, this does
                continue
            if is_item:
                yield value
            elif value is None:
                return
            else:
                raise value
    finally:
        stopped.set()
        thread.join(2 * _POLL)


def _in_order(
    executor: Executor, make: Callable[[S], T], items: Iterable[S], ahead: int
) -> Generator[T, None, None]:
    """`make(item)` for each item, in their order, `ahead` of them under way."""
    from concurrent.futures import Future

    pending: deque[Future[T]] = deque()
    rest = iter(items)

    def begin(count: int) -> None:
        try:
            for item in itertools.islice(rest, count):
                pending.append(executor.submit(make, item))
        except Exception as error:  # raised again in its turn, after the items before it
            failed: Future[T] = Future()
            failed.set_exception(error)
            pending.append(failed)

    try:
        begin(ahead)
        while pending:
            made = pending.popleft().result()
            begin(1)
            yield made
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


def by_threads(
    make: Callable[[S], T], items: Iterable[S], workers: int, ahead: int
) -> Generator[T, None, None]:
    """`make(item)` for each item, in their order, made on threads.

    Parameters
    ----------
    workers : int
        The number of threads.
    ahead : int
        The most items that are ready or being made.

    Examples
    --------
    >>> list(by_threads(lambda n: n * n, range(4), workers=2, ahead=3))
    [0, 1, 4, 9]
    """
    from concurrent.futures import ThreadPoolExecutor

    executor = ThreadPoolExecutor(
        workers, "chainrule-worker", initializer=inherit, initargs=(inherited(),)
    )
    with closing(_in_order(executor, make, items, ahead)) as made:
        yield from made


_made_by: Any = None


def _enter_process(make: Callable[[int], Any], seed: int) -> None:
    global _made_by
    _made_by = make, seed


def _make_in_process(index: int) -> Any:
    make, seed = _made_by
    random.seed(f"{seed} {index}")
    np.random.seed([seed, index])
    return make(index)


def by_processes(
    make: Callable[[int], T], indices: Iterable[int], workers: int, ahead: int, seed: int
) -> Generator[T, None, None]:
    """`make(index)` for each index, in their order, made in processes.

    Which process makes an item does not matter: Python's and NumPy's global generators are seeded
    by `seed` and the item's index.
    """
    from concurrent.futures import ProcessPoolExecutor

    executor = ProcessPoolExecutor(
        workers, initializer=_enter_process, initargs=(make, seed)
    )
    with closing(_in_order(executor, _make_in_process, indices, ahead)) as items:
        yield from items
