"""`train_step`, `test_step` and `predict_step` of one's own, in the forms of Keras's guides: the same
bits as the standard steps where they do the same, numbers found by hand where they do not."""

from __future__ import annotations

import contextlib
import copy
import pickle
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import chainrule as keras
from chainrule import layers, ops
from chainrule.saving import load_model, register_keras_serializable
from tests.test_optimizer_fit import MAKE

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 8)).astype("float32")
Y = (X.sum(axis=1) > 0).astype("int32")
WEIGHT = RNG.uniform(0.5, 2.0, size=200).astype("float32")


class Super(keras.Model):
    """The standard steps, called."""

    def train_step(self, data: Any) -> Any:
        return super().train_step(data)

    def test_step(self, data: Any) -> Any:
        return super().test_step(data)

    def predict_step(self, data: Any) -> Any:
        return super().predict_step(data)


class SuperWithState(keras.Model):
    """The standard steps, called with a state."""

    def train_step(self, state: Any, data: Any) -> Any:
        return super().train_step(state, data)

    def test_step(self, state: Any, data: Any) -> Any:
        return super().test_step(state, data)

    def predict_step(self, state: Any, data: Any) -> Any:
        return super().predict_step(state, data)


class Written(keras.Model):
    """The standard steps, written out."""

    def _add_to_metrics(self, loss: Any, x: Any, y: Any, y_pred: Any, weight: Any) -> Any:
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss, sample_weight=ops.shape(x)[0])
            else:
                metric.update_state(y, y_pred, sample_weight=weight)
        return {metric.name: metric.result() for metric in self.metrics}

    def train_step(self, data: Any) -> Any:
        x, y, weight = keras.utils.unpack_x_y_sample_weight(data)

        def loss_of(_: Any) -> Any:
            y_pred = self(x, training=True)
            return self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=weight), y_pred

        variables = self.trainable_variables
        (loss, y_pred), gradients = keras.value_and_grad(loss_of, has_aux=True)(variables)
        self.optimizer.apply(gradients, variables)
        return self._add_to_metrics(loss, x, y, y_pred, weight)

    def test_step(self, data: Any) -> Any:
        x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
        y_pred = self(x, training=False)
        loss = self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=weight)
        return self._add_to_metrics(loss, x, y, y_pred, weight)

    def predict_step(self, data: Any) -> Any:
        return self(data, training=False)


class Stateless(keras.Model):
    """The standard steps as functions of the state."""

    def _loss_and_updates(
        self, trainable: Any, other: Any, metrics: Any, x: Any, y: Any, weight: Any, training: bool
    ) -> Any:
        y_pred, other = self.stateless_call(trainable, other, x, training=training)
        loss, (_, other, _) = self.stateless_compute_loss(
            trainable, other, metrics, x, y, y_pred, weight, training
        )
        return loss, (y_pred, other)

    def _add_to_metrics(
        self, variables: Any, loss: Any, x: Any, y: Any, y_pred: Any, weight: Any
    ) -> Any:
        after: list[Any] = []
        logs = {}
        for metric in self.metrics:
            own = variables[len(after) : len(after) + len(metric.variables)]
            if metric.name == "loss":
                own = metric.stateless_update_state(own, loss, sample_weight=ops.shape(x)[0])
            else:
                own = metric.stateless_update_state(own, y, y_pred, sample_weight=weight)
            logs[metric.name] = metric.stateless_result(own)
            after += own
        return logs, after

    def train_step(self, state: Any, data: Any) -> Any:
        trainable, other, of_optimizer, of_metrics = state
        x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
        differentiated = keras.value_and_grad(self._loss_and_updates, has_aux=True)
        (loss, (y_pred, other)), gradients = differentiated(
            trainable, other, of_metrics, x, y, weight, training=True
        )
        trainable, of_optimizer = self.optimizer.stateless_apply(
            of_optimizer, gradients, trainable
        )
        logs, of_metrics = self._add_to_metrics(of_metrics, loss, x, y, y_pred, weight)
        return logs, (trainable, other, of_optimizer, of_metrics)

    def test_step(self, state: Any, data: Any) -> Any:
        trainable, other, of_metrics = state
        x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
        loss, (y_pred, other) = self._loss_and_updates(
            trainable, other, of_metrics, x, y, weight, training=False
        )
        logs, of_metrics = self._add_to_metrics(of_metrics, loss, x, y, y_pred, weight)
        return logs, (trainable, other, of_metrics)

    def predict_step(self, state: Any, data: Any) -> Any:
        trainable, other = state
        return self.stateless_call(trainable, other, data, training=False)


