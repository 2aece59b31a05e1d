"""Files of Keras opened here, and files from here opened by Keras: the same predictions, and training
that goes on from the same state."""

from __future__ import annotations

import importlib
import inspect
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.models import op_calls
from chainrule.tracing.recording import recorded_operation
from tests.extras import need
from tests.extras.keras_models import MODELS, TRAINED, data_for

os.environ.setdefault("KERAS_BACKEND", "jax")
h5py = need("h5py")
keras = need("keras", "3.15")

RNG = np.random.default_rng(7)
PACKAGES = {"keras": keras, "chainrule": cr}
WAYS = [("keras", "chainrule"), ("chainrule", "keras")]


def inputs_of(model: Any) -> list[Any]:
    """Data for a model, the same for both packages."""
    if hasattr(model, "_inputs_struct") or hasattr(model, "_functional"):
        return data_for(model)
    return [np.random.default_rng(3).normal(size=(6, 4)).astype("float32")]


def arranged(model: Any, values: list[Any]) -> Any:
    structure = getattr(model, "_inputs_struct", None)
    if isinstance(structure, dict):
        return dict(zip(sorted(structure), values, strict=True))
    return values[0] if len(values) == 1 else values


def outputs(model: Any, values: list[Any]) -> list[Any]:
    found = model(arranged(model, values), training=False)
    return [np.asarray(x, dtype="float32") for x in cr.tree.flatten(found)]


def randomised(model: Any, name: str) -> Any:
    """The model with weights that are no initial ones."""
    if name != "numbers":  # whose weights are what it has seen
        model.set_weights(
            [
                (np.abs(RNG.normal(size=w.shape)) * 0.4 + 0.1).astype(w.dtype)
                if np.asarray(w).dtype.kind == "f"
                else np.asarray(w)
                for w in model.get_weights()
            ]
        )
    return model


