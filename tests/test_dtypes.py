"""Dtype names, promotion, policies."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from chainrule import config, dtype_policies, layers
from chainrule.base.dtypes import (
    COMPUTE_DTYPES,
    is_float_dtype,
    is_int_dtype,
    require_compute_dtype,
    result_type,
    standardize_dtype,
)
from chainrule.tracing.policies import DTypePolicy, dtype_policy, set_dtype_policy


@pytest.fixture
def float64_default():
    config.set_floatx("float64")
    yield
    config.set_floatx("float32")


@pytest.mark.parametrize(
    ("dtype", "name"),
    [
        (None, "float32"),
        ("float16", "float16"),
        (np.float64, "float64"),
        (np.dtype("uint8"), "uint8"),
        (bool, "bool"),
        (int, "int32"),
        (float, "float32"),
        ("int", "int32"),
    ],
)
def test_names(dtype, name):
    assert standardize_dtype(dtype) == name


@pytest.mark.parametrize("dtype", ["float3", "object", np.dtype("U3"), 3, [1]])
def test_unknown_names_are_refused(dtype):
    with pytest.raises(ValueError, match="Invalid dtype"):
        standardize_dtype(dtype)


@pytest.mark.parametrize(
    ("dtypes", "expected"),
    [
        ((), "float32"),
        ((None,), "float32"),
        ((int,), "int32"),
        ((float,), "float32"),
        ((bool, int), "int32"),
        (("bool", float), "float32"),
        (("uint8", "int8"), "int16"),
        (("uint32", "int32"), "int32"),
        (("uint8", int), "uint8"),
        (("uint8", float), "float32"),
        (("int32", "float16"), "float16"),
        (("int64", "float32"), "float32"),
        (("int64", "int32"), "int64"),
        (("uint32", "int64"), "int64"),
        (("float32", "float64"), "float64"),
        (("float64", int), "float64"),
        (("float16", "bfloat16"), "float32"),
        (("bfloat16", float), "bfloat16"),
    ],
)
def test_promotion(dtypes, expected):
    assert result_type(*dtypes) == expected


def test_promotion_is_symmetric_and_associative():
    for a, b in itertools.product(COMPUTE_DTYPES, repeat=2):
        assert result_type(a, b) == result_type(b, a)
    for a, b, c in itertools.product(("bool", "uint8", "int32", "float32", "float64"), repeat=3):
        assert result_type(result_type(a, b), c) == result_type(a, result_type(b, c))


def test_weak_floats_take_the_default_width(float64_default):
    assert result_type(float) == "float64"
    assert result_type("int32", float) == "float64"
    assert result_type("float32", float) == "float32"
    assert result_type(int) == "int32"


def test_float8_has_no_implicit_conversion():
    with pytest.raises(ValueError, match="no implicit conversions"):
        result_type("float8_e4m3fn", "float32")


def test_kinds():
    assert is_float_dtype("bfloat16") and not is_float_dtype("int8")
    assert is_int_dtype("uint32") and not is_int_dtype("bool")


def test_unsupported_arithmetic_is_named():
    assert require_compute_dtype("float64", "Dense") == "float64"
    with pytest.raises(TypeError, match="Dense.*bfloat16.*float32, float64"):
        require_compute_dtype("bfloat16", "Dense")


def test_mixed_policies_keep_float32_variables():
    policy = DTypePolicy("mixed_float16")
    assert (policy.compute_dtype, policy.variable_dtype) == ("float16", "float32")


def test_policies_compare_by_name():
    assert DTypePolicy("float64") == DTypePolicy("float64") != DTypePolicy("float32")
    assert len({DTypePolicy("float64"), DTypePolicy("float64")}) == 1


@pytest.mark.parametrize("name", ["mixed_float8", "no", ""])
def test_unknown_policies_are_refused(name):
    with pytest.raises(ValueError, match="Cannot convert"):
        DTypePolicy(name)


def test_global_policy():
    set_dtype_policy("float64")
    assert dtype_policy().name == DTypePolicy().name == "float64"
    set_dtype_policy(DTypePolicy("float32"))
    assert dtype_policies.get(None).name == "float32"
    with pytest.raises(ValueError, match="Invalid `policy`"):
        set_dtype_policy(64)


def test_policies_survive_their_config():
    policy = DTypePolicy("mixed_bfloat16")
    assert dtype_policies.deserialize(dtype_policies.serialize(policy)) == policy
    assert dtype_policies.get({"class_name": "DTypePolicy", "config": {"name": "float64"}}).name
    with pytest.raises(ValueError, match="Cannot interpret"):
        dtype_policies.get(object())


def test_a_map_of_policies_reaches_the_parts_of_a_layer():
    policies = dtype_policies.DTypePolicyMap("float32")
    policies["attention/.*query"] = "mixed_bfloat16"
    policies["attention/value"] = DTypePolicy("float64")
    layer = layers.MultiHeadAttention(2, 3, dtype=policies, name="attention")
    layer.build((2, 4, 5), (2, 4, 5))
    parts = {part.path: part.compute_dtype for part in layer._flatten_layers(include_self=False)}
    assert parts["attention/query"] == "bfloat16"
    assert parts["attention/value"] == "float64"
    assert parts["attention/key"] == "float32"
    again = type(layer).from_config(layer.get_config())
    assert again.dtype_policy == policies
    again.build((2, 4, 5), (2, 4, 5))
    again.dtype_policy = "float64"
    assert again.compute_dtype == again.dtype_policy["attention"].name == "float64"
    assert again.dtype_policy != policies


def test_a_map_of_policies_refuses_what_is_not_clear():
    policies = dtype_policies.DTypePolicyMap(policy_map={"a/.*": "float64"})
    policies["a/b.*"] = "float16"
    assert policies["a"] == DTypePolicy("float32") and "a" not in policies and len(policies) == 2
    with pytest.raises(ValueError, match="Path 'a/bc' matches multiple"):
        policies["a/bc"]
    with pytest.raises(ValueError, match="'a/.*' is there already"):
        policies["a/.*"] = "float32"
    with pytest.raises(ValueError, match="Cannot interpret the assigned value.* for 'c'"):
        policies["c"] = 7
    with pytest.raises(KeyError):
        policies.pop("c")
    with pytest.raises(TypeError, match="`policy_map` must be a dict"):
        dtype_policies.DTypePolicyMap(policy_map=[])
    with pytest.raises(ValueError, match="cannot be a `DTypePolicyMap`"):
        dtype_policies.DTypePolicyMap(policies)
