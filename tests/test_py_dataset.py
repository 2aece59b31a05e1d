"""Batches made by Python code: PyDataset, generators on a thread, memmaps, uint8 images."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import callbacks, layers
from chainrule.training.batches import IteratorSource
from chainrule.utils import PyDataset, split_dataset
from chainrule.utils.prefetch import by_threads, prefetch

X = np.random.default_rng(0).normal(size=(60, 4)).astype("float32")
Y = (X @ np.array([1.0, -2.0, 0.5, 3.0], "float32")).reshape(-1, 1)


def linear(seed: int = 1) -> Any:
    init = cr.initializers.GlorotUniform(seed=seed)
    model = cr.Sequential([cr.Input((4,)), layers.Dense(1, kernel_initializer=init)])
    model.compile(cr.optimizers.SGD(0.05), "mse")
    return model


def weights(model: Any) -> list[bytes]:
    return [w.tobytes() for w in model.get_weights()]


class Rows(PyDataset):
    """Rows 10 i to 10 i + 9; the first batches take longest to make."""

    def __init__(self, delay: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.delay = delay
        self.events: list[Any] = []
        self.threads: set[str] = set()

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> Any:
        self.events.append(index)
        self.threads.add(threading.current_thread().name)
        time.sleep(self.delay * (6 - index))
        return X[10 * index : 10 * index + 10], Y[10 * index : 10 * index + 10]

    def on_epoch_begin(self) -> None:
        self.events.append("begin")

    def on_epoch_end(self) -> None:
        self.events.append("end")


WORKERS = [
    {"workers": 0},
    {"workers": 1},
    {"workers": 3},
    {"workers": 3, "max_queue_size": 1},
    {"workers": 2, "use_multiprocessing": True},
]


@pytest.mark.filterwarnings("ignore:.*fork")
@pytest.mark.parametrize("options", WORKERS, ids=str)
class TestWorkers:
    def test_the_order_is_kept(self, options: dict[str, Any]) -> None:
        model, other = linear(), linear()
        model.fit(X, Y, batch_size=10, shuffle=False, epochs=2, verbose=0)
        history = other.fit(Rows(0.003, **options), shuffle=False, epochs=2, verbose=0)
        assert weights(model) == weights(other)
        assert history.history == model.history.history

    def test_evaluate_and_predict(self, options: dict[str, Any]) -> None:
        model = linear()
        data = Rows(0.001, **options)
        whole = model.evaluate(X, Y, batch_size=10, verbose=0)
        assert model.evaluate(data, verbose=0) == whole
        np.testing.assert_array_equal(
            model.predict(data, verbose=0), model.predict(X, batch_size=10, verbose=0)
        )
        assert data.events.count("begin") == data.events.count("end") == 2

    def test_validation(self, options: dict[str, Any]) -> None:
        a, b = linear(), linear()
        a.fit(X, Y, batch_size=10, shuffle=False, epochs=2, verbose=0, validation_data=(X, Y),
              validation_batch_size=10)
        data = Rows(**options)
        b.fit(X, Y, batch_size=10, shuffle=False, epochs=2, verbose=0, validation_data=data)
        assert a.history.history == b.history.history
        assert data.events.count("begin") == data.events.count("end") == 2

    def test_an_error_of_a_worker_reaches_fit(self, options: dict[str, Any]) -> None:
        before = threading.active_count()
        model = linear()
        with pytest.raises(KeyError, match="batch 4 is broken"):
            model.fit(Broken(**options), shuffle=False, verbose=0)
        assert int(model.optimizer.iterations.numpy()) == 4
        model.fit(Rows(**options), verbose=0)
        assert settles(lambda: threading.active_count() <= before)


class Broken(Rows):
    def __getitem__(self, index: int) -> Any:
        if index == 4:
            raise KeyError("batch 4 is broken")
        return super().__getitem__(index)


def settles(condition: Any, seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return bool(condition())


class TestEpochs:
    def test_what_is_called_when(self) -> None:
        data = Rows(workers=0)
        linear().fit(data, shuffle=False, epochs=2, verbose=0)
        assert data.events == ["begin", *range(6), "end"] * 2

    @pytest.mark.parametrize("workers", [1, 3])
    def test_each_batch_is_made_once_an_epoch(self, workers: int) -> None:
        data = Rows(workers=workers)
        linear().fit(data, epochs=3, verbose=0)
        made = [e for e in data.events if isinstance(e, int)]
        assert [sorted(made[i : i + 6]) for i in (0, 6, 12)] == [list(range(6))] * 3
        assert data.events.count("begin") == data.events.count("end") == 3
        assert data.events[0] == "begin" and data.events[-1] == "end"

    def test_shuffle_draws_a_new_order_of_the_batches(self) -> None:
        cr.utils.set_random_seed(3)
        data = Rows(workers=0)
        linear().fit(data, epochs=3, verbose=0)
        made = [e for e in data.events if isinstance(e, int)]
        orders = [tuple(made[i : i + 6]) for i in (0, 6, 12)]
        assert len(set(orders)) == 3 and tuple(range(6)) not in orders
        cr.utils.set_random_seed(3)
        again = Rows(workers=0)
        linear().fit(again, epochs=3, verbose=0)
        assert again.events == data.events

    def test_steps_go_on_where_the_last_epoch_stopped(self) -> None:
        data = Rows(workers=1)
        linear().fit(data, shuffle=False, epochs=3, steps_per_epoch=4, verbose=0)
        assert [e for e in data.events if isinstance(e, int)] == [*range(6), *range(6)]

    def test_a_dataset_without_end(self) -> None:
        class Endless(PyDataset):
            num_batches = None

            def __getitem__(self, index: int) -> Any:
                rows = np.arange(10 * index, 10 * index + 10) % 60
                return X[rows], Y[rows]

        a, b = linear(), linear()
        a.fit(X, Y, batch_size=10, shuffle=False, epochs=2, verbose=0)
        b.fit(Endless(), epochs=2, steps_per_epoch=6, verbose=0)
        assert weights(a) == weights(b)
        for call in (b.fit, b.evaluate, b.predict):
            with pytest.raises(ValueError, match="Endless: expected a number of steps"):
                call(Endless(), verbose=0)

    def test_the_progress_bar_knows_the_number_of_batches(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        linear().fit(Rows(), verbose=2)
        linear().fit(Rows(), verbose=1)
        assert "6/6" in capsys.readouterr().out

    def test_stopping_in_the_middle(self) -> None:
        class Stop(callbacks.Callback):
            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
                self.model.stop_training = batch == 1

        before = threading.active_count()
        model, data = linear(), Rows(workers=1, max_queue_size=2)
        model.fit(data, shuffle=False, epochs=5, verbose=0, callbacks=[Stop()])
        assert int(model.optimizer.iterations.numpy()) == 2
        assert settles(lambda: threading.active_count() <= before)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """SIGINT raises, also where a shell started the tests in the background with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Slow(Rows):
    def __getitem__(self, index: int) -> Any:
        time.sleep(0.15)
        return super().__getitem__(index)


