"""Ctrl-C in the middle of a step or an op: seen at once, and nothing has changed."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import chainrule as keras
from chainrule import _core, ops

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are sent")
layers = keras.layers


@pytest.fixture(autouse=True)
def ctrl_c_raises() -> Iterator[None]:
    """SIGINT raises, also where a shell started the tests in the background with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def sending(call: Callable[[], Any], after: float) -> None:
    """Calls, and sends SIGINT so many seconds later."""

    def send() -> None:
        time.sleep(after)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        call()
    finally:
        thread.join()


def network() -> keras.Sequential:
    """Moving statistics, which are assigned early, and an optimizer with state."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((32, 32, 8)),
            layers.Conv2D(64, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Dropout(0.5),
            layers.Conv2D(64, 3, padding="same"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "mse")
    return model


def state(model: keras.Sequential) -> list[np.ndarray]:
    return [v.numpy().copy() for v in (*model.variables, *model.optimizer.variables)]


def same(a: list[np.ndarray], b: list[np.ndarray]) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.fixture(scope="module")
def batch() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(256, 32, 32, 8)).astype("float32")
    return x, x.mean(axis=(1, 2, 3))[:, None]


def test_a_long_step_is_given_up_with_no_weight_changed(
    batch: tuple[np.ndarray, np.ndarray],
) -> None:
    x, y = batch
    model = network()
    model.fit(x, y, batch_size=len(x), shuffle=False, verbose=0)
    begin = time.perf_counter()
    model.fit(x, y, batch_size=len(x), shuffle=False, verbose=0)
    step = time.perf_counter() - begin
    before = state(model)
    fit = lambda: model.fit(x, y, batch_size=len(x), epochs=50, shuffle=False, verbose=0)  # noqa: E731
    with pytest.raises(KeyboardInterrupt):
        sending(fit, 0.4 * step)
    assert same(state(model), before)
    # It goes on as if nothing had been.
    model.fit(x, y, batch_size=len(x), shuffle=False, verbose=0)
    other = network()
    for _ in range(3):
        other.fit(x, y, batch_size=len(x), shuffle=False, verbose=0)
    assert same(state(model), state(other))


def test_a_handler_that_raises_nothing_changes_nothing(
    batch: tuple[np.ndarray, np.ndarray],
) -> None:
    x, y = batch
    seen = []
    model, other = network(), network()
    # The handler may use the model, whose variables no step holds then.
    signal.signal(signal.SIGINT, lambda *_: seen.append(model.get_weights()))
    fit = lambda: model.fit(x, y, batch_size=len(x), epochs=2, shuffle=False, verbose=0)  # noqa: E731
    sending(fit, 0.15)
    other.fit(x, y, batch_size=len(x), epochs=2, shuffle=False, verbose=0)
    assert len(seen) == 1 and same(state(model), state(other))


@pytest.mark.parametrize("threads", [1, 2])
def test_one_eager_product_is_given_up(threads: int) -> None:
    a = np.ones((5000, 5000), "float32")
    before = _core.num_threads()
    _core.set_num_threads(threads)
    try:
        with pytest.raises(KeyboardInterrupt):
            sending(lambda: [ops.matmul(a, a) for _ in range(20)], 0.1)
    finally:
        _core.set_num_threads(before)
    assert np.array_equal(ops.matmul(a[:2, :2], a[:2, :2]), np.full((2, 2), 2, "float32"))


def test_predict_is_given_up(batch: tuple[np.ndarray, np.ndarray]) -> None:
    x, _ = batch
    model = network()
    expected = model.predict(x, batch_size=len(x), verbose=0)
    with pytest.raises(KeyboardInterrupt):
        sending(lambda: [model.predict(x, batch_size=len(x), verbose=0) for _ in range(50)], 0.1)
    assert np.array_equal(model.predict(x, batch_size=len(x), verbose=0), expected)
