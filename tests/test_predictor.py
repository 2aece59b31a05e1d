"""Predictors: the bits of `predict`, whatever comes, in any number of threads, and after refusals."""

from __future__ import annotations

import copy
import os
import pickle
import threading
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import layers, ops
from chainrule.errors import DataError, DTypeError, NonFiniteError, ShapeError
from chainrule.tracing.masking import get_keras_mask
from chainrule.tracing.stateless import StatelessScope
from chainrule.training import runner
from tests.test_threads_and_processes import wait_for

RNG = np.random.default_rng(0)
X = RNG.standard_normal((40, 12)).astype("float32")
IMAGES = RNG.standard_normal((6, 10, 10, 3)).astype("float32")

Array = np.ndarray


def constant(seed: int = 1) -> Any:
    return cr.initializers.GlorotUniform(seed=seed)


def dense(**options: Any) -> Any:
    return cr.Sequential(
        [
            cr.Input((12,)),
            layers.Dense(8, activation="relu", kernel_initializer=constant(1)),
            layers.BatchNormalization(),
            layers.Dropout(0.5, seed=1),
            layers.Dense(3, activation="softmax", kernel_initializer=constant(2)),
        ],
        **options,
    )


def convnet() -> Any:
    return cr.Sequential(
        [
            cr.Input((10, 10, 3)),
            layers.Conv2D(7, 3, activation="relu", kernel_initializer=constant(1)),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(4, kernel_initializer=constant(2)),
        ]
    )


def two_inputs() -> Any:
    a, b = cr.Input((12,), name="a"), cr.Input((12,), name="b")
    both = layers.Add()([layers.Dense(5, kernel_initializer=constant(1))(a), b[:, :5]])
    return cr.Model({"b": b, "a": a}, {"sum": both, "first": layers.ReLU()(a)})


def a_list() -> Any:
    a, b = cr.Input((12,)), cr.Input((12,))
    return cr.Model([a, b], [layers.Subtract()([a, b]), layers.Multiply()([a, b])])


def words() -> Any:
    return cr.Sequential(
        [
            cr.Input((5,), dtype="int32"),
            layers.Embedding(9, 4, embeddings_initializer=constant(3)),
            layers.GlobalAveragePooling1D(),
            layers.Dense(3, kernel_initializer=constant(1)),
        ]
    )


class Subclassed(cr.Model):
    def __init__(self) -> None:
        super().__init__()
        self.dense = layers.Dense(3, kernel_initializer=constant(1))

    def call(self, x: Any) -> Any:
        return {"logits": self.dense(x), "best": ops.argmax(self.dense(x), axis=-1)}


def no_input() -> Any:
    return cr.Sequential([layers.Dense(3, kernel_initializer=constant(1)), layers.Softmax()])


def masks() -> Any:
    return cr.Sequential([cr.Input((12,)), layers.Lambda(lambda x: ops.greater(x, 0.0))])


MODELS: dict[str, tuple[Callable[[], Any], Any]] = {
    "dense": (dense, X),
    "one row": (dense, X[:1]),
    "convolutions": (convnet, IMAGES),
    "float64": (dense, X.astype("float64")),
    "float16": (dense, X.astype("float16")),
    "uint8": (dense, RNG.integers(0, 255, (4, 12), "uint8")),
    "int64": (dense, RNG.integers(0, 255, (4, 12), "int64")),
    "bool": (dense, X > 0),
    "strided": (dense, np.repeat(X, 2, axis=1)[:, ::2]),
    "Fortran order": (dense, np.asfortranarray(X)),
    "unaligned": (dense, np.frombuffer(b"0" + X.tobytes(), "float32", offset=1).reshape(X.shape)),
    "another byte order": (dense, X.astype(X.dtype.newbyteorder())),
    "read only": (dense, np.frombuffer(X.tobytes(), "float32").reshape(X.shape)),
    "a subclass of arrays": (dense, X.view(type("Array", (np.ndarray,), {}))),
    "lists of numbers": (dense, X[:2].tolist()),
    "a dict": (two_inputs, {"a": X, "b": 2 * X}),
    "a dict in another order": (two_inputs, {"b": 2 * X, "a": X}),
    "a list": (a_list, [X, 2 * X]),
    "a tuple": (a_list, (X, 2 * X)),
    "words": (words, RNG.integers(0, 9, (3, 5), "int32")),
    "words of int64": (words, RNG.integers(0, 9, (3, 5), "int64")),
    "a subclass": (Subclassed, X),
    "without Input": (no_input, X),
    "bools": (masks, X),
}


