"""One model in several threads: one call that changes it at a time, predictions at any time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import callbacks, layers

X = np.random.default_rng(0).normal(size=(64, 8)).astype("float32")
Y = X.sum(axis=1, keepdims=True)

CHANGES: dict[str, Callable[[Any], Any]] = {
    "fit": lambda m: m.fit(X, Y, verbose=0),
    "evaluate": lambda m: m.evaluate(X, Y, verbose=0),
    "train_on_batch": lambda m: m.train_on_batch(X, Y),
    "test_on_batch": lambda m: m.test_on_batch(X, Y),
    "compile": lambda m: m.compile("sgd", "mse"),
}


def made(built: bool = True) -> Any:
    cr.utils.set_random_seed(3)
    model = cr.Sequential([cr.Input((8,))] if built else [])
    model.add(layers.Dense(16, activation="relu", kernel_regularizer="l2"))
    model.add(layers.Dense(1))
    model.compile("adam", "mse", metrics=["mae"])
    return model


def weights(model: Any) -> list[bytes]:
    return [w.tobytes() for w in model.get_weights()]


class Meanwhile(callbacks.Callback):
    """Runs something in another thread in the middle of a loop."""

    def __init__(self, work: Callable[[], Any]) -> None:
        super().__init__()
        self.work = work
        self.found: list[Any] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if batch == 1:
            self.found.append(in_threads([self.work])[0])

    on_test_batch_end = on_train_batch_end
    on_predict_batch_end = on_train_batch_end


def in_threads(works: list[Callable[[], Any]]) -> list[Any]:
    """What each gives or raises in a thread of its own, all at once."""
    found: list[Any] = [None] * len(works)
    start = threading.Barrier(len(works))

    def run(i: int) -> None:
        start.wait()
        try:
            found[i] = works[i]()
        except BaseException as error:  # handed to the test's thread
            found[i] = error

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
        assert not thread.is_alive()
    return found


@pytest.mark.parametrize("built", [True, False])
def test_one_of_four_fits_goes_on_undisturbed(built: bool) -> None:
    model, alone = made(built), made(built)
    found = in_threads([lambda: model.fit(X, Y, epochs=30, shuffle=False, verbose=0)] * 4)
    errors = [x for x in found if isinstance(x, BaseException)]
    histories = [x for x in found if not isinstance(x, BaseException)]
    assert len(histories) >= 1 and all(type(e) is RuntimeError for e in errors)
    for error in errors:
        assert f"model '{model.name}': fit() expected" in str(error)
        assert "fit() runs in thread 'Thread-" in str(error)
    for _ in histories:
        alone.fit(X, Y, epochs=30, shuffle=False, verbose=0)
    assert weights(model) == weights(alone)
    assert model.history in histories


@pytest.mark.parametrize("second", CHANGES)
@pytest.mark.parametrize("first", ["fit", "evaluate"])
def test_a_second_caller_gets_an_error(first: str, second: str) -> None:
    model, alone = made(), made()
    meanwhile = Meanwhile(lambda: CHANGES[second](model))
    options: dict[str, Any] = {"batch_size": 16, "verbose": 0}
    options |= {"shuffle": False} if first == "fit" else {"return_dict": True}
    result = getattr(model, first)(X, Y, callbacks=[meanwhile], **options)
    expected = getattr(alone, first)(X, Y, **options)
    (error,) = meanwhile.found
    assert type(error) is RuntimeError and f"{second}() expected" in str(error)
    assert f"{first}() runs in thread 'MainThread'" in str(error)
    assert weights(model) == weights(alone)
    assert getattr(result, "history", result) == getattr(expected, "history", expected)
    CHANGES[second](model)


@pytest.mark.parametrize("built", [True, False])
def test_predictions_in_many_threads(built: bool) -> None:
    model = made(built)
    found = in_threads([lambda: model.predict(X, verbose=0)] * 8)
    assert all(x.tobytes() == found[0].tobytes() for x in found)
    assert len(model.weights) == 4


def test_predictions_while_it_trains() -> None:
    model, alone = made(), made()
    meanwhile = Meanwhile(lambda: model.predict(X, verbose=0))
    options: dict[str, Any] = {"batch_size": 16, "shuffle": False, "verbose": 0}
    model.fit(X, Y, callbacks=[meanwhile], **options)
    alone.fit(X, Y, **options)
    assert meanwhile.found[0].shape == (64, 1) and weights(model) == weights(alone)


def test_a_generator_may_ask_the_model() -> None:
    model = made(built=False)

    def batches() -> Iterator[Any]:
        for _ in range(6):
            yield X, model.predict(X, verbose=0) + 1

    history = model.fit(batches(), epochs=2, steps_per_epoch=3, verbose=0)
    assert len(history.history["loss"]) == 2


def test_a_call_in_another_thread_leaves_the_losses_of_a_trace_alone() -> None:
    class Penalty(layers.Layer):
        def call(self, x: Any) -> Any:
            self.add_loss(cr.ops.sum(cr.ops.abs(x)))
            if threading.current_thread() is threading.main_thread():
                in_threads([lambda: model(0 * X)])
            return x

    model = cr.Sequential([Penalty(), layers.Dense(1, kernel_initializer="zeros")])
    model.compile("sgd", "mse")
    model.build((None, 8))
    expected = (Y**2).mean() + abs(X).sum()
    assert model.evaluate(X, Y, batch_size=64, verbose=0) == pytest.approx(expected, rel=1e-5)


class Within(callbacks.Callback):
    """Calls the model from one of its own callbacks."""

    def __init__(self, work: Callable[[Any], Any]) -> None:
        super().__init__()
        self.work = work
        self.found: list[Any] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.found.append(self.work(self.model))


@pytest.mark.parametrize("name", ["evaluate", "train_on_batch", "test_on_batch", "predict"])
def test_callbacks_may_call_the_model(name: str) -> None:
    within = Within(CHANGES.get(name, lambda m: m.predict(X, verbose=0)))
    history = made().fit(X, Y, epochs=2, verbose=0, callbacks=[within])
    assert len(within.found) == 2 and len(history.history["loss"]) == 2


def test_callbacks_may_not_fit_the_model() -> None:
    model = made()
    with pytest.raises(RuntimeError, match=r"fit\(\) cannot begin within fit\(\)"):
        model.fit(X, Y, epochs=2, verbose=0, callbacks=[Within(CHANGES["fit"])])
    assert len(model.fit(X, Y, verbose=0).history["loss"]) == 1


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_a_call_that_ends_by_an_error_leaves_the_model_free(error: type[BaseException]) -> None:
    def fail(_: Any) -> None:
        raise error

    model = made()
    with pytest.raises(error):
        model.fit(X, Y, verbose=0, callbacks=[Within(fail)])
    with pytest.raises(ValueError):
        model.fit(X, Y[:3], verbose=0)
    with pytest.raises(ValueError):
        model.train_on_batch(X, Y[:3])
    for found in in_threads([lambda work=work: work(model) for work in (CHANGES["fit"],)]):
        assert isinstance(found, callbacks.History)
