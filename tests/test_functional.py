"""Functional models: any graph, its order, parts, copies, files, and what trains in it."""

from __future__ import annotations

import json
import os
import warnings
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import layers, models, ops
from chainrule.errors import DataError, FileFormatError, ShapeError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(16, 8)).astype("float32")
Y = RNG.normal(size=(16, 1)).astype("float32")


def set_weights(model: Any, seed: int = 1) -> None:
    rng = np.random.default_rng(seed)
    model.set_weights(
        [
            (np.abs(rng.normal(size=w.shape)) + 0.5 if "variance" in w.name
             else rng.normal(size=w.shape) * 0.3).astype("float32")
            for w in model.weights
        ]
    )


def reload(model: Any, tmp_path: Any) -> Any:
    path = os.path.join(tmp_path, f"{model.name}.chainrule")
    model.save(path)
    return cr.saving.load_model(path)


def same(a: Any, b: Any) -> bool:
    left, right = cr.tree.flatten(a), cr.tree.flatten(b)
    return len(left) == len(right) and all(map(np.array_equal, left, right))


def mixed_inputs() -> Any:
    """Three inputs, one of them late, a dict of outputs."""
    title, body = cr.Input((None,), name="title"), cr.Input((None,), name="body")
    tags = cr.Input((4,), name="tags")
    words = layers.Embedding(50, 6, name="words")
    x = layers.concatenate([ops.mean(words(title), axis=1), ops.mean(words(body), axis=1), tags])
    outputs = {
        "priority": layers.Dense(1, name="priority")(x),
        "department": layers.Dense(3, name="department")(x),
    }
    return cr.Model([title, body, tags], outputs, name="tickets")


def tickets() -> Any:
    rng = np.random.default_rng(1)
    x = {
        "title": rng.integers(0, 50, (16, 5)).astype("float32"),
        "body": rng.integers(0, 50, (16, 9)).astype("float32"),
        "tags": rng.integers(0, 2, (16, 4)).astype("float32"),
    }
    y = {
        "priority": rng.random((16, 1)).astype("float32"),
        "department": np.eye(3, dtype="float32")[rng.integers(0, 3, 16)],
    }
    return x, y


def graph_of_ops() -> Any:
    i, j = cr.Input((4,), name="i"), cr.Input((4,), name="j")
    x = 2.0 / (ops.relu(i) + j * 2 + 10.0)
    both = ops.concatenate([x[:, 1:3], ops.exp(-i)], axis=-1) @ np.ones((6, 2), "float32")
    chosen = ops.where(i > j, i, j)
    halves = ops.split(abs(-ops.squeeze(ops.expand_dims(chosen, -1), -1) ** 2), 2, axis=1)
    stacked = ops.stack([halves[0] + halves[1], halves[0]], axis=1)
    picked = stacked[:, 1, ::2]
    return cr.Model([i, j], [both, ops.softmax(ops.reshape(stacked, (-1, 4))), picked])


def nested() -> Any:
    """A Sequential that is called twice in a functional model in a Sequential."""
    inner = cr.Sequential(
        [cr.Input((8,)), layers.Dense(4), layers.Dropout(0.5, seed=3), layers.BatchNormalization()],
        name="inner",
    )
    i = cr.Input((8,))
    two = cr.Model(i, layers.Add()([inner(i), inner(i * 2.0)]), name="two")
    return cr.Sequential([cr.Input((8,)), layers.Dense(8), two, layers.Dense(1)], name="outer")


def structures() -> Any:
    inputs = {"b": cr.Input((8,), name="in_b"), "a": cr.Input((8,), name="in_a")}
    shared = layers.Dense(3, name="shared")
    a = shared(inputs["a"])
    outputs = {"z": layers.Dense(1, name="dz")(a), "y": [layers.Dense(2)(shared(inputs["b"])), a]}
    return cr.Model(inputs, outputs)


