"""Threads, forks, interrupts and memory: what surrounds a training run does not break it."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import sysconfig
import threading
import time
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import callbacks, layers
from tests.memory import held, needs_status

X = np.random.default_rng(0).normal(size=(256, 16)).astype("float32")
Y = np.arange(256) % 4


def make(units: int = 32) -> Any:
    model = cr.Sequential(
        [
            cr.Input((16,)),
            layers.Dense(units, activation="relu", kernel_initializer=constant(1)),
            layers.Dropout(0.2, seed=3),
            layers.Dense(4, kernel_initializer=constant(2)),
        ]
    )
    loss = cr.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    return model


def constant(seed: int) -> Any:
    return cr.initializers.GlorotUniform(seed=seed)


def train(epochs: int = 3) -> list[bytes]:
    model = make()
    model.fit(X, Y, epochs=epochs, shuffle=False, verbose=0)
    return [w.tobytes() for w in model.get_weights()]


def test_two_models_train_at_once_in_two_threads() -> None:
    expected = train()
    found: dict[int, list[bytes]] = {}
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            found[number] = train()
        except BaseException as error:  # handed to the test's thread
            errors.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
        assert not thread.is_alive()
    assert not errors, errors
    assert all(found[i] == expected for i in range(4))


@pytest.mark.skipif(not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="Python has a GIL")
def test_the_gil_stays_off() -> None:
    code = "import sys, chainrule; sys.exit(sys._is_gil_enabled())"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHON_GIL"}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)


def test_python_runs_beside_the_core() -> None:
    model = make(512)
    done = threading.Event()
    ticks = 0

    def work() -> None:
        model.fit(np.tile(X, (8, 1)), np.tile(Y, 8), epochs=100, verbose=0)
        done.set()

    thread = threading.Thread(target=work)
    thread.start()
    while not done.is_set():
        ticks += 1
        time.sleep(0.001)
    thread.join()
    assert ticks > 5


def in_child() -> None:
    os._exit(0 if train() == EXPECTED else 3)


EXPECTED: list[bytes] = []


def wait_for(pid: int, seconds: float = 60.0) -> int:
    """The exit code of a child; one that hangs is killed and fails the test."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    raise AssertionError("the child hangs")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_trains_after_its_parent_has() -> None:
    EXPECTED[:] = train()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        in_child()
    assert wait_for(pid) == 0
    assert train() == EXPECTED


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="no fork here"
)
def test_multiprocessing_with_fork() -> None:
    EXPECTED[:] = train()
    context = multiprocessing.get_context("fork")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        children = [context.Process(target=in_child) for _ in range(2)]
        for child in children:
            child.start()
    for child in children:
        child.join(timeout=60)
        assert child.exitcode == 0


@pytest.fixture
def interruptible() -> Iterator[None]:
    """SIGINT raises, also where a shell started the tests in the background with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("batches", [False, True])
def test_an_interrupt_stops_fit_at_once_and_leaves_the_model_usable(
    batches: bool, interruptible: None
) -> None:
    class Each(callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            pass

    model = make(256)
    x, y = np.tile(X, (400, 1)), np.tile(Y, 400)
    model.fit(x[:256], y[:256], verbose=0)
    sent: list[float] = []

    def interrupt() -> None:
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(0.3, interrupt)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, epochs=1000, verbose=0, callbacks=[Each()] if batches else None)
    waited = time.monotonic() - sent[0]
    timer.join()
    assert waited < 0.2 + 0.3 * (os.getloadavg()[0] > (os.cpu_count() or 1))
    assert all(np.isfinite(w).all() for w in model.get_weights())
    moved = (Y + 1) % 4  # not what it has learned already
    before = model.evaluate(X, moved, verbose=0)[0]
    model.fit(X, moved, epochs=20, verbose=0)
    assert model.evaluate(X, moved, verbose=0)[0] < before


def test_an_exception_between_epochs_leaves_the_model_usable() -> None:
    class Fails(callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if epoch == 1:
                raise ArithmeticError("enough")

    model = make()
    with pytest.raises(ArithmeticError, match="enough"):
        model.fit(X, Y, epochs=5, verbose=0, callbacks=[Fails()])
    assert int(model.optimizer.iterations.numpy()) == 16
    assert model.fit(X, Y, verbose=0).epoch == [0]


@needs_status
def test_no_memory_grows_over_ten_thousand_fits() -> None:
    model = cr.Sequential([cr.Input((4,)), layers.Dense(2)])
    model.compile("sgd", "mse")
    x, y = X[:8, :4], X[:8, :2]

    def fits(count: int) -> None:
        for _ in range(count):
            model.fit(x, y, verbose=0)

    fits(1000)
    gc.collect()
    before = held()
    fits(9000)
    gc.collect()
    assert held() - before < 2_000_000


@needs_status
def test_no_memory_grows_over_compiles_and_models() -> None:
    def once() -> None:
        model = make()
        for rows in range(20, 26):
            model.train_on_batch(X[:rows], Y[:rows])
        model.evaluate(X, Y, verbose=0)

    for _ in range(10):
        once()
    gc.collect()
    before = held()
    for _ in range(30):
        once()
    gc.collect()
    assert held() - before < 15_000_000
