"""pickle, copy and joblib: a copy goes on with the same bits and shares nothing."""

from __future__ import annotations

import copy
import hashlib
import io
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import callbacks, layers, losses, metrics, ops, optimizers
from tests.test_layers_numerics import ROWS

X = np.random.default_rng(0).normal(size=(40, 6)).astype("float32")
Y = (X @ np.ones((6, 2))).astype("float32")


def by_joblib(x: Any) -> Any:
    joblib = pytest.importorskip("joblib")
    file = io.BytesIO()
    joblib.dump(x, file)
    file.seek(0)
    return joblib.load(file)


WAYS: dict[str, Callable[[Any], Any]] = {
    "pickle": lambda x: pickle.loads(pickle.dumps(x)),
    "pickle, protocol 2": lambda x: pickle.loads(pickle.dumps(x, 2)),
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    "joblib": by_joblib,
}


@pytest.fixture(params=WAYS)
def copied(request: Any) -> Any:
    return WAYS[request.param]


class Subclassed(cr.Model):
    """Without `get_config`, with layers in containers."""

    def __init__(self, activation: Any) -> None:
        super().__init__()
        self.first = layers.Dense(5, activation=activation)
        self.blocks = [layers.Dense(5), layers.Dropout(0.2)]
        self.heads = {"out": layers.Dense(2)}

    def call(self, x: Any) -> Any:
        x = self.first(x)
        for block in self.blocks:
            x = block(x)
        return self.heads["out"](x)


class FromGraph(cr.Model):
    """A functional model with a constructor of its own."""

    def __init__(self, units: int) -> None:
        x = cr.Input((6,))
        super().__init__(x, layers.Dense(2)(layers.Dense(units)(x)))


