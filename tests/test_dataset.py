"""utils.Dataset: orders, counts and places against plain Python; threads, errors, training."""

from __future__ import annotations

import itertools
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule import layers
from chainrule.errors import DataError, NonFiniteError, ShapeError
from chainrule.utils import (
    Dataset,
    pack_x_y_sample_weight,
    split_dataset,
    timeseries_dataset_from_array,
)


def plain(x: Any) -> Any:
    """Arrays as lists, for comparisons."""
    if isinstance(x, dict):
        return {key: plain(value) for key, value in x.items()}
    if isinstance(x, tuple):
        return tuple(map(plain, x))
    return x.tolist() if isinstance(x, (np.ndarray, np.generic)) else x


def elements(data: Dataset) -> list[Any]:
    return [plain(element) for element in data]


def batches(items: list[Any], size: int, short: bool) -> list[Any]:
    cut = [items[i : i + size] for i in range(0, len(items), size)]
    return cut if short or not cut or len(cut[-1]) == size else cut[:-1]


# A step on a dataset of numbers, and what it makes of a list. Those of orders keep the numbers.
Step = tuple[Callable[[Dataset], Dataset], Callable[[list[Any]], list[Any]]]


def step(name: str, n: int) -> Step:
    made: dict[str, Step] = {
        "take": (lambda d: d.take(n), lambda x: x[:n]),
        "skip": (lambda d: d.skip(n), lambda x: x[n:]),
        "repeat": (lambda d: d.repeat(n), lambda x: x * n),
        "map": (lambda d: d.map(lambda v: v + n), lambda x: [v + n for v in x]),
        "threads": (lambda d: d.map(lambda v: v + n, 2), lambda x: [v + n for v in x]),
        "filter": (lambda d: d.filter(lambda v: v % 3 != n % 3), lambda x: [v for v in x if v % 3 != n % 3]),
        "join": (lambda d: d.concatenate(Dataset.range(n)), lambda x: x + list(range(n))),
        "rebatch": (lambda d: d.batch(n + 1).unbatch(), lambda x: x),
        "drop": (lambda d: d.batch(n + 1, True).unbatch(), lambda x: x[: len(x) // (n + 1) * (n + 1)]),
        "prefetch": (lambda d: d.prefetch(n), lambda x: x),
        "cache": (lambda d: d.cache(), lambda x: x),
        "zip": (lambda d: Dataset.zip(d, Dataset.range(9)).map(lambda a, b: a + b), lambda x: [a + b for a, b in zip(x, range(9))]),
        "number": (lambda d: d.enumerate(n).map(lambda i, v: v - i), lambda x: [v - i for i, v in enumerate(x, n)]),
    }
    return made[name]


NAMES = ["take", "skip", "repeat", "map", "threads", "filter", "join", "rebatch", "drop", "prefetch",
         "cache", "zip", "number"]  # fmt: skip


@given(
    st.integers(0, 8),
    st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 4)), max_size=5),
    st.integers(0, 9),
    st.integers(1, 3),
)
def test_any_chain_equals_plain_python(
    size: int, chain: list[tuple[str, int]], skip: int, rows: int
) -> None:
    data, expected = Dataset.range(size), list(range(size))
    for name, n in chain:
        make, model = step(name, n)
        data, expected = make(data), model(expected)
    assert data.cardinality() in (len(expected), Dataset.UNKNOWN)
    assert elements(data) == expected
    # A pass that begins further on is the rest of the whole pass.
    assert [plain(x) for x in data.passing(0, skip)] == expected[skip:]
    for short in (True, False):
        made = data.batch(rows, drop_remainder=not short)
        assert elements(made) == batches(expected, rows, short)
        assert made.cardinality() in (len(batches(expected, rows, short)), Dataset.UNKNOWN)


@given(st.integers(0, 30), st.integers(1, 35), st.integers(0, 2**64), st.integers(0, 40))
def test_shuffles_give_each_element_once(size: int, buffer: int, seed: int, skip: int) -> None:
    rows = Dataset.range(size).shuffle(buffer, seed)
    orders = [elements(rows) for _ in range(3)]
    assert all(sorted(order) == list(range(size)) for order in orders)
    for place, value in enumerate(orders[0]):
        assert value < place + buffer
    # The same of elements that are no rows, in batches, and from a place within.
    values = Dataset.of([np.int64(n) for n in range(size)]).shuffle(buffer, seed)
    assert [elements(values) for _ in range(3)] == orders
    batched = Dataset.range(size).shuffle(buffer, seed).batch(4)
    assert [sum(elements(batched), []) for _ in range(3)] == orders
    assert [plain(x) for x in rows.passing(1, skip)] == orders[1][skip:]
    fixed = Dataset.range(size).shuffle(buffer, seed, reshuffle_each_iteration=False)
    assert elements(fixed) == elements(fixed) == orders[0]


