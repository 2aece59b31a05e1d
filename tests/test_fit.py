"""fit, evaluate and predict: what Keras's arguments mean."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import callbacks, layers, ops

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 4)).astype("float32")
Y = (X @ RNG.normal(size=(4, 2)) + 0.1).astype("float32")
LABELS = RNG.integers(0, 3, 50)


def linear(units: int = 2, **options: Any) -> Any:
    """A linear model of four inputs with fixed weights, compiled for mean squared error."""
    model = cr.Sequential([cr.Input((4,)), layers.Dense(units)])
    generator = np.random.default_rng(7)
    model.set_weights([generator.normal(size=w.shape).astype("float32") for w in model.weights])
    model.compile(**{"optimizer": cr.optimizers.SGD(0.05), "loss": "mse", **options})
    return model


def classifier(**options: Any) -> Any:
    cr.utils.set_random_seed(1)
    model = cr.Sequential(
        [cr.Input((4,)), layers.Dense(8, activation="relu"), layers.Dense(3, activation="softmax")]
    )
    model.compile(**{"optimizer": "adam", "loss": "sparse_categorical_crossentropy", **options})
    return model


def same(a: Any, b: Any) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a.get_weights(), b.get_weights()))


class Recorder(callbacks.Callback):
    """Every event in order."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[str] = []

    def on_train_begin(self, logs: Any = None) -> None:
        self.events.append("train")

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.events.append(f"epoch {epoch}")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.events.append(f"end {epoch} {sorted(logs)}")

    def on_train_end(self, logs: Any = None) -> None:
        self.events.append("done")


class Batches(callbacks.Callback):
    def __init__(self) -> None:
        super().__init__()
        self.losses: list[float] = []
        self.begun: list[int] = []

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.begun.append(batch)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.losses.append(logs["loss"])


@pytest.mark.parametrize("batch_size", [1, 16, 50, 200])
def test_a_step_is_a_batch_and_the_last_short_batch_counts(batch_size: int) -> None:
    model = linear()
    seen = Batches()
    model.fit(X, Y, batch_size=batch_size, verbose=0, callbacks=[seen])
    assert seen.begun == list(range(math.ceil(50 / batch_size)))
    assert int(model.optimizer.iterations.numpy()) == math.ceil(50 / batch_size)


def test_full_batch_is_gradient_descent() -> None:
    model = linear()
    kernel, bias = (w.astype("float64") for w in model.get_weights())
    model.fit(X, Y, batch_size=50, epochs=3, verbose=0)
    for _ in range(3):
        error = X @ kernel + bias - Y
        kernel -= 0.05 * X.T @ error / 50
        bias -= 0.05 * error.mean(axis=0)
    np.testing.assert_allclose(model.get_weights()[0], kernel, rtol=1e-4)
    np.testing.assert_allclose(model.get_weights()[1], bias, rtol=1e-4, atol=1e-6)


def test_history_and_events() -> None:
    recorder = Recorder()
    model = linear(metrics=["mae"])
    history = model.fit(
        X, Y, epochs=3, verbose=0, validation_data=(X, Y), validation_freq=2, callbacks=[recorder]
    )
    assert history is model.history
    assert history.epoch == [0, 1, 2]
    assert set(history.history) == {"loss", "mae", "val_loss", "val_mae"}
    assert len(history.history["loss"]) == 3
    assert len(history.history["val_loss"]) == 1
    assert recorder.events == [
        "train",
        "epoch 0",
        "end 0 ['loss', 'mae']",
        "epoch 1",
        "end 1 ['loss', 'mae', 'val_loss', 'val_mae']",
        "epoch 2",
        "end 2 ['loss', 'mae']",
        "done",
    ]


def test_validation_freq_as_a_list() -> None:
    history = linear().fit(
        X, Y, epochs=4, verbose=0, validation_data=(X, Y), validation_freq=[1, 4]
    )
    assert len(history.history["val_loss"]) == 2


def test_initial_epoch() -> None:
    history = linear().fit(X, Y, epochs=5, initial_epoch=3, verbose=0)
    assert history.epoch == [3, 4]


def test_no_epochs() -> None:
    model = linear()
    before = model.get_weights()
    assert model.fit(X, Y, epochs=0, verbose=0).history == {}
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights()))