class TestGraph:
    def test_layers_are_in_the_order_of_keras(self) -> None:
        names = [layer.name for layer in mixed_inputs().layers]
        assert names[:3] == ["title", "body", "words"]
        assert names[3] == "tags" and set(names[5:]) == {"priority", "department"}

    def test_layers_and_weights_as_keras(self, monkeypatch: Any) -> None:
        monkeypatch.setenv("KERAS_BACKEND", "jax")
        keras = pytest.importorskip("keras")

        def make(k: Any) -> Any:
            late, early = k.Input((3,), name="late"), k.Input((3,), name="early")
            x = k.layers.Dense(3, name="one")(early)
            y = k.layers.Dense(3, name="two")(x)
            shared = k.layers.Dense(3, name="shared")
            z = k.layers.Add(name="sum")([shared(y), shared(late), x])
            return k.Model([late, early], [k.layers.Dense(1, name="head")(z), x])

        ours, theirs = make(cr), make(keras)
        assert [a.name for a in ours.layers] == [a.name for a in theirs.layers]
        assert [a.path for a in ours.weights] == [a.path for a in theirs.weights]
        set_weights(ours)
        theirs.set_weights(ours.get_weights())
        x = [X[:, :3], X[:, 3:6]]
        for u, v in zip(ours.predict(x, verbose=0), theirs.predict(x, verbose=0)):
            np.testing.assert_allclose(u, v, atol=1e-5)

    def test_names_are_unique(self) -> None:
        x = cr.Input((3,))
        y = layers.Dense(2, name="same")(layers.Dense(2, name="same")(x))
        with pytest.raises(ValueError, match="got 2 of the name 'same'"):
            cr.Model(x, y)

    def test_an_output_from_elsewhere(self) -> None:
        x, other = cr.Input((3,), name="x"), cr.Input((3,), name="other")
        with pytest.raises(ValueError, match=r"(?s)'m' is not connected.*other"):
            cr.Model(x, layers.Add()([x, other]), name="m")
        with pytest.raises(ValueError, match="expected tensors made by Input"):
            cr.Model(x, np.ones(3))

    def test_an_input_that_nothing_uses(self) -> None:
        x, unused = cr.Input((3,)), cr.Input((2,), name="unused")
        model = cr.Model([x, unused], layers.Dense(1)(x))
        assert "unused" in [layer.name for layer in model.layers]
        assert model.predict([X[:, :3], X[:, :2]], verbose=0).shape == (16, 1)

    def test_shapes_and_tensors(self) -> None:
        model = mixed_inputs()
        assert model.input_shape == [(None, None), (None, None), (None, 4)]
        assert model.output_shape == [(None, 3), (None, 1)]
        assert [t.shape for t in model.outputs] == model.output_shape
        assert set(model.output) == {"priority", "department"} and len(model.input) == 3
        dense = cr.Sequential([cr.Input((8,)), layers.Dense(3)])
        assert dense.layers[0].input.shape == (None, 8) and dense.output.shape == (None, 3)
        assert cr.Model(dense.input, dense.output).output_shape == (None, 3)
        with pytest.raises(AttributeError, match="never been called"):
            _ = layers.Dense(2, name="fresh").output

    def test_output_shape_for_other_inputs(self) -> None:
        assert structures().compute_output_shape({"a": (7, 8), "b": (7, 8)}) == {
            "z": (7, 1),
            "y": [(7, 2), (7, 3)],
        }

    def test_parts_of_a_model(self) -> None:
        i = cr.Input((8,))
        x = layers.Dense(6, name="d1")(i)
        x = layers.Dense(5, name="d2")(x)
        model = cr.Model(i, layers.Dense(2, name="d3")(x))
        every = cr.Model(model.input, [layer.output for layer in model.layers])
        assert every.output_names[1:] == ["d1", "d2", "d3"]
        assert every.output_shape == [(None, 8), (None, 6), (None, 5), (None, 2)]
        features = cr.Model(model.inputs, model.get_layer("d2").output)
        assert features.layers[-1] is model.get_layer("d2")
        head = cr.Model(model.get_layer("d2").output, model.output)
        assert [layer.name for layer in head.layers][1:] == ["d3"]
        hidden = features.predict(X, verbose=0)
        np.testing.assert_allclose(
            head.predict(hidden, verbose=0), model.predict(X, verbose=0), rtol=1e-5, atol=1e-6
        )
        shorter = cr.Model(model.inputs, model.layers[-1].input)
        assert shorter.output_shape == (None, 5)

    def test_inputs_in_the_middle_and_one_more(self) -> None:
        i, extra = cr.Input((8,)), cr.Input((2,))
        hidden = layers.Dense(3)(i)
        out = layers.Dense(1)(layers.Concatenate()([hidden, extra]))
        part = cr.Model([hidden, extra], out)
        assert part.input_shape == [(None, 3), (None, 2)]
        assert part.predict([X[:, :3], X[:, :2]], verbose=0).shape == (16, 1)