def test_orders_are_random_and_follow_the_seed() -> None:
    full = np.array([elements(Dataset.range(8).shuffle(8, seed)) for seed in range(400)])
    assert np.abs(full.mean(axis=0) - 3.5).max() < 0.5  # the deviation of a mean is 0.115
    long = elements(Dataset.range(5000).shuffle(100, 1))
    assert sorted(long) == list(range(5000)) and 50 < np.abs(np.diff(long)).mean() < 200
    made = []
    for _ in range(2):
        cr.utils.set_random_seed(3)
        made.append([elements(Dataset.range(20).shuffle(20)) for _ in range(2)])
    assert made[0] == made[1] and made[0][0] != made[0][1]
    passes = elements(Dataset.range(6).shuffle(6, 1).repeat(3).batch(6))
    assert len({tuple(p) for p in passes}) == 3 and all(sorted(p) == list(range(6)) for p in passes)
    endless = Dataset.range(6).shuffle(6, 1).repeat()
    assert len({tuple(p) for p in elements(endless.take(60).batch(6))}) > 5


def test_counts_that_are_not_known() -> None:
    some = Dataset.from_generator(lambda: iter(range(3)))
    assert Dataset.range(3).repeat().cardinality() == Dataset.INFINITE == -1
    assert some.cardinality() == Dataset.UNKNOWN == -2
    assert some.take(2).cardinality() == Dataset.UNKNOWN
    assert Dataset.range(3).repeat().take(5).cardinality() == 5
    assert Dataset.range(0).repeat().cardinality() == 0 and elements(Dataset.range(0).repeat()) == []
    assert elements(some.filter(lambda x: False).repeat()) == []
    assert Dataset.zip(some, Dataset.range(2)).cardinality() == Dataset.UNKNOWN
    assert Dataset.zip(Dataset.range(9).repeat(), Dataset.range(2)).cardinality() == 2
    for data, word in ((some, "unknown"), (Dataset.range(3).repeat(), "infinite")):
        with pytest.raises(TypeError, match=word):
            len(data)
        assert data
    assert repr(some) == "<Dataset of unknown length>" and len(Dataset.range(10, 0, -2)) == 5
    assert elements(Dataset.range(10, 0, -4)) == [10, 6, 2]


def test_structures_of_arrays() -> None:
    data = Dataset.from_tensor_slices(({"a": [1, 2, 3], "t": ["x", "yy", "z"]}, [0.5, 1.5, 2.5]))
    (first, label), *_ = data
    assert first["t"] == "x" and first["a"].dtype == np.int32 and label.dtype == np.float32
    spec, target = data.batch(2).element_spec
    assert (spec["a"].shape, spec["t"].dtype, target.shape) == ((None,), "string", (None,))
    assert data.batch(3, drop_remainder=True).element_spec[1].shape == (3,)
    assert data.batch(2).map(lambda x, y: y * 2).element_spec.shape == (None,)
    assert data.batch(2).batch_size == 2 and data.batch_size is None
    assert elements(Dataset.from_tensors(([1, 2], 3))) == [([1, 2], 3)]
    both = Dataset.zip({"l": Dataset.range(2), "r": Dataset.range(5, 9)})
    assert elements(both) == [{"l": 0, "r": 5}, {"l": 1, "r": 6}]
    assert elements(Dataset.zip((Dataset.range(2), Dataset.range(2)))) == [(0, 0), (1, 1)]
    assert elements(Dataset.range(4).apply(lambda d: d.batch(2))) == [[0, 1], [2, 3]]
    source = np.zeros((4, 2))
    for batch in Dataset.from_tensor_slices(source).batch(2):
        batch += 1  # a batch is no view of the source
    assert not source.any()
    assert [*Dataset.range(2).as_numpy_iterator()] == [0, 1]