def sequential() -> Any:
    return cr.Sequential(
        [
            cr.Input((6,)),
            layers.Dense(8, activation="gelu", kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.Dense(2),
        ]
    )


def functional() -> Any:
    x = cr.Input((6,))
    shared = layers.Dense(6, activation="tanh")
    h = layers.GaussianNoise(0.1)(shared(shared(x)))
    h = ops.relu(h) + 2 * x
    return cr.Model(x, layers.Dense(2)(layers.Concatenate()([h, x])))


MODELS: dict[str, Callable[[], Any]] = {
    "sequential": sequential,
    "functional": functional,
    "subclassed": lambda: Subclassed(ops.sigmoid),
    "from a graph": lambda: FromGraph(4),
    "nested": lambda: cr.Sequential([cr.Input((6,)), functional(), layers.Dense(2)]),
}
OPTIMIZERS: dict[str, Callable[[], Any]] = {
    "schedule": lambda: optimizers.Adam(
        optimizers.schedules.ExponentialDecay(0.01, 10, 0.9), clipnorm=1.0
    ),
    "averages": lambda: optimizers.SGD(0.01, momentum=0.9, use_ema=True),
    "loss scale": lambda: optimizers.LossScaleOptimizer(optimizers.RMSprop()),
    "several": lambda: optimizers.MultiOptimizer(
        optimizers.OptimizerMap(optimizers.Adam(), {".*bias": optimizers.SGD(0.1)})
    ),
}


def quartic(y_true: Any, y_pred: Any) -> Any:
    return ops.mean(ops.tanh(y_true - y_pred) ** 4, axis=-1)


def cells(model: Any) -> list[Any]:
    return [*model.variables, *model.optimizer.variables, *model.metrics_variables]


def bits(model: Any) -> list[bytes]:
    return [v.numpy().tobytes() for v in cells(model)]


def trained(make: Callable[[], Any], optimizer: Any = "adam", loss: Any = quartic) -> Any:
    cr.utils.set_random_seed(1)
    model = make()
    rmse = metrics.RootMeanSquaredError()
    model.compile(optimizer, loss, metrics=["mae", rmse], weighted_metrics=["mse"])
    train(model)
    return model


def train(model: Any) -> Any:
    return model.fit(X, Y, epochs=2, batch_size=16, shuffle=False, verbose=0).history


def goes_on(model: Any, twin: Any) -> None:
    """The copy is equal, trains without the original, and both come to the same bits."""
    assert bits(twin) == bits(model)
    assert not {id(v.cell) for v in cells(model)} & {id(v.cell) for v in cells(twin)}
    before = bits(model)
    found = train(twin)
    assert bits(model) == before != bits(twin)
    assert train(model) == found and bits(twin) == bits(model)
    assert twin.predict(X, verbose=0).tobytes() == model.predict(X, verbose=0).tobytes()


@pytest.mark.parametrize("name", MODELS)
def test_a_trained_model_goes_on(name: str, copied: Any) -> None:
    model = trained(MODELS[name])
    twin = copied(model)
    assert type(twin) is type(model) and twin.history.history == model.history.history
    goes_on(model, twin)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_go_on(name: str) -> None:
    for way in ("pickle", "deepcopy"):
        model = trained(sequential, OPTIMIZERS[name](), "mse")
        goes_on(model, WAYS[way](model))


def test_what_cannot_be_pickled_can_be_copied() -> None:
    model = trained(lambda: Subclassed(lambda x: ops.tanh(x)), loss=lambda y, p: (y - p) ** 2)
    goes_on(model, copy.deepcopy(model))
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(model)


def test_an_unbuilt_model(copied: Any) -> None:
    model = cr.Sequential([layers.Dense(3), layers.Dense(2)])
    model.compile("sgd", "mse")
    twin = copied(model)
    twin.fit(X, Y, verbose=0)
    twin.add(layers.Dense(1))
    assert not model.built and len(model.layers) == 2 and len(twin.layers) == 3


def test_models_that_share_layers(copied: Any) -> None:
    if copied is copy.copy:
        pytest.skip("copies only the list")
    x = cr.Input((6,))
    code = layers.Dense(3, name="code")(x)
    encoder, whole = cr.Model(x, code), cr.Model(x, layers.Dense(6)(code))
    chain = cr.Sequential([cr.Input((6,)), encoder, layers.Dense(1)])
    whole.compile("sgd", "mse")
    encoder_2, whole_2, chain_2 = copied([encoder, whole, chain])
    assert chain_2.layers[0] is encoder_2
    assert encoder_2.layers[1] is whole_2.get_layer("code") is not encoder.layers[1]
    before = encoder.get_weights()[0]
    whole_2.fit(X, X, verbose=0)
    assert np.array_equal(encoder.get_weights()[0], before)
    trained_kernel = whole_2.get_weights()[0]
    assert not np.array_equal(trained_kernel, before)
    assert np.array_equal(encoder_2.get_weights()[0], trained_kernel)
    assert np.array_equal(chain_2.get_weights()[0], trained_kernel)


def test_the_graph_of_a_copy_can_be_built_on(copied: Any) -> None:
    model = functional()
    twin = copied(model)
    for m in (model, twin):
        inner = cr.Model(m.input, ops.exp(m.layers[1].output))
        assert inner.output_shape == (None, 6)
        assert [layer.name for layer in m.layers] == [layer.name for layer in model.layers]
    again = cr.models.clone_model(twin)
    assert [w.shape for w in again.weights] == [w.shape for w in model.weights]
    assert type(twin).from_config(twin.get_config()).count_params() == model.count_params()
    assert twin.to_json() == model.to_json()


@pytest.mark.parametrize("kind", ["sequential", "functional"])
@pytest.mark.parametrize("way", ["pickle", "deepcopy"])
def test_deep_models(kind: str, way: str) -> None:
    if kind == "sequential":
        model = cr.Sequential([cr.Input((2,)), *(layers.Dense(2) for _ in range(300))])
    else:
        x = first = cr.Input((2,))
        for _ in range(300):
            x = layers.Dense(2)(x) + x
        model = cr.Model(first, x)
    twin = WAYS[way](model)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), twin.get_weights()))


def test_a_mask_is_still_made(copied: Any) -> None:
    x = cr.Input((5,), dtype="int32")
    embedded = layers.Embedding(9, 4, mask_zero=True)(x)
    model = cr.Model(x, layers.GlobalAveragePooling1D()(embedded))
    twin = copied(model)
    data = np.array([[1, 2, 0, 0, 0], [3, 0, 4, 5, 0]])
    assert twin.predict(data, verbose=0).tobytes() == model.predict(data, verbose=0).tobytes()
    pooled = layers.GlobalAveragePooling1D()(twin.layers[1].output)
    assert cr.Model(twin.input, pooled).predict(data, verbose=0).tobytes() == model.predict(
        data, verbose=0
    ).tobytes()