def test_validation_split_takes_the_last_rows() -> None:
    split = linear()
    split.fit(X, Y, validation_split=0.2, shuffle=False, verbose=0)
    whole = linear()
    history = whole.fit(
        X[:40], Y[:40], validation_data=(X[40:], Y[40:]), shuffle=False, verbose=0
    )
    assert same(split, whole)
    assert split.history.history == history.history


def test_shuffle_changes_the_order_every_epoch() -> None:
    plain, shuffled = linear(), linear()
    cr.utils.set_random_seed(3)
    plain.fit(X, Y, epochs=2, shuffle=False, batch_size=7, verbose=0)
    shuffled.fit(X, Y, epochs=2, shuffle=True, batch_size=7, verbose=0)
    assert not same(plain, shuffled)
    again = linear()
    cr.utils.set_random_seed(3)
    again.fit(X, Y, epochs=2, shuffle=True, batch_size=7, verbose=0)
    assert same(shuffled, again)


def test_sample_weights() -> None:
    weights = RNG.uniform(size=50).astype("float32")
    model = linear()
    value = model.evaluate(X, Y, sample_weight=weights, batch_size=50, verbose=0)
    rows = ((model.predict(X, verbose=0) - Y) ** 2).mean(axis=1)
    np.testing.assert_allclose(value, (rows * weights).mean(), rtol=1e-5)


def test_rows_of_weight_zero_do_not_count() -> None:
    x, y = np.concatenate([X, 100 * X]), np.concatenate([Y, -Y])
    weights = np.repeat([1.0, 0.0], 50)
    weighted, plain = linear(), linear()
    weighted.fit(x, y, sample_weight=weights, batch_size=100, verbose=0)
    kernel, bias = (w.astype("float64") for w in plain.get_weights())
    error = X @ kernel + bias - Y
    np.testing.assert_allclose(
        weighted.get_weights()[0], kernel - 0.05 * X.T @ error / 100, rtol=1e-4
    )


@pytest.mark.parametrize("one_hot", [False, True])
def test_class_weight_is_a_sample_weight(one_hot: bool) -> None:
    loss = "categorical_crossentropy" if one_hot else "sparse_categorical_crossentropy"
    y: Any = np.eye(3, dtype="float32")[LABELS] if one_hot else LABELS
    by_class, by_row = classifier(loss=loss), classifier(loss=loss)
    by_class.fit(X, y, class_weight={0: 2.0, 2: 0.5}, shuffle=False, verbose=0)
    rows = np.array([2.0, 1.0, 0.5], "float32")[LABELS]
    by_row.fit(X, y, sample_weight=rows, shuffle=False, verbose=0)
    assert same(by_class, by_row)


def test_weighted_metrics() -> None:
    weights = np.linspace(0, 1, 50).astype("float32")
    model = linear(metrics=["mae"], weighted_metrics=["mae"])
    logs = model.evaluate(X, Y, sample_weight=weights, verbose=0, return_dict=True)
    rows = np.abs(model.predict(X, verbose=0) - Y).mean(axis=1)
    np.testing.assert_allclose(logs["mae"], rows.mean(), rtol=1e-5)
    np.testing.assert_allclose(
        logs["weighted_mae"], (rows * weights).sum() / weights.sum(), rtol=1e-5
    )


def test_steps_per_epoch_goes_on_where_the_last_epoch_stopped() -> None:
    stepped, whole = linear(), linear()
    stepped.fit(X, Y, batch_size=10, steps_per_epoch=2, epochs=2, shuffle=False, verbose=0)
    whole.fit(X[:40], Y[:40], batch_size=10, shuffle=False, verbose=0)
    assert same(stepped, whole)


def test_steps_beyond_the_data_warn() -> None:
    with pytest.warns(UserWarning, match="ran out of data"):
        history = linear().fit(X, Y, batch_size=25, steps_per_epoch=5, epochs=2, verbose=0)
    assert len(history.history["loss"]) == 2