class TestAround:
    @pytest.mark.filterwarnings("ignore:.*fork")
    @pytest.mark.parametrize("options", WORKERS, ids=str)
    def test_an_interrupt_ends_fit(self, options: dict[str, Any], interruptible: None) -> None:
        model = linear()
        sent: list[float] = []

        def interrupt() -> None:
            sent.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGINT)

        timer = threading.Timer(0.4, interrupt)
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            model.fit(Slow(**options), epochs=1000, verbose=0)
        waited = time.monotonic() - sent[0]
        timer.join()
        assert waited < 0.2 + 0.5 * (os.getloadavg()[0] > (os.cpu_count() or 1))
        model.fit(Rows(**options), verbose=0)

    def test_a_generator_may_use_the_model(self) -> None:
        model = linear()

        def batches() -> Iterator[Any]:
            for i in range(60):
                x = X[i % 6 * 10 :][:10]
                assert model.predict(x, verbose=0).shape == (10, 1)
                yield x, Y[i % 6 * 10 :][:10]

        assert model.fit(batches(), verbose=0).history["loss"][0] > 0
        assert int(model.optimizer.iterations.numpy()) == 60

    def test_sequence_is_the_older_name(self) -> None:
        assert cr.utils.Sequence is PyDataset


class TestInterface:
    def test_methods_that_are_missing(self) -> None:
        class Nothing(PyDataset):
            pass

        with pytest.raises(NotImplementedError, match="Nothing: expected a method __len__"):
            linear().fit(Nothing(), verbose=0)
        with pytest.raises(NotImplementedError, match="Nothing: expected a method __getitem__"):
            Nothing()[0]

    @pytest.mark.parametrize(
        "options", [{"workers": -1}, {"workers": 1.5}, {"workers": True}, {"max_queue_size": 0}]
    )
    def test_bad_options(self, options: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match="Rows: expected"):
            Rows(**options)

    def test_a_subclass_may_forget_the_constructor_of_its_base(self) -> None:
        class Bare(Rows):
            def __init__(self) -> None:
                self.events, self.threads, self.delay = [], set(), 0.0

        a, b = linear(), linear()
        a.fit(Bare(), shuffle=False, verbose=0)
        b.fit(X, Y, batch_size=10, shuffle=False, verbose=0)
        assert weights(a) == weights(b)

    def test_an_empty_dataset(self) -> None:
        class Empty(Rows):
            def __len__(self) -> int:
                return 0

        for call in (linear().fit, linear().evaluate, linear().predict):
            with pytest.raises(ValueError, match="expected at least one batch"):
                call(Empty(), verbose=0)

    def test_batches_that_are_no_data(self) -> None:
        class Four(Rows):
            def __getitem__(self, index: int) -> Any:
                return X, Y, Y, Y

        class Words(Rows):
            def __getitem__(self, index: int) -> Any:
                return np.array(["a", "b"]), Y[:2]

        with pytest.raises(ValueError, match="tuple of length 4"):
            linear().fit(Four(), verbose=0)
        with pytest.raises(TypeError, match="expected an array of numbers"):
            linear().fit(Words(), verbose=0)

    def test_y_must_come_from_the_dataset(self) -> None:
        with pytest.raises(ValueError, match="from the generator"):
            linear().fit(Rows(), Y, verbose=0)

    def test_iterating_it_makes_the_batches_in_order(self) -> None:
        found = [x for x, _ in Rows()]
        np.testing.assert_array_equal(np.concatenate(found), X)

    def test_dictionaries(self) -> None:
        class Named(Rows):
            def __getitem__(self, index: int) -> Any:
                x, y = super().__getitem__(index)
                return {"a": x}, {"out": y}

        a = cr.Input((4,), name="a")
        out = layers.Dense(1, name="out")(a)
        model = cr.Model({"a": a}, {"out": out})
        model.compile("sgd", {"out": "mse"})
        history = model.fit(Named(), epochs=20, verbose=0)
        assert history.history["loss"][-1] < history.history["loss"][0]


