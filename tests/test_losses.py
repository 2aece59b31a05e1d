"""Losses against NumPy formulas in float64, with weights and masks, traced and differentiated."""

from __future__ import annotations

import json
import math
import pickle
import warnings
from typing import Any

import numpy as np
import pytest

from chainrule import config, losses, ops, saving
from chainrule.errors import DataError, ShapeError
from chainrule.losses.loss import reduce_weighted_values, squeeze_or_expand_to_same_rank
from chainrule.tracing.masking import get_keras_mask, set_keras_mask
from tests.tracing import finite_difference, gradient, run_traced

EPS = 1e-7
rng = np.random.default_rng(7)


def probabilities(*shape: int) -> np.ndarray:
    p = rng.uniform(0.05, 1.0, shape)
    return p / p.sum(-1, keepdims=True)


def one_hot(*shape: int) -> np.ndarray:
    return np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])]


def l2(x: np.ndarray) -> np.ndarray:
    return x / np.sqrt(np.sum(x * x, -1, keepdims=True))


def entropy(t: np.ndarray, p: np.ndarray) -> np.ndarray:
    return -t * np.log(p) - (1 - t) * np.log(1 - p)


def logsumexp(x: np.ndarray) -> np.ndarray:
    return np.log(np.sum(np.exp(x), -1))


def circle_formula(labels, x, gamma=80.0, margin=0.4):
    d = np.maximum(1 - x @ x.T, 0)
    same = (labels[:, None] == labels[None, :]) & ~np.eye(len(labels), dtype=bool)
    other = labels[:, None] != labels[None, :]
    out = np.zeros(len(labels))
    for i in range(len(labels)):
        near = gamma * (margin + d[i]) * (d[i] - margin)
        far = gamma * np.maximum(1 + margin - d[i], 0) * (1 - margin - d[i])
        if same[i].any() and other[i].any():
            total = logsumexp(near[same[i]]) + logsumexp(far[other[i]])
            out[i] = np.logaddexp(0, total)
    return out


SIGNS = np.sign(rng.normal(size=(4, 3)))
REAL = rng.normal(size=(4, 3))
POSITIVE = rng.uniform(0.1, 3.0, (4, 3))
BINARY = rng.integers(0, 2, (4, 3)).astype("float64")
UNIT = l2(rng.normal(size=(6, 5)))
LABELS = np.array([0, 1, 0, 2, 1, 1])

