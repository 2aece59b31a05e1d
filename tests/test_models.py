"""Sequential, Functional and subclassed models: structure, configuration, copies, summary."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import layers, models, ops

X = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")


def two_towers() -> Any:
    a, b = cr.Input((4,), name="a"), cr.Input((4,), name="b")
    shared = layers.Dense(3, activation="relu", name="shared")
    joined = ops.concatenate([shared(a), shared(b)], axis=-1) * 2.0
    return cr.Model([a, b], [layers.Dense(2, name="p")(joined), ops.sum(joined, axis=-1)])


class TestSequential:
    def test_deferred_and_declared_inputs_build_the_same(self) -> None:
        deferred = cr.Sequential([layers.Dense(3), layers.Dense(2)])
        assert not deferred.built
        deferred.build((None, 4))
        assert deferred(X).shape == (6, 2)
        declared = cr.Sequential([cr.Input((4,)), layers.Dense(3), layers.Dense(2)])
        assert declared.built
        assert [w.shape for w in deferred.weights] == [w.shape for w in declared.weights]
        assert deferred.input_shape == declared.input_shape == (None, 4)

    def test_add_and_pop(self) -> None:
        model = cr.Sequential([cr.Input((4,))])
        model.add(layers.Dense(3))
        model.add(layers.Dense(2))
        assert model.output_shape == (None, 2)
        assert model.predict(X, verbose=0).shape == (6, 2)
        last = model.pop()
        assert last.units == 2
        assert model.output_shape == (None, 3)
        assert model.predict(X, verbose=0).shape == (6, 3)

    def test_nested(self) -> None:
        inner = cr.Sequential([cr.Input((4,)), layers.Dense(3)])
        model = cr.Sequential([inner, layers.Dense(2)])
        assert model.built
        assert len(model.weights) == 4
        np.testing.assert_allclose(
            model.predict(X, verbose=0), model.layers[1](inner(X)), rtol=1e-5
        )

    def test_layers_by_name_and_number(self) -> None:
        model = cr.Sequential([layers.Dense(3, name="one"), layers.Dense(2, name="two")])
        assert model.get_layer("two") is model.get_layer(index=1) is model.layers[1]
        with pytest.raises(ValueError, match=r"'one', 'two'.*'three'"):
            model.get_layer("three")
        with pytest.raises(ValueError, match="index below 2, got 5"):
            model.get_layer(index=5)
        with pytest.raises(AttributeError, match=r"add\(\)"):
            model.layers = []

    def test_configuration(self) -> None:
        model = cr.Sequential([cr.Input((4,)), layers.Dense(3, "relu"), layers.Dense(2)], name="s")
        again = cr.Sequential.from_config(model.get_config())
        assert json.dumps(again.get_config()) == json.dumps(model.get_config())
        again.set_weights(model.get_weights())
        assert np.array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
        with pytest.raises(ValueError, match="'name' and 'layers'"):
            cr.Sequential.from_config({"layers": []})

    def test_a_structure_as_input(self) -> None:
        class Pick(layers.Layer):
            def call(self, inputs: Any) -> Any:
                return inputs["a"] + inputs["b"]

        model = cr.Sequential([Pick(), layers.Dense(2)])
        assert model.predict({"a": X, "b": X}, verbose=0).shape == (6, 2)


class TestFunctional:
    def test_shared_layers_count_once(self) -> None:
        model = two_towers()
        assert [layer.name for layer in model.layers] == ["a", "b", "shared", "p"]
        assert len(model.weights) == 4
        assert model.output_shape == [(None, 2), (None,)]

    def test_configuration(self) -> None:
        model = two_towers()
        again = cr.Model.from_config(model.get_config())
        assert json.dumps(again.get_config()) == json.dumps(model.get_config())
        again.set_weights(model.get_weights())
        for u, v in zip(again.predict([X, -X], verbose=0), model.predict([X, -X], verbose=0)):
            assert np.array_equal(u, v)

    def test_json(self) -> None:
        model = two_towers()
        again = models.model_from_json(model.to_json())
        assert again.to_json() == model.to_json()
        with pytest.raises(ValueError, match="JSON object"):
            models.model_from_json("[]")

    def test_parts_of_a_graph(self) -> None:
        x = cr.Input((4,))
        hidden = layers.Dense(3)(x)
        out = layers.Dense(2)(hidden)
        whole, head = cr.Model(x, out), cr.Model(hidden, out)
        features = cr.Model(x, hidden).predict(X, verbose=0)
        np.testing.assert_allclose(
            head.predict(features, verbose=0), whole.predict(X, verbose=0), rtol=1e-5
        )

    def test_inputs_by_name_or_in_order(self) -> None:
        model = two_towers()
        by_order = model([X, -X])[0]
        by_name = model({"b": -X, "a": X})[0]
        assert np.array_equal(by_order, by_name)
        with pytest.raises(ValueError, match="'a', 'b'"):
            model({"a": X, "c": X})
        with pytest.raises(ValueError, match="Expected 2 inputs"):
            model([X])

    def test_subclass_made_from_inputs_and_outputs(self) -> None:
        class Own(cr.Model):
            def __init__(self) -> None:
                x = cr.Input((4,))
                super().__init__(inputs=x, outputs=layers.Dense(2)(x))

        model = Own()
        assert model.predict(X, verbose=0).shape == (6, 2)
        assert isinstance(model, models.Functional)

    def test_hostile_graphs(self) -> None:
        config = two_towers().get_config()
        del config["output_layers"]
        with pytest.raises((ValueError, TypeError)):
            models.Functional.from_config(config)
        config = two_towers().get_config()
        shared = next(e for e in config["layers"] if e["name"] == "shared")
        place = shared["inbound_nodes"][0]["args"][0]["config"]["keras_history"]
        place[0] = "shared"
        with pytest.raises(ValueError, match="circle"):
            models.Functional.from_config(config)


@pytest.mark.parametrize("make", [two_towers, lambda: cr.Sequential(
    [cr.Input((4,)), layers.Dense(3), layers.Dropout(0.1), layers.Dense(2)])])
def test_copies(make: Any) -> None:
    model = make()
    data = [X, -X] if isinstance(model, models.Functional) else X
    expected = ops.convert_to_numpy(model.predict(data, verbose=0)[0])
    for twin in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert np.array_equal(twin.predict(data, verbose=0)[0], expected)
        assert all(a is not b for a, b in zip(twin.weights, model.weights))
    fresh = models.clone_model(model)
    assert [w.shape for w in fresh.weights] == [w.shape for w in model.weights]
    assert not np.array_equal(fresh.get_weights()[0], model.get_weights()[0])


def test_clone_with_a_function() -> None:
    model = cr.Sequential([cr.Input((4,)), layers.Dense(3), layers.Dense(2)])

    def frozen(layer: Any) -> Any:
        return type(layer).from_config({**layer.get_config(), "trainable": False})

    assert models.clone_model(model, clone_function=frozen).trainable_weights == []


def test_summary_of_every_kind(capsys: Any) -> None:
    for model in (two_towers(), cr.Sequential([layers.Dense(3)]), cr.Sequential(name="empty")):
        model.summary()
        assert model.name in capsys.readouterr().out


def test_weights_in_and_out() -> None:
    model = cr.Sequential([cr.Input((4,)), layers.Dense(3)])
    weights = [np.ones((4, 3), "float32"), np.arange(3, dtype="float32")]
    model.set_weights(weights)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), weights))
    model.get_weights()[0][:] = 7
    assert np.array_equal(model.get_weights()[0], weights[0])


def test_state_as_a_tree() -> None:
    def make() -> Any:
        model = cr.Sequential([cr.Input((4,)), layers.Dense(3, name="one")], name="net")
        model.compile("adam", "mse")
        model.fit(X, X[:, :3], verbose=0)
        return model

    model, other = make(), make()
    state = model.get_state_tree()
    assert set(state["trainable_variables"]["net"]["one"]) == {"kernel", "bias"}
    (adam,) = state["optimizer_variables"].values()
    assert adam["iteration"] == 1
    other.set_state_tree({"trainable_variables": state["trainable_variables"]})
    assert np.array_equal(model.get_weights()[0], other.get_weights()[0])
    before = other.get_weights()[0]
    with pytest.raises(cr.errors.DataError, match="no variable 'net/two'"):
        other.set_state_tree(
            {"trainable_variables": {"net": {"one": {"bias": np.zeros(3)}, "two": 1.0}}}
        )
    assert np.array_equal(before, other.get_weights()[0])


@pytest.mark.parametrize("declared", [False, True])
@pytest.mark.parametrize("pack", [list, tuple, lambda xs: dict(zip("ab", xs))])
def test_a_sequential_model_takes_one_input(declared, pack):
    def made():
        model = cr.Sequential([cr.Input((2,))] if declared else [])
        model.add(layers.Dense(1, kernel_initializer="ones"))
        model.compile("sgd", "mse")
        return model

    x, y = np.ones((4, 2), "float32"), np.ones((4, 1), "float32")
    pattern = "expected one input, got a .* of 2; a model of several" if declared else "1 input"
    for use in (
        lambda m: m.fit(pack([x, x]), y, verbose=0),
        lambda m: m.fit(iter([(pack([x, x]), y)]), verbose=0),
        lambda m: m.evaluate(pack([x, x]), y, verbose=0),
        lambda m: m.predict(pack([x, x]), verbose=0),
        lambda m: m(pack([x, x])),
    ):
        with pytest.raises(ValueError, match=pattern):
            use(made())
    assert made()(pack([x])).tolist() == made().predict(x, verbose=0).tolist()


def test_a_clone_keeps_a_loss_that_has_no_name() -> None:
    model = cr.Sequential([cr.Input((3,)), cr.layers.Dense(1)])
    metric = cr.metrics.MeanSquaredError()
    model.compile("adam", lambda y, p: cr.ops.abs(y - p)[:, 0], metrics=[metric])
    copied = cr.models.clone_model(model)
    assert copied.loss is model.loss
    assert copied.optimizer is not model.optimizer
    copied.fit(np.ones((4, 3)), np.ones((4, 1)), verbose=0)
    assert int(copied.optimizer.iterations) == 1 and int(model.optimizer.iterations) == 0
    assert not any(m is metric for m in copied.metrics)