class TestInputs:
    """Every form of the same numbers trains the same."""

    @pytest.mark.parametrize(
        "form",
        [
            lambda x: x.astype("float64"),
            lambda x: np.asfortranarray(x),
            lambda x: np.repeat(x, 2, axis=0)[::2],
            lambda x: x[::-1][::-1],
            lambda x: x.tolist(),
            lambda x: [list(row) for row in x.tolist()],
            lambda x: x.astype(">f4"),
            lambda x: x.astype("longdouble"),
        ],
    )
    def test_forms(self, form: Any) -> None:
        a, b = linear(), linear()
        a.fit(X, Y, shuffle=False, verbose=0)
        b.fit(form(X), form(Y), shuffle=False, verbose=0)
        for u, v in zip(a.get_weights(), b.get_weights()):
            np.testing.assert_allclose(u, v, rtol=1e-6)
        np.testing.assert_allclose(
            a.predict(X, verbose=0), b.predict(form(X), verbose=0), rtol=1e-5
        )

    @pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32",
                                       "int64", "uint64", "float16", "bool"])
    def test_dtypes(self, dtype: str) -> None:
        x = RNG.integers(0, 2, (20, 4)).astype(dtype)
        a, b = linear(), linear()
        a.fit(x, Y[:20], shuffle=False, verbose=0)
        b.fit(x.astype("float32"), Y[:20], shuffle=False, verbose=0)
        for u, v in zip(a.get_weights(), b.get_weights()):
            np.testing.assert_allclose(u, v, rtol=1e-5)

    def test_read_only(self) -> None:
        x = X.copy()
        x.flags.writeable = False
        assert linear().fit(x, Y, verbose=0).history["loss"][0] > 0

    def test_memmap_behind_an_odd_header(self, tmp_path: Path) -> None:
        path = tmp_path / "x.bin"
        path.write_bytes(b"odd" + X.tobytes())
        x = np.memmap(path, dtype="float32", mode="r", offset=3, shape=X.shape)
        a, b = linear(), linear()
        a.fit(X, Y, shuffle=False, verbose=0)
        b.fit(x, Y, shuffle=False, verbose=0)
        assert same(a, b)

    def test_array_protocol(self) -> None:
        class Table:
            def __init__(self, values: Any) -> None:
                self.values = values

            def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
                return np.asarray(self.values, dtype)

        a, b = linear(), linear()
        a.fit(X, Y, shuffle=False, verbose=0)
        b.fit(Table(X), Table(Y), shuffle=False, verbose=0)
        assert same(a, b)

    def test_targets_of_shape_n_and_n_1(self) -> None:
        a, b = linear(1), linear(1)
        a.fit(X, Y[:, 0], shuffle=False, verbose=0)
        b.fit(X, Y[:, :1], shuffle=False, verbose=0)
        assert same(a, b)

    def test_labels_of_shape_n_and_n_1(self) -> None:
        a, b = classifier(), classifier()
        a.fit(X, LABELS, shuffle=False, verbose=0)
        b.fit(X, LABELS[:, None].astype("float32"), shuffle=False, verbose=0)
        assert same(a, b)