def test_generators() -> None:
    def texts(n: int) -> Any:
        yield from (("a" * i, i) for i in range(n))

    assert elements(Dataset.from_generator(texts, args=(3,))) == [("", 0), ("a", 1), ("aa", 2)]
    signature = (cr.KerasTensor((), "string"), cr.KerasTensor((), "uint8"))
    data = Dataset.from_generator(texts, signature, (3,))
    assert [*data][2][1].dtype == np.uint8 and elements(data) == elements(data)
    with pytest.raises(ShapeError, match=r"shape \(2,\) \(output_signature\), got \(3,\)"):
        list(Dataset.from_generator(lambda: iter([[1, 2, 3]]), cr.KerasTensor((2,), "int32")))
    with pytest.raises(ShapeError, match="structure of output_signature"):
        list(Dataset.from_generator(lambda: iter([(1, 2)]), cr.KerasTensor((), "int32")))
    with pytest.raises(TypeError, match="a function that returns an iterator, got list_iterator"):
        Dataset.from_generator(iter([1]))  # type: ignore[arg-type]


def test_padded_batches() -> None:
    rows = Dataset.from_generator(lambda: ((np.ones(n, int), ["w"] * n) for n in (1, 3, 2)))
    (x, t), (last, _) = elements(rows.padded_batch(2))
    assert x == [[1, 0, 0], [1, 1, 1]] and t[0] == ["w", "", ""] and last == [[1, 1]]
    (x, t), *_ = elements(rows.padded_batch(2, ([4], [None]), (-1, "?")))
    assert x == [[1, -1, -1, -1], [1, 1, 1, -1]] and t[0] == ["w", "?", "?"]
    assert len(elements(rows.padded_batch(2, drop_remainder=True))) == 1
    with pytest.raises(ShapeError, match="up to .* got one of 3 along axis 0"):
        list(rows.padded_batch(2, ([2], [2])))
    with pytest.raises(ValueError, match="padded_shapes for 2 arrays, got 1"):
        list(rows.padded_batch(2, [4]))
    with pytest.raises(ShapeError, match=r"one shape, got \[\(1,\), \(3,\)\]; `padded_batch`"):
        list(rows.batch(2))


def test_cache_keeps_the_first_whole_pass() -> None:
    made = []
    data = Dataset.range(4).shuffle(4, 1).map(lambda x: made.append(x) or x * 2).cache()
    next(iter(data))
    assert len(made) == 1
    # As many as there are, and no more, are taken: the pass is whole all the same.
    first = [plain(x) for x in itertools.islice(data, 4)]
    assert len(made) == 5 and elements(data) == elements(data) == first and len(made) == 5
    assert len(elements(data.shuffle(4, 2))) == 4 and len(made) == 5
    with pytest.raises(ValueError, match="no filename"):
        data.cache("file")


def bad_augmentation(x: Any) -> Any:
    if x == 5:
        raise DataError("five")
    return x


@pytest.mark.parametrize("workers", [None, 3])
@pytest.mark.parametrize("ahead", [0, 2])
def test_errors_of_functions_name_them(workers: int | None, ahead: int) -> None:
    data = Dataset.range(9).map(bad_augmentation, workers).prefetch(ahead).map(lambda x: x, workers)
    seen = []
    with pytest.raises(DataError, match="five") as caught:
        for x in data:
            seen.append(int(x))
    assert seen == [0, 1, 2, 3, 4]
    notes = getattr(caught.value, "__notes__", ["raised in Dataset.map(bad_augmentation)"])
    assert notes == ["raised in Dataset.map(bad_augmentation)"]
    with pytest.raises(TypeError, match=r"Dataset.map\(.*<lambda>\): expected .* got None"):
        list(Dataset.range(2).map(lambda x: None, workers))
    model = cr.Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    before = [w.copy() for w in model.get_weights()]
    rows = Dataset.range(9).map(bad_augmentation, workers).batch(9).map(lambda x: (x[:, None], x))
    with pytest.raises(DataError, match="five"):
        model.fit(rows, verbose=0)
    assert [w.tolist() for w in model.get_weights()] == [w.tolist() for w in before]


def threads_are_back_to(count: int) -> bool:
    end = time.monotonic() + 5
    while threading.active_count() > count and time.monotonic() < end:
        time.sleep(0.01)
    return threading.active_count() <= count


