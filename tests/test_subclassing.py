"""Layers and models written as classes: state found, built, trained, saved and shown."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import layers, ops
from chainrule.saving import load_model, register_keras_serializable

RNG = np.random.default_rng(0)
X = RNG.normal(size=(16, 8)).astype("float32")
Y = RNG.normal(size=(16, 1)).astype("float32")


@register_keras_serializable("test_subclassing")
class Linear(layers.Layer):
    def __init__(self, units: int = 4, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape: Any) -> None:
        self.w = self.add_weight(shape=(input_shape[-1], self.units), initializer="normal")
        self.b = self.add_weight(shape=(self.units,), initializer="zeros")

    def call(self, inputs: Any) -> Any:
        return ops.matmul(inputs, self.w) + self.b

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


@register_keras_serializable("test_subclassing")
class Net(cr.Model):
    """A list and a dict of layers, `training`, two outputs by name."""

    def __init__(self, widths: Any = (6, 5), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.widths = list(widths)
        self.blocks = [layers.Dense(w, activation="relu") for w in widths]
        self.heads = {"a": Linear(1), "b": layers.Dense(2)}
        self.drop, self.norm = layers.Dropout(0.5), layers.BatchNormalization()
        self.pair = (layers.Dense(5), [layers.Dense(5)])

    def call(self, x: Any, training: bool = False) -> Any:
        for block in self.blocks:
            x = block(x)
        x = self.norm(x, training=training) + self.pair[0](x) + self.pair[1][0](x)
        if training:
            x = self.drop(x, training=training)
        return {name: head(x) for name, head in self.heads.items()}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "widths": self.widths}


TARGETS = {"a": Y, "b": np.concatenate([Y, -Y], axis=1)}


@register_keras_serializable("test_subclassing")
class Residual(layers.Layer):
    """A layer of layers."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.first = layers.Dense(8, activation="relu")
        self.second = Linear(8)

    def call(self, x: Any) -> Any:
        return x + self.second(self.first(x))


class TestLayers:
    def test_state_of_inner_layers_is_found(self) -> None:
        layer = Residual(name="res")
        assert layer.weights == []
        layer(X)
        assert [w.path.split("/")[0] for w in layer.weights] == ["res"] * 4
        assert len(layer.trainable_weights) == 4
        layer.trainable = False
        assert layer.trainable_weights == [] and not layer.first.trainable

    def test_weights_that_do_not_train(self) -> None:
        class Total(layers.Layer):
            def __init__(self) -> None:
                super().__init__()
                self.total = self.add_weight(shape=(8,), initializer="zeros", trainable=False)

            def call(self, x: Any) -> Any:
                self.total.assign_add(ops.sum(x, axis=0))
                return self.total

        layer = Total()
        layer(X)
        np.testing.assert_allclose(layer(X), 2 * X.sum(0), rtol=1e-4, atol=1e-5)
        assert layer.trainable_weights == [] and len(layer.non_trainable_weights) == 1

    def test_losses_of_layers(self) -> None:
        class Activity(layers.Layer):
            def call(self, x: Any) -> Any:
                self.add_loss(0.5 * ops.mean(ops.square(x)))
                return x

        class Outer(layers.Layer):
            def __init__(self) -> None:
                super().__init__()
                self.inner = Activity()
                self.dense = layers.Dense(8, kernel_regularizer=cr.regularizers.L2(0.1))

            def call(self, x: Any) -> Any:
                return self.dense(self.inner(x))

        layer = Outer()
        for _ in range(2):  # the losses of the last call only
            layer(X)
            assert len(layer.losses) == 2
        kernel = layer.dense.kernel.numpy()
        total = 0.5 * np.mean(X**2) + 0.1 * np.sum(kernel**2)
        np.testing.assert_allclose(sum(map(float, layer.losses)), total, rtol=1e-5)
        i = cr.Input((8,))
        model = cr.Model(i, layer(i))
        model.compile(cr.optimizers.SGD(0.0), "mse")
        expected = total + np.mean((model.predict(X, verbose=0) - X) ** 2)
        assert model.evaluate(X, X, verbose=0) == pytest.approx(float(expected), rel=1e-4)
        assert model.fit(X, X, verbose=0).history["loss"][0] == pytest.approx(expected, rel=1e-4)
        model.compile(cr.optimizers.SGD(0.01))  # the layers' losses alone
        assert model.fit(X, verbose=0).history["loss"][0] == pytest.approx(total, rel=1e-4)

    def test_a_loss_that_is_no_tensor(self) -> None:
        with pytest.raises(ValueError, match="add_loss"):
            Linear().add_loss("large")
        with pytest.raises(NotImplementedError, match="add_metric"):
            Linear().add_metric(1.0)

    def test_super_was_forgotten(self) -> None:
        class Bad(cr.Model):
            def __init__(self) -> None:
                self.dense = layers.Dense(2)

        with pytest.raises(RuntimeError, match="super"):
            Bad()(X)