class TestInputs:
    def test_by_key_by_name_and_in_order(self) -> None:
        model = structures()
        expected = model.predict({"a": X, "b": -X}, verbose=0)
        assert same(model.predict({"in_a": X, "in_b": -X}, verbose=0), expected)
        assert same(model({"a": X, "b": -X, "more": X}), model({"b": -X, "a": X}))
        tuples = cr.Model((model.input["a"], model.input["b"]), (model.output["z"],))
        assert isinstance(tuples.predict((X, X), verbose=0), tuple)

    def test_wrong_keys(self) -> None:
        with pytest.raises(ValueError, match=r"Expected keys \['a', 'b'\], got \['a', 'c'\]"):
            structures().predict({"a": X, "c": X}, verbose=0)
        with pytest.raises(ValueError, match="Expected 2 inputs .*, got 3"):
            structures()([X, X, X])

    @pytest.mark.parametrize("shape", [(28, 28, 3), (27, 28, 1), (784,), (1, 28, 28), (2,)])
    @pytest.mark.parametrize("kind", ["functional", "sequential"])
    @pytest.mark.parametrize("way", ["call", "predict", "fit", "evaluate"])
    def test_images_of_a_wrong_shape(self, shape: Any, kind: str, way: str) -> None:
        i = cr.Input((28, 28, 1), name="image")
        chain = [layers.Flatten(), layers.Dense(10)]
        model = cr.Sequential([i, *chain], name="mnist")
        if kind == "functional":
            model = cr.Model(i, model.layers[1](model.layers[0](i)), name="mnist")
        model.compile("sgd", "mse")
        before = model.get_weights()
        x, y = np.zeros((4, *shape), "float32"), np.zeros((4, 10), "float32")
        runs: dict[str, Any] = {
            "call": lambda: model(x),
            "predict": lambda: model.predict(x, verbose=0),
            "fit": lambda: model.fit(x, y, verbose=0),
            "evaluate": lambda: model.evaluate(x, y, verbose=0),
        }
        given = ", ".join(map(str, shape))
        expected = rf"'mnist': input 'image' expected shape=\(None, 28, 28, 1\).*{given}"
        with pytest.raises(ShapeError, match=expected):
            runs[way]()
        assert same(model.get_weights(), before)

    def test_one_of_two_inputs_is_wrong(self) -> None:
        image, meta = cr.Input((4, 4, 3), name="image"), cr.Input((2,), name="meta")
        x = layers.Concatenate()([layers.Flatten()(image), meta])
        model = cr.Model({"image": image, "meta": meta}, layers.Dense(1)(x), name="two")
        good = np.zeros((2, 4, 4, 3), "float32")
        with pytest.raises(ShapeError, match=r"'two': input 'meta' expected shape=\(None, 2\)"):
            model.predict({"image": good, "meta": np.zeros((2, 3))}, verbose=0)
        with pytest.raises(ShapeError, match="one length"):
            model.predict({"image": good, "meta": np.zeros((3, 2))}, verbose=0)


