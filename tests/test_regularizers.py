"""Regularizers against NumPy, their gradients, names, configurations, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import chainrule as cr
from chainrule import ops, regularizers
from chainrule.regularizers import validate_float_arg
from chainrule.tracing.trace import Trace

matrices = hnp.arrays(
    "float64",
    hnp.array_shapes(min_dims=1, max_dims=3, max_side=5),
    elements=st.floats(-10, 10, width=32),
)


@given(x=matrices)
def test_l1_and_l2(x: np.ndarray) -> None:
    absolute, square = np.abs(x).sum(), np.square(x).sum()
    np.testing.assert_allclose(regularizers.L1(0.5)(x), 0.5 * absolute, rtol=1e-12)
    np.testing.assert_allclose(regularizers.L2(0.25)(x), 0.25 * square, rtol=1e-12)
    both = regularizers.L1L2(l1=0.5, l2=0.25)(x)
    np.testing.assert_allclose(both, 0.5 * absolute + 0.25 * square, rtol=1e-12)
    assert float(regularizers.L1L2()(x)) == 0.0
    assert regularizers.Regularizer()(x) == 0.0


@pytest.mark.parametrize("mode", ["rows", "columns"])
def test_orthogonal(mode: str) -> None:
    x = np.random.default_rng(3).normal(size=(3, 4))
    vectors = x if mode == "rows" else x.T
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    products = np.abs(unit @ unit.T)[np.triu_indices(len(unit), 1)]
    penalty = regularizers.OrthogonalRegularizer(0.5, mode)(cr.Variable(x))
    np.testing.assert_allclose(penalty, 0.5 * products.mean(), rtol=1e-6)
    with pytest.raises(ValueError, match=r"must have rank 2. Received: inputs.shape=\(4,\)"):
        regularizers.OrthogonalRegularizer()(x[0])
    with pytest.raises(ValueError, match="Received: mode=diagonal"):
        regularizers.OrthogonalRegularizer(mode="diagonal")


@pytest.mark.parametrize(
    ("regularizer", "gradient"),
    [
        (regularizers.L1(0.5), lambda x: 0.5 * np.sign(x)),
        (regularizers.L2(0.5), lambda x: x),
        (regularizers.L1L2(0.5, 0.5), lambda x: 0.5 * np.sign(x) + x),
    ],
)
def test_gradients_in_a_trace(regularizer: Any, gradient: Any) -> None:
    x = np.array([[1.0, -2.0], [0.5, 3.0]])
    with Trace() as trace:
        value = trace.input("x", (2, 2), "float64")
        loss = ops.sum(regularizer(value))
        slopes = trace.gradients(loss, [value])
    np.testing.assert_allclose(trace.compile(slopes).run([x])[0], gradient(x), rtol=1e-12)


@pytest.mark.parametrize("value", [-1, -0.5, float("nan"), float("inf"), "much", None, [0.1]])
def test_factors_must_be_finite_and_not_negative(value: Any) -> None:
    with pytest.raises(ValueError, match="argument f: expected a non-negative float"):
        validate_float_arg(value, name="f")
    if value is not None:
        with pytest.raises(ValueError, match="argument l2: expected a non-negative float"):
            regularizers.L2(value)


@pytest.mark.parametrize(
    "regularizer",
    [
        regularizers.L1(0.5),
        regularizers.L2(0.5),
        regularizers.L1L2(0.5, 0.25),
        regularizers.OrthogonalRegularizer(0.5, "columns"),
    ],
)
def test_configuration_round_trip(regularizer: Any) -> None:
    again = regularizers.get(regularizers.serialize(regularizer))
    assert type(again) is type(regularizer)
    assert again.get_config() == regularizer.get_config()


def test_get() -> None:
    for name, cls in regularizers.ALL_OBJECTS_DICT.items():
        assert type(regularizers.get(name)) is cls
    assert regularizers.get(None) is None
    assert regularizers.get(abs) is abs
    assert regularizers.l1_l2 is regularizers.L1L2
    with pytest.raises(ValueError, match="'l3'.*l1.*l2"):
        regularizers.get("l3")
    with pytest.raises(NotImplementedError, match="get_config"):
        regularizers.Regularizer().get_config()
