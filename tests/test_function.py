"""`keras.function`: a user's function as a compiled program, by hand and bit for bit with `fit`."""

from __future__ import annotations

import copy
import gc
import pickle
import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as keras
from chainrule import layers, ops
from chainrule.tracing.function import Function

RNG = np.random.default_rng(0)
X = RNG.normal(size=(96, 8)).astype("float32")
Y = (X.sum(axis=1) > 0).astype("int32")


def counted() -> tuple[Any, list[Any]]:
    """x * n + c, and the shapes for which it was traced."""
    seen: list[Any] = []

    @keras.function
    def scaled(x: Any, n: Any = 2, c: Any = 0.0) -> Any:
        seen.append((ops.shape(x), n))
        return x * n + c

    return scaled, seen


class TestTracing:
    def test_once_for_each_shape_and_dtype(self) -> None:
        scaled, seen = counted()
        for _ in range(3):
            assert scaled(np.array([1.0, 2.0], "float32")).tolist() == [2.0, 4.0]
            assert scaled(np.array([1, 2, 3])).tolist() == [2, 4, 6]
            assert scaled(np.array([1.0, 2.0])).dtype == "float64"
        assert [shape for shape, _ in seen] == [(2,), (3,), (2,)]

    def test_python_values_are_fixed_and_floats_are_not(self) -> None:
        scaled, seen = counted()
        x = np.ones(2, "float32")
        assert [scaled(x, n=n).tolist() for n in (2, 3, 2)] == [[2.0, 2.0], [3.0, 3.0], [2.0, 2.0]]
        assert [n for _, n in seen] == [2, 3]
        assert [scaled(x, 2, c).tolist() for c in (1.0, 2.0)] == [[3.0, 3.0], [4.0, 4.0]]
        assert len(seen) == 3
        assert scaled(x, True).tolist() == [1.0, 1.0]

    def test_structures_go_in_and_come_out(self) -> None:
        @keras.function
        def swap(pair: Any, named: Any, *, flag: bool) -> Any:
            a, (b, c) = pair
            return {"sum": a + b, "inside": [c, named["z"] if flag else None], "flag": flag}

        one, two = np.ones(2), np.full(2, 2.0)
        found = swap((one, [two, one]), {"z": two}, flag=True)
        assert found["sum"].tolist() == [3.0, 3.0] and found["flag"] is True
        assert [x.tolist() for x in found["inside"]] == [[1.0, 1.0], [2.0, 2.0]]
        assert swap((one, [two, one]), {"z": two}, flag=False)["inside"][1] is None

    def test_nothing_may_come_out(self) -> None:
        total = keras.Variable(0.0)

        @keras.function
        def add(x: Any) -> None:
            total.assign_add(ops.sum(x))

        assert add(np.ones(3, "float32")) is None and add(np.ones(3, "float32")) is None
        assert total.numpy() == 6.0

    def test_strides_byte_orders_and_narrow_dtypes(self) -> None:
        scaled, _ = counted()
        x = np.arange(12, dtype="float32").reshape(3, 4)
        for given in (x.T, x[:, ::2], x.astype(">f4"), x.astype("float16"), np.float32(3)):
            np.testing.assert_array_equal(scaled(given), np.asarray(given) * 2)
        assert scaled(x.astype("float16")).dtype == "float16"

    def test_python_happens_when_it_is_traced(self, capsys: Any) -> None:
        @keras.function
        def shout(x: Any) -> Any:
            print("traced")
            return x

        for _ in range(3):
            shout(np.ones(2))
        assert capsys.readouterr().out == "traced\n"

    def test_more_kinds_of_arguments_than_are_kept(self) -> None:
        scaled, seen = counted()
        with pytest.warns(UserWarning, match=r"'counted.<locals>.scaled' was traced 129 times"):
            for n in range(129):
                scaled(np.ones(1), n)
        assert len(seen) == 129