class TestGenerators:
    @staticmethod
    def batches(epochs: int = 1) -> Iterator[Any]:
        for _ in range(epochs):
            for i in range(0, 50, 10):
                yield X[i : i + 10], Y[i : i + 10]

    def test_generator(self) -> None:
        a, b = linear(), linear()
        a.fit(X, Y, batch_size=10, shuffle=False, epochs=2, verbose=0)
        b.fit(self.batches(2), steps_per_epoch=5, epochs=2, verbose=0)
        assert same(a, b)
        assert a.history.history == b.history.history

    def test_iterable_starts_again_each_epoch(self) -> None:
        a, b = linear(), linear()
        a.fit(X, Y, batch_size=10, shuffle=False, epochs=2, verbose=0)

        class Data:
            def __iter__(self) -> Iterator[Any]:
                return TestGenerators.batches()

        b.fit(Data(), epochs=2, verbose=0)
        assert same(a, b)

    def test_indexed_batches(self) -> None:
        class Data:
            ends = 0

            def __len__(self) -> int:
                return 5

            def __getitem__(self, i: int) -> Any:
                return X[10 * i : 10 * i + 10], Y[10 * i : 10 * i + 10]

            def on_epoch_end(self) -> None:
                self.ends += 1

        a, b, data = linear(), linear(), Data()
        a.fit(X, Y, batch_size=10, shuffle=False, epochs=2, verbose=0)
        b.fit(data, epochs=2, verbose=0)
        assert same(a, b)
        assert data.ends == 2

    def test_sample_weights_from_the_generator(self) -> None:
        weights = np.linspace(0, 2, 50).astype("float32")
        a, b = linear(), linear()
        a.fit(X, Y, sample_weight=weights, batch_size=10, shuffle=False, verbose=0)
        b.fit(((x, y, weights[10 * i : 10 * i + 10]) for i, (x, y) in enumerate(self.batches())),
              verbose=0)
        assert same(a, b)

    def test_class_weight_with_a_generator(self) -> None:
        a, b = classifier(), classifier()
        a.fit(X, LABELS, batch_size=25, class_weight={1: 3.0}, shuffle=False, verbose=0)
        b.fit(((X[i : i + 25], LABELS[i : i + 25]) for i in (0, 25)), class_weight={1: 3.0},
              verbose=0)
        assert same(a, b)

    def test_builds_the_model_on_the_first_batch(self) -> None:
        model = cr.Sequential([layers.Dense(2)])
        model.compile("sgd", "mse")
        model.fit(self.batches(), verbose=0)
        assert model.weights[0].shape == (4, 2)

    def test_a_generator_that_ends_early_warns(self) -> None:
        with pytest.warns(UserWarning, match="ran out of data"):
            linear().fit(self.batches(), steps_per_epoch=7, verbose=0)

    def test_evaluate_and_predict(self) -> None:
        model = linear()
        whole = model.evaluate(X, Y, verbose=0)
        np.testing.assert_allclose(model.evaluate(self.batches(), verbose=0), whole, rtol=1e-5)
        np.testing.assert_allclose(
            model.predict((x for x, _ in self.batches()), verbose=0),
            model.predict(X, verbose=0),
            rtol=1e-6,
        )

    def test_validation_data_as_a_generator(self) -> None:
        model = linear()
        history = model.fit(X, Y, verbose=0, validation_data=self.batches(), validation_steps=5)
        np.testing.assert_allclose(
            history.history["val_loss"][0], model.evaluate(X, Y, verbose=0), rtol=1e-5
        )


class TestCallbacks:
    def test_stop_training(self) -> None:
        class Stop(callbacks.Callback):
            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                self.model.stop_training = epoch == 1

        assert linear().fit(X, Y, epochs=9, verbose=0, callbacks=[Stop()]).epoch == [0, 1]

    def test_stop_training_in_the_middle_of_an_epoch(self) -> None:
        class Stop(Batches):
            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
                super().on_train_batch_end(batch, logs)
                self.model.stop_training = batch == 2

        stop = Stop()
        model = linear()
        history = model.fit(X, Y, batch_size=5, epochs=3, verbose=0, callbacks=[stop])
        assert history.epoch == [0]
        assert int(model.optimizer.iterations.numpy()) == 3

    def test_learning_rate_set_while_training(self) -> None:
        class Rate(callbacks.Callback):
            def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
                self.model.optimizer.learning_rate = 0.05 if epoch == 0 else 0.0

        a, b = linear(), linear()
        a.fit(X, Y, epochs=1, shuffle=False, verbose=0)
        b.fit(X, Y, epochs=4, shuffle=False, verbose=0, callbacks=[Rate()])
        assert same(a, b)

    def test_batch_events_do_not_change_the_numbers(self) -> None:
        a, b = classifier(), classifier()
        cr.utils.set_random_seed(0)
        a.fit(X, LABELS, epochs=2, batch_size=8, verbose=0)
        cr.utils.set_random_seed(0)
        b.fit(X, LABELS, epochs=2, batch_size=8, verbose=0, callbacks=[Batches()])
        assert same(a, b)

    def test_an_exception_in_a_callback_leaves_the_model_usable(self) -> None:
        class Fails(callbacks.Callback):
            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
                raise RuntimeError(f"at {batch}")

        model = linear()
        with pytest.raises(RuntimeError, match="at 0"):
            model.fit(X, Y, batch_size=5, verbose=0, callbacks=[Fails()])
        assert int(model.optimizer.iterations.numpy()) == 1
        before = model.evaluate(X, Y, verbose=0)
        model.fit(X, Y, epochs=5, verbose=0)
        assert model.evaluate(X, Y, verbose=0) < before