class TestTraining:
    def test_losses_metrics_and_weights_by_output(self) -> None:
        model = mixed_inputs()
        set_weights(model)
        x, y = tickets()
        model.compile(
            "sgd",
            {"priority": "mse", "department": cr.losses.CategoricalCrossentropy(True)},
            loss_weights={"priority": 1.0, "department": 0.2},
            metrics={"priority": ["mae"], "department": ["accuracy"]},
        )
        weights = {"priority": np.linspace(0, 1, 16), "department": np.ones(16)}
        logs = model.evaluate(x, y, sample_weight=weights, verbose=0, return_dict=True)
        p = model.predict(x, verbose=0)
        priority = np.mean(weights["priority"] * np.mean((p["priority"] - y["priority"]) ** 2, 1))
        scores = p["department"] - p["department"].max(1, keepdims=True)
        logp = scores - np.log(np.exp(scores).sum(1, keepdims=True))
        department = -np.mean((y["department"] * logp).sum(1))
        assert logs["priority_loss"] == pytest.approx(priority, rel=1e-5)
        assert logs["department_loss"] == pytest.approx(department, rel=1e-5)
        assert logs["loss"] == pytest.approx(priority + 0.2 * department, rel=1e-5)
        assert logs["priority_mae"] == pytest.approx(np.abs(p["priority"] - y["priority"]).mean())
        hits = p["department"].argmax(1) == y["department"].argmax(1)
        assert logs["department_accuracy"] == pytest.approx(hits.mean())
        history = model.fit(x, y, epochs=3, verbose=0).history
        assert history["loss"][-1] < history["loss"][0]

    def test_lists_names_and_missing_losses(self) -> None:
        model = structures()
        two = cr.Model([model.input["a"], model.input["b"]],
                       [model.output["z"], model.output["y"][0]])
        targets = [Y, np.concatenate([Y, Y], 1)]
        two.compile("sgd", ["mse", "mae"], loss_weights=[1, 0.2], metrics=[["mae"], ["mse"]])
        assert len(two.evaluate([X, X], targets, verbose=0)) == 5
        two.compile("sgd", [None, "mse"])
        only = two.evaluate([X, X], targets, verbose=0)
        p = two.predict([X, X], verbose=0)[1]
        assert only == pytest.approx(float(np.mean((p - targets[1]) ** 2)), rel=1e-5)
        with pytest.raises(DataError, match="one target, got 2"):
            two.fit([X, X], targets, class_weight={0: 1.0}, verbose=0)

    def test_a_shared_layer_gets_both_gradients(self) -> None:
        a, b = cr.Input((8,)), cr.Input((8,))
        shared = layers.Dense(1, use_bias=False)
        model = cr.Model([a, b], layers.Add()([shared(a), shared(b)]))
        set_weights(model)
        kernel = model.get_weights()[0]
        model.compile(cr.optimizers.SGD(0.1), "mse")
        model.fit([X, 2 * X], Y, batch_size=16, verbose=0)
        residual = 3 * X @ kernel - Y
        expected = kernel - 0.1 * 2 / 16 * (3 * X).T @ residual
        np.testing.assert_allclose(model.get_weights()[0], expected, rtol=1e-4, atol=1e-5)

    def test_frozen_layers(self) -> None:
        model = nested()
        two = model.get_layer("two")
        two.trainable = False
        inner = two.get_layer("inner")
        assert not inner.trainable and not any(layer.trainable for layer in inner.layers)
        assert len(model.trainable_weights) == 4 and len(two.trainable_weights) == 0
        model.compile("sgd", "mse")
        before = [two.get_weights(), model.layers[-1].get_weights()]
        model.fit(X, Y, epochs=2, verbose=0)
        assert same(two.get_weights(), before[0])  # moving statistics too
        assert not same(model.layers[-1].get_weights(), before[1])
        two.trainable = True
        assert inner.layers[0].trainable
        model.compile("sgd", "mse")
        model.fit(X, Y, verbose=0)
        assert not any(map(np.array_equal, two.get_weights(), before[0]))

    def test_a_frozen_batch_normalization_uses_its_moving_statistics(self) -> None:
        norm = layers.BatchNormalization()
        model = cr.Sequential([cr.Input((8,)), norm])
        set_weights(model)
        gamma, beta, mean, variance = norm.get_weights()
        norm.trainable = False
        model.compile("sgd", "mse")
        expected = gamma * (X - mean) / np.sqrt(variance + 1e-3) + beta
        np.testing.assert_allclose(model(X, training=True), expected, rtol=1e-3, atol=1e-5)
        loss = model.fit(X, X, verbose=0, batch_size=16).history["loss"][0]
        assert loss == pytest.approx(float(np.mean((expected - X) ** 2)), rel=1e-4)

    def test_a_body_called_for_inference_stays_so_when_it_trains(self) -> None:
        i = cr.Input((8,))
        body = cr.Model(i, layers.BatchNormalization()(layers.Dense(4)(i)))
        model = cr.Model(i, layers.Dense(1)(body(i, training=False)))
        model.compile("sgd", "mse")
        kernel, _, _, _, mean, variance = body.get_weights()
        model.fit(X, Y, verbose=0)
        after = body.get_weights()
        assert not np.array_equal(after[0], kernel)
        assert same(after[4:], [mean, variance])

    def test_freezing_and_thawing_between_fits(self) -> None:
        model = cr.Sequential([cr.Input((8,)), layers.Dense(4), layers.Dense(1)])
        first = model.layers[0]
        first.trainable = False
        model.compile(cr.optimizers.Adam(0.01), "mse")
        model.fit(X, Y, verbose=0)
        first.trainable = True
        model.compile(cr.optimizers.Adam(0.01), "mse")
        kernel = first.get_weights()[0]
        model.fit(X, Y, verbose=0)
        assert not np.array_equal(first.get_weights()[0], kernel)

    def test_random_layers_in_nested_models_differ_and_repeat(self) -> None:
        def run() -> Any:
            cr.utils.set_random_seed(5)
            i = cr.Input((8,))
            noise = cr.Sequential([cr.Input((8,)), layers.Dropout(0.5)])
            model = cr.Model(i, [noise(i), noise(i)])
            return model(np.ones((4, 8), "float32"), training=True)

        one, other = run(), run()
        assert not np.array_equal(one[0], one[1])
        assert same(one, other)