def test_threads_end_when_an_iteration_is_dropped() -> None:
    before = threading.active_count()
    data = Dataset.range(1000).map(lambda x: x + 1, 3).repeat().batch(2).prefetch(3)
    for _ in range(3):
        iterator = iter(data)
        assert next(iterator).tolist() == [1, 2]
    del iterator
    assert threads_are_back_to(before)


def test_an_interrupt_ends_a_wait() -> None:
    if not hasattr(signal, "setitimer"):
        pytest.skip("no timers")
    release = threading.Event()
    data = Dataset.range(3).map(lambda x: (release.wait(30), x), 2).prefetch(1)
    before = threading.active_count()
    previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        start = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            list(data)
        assert time.monotonic() - start < 5
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        release.set()
    assert threads_are_back_to(before)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda d: d.batch(0), "batch_size to be an integer of 1 or more, got 0"),
        (lambda d: d.batch(2.0), "batch_size .* got 2.0"),
        (lambda d: d.shuffle(0), "buffer_size"),
        (lambda d: d.shuffle(2, seed="x"), "seed"),
        (lambda d: d.take(-2), "count"),
        (lambda d: d.repeat(True), "count"),
        (lambda d: d.prefetch(-3), "buffer_size"),
        (lambda d: d.map(abs, num_parallel_calls=-2), "num_parallel_calls"),
        (lambda d: Dataset.from_tensor_slices(([1, 2], [1])), "one number of rows"),
        (lambda d: Dataset.from_tensor_slices(3), "one number of rows"),
        (lambda d: list(d.unbatch()), "one number of rows, got shapes"),
        (lambda d: d.take(0).element_spec, "at least one element"),
    ],
)
def test_arguments_that_cannot_be(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call(Dataset.range(5))


def test_others_than_datasets_are_refused() -> None:
    for call in (
        lambda: Dataset([1, 2]),  # type: ignore[arg-type]
        lambda: Dataset.zip(Dataset.range(2), [1, 2]),
        lambda: Dataset.range(2).concatenate([1]),  # type: ignore[arg-type]
    ):
        with pytest.raises(TypeError, match="expected .* got .*(list|int)"):
            call()


# --- training -------------------------------------------------------------------------------------

X = np.random.default_rng(0).normal(size=(22, 3)).astype("float32")
Y = X.sum(1, keepdims=True)


def net() -> Any:
    model = cr.Sequential([layers.Dense(1, kernel_initializer=cr.initializers.GlorotUniform(1))])
    model.compile(cr.optimizers.SGD(0.1), "mse")
    return model


def rows(**options: Any) -> Dataset:
    return Dataset.from_tensor_slices((X, Y)).batch(4, **options)


def bits(model: Any) -> list[bytes]:
    return [w.tobytes() for w in model.get_weights()]


def test_fit_equals_fit_on_arrays() -> None:
    a, b = net(), net()
    a.fit(X, Y, batch_size=4, shuffle=False, epochs=3, verbose=0, validation_data=(X, Y),
          validation_batch_size=4)  # fmt: skip
    b.fit(rows(), epochs=3, verbose=0, validation_data=rows())
    assert a.history.history == b.history.history and bits(a) == bits(b)
    assert b.evaluate(rows(), verbose=0) == a.evaluate(X, Y, batch_size=4, verbose=0)
    np.testing.assert_array_equal(
        b.predict(rows(), verbose=0), a.predict(X, batch_size=4, verbose=0)
    )
    weights = np.arange(22.0)
    weighted = Dataset.from_tensor_slices((X, Y, weights)).batch(4)
    packed = rows().map(lambda x, y: pack_x_y_sample_weight(x, y, np.ones(len(x))))
    c, d, e = net(), net(), net()
    c.fit(X, Y, sample_weight=weights, batch_size=4, shuffle=False, verbose=0)
    d.fit(weighted, verbose=0)
    e.fit(packed, epochs=3, verbose=0)
    assert bits(c) == bits(d) and bits(e) == bits(a)
    normal = layers.Normalization()
    normal.adapt(rows().map(lambda x, y: x))
    np.testing.assert_allclose(np.ravel(normal.mean), X.mean(0), rtol=1e-5)


def test_endless_data_need_a_number_of_steps(capsys: Any) -> None:
    a, b = net(), net()
    endless = Dataset.from_tensor_slices((X[:20], Y[:20])).batch(4).repeat()
    a.fit(endless, steps_per_epoch=5, epochs=2, verbose=0)
    b.fit(X[:20], Y[:20], batch_size=4, shuffle=False, epochs=2, verbose=0)
    assert bits(a) == bits(b)
    for call in (a.fit, a.evaluate, a.predict):
        with pytest.raises(ValueError, match="number of steps for an epoch of batches without end"):
            call(endless, verbose=0)
    assert np.isfinite(a.evaluate(endless, steps=3, verbose=0))
    assert a.predict(endless, steps=3, verbose=0).shape == (12, 1)
    # A number of steps that is no whole pass goes on where the epoch before stopped.
    c, d = net(), net()
    c.fit(rows(drop_remainder=True), steps_per_epoch=3, epochs=4, verbose=0)
    d.fit(Dataset.from_tensor_slices((X[:20], Y[:20])).batch(4).repeat().take(12), verbose=0)
    assert bits(c) == bits(d)
    capsys.readouterr()
    net().fit(rows(), verbose=1)
    assert "6/6" in capsys.readouterr().out


def test_shuffled_epochs_repeat_and_go_on(tmp_path: Any) -> None:
    class Stop(cr.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if self.model.optimizer.iterations.numpy() == 16:
                raise InterruptedError

    def data() -> Dataset:
        made = Dataset.from_tensor_slices((X, Y)).shuffle(10, seed=3)
        return made.map(lambda x, y: (x * 2, y), 2).batch(4).prefetch(2)

    runs = []
    for stopped in (False, False, True):
        model = net()
        back: Any = []
        if stopped:
            back = [cr.callbacks.BackupAndRestore(tmp_path / "b", save_freq=4)]
            with pytest.raises(InterruptedError):
                model.fit(data(), epochs=4, verbose=0, callbacks=[*back, Stop()])
            model = net()
        model.fit(data(), epochs=4, verbose=0, callbacks=back)
        runs.append(bits(model))
    assert runs[0] == runs[1] == runs[2]


def test_bad_batches_are_refused_before_a_weight_changes() -> None:
    model = net()
    model.compile("sgd", "mse", non_finite="raise")
    holes = rows().map(lambda x, y: (x * np.nan, y))
    with pytest.raises(NonFiniteError):
        model.fit(holes, verbose=0)
    with pytest.raises(DataError, match="y and sample_weight to come from the generator"):
        model.fit(rows(), Y, verbose=0)
    with pytest.raises(DataError, match="a tuple of length 4"):
        model.fit(rows().map(lambda x, y: (x, y, y, y)), verbose=0)


def test_layers_outside_a_model() -> None:
    words = layers.TextVectorization(output_mode="multi_hot")
    data = Dataset.from_tensor_slices((["a b", "b c", "c"], [0, 1, 1])).batch(2)
    words.adapt(data)
    made = elements(data.map(lambda x, y: (words(x), y), num_parallel_calls=2))
    assert [y for _, y in made] == [[0, 1], [1]] and len(made[0][0][0]) == 4
    assert elements(data.map(lambda x, _: x).map(words)) == [x for x, _ in made]


def test_splits() -> None:
    left, right = split_dataset(rows(), left_size=0.5)
    assert [len(x) for x, _ in left] == [4, 4, 3] and len(left) == len(right) == 3
    np.testing.assert_array_equal(np.concatenate([x for x, _ in [*left, *right]]), X)
    left, right = split_dataset(Dataset.range(10), right_size=3, shuffle=True, seed=1)
    assert sorted(elements(left) + elements(right)) == list(range(10))
    assert elements(right) == [plain(x) for x in split_dataset(np.arange(10), 7, None, True, 1)[1]]
    with pytest.raises(ValueError, match="that ends"):
        split_dataset(Dataset.range(3).repeat(), 0.5)


def test_windows_of_a_series_have_the_methods() -> None:
    data = timeseries_dataset_from_array(np.arange(10), np.arange(3, 10), 3, batch_size=2)
    assert (len(data), data.cardinality(), data.batch_size) == (4, 4, 2)
    assert elements(data.unbatch().filter(lambda x, y: y > 7)) == [([5, 6, 7], 8), ([6, 7, 8], 9)]
    assert elements(data.take(1)) == [([[0, 1, 2], [1, 2, 3]], [3, 4])]
    x, y = data.element_spec
    assert x.shape == (None, 3) and y.shape == (None,)