def close(one: list[Any], other: list[Any], what: str) -> None:
    assert len(one) == len(other), what
    for a, b in zip(one, other, strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert a.shape == b.shape, what
        bound = 1e-5 * max(1.0, float(np.abs(a).max(initial=0)))
        assert float(np.abs(a - b).max(initial=0)) <= bound, what


def loaded(package: Any, path: Any, **options: Any) -> Any:
    """The model of a file that is opened without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        return package.saving.load_model(path, **options)


def optimizer_of(package: Any, name: str) -> Any:
    options = {"sgd": {"momentum": 0.9, "nesterov": True}, "rmsprop": {"centered": True}}
    kinds = {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop", "nadam": "Nadam"}
    made = getattr(package.optimizers, kinds[name])
    return made(0.001, global_clipnorm=1.0, **options.get(name, {}))


def values_of(variables: Any) -> list[Any]:
    return [np.asarray(v) for v in variables]


@pytest.mark.parametrize("way", WAYS, ids="-to-".join)
@pytest.mark.parametrize("name", MODELS)
def test_models(name: str, way: tuple[str, str], tmp_path: Path) -> None:
    here, there = (PACKAGES[package] for package in way)
    MODELS[name](there)  # registers classes
    model = randomised(MODELS[name](here), name)
    data = inputs_of(model)
    if name in TRAINED:
        model.compile(optimizer_of(here, TRAINED[name]), "mse")
        targets = [np.full_like(y, 0.3) for y in outputs(model, data)]
        model.train_on_batch(arranged(model, data), targets[0])
    path = tmp_path / "m.keras"
    model.save(path)
    other = loaded(there, path)
    close(outputs(model, data), outputs(other, data), "predictions")
    close(model.get_weights(), other.get_weights(), "weights")
    if name not in TRAINED:
        return
    for net in (model, other):
        assert int(np.asarray(net.optimizer.iterations)) == 1
        net.train_on_batch(arranged(net, data), targets[0])
    close(model.get_weights(), other.get_weights(), "weights after another step")
    states = [values_of(net.optimizer.variables) for net in (model, other)]
    close(states[0], states[1], "optimizer after another step")


OPTIMIZERS = {
    "SGD": {},
    "Adagrad": {},
    "Adadelta": {},
    "Adamax": {},
    "Adafactor": {},
    "Ftrl": {"l1_regularization_strength": 0.01},
    "Lion": {},
    "Lamb": {},
    "Adam": {"amsgrad": True, "use_ema": True, "gradient_accumulation_steps": 2},
    "Muon": {},
}


def optimizer_with(package: Any, name: str) -> Any:
    schedules = package.optimizers.schedules
    rate = schedules.ExponentialDecay(0.1, 3, 0.5) if name in ("SGD", "Lion") else 0.01
    return getattr(package.optimizers, name)(rate, **OPTIMIZERS[name])


@pytest.mark.parametrize("way", WAYS, ids="-to-".join)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name: str, way: tuple[str, str], tmp_path: Path) -> None:
    here, there = (PACKAGES[package] for package in way)
    model = here.Sequential([here.Input((3,)), here.layers.Dense(4), here.layers.Dense(2)])
    model.compile(optimizer_with(here, name), "mse")
    model.optimizer.build(model.trainable_variables)
    grads = [RNG.normal(size=v.shape).astype("float32") for v in model.trainable_variables]
    tensors = [here.ops.convert_to_tensor(g) for g in grads]
    model.optimizer.apply(tensors, model.trainable_variables)
    model.save(tmp_path / "m.keras")
    other = loaded(there, tmp_path / "m.keras")
    assert type(other.optimizer).__name__ == name
    for net in (model, other):
        tensors = [PACKAGES[way[net is other]].ops.convert_to_tensor(g) for g in grads]
        net.optimizer.apply(tensors, net.trainable_variables)
    close(model.get_weights(), other.get_weights(), "weights")
    states = [values_of(net.optimizer.variables) for net in (model, other)]
    close(states[0], states[1], "optimizer")


@pytest.mark.parametrize("way", WAYS, ids="-to-".join)
@pytest.mark.parametrize("name", ["convolutions", "bidirectional", "nested", "own_class"])
def test_weights(name: str, way: tuple[str, str], tmp_path: Path) -> None:
    here, there = (PACKAGES[package] for package in way)
    model, other = randomised(MODELS[name](here), name), MODELS[name](there)
    model.save_weights(tmp_path / "m.weights.h5")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        other.load_weights(tmp_path / "m.weights.h5")
    close(model.get_weights(), other.get_weights(), "weights")


@pytest.mark.parametrize("way", WAYS, ids="-to-".join)
@pytest.mark.parametrize("name", ["dense", "shared", "cells", "subclassed", "normalisation"])
def test_files_of_before(name: str, way: tuple[str, str], tmp_path: Path) -> None:
    """Whole models in `.h5`, and their weights by order and by name."""
    here, there = (PACKAGES[package] for package in way)
    MODELS[name](there)
    model = randomised(MODELS[name](here), name)
    metrics = [here.metrics.MeanAbsoluteError(), "mean_squared_error"]
    loss = "mean_squared_error" if here is keras else "mse"
    model.compile(optimizer_of(here, "adam"), loss, metrics=metrics)
    model.optimizer.build(model.trainable_variables)
    for variable in model.optimizer.variables[2:]:
        variable.assign(np.full(variable.shape, 0.5, "float32"))
    path = tmp_path / "m.h5"
    model.save(path)
    other = loaded(there, path)
    data = inputs_of(model)
    close(outputs(model, data), outputs(other, data), "predictions")
    assert type(other.optimizer).__name__ == "Adam"
    if there is cr:  # Keras 3 builds no optimizer here, and so reads no state of one
        states = [values_of(net.optimizer.variables) for net in (model, other)]
        close(states[0], states[1], "optimizer")
    for by_name in (False, True):
        other.set_weights([np.zeros_like(w) for w in other.get_weights()])
        if by_name:
            for layer, named in zip(other.layers, model.layers, strict=True):
                assert layer.name == named.name
        other.load_weights(path, by_name=by_name)
        close(model.get_weights(), other.get_weights(), f"weights by_name={by_name}")


def test_what_is_compiled(tmp_path: Path) -> None:
    """Losses, metrics and schedules, as objects and by name, come through both ways."""
    model = MODELS["dense"](cr)
    rate = cr.optimizers.schedules.CosineDecay(0.1, 10, alpha=0.1)
    model.compile(
        cr.optimizers.AdamW(rate, weight_decay=0.02, clipnorm=1.0),
        cr.losses.CategoricalCrossentropy(label_smoothing=0.1),
        metrics=["mae", cr.metrics.RootMeanSquaredError(name="r"), cr.losses.mean_squared_error],
    )
    model.optimizer.build(model.trainable_variables)
    model.save(tmp_path / "a.keras")
    there = loaded(keras, tmp_path / "a.keras")
    there.save(tmp_path / "b.keras")
    again = loaded(cr, tmp_path / "b.keras")
    one, other = model.get_compile_config(), again.get_compile_config()
    assert one["optimizer"] == other["optimizer"]
    assert one["loss"]["config"]["label_smoothing"] == 0.1
    assert other["loss"]["config"]["label_smoothing"] == 0.1
    x, y = data_for(model)[0], np.eye(3, dtype="float32")[[0, 1, 2, 0, 1, 2]]
    results = [m.evaluate(x, y, verbose=0, return_dict=True) for m in (model, there, again)]
    for key in results[0]:
        values = [float(found[key]) for found in results]
        assert values == pytest.approx([values[0]] * 3, rel=1e-5), key


def test_calls_of_ops_take_what_keras_classes_take() -> None:
    found = set()
    for place in op_calls._MODULES:
        module = importlib.import_module(f"keras.src.ops.{place}")
        for name, cls in inspect.getmembers(module, inspect.isclass):
            own = op_calls._RENAMED.get(name, name)
            function = recorded_operation(own)
            is_op = issubclass(cls, keras.Operation) and cls.__module__ == module.__name__
            if not is_op or function is None or own in op_calls._OF_FUNCTIONS:
                continue
            parameters = list(inspect.signature(cls.call).parameters.values())[1:]
            stars = {inspect.Parameter.VAR_POSITIONAL: "*"}
            taken = [stars.get(p.kind, "") + p.name for p in parameters if p.name != "kwargs"]
            assert op_calls._taken(own, function) == taken, name
            found.add(own)
    assert len(found) > 200