KINDS = [Super, SuperWithState, Written, Stateless]


def classifier(kind: type[Any]) -> Any:
    """A compiled network with all that has state: moving statistics, seeds, a regularizer."""
    keras.utils.set_random_seed(3)
    image = keras.Input((8,))
    x = layers.Dense(16, activation="relu", kernel_regularizer="l2")(image)
    x = layers.Dropout(0.3)(layers.BatchNormalization()(x))
    model = kind(image, layers.Dense(2, activation="softmax")(x))
    model.compile(
        keras.optimizers.Adam(0.01, global_clipnorm=1.0),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        weighted_metrics=["accuracy"],
    )
    return model


def bits(model: Any) -> list[bytes]:
    return [v.numpy().tobytes() for v in [*model.variables, *model.optimizer.variables]]


def of_arrays(model: Any) -> Any:
    return model.fit(X, Y, batch_size=48, epochs=3, validation_split=0.2, verbose=0).history


def of_weighted_arrays(model: Any) -> Any:
    held_out = (X[:40], Y[:40], WEIGHT[:40])
    return model.fit(
        X, Y, epochs=2, sample_weight=WEIGHT, class_weight={0: 2.0}, validation_data=held_out,
        verbose=0,
    ).history  # fmt: skip


def of_batches(model: Any) -> Any:
    def batches() -> Iterator[Any]:
        while True:
            for at in range(0, 200, 64):
                yield X[at : at + 64], Y[at : at + 64], WEIGHT[at : at + 64]

    return model.fit(batches(), steps_per_epoch=4, epochs=2, verbose=0).history


def of_one_batch(model: Any) -> Any:
    logs = [model.train_on_batch(X[:50], Y[:50], WEIGHT[:50], return_dict=True) for _ in range(3)]
    return logs, model.test_on_batch(X[:30], Y[:30])


def of_batch_events(model: Any) -> Any:
    told = []

    class Listen(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            told.append((batch, logs))

        def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
            told.append((batch, logs))

    model.fit(
        X, Y, batch_size=64, validation_data=(X[:70], Y[:70]), callbacks=[Listen()], verbose=0
    )
    return told


def of_frozen_layers(model: Any) -> Any:
    first = of_arrays(model)
    model.layers[1].trainable = False
    again = model.fit(X, Y, epochs=1, verbose=0).history
    model.optimizer.learning_rate = 0.5
    return first, again, model.fit(X, Y, epochs=1, verbose=0).history


def of_evaluation(model: Any) -> Any:
    told = model.evaluate(X, Y, batch_size=64, sample_weight=WEIGHT, verbose=0)
    return told, model.predict(X, batch_size=30, verbose=0).tobytes(), model.predict_on_batch(
        X[:5]
    ).tobytes(), model.predictor()(X[:3]).tobytes()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "run",
    [
        of_arrays,
        of_weighted_arrays,
        of_batches,
        of_one_batch,
        of_batch_events,
        of_frozen_layers,
        of_evaluation,
    ],
)
def test_what_does_the_same_gives_the_same_bits(
    kind: type[Any], run: Callable[[Any], Any]
) -> None:
    if kind is Stateless and run is of_frozen_layers:
        pytest.skip("`stateless_apply` takes all variables that the optimizer was built with")
    found = []
    for made in (keras.Model, kind):
        model = classifier(made)
        found.append((run(model), bits(model)))
    assert found[0] == found[1]


@pytest.mark.parametrize("name", MAKE)
def test_optimizers_that_a_step_builds_are_as_those_that_fit_builds(name: str) -> None:
    found = []
    for kind in (keras.Model, Super, SuperWithState):
        model = classifier(kind)
        model.compile(MAKE[name](keras.optimizers), "sparse_categorical_crossentropy")
        found.append((of_arrays(model), bits(model)))
    assert found[0] == found[1] == found[2]