# name of the class: arguments, target, prediction, formula of one value per sample
CASES: dict[str, tuple[str, dict[str, Any], np.ndarray, np.ndarray, Any]] = {
    "mse": ("MeanSquaredError", {}, REAL, POSITIVE, lambda t, p: np.mean((t - p) ** 2, -1)),
    "mae": ("MeanAbsoluteError", {}, REAL, POSITIVE, lambda t, p: np.mean(abs(t - p), -1)),
    "mape": (
        "MeanAbsolutePercentageError",
        {},
        REAL,
        POSITIVE,
        lambda t, p: 100 * np.mean(abs(t - p) / np.maximum(abs(t), EPS), -1),
    ),
    "msle": (
        "MeanSquaredLogarithmicError",
        {},
        POSITIVE[::-1],
        POSITIVE,
        lambda t, p: np.mean((np.log1p(p) - np.log1p(t)) ** 2, -1),
    ),
    "huber": (
        "Huber",
        {"delta": 0.7},
        REAL,
        POSITIVE,
        lambda t, p: np.mean(
            np.where(abs(p - t) <= 0.7, (p - t) ** 2 / 2, 0.7 * abs(p - t) - 0.245), -1
        ),
    ),
    "log_cosh": ("LogCosh", {}, REAL, POSITIVE, lambda t, p: np.mean(np.log(np.cosh(p - t)), -1)),
    "cosine": ("CosineSimilarity", {}, REAL, POSITIVE, lambda t, p: -np.sum(l2(t) * l2(p), -1)),
    "hinge": ("Hinge", {}, SIGNS, REAL, lambda t, p: np.mean(np.maximum(1 - t * p, 0), -1)),
    "hinge01": (
        "Hinge",
        {},
        BINARY,
        REAL,
        lambda t, p: np.mean(np.maximum(1 - (2 * t - 1) * p, 0), -1),
    ),
    "squared_hinge": (
        "SquaredHinge",
        {},
        SIGNS,
        REAL,
        lambda t, p: np.mean(np.maximum(1 - t * p, 0) ** 2, -1),
    ),
    "categorical_hinge": (
        "CategoricalHinge",
        {},
        one_hot(4, 3),
        REAL,
        lambda t, p: np.maximum(np.max((1 - t) * p, -1) - np.sum(t * p, -1) + 1, 0),
    ),
    "kl": (
        "KLDivergence",
        {},
        probabilities(4, 3),
        probabilities(4, 3),
        lambda t, p: np.sum(t * np.log(t / p), -1),
    ),
    "poisson": (
        "Poisson",
        {},
        POSITIVE[::-1],
        POSITIVE,
        lambda t, p: np.mean(p - t * np.log(p + EPS), -1),
    ),
    "bce": (
        "BinaryCrossentropy",
        {},
        BINARY,
        probabilities(4, 3),
        lambda t, p: np.mean(entropy(t, p), -1),
    ),
    "bce_logits": (
        "BinaryCrossentropy",
        {"from_logits": True, "label_smoothing": 0.1},
        BINARY,
        REAL,
        lambda t, z: np.mean(entropy(0.9 * t + 0.05, 1 / (1 + np.exp(-z))), -1),
    ),
    "cce": (
        "CategoricalCrossentropy",
        {},
        one_hot(4, 3),
        POSITIVE,
        lambda t, p: -np.sum(t * np.log(p / p.sum(-1, keepdims=True)), -1),
    ),
    "cce_logits": (
        "CategoricalCrossentropy",
        {"from_logits": True, "label_smoothing": 0.3},
        one_hot(4, 3),
        REAL,
        lambda t, z: -np.sum((0.7 * t + 0.1) * (z - logsumexp(z)[:, None]), -1),
    ),
    "cce_axis": (
        "CategoricalCrossentropy",
        {"axis": 0},
        one_hot(3, 4).T,
        probabilities(3, 4).T,
        lambda t, p: -np.sum(t * np.log(p), 0),
    ),
    "scce": (
        "SparseCategoricalCrossentropy",
        {},
        np.array([0.0, 2.0, 1.0, 1.0]),
        probabilities(4, 3),
        lambda t, p: -np.log(np.take_along_axis(p, t.astype(int)[:, None], 1)[:, 0]),
    ),
    "scce_logits": (
        "SparseCategoricalCrossentropy",
        {"from_logits": True},
        np.array([[0.0], [2.0], [1.0], [1.0]]),
        REAL,
        lambda t, z: logsumexp(z) - np.take_along_axis(z, t.astype(int), 1)[:, 0],
    ),
    "bfce": (
        "BinaryFocalCrossentropy",
        {"apply_class_balancing": True, "alpha": 0.3, "gamma": 3.0},
        BINARY,
        probabilities(4, 3),
        lambda t, p: np.mean(
            (0.3 * t + 0.7 * (1 - t)) * (1 - t * p - (1 - t) * (1 - p)) ** 3 * entropy(t, p), -1
        ),
    ),
    "cfce": (
        "CategoricalFocalCrossentropy",
        {"alpha": [0.2, 0.3, 0.5]},
        one_hot(4, 3),
        probabilities(4, 3),
        lambda t, p: np.sum(np.array([0.2, 0.3, 0.5]) * (1 - p) ** 2 * -t * np.log(p), -1),
    ),
    "gce": (
        "CategoricalGeneralizedCrossEntropy",
        {"q": 0.3},
        np.array([0.0, 2.0, 1.0, 1.0]),
        probabilities(4, 3),
        lambda t, p: (1 - np.take_along_axis(p, t.astype(int)[:, None], 1)[:, 0] ** 0.3) / 0.3,
    ),
    "dice": (
        "Dice",
        {"axis": 1},
        BINARY,
        probabilities(4, 3),
        lambda t, p: 1 - 2 * (t * p).sum(1) / (t.sum(1) + p.sum(1) + EPS),
    ),
    "tversky": (
        "Tversky",
        {"alpha": 0.2, "beta": 0.7, "axis": 1},
        BINARY,
        probabilities(4, 3),
        lambda t, p: (
            1
            - (t * p).sum(1)
            / ((t * p).sum(1) + 0.2 * (t * (1 - p)).sum(1) + 0.7 * ((1 - t) * p).sum(1) + EPS)
        ),
    ),
}
TOLERANCE = {"float32": 2e-5, "float64": 1e-9}