class TestModels:
    def test_built_by_shape_by_call_and_by_fit(self) -> None:
        by_shape, by_call, by_fit = Net(), Net(), Net()
        assert not by_shape.built
        by_shape.build((None, 8))
        by_call(X)
        by_fit.compile("sgd", "mse")
        by_fit.fit(X, TARGETS, verbose=0)
        for model in (by_shape, by_call, by_fit):
            assert len(model.layers) == 8 and len(model.weights) == 2 * 6 + 4
        assert len(by_shape.trainable_weights) == 14

    def test_an_own_build_and_shape_rule(self) -> None:
        class Own(cr.Model):
            def __init__(self) -> None:
                super().__init__()
                self.first, self.second = layers.Dense(4), layers.Dense(2)

            def build(self, input_shape: Any) -> None:
                self.first.build(input_shape)
                self.second.build(self.first.compute_output_shape(input_shape))
                self.built = True

            def call(self, x: Any, training: bool | None = None) -> Any:
                return self.second(self.first(x))

            def compute_output_shape(self, input_shape: Any) -> Any:
                return (input_shape[0], 2)

        model = Own()
        assert model.compute_output_shape((None, 8)) == (None, 2)
        assert model(cr.Input((8,))).shape == (None, 2)
        assert len(model.weights) == 4
        assert [w.name for w in model.weights] == ["kernel", "bias"] * 2

    def test_training_reaches_call(self) -> None:
        class Phase(cr.Model):
            def __init__(self) -> None:
                super().__init__()
                self.scale = self.add_weight(shape=(), initializer="ones")

            def call(self, x: Any, training: bool = False) -> Any:
                return self.scale * (x * 2.0 if training else x)

        model = Phase()
        model.compile(cr.optimizers.SGD(0.0), "mae")
        ones = np.ones((4, 3), "float32")
        assert model.fit(ones, 0 * ones, verbose=0).history["loss"] == [2.0]
        assert model.evaluate(ones, 0 * ones, verbose=0) == 1.0
        assert np.array_equal(model.predict(ones, verbose=0), ones)
        assert np.array_equal(model(ones, training=True), 2 * ones)

    def test_several_inputs(self) -> None:
        class Two(cr.Model):
            def __init__(self) -> None:
                super().__init__()
                self.dense = layers.Dense(1)

            def call(self, inputs: Any) -> Any:
                return self.dense(inputs["a"]) - self.dense(inputs["b"])

        model = Two()
        model.compile("sgd", "mse")
        model.fit({"a": X, "b": X}, Y, verbose=0)
        assert np.array_equal(model.predict({"a": X, "b": X}, verbose=0), np.zeros((16, 1)))

    def test_losses_and_metrics_by_output(self) -> None:
        model = Net()
        model.compile("sgd", {"a": "mse", "b": "mae"}, metrics={"a": ["mae"]})
        logs = model.evaluate(X, TARGETS, verbose=0, return_dict=True)
        assert set(logs) == {"loss", "a_loss", "b_loss", "a_mae"}
        p = model.predict(X, verbose=0)
        assert logs["a_loss"] == pytest.approx(np.mean((p["a"] - Y) ** 2), rel=1e-4)
        assert logs["b_loss"] == pytest.approx(np.mean(np.abs(p["b"] - TARGETS["b"])), rel=1e-4)

    def test_random_numbers_of_a_layer(self) -> None:
        class Sampling(layers.Layer):
            def __init__(self, **kwargs: Any) -> None:
                super().__init__(**kwargs)
                self.seeds = cr.random.SeedGenerator(1337)

            def call(self, inputs: Any) -> Any:
                mean, spread = inputs
                noise = cr.random.normal(ops.shape(mean), seed=self.seeds)
                return mean + ops.exp(0.5 * spread) * noise

        class Autoencoder(cr.Model):
            def __init__(self) -> None:
                super().__init__()
                self.mean, self.spread = layers.Dense(2), layers.Dense(2)
                self.sample, self.decode = Sampling(), layers.Dense(8)

            def call(self, x: Any) -> Any:
                mean, spread = self.mean(x), self.spread(x)
                kl = -0.5 * ops.mean(spread - ops.square(mean) - ops.exp(spread) + 1)
                self.add_loss(kl)
                return self.decode(self.sample((mean, spread)))

        model = Autoencoder()
        model.compile(cr.optimizers.Adam(0.01), "mse")
        loss = model.fit(X, X, epochs=20, verbose=0).history["loss"]
        assert loss[-1] < loss[0]
        assert not np.array_equal(model(X), model(X))

    def test_frozen_parts(self) -> None:
        model = Net()
        model.build((None, 8))
        model.blocks[0].trainable = False
        model.norm.trainable = False
        model.compile("sgd", "mse")
        before = model.blocks[0].get_weights() + model.norm.get_weights()
        model.fit(X, TARGETS, verbose=0)
        after = model.blocks[0].get_weights() + model.norm.get_weights()
        assert all(map(np.array_equal, before, after))
        assert len(model.trainable_weights) == 10

    def test_what_a_model_of_a_class_cannot_tell(self) -> None:
        model = Net()
        with pytest.raises(AttributeError, match="never been called"):
            _ = model.input
        with pytest.raises(NotImplementedError, match="call"):
            cr.Model().predict(X, verbose=0)
        with pytest.raises(AttributeError, match="reserved"):
            model.layers = []