class TestVariables:
    def test_they_are_read_and_assigned_at_each_call(self) -> None:
        v = keras.Variable([1.0, 2.0])

        @keras.function
        def double() -> Any:
            v.assign(v * 2)
            return v

        assert double().tolist() == [2.0, 4.0]
        v.assign([10.0, 20.0])
        assert double().tolist() == [20.0, 40.0] and v.numpy().tolist() == [20.0, 40.0]

    def test_as_arguments(self) -> None:
        @keras.function
        def add(v: Any, x: Any) -> Any:
            return v.assign_add(x)

        a, b = keras.Variable([1.0]), keras.Variable([5.0])
        one = np.ones(1, "float32")
        assert [add(v, one).item() for v in (a, b, a)] == [2.0, 6.0, 3.0]

    def test_seeds_advance(self) -> None:
        seeds, others = keras.random.SeedGenerator(3), keras.random.SeedGenerator(3)

        @keras.function
        def draw() -> Any:
            return keras.random.normal((4,), seed=seeds)

        expected = [keras.random.normal((4,), seed=others).tolist() for _ in range(3)]
        assert [draw().tolist() for _ in range(3)] == expected

    def test_what_is_made_inside_is_there_the_next_time(self) -> None:
        model = keras.Sequential([layers.Dense(4), layers.BatchNormalization(), layers.Dense(1)])
        seen = []

        @keras.function
        def call(x: Any) -> Any:
            seen.append(len(model.weights))
            return model(x, training=True)

        call(X)
        assert seen == [0, 8]
        moved = [v.numpy().copy() for v in model.non_trainable_variables]
        call(X)
        assert seen == [0, 8]
        now = [v.numpy() for v in model.non_trainable_variables]
        assert all((a != b).any() for a, b in zip(moved, now))

    def test_new_variables_each_time_are_refused(self) -> None:
        @keras.function
        def bad(x: Any) -> Any:
            return keras.Variable([1.0]) * x

        with pytest.raises(RuntimeError, match="bad': expected variables to be made once"):
            bad(np.ones(1))


@keras.function
def at_the_top(x: Any) -> Any:
    """Adds one."""
    return x + 1


class Counter:
    def __init__(self, step: float) -> None:
        self.step = step
        self.count = keras.Variable(0.0)

    @keras.function
    def move(self, times: Any) -> Any:
        """Go on."""
        return self.count.assign_add(self.step * times)

    @keras.function(jit_compile=True)
    def twice(self, x: Any) -> Any:
        return self.move(x) + self.move(x)