class TestProcesses:
    pytestmark = pytest.mark.filterwarnings("ignore:.*fork")

    class Noise(PyDataset):
        def __len__(self) -> int:
            return 8

        def __getitem__(self, index: int) -> Any:
            return np.random.normal(size=(2, 3)) + random.random(), np.zeros(2) + os.getpid()

    def draws(self) -> tuple[Any, set[float]]:
        cr.utils.set_random_seed(5)
        data = self.Noise(workers=3, use_multiprocessing=True)
        found = list(IteratorSource(data).epoch(None))
        return np.stack([x for x, _, _ in found]), {float(y[0]) for _, y, _ in found}

    def test_draws_do_not_depend_on_the_process(self) -> None:
        first, processes = self.draws()
        second, _ = self.draws()
        np.testing.assert_array_equal(first, second)
        assert len({x.tobytes() for x in first}) == 8
        assert float(os.getpid()) not in processes

    def test_a_process_that_dies(self) -> None:
        class Dying(Rows):
            def __getitem__(self, index: int) -> Any:
                os._exit(3)

        source = IteratorSource(Dying(workers=2, use_multiprocessing=True))
        with pytest.raises(RuntimeError, match="terminated abruptly"):
            list(source.epoch(None))


class TestPrefetch:
    def test_items_are_made_while_others_are_used(self) -> None:
        made: list[int] = []

        def items() -> Iterator[int]:
            for n in range(6):
                made.append(n)
                yield n

        taken = prefetch(items(), 2)
        assert next(taken) == 0
        assert settles(lambda: len(made) == 4)  # one more than two is ready: it waits to be put
        time.sleep(0.15)
        assert len(made) == 4
        assert list(taken) == [1, 2, 3, 4, 5]

    def test_generators_run_on_a_thread_of_their_own(self) -> None:
        names: set[str] = set()

        def batches() -> Iterator[Any]:
            for i in range(0, 60, 10):
                names.add(threading.current_thread().name)
                yield X[i : i + 10], Y[i : i + 10]

        linear().fit(batches(), verbose=0)
        assert "chainrule-prefetch" in names

    def test_no_more_is_taken_than_the_epoch_needs(self) -> None:
        numbers = iter(range(100))
        batches = ((X[:10], Y[:10] + n) for n in numbers)
        model = linear()
        model.fit(batches, steps_per_epoch=3, epochs=2, verbose=0)
        assert next(numbers) == 6
        model.evaluate(batches, steps=4, verbose=0)
        assert next(numbers) == 11

    def test_an_error_comes_after_the_items_before_it(self) -> None:
        def items() -> Iterator[int]:
            yield 1
            yield 2
            raise OSError("disk gone")

        taken = prefetch(items(), 4)
        assert [next(taken), next(taken)] == [1, 2]
        with pytest.raises(OSError, match="disk gone"):
            next(taken)

    def test_closing_ends_the_thread(self) -> None:
        before = threading.active_count()
        taken = prefetch(iter(int, 1), 2)
        assert next(taken) == 0
        taken.close()
        assert settles(lambda: threading.active_count() <= before)

    def test_threads_know_the_seed_and_the_policy(self) -> None:
        cr.utils.set_random_seed(11)
        expected = [cr.random.normal((2,)) for _ in range(3)]
        cr.utils.set_random_seed(11)
        found = list(prefetch((cr.random.normal((2,)) for _ in range(3)), 1))
        np.testing.assert_array_equal(found, expected)
        cr.utils.set_random_seed(11)
        parts = [*prefetch((cr.random.normal((2,)) for _ in range(2)), 1), cr.random.normal((2,))]
        np.testing.assert_array_equal(parts, expected)
        policy = cr.config.dtype_policy()
        cr.config.set_dtype_policy("float64")
        try:
            names = list(by_threads(lambda _: cr.config.dtype_policy().name, range(3), 2, 2))
        finally:
            cr.config.set_dtype_policy(policy)
        assert names == ["float64"] * 3

    def test_threads_are_under_way_up_to_the_limit(self) -> None:
        started: list[int] = []

        def make(index: int) -> int:
            started.append(index)
            return index

        items = by_threads(make, range(10), workers=4, ahead=3)
        assert next(items) == 0
        assert settles(lambda: len(started) == 4)
        time.sleep(0.05)
        assert len(started) == 4
        assert list(items) == list(range(1, 10))