class TestInGraphs:
    def test_a_class_in_a_functional_model_and_back(self, tmp_path: Any) -> None:
        i = cr.Input((8,))
        out = Net()(Residual()(i))
        model = cr.Model(i, {"a": out["a"], "b": layers.Dense(1)(out["b"])})
        assert [type(layer).__name__ for layer in model.layers] == [
            "InputLayer", "Residual", "Net", "Dense"]

        class Around(cr.Model):
            def __init__(self) -> None:
                super().__init__()
                self.inside = model

            def call(self, x: Any) -> Any:
                return self.inside(x)["a"] * 2.0

        around = Around()
        np.testing.assert_allclose(
            around.predict(X, verbose=0), 2 * model.predict(X, verbose=0)["a"], rtol=1e-5
        )
        model.save(tmp_path / "m.chainrule")
        again = load_model(tmp_path / "m.chainrule")
        for key, value in model.predict(X, verbose=0).items():
            assert np.array_equal(again.predict(X, verbose=0)[key], value)

    def test_a_functional_class(self, tmp_path: Any) -> None:
        @register_keras_serializable("test_subclassing")
        class Head(cr.Model):
            def __init__(self, units: int = 2, **kwargs: Any) -> None:
                x = cr.Input((8,))
                super().__init__(inputs=x, outputs=Linear(units)(x), **kwargs)
                self.units = units

            def get_config(self) -> dict[str, Any]:
                return {"units": self.units, "name": self.name}

        model = Head(3, name="head")
        model.save(tmp_path / "m.chainrule")
        again = load_model(tmp_path / "m.chainrule")
        assert type(again) is Head and again.units == 3
        assert np.array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


class TestFiles:
    def test_a_registered_class(self, tmp_path: Any) -> None:
        model = Net([7, 5], name="net")
        model.compile(cr.optimizers.Adam(0.01), {"a": "mse", "b": "mae"})
        model.fit(X, TARGETS, verbose=0)
        model.save(tmp_path / "m.chainrule")
        again = load_model(tmp_path / "m.chainrule")
        assert type(again) is Net and again.widths == [7, 5] and again.built
        before, after = (m.evaluate(X, TARGETS, verbose=0) for m in (model, again))
        assert before == after
        assert again.optimizer.iterations.numpy() == model.optimizer.iterations.numpy() == 1

    def test_a_class_that_is_not_registered(self, tmp_path: Any) -> None:
        class Plain(cr.Model):
            def __init__(self, units: int = 2, **kwargs: Any) -> None:
                super().__init__(**kwargs)
                self.dense = layers.Dense(units)

            def call(self, x: Any) -> Any:
                return self.dense(x)

        model = Plain(units=3)
        model(X)
        model.save(tmp_path / "m.chainrule")
        with pytest.raises(ValueError, match="Plain"):
            load_model(tmp_path / "m.chainrule")
        again = load_model(tmp_path / "m.chainrule", custom_objects={"Plain": Plain})
        assert np.array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))

    def test_weights_alone(self, tmp_path: Any) -> None:
        one, other = Net(), Net()
        one(X), other(X)
        one.save_weights(tmp_path / "w.safetensors")
        other.load_weights(tmp_path / "w.safetensors")
        assert all(map(np.array_equal, one.get_weights(), other.get_weights()))

    def test_copies_of_classes(self) -> None:
        model = Net()
        model(X)
        clone = cr.models.clone_model(model)
        assert clone.built and len(clone.weights) == len(model.weights)
        with pytest.raises(ValueError, match="the Net 'net"):
            cr.models.clone_model(model, clone_function=lambda layer: layer)