class TestModels:
    def test_frozen_layers_do_not_move(self) -> None:
        model = classifier()
        model.fit(X, LABELS, verbose=0)
        model.layers[0].trainable = False
        model.compile("adam", "sparse_categorical_crossentropy")
        frozen, moving = model.get_weights()[0], model.get_weights()[2]
        model.fit(X, LABELS, verbose=0)
        assert np.array_equal(frozen, model.get_weights()[0])
        assert not np.array_equal(moving, model.get_weights()[2])

    def test_a_shared_layer_gets_both_gradients(self) -> None:
        shared = layers.Dense(4, use_bias=False)
        x = cr.Input((4,))
        model = cr.Model(x, shared(shared(x)))
        model.compile(cr.optimizers.SGD(0.1), "mse")
        assert len(model.trainable_weights) == 1
        report = model.check_gradients(X, X)
        assert report.ok, report

    def test_regularizers_and_add_loss(self) -> None:
        class Penalty(layers.Layer):
            def call(self, x: Any) -> Any:
                self.add_loss(ops.mean(x**2))
                return x

        model = cr.Sequential([cr.Input((4,)), Penalty(), layers.Dense(2, kernel_regularizer="l2")])
        model.compile("sgd", "mse")
        kernel = model.get_weights()[0]
        expected = (
            ((model.predict(X, verbose=0) - Y) ** 2).mean()
            + (X**2).mean()
            + 0.01 * (kernel**2).sum()
        )
        np.testing.assert_allclose(model.evaluate(X, Y, batch_size=50, verbose=0), expected,
                                   rtol=1e-5)
        assert len(model.losses) == 1
        np.testing.assert_allclose(model.losses[0], 0.01 * (kernel**2).sum(), rtol=1e-5)

    def test_add_loss_alone(self) -> None:
        class Penalty(layers.Layer):
            def call(self, x: Any) -> Any:
                self.add_loss(ops.mean(x**2))
                return x

        model = cr.Sequential([cr.Input((4,)), layers.Dense(2), Penalty()])
        model.compile(cr.optimizers.SGD(0.1))
        losses = model.fit(X, epochs=3, verbose=0).history["loss"]
        assert losses[2] < losses[0]

    def test_own_loss_and_metric_are_traced(self) -> None:
        def quartic(y_true: Any, y_pred: Any) -> Any:
            return ops.mean((y_true - y_pred) ** 4, axis=-1)

        model = linear(loss=quartic, metrics=[quartic])
        logs = model.evaluate(X, Y, verbose=0, return_dict=True)
        expected = ((model.predict(X, verbose=0) - Y) ** 4).mean()
        np.testing.assert_allclose(logs["loss"], expected, rtol=1e-4)
        np.testing.assert_allclose(logs["quartic"], expected, rtol=1e-4)
        assert model.check_gradients(X, Y).ok

    def test_own_layer_trains(self) -> None:
        class Scale(layers.Layer):
            def build(self, input_shape: Any) -> None:
                self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones")

            def call(self, x: Any) -> Any:
                return x * self.factor

        model = cr.Sequential([Scale(), layers.Dense(2)])
        model.compile("adam", "mse")
        losses = model.fit(X, Y, epochs=5, verbose=0).history["loss"]
        assert losses[-1] < losses[0]

    def test_dropout_acts_in_training_only(self) -> None:
        model = cr.Sequential([cr.Input((4,)), layers.Dropout(0.5)])
        model.compile("sgd", "mse")
        assert np.array_equal(model.predict(X, verbose=0), X)
        assert model.evaluate(X, X, verbose=0) == 0.0
        assert model.fit(X, X, verbose=0).history["loss"][0] > 0.0

    def test_metrics_in_the_place_of_loss_weights(self) -> None:
        with pytest.raises(ValueError, match=r"numbers as `loss_weights`, got 'accuracy' in \["):
            cr.Sequential([layers.Dense(1)]).compile("adam", "mse", ["accuracy"])

    def test_structured_inputs_and_outputs(self) -> None:
        a, b = cr.Input((4,), name="a"), cr.Input((2,), name="b")
        hidden = layers.Concatenate()([a, b])
        model = cr.Model(
            {"a": a, "b": b},
            {"p": layers.Dense(2, name="p")(hidden), "q": layers.Dense(3, name="q")(hidden)},
        )
        model.compile(
            "adam",
            {"p": "mse", "q": "sparse_categorical_crossentropy"},
            loss_weights={"p": 1.0, "q": 0.5},
            metrics={"q": ["accuracy"]},
        )
        data, targets = {"a": X, "b": Y}, {"p": Y, "q": LABELS}
        history = model.fit(data, targets, epochs=2, verbose=0, validation_split=0.2)
        assert {"loss", "p_loss", "q_loss", "q_accuracy", "val_q_accuracy"} <= set(history.history)
        out = model.predict(data, verbose=0)
        assert {k: v.shape for k, v in out.items()} == {"p": (50, 2), "q": (50, 3)}
        logs = model.evaluate(data, targets, verbose=0, return_dict=True)
        np.testing.assert_allclose(logs["loss"], logs["p_loss"] + 0.5 * logs["q_loss"], rtol=1e-5)

    def test_several_outputs_in_a_list(self) -> None:
        x = cr.Input((4,))
        model = cr.Model(x, [layers.Dense(2)(x), layers.Dense(1)(x)])
        model.compile("sgd", ["mse", "mae"])
        model.fit(X, [Y, Y[:, 0]], verbose=0)
        first, second = model.predict(X, verbose=0)
        assert (first.shape, second.shape) == ((50, 2), (50, 1))

    def test_float64(self) -> None:
        model = cr.Sequential([cr.Input((4,), dtype="float64"), layers.Dense(2, dtype="float64")],
                              name="wide")
        model.compile("sgd", "mse")
        model.fit(X.astype("float64"), Y, verbose=0)
        assert model.get_weights()[0].dtype == np.float64

    def test_exponential_moving_average_replaces_the_weights(self) -> None:
        model = linear(optimizer=cr.optimizers.SGD(0.05, use_ema=True, ema_momentum=0.5))
        one, two = linear(), linear()
        one.fit(X, Y, batch_size=50, shuffle=False, verbose=0)
        two.fit(X, Y, batch_size=50, epochs=2, shuffle=False, verbose=0)
        model.fit(X, Y, batch_size=50, epochs=2, shuffle=False, verbose=0)
        for a, b, average in zip(one.get_weights(), two.get_weights(), model.get_weights()):
            np.testing.assert_allclose(average, 0.5 * a + 0.5 * b, rtol=1e-5, atol=1e-6)

    def test_subclass_with_own_compute_loss(self) -> None:
        class Own(cr.Model):
            def __init__(self) -> None:
                super().__init__()
                self.dense = layers.Dense(2)

            def call(self, x: Any) -> Any:
                return self.dense(x)

            def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None,
                             sample_weight: Any = None, training: bool = True) -> Any:
                return ops.mean(ops.abs(y - y_pred)) * 3.0

        model = Own()
        model.compile("sgd")
        value = model.evaluate(X, Y, batch_size=50, verbose=0)
        expected = 3 * np.abs(model.predict(X, verbose=0) - Y).mean()
        np.testing.assert_allclose(value, expected, rtol=1e-5)


