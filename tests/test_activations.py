"""Activations against NumPy formulas, their derivatives, names and configurations."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from chainrule import activations, layers, ops, saving
from tests.tracing import finite_difference, gradient, run_traced

rng = np.random.default_rng(3)
# No point lies on a kink of a piecewise function.
X = np.concatenate([rng.uniform(-8, 8, 47), [-0.7, 0.3, 0.6]]).reshape(5, 10)

erf = np.vectorize(math.erf)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def softplus(x: np.ndarray) -> np.ndarray:
    return np.logaddexp(0, x)


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def project_on_simplex(x: np.ndarray) -> np.ndarray:
    out = np.empty_like(x)
    for i, row in enumerate(x):
        down = np.sort(row)[::-1]
        support = [k for k in range(1, len(row) + 1) if 1 + k * down[k - 1] > down[:k].sum()]
        tau = (down[: support[-1]].sum() - 1) / support[-1]
        out[i] = np.maximum(row - tau, 0)
    return out


FORMULAS: dict[str, Any] = {
    "celu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "elu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "exponential": np.exp,
    "gelu": lambda x: x * (1 + erf(x / math.sqrt(2))) / 2,
    "glu": lambda x: x[:, :5] * sigmoid(x[:, 5:]),
    "hard_shrink": lambda x: np.where(abs(x) > 0.5, x, 0),
    "hard_sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "hard_silu": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "hard_swish": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "linear": lambda x: x,
    "log_sigmoid": lambda x: -softplus(-x),
    "log_softmax": lambda x: np.log(softmax(x)),
    "mish": lambda x: x * np.tanh(softplus(x)),
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)),
    "sigmoid": sigmoid,
    "silu": lambda x: x * sigmoid(x),
    "soft_shrink": lambda x: np.sign(x) * np.maximum(abs(x) - 0.5, 0),
    "softmax": softmax,
    "softplus": softplus,
    "softsign": lambda x: x / (1 + abs(x)),
    "sparse_plus": lambda x: np.where(abs(x) < 1, (x + 1) ** 2 / 4, np.maximum(x, 0)),
    "sparse_sigmoid": lambda x: np.clip((x + 1) / 2, 0, 1),
    "sparsemax": project_on_simplex,
    "squareplus": lambda x: (x + np.sqrt(x * x + 4)) / 2,
    "swish": lambda x: x * sigmoid(x),
    "tanh": np.tanh,
    "tanh_shrink": lambda x: x - np.tanh(x),
    "threshold": lambda x: np.where(x > 0.2, x, -0.1),
}
ARGUMENTS: dict[str, dict[str, float]] = {"threshold": {"threshold": 0.2, "default_value": -0.1}}


def call(name: str) -> Any:
    function, arguments = activations.get(name), ARGUMENTS.get(name, {})
    return lambda x: function(x, **arguments)


def test_every_activation_has_a_formula() -> None:
    assert set(FORMULAS) == set(activations.ALL_OBJECTS_DICT)


@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-5), ("float64", 1e-12)])
@pytest.mark.parametrize("name", FORMULAS)
def test_values(name: str, dtype: str, tolerance: float) -> None:
    x = X.astype(dtype)
    y = call(name)(x)
    assert y.dtype == dtype
    expected = FORMULAS[name](x.astype("float64"))
    np.testing.assert_allclose(y, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FORMULAS)
def test_traced_equals_eager(name: str, dtype: str) -> None:
    x = X.astype(dtype)
    np.testing.assert_array_equal(run_traced(call(name), x)[0], call(name)(x))


@pytest.mark.parametrize("name", FORMULAS)
def test_derivative(name: str) -> None:
    weight = rng.normal(size=FORMULAS[name](X).shape)

    def weighted(x: Any) -> Any:
        return call(name)(x) * weight

    direction = rng.normal(size=X.shape)
    analytic = float(np.sum(gradient(weighted, X) * direction))
    numeric = finite_difference(weighted, X, direction)
    assert analytic == pytest.approx(numeric, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("slope", [0.0, 0.25])
@pytest.mark.parametrize("max_value", [None, 2.5, 6])
@pytest.mark.parametrize("threshold", [0.0, 1.5, -1.5])
def test_relu_arguments(slope: float, max_value: float | None, threshold: float) -> None:
    expected = np.where(X > threshold, X, 0)
    if max_value is not None:
        expected = np.clip(expected, 0, max_value)
    elif threshold == 0:
        expected = np.maximum(expected, 0)
    expected = expected - slope * np.maximum(threshold - X, 0)
    y = activations.relu(X, negative_slope=slope, max_value=max_value, threshold=threshold)
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-12)


def test_other_arguments() -> None:
    np.testing.assert_allclose(
        activations.celu(X, alpha=2.0), np.where(X > 0, X, 2 * np.expm1(X / 2)), rtol=1e-12
    )
    np.testing.assert_allclose(
        activations.elu(X, alpha=2.0), np.where(X > 0, X, 2 * np.expm1(X)), rtol=1e-12
    )
    np.testing.assert_allclose(
        activations.squareplus(X, b=1), (X + np.sqrt(X * X + 1)) / 2, rtol=1e-12
    )
    inner = math.sqrt(2 / math.pi) * (X + 0.044715 * X**3)
    np.testing.assert_allclose(
        activations.gelu(X, approximate=True), X * (1 + np.tanh(inner)) / 2, rtol=1e-9, atol=1e-12
    )
    np.testing.assert_allclose(activations.softmax(X, axis=0), softmax(X.T).T, rtol=1e-12)
    np.testing.assert_allclose(activations.sparsemax(X, axis=0), project_on_simplex(X.T).T)
    np.testing.assert_allclose(activations.glu(X[:4], axis=0), X[:2] * sigmoid(X[2:4]))


def test_extreme_inputs_stay_finite() -> None:
    far = np.array([-1e4, -90.0, 90.0, 1e4], "float32")
    for name in FORMULAS:
        if name != "exponential":
            assert np.all(np.isfinite(call(name)(far))), name


def test_integers_and_lists() -> None:
    assert activations.relu([-1, 2]).tolist() == [0, 2]
    assert activations.sigmoid([0, 0]).dtype == "float32"


def test_names_and_configurations() -> None:
    for name, function in activations.ALL_OBJECTS_DICT.items():
        assert activations.get(name) is function
        serialized = activations.serialize(function)
        assert activations.get(serialized) is function
        assert activations.deserialize(serialized) is function
    assert activations.get(None) is activations.linear
    assert activations.get(abs) is abs
    with pytest.raises(ValueError, match="'typo'.*relu"):
        activations.get("typo")


def test_users_own() -> None:
    @saving.register_keras_serializable("test_activations")
    def shifted(x: Any) -> Any:
        return ops.relu(x) + 1.0

    config = activations.serialize(shifted)
    assert activations.get(config) is shifted
    assert activations.get("test_activations>shifted") is shifted
    layer = layers.LeakyReLU(negative_slope=0.5)
    again = activations.get(activations.serialize(layer))
    assert again.negative_slope == 0.5