class TestCopies:
    MAKERS = [mixed_inputs, graph_of_ops, nested, structures]

    @staticmethod
    def data(model: Any) -> Any:
        if model.name == "tickets":
            return tickets()[0]
        if isinstance(getattr(model, "input", None), dict):
            return {"a": X, "b": -X}
        return X if model.name == "outer" else [X[:, :4], X[:, 4:]]

    @pytest.mark.parametrize("make", MAKERS)
    def test_files(self, make: Any, tmp_path: Any) -> None:
        model = make()
        set_weights(model)
        again = reload(model, tmp_path)
        x = self.data(model)
        assert same(again.predict(x, verbose=0), model.predict(x, verbose=0))
        assert again.to_json() == model.to_json()

    @pytest.mark.parametrize("make", MAKERS)
    def test_clones(self, make: Any) -> None:
        model = make()
        set_weights(model)
        for recursive in (False, True):
            clone = models.clone_model(model, recursive=recursive)
            assert [w.shape for w in clone.weights] == [w.shape for w in model.weights]
            assert all(a is not b for a, b in zip(clone.weights, model.weights))
            clone.set_weights(model.get_weights())
            x = self.data(model)
            assert same(clone.predict(x, verbose=0), model.predict(x, verbose=0))

    def test_indices_by_tuple_and_by_list(self, tmp_path: Any) -> None:
        i = cr.Input((4,), batch_size=4)
        model = cr.Model(i, [i[0, 1], i[[0, 1]], i[..., None], i[1:, ::2]])
        x = X[:4, :4]
        for twin in (model, reload(model, tmp_path), models.clone_model(model)):
            assert same(twin(x), [x[0, 1], x[[0, 1]], x[..., None], x[1:, ::2]])

    def test_flags_are_kept(self, tmp_path: Any) -> None:
        model = nested()
        model.get_layer("two").trainable = False
        again = reload(model, tmp_path)
        assert len(again.trainable_weights) == len(model.trainable_weights) == 4
        assert not again.get_layer("two").get_layer("inner").trainable

    def test_training_goes_on_from_a_file(self, tmp_path: Any) -> None:
        model = nested()
        model.compile(cr.optimizers.Adam(0.01), "mse", metrics=["mae"])
        model.fit(X, Y, verbose=0)
        again = reload(model, tmp_path)
        histories = [
            m.fit(X, Y, epochs=2, shuffle=False, verbose=0).history for m in (model, again)
        ]
        assert histories[0] == histories[1]

    def test_functions_of_clone_model(self) -> None:
        i = cr.Input((8,), name="i")
        model = cr.Model(i, layers.Dense(2, name="last")(layers.Dense(4, name="first")(i)))

        def with_noise(layer: Any, *args: Any, **kwargs: Any) -> Any:
            out = layer(*args, **kwargs)
            return layers.GaussianNoise(0.1)(out) if layer.name == "first" else out

        kept = models.clone_model(model, clone_function=lambda x: x, call_function=with_noise)
        assert [type(layer).__name__ for layer in kept.layers] == [
            "InputLayer", "Dense", "GaussianNoise", "Dense"]
        assert kept.layers[1] is model.get_layer("first")
        other = cr.Input((8,), batch_size=3, name="other")
        assert models.clone_model(model, input_tensors=other).output_shape == (3, 2)
        with pytest.raises(ValueError, match="expected 1 input tensors .* got 2"):
            models.clone_model(model, input_tensors=[i, other])
        with pytest.raises(ValueError, match="made by Input"):
            models.clone_model(model, input_tensors=X)
        with pytest.raises(ValueError, match="call_function=None for the Sequential"):
            models.clone_model(cr.Sequential([i]), call_function=with_noise)
        with pytest.raises(ValueError, match="expected a Model, got Dense"):
            models.clone_model(layers.Dense(2))

    def test_a_user_operation_of_a_known_name(self, tmp_path: Any) -> None:
        @cr.saving.register_keras_serializable("test_functional")
        class Add(cr.Operation):
            def call(self, x: Any) -> Any:
                return x + 100.0

        i = cr.Input((8,))
        model = cr.Model(i, Add()(i) + 1.0)
        np.testing.assert_allclose(reload(model, tmp_path)(X), X + 101.0, rtol=1e-6)

    def test_layers_without_names_of_variables(self, tmp_path: Any) -> None:
        @cr.saving.register_keras_serializable("test_functional")
        class Affine(layers.Layer):
            def build(self, input_shape: Any) -> None:
                self.w = self.add_weight(shape=(input_shape[-1], 2))
                self.b = self.add_weight(shape=(2,))

            def call(self, x: Any) -> Any:
                return ops.matmul(x, self.w) + self.b

        cr.Variable(1.0)  # numbers of automatic names differ between programs
        i = cr.Input((8,))
        model = cr.Model(i, Affine()(i))
        again = reload(model, tmp_path)
        assert same(again.predict(X, verbose=0), model.predict(X, verbose=0))

    def test_hostile_files(self, tmp_path: Any) -> None:
        config = graph_of_ops().get_config()
        entry = next(e for e in config["layers"] if e["class_name"] == "Concatenate")
        assert entry["module"] == "keras.src.ops.numpy"
        entry["class_name"] = "Eval"
        with pytest.raises(ValueError, match="expected an op of chainrule, got 'Eval'"):
            cr.Model.from_config(config)
        text = json.dumps(graph_of_ops().get_config()).replace("__slice__", "__lambda__")
        with pytest.raises((ValueError, TypeError, FileFormatError)):
            cr.Model.from_config(json.loads(text))


    def test_calls_that_keras_has_not(self, tmp_path: Any) -> None:
        """A bound that is a tensor is no argument of Keras's class of `clip`."""
        i, j = cr.Input((8,)), cr.Input((8,))
        model = cr.Model([i, j], ops.clip(i, j, 3.0))
        again = reload(model, tmp_path)
        np.testing.assert_array_equal(again([X, X * 2]), model([X, X * 2]))
        config = model.get_config()
        entry = next(e for e in config["layers"] if e["class_name"] == "OpCall")
        entry["config"]["function"] = "Eval"
        with pytest.raises(ValueError, match="expected an op of chainrule, got 'Eval'"):
            cr.Model.from_config(config)