class TestOneBatch:
    def test_train_on_batch_is_a_step_of_fit(self) -> None:
        a, b = linear(), linear()
        a.fit(X, Y, batch_size=50, shuffle=False, verbose=0)
        value = b.train_on_batch(X, Y)
        assert same(a, b)
        np.testing.assert_allclose(value, a.history.history["loss"][0], rtol=1e-6)

    def test_test_on_batch_and_predict_on_batch(self) -> None:
        model = linear(metrics=["mae"])
        logs = model.test_on_batch(X, Y, return_dict=True)
        np.testing.assert_allclose(logs["loss"], model.evaluate(X, Y, verbose=0)[0], rtol=1e-6)
        assert np.array_equal(model.predict_on_batch(X), model.predict(X, verbose=0))

    def test_values_are_those_of_the_batch(self) -> None:
        model = linear()
        model.test_on_batch(X[:25], Y[:25])
        value = model.test_on_batch(X[25:], Y[25:])
        np.testing.assert_allclose(value, model.evaluate(X[25:], Y[25:], verbose=0), rtol=1e-5)


def test_steps_per_execution_thins_the_batch_events() -> None:
    class Numbers(Batches):
        ends: list[int] = []

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.ends = [*self.ends, batch]

    plain, thinned, seen = linear(), linear(steps_per_execution=3), Numbers()
    plain.fit(X, Y, batch_size=10, shuffle=False, verbose=0)
    thinned.fit(X, Y, batch_size=10, shuffle=False, verbose=0, callbacks=[seen])
    assert same(plain, thinned)
    assert (seen.begun, seen.ends) == ([0, 3], [2, 5])