def bits(outputs: Any) -> Any:
    return cr.tree.map_structure(lambda a: (a.dtype.name, a.shape, a.tobytes()), outputs)


@pytest.mark.parametrize("name", MODELS)
def test_every_way_to_ask_gives_the_same_bits(name: str) -> None:
    make, x = MODELS[name]
    model = make()
    expected = bits(make().predict(x, batch_size=64, verbose=1))
    ask = model.predictor()
    for _ in range(3):
        assert bits(ask(x)) == expected
        assert bits(model.predict_on_batch(x)) == expected
        assert bits(model.predict(x, batch_size=64, verbose=0)) == expected
        if not isinstance(x, list) or isinstance(x[0], np.ndarray):
            assert bits(model(x)) == expected
    model.run_eagerly = True
    assert bits(ask(x)) == bits(model.predict_on_batch(x)) == expected


def test_programs_go_where_memory_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    model = dense()
    for _ in range(3):
        expected = model.predict_on_batch(X)
        np.testing.assert_array_equal(model(X), expected)
    compile_step, failed = runner.compile_step, []

    def short(*args: Any) -> Any:
        if not failed:
            failed.append(True)
            raise MemoryError("expected 1 GiB of memory")
        return compile_step(*args)

    monkeypatch.setattr(runner, "compile_step", short)
    np.testing.assert_array_equal(model.predict_on_batch(X[:3]), expected[:3])
    assert failed and len(model._training.answers._known) == 1
    assert not model._training.calls._known
    np.testing.assert_array_equal(model.predict_on_batch(X), expected)


def test_answers_share_no_memory() -> None:
    ask = dense().predictor()
    first = ask(X)
    before = first.copy()
    second = ask(2 * X)
    assert not np.shares_memory(first, second)
    np.testing.assert_array_equal(first, before)
    first[:] = 0
    np.testing.assert_array_equal(ask(X), before)


def test_a_program_a_shape() -> None:
    model = dense()
    whole = model.predict_on_batch(X)
    ask = model.predictor()
    for rows in [*range(1, 40), *range(1, 40)]:
        np.testing.assert_array_equal(ask(X[:rows]), whole[:rows])
    few = model.predictor()
    few._answers.limit = 2
    for rows in (1, 2, 3, 1, 2, 3):
        np.testing.assert_array_equal(few(X[:rows]), whole[:rows])
        assert len(few._answers._known) <= 2


def test_bound_to_a_batch_size() -> None:
    model = dense()
    ask = model.predictor(batch_size=4)
    np.testing.assert_array_equal(ask(X[:4]), model.predict_on_batch(X[:4]))
    for x in (X[:3], X[:3].tolist(), [X[:5]]):
        with pytest.raises(ShapeError, match="predictor of model 'seq.*expected 4 rows, got [35]"):
            ask(x)
    np.testing.assert_array_equal(ask(X[4:8]), model.predict_on_batch(X[4:8]))
    assert "for 4 rows" in repr(ask) and "any number" in repr(model.predictor())
    for wrong in (0, -1, 2.0, True, "4"):
        with pytest.raises(ValueError, match="batch_size: expected an integer of 1 or more"):
            model.predictor(batch_size=wrong)