def test_a_copy_in_the_middle_of_a_training() -> None:
    class Copy(callbacks.Callback):
        twins: list[Any] = []

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.twins.append(copy.deepcopy(self.model))
            train(self.twins[-1])

    cr.utils.set_random_seed(1)
    model = sequential()
    plain = copy.deepcopy(model)
    for m in (model, plain):
        m.compile("adam", "mse")
    model.fit(X, Y, epochs=2, shuffle=False, verbose=0, callbacks=[Copy()])
    plain.fit(X, Y, epochs=2, shuffle=False, verbose=0)
    assert bits(model) == bits(plain) and len(Copy.twins) == 2


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
@pytest.mark.parametrize("way", ["pickle", "deepcopy"])
def test_every_layer(row: Any, way: str) -> None:
    rng = np.random.default_rng(7)
    kind = "int32" if row.integers else "float32"
    xs = [
        rng.integers(0, 6, shape).astype(kind) if row.integers else rng.normal(size=shape)
        for shape in row.shapes
    ]
    xs = [x.astype(kind) for x in xs]
    data = xs if len(xs) > 1 else xs[0]
    layer = row.make()
    unbuilt = WAYS[way](layer)
    assert unbuilt.get_config() == layer.get_config()
    layer(data)
    twin = WAYS[way](layer)
    assert twin.get_config() == layer.get_config()
    assert not {id(v.cell) for v in layer.variables} & {id(v.cell) for v in twin.variables}
    assert np.array_equal(twin(data), layer(data))
    assert unbuilt(data).shape == layer(data).shape


def test_attributes_stay() -> None:
    layer = layers.Dense(2)
    layer.notes = {"a": [1, 2], "inner": layers.Dense(3)}
    layer.__dict__["itself"] = layer
    for way in ("pickle", "deepcopy", "copy"):
        twin = WAYS[way](layer)
        assert twin.itself is twin and twin.notes["a"] == [1, 2]
        assert twin._layers == [twin.notes["inner"]] != layer._layers
        twin.notes["more"] = layers.Dense(4)
        assert len(twin._layers) == 2 and len(layer._layers) == 1


class Closures(layers.Layer):
    """Its constructor makes functions, one of which holds the layer itself."""

    def __init__(self, factor: float = 2.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dense = layers.Dense(2)
        self.scale = lambda x: factor * x
        self.through = lambda x: self.dense(x)

    def call(self, x: Any) -> Any:
        return self.scale(self.through(x))


@pytest.mark.parametrize("way", ["pickle", "deepcopy"])
def test_functions_that_a_constructor_makes(way: str) -> None:
    layer = Closures(3.0)
    expected = layer(X)
    twin = WAYS[way](layer)
    assert np.array_equal(twin(X), expected)
    twin.dense.set_weights([w * 0 for w in twin.dense.get_weights()])
    assert not np.any(twin(X)) and np.array_equal(layer(X), expected)
    model = trained(lambda: cr.Sequential([cr.Input((6,)), Closures(0.5)]))
    goes_on(model, WAYS[way](model))


class Both(metrics.Metric):
    """A metric without `get_config`, that holds another."""

    def __init__(self) -> None:
        super().__init__(name="both")
        self.total = self.add_variable((), "zeros")
        self.inner = metrics.Mean()

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self.total.assign_add(ops.sum(y_pred))
        self.inner.update_state(y_pred)

    def result(self) -> Any:
        return self.total + self.inner.result()


def test_metrics_losses_optimizers_and_seeds_alone(copied: Any) -> None:
    metric = Both()
    metric.update_state(Y, Y)
    twin = copied(metric)
    assert float(twin.result()) == float(metric.result())
    if copied is not copy.copy:
        twin.update_state(Y, Y)
        assert float(twin.result()) != float(metric.result()) and len(twin.variables) == 3
    loss = copied(losses.Huber(2.0))
    assert float(loss(Y, X[:, :2])) == float(losses.Huber(2.0)(Y, X[:, :2]))
    optimizer = trained(sequential).optimizer
    values = [v.numpy().tobytes() for v in optimizer.variables]
    assert [v.numpy().tobytes() for v in copied(optimizer).variables] == values
    seeds = cr.random.SeedGenerator(4)
    seeds.next()
    assert copied(seeds).next().tolist() == [4, 1]


def test_a_history_brings_its_model(copied: Any) -> None:
    history = trained(sequential).history
    twin = copied(history)
    assert twin.history == history.history and twin.epoch == history.epoch == [0, 1]
    if copied is not copy.copy:
        assert twin.model is not history.model and twin.model.history is twin


def test_another_process_goes_on(tmp_path: Path) -> None:
    model = trained(lambda: FromGraph(4))
    path = tmp_path / "model.pickle"
    path.write_bytes(pickle.dumps(model))
    script = (
        "import pickle, sys, hashlib\n"
        "from tests import test_copies as t\n"
        "model = pickle.loads(open(sys.argv[1], 'rb').read())\n"
        "t.train(model)\n"
        "print(hashlib.sha256(b''.join(t.bits(model))).hexdigest())\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, str(path)],
        cwd=Path(__file__).resolve().parents[1], capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    train(model)
    assert run.stdout.strip() == hashlib.sha256(b"".join(bits(model))).hexdigest()