def make(case: str, **kwargs: Any) -> Any:
    name, arguments, *_ = CASES[case]
    return getattr(losses, name)(**arguments, **kwargs)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES)
def test_values_and_reductions(case: str, dtype: str) -> None:
    _, _, target, prediction, formula = CASES[case]
    with np.errstate(all="ignore"):
        expected = formula(target, prediction)
    weight = rng.uniform(0, 2, expected.shape)
    for reduction, reduced in {
        None: expected,
        "none": expected,
        "sum": expected.sum(),
        "mean": expected.mean(),
        "sum_over_batch_size": expected.mean(),
        "mean_with_sample_weight": expected.mean(),
    }.items():
        out = make(case, reduction=reduction, dtype=dtype)(target, prediction)
        assert out.dtype == dtype
        np.testing.assert_allclose(out, reduced, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
    for reduction, reduced in {
        None: expected * weight,
        "sum": (expected * weight).sum(),
        "mean": (expected * weight).mean(),
        "mean_with_sample_weight": (expected * weight).sum() / weight.sum(),
    }.items():
        out = make(case, reduction=reduction, dtype=dtype)(target, prediction, weight)
        np.testing.assert_allclose(out, reduced, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES)
def test_traced_equals_eager(case: str, dtype: str) -> None:
    target, prediction = (x.astype(dtype) for x in CASES[case][2:4])
    loss = make(case, reduction=None, dtype=dtype)
    values = loss(target, prediction)
    weight = rng.uniform(0, 2, values.shape).astype(dtype)
    total = make(case, dtype=dtype)

    def compute(t: Any, p: Any, w: Any) -> list[Any]:
        return [loss(t, p), total(t, p, w)]

    traced = run_traced(compute, target, prediction, weight)
    np.testing.assert_array_equal(traced[0], values)
    np.testing.assert_array_equal(traced[1], total(target, prediction, weight))


@pytest.mark.parametrize("case", CASES)
def test_gradient_is_the_finite_difference(case: str) -> None:
    target, prediction = CASES[case][2:4]
    loss = make(case, reduction="sum", dtype="float64")

    def of_prediction(p: Any) -> Any:
        return loss(target, p)

    direction = rng.normal(size=prediction.shape)
    analytic = float(np.sum(gradient(of_prediction, prediction) * direction))
    numeric = finite_difference(of_prediction, prediction, direction)
    assert analytic == pytest.approx(numeric, rel=1e-6, abs=1e-7)


def test_circle() -> None:
    expected = circle_formula(LABELS, UNIT)
    loss = losses.Circle(reduction=None, dtype="float64")(LABELS, UNIT)
    np.testing.assert_allclose(loss, expected, rtol=1e-9)
    assert expected[3] == 0  # The only sample of its class.
    np.testing.assert_array_equal(get_keras_mask(losses.circle(LABELS, UNIT)), expected > 0)
    reduced = losses.Circle(dtype="float64")(LABELS, UNIT)
    np.testing.assert_allclose(reduced, expected[expected > 0].mean(), rtol=1e-9)


def test_circle_gradient_is_finite_without_positives() -> None:
    def of_prediction(x: Any) -> Any:
        return losses.circle(LABELS, x)

    slope = gradient(of_prediction, UNIT)
    assert np.all(np.isfinite(slope))
    direction = rng.normal(size=UNIT.shape)
    numeric = finite_difference(of_prediction, UNIT, direction)
    assert float(np.sum(slope * direction)) == pytest.approx(numeric, rel=1e-5)


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight"])
@pytest.mark.parametrize("weighted", [False, True])
def test_mask(reduction: str, weighted: bool) -> None:
    target, prediction = rng.normal(size=(5, 2)), rng.normal(size=(5, 2))
    mask = np.array([True, False, True, True, False])
    weight = rng.uniform(0, 2, 5) if weighted else None
    values = np.mean((target - prediction) ** 2, -1) * (1 if weight is None else weight)
    counts = mask if weight is None else mask * weight
    expected = {
        "sum": values[mask].sum(),
        "sum_over_batch_size": values[mask].mean(),
        "mean_with_sample_weight": values[mask].sum() / counts.sum(),
    }[reduction]
    set_keras_mask(prediction, mask)
    loss = losses.MeanSquaredError(reduction=reduction, dtype="float64")
    np.testing.assert_allclose(loss(target, prediction, weight), expected, rtol=1e-12)

    set_keras_mask(prediction, np.zeros(5, bool))
    assert loss(target, prediction, weight) == 0


def test_ignore_class_is_masked_out() -> None:
    labels = np.array([0, 2, -1, 1])
    p = probabilities(4, 3)
    expected = -np.log(p[[0, 1, 3], [0, 2, 1]]).mean()
    loss = losses.SparseCategoricalCrossentropy(ignore_class=-1, dtype="float64")
    np.testing.assert_allclose(loss(labels, p), expected, rtol=1e-12)
    traced = run_traced(loss, labels.astype("int32"), p)[0]
    np.testing.assert_array_equal(traced, loss(labels, p))


def test_clipping_of_probabilities() -> None:
    certain = np.array([[1.0, 0.0]])
    for name in ("binary_crossentropy", "categorical_crossentropy"):
        loss = getattr(losses, name)(certain, certain)
        np.testing.assert_allclose(loss, -math.log(1 - EPS), rtol=1e-5)
        wrong = getattr(losses, name)(certain, certain[:, ::-1].copy())
        np.testing.assert_allclose(wrong, -math.log(EPS), rtol=1e-5)


@pytest.mark.parametrize(
    "name",
    ["mean_squared_error", "huber", "hinge", "categorical_hinge", "poisson", "kl_divergence"],
)
def test_shapes_that_do_not_match(name: str) -> None:
    loss = losses.LossFunctionWrapper(losses.get(name), name=name)
    for function in (loss, lambda t, p: run_traced(loss, t, p)):
        with pytest.raises(ShapeError, match=rf"'{name}'.*\(4, 5\).*\(4, 3\)"):
            function(np.zeros((4, 5)), np.zeros((4, 3)))


def test_label_outside_the_classes() -> None:
    with pytest.raises(DataError, match="3"):
        losses.SparseCategoricalCrossentropy()(np.array([0, 3]), probabilities(2, 3))


def test_zero_vectors_have_no_direction() -> None:
    zero = np.zeros((2, 3))
    assert np.all(losses.cosine_similarity(REAL[:2], zero) == 0)
    slope = gradient(lambda p: losses.cosine_similarity(REAL[:2], p), zero)
    assert np.all(np.isfinite(slope))


def test_dtype_defaults_to_floatx() -> None:
    assert losses.MeanSquaredError()(REAL, POSITIVE).dtype == "float32"
    config.set_floatx("float64")
    try:
        assert losses.MeanSquaredError()(REAL, POSITIVE).dtype == "float64"
    finally:
        config.set_floatx("float32")


def test_squeeze_or_expand() -> None:
    for shapes, expected in {
        ((3,), (3, 1)): ((3, 1), (3, 1)),
        ((3, 2), (3, 2, 1)): ((3, 2), (3, 2)),
        ((3, 2), (3, 1)): ((3, 2), (3, 1)),
        ((3, 2, 2), (3,)): ((3, 2, 2), (3,)),
    }.items():
        one, two = (np.zeros(s) for s in shapes)
        assert tuple(x.shape for x in squeeze_or_expand_to_same_rank(one, two)) == expected
        two, one = squeeze_or_expand_to_same_rank(two, one)
        assert (one.shape, two.shape) == expected


def test_structures_and_lists() -> None:
    def total(y_true: Any, y_pred: Any) -> Any:
        return ops.square(y_true["a"] - y_pred["a"]) + ops.square(y_true["b"] - y_pred["b"])

    one, two = np.ones((2, 1)), np.zeros((2, 1))
    out = losses.LossFunctionWrapper(total)({"a": one, "b": two}, {"a": two, "b": two})
    assert float(out) == 1.0
    assert float(losses.MeanSquaredError()([[1, 2], [3, 4]], [[1, 2], [3, 6]])) == 1.0


def test_empty_values_are_not_divided() -> None:
    assert reduce_weighted_values(np.zeros((0, 2), "float32")) == 0
    assert reduce_weighted_values(np.zeros((0,), "float32")).shape == (0,)


@pytest.mark.parametrize("case", CASES)
def test_configuration_round_trip(case: str) -> None:
    loss = make(case, name="mine", reduction="sum")
    text = json.dumps(losses.serialize(loss))
    again = losses.deserialize(json.loads(text))
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()
    target, prediction = CASES[case][2:4]
    assert again(target, prediction) == loss(target, prediction)
    assert pickle.loads(pickle.dumps(loss)).get_config() == loss.get_config()


def test_wrapper_configuration() -> None:
    @saving.register_keras_serializable("test_losses")
    def scaled(y_true: Any, y_pred: Any, scale: float) -> Any:
        return scale * ops.abs(y_true - y_pred)

    loss = losses.LossFunctionWrapper(scaled, name="s", scale=3.0)
    again = losses.deserialize(losses.serialize(loss))
    assert float(again(np.zeros((2, 1)), np.ones((2, 1)))) == 3.0


def test_get() -> None:
    assert losses.get(None) is None
    for name, function in {
        "mse": losses.mean_squared_error,
        "MSE": losses.mean_squared_error,
        "mae": losses.mean_absolute_error,
        "MAPE": losses.mean_absolute_percentage_error,
        "msle": losses.mean_squared_logarithmic_error,
        "kld": losses.kl_divergence,
        "BCE": losses.binary_crossentropy,
        "sparse_categorical_crossentropy": losses.sparse_categorical_crossentropy,
    }.items():
        assert losses.get(name) is function
    assert isinstance(losses.get("KLDivergence"), losses.KLDivergence)
    assert losses.get({"class_name": "Huber", "config": {"delta": 3.0}}).delta == 3.0
    assert losses.get(abs) is abs
    with pytest.raises(ValueError, match="'typo'.*mean_squared_error"):
        losses.get("typo")
    with pytest.raises(ValueError, match="Invalid value for argument `reduction`"):
        losses.MeanSquaredError(reduction="typo")
    with pytest.raises(NotImplementedError, match="call"):
        losses.Loss()(REAL, REAL)


def test_single_class_warns() -> None:
    one = np.ones((2, 1))
    with pytest.warns(SyntaxWarning, match="num_classes > 1"):
        losses.categorical_crossentropy(one, one)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        losses.categorical_crossentropy(one_hot(2, 3), probabilities(2, 3))
    with pytest.raises(ValueError, match="`axis` must be of type `int`"):
        losses.categorical_crossentropy(one, one, axis=True)
    with pytest.raises(ValueError, match=r"interval \(0, 1\)"):
        losses.CategoricalGeneralizedCrossEntropy(q=1.0)