REFUSED: dict[str, tuple[Any, type[Exception], str]] = {
    "another width": (X[:, :11], ShapeError, r"12.*11"),
    "one dimension": (X[0], ValueError, "12"),
    "a scalar": (np.float32(1), ShapeError, "scalar"),
    "no rows": (X[:0], DataError, "at least one row"),
    "words": (np.array([["a"] * 12]), DTypeError, "x: expected"),
    "objects": (np.array([[None] * 12]), TypeError, "x"),
    "nothing": (None, DataError, "got None"),
    "a generator": (iter([X]), DataError, "one batch of arrays"),
    "two arrays": ([X, X], ValueError, "2"),
    "arrays of two lengths": ([X, X[:3]], ShapeError, "one length"),
    "ragged": ([[1.0], [1.0, 2.0]], ShapeError, "x: expected rows of one shape"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_leaves_all_usable(name: str) -> None:
    x, kind, message = REFUSED[name]
    model = dense(name="net")
    expected = bits(model.predict_on_batch(X))
    ask = model.predictor()
    for call in (ask, model.predict_on_batch, ask):
        with pytest.raises(kind, match=message):
            call(x)
        assert bits(ask(X)) == bits(model.predict_on_batch(X)) == expected


def test_a_label_out_of_range_is_refused_by_the_layer_that_reads_it() -> None:
    ask = words().predictor()
    good = RNG.integers(0, 9, (3, 5), "int32")
    before = ask(good)
    bad = good.copy()
    bad[1, 2] = 9
    for _ in range(2):
        with pytest.raises(DataError, match="embedding.*9"):
            ask(bad)
        np.testing.assert_array_equal(ask(good), before)


def test_numbers_that_are_not_finite() -> None:
    model = dense()
    ask = model.predictor()
    ask(X)
    bad = X.copy()
    bad[5, 3] = np.nan
    model.compile("sgd", "mse")
    for call in (ask, model.predict_on_batch, lambda x: model.predict(x, verbose=0, batch_size=40)):
        call(X)
        with pytest.warns(RuntimeWarning, match=r"x: expected finite.*row 5"):
            found = call(bad)
        assert np.isnan(found[5]).all() and np.isfinite(found[:5]).all()
    model.compile("sgd", "mse", non_finite="raise")
    for call in (ask, model.predict_on_batch):
        with pytest.raises(NonFiniteError, match="row 5"):
            call(bad)
        assert np.isfinite(call(X)).all()
    model.compile("sgd", "mse", non_finite="ignore")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(ask(bad)[5]).all()
        assert np.isnan(ask(bad[:, ::-1])[5]).all()


def test_weights_that_are_assigned_later_count() -> None:
    model = convnet()
    ask = model.predictor()
    others = [w + np.float32(0.5) for w in model.get_weights()]
    for rows in (1, 6):
        model.set_weights([w - np.float32(0.25) for w in model.get_weights()])
        for weights in (others, [w * np.float32(2) for w in others], others):
            ask(IMAGES[:rows])
            model.set_weights(weights)
            fresh = convnet()
            fresh.set_weights(weights)
            np.testing.assert_array_equal(
                ask(IMAGES[:rows]), fresh.predict_on_batch(IMAGES[:rows])
            )


def test_training_counts() -> None:
    model = convnet()
    model.compile("sgd", "mse")
    ask = model.predictor()
    for _ in range(3):
        before = ask(IMAGES)
        model.fit(IMAGES, np.zeros((6, 4), "float32"), batch_size=3, verbose=0)
        after = ask(IMAGES)
        assert not np.array_equal(before, after)
        fresh = convnet()
        fresh.set_weights(model.get_weights())
        np.testing.assert_array_equal(after, fresh.predict_on_batch(IMAGES))


def test_layers_that_come_or_go_are_seen() -> None:
    model = cr.Sequential([cr.Input((12,)), layers.Dense(3, kernel_initializer=constant())])
    ask = model.predictor()
    assert ask(X).shape == model.predict_on_batch(X).shape == (40, 3)
    model.add(layers.Dense(2))
    assert ask(X).shape == model.predict_on_batch(X).shape == (40, 2)
    model.pop()
    assert ask(X).shape == model.predict_on_batch(X).shape == (40, 3)
    model.layers[0].activation = cr.activations.relu
    model.compile("sgd", "mse")
    assert (ask(X) >= 0).all() and (model.predict_on_batch(X) >= 0).all()


@pytest.mark.parametrize("make, x", [(dense, X), (convnet, IMAGES), (two_inputs, {"a": X, "b": X})])
def test_many_threads_get_the_bits_of_one(make: Callable[[], Any], x: Any) -> None:
    model = make()
    size = len(cr.tree.flatten(x)[0])
    parts = [cr.tree.map_structure(lambda a, n=n: a[: 1 + n % size], x) for n in range(8)]
    expected = [bits(model.predict_on_batch(part)) for part in parts]
    ask = model.predictor()
    wrong: list[Any] = []
    barrier = threading.Barrier(8)

    def work(number: int) -> None:
        barrier.wait()
        try:
            for at in range(300):
                n = (number + at) % 8
                if bits(ask(parts[n])) != expected[n]:
                    wrong.append(n)
        except BaseException as error:  # handed to the test's thread
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert not wrong


def test_threads_ask_while_another_trains() -> None:
    model = convnet()
    model.compile("sgd", "mse")
    ask = model.predictor()
    ask(IMAGES)
    done, errors = threading.Event(), []

    def serve() -> None:
        try:
            while not done.is_set():
                assert ask(IMAGES[:2]).shape == (2, 4)
        except BaseException as error:  # handed to the test's thread
            errors.append(error)

    threads = [threading.Thread(target=serve) for _ in range(3)]
    for thread in threads:
        thread.start()
    model.fit(IMAGES, np.zeros((6, 4), "float32"), batch_size=2, epochs=20, verbose=0)
    done.set()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert not errors
    fresh = convnet()
    fresh.set_weights(model.get_weights())
    np.testing.assert_array_equal(ask(IMAGES), fresh.predict_on_batch(IMAGES))


def test_an_assignment_is_seen_whole() -> None:
    layer = layers.Dense(64, use_bias=False, kernel_initializer="zeros")
    model = cr.Sequential([cr.Input((12,)), layer])
    ask = model.predictor()
    ones = np.ones((1, 12), "float32")
    ask(ones)
    done, found = threading.Event(), []

    def serve() -> None:
        while not done.is_set():
            found.append(np.unique(ask(ones)))

    thread = threading.Thread(target=serve)
    thread.start()
    for value in range(2000):
        layer.kernel.assign(np.full((12, 64), value % 7, "float32"))
    done.set()
    thread.join(60)
    assert all(len(values) == 1 for values in found)


def test_copies_and_pickles_have_weights_of_their_own() -> None:
    model = dense()
    ask = model.predictor(batch_size=40)
    expected = bits(ask(X))
    for other in (pickle.loads(pickle.dumps(ask)), copy.deepcopy(ask)):
        assert bits(other(X)) == expected and other.batch_size == 40
        other.model.set_weights([w * 2 for w in other.model.get_weights()])
        assert bits(other(X)) != expected and bits(ask(X)) == expected
        with pytest.raises(ShapeError, match="expected 40 rows"):
            other(X[:3])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("make, x", [(dense, X), (convnet, IMAGES)])
def test_a_forked_child_answers(make: Callable[[], Any], x: Array) -> None:
    ask = make().predictor()
    expected = bits(ask(x))
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            ask(x)

    threads = [threading.Thread(target=serve) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(5):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                child = os.fork()
            if child == 0:
                same = all(bits(ask(x)) == expected for _ in range(20))
                os._exit(0 if same and len(ask(x[:2])) == 2 else 3)
            assert wait_for(child) == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_layers_that_draw_move_their_seeds_on() -> None:
    def noisy() -> Any:
        class Noise(layers.Layer):
            def __init__(self) -> None:
                super().__init__()
                self.seed = cr.random.SeedGenerator(5)

            def call(self, x: Any) -> Any:
                return x + cr.random.normal(x.shape, seed=self.seed)

        return cr.Sequential([cr.Input((12,)), Noise()])

    model, other = noisy(), noisy()
    ask = model.predictor()
    drawn = [ask(X) for _ in range(4)]
    assert len({a.tobytes() for a in drawn}) == 4
    for a in drawn:
        np.testing.assert_array_equal(other.predict(X, batch_size=64, verbose=1), a)


def test_quiet_predictions_are_joined_or_refused_as_others() -> None:
    model = cr.Sequential([cr.Input((12,)), layers.Lambda(lambda x: ops.sum(x, axis=0))])
    assert model.predict_on_batch(X).shape == (12,)
    for verbose in (0, 1, 0):
        with pytest.raises(DataError, match=r"predict: expected outputs of 40 rows.*\(12,\)"):
            model.predict(X, batch_size=64, verbose=verbose)
    whole = dense()
    expected = whole.predict(X, batch_size=64, verbose=0)
    np.testing.assert_array_equal(whole.predict(X, batch_size=7, verbose=0), expected)


def test_predict_tells_callbacks_where_there_are_some() -> None:
    told: list[int] = []

    class Tell(cr.callbacks.Callback):
        def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
            told.append(batch)

    model = dense()
    model.predict(X, batch_size=64, verbose=0)
    model.predict(X, batch_size=64, verbose=0, callbacks=[Tell()])
    assert told == [0]


def test_a_scope_of_other_values_is_no_reason_to_forget_the_own() -> None:
    model = dense()
    expected = bits(model.predict_on_batch(X))
    kernel = model.layers[0].kernel
    with StatelessScope(state_mapping=[(kernel, np.zeros_like(kernel.numpy()))]):
        assert bits(model(X)) != expected
    assert bits(model(X)) == bits(model.predict_on_batch(X)) == expected


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("size", [1, 2, 7])
def test_quiet_predictions_of_several_batches_have_the_bits_of_others(name: str, size: int) -> None:
    make, x = MODELS[name]
    model = make()
    expected = bits(make().predict(x, batch_size=size, verbose=1))
    for _ in range(2):
        assert bits(model.predict(x, batch_size=size, verbose=0)) == expected
        assert bits(model.predict(x, batch_size=size, verbose=1)) == expected


# Calls of a model on arrays


def compiled(model: Any) -> int:
    return len(model._training.calls._known)


@pytest.mark.parametrize("training", [{}, {"training": False}, {"training": None}])
def test_a_call_that_comes_again_runs_compiled(training: dict[str, Any]) -> None:
    model = dense()
    expected = bits(model.predict_on_batch(X))
    for times in range(4):
        assert bits(model(X, **training)) == expected
        assert compiled(model) == min(times, 1)
    assert bits(model(X[:3], **training)) == bits(model.predict_on_batch(X[:3]))
    assert compiled(model) == 1
    assert bits(model(X, training=True)) != expected


def test_calls_see_what_changes() -> None:
    model = dense()
    for _ in range(3):
        before = model(X)
    model.layers[0].activation = cr.activations.tanh
    changed = model(X)
    assert not np.array_equal(changed, before)
    for _ in range(3):
        np.testing.assert_array_equal(model(X), changed)
    assert compiled(model) == 1
    model.layers[0].activation = cr.activations.relu
    np.testing.assert_array_equal(model(X), before)
    model.set_weights([w * 2 for w in model.get_weights()])
    for _ in range(3):
        np.testing.assert_array_equal(model(X), model.predict_on_batch(X))
    model.add(layers.Dense(2))
    for _ in range(3):
        assert model(X).shape == (40, 2)


def seen(x: Any) -> Any:
    SEEN.append(type(x).__name__)
    return x


SEEN: list[str] = []


class Side(layers.Layer):
    def call(self, x: Any) -> Any:
        return seen(x) * 2


OP_BY_OP: dict[str, Callable[[], Any]] = {
    "a function": lambda: cr.Sequential([layers.Dense(2, activation=seen)]),
    "a layer": lambda: cr.Sequential([Side()]),
    "a layer inside": lambda: cr.Sequential([cr.Sequential([Side()]), layers.ReLU()]),
    "Lambda": lambda: cr.Sequential([layers.Lambda(seen)]),
}


@pytest.mark.parametrize("name", OP_BY_OP)
def test_what_a_user_wrote_is_called_with_arrays(name: str) -> None:
    model = OP_BY_OP[name]()
    model(X)
    SEEN.clear()
    for _ in range(4):
        model(X)
    assert SEEN == ["ndarray"] * 4


def test_losses_and_masks_of_calls_stay() -> None:
    model = cr.Sequential([layers.Dense(2, activity_regularizer="l2", kernel_regularizer="l1")])
    for scale in (1, 2, 3, 4):
        model(X * scale)
        assert len(model.losses) == 2
        fresh = cr.Sequential([layers.Dense(2, activity_regularizer="l2")])
        fresh.build((None, 12))
        fresh.set_weights(model.get_weights())
        fresh(X * scale)
        assert model.losses[0] == fresh.losses[0]
    words = cr.Sequential([cr.Input((5,), dtype="int32"), layers.Embedding(9, 4, mask_zero=True)])
    numbers = np.array([[1, 2, 0, 0, 0]], "int32")
    for _ in range(4):
        found = words(numbers)
        assert get_keras_mask(found).tolist() == [[True, True, False, False, False]]


def test_random_layers_draw_anew_at_each_call() -> None:
    model = cr.Sequential([cr.Input((8, 8, 3)), layers.RandomFlip(seed=1)])
    images = RNG.random((4, 8, 8, 3)).astype("float32")
    drawn = {model(images).tobytes() for _ in range(12)}
    assert len(drawn) > 3


def test_a_call_on_arrays_inside_of_another_layer_sees_its_training() -> None:
    inner = cr.Sequential([cr.Input((12,)), layers.Dropout(0.5, seed=1)])
    for _ in range(3):
        np.testing.assert_array_equal(inner(X), X)

    class Outer(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.inner = inner

        def call(self, x: Any, training: Any = None) -> Any:
            return self.inner(x)

    outer = Outer()
    assert (outer(X, training=True) == 0).mean() > 0.3
    np.testing.assert_array_equal(outer(X), X)


# What is kept of weights


def transposed() -> Any:
    return cr.Sequential(
        [
            cr.Input((6, 5, 4)),
            layers.Conv2D(6, (3, 2), strides=2, padding="same", groups=2),
            layers.Conv2DTranspose(5, 3, strides=2, padding="same", activation="tanh"),
            layers.Conv2D(3, 1),
        ]
    )


@pytest.mark.parametrize("make", [convnet, transposed])
def test_packed_weights_are_those_of_now(make: Callable[[], Any]) -> None:
    model, fresh = make(), make()
    x = RNG.standard_normal((3, *model.input_shape[1:])).astype("float32")
    first, second = model.predictor(), model.predictor()
    for round_ in range(4):
        weights = [RNG.standard_normal(w.shape).astype("float32") for w in model.get_weights()]
        model.set_weights(weights)
        fresh.set_weights(weights)
        whole = fresh.predict(np.repeat(x, 800, axis=0), batch_size=2400, verbose=0)[::800]
        for _ in range(1 + round_):
            for ask in (first, second):
                np.testing.assert_array_equal(ask(x), whole)
                np.testing.assert_array_equal(ask(x[:1]), whole[:1])
    # One of them alone.
    kernel = next(layer for layer in model.layers if layer.weights).kernel
    kernel.assign(kernel.numpy() * 2)
    fresh.set_weights(model.get_weights())
    other = fresh.predict(np.repeat(x, 800, axis=0), batch_size=2400, verbose=0)[::800]
    for _ in range(3):
        np.testing.assert_array_equal(first(x), other)


@pytest.mark.parametrize("filters", [1, 4, 7, 8, 64])
def test_what_is_kept_of_weights_is_never_stale(filters: int) -> None:
    """Validation between epochs is that of a model which has just got these weights."""
    rng = np.random.default_rng(filters)
    x = rng.standard_normal((24, 6, 6, 4)).astype("float32")
    y = rng.integers(0, 3, 24)

    def make() -> Any:
        model = cr.Sequential(
            [
                cr.Input((6, 6, 4)),
                layers.Conv2D(filters, 3, activation="relu"),
                layers.Conv2D(filters, 3, padding="same"),
                layers.Flatten(),
                layers.Dense(3, activation="softmax"),
            ]
        )
        model.compile("adam", "sparse_categorical_crossentropy")
        return model

    model = make()
    for _ in range(3):
        history = model.fit(x, y, batch_size=8, validation_data=(x[:8], y[:8]), verbose=0).history
        fresh = make()
        fresh.set_weights(model.get_weights())
        assert history["val_loss"] == [fresh.evaluate(x[:8], y[:8], verbose=0)]
        np.testing.assert_array_equal(model.predict_on_batch(x), fresh.predict_on_batch(x))