class TestForms:
    def test_with_parentheses_and_without(self) -> None:
        plain = keras.function(lambda x: x + 1)
        called = keras.function()(lambda x: x + 1)
        for f in (plain, called, at_the_top):
            assert f(np.ones(1)).tolist() == [2.0]
        assert at_the_top.__name__ == "at_the_top" and at_the_top.__doc__ == "Adds one."
        assert repr(at_the_top) == "<Function at_the_top>"

    def test_methods(self) -> None:
        a, b = Counter(1.0), Counter(10.0)
        times = np.float32(2)
        assert [c.move(times).item() for c in (a, b, a, b)] == [2.0, 20.0, 4.0, 40.0]
        assert a.twice(times).item() == 6.0 + 8.0
        assert Counter.move.__doc__ == "Go on." and isinstance(Counter.move, Function)

    def test_objects_are_not_kept_alive(self) -> None:
        a = Counter(1.0)
        a.move(np.float32(1))
        gone = weakref.ref(a)
        del a
        gc.collect()
        assert gone() is None

    def test_in_a_model_that_is_copied(self) -> None:
        class Own(keras.Model):
            def __init__(self) -> None:
                super().__init__()
                self.dense = layers.Dense(1, kernel_initializer="ones")
                self.forward = keras.function(lambda x: x * 2)

            @keras.function
            def call(self, x: Any) -> Any:
                return self.forward(self.dense(x))

        model = Own()
        model.compile("sgd", "mse")
        model.fit(X, Y, verbose=0)
        other = copy.deepcopy(model)
        assert other.predict(X, verbose=0).tobytes() == model.predict(X, verbose=0).tobytes()
        np.testing.assert_array_equal(other(X), model(X))

    def test_pickled_by_name(self) -> None:
        assert pickle.loads(pickle.dumps(at_the_top)) is at_the_top

    def test_inside_another_it_is_part_of_that(self) -> None:
        seen: list[Any] = []

        @keras.function
        def inner(x: Any) -> Any:
            seen.append(type(x).__name__)
            return x * x

        outer = keras.function(lambda x: inner(x) + inner(x))
        assert outer(np.full(1, 3.0)).tolist() == [18.0]
        assert seen == ["KerasTensor"] * 2
        value, slope = keras.value_and_grad(lambda x: ops.sum(inner(x)))(np.full(1, 3.0))
        assert (value.item(), slope.item()) == (9.0, 6.0)
        x = keras.Input((2,))
        model = keras.Model(x, inner(x))
        assert model.predict(np.full((1, 2), 3.0), verbose=0).tolist() == [[9.0, 9.0]]

    def test_in_a_stateless_scope_it_changes_nothing(self) -> None:
        counter = Counter(1.0)
        with keras.StatelessScope([(counter.count, 5.0)]) as scope:
            counter.move(np.float32(2))
        assert float(scope.get_current_value(counter.count)) == 7.0
        assert counter.count.numpy() == 0.0

    def test_threads(self) -> None:
        counter = Counter(1.0)
        found: list[Any] = []

        def run() -> None:
            found.extend(counter.move(np.float32(1)).item() for _ in range(50))

        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(found) == [float(n) for n in range(1, 201)]


class TestBad:
    @pytest.mark.parametrize("f", [3, "f", []])
    def test_no_function(self, f: Any) -> None:
        with pytest.raises(TypeError, match="function: expected a function, got"):
            keras.function(f)

    def test_arrays_of_words(self) -> None:
        with pytest.raises(keras.errors.DTypeError, match="expected an array of numbers"):
            at_the_top(np.array(["a", "b"]))

    def test_errors_inside_are_as_they_are(self) -> None:
        f = keras.function(lambda x: ops.matmul(x, ops.ones((3, 3))))
        with pytest.raises(keras.errors.ShapeError, match="matmul"):
            f(np.ones((2, 2)))
        assert f(np.ones((2, 3))).tolist() == [[3.0] * 3] * 2

    def test_what_is_kept_for_later_has_no_numbers(self) -> None:
        kept: list[Any] = []
        f = keras.function(lambda x: kept.append(x * 2) or x)
        f(np.ones(2))
        with pytest.raises(TypeError, match="traced"):
            kept[0] + 1


def network() -> Any:
    keras.utils.set_random_seed(4)
    return keras.Sequential(
        [
            keras.Input((8,)),
            layers.Dense(16, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.2),
            layers.Dense(2, activation="softmax"),
        ]
    )


def stateful(model: Any, optimizer: Any, loss: Any, metrics: Any) -> Any:
    """The step of a loop written from scratch."""
    mean, accuracy = metrics

    @keras.function
    def train_step(x: Any, y: Any) -> Any:
        def loss_of(_: Any) -> Any:
            y_pred = model(x, training=True)
            return loss(y, y_pred), y_pred

        variables = model.trainable_variables
        (value, y_pred), gradients = keras.value_and_grad(loss_of, has_aux=True)(variables)
        optimizer.apply(gradients, variables)
        mean.update_state(value, sample_weight=ops.shape(x)[0])
        accuracy.update_state(y, y_pred)
        return value

    return train_step