def test_steps_per_epoch_are_whole_executions() -> None:
    model, seen = linear(steps_per_execution=2), Batches()
    model.fit(X, Y, batch_size=10, steps_per_epoch=3, shuffle=False, verbose=0, callbacks=[seen])
    assert seen.begun == [0, 2]
    assert int(model.optimizer.iterations) == 4


def test_a_generator_without_data_for_a_second_epoch_ends_training() -> None:
    with pytest.warns(UserWarning, match="before epoch 2 of 3"):
        history = linear().fit(TestGenerators.batches(), epochs=3, verbose=0)
    assert history.epoch == [0]


def test_evaluate_returns_a_number_or_a_list() -> None:
    assert isinstance(linear().evaluate(X, Y, verbose=0), float)
    value = linear(metrics=["mae", "mape"]).evaluate(X, Y, verbose=0)
    assert isinstance(value, list)
    assert len(value) == 3


def test_predict_in_batches_of_any_size() -> None:
    model = classifier()
    whole = model.predict(X, batch_size=50, verbose=0)
    for size in (1, 7, 32, 100):
        np.testing.assert_allclose(model.predict(X, batch_size=size, verbose=0), whole, rtol=1e-6)


def test_same_seed_same_bits() -> None:
    def train() -> Any:
        model = classifier()
        cr.utils.set_random_seed(5)
        model.fit(X, LABELS, epochs=2, verbose=0)
        return model

    assert same(train(), train())


def test_verbose_prints_a_bar_or_a_line(capsys: Any) -> None:
    linear().fit(X, Y, verbose=2, epochs=2)
    out = capsys.readouterr().out
    assert "Epoch 1/2" in out
    assert "loss:" in out
    linear().fit(X, Y, verbose=0)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("way", ["arrays", "batches"])
def test_a_stop_after_the_last_full_batch_leaves_the_short_one(way: str) -> None:
    class Stop(callbacks.Callback):
        ended: list[int] = []

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.ended = [*self.ended, batch]
            self.model.stop_training = batch == 2

    model, stop = linear(), Stop()
    data = {"x": X, "y": Y} if way == "arrays" else {"x": _batches()}
    model.fit(**data, batch_size=16, shuffle=False, epochs=3, verbose=0, callbacks=[stop])
    assert stop.ended == [0, 1, 2]
    expected = linear()
    for start in (0, 16, 32):
        expected.train_on_batch(X[start : start + 16], Y[start : start + 16])
    assert same(model, expected)


def _batches() -> Iterator[Any]:
    for start in range(0, len(X), 16):
        yield X[start : start + 16], Y[start : start + 16]


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16", "float32"])
def test_predictions_have_the_dtype_of_the_outputs_however_the_data_come(dtype: str) -> None:
    model = cr.Sequential([cr.Input((4,)), layers.Dense(2, dtype=dtype)])
    expected = model(X)
    for found in (
        model.predict(X, batch_size=16, verbose=0),
        model.predict(_batches(), verbose=0),
        model.predict_on_batch(X),
    ):
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected, rtol=1e-2, atol=1e-2)


def test_a_model_that_was_pickled_with_its_training_among_its_attributes() -> None:
    model = linear(metrics=["mae"])
    model.fit(X, Y, verbose=0)
    state = model.__getstate__()
    training = state.pop("_training").__getstate__()
    state.update(
        _compile_config=training["config"],
        _compile_count=training["compilations"],
        _compile_loss=training["loss"],
        _compile_metrics=training["metrics"],
        _loss_tracker=training["tracker"],
    )
    other = type(model).__new__(type(model))
    other.__setstate__(state)
    assert not any(name.startswith("_compile_") for name in vars(other))
    assert other.evaluate(X, Y, verbose=0) == model.evaluate(X, Y, verbose=0)
