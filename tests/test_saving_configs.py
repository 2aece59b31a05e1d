"""Objects to config dicts and back."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule import saving
from chainrule.base import registry as registration
from chainrule.base.serialization import ObjectSharingScope
from chainrule.tracing.policies import DTypePolicy


@saving.register_keras_serializable("tests")
class Scale:
    def __init__(self, factor=1.0, inner=None):
        self.factor = factor
        self.inner = inner

    def get_config(self):
        return {"factor": self.factor, "inner": self.inner}

    @classmethod
    def from_config(cls, config):
        return cls(config["factor"], saving.deserialize_keras_object(config["inner"]))


@saving.register_keras_serializable("tests")
def double(x):
    return 2 * x


def unregistered(x):
    return x


def round_trip(obj, **kwargs):
    config = json.loads(json.dumps(saving.serialize_keras_object(obj)))
    return saving.deserialize_keras_object(config, **kwargs)


plain = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.text(max_size=3)),
    lambda c: st.one_of(
        st.lists(c, max_size=3), st.dictionaries(st.text("ab", max_size=2), c, max_size=3)
    ),
    max_leaves=8,
)


@given(plain)
def test_plain_values_survive(value):
    assert round_trip(value) == value


def test_special_values_survive():
    assert round_trip(b"bytes") == b"bytes"
    assert round_trip(slice(None, 20, 2)) == slice(None, 20, 2)
    assert round_trip(...) is ...
    assert round_trip(np.float32(0.5)) == 0.5
    array = np.arange(6, dtype="int64").reshape(2, 3)
    result = round_trip({"array": array})["array"]
    assert result.dtype == "int64" and np.array_equal(result, array)


def test_own_classes_are_written_under_keras_names():
    config = saving.serialize_keras_object(DTypePolicy("float64"))
    assert config == {
        "module": "keras",
        "class_name": "DTypePolicy",
        "config": {"name": "float64"},
        "registered_name": None,
    }


@pytest.mark.parametrize("module", ["keras", "chainrule", "keras.dtype_policies"])
def test_both_module_names_are_read(module):
    config = {"module": module, "class_name": "DTypePolicy", "config": {"name": "float64"}}
    assert saving.deserialize_keras_object(config) == DTypePolicy("float64")


def test_registered_objects_survive():
    copy = round_trip(Scale(2.0, inner=Scale(3.0)))
    assert isinstance(copy, Scale) and copy.inner.factor == 3.0
    assert round_trip(double) is double
    assert registration.get_registered_name(Scale) == "tests>Scale"
    assert registration.get_registered_object("tests>double") is double


def test_custom_objects_by_argument_and_scope():
    config = saving.serialize_keras_object(unregistered)
    assert saving.deserialize_keras_object(config, {"unregistered": unregistered}) is unregistered
    with saving.custom_object_scope({"unregistered": unregistered}):
        assert saving.deserialize_keras_object(config) is unregistered
    with pytest.raises(TypeError, match="Could not locate function 'unregistered'"):
        saving.deserialize_keras_object(config)


def test_scopes_nest_and_close_after_errors():
    with saving.custom_object_scope({"a": 1}):
        with pytest.raises(RuntimeError), saving.custom_object_scope({"b": 2}):
            assert saving.get_registered_object("a") == 1
            assert saving.get_registered_object("b") == 2
            raise RuntimeError
        assert saving.get_registered_object("b") is None


def test_a_class_without_get_config_cannot_be_registered():
    with pytest.raises(ValueError, match="get_config"):
        saving.register_keras_serializable()(int)


def test_an_object_without_get_config_cannot_be_saved():
    with pytest.raises(TypeError, match="get_config"):
        saving.serialize_keras_object(object())


def test_shared_objects_stay_shared():
    shared = Scale(5.0)
    with ObjectSharingScope():
        config = json.loads(json.dumps(saving.serialize_keras_object([shared, shared])))
    with ObjectSharingScope():
        first, second = saving.deserialize_keras_object(config)
    assert first is second


def test_lambdas_are_refused():
    with pytest.warns(UserWarning, match="lambda"):
        config = saving.serialize_keras_object(lambda x: x)
    for safe_mode in (True, False):
        with pytest.raises(ValueError, match="arbitrary code execution"):
            saving.deserialize_keras_object(config, safe_mode=safe_mode)


@pytest.mark.parametrize(
    "config",
    [
        {"module": "os", "class_name": "system", "config": {"command": "true"}},
        {"module": "os", "class_name": "function", "config": "system", "registered_name": "x"},
        {"module": "builtins", "class_name": "function", "config": "eval"},
        {"module": "builtins", "class_name": "eval", "config": {}},
        {"module": "subprocess", "class_name": "Popen", "config": {"args": "true"}},
        {"module": "chainrule.config", "class_name": "function", "config": "set_floatx"},
        {"module": "keras.callbacks", "class_name": "CSVLogger", "config": {"filename": "x"}},
        {"module": "keras.dtype_policies", "class_name": "function", "config": "get"},
        {"module": "chainrule.saving", "class_name": "np", "config": {}},
        {"module": None, "class_name": "Scale", "config": {}},
        {"module": ["keras"], "class_name": "DTypePolicy", "config": {}},
        {"module": "keras", "class_name": ["DTypePolicy"], "config": {}},
        {"module": "keras", "class_name": "DTypePolicy", "config": [1]},
        {"class_name": "function", "config": ["no", "text"]},
        {"class_name": "__numpy__", "config": {"value": [1]}},
        {"class_name": "__numpy__", "config": {"value": [1], "dtype": "object"}},
        {"class_name": "__unknown__", "config": {}},
    ],
)
def test_a_config_cannot_reach_other_code(config):
    with pytest.raises((TypeError, ValueError)):
        saving.deserialize_keras_object(config)


words = st.sampled_from(
    ["keras", "keras.layers", "chainrule", "builtins", "Dense", "Sequential", "relu", "function"]
    + ["__numpy__", "__tensor__", "__slice__", "__lambda__", "__keras_tensor__", "DTypePolicy"]
    + ["float32", "tests>Scale", "Lambda", "eval", ""]
)
hostile = st.recursive(
    st.one_of(st.none(), st.integers(-2, 9), st.floats(), words),
    lambda c: st.one_of(
        st.lists(c, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["module", "class_name", "config", "registered_name", "build_config"]
                + ["value", "dtype", "shape", "start", "units", "name", "layers", "activation"]
                + ["compile_config", "shared_object_id", "keras_history"]
            ),
            c,
            max_size=5,
        ),
    ),
    max_leaves=12,
)


@given(hostile)
def test_any_config_loads_or_gives_one_clear_error(config):
    try:
        saving.deserialize_keras_object(config)
    except (TypeError, ValueError):
        pass


def paths(config, path=()):
    """The place of every value in a config."""
    items = config.items() if isinstance(config, dict) else enumerate(config)
    for key, value in items:
        yield (*path, key)
        if isinstance(value, (dict, list)):
            yield from paths(value, (*path, key))


@pytest.fixture(scope="module")
def model_config():
    import chainrule as keras

    dense = keras.layers.Dense(3, "relu", kernel_regularizer="l2", kernel_constraint="max_norm")
    model = keras.Sequential([keras.Input((4,)), dense, keras.layers.BatchNormalization()])
    rate = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    model.compile(keras.optimizers.Adam(rate), "mse", metrics=["mae"])
    return json.dumps(saving.serialize_keras_object(model))


@given(data=st.data(), value=hostile)
def test_a_changed_model_loads_or_gives_one_clear_error(model_config, data, value):
    config = json.loads(model_config)
    *place, last = data.draw(st.sampled_from(list(paths(config))))
    inner = config
    for key in place:
        inner = inner[key]
    inner[last] = value
    try:
        saving.deserialize_keras_object(config)
    except (TypeError, ValueError):
        pass


def test_a_built_in_has_no_registered_name():
    config = {
        "module": "keras",
        "class_name": "DTypePolicy",
        "registered_name": "builtins.eval",
        "config": {"name": "float32"},
    }
    with pytest.raises(ValueError, match="resolved to a Keras built-in"):
        saving.deserialize_keras_object(config)


def test_bare_names_come_from_module_objects():
    objects = {"double": double, "DTypePolicy": DTypePolicy}
    assert saving.deserialize_keras_object("double", module_objects=objects) is double
    config = {"class_name": "DTypePolicy", "config": {"name": "float64"}}
    policy = saving.deserialize_keras_object(config, module_objects=objects)
    assert policy == DTypePolicy("float64")