def stateless(model: Any, optimizer: Any, loss: Any, metrics: Any) -> Any:
    """The same as a function of a state, which the loop hands on."""
    mean, accuracy = metrics
    optimizer.build(model.trainable_variables)

    def compute_loss(trainable: Any, other: Any, x: Any, y: Any) -> Any:
        y_pred, other = model.stateless_call(trainable, other, x, training=True)
        return loss(y, y_pred), (other, y_pred)

    @keras.function
    def pure(state: Any, x: Any, y: Any) -> Any:
        trainable, other, of_optimizer, of_mean, of_accuracy = state
        differentiated = keras.value_and_grad(compute_loss, has_aux=True)
        (value, (other, y_pred)), gradients = differentiated(trainable, other, x, y)
        trainable, of_optimizer = optimizer.stateless_apply(of_optimizer, gradients, trainable)
        of_mean = mean.stateless_update_state(of_mean, value, sample_weight=ops.shape(x)[0])
        of_accuracy = accuracy.stateless_update_state(of_accuracy, y, y_pred)
        return value, (trainable, other, of_optimizer, of_mean, of_accuracy)

    groups = (
        model.trainable_variables,
        model.non_trainable_variables,
        optimizer.variables,
        mean.variables,
        accuracy.variables,
    )

    def train_step(x: Any, y: Any) -> Any:
        value, after = pure(tuple([v.numpy() for v in group] for group in groups), x, y)
        for group, values in zip(groups, after):
            for variable, new in zip(group, values):
                variable.assign(new)
        return value

    return train_step


@pytest.mark.parametrize("make", [stateful, stateless])
def test_a_loop_from_scratch_gives_the_bits_of_fit(make: Callable[..., Any]) -> None:
    standard = network()
    standard.compile(
        keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    told = standard.fit(X, Y, batch_size=36, epochs=3, shuffle=False, verbose=0).history
    model, optimizer = network(), keras.optimizers.Adam(0.01)
    mean, accuracy = keras.metrics.Mean(), keras.metrics.SparseCategoricalAccuracy()
    loss = keras.losses.SparseCategoricalCrossentropy()
    step = make(model, optimizer, loss, (mean, accuracy))
    history: dict[str, list[float]] = {"loss": [], "accuracy": []}
    for _ in range(3):
        for at in range(0, len(X), 36):
            step(X[at : at + 36], Y[at : at + 36])
        for name, metric in (("loss", mean), ("accuracy", accuracy)):
            history[name].append(float(metric.result()))
            metric.reset_state()
    assert history == {name: told[name] for name in history}
    for ours, theirs in (
        (model.variables, standard.variables),
        (optimizer.variables, standard.optimizer.variables),
    ):
        assert [v.numpy().tobytes() for v in ours] == [v.numpy().tobytes() for v in theirs]


def test_an_evaluation_loop_from_scratch() -> None:
    model, accuracy = network(), keras.metrics.SparseCategoricalAccuracy()

    @keras.function
    def test_step(x: Any, y: Any) -> None:
        accuracy.update_state(y, model(x, training=False))

    for at in range(0, 96, 32):
        test_step(X[at : at + 32], Y[at : at + 32])
    by_hand = np.mean(model.predict(X, verbose=0).argmax(axis=1) == Y)
    assert float(accuracy.result()) == pytest.approx(by_hand)


def test_losses_that_layers_add_count() -> None:
    """y = w x with w = 1 and an activity penalty of |y|: their sum is (1 - 3)^2 + 1."""
    dense = layers.Dense(
        1, use_bias=False, kernel_initializer="ones", activity_regularizer=keras.regularizers.L1(1.0)
    )
    model = keras.Sequential([keras.Input((1,)), dense])

    @keras.function
    def loss_of(x: Any, y: Any) -> Any:
        y_pred = model(x, training=True)
        return ops.mean(ops.square(y - y_pred)) + sum(model.losses)

    assert loss_of(np.ones((1, 1), "float32"), np.full((1, 1), 3.0, "float32")).item() == 5.0