def line(kind: type[Any], *args: Any, **kwargs: Any) -> Any:
    """y = w x with w = 0, in a model of the class."""
    model = kind([keras.Input((1,)), layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(*args, **kwargs)
    return model


XS = np.array([[1.0], [2.0], [3.0], [4.0]], "float32")


class TestLogs:
    def test_a_tensor_is_that_of_the_last_batch_and_a_metric_that_of_the_epoch(self) -> None:
        class Own(keras.Sequential):
            def __init__(self, *args: Any) -> None:
                super().__init__(*args)
                self.seen = keras.metrics.Sum(name="seen")

            @property
            def metrics(self) -> Any:
                return [self.seen]

            def train_step(self, data: Any) -> Any:
                largest = ops.max(data)
                self.seen.update_state(data)
                return {
                    "loss": largest,
                    "seen": self.seen.result(),
                    "inside": {"half": largest / 2},
                    "count": ops.shape(data)[0],
                    "rate": self.optimizer.learning_rate,
                }

        model = line(Own, keras.optimizers.SGD(0.25))
        told = model.fit(XS, batch_size=3, epochs=2, shuffle=False, verbose=0).history
        assert told == {
            "loss": [4.0, 4.0],
            "seen": [10.0, 10.0],
            "half": [2.0, 2.0],
            "count": [1.0, 1.0],
            "rate": [0.25, 0.25],
        }

    def test_arrays_come_as_arrays(self) -> None:
        class Own(keras.Sequential):
            def train_step(self, data: Any) -> Any:
                return {"rows": data[:, 0] * 2}

        model = line(Own, "sgd")
        found = model.train_on_batch(XS, return_dict=True)["rows"]
        assert found.tolist() == [2.0, 4.0, 6.0, 8.0]

    def test_validation_has_its_own(self) -> None:
        class Own(keras.Sequential):
            def train_step(self, data: Any) -> Any:
                return {"loss": ops.min(data[0])}

            def test_step(self, data: Any) -> Any:
                return {"loss": ops.max(data[0]), "sum": ops.sum(data[1])}

        model = line(Own, "sgd")
        told = model.fit(XS, XS, validation_data=(XS, 2 * XS), verbose=0).history
        assert told == {"loss": [1.0], "val_loss": [4.0], "val_sum": [20.0]}
        assert model.evaluate(XS, XS, verbose=0) == [4.0, 10.0]

    def test_batch_events_get_those_of_each_batch(self) -> None:
        told = []

        class Listen(keras.callbacks.Callback):
            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
                told.append(logs["loss"])

        class Own(keras.Sequential):
            def train_step(self, data: Any) -> Any:
                return {"loss": ops.sum(data)}

        model = line(Own, "sgd")
        model.fit(XS, batch_size=1, shuffle=False, callbacks=[Listen()], verbose=0)
        assert told == [1.0, 2.0, 3.0, 4.0]

    def test_the_progress_bar_shows_them(self, capsys: Any) -> None:
        class Own(keras.Sequential):
            def train_step(self, data: Any) -> Any:
                return {"largest": ops.max(data)}

        line(Own, "sgd").fit(XS, verbose=2)
        assert "largest: 4.0" in capsys.readouterr().out

    def test_metrics_that_a_class_computes_itself(self) -> None:
        class Own(keras.Sequential):
            def compute_metrics(
                self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
            ) -> Any:
                logs = super().compute_metrics(x, y, y_pred, sample_weight)
                return {**logs, "bias": ops.mean(y_pred - y)}

        model = line(Own, keras.optimizers.SGD(0.0), "mse", metrics=["mae"])
        told = model.fit(XS, XS, verbose=0).history
        assert told == {"loss": [7.5], "mae": [2.5], "bias": [-2.5]}
        assert model.evaluate(XS, XS, verbose=0, return_dict=True)["bias"] == -2.5


def test_the_first_example_of_the_guides() -> None:
    """One step of gradient descent on mean((w x - 2 x)^2): w goes from 0 to 0.1 * 4 * mean(x^2)."""

    class Own(keras.Sequential):
        def train_step(self, data: Any) -> Any:
            x, y = data

            def loss_of(_: Any) -> Any:
                y_pred = self(x, training=True)
                return self.compute_loss(y=y, y_pred=y_pred), y_pred

            variables = self.trainable_variables
            (loss, y_pred), gradients = keras.value_and_grad(loss_of, has_aux=True)(variables)
            self.optimizer.apply_gradients(zip(gradients, variables))
            for metric in self.metrics:
                if metric.name == "loss":
                    metric.update_state(loss)
                else:
                    metric.update_state(y, y_pred)
            return {metric.name: metric.result() for metric in self.metrics}

    model = line(Own, keras.optimizers.SGD(0.1), "mse", metrics=["mae"])
    told = model.fit(XS, 2 * XS, verbose=0).history
    assert told == {"loss": [30.0], "mae": [5.0]}
    assert model.get_weights()[0].item() == pytest.approx(0.1 * 4 * 7.5)


class OwnLoss(keras.Sequential):
    """Loss and metrics that `compile` knows nothing of."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.loss_tracker = keras.metrics.Mean(name="loss")
        self.error = keras.metrics.MeanAbsoluteError(name="mae")

    @property
    def metrics(self) -> Any:
        return [self.loss_tracker, self.error]

    def train_step(self, data: Any) -> Any:
        x, y = data

        def loss_of(_: Any) -> Any:
            y_pred = self(x, training=True)
            return keras.losses.mean_squared_error(y, y_pred)[0], y_pred

        variables = self.trainable_variables
        (loss, y_pred), gradients = keras.value_and_grad(loss_of, has_aux=True)(variables)
        self.optimizer.apply(gradients, variables)
        self.loss_tracker.update_state(loss)
        self.error.update_state(y, y_pred)
        return {"loss": self.loss_tracker.result(), "mae": self.error.result()}


def test_metrics_of_the_class_begin_anew_with_each_epoch() -> None:
    model = line(OwnLoss, optimizer=keras.optimizers.SGD(0.0))
    told = model.fit(XS, XS, batch_size=1, epochs=3, shuffle=False, verbose=0).history
    assert told == {"loss": [7.5] * 3, "mae": [2.5] * 3}
    assert [m.name for m in model.metrics] == ["loss", "mae"]
    assert int(model.optimizer.iterations.numpy()) == 12


class Adversaries(keras.Model):
    """Two networks, two optimizers, one step; no `call`."""

    def __init__(self) -> None:
        super().__init__()
        self.critic = keras.Sequential(
            [keras.Input((2,)), layers.Dense(8, activation="tanh"), layers.Dense(1)]
        )
        self.maker = keras.Sequential(
            [keras.Input((3,)), layers.Dense(8, activation="tanh"), layers.Dense(2)]
        )
        self.seeds = keras.random.SeedGenerator(5)

    def compile(self, critic_optimizer: Any, maker_optimizer: Any, loss: Any) -> None:
        super().compile()
        self.critic_optimizer = critic_optimizer
        self.maker_optimizer = maker_optimizer
        self.loss_fn = loss
        self.critic_loss = keras.metrics.Mean(name="critic")
        self.maker_loss = keras.metrics.Mean(name="maker")

    @property
    def metrics(self) -> Any:
        return [self.critic_loss, self.maker_loss]

    def train_step(self, real: Any) -> Any:
        count = ops.shape(real)[0]
        both = ops.concatenate([self.maker(self._noise(count)), real])
        labels = ops.concatenate([ops.ones((count, 1)), ops.zeros((count, 1))])
        self.critic(both)

        def critic_loss(_: Any) -> Any:
            return ops.mean(self.loss_fn(labels, self.critic(both)))

        loss, gradients = keras.value_and_grad(critic_loss)(self.critic.trainable_weights)
        self.critic_optimizer.apply(gradients, self.critic.trainable_weights)
        self.critic_loss.update_state(loss)
        noise = self._noise(count)

        def maker_loss(_: Any) -> Any:
            judged = self.critic(self.maker(noise))
            return ops.mean(self.loss_fn(ops.zeros((count, 1)), judged))

        loss, gradients = keras.value_and_grad(maker_loss)(self.maker.trainable_weights)
        self.maker_optimizer.apply(gradients, self.maker.trainable_weights)
        self.maker_loss.update_state(loss)
        return {
            "critic": self.critic_loss.result(),
            "maker": self.maker_loss.result(),
            "noise": noise[0, 0],
        }

    def _noise(self, count: int) -> Any:
        return keras.random.normal((count, 3), seed=self.seeds)


class TestSeveralOptimizers:
    def make(self) -> Any:
        keras.utils.set_random_seed(1)
        model = Adversaries()
        model.compile(
            keras.optimizers.Adam(3e-3),
            maker_optimizer=keras.optimizers.SGD(0.05),
            loss=keras.losses.BinaryCrossentropy(from_logits=True),
        )
        return model

    def by_hand(self, rows: Any, steps: int) -> Any:
        """The same steps on arrays, op by op."""
        model = self.make()
        for at in range(steps):
            model.critic_loss.reset_state(), model.maker_loss.reset_state()
            model.train_step(rows[at * 32 : at * 32 + 32])
        return model

    def test_they_train_both_networks_as_the_steps_on_arrays_do(self) -> None:
        real = RNG.normal(2.0, 0.3, size=(96, 2)).astype("float32")
        model = self.make()
        told = model.fit(real, batch_size=32, epochs=1, shuffle=False, verbose=0).history
        assert set(told) == {"critic", "maker", "noise"} and model.built
        other = self.by_hand(real, 3)
        assert len(model.variables) == len(other.variables) > 8
        for variable, value in zip(model.variables, other.variables):
            np.testing.assert_allclose(variable.numpy(), value.numpy(), rtol=2e-5, atol=2e-6)
        for name in ("critic_optimizer", "maker_optimizer"):
            assert int(getattr(model, name).iterations.numpy()) == 3

    def test_draws_advance_from_step_to_step(self) -> None:
        told = []

        class Listen(keras.callbacks.Callback):
            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
                told.append(logs["noise"])

        real = np.ones((96, 2), "float32")
        model = self.make()
        model.fit(real, batch_size=32, epochs=2, callbacks=[Listen()], verbose=0)
        seeds = keras.random.SeedGenerator(5)
        drawn = [float(keras.random.normal((32, 3), seed=seeds)[0, 0]) for _ in range(12)]
        assert told == drawn[1::2]

    def test_it_learns(self) -> None:
        real = RNG.normal(1.0, 0.1, size=(512, 2)).astype("float32")
        model = self.make()
        model.fit(real, batch_size=64, epochs=60, verbose=0)
        made = np.asarray(model.maker(keras.random.normal((256, 3), seed=1)))
        assert np.abs(made.mean(axis=0) - 1.0).max() < 0.4

    def test_cut_short_they_go_on_where_they_were(self, tmp_path: Any) -> None:
        class Cut(keras.callbacks.Callback):
            def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
                if epoch == 2:
                    raise KeyboardInterrupt

        real = RNG.normal(size=(64, 2)).astype("float32")
        whole = self.make()
        whole.fit(real, epochs=4, shuffle=False, verbose=0)
        for callbacks in ([Cut()], []):
            model = self.make()
            backup = keras.callbacks.BackupAndRestore(tmp_path / "state")
            with contextlib.suppress(KeyboardInterrupt):
                model.fit(
                    real, epochs=4, shuffle=False, callbacks=[*callbacks, backup], verbose=0
                )
        for name in ("critic_optimizer", "maker_optimizer"):
            ours, theirs = getattr(model, name).variables, getattr(whole, name).variables
            assert [v.numpy().tobytes() for v in ours] == [v.numpy().tobytes() for v in theirs]
        assert bits(model) == bits(whole)

    def test_saved_and_loaded_it_asks_to_be_compiled(self, tmp_path: Any) -> None:
        register_keras_serializable("test_custom_steps")(Adversaries)
        model = self.make()
        model.fit(np.ones((64, 2), "float32"), verbose=0)
        model.save(tmp_path / "m.chainrule")
        with pytest.warns(UserWarning, match=r"`compile\(\)` method is custom"):
            again = load_model(tmp_path / "m.chainrule")
        assert not again.compiled
        for layer, other in ((again.critic, model.critic), (again.maker, model.maker)):
            assert [w.tobytes() for w in layer.get_weights()] == [
                w.tobytes() for w in other.get_weights()
            ]


class TestTracing:
    def test_python_runs_when_a_step_is_traced(self) -> None:
        traced = []

        class Own(keras.Sequential):
            def train_step(self, data: Any) -> Any:
                traced.append(ops.shape(data[0])[0])
                return super().train_step(data)

        model = line(Own, "sgd", "mse")
        model.optimizer.build(model.trainable_variables)
        model.fit(XS, XS, batch_size=3, epochs=5, verbose=0)
        assert sorted(traced) == [1, 3]
        model.fit(XS, XS, batch_size=3, epochs=5, verbose=0)
        assert sorted(traced) == [1, 3]

    def test_what_a_step_makes_is_there_when_it_is_traced_again(self) -> None:
        seen = []

        class Own(keras.Sequential):
            def train_step(self, data: Any) -> Any:
                seen.append(len(self.trainable_variables))
                return super().train_step(data)

        model = Own([layers.Dense(3), layers.Dense(1)])
        model.compile("adam", "mse")
        model.fit(X, X[:, :1], verbose=0, batch_size=200, epochs=2)
        assert seen[0] == 0 and seen[-1] == 4 and len(seen) <= 3
        assert int(model.optimizer.iterations.numpy()) == 2

    def test_numbers_among_the_attributes_may_change(self) -> None:
        class Own(keras.Sequential):
            factor = 1.0

            def train_step(self, data: Any) -> Any:
                return {"loss": ops.sum(data) * self.factor}

        class Double(keras.callbacks.Callback):
            def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
                self.model.factor = 2.0**epoch

        model = line(Own, "sgd")
        told = model.fit(XS, epochs=3, callbacks=[Double()], verbose=0).history
        assert told["loss"] == [10.0, 20.0, 40.0]

    def test_a_counter_of_tracings_makes_none(self) -> None:
        class Own(keras.Sequential):
            tracings = 0

            def train_step(self, data: Any) -> Any:
                self.tracings = self.tracings + 1
                return {"loss": ops.sum(data)}

        model = line(Own, "sgd")
        model.tracings = 0
        model.fit(XS, epochs=6, verbose=0)
        assert model.tracings == 2

    def test_layers_made_each_time_are_refused(self) -> None:
        class Own(keras.Model):
            def train_step(self, data: Any) -> Any:
                setattr(self, f"layer_{len(self.layers)}", layers.Dense(1))
                return {}

        model = Own(name="own")
        model.compile()
        with pytest.raises(RuntimeError, match="'own': train_step: expected layers .* made once"):
            model.fit(XS, verbose=0)

    def test_weights_may_be_assigned(self) -> None:
        """A slow copy of a weight: s <- (s + w) / 2 after each step."""

        class Own(keras.Model):
            def __init__(self) -> None:
                x = keras.Input((1,))
                dense = layers.Dense(1, use_bias=False, kernel_initializer="zeros")
                super().__init__(x, dense(x))
                self.slow = keras.Variable([[0.0]], trainable=False)

            def train_step(self, data: Any) -> Any:
                logs = super().train_step(data)
                self.slow.assign((self.slow + self.trainable_variables[0]) / 2)
                return logs

        model = Own()
        model.compile(keras.optimizers.SGD(0.1), "mse")
        ones = np.ones((2, 1), "float32")
        slow = w = 0.0
        model.fit(ones, ones, batch_size=1, epochs=2, verbose=0)
        for _ in range(4):
            w += 0.2 * (1 - w)
            slow = (slow + w) / 2
        assert model.trainable_variables[0].numpy().item() == pytest.approx(w, rel=1e-6)
        assert model.slow.numpy().item() == pytest.approx(slow, rel=1e-6)

    def test_a_step_for_x_alone_and_for_structures(self) -> None:
        class Own(keras.Model):
            def train_step(self, data: Any) -> Any:
                return {"loss": ops.sum(data["a"]) + 2 * ops.sum(data["b"])}

        class Pairs(keras.Model):
            def train_step(self, data: Any) -> Any:
                ((a, b),) = data
                return {"loss": ops.sum(a) - ops.sum(b)}

        model, pairs = Own(), Pairs()
        model.compile(), pairs.compile()
        assert model.fit({"a": XS, "b": XS}, verbose=0).history["loss"] == [30.0]
        assert pairs.fit([XS, 3 * XS], verbose=0).history["loss"] == [-20.0]

    def test_predictions_of_one_s_own(self) -> None:
        class Own(keras.Sequential):
            def predict_step(self, data: Any) -> Any:
                return {"y": self(data, training=False), "noise": keras.random.normal((4, 1))}

        keras.utils.set_random_seed(2)
        model = Own([layers.Dense(1, use_bias=False, kernel_initializer="ones")])
        found = model.predict(np.tile(XS, (2, 1)), batch_size=4, verbose=0)
        assert found["y"].tolist() == [[1.0], [2.0], [3.0], [4.0]] * 2
        assert len(np.unique(found["noise"])) == 8
        assert model.predict_on_batch(XS)["y"].tolist() == XS.tolist()

    def test_predictions_see_numbers_that_have_changed(self) -> None:
        class Own(keras.Sequential):
            def predict_step(self, data: Any) -> Any:
                return self(data) * self.factor

        model = Own([keras.Input((1,)), layers.Dense(1, use_bias=False, kernel_initializer="ones")])
        ask = model.predictor()
        for factor in (1.0, 3.0):
            model.factor = factor
            expected = (XS * factor).tolist()
            assert model.predict(XS, verbose=0).tolist() == expected
            assert model.predict_on_batch(XS).tolist() == ask(XS).tolist() == expected

    def test_x_alone_is_split_for_validation(self) -> None:
        class Own(keras.Sequential):
            def train_step(self, data: Any) -> Any:
                return {"sum": ops.sum(data)}

            def test_step(self, data: Any) -> Any:
                return {"sum": ops.sum(data)}

        model = line(Own, "sgd")
        assert model.fit(XS, validation_split=0.25, verbose=0).history == {
            "sum": [6.0],
            "val_sum": [4.0],
        }

    def test_a_model_with_steps_is_saved_loaded_and_copied(self, tmp_path: Any) -> None:
        register_keras_serializable("test_custom_steps")(Written)
        model = classifier(Written)
        model.fit(X, Y, verbose=0)
        model.save(tmp_path / "m.chainrule")
        models = [load_model(tmp_path / "m.chainrule"), copy.deepcopy(model)]
        models.append(pickle.loads(pickle.dumps(model)))
        told = model.fit(X, Y, shuffle=False, verbose=0).history
        for other in models:
            assert type(other) is Written
            assert other.fit(X, Y, shuffle=False, verbose=0).history == told
            assert bits(other) == bits(model)

    def test_a_fit_that_was_cut_short_goes_on(self, tmp_path: Any) -> None:
        class Cut(keras.callbacks.Callback):
            def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
                if epoch == 2:
                    raise KeyboardInterrupt

        whole = classifier(Written)
        whole.fit(X, Y, epochs=4, shuffle=False, verbose=0)
        for callbacks in ([Cut()], []):
            model = classifier(Written)
            backup = keras.callbacks.BackupAndRestore(tmp_path / "state")
            with contextlib.suppress(KeyboardInterrupt):
                model.fit(
                    X, Y, epochs=4, shuffle=False, callbacks=[*callbacks, backup], verbose=0
                )
        assert bits(model) == bits(whole)

    def test_draws_in_a_stateless_call_advance(self) -> None:
        class Noisy(layers.Layer):
            def call(self, x: Any) -> Any:
                return x + keras.random.normal(ops.shape(x))

        class Own(keras.Sequential):
            def train_step(self, state: Any, data: Any) -> Any:
                y, other = self.stateless_call(state[0], state[1], data, training=True)
                return {"loss": ops.sum(y)}, (state[0], other, *state[2:])

        model = Own([keras.Input((1,)), Noisy()])
        model.compile("sgd")
        losses = model.fit(XS, epochs=4, verbose=0).history["loss"]
        assert len(set(losses)) == 4


class TestBadSteps:
    def make(self, step: Any, name: str = "train_step", **kwargs: Any) -> Any:
        kind = type("Own", (keras.Sequential,), {name: step})
        model = kind([keras.Input((1,)), layers.Dense(1)], name="own")
        model.compile("sgd", "mse", **kwargs)
        return model

    def test_errors_inside_name_the_model_and_the_method(self) -> None:
        def step(self: Any, data: Any) -> Any:
            return {"loss": ops.matmul(data[0], ops.ones((3, 3)))}

        model = self.make(step)
        weights = model.get_weights()
        with pytest.raises(keras.errors.ShapeError, match=r"model 'own': train_step: .*matmul"):
            model.fit(XS, XS, verbose=0)
        assert [w.tobytes() for w in model.get_weights()] == [w.tobytes() for w in weights]

    @pytest.mark.parametrize(
        ("found", "error", "message"),
        [
            (None, TypeError, "expected a dict of logs, .* got NoneType"),
            (3.0, TypeError, "expected a dict of logs, .* got float"),
            ({"loss": "low"}, TypeError, "numbers and tensors as logs, got 'low' of type str"),
            ({"loss": None}, TypeError, "got None of type NoneType for 'loss'"),
        ],
    )
    def test_what_is_no_log(self, found: Any, error: Any, message: str) -> None:
        model = self.make(lambda self, data: found)
        with pytest.raises(error, match=f"model 'own': train_step: .*{message}"):
            model.fit(XS, XS, verbose=0)
        model = self.make(lambda self, data: found, "test_step")
        with pytest.raises(error, match=f"model 'own': test_step: .*{message}"):
            model.evaluate(XS, XS, verbose=0)

    def test_other_arguments(self) -> None:
        with pytest.raises(TypeError, match=r"'own': train_step: expected .* \(self, data\) or"):
            self.make(lambda self: {})
        with pytest.raises(TypeError, match=r"\['self', 'a', 'b', 'c'\]"):
            self.make(lambda self, a, b, c: {}, "test_step")

    @pytest.mark.parametrize(
        ("result", "message"),
        [
            (lambda state: {}, r"expected the step to return \(logs, state\), got dict"),
            (lambda state: ({}, state[:3]), "expected the new state to be .*, got 3 parts"),
            (lambda state: ({}, ([], *state[1:])), "expected 2 values of trainable_variables .*, got 0"),
            (
                lambda state: ({}, (state[0][::-1], *state[1:])),
                r"expected a new value of shape \(1, 1\) for .* 'own/dense.*/kernel', got shape \(1,\)",
            ),
        ],
    )
    def test_a_state_that_is_none(self, result: Any, message: str) -> None:
        model = self.make(lambda self, state, data: result(state))
        with pytest.raises((TypeError, ValueError), match=f"model 'own': train_step: {message}"):
            model.fit(XS, XS, verbose=0)

    def test_the_standard_step_refuses_what_is_no_state(self) -> None:
        def step(self: Any, state: Any, data: Any) -> Any:
            return keras.Sequential.train_step(self, state[:2], data)

        with pytest.raises(ValueError, match="expected a state of 2 trainable_variables"):
            self.make(step).fit(XS, XS, verbose=0)

    def test_outside_of_fit_there_is_nothing_to_trace(self) -> None:
        model = line(keras.Sequential, "sgd", "mse")
        with pytest.raises(RuntimeError, match=r"train_step\(\) is what `fit` and"):
            model.train_step((XS, XS))

    def test_without_an_optimizer_the_standard_step_cannot_train(self) -> None:
        class Own(keras.Sequential):
            def train_step(self, data: Any) -> Any:
                return super().train_step(data)

        model = line(Own, None, "mse")
        with pytest.raises(keras.errors.NotCompiledError, match="expected an optimizer"):
            model.fit(XS, XS, verbose=0)
        assert model.evaluate(XS, XS, verbose=0) == 7.5

    def test_a_model_without_call_cannot_predict(self) -> None:
        model = Adversaries()
        with pytest.raises(NotImplementedError, match="does not have a `call` method"):
            model.predict(X[:, :2], verbose=0)


def test_stateless_compute_loss_changes_nothing() -> None:
    model = classifier(keras.Model)
    model.fit(X, Y, verbose=0)
    before = bits(model)
    trainable = [np.zeros(v.shape, "float32") for v in model.trainable_variables]
    other = [v.numpy() for v in model.non_trainable_variables]
    of_metrics = [v.numpy() for v in model.metrics_variables]
    y_pred, _ = model.stateless_call(trainable, other, X, training=False)
    loss, after = model.stateless_compute_loss(
        trainable, other, of_metrics, x=X, y=Y, y_pred=y_pred
    )
    assert float(loss) == pytest.approx(np.log(2), rel=1e-6)
    assert [len(group) for group in after] == [len(trainable), len(other), len(of_metrics)]
    assert bits(model) == before
    with pytest.raises(ValueError, match="expected 6 values of trainable_variables, got 5"):
        model.stateless_compute_loss(trainable[:-1], other, of_metrics, X, Y, y_pred)


def test_no_warning_where_all_is_well() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = classifier(Written)
        model.fit(X, Y, verbose=0)
