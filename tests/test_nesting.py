"""What nests hundreds or thousands deep: a clear error at once, and no crash."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import layers, saving, tree

X = np.ones((2, 4), "float32")


@pytest.fixture(autouse=True)
def quickly() -> Iterator[None]:
    start = time.process_time()
    yield
    assert time.process_time() - start < 20


class Wrap(layers.Layer):
    def __init__(self, inner: Any, **options: Any) -> None:
        super().__init__(**options)
        self.inner = inner

    def call(self, x: Any) -> Any:
        return self.inner(x)


class Later(Wrap):
    """Gets what it wraps after it has been wrapped."""

    def __init__(self) -> None:
        super().__init__(None)


def sequential(x: Any) -> Any:
    return cr.Sequential([cr.Input((4,)), x])


def unbuilt(x: Any) -> Any:
    return cr.Sequential([x])


def functional(x: Any) -> Any:
    inputs = cr.Input((4,))
    return cr.Model(inputs, x(inputs))


def subclassed(x: Any) -> Any:
    model = cr.Model()
    model.inner = x
    return model


WAYS = [sequential, unbuilt, functional, subclassed, Wrap, layers.TimeDistributed]


@pytest.mark.parametrize("wrap", WAYS, ids=lambda w: w.__name__)
def test_layers_300_deep(wrap: Any) -> None:
    found: Any = layers.Dense(4)
    with pytest.raises(ValueError, match=r"expected layers that nest at most 50 deep"):
        for _ in range(300):
            found = wrap(found)


def test_layers_that_are_put_in_from_the_outside() -> None:
    outer = inner = Later()
    for _ in range(300):
        inner.inner = Later()
        inner = inner.inner
    inner.inner = layers.Dense(4)
    with pytest.raises(ValueError, match="expected layers that nest at most 50 deep"):
        outer(X)


def test_forty_are_not_too_many(tmp_path: Any) -> None:
    model: Any = layers.Dense(4)
    for wrap in [sequential, functional, unbuilt] * 13:
        model = wrap(model)
    model.build((None, 4))
    model.compile("sgd", "mse")
    model.fit(X, X, verbose=0)
    model.save(tmp_path / "m.chainrule")
    again = saving.load_model(tmp_path / "m.chainrule")
    assert np.array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


def nested_config(depth: int) -> dict[str, Any]:
    config = layers.serialize(layers.Dense(4))
    for i in range(depth):
        config = {
            "module": "keras",
            "class_name": "Sequential",
            "config": {"name": f"s{i}", "layers": [config]},
            "registered_name": None,
        }
    return config


def test_configurations_300_deep() -> None:
    config = nested_config(300)
    for read in (saving.deserialize_keras_object, layers.deserialize):
        with pytest.raises(ValueError, match="deep"):
            read(config)
    with pytest.raises(ValueError, match="deep"):
        cr.Sequential.from_config(config["config"])
    with pytest.raises(ValueError, match="deep"):
        cr.models.model_from_json(_json(config))


def _json(config: Any) -> str:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(10_000)
    try:
        return json.dumps(config)
    finally:
        sys.setrecursionlimit(limit)


@pytest.mark.parametrize("depth", [600, 200_000])
def test_json(depth: int) -> None:
    for text in ("[" * depth, "[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth):
        with pytest.raises(ValueError, match=r"deep|JSON|Expecting"):
            cr.models.model_from_json(text)


def nested(kind: Any, depth: int) -> Any:
    found: Any = 1.0
    for _ in range(depth):
        found = {"a": found} if kind is dict else kind([found])
    return found


STRUCTURES = {
    "flatten": tree.flatten,
    "flatten_with_path": tree.flatten_with_path,
    "map_structure": lambda x: tree.map_structure(lambda leaf: leaf, x),
    "map_shape_structure": lambda x: tree.map_shape_structure(lambda leaf: leaf, x),
    "map_structure_up_to": lambda x: tree.map_structure_up_to(x, lambda leaf: leaf, x),
    "traverse": lambda x: tree.traverse(lambda leaf: None, x),
    "lists_to_tuples": tree.lists_to_tuples,
    "pack_sequence_as": lambda x: tree.pack_sequence_as(x, [1]),
    "assert_same_structure": lambda x: tree.assert_same_structure(x, x),
    "serialize": saving.serialize_keras_object,
    "deserialize": saving.deserialize_keras_object,
    "layer": lambda x: layers.Dense(2)(x),
    "attribute": lambda x: setattr(layers.Dense(2), "attribute", x),
    "predict": lambda x: sequential(layers.Dense(2)).predict(x, verbose=0),
    "compile": lambda x: sequential(layers.Dense(2)).compile("sgd", loss=x),
    "input": cr.Input,
}


@pytest.mark.parametrize("kind", [list, tuple, dict], ids=lambda k: k.__name__)
@pytest.mark.parametrize("name", STRUCTURES)
def test_structures(name: str, kind: Any) -> None:
    with pytest.raises(ValueError):
        STRUCTURES[name](nested(kind, 100_000))
    try:
        STRUCTURES[name](nested(kind, 300))
    except (ValueError, TypeError) as error:
        assert not isinstance(error, RecursionError) and str(error)


def test_tensors_and_messages() -> None:
    for read in (cr.ops.convert_to_tensor, cr.losses.get, cr.initializers.get):
        with pytest.raises(ValueError):
            read(nested(list, 100_000))