class TestSummary:
    def test_rows_follow_the_graph(self) -> None:
        lines: list[str] = []
        structures().summary(print_fn=lines.append, line_length=120)
        text = "\n".join(lines)
        assert "in_b[0][0], in_a[0][0]" in text
        assert "Total params: 39 (156.00 B)" in text

    def test_connections_inside_nested_models(self) -> None:
        i = cr.Input((8,), name="inside")
        body = cr.Model(i, layers.Add(name="sum")([layers.Dense(8, name="deep")(i), i]), name="b")
        o = cr.Input((8,), name="outside")
        lines: list[str] = []
        model = cr.Model(o, layers.Add(name="top")([body(o), o]))
        model.summary(print_fn=lines.append, line_length=120, expand_nested=True)
        row = next(line for line in lines if "└ sum" in line)
        assert "deep[0][0], inside[0][0]" in row

    def test_an_open_batch_size_is_none(self) -> None:
        class Own(cr.Model):
            def __init__(self) -> None:
                super().__init__()
                self.dense = layers.Dense(3)

            def call(self, x: Any) -> Any:
                return self.dense(x)

        model = Own()
        model.compile("sgd", "mse")
        model.fit(X, X[:, :3], verbose=0)
        lines: list[str] = []
        model.summary(print_fn=lines.append)
        assert any("(None, 3)" in line for line in lines)
        assert model.dense.get_build_config() == {"input_shape": (None, 8)}