# Memory


def test_a_memmap_trains_as_the_array(tmp_path: Path) -> None:
    x = np.memmap(tmp_path / "x.bin", dtype="float32", mode="w+", shape=X.shape)
    x[:] = X
    a, b = linear(), linear()
    for model, data in ((a, X), (b, np.memmap(x.filename, "float32", "r", shape=X.shape))):
        cr.utils.set_random_seed(4)
        model.fit(data, Y, batch_size=8, epochs=3, verbose=0, validation_split=0.2)
    assert weights(a) == weights(b)
    assert a.history.history == b.history.history


def test_nan_in_a_memmap_is_found_by_row(tmp_path: Path) -> None:
    x = np.memmap(tmp_path / "x.bin", dtype="float32", mode="w+", shape=(1000, 4))
    x[777, 2] = np.nan
    with pytest.warns(RuntimeWarning, match=r"first in row 777\)"):
        linear().predict(x, verbose=0)


def test_splitting_a_memmap_copies_nothing(tmp_path: Path) -> None:
    x = np.memmap(tmp_path / "x.bin", dtype="uint8", mode="w+", shape=(100, 4))
    left, right = split_dataset(x, left_size=0.75)
    assert len(left) == 75 and len(right) == 25
    assert np.shares_memory(left, x) and np.shares_memory(right, x)


@pytest.mark.parametrize("given", [False, True], ids=["built by fit", "with an Input"])
def test_uint8_images_are_converted_batch_by_batch(given: bool) -> None:
    images = np.random.default_rng(0).integers(0, 256, (4000, 32, 32, 3), dtype="uint8")
    labels = (images[:, 0, 0, 0] > 127).astype("int32")

    def make() -> Any:
        init = cr.initializers.GlorotUniform(seed=1)
        first = [cr.Input((32, 32, 3))] if given else []
        body = [layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(2, kernel_initializer=init)]
        model = cr.Sequential([*first, *body])
        model.compile("sgd", cr.losses.SparseCategoricalCrossentropy(from_logits=True))
        return model

    a, b = make(), make()
    tracemalloc.start()
    try:
        a.fit(images, labels, batch_size=100, shuffle=False, verbose=0)
        a.predict(images, verbose=0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < images.nbytes / 4
    b.fit(images.astype("float32"), labels, batch_size=100, shuffle=False, verbose=0)
    assert weights(a) == weights(b)
