"""Constraints against NumPy, traced, names, configurations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import constraints
from chainrule.tracing.trace import Trace

RNG = np.random.default_rng(11)
KERNEL = RNG.normal(size=(4, 5))
FILTERS = RNG.normal(size=(3, 3, 2, 4))


def norms(w: np.ndarray, axis: Any) -> np.ndarray:
    return np.sqrt(np.square(w).sum(axis=axis, keepdims=True))


@pytest.mark.parametrize(("w", "axis"), [(KERNEL, 0), (KERNEL, 1), (FILTERS, [0, 1, 2])])
def test_norms(w: np.ndarray, axis: Any) -> None:
    axes = tuple(axis) if isinstance(axis, list) else axis
    n = norms(w, axes)
    limited = constraints.MaxNorm(1.5, axis)(w)
    np.testing.assert_allclose(norms(limited, axes), np.minimum(n, 1.5), rtol=1e-6)
    np.testing.assert_allclose(norms(constraints.UnitNorm(axis)(w), axes), 1.0, rtol=1e-6)
    between = constraints.MinMaxNorm(1.0, 1.5, rate=0.75, axis=axis)(w)
    expected = 0.75 * np.clip(n, 1.0, 1.5) + 0.25 * n
    np.testing.assert_allclose(norms(between, axes), expected, rtol=1e-6)


def test_not_negative_and_zero_weights() -> None:
    np.testing.assert_array_equal(constraints.NonNeg()(KERNEL), np.maximum(KERNEL, 0.0))
    for constraint in (constraints.MaxNorm(), constraints.UnitNorm(), constraints.MinMaxNorm()):
        np.testing.assert_array_equal(constraint(np.zeros((2, 2))), np.zeros((2, 2)))
    assert constraints.Constraint()(KERNEL) is KERNEL


ALL = [
    constraints.MaxNorm(1.5, axis=1),
    constraints.UnitNorm(axis=1),
    constraints.MinMaxNorm(0.5, 1.5, 0.75, axis=1),
    constraints.NonNeg(),
    constraints.Constraint(),
]


@pytest.mark.parametrize("constraint", ALL)
def test_a_variable_and_a_traced_value_give_the_same_bits(constraint: Any) -> None:
    variable = cr.Variable(KERNEL.astype("float32"))
    with Trace() as trace:
        projected = constraint(variable)
    eager = np.asarray(constraint(variable))
    assert trace.compile([projected]).run([])[0].tobytes() == eager.tobytes()


@pytest.mark.parametrize("constraint", ALL)
def test_configuration_round_trip(constraint: Any) -> None:
    again = constraints.get(constraints.serialize(constraint))
    assert type(again) is type(constraint)
    assert again.get_config() == constraint.get_config()


def test_get() -> None:
    for name, cls in constraints.ALL_OBJECTS_DICT.items():
        assert type(constraints.get(name)) is cls
    assert constraints.get(None) is None
    assert constraints.get(abs) is abs
    assert constraints.max_norm is constraints.MaxNorm
    with pytest.raises(ValueError, match="'norm'.*max_norm.*unit_norm"):
        constraints.get("norm")
