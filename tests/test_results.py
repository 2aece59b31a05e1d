"""The memory of results: it serves again when an array is gone, and never before."""

from __future__ import annotations

import gc
import os
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import _core, layers, ops
from tests.memory import held, needs_status

LARGE = np.arange(1 << 19, dtype="float32").reshape(2, -1, 4)  # 2 MB


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    _core.free_memory()
    yield
    _core.free_memory()


def add(number: float) -> np.ndarray:
    """A result of its own."""
    return np.asarray(ops.add(LARGE, np.float32(number)))


def address(x: np.ndarray) -> int:
    return int(x.__array_interface__["data"][0])


def test_the_memory_of_a_result_that_is_gone_serves_the_next() -> None:
    first = add(1)
    place = address(first)
    first[...] = np.nan
    del first
    second = add(2)
    assert address(second) == place
    np.testing.assert_array_equal(second, LARGE + 2)


def test_results_are_ordinary_arrays() -> None:
    x = add(1)
    assert x.flags.writeable and x.flags.c_contiguous and x.flags.aligned
    assert type(x) is np.ndarray and x.dtype == "float32" and x.shape == LARGE.shape
    assert address(x) % 64 == 0


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "uint8", "uint32"])
def test_every_dtype(dtype: str) -> None:
    x = np.arange(1 << 21, dtype=np.uint32).reshape(2, -1).astype(dtype)
    np.testing.assert_array_equal(ops.add(x, x), x + x)
    smaller = np.asarray(ops.less(x, np.asarray(7, dtype)))
    assert smaller.dtype == bool
    np.testing.assert_array_equal(smaller, x < 7)


def test_results_that_live_share_nothing() -> None:
    results = [add(number) for number in range(20)]
    assert len({address(x) for x in results}) == 20
    for number, x in enumerate(results):
        np.testing.assert_array_equal(x, LARGE + number)


@pytest.mark.parametrize(
    "part",
    [lambda x: x[1:, ::3], lambda x: x.T, lambda x: x.view("uint8")[0, 5:], memoryview],
    ids=["slice", "transpose", "bytes", "memoryview"],
)
def test_a_view_keeps_the_memory(part: Callable[[Any], Any]) -> None:
    x = add(1)
    place = address(x)
    view = part(x)
    copy = np.array(view)
    del x
    others = [add(number) for number in (5, 6, 7)]
    assert place not in {address(other) for other in others}
    np.testing.assert_array_equal(np.asarray(view), copy)


def test_inputs_are_never_written() -> None:
    x = LARGE.copy()
    x.flags.writeable = False
    y = ops.relu(ops.negative(x))
    np.testing.assert_array_equal(x, LARGE)
    assert not np.shares_memory(x, y)


def little_is_kept_and_all_of_it_given_back() -> None:
    x = np.ones(4 << 20, "float32")  # 16 MB
    ops.add(x, x)
    _core.free_memory()
    before = held()
    results = [ops.add(x, x) for _ in range(24)]
    grown = held() - before
    assert grown > 20 * x.nbytes, grown
    del results
    kept = held() - before
    assert kept < 9 * x.nbytes, kept
    cr.utils.clear_session()
    left = held() - before
    assert left < x.nbytes, left


def at_most_256_megabytes_are_kept() -> None:
    before = held()
    for megabytes in (200, 100, 260):
        x = np.ones(megabytes << 18, "float32")
        y = ops.add(x, x)
        del x, y
    # The largest is freed at once, and of the other two the latest is kept.
    kept = held() - before
    assert 90 << 20 < kept < 110 << 20, kept


@needs_status
@pytest.mark.parametrize(
    "check", [little_is_kept_and_all_of_it_given_back, at_most_256_megabytes_are_kept]
)
def test_memory_that_is_held(check: Callable[[], None]) -> None:
    """In a process of its own: elsewhere the allocator has free memory that it gives out first."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        pool.submit(check).result(timeout=120)


def test_many_threads_at_once() -> None:
    # A thread that raises adds nothing.
    done: list[int] = []

    def work(number: int) -> None:
        right = 0
        for step in range(30):
            x = add(number * 100 + step)
            y = np.asarray(ops.subtract(x, LARGE))
            del x
            right += bool((y == number * 100 + step).all())
        done.append(right)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
        assert not thread.is_alive()
    assert done == [30] * 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_has_results_of_its_own() -> None:
    kept = add(1)
    del kept
    mine = add(2)
    child = os.fork()
    if child == 0:
        fine = False
        try:
            mine[...] = 7
            fine = all((add(n) == LARGE + n).all() for n in range(5))
        finally:
            os._exit(0 if fine else 1)
    assert os.waitpid(child, 0)[1] == 0
    np.testing.assert_array_equal(mine, LARGE + 2)


IMAGES = np.random.default_rng(0).uniform(0, 255, (2, 8, 8, 3)).astype("float32")


def model() -> Any:
    inputs = cr.Input((8, 8, 3))
    parts = [layers.Conv2D(2, 3)(inputs), layers.Conv2D(3, 3)(inputs)]
    return cr.Model(inputs, layers.Concatenate()(parts))


CALLS: dict[str, Callable[[], Callable[[Any], Any]]] = {
    "Dense": lambda: layers.Dense(2),
    "BatchNormalization": lambda: layers.BatchNormalization(),
    "RandomFlip": lambda: layers.RandomFlip(),
    "RandomRotation": lambda: layers.RandomRotation(0.1),
    "Resizing": lambda: layers.Resizing(4, 4),
    "Pipeline": lambda: layers.Pipeline([layers.RandomFlip(), layers.RandomContrast(0.1)]),
    "model": lambda: model(),
    "predict": lambda: lambda x, m=model(): m.predict(x, verbose=0),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_result_is_freed_with_its_last_reference(name: str) -> None:
    """No cycle holds it until the next garbage collection."""
    call = CALLS[name]()
    for _ in range(2):  # a model is compiled at its second call
        call(IMAGES)
    gc.collect()
    gc.disable()
    try:
        result = weakref.ref(call(IMAGES))
        assert result() is None
        assert gc.collect() == 0
    finally:
        gc.enable()