class TestMismatchedInputs:
    def test_warnings(self) -> None:
        a, b = cr.Input((2,), name="a"), cr.Input((2,), name="b")
        model = cr.Model({"a": a, "b": b}, layers.Add()([a, b]))
        x = np.ones((3, 2), "float32")
        message = "The structure of `inputs` doesn't match the expected structure"
        with pytest.warns(UserWarning, match=f"{message}.*Expected a dict.*got list"):
            model.predict([x, x], verbose=0)
        with pytest.warns(UserWarning, match=f"{message}.*got ..a., .b., .more.."):
            model({"a": x, "b": x, "more": x})
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model({"a": x, "b": x})
            cr.Model([a, b], layers.Add()([a, b])).predict((x, x), verbose=0)
        with pytest.raises(ValueError, match=r"expects 2 named input\(s\) with keys \['a', 'b'\]"):
            model(x)

    def test_a_list_for_a_dict_in_another_order(self) -> None:
        a, b = cr.Input((2,), name="a"), cr.Input((2,), name="b")
        model = cr.Model({"b": b, "a": a}, layers.Subtract()([a, b]))
        with pytest.raises(ValueError, match="Expected a dict, since the keys"):
            model([np.ones((1, 2)), np.ones((1, 2))])


class TestClonesOfCompiledModels:
    def test_clones_are_compiled(self) -> None:
        for model in (mixed_inputs(), cr.Sequential([cr.Input((2,)), layers.Dense(1)])):
            model.compile(cr.optimizers.SGD(0.25), "mae", metrics=["mse"])
            copied = cr.models.clone_model(model)
            assert copied.compiled and copied.optimizer is not model.optimizer
            assert float(copied.optimizer.learning_rate) == 0.25
        assert not cr.models.clone_model(mixed_inputs()).compiled

    def test_input_tensors_of_another_structure(self) -> None:
        a, b = cr.Input((2,), name="a"), cr.Input((2,), name="b")
        model = cr.Model({"a": a, "b": b}, layers.Add()([a, b]))
        with pytest.raises(ValueError, match="`input_tensors` must have the same structure"):
            cr.models.clone_model(model, input_tensors=(a, b))