class Unfinished(cr.Model):
    """Forgets `super().__init__()`."""

    def __init__(self):
        self.dense = layers.Dense(1)

    def call(self, x):
        return self.dense(x)


class UnfinishedLayer(layers.Layer):
    """Forgets `super().__init__()`."""

    def __init__(self):
        self.dense = layers.Dense(1)

    def call(self, x):
        return self.dense(x)


class UnfinishedChain(cr.Sequential):
    """Forgets `super().__init__()`."""

    def __init__(self):
        self.dense = layers.Dense(1)


ONES = np.ones((2, 2), "float32")


@pytest.mark.parametrize(
    "use",
    [
        lambda m: m(ONES),
        lambda m: m.compile("sgd", "mse"),
        lambda m: m.fit(ONES, ONES),
        lambda m: m.evaluate(ONES, ONES),
        lambda m: m.predict(ONES),
        lambda m: m.predict(iter([ONES])),
        lambda m: m.train_on_batch(ONES, ONES),
        lambda m: m.test_on_batch(ONES, ONES),
        lambda m: m.predict_on_batch(ONES),
        lambda m: m.check_gradients(ONES, ONES),
        lambda m: m.save("m.chainrule"),
        lambda m: m.load_weights("m.safetensors"),
        lambda m: m.summary(),
        lambda m: m.metrics,
        lambda m: m.reset_metrics(),
        lambda m: m.compiled_metrics,
        lambda m: m.get_compile_config(),
        lambda m: m.to_json(),
        lambda m: m.history,
        lambda m: m.optimizer,
    ],
)
@pytest.mark.parametrize("cls", [Unfinished, UnfinishedChain])
def test_a_model_without_super_init_says_so(cls, use):
    with pytest.raises(RuntimeError, match=r"Unfinished.*forgot to call `super\(\).__init__\(\)`"):
        use(cls())


@pytest.mark.parametrize(
    "use",
    [
        lambda layer: layer(ONES),
        lambda layer: layer.add_weight(shape=(1,)),
        lambda layer: layer.build((None, 2)),
        lambda layer: layer.weights,
        lambda layer: layer.get_weights(),
        lambda layer: layer.set_weights([]),
        lambda layer: layer.trainable_variables,
        lambda layer: layer.count_params(),
        lambda layer: layer.get_config(),
        lambda layer: layer.name,
        lambda layer: layer.built,
        lambda layer: repr(layer),
    ],
)
@pytest.mark.parametrize("cls", [UnfinishedLayer, Unfinished])
def test_a_layer_without_super_init_says_so(cls, use):
    with pytest.raises(RuntimeError, match=r"Unfinished.*forgot to call `super\(\).__init__\(\)`"):
        use(cls())


class UnfinishedLoss(cr.losses.Loss):
    def __init__(self):
        self.factor = 2.0

    def call(self, y_true, y_pred):
        return ops.mean(y_true - y_pred, axis=-1)


class UnfinishedMetric(cr.metrics.Mean):
    def __init__(self):
        self.factor = 2.0


class UnfinishedOptimizer(cr.optimizers.SGD):
    def __init__(self):
        self.factor = 2.0


def one_layer(**options):
    model = cr.Sequential([cr.Input((2,)), layers.Dense(2)])
    model.compile(**{"optimizer": "sgd", "loss": "mse", **options})
    return model


@pytest.mark.parametrize(
    "use",
    [
        lambda: UnfinishedLoss()(ONES, ONES),
        lambda: one_layer(loss=UnfinishedLoss()).fit(ONES, ONES, verbose=0),
        lambda: UnfinishedMetric()(ONES),
        lambda: UnfinishedMetric().update_state(ONES),
        lambda: UnfinishedMetric().result(),
        lambda: one_layer(metrics=[UnfinishedMetric()]).fit(ONES, ONES, verbose=0),
        lambda: UnfinishedOptimizer().learning_rate,
        lambda: UnfinishedOptimizer().apply([ONES], [cr.Variable(ONES)]),
        lambda: one_layer(optimizer=UnfinishedOptimizer()).fit(ONES, ONES, verbose=0),
    ],
)
def test_others_without_super_init_say_so(use):
    with pytest.raises(RuntimeError, match=r"'Unfinished.*forgot to call `super\(\).__init__\(\)`"):
        use()


def test_errors_of_properties_are_kept():
    with pytest.raises(AttributeError, match="has no defined inputs or outputs yet"):
        _ = cr.Sequential([layers.Dense(1)]).input
    with pytest.raises(AttributeError, match="'Dense' object has no attribute 'unit'"):
        _ = layers.Dense(1).unit
