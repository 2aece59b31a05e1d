"""Metrics against NumPy formulas over several weighted batches, eagerly, traced and stateless."""

from __future__ import annotations

import json
import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chainrule import losses, metrics, ops, saving
from chainrule.tracing.masking import set_keras_mask
from chainrule.tracing.trace import current_trace
from chainrule.tracing.variable import Variable
from tests.tracing import run_traced

Array = np.ndarray
rng = np.random.default_rng(11)
N = 24


def probabilities(*shape: int) -> Array:
    p = rng.uniform(0.05, 1.0, shape)
    return p / p.sum(-1, keepdims=True)


def one_hot(labels: Array, classes: int) -> Array:
    return np.eye(classes)[labels]


LABELS = rng.integers(0, 4, N)
GUESSES = rng.integers(0, 4, N)
SCORES = probabilities(N, 4)
REAL = rng.normal(size=(N, 3))
OTHER = rng.normal(size=(N, 3))
POSITIVE = rng.uniform(0.1, 2, (N, 3))
BITS = rng.integers(0, 2, (N, 1))
CHANCES = rng.uniform(0, 1, (N, 1))
WEIGHTS = rng.uniform(0, 2, N)


def mean_of(function: Callable[[Array, Array], Array]) -> Callable[[Array, Array, Array], Any]:
    """The weighted mean of one value per sample."""

    def formula(t: Array, p: Array, w: Array) -> Any:
        return np.sum(function(t, p) * w) / np.sum(w)

    return formula


def normalized(x: Array) -> Array:
    return x / np.sqrt(np.sum(x * x, -1, keepdims=True))


def in_top(k: int) -> Callable[[Array, Array], Array]:
    return lambda t, p: np.array([t_ in np.argsort(-row)[:k] for t_, row in zip(t, p, strict=True)])


def rates(t: Array, p: Array, w: Array, threshold: float) -> tuple[float, float, float, float]:
    """Weighted tp, fp, tn, fn."""
    t, yes, w = t.ravel() > 0, p.ravel() > threshold, np.broadcast_to(w[:, None], p.shape).ravel()
    return tuple(float(w[a & b].sum()) for a, b in ((t, yes), (~t, yes), (~t, ~yes), (t, ~yes)))


def roc_area(t: Array, p: Array, w: Array) -> float:
    points = [rates(t, p, w, c) for c in np.linspace(0, 1, 200)[1:-1]]
    x = [1.0, *(fp / (fp + tn) for _, fp, tn, _ in points), 0.0]
    y = [1.0, *(tp / (tp + fn) for tp, _, _, fn in points), 0.0]
    return sum((x[i] - x[i + 1]) * (y[i] + y[i + 1]) / 2 for i in range(199))


def f_scores(t: Array, p: Array, w: Array, beta: float) -> Array:
    yes = p > 0.3
    tp, fp, fn = ((w[:, None] * a).sum(0) for a in (yes * t, yes * (1 - t), (1 - yes) * t))
    return (1 + beta**2) * tp / ((1 + beta**2) * tp + beta**2 * fn + fp)


def jaccard(t: Array, p: Array, w: Array) -> float:
    both = [w[(t == k) & (p == k)].sum() for k in range(4)]
    either = [w[(t == k) | (p == k)].sum() for k in range(4)]
    return float(np.mean(np.array(both) / np.array(either)))


def r_squared(t: Array, p: Array, w: Array) -> float:
    w = w[:, None]
    mean = (w * t).sum(0) / w.sum(0)
    return float(np.mean(1 - (w * (t - p) ** 2).sum(0) / (w * (t - mean) ** 2).sum(0)))


# name: metric, targets, predictions, formula(targets, predictions, weights)
CASES: dict[str, tuple[Callable[..., Any], Array, Array, Callable[..., Any]]] = {
    "accuracy": (metrics.Accuracy, LABELS, GUESSES, mean_of(lambda t, p: t == p)),
    "binary_accuracy": (
        metrics.BinaryAccuracy,
        BITS,
        CHANCES,
        mean_of(lambda t, p: (t == (p > 0.5))[:, 0]),
    ),
    "categorical_accuracy": (
        metrics.CategoricalAccuracy,
        one_hot(LABELS, 4),
        SCORES,
        mean_of(lambda t, p: t.argmax(1) == p.argmax(1)),
    ),
    "sparse_categorical_accuracy": (
        metrics.SparseCategoricalAccuracy,
        LABELS,
        SCORES,
        mean_of(lambda t, p: t == p.argmax(1)),
    ),
    "top_k": (
        lambda **kw: metrics.TopKCategoricalAccuracy(k=2, **kw),
        one_hot(LABELS, 4),
        SCORES,
        mean_of(lambda t, p: in_top(2)(t.argmax(1), p)),
    ),
    "sparse_top_k": (
        lambda **kw: metrics.SparseTopKCategoricalAccuracy(k=3, **kw),
        LABELS,
        SCORES,
        mean_of(in_top(3)),
    ),
    "mse": (
        metrics.MeanSquaredError,
        REAL,
        OTHER,
        mean_of(lambda t, p: np.mean((t - p) ** 2, -1)),
    ),
    "rmse": (
        metrics.RootMeanSquaredError,
        REAL,
        OTHER,
        lambda t, p, w: math.sqrt(mean_of(lambda a, b: np.mean((a - b) ** 2, -1))(t, p, w)),
    ),
    "mae": (metrics.MeanAbsoluteError, REAL, OTHER, mean_of(lambda t, p: abs(t - p).mean(-1))),
    "mape": (
        metrics.MeanAbsolutePercentageError,
        POSITIVE,
        OTHER,
        mean_of(lambda t, p: 100 * (abs(t - p) / t).mean(-1)),
    ),
    "msle": (
        metrics.MeanSquaredLogarithmicError,
        POSITIVE,
        POSITIVE[::-1],
        mean_of(lambda t, p: ((np.log1p(t) - np.log1p(p)) ** 2).mean(-1)),
    ),
    "cosine": (
        metrics.CosineSimilarity,
        REAL,
        OTHER,
        mean_of(lambda t, p: np.sum(normalized(t) * normalized(p), -1)),
    ),
    "logcosh": (
        metrics.LogCoshError,
        REAL,
        OTHER,
        mean_of(lambda t, p: np.log(np.cosh(t - p)).mean(-1)),
    ),
    "r2": (metrics.R2Score, REAL, OTHER, r_squared),
    "kl": (
        metrics.KLDivergence,
        SCORES[::-1],
        SCORES,
        mean_of(lambda t, p: (t * np.log(t / p)).sum(-1)),
    ),
    "poisson": (
        metrics.Poisson,
        POSITIVE[::-1],
        POSITIVE,
        mean_of(lambda t, p: (p - t * np.log(p + 1e-7)).mean(-1)),
    ),
    "bce": (
        metrics.BinaryCrossentropy,
        BITS,
        CHANCES,
        mean_of(lambda t, p: (-t * np.log(p) - (1 - t) * np.log(1 - p)).mean(-1)),
    ),
    "cce": (
        metrics.CategoricalCrossentropy,
        one_hot(LABELS, 4),
        SCORES,
        mean_of(lambda t, p: -(t * np.log(p)).sum(-1)),
    ),
    "scce": (
        metrics.SparseCategoricalCrossentropy,
        LABELS,
        SCORES,
        mean_of(lambda t, p: -np.log(p[np.arange(len(t)), t])),
    ),
    "hinge": (
        metrics.Hinge,
        BITS,
        REAL[:, :1],
        mean_of(lambda t, p: np.maximum(1 - (2 * t - 1) * p, 0).mean(-1)),
    ),
    "squared_hinge": (
        metrics.SquaredHinge,
        BITS,
        REAL[:, :1],
        mean_of(lambda t, p: (np.maximum(1 - (2 * t - 1) * p, 0) ** 2).mean(-1)),
    ),
    "categorical_hinge": (
        metrics.CategoricalHinge,
        one_hot(LABELS, 4),
        SCORES,
        mean_of(
            lambda t, p: np.maximum(((1 - t) * p).max(-1) - (t * p).sum(-1) + 1, 0),
        ),
    ),
    "tp": (metrics.TruePositives, BITS, CHANCES, lambda *a: rates(*a, 0.5)[0]),
    "fp": (metrics.FalsePositives, BITS, CHANCES, lambda *a: rates(*a, 0.5)[1]),
    "tn": (metrics.TrueNegatives, BITS, CHANCES, lambda *a: rates(*a, 0.5)[2]),
    "fn": (metrics.FalseNegatives, BITS, CHANCES, lambda *a: rates(*a, 0.5)[3]),
    "precision": (
        lambda **kw: metrics.Precision(thresholds=[0.7, 0.1, 0.4], **kw),
        BITS,
        CHANCES,
        lambda *a: [
            tp / (tp + fp)
            for tp, fp, _, _ in (rates(*a, threshold) for threshold in (0.7, 0.1, 0.4))
        ],
    ),
    "recall": (
        metrics.Recall,
        BITS,
        CHANCES,
        lambda *a: rates(*a, 0.5)[0] / (rates(*a, 0.5)[0] + rates(*a, 0.5)[3]),
    ),
    "auc": (metrics.AUC, BITS, CHANCES, roc_area),
    "f_beta": (
        lambda **kw: metrics.FBetaScore(beta=2.0, threshold=0.3, **kw),
        one_hot(LABELS, 4),
        SCORES,
        lambda *a: f_scores(*a, 2.0),
    ),
    "f1": (
        lambda **kw: metrics.F1Score(average="macro", threshold=0.3, **kw),
        one_hot(LABELS, 4),
        SCORES,
        lambda *a: f_scores(*a, 1.0).mean(),
    ),
    "mean_iou": (lambda **kw: metrics.MeanIoU(4, **kw), LABELS, GUESSES, jaccard),
    "pearson": (
        metrics.PearsonCorrelation,
        REAL,
        OTHER,
        mean_of(
            lambda t, p: np.array([np.corrcoef(a, b)[0, 1] for a, b in zip(t, p, strict=True)])
        ),
    ),
    "concordance": (
        metrics.ConcordanceCorrelation,
        REAL,
        OTHER,
        mean_of(
            lambda t, p: 2
            * np.mean((t - t.mean(-1, keepdims=True)) * (p - p.mean(-1, keepdims=True)), -1)
            / (t.var(-1) + p.var(-1) + (t.mean(-1) - p.mean(-1)) ** 2 + 1e-7)
        ),
    ),
}
TOLERANCE = {"float32": 3e-5, "float64": 1e-6}
BATCHES = (slice(0, 10), slice(10, 20), slice(20, N))


def make(case: str, dtype: str) -> Any:
    return CASES[case][0](dtype=dtype, name=case)


def cast(x: Array, dtype: str) -> Array:
    return np.ascontiguousarray(x if x.dtype.kind == "i" else x.astype(dtype))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_batches_against_the_formula(case: str, weighted: bool, dtype: str) -> None:
    _, target, prediction, formula = CASES[case]
    target, prediction = cast(target, dtype), cast(prediction, dtype)
    metric = make(case, dtype)
    for batch in BATCHES:
        weight = WEIGHTS[batch] if weighted else None
        metric.update_state(target[batch], prediction[batch], weight)
    expected = formula(target, prediction, WEIGHTS if weighted else np.ones(N))
    result = metric.result()
    np.testing.assert_allclose(result, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
    if case != "mean_iou":
        assert result.dtype == dtype

    metric.reset_state()
    assert all(np.all(v.numpy() == 0) for v in metric.variables)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES)
def test_traced_equals_eager(case: str, dtype: str) -> None:
    _, target, prediction, _ = CASES[case]
    target, prediction = cast(target, dtype), cast(prediction, dtype)
    weight = WEIGHTS.astype(dtype)
    eager, traced = make(case, dtype), make(case, dtype)
    for batch in BATCHES:
        result = eager(target[batch], prediction[batch], weight[batch])
        (compiled,) = run_traced(traced, target[batch], prediction[batch], weight[batch])
        np.testing.assert_array_equal(compiled, result)
    for one, two in zip(eager.variables, traced.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), two.numpy())


@pytest.mark.parametrize("case", CASES)
def test_stateless_changes_nothing(case: str) -> None:
    _, target, prediction, _ = CASES[case]
    metric, other = make(case, "float32"), make(case, "float32")
    metric.update_state(target, prediction)
    before = [v.numpy() for v in metric.variables]
    values = metric.stateless_update_state(before, target, prediction, WEIGHTS)
    result = metric.stateless_result(values)
    for variable, value in zip(metric.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
    other.update_state(target, prediction)
    other.update_state(target, prediction, WEIGHTS)
    np.testing.assert_array_equal(result, other.result())
    assert all(np.all(np.asarray(v) == 0) for v in metric.stateless_reset_state())
    with pytest.raises(ValueError, match="corresponding 1:1"):
        metric.stateless_result([])


@pytest.mark.parametrize("case", CASES)
def test_configuration_and_pickle(case: str) -> None:
    _, target, prediction, _ = CASES[case]
    metric = make(case, "float64")
    again = metrics.deserialize(json.loads(json.dumps(metrics.serialize(metric))))
    assert type(again) is type(metric)
    assert again.get_config() == metric.get_config()
    metric.update_state(target, prediction)
    copy = pickle.loads(pickle.dumps(metric))
    np.testing.assert_array_equal(copy.result(), metric.result())
    copy.update_state(target, prediction, WEIGHTS)
    again.update_state(target, prediction)
    np.testing.assert_array_equal(again.result(), metric.result())


def test_sum_and_mean() -> None:
    for values, weight, total, mean in (
        ([1, 3, 5, 7], None, 16, 4),
        ([1, 3, 5, 7], [1, 1, 0, 0], 4, 2),
        ([1, 3, 5, 7], [-1, -1, 0, 0], -4, 2),
        ([[1, 3], [5, 7]], [[1, 1], [1, 0]], 9, 3),
        ([[1, 3], [5, 7]], [[1, 0]], 6, 3),
        ([[1, 3], [5, 7]], [2, 0], 8, 2),
        (3.0, None, 3, 3),
    ):
        assert float(metrics.Sum()(values, weight)) == total
        assert float(metrics.Mean()(values, weight)) == mean
    assert float(metrics.Mean().result()) == 0


def test_mask_weights_samples() -> None:
    prediction = OTHER.astype("float32")
    mask = np.arange(N) % 3 > 0
    set_keras_mask(prediction, mask)
    metric = metrics.MeanSquaredError()
    metric.update_state(REAL, prediction)
    expected = ((REAL - OTHER) ** 2).mean(-1)
    np.testing.assert_allclose(metric.result(), expected[mask].mean(), rtol=1e-5)
    metric.reset_state()
    metric.update_state(REAL, prediction, WEIGHTS)
    weight = WEIGHTS * mask
    np.testing.assert_allclose(metric.result(), (expected * weight).sum() / weight.sum(), rtol=1e-5)


@pytest.mark.parametrize(
    "thresholds", [[0.5], [0.0, 0.5, 1.0], [0.9, 0.2, 0.2, 0.6], list(np.linspace(0.01, 0.97, 50))]
)
def test_counts_at_thresholds(thresholds: list[float]) -> None:
    scores = np.round(CHANCES, 1).astype("float32")  # Ties with the thresholds.
    scores[:2] = [[0.0], [1.0]]
    cells = ("TruePositives", "FalsePositives", "TrueNegatives", "FalseNegatives")
    for position, cell in enumerate(cells):
        metric = getattr(metrics, cell)(thresholds)
        metric.update_state(BITS, scores, WEIGHTS)
        expected = [rates(BITS, scores, WEIGHTS, np.float32(t))[position] for t in thresholds]
        result = np.atleast_1d(metric.result())
        np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)


def test_scores_that_are_not_numbers_count_as_negative() -> None:
    scores = np.array([np.nan, 0.9, np.nan])
    for thresholds in (0.5, [0.0, 0.5, 1.0], [0.2, 0.3]):
        assert np.all(np.asarray(metrics.TruePositives(thresholds)([1, 1, 1], scores)) <= 1)
        assert np.all(np.asarray(metrics.FalseNegatives(thresholds)([1, 1, 1], scores)) >= 2)
    assert np.isfinite(metrics.AUC()([1, 0, 1], scores))


def test_top_k_and_class() -> None:
    target = one_hot(LABELS, 4)
    top = np.zeros_like(SCORES)
    np.put_along_axis(top, np.argsort(-SCORES, 1)[:, :2], 1, 1)
    tp = (top * target).sum()
    np.testing.assert_allclose(
        metrics.Precision(top_k=2)(target, SCORES), tp / top.sum(), rtol=1e-6
    )
    np.testing.assert_allclose(metrics.Recall(top_k=2)(target, SCORES), tp / N, rtol=1e-6)
    yes, true = SCORES[:, 2] > 0.3, target[:, 2] > 0
    metric = metrics.Precision(0.3, class_id=2)
    np.testing.assert_allclose(metric(target, SCORES), (yes & true).sum() / yes.sum(), rtol=1e-6)
    np.testing.assert_allclose(
        metrics.Recall(top_k=2, class_id=2)(target, SCORES),
        (top[:, 2] * target[:, 2]).sum() / target[:, 2].sum(),
        rtol=1e-6,
    )
    with pytest.raises(ValueError, match="class_id"):
        metrics.Precision(class_id=1)([0, 1], [0.5, 0.5])


def test_operating_points() -> None:
    every = [rates(BITS, CHANCES, WEIGHTS, t) for t in np.linspace(0, 1, 200)]
    sensitivity, specificity, precision = (
        np.array([a / (a + b) if a + b else 0.0 for a, b in pairs])
        for pairs in (
            [(tp, fn) for tp, _, _, fn in every],
            [(tn, fp) for _, fp, tn, _ in every],
            [(tp, fp) for tp, fp, _, _ in every],
        )
    )
    for metric, expected in (
        (metrics.SensitivityAtSpecificity(0.4), sensitivity[specificity >= 0.4].max()),
        (metrics.SpecificityAtSensitivity(0.4), specificity[sensitivity >= 0.4].max()),
        (metrics.PrecisionAtRecall(0.6), precision[sensitivity >= 0.6].max()),
        (metrics.RecallAtPrecision(0.5), sensitivity[precision >= 0.5].max(initial=0)),
        (metrics.RecallAtPrecision(1.0), sensitivity[precision >= 1.0].max(initial=0)),
    ):
        np.testing.assert_allclose(metric(BITS, CHANCES, WEIGHTS), expected, rtol=1e-5)
        config = metric.get_config()
        assert type(metric).from_config(config).get_config() == config
    with pytest.raises(ValueError, match=r"`recall` must be in the range \[0, 1\]"):
        metrics.PrecisionAtRecall(1.5)
    with pytest.raises(ValueError, match="`num_thresholds` must be an integer > 0"):
        metrics.PrecisionAtRecall(0.5, num_thresholds=0)


def curve_area(curve: str, method: str, thresholds: Array, t: Array, p: Array) -> float:
    """The area by the definition of each curve, one threshold after the other."""
    weight = np.ones(len(t))
    counts = np.array([rates(t, p, weight, c) for c in (-1e-7, *thresholds, 1 + 1e-7)])
    tp, fp, tn, fn = counts.T
    with np.errstate(all="ignore"):
        recall, precision = tp / (tp + fn), np.nan_to_num(tp / (tp + fp))
        x, y = (recall, precision) if curve == "PR" else (fp / (fp + tn), recall)
        if curve == "PRGAIN":
            ratio = (tp + fn) / (tn + fp)
            x = np.where(tp == 0, 0, np.maximum(1 - ratio * fn / tp, 0))
            y = np.where(tp == 0, 1, 1 - ratio * fp / tp)
    if curve == "PR" and method == "interpolation":
        area, total = 0.0, tp + fp
        for i in range(len(tp) - 1):
            dtp, dp = tp[i] - tp[i + 1], total[i] - total[i + 1]
            slope = dtp / dp if dp else 0.0
            log = math.log(total[i] / total[i + 1]) if total[i] and total[i + 1] else 0.0
            rest = tp[i + 1] - slope * total[i + 1]
            area += slope * (dtp + rest * log) / (tp[0] + fn[0])
        return area
    pair = {
        "interpolation": (y[:-1] + y[1:]) / 2,
        "minoring": np.minimum(y[:-1], y[1:]),
        "majoring": np.maximum(y[:-1], y[1:]),
    }[method]
    return float(np.sum((x[:-1] - x[1:]) * pair))


@pytest.mark.parametrize("method", ["interpolation", "minoring", "majoring"])
@pytest.mark.parametrize("curve", ["ROC", "PR", "PRGAIN"])
def test_auc(curve: str, method: str) -> None:
    inner = np.array([0.1, 0.33, 0.4, 0.8])
    metric = metrics.AUC(
        curve=curve, summation_method=method, thresholds=inner.tolist(), dtype="float64"
    )
    expected = curve_area(curve, method, inner, BITS, CHANCES)
    np.testing.assert_allclose(metric(BITS, CHANCES), expected, rtol=1e-9)
    metric = metrics.AUC(50, curve, method, dtype="float64")
    expected = curve_area(curve, method, np.linspace(0, 1, 50)[1:-1], BITS, CHANCES)
    np.testing.assert_allclose(metric(BITS, CHANCES), expected, rtol=1e-9)


@pytest.mark.parametrize("weights", [None, [0.2, 0.5, 0.3]])
def test_auc_of_several_labels(weights: list[float] | None) -> None:
    bits, chances = rng.integers(0, 2, (N, 3)), rng.uniform(0, 1, (N, 3))
    each = [roc_area(bits[:, [k]], chances[:, [k]], np.ones(N)) for k in range(3)]
    metric = metrics.AUC(multi_label=True, label_weights=weights, dtype="float64")
    expected = np.average(each, weights=weights)
    np.testing.assert_allclose(metric(bits, chances), expected, rtol=1e-9)
    logits = np.log(chances / (1 - chances))
    metric = metrics.AUC(
        multi_label=True, num_labels=3, label_weights=weights, from_logits=True, dtype="float64"
    )
    np.testing.assert_allclose(metric(bits, logits), expected, rtol=1e-9)
    traced = metrics.AUC(multi_label=True, label_weights=weights, dtype="float64")
    np.testing.assert_allclose(run_traced(traced, bits, chances)[0], expected, rtol=1e-9)
    with pytest.raises(ValueError, match="rank 2"):
        metrics.AUC(multi_label=True)(bits[:, 0], chances[:, 0])
    with pytest.raises(ValueError, match="multi_label"):
        metrics.AUC(num_labels=3)


def test_auc_of_all_labels_together() -> None:
    bits, chances = rng.integers(0, 2, (N, 3)), rng.uniform(0, 1, (N, 3))
    weights = np.array([0.2, 0.5, 0.3])
    metric = metrics.AUC(label_weights=weights, dtype="float64")
    tiled = np.tile(weights, N)
    expected = roc_area(bits.reshape(-1, 1), chances.reshape(-1, 1), tiled)
    np.testing.assert_allclose(metric(bits, chances), expected, rtol=1e-9)


def test_iou_variants() -> None:
    target, scores = one_hot(LABELS, 4), SCORES
    guesses = scores.argmax(1)
    ones = np.ones(N)
    expected = jaccard(LABELS, guesses, ones)
    np.testing.assert_allclose(metrics.OneHotMeanIoU(4)(target, scores), expected, rtol=1e-6)
    metric = metrics.OneHotMeanIoU(4, sparse_y_pred=True)
    np.testing.assert_allclose(metric(target, guesses), expected, rtol=1e-6)
    both = ((LABELS == 1) & (guesses == 1)).sum() / ((LABELS == 1) | (guesses == 1)).sum()
    np.testing.assert_allclose(metrics.IoU(4, [1])(LABELS, guesses), both, rtol=1e-6)
    np.testing.assert_allclose(metrics.OneHotIoU(4, [1])(target, scores), both, rtol=1e-6)
    kept = LABELS != 3
    metric = metrics.IoU(4, [0, 1, 2], ignore_class=3)
    out = [
        ((LABELS == k) & (guesses == k))[kept].sum() / ((LABELS == k) | (guesses == k))[kept].sum()
        for k in range(3)
    ]
    np.testing.assert_allclose(metric(LABELS, guesses), np.mean(out), rtol=1e-6)
    yes, true = CHANCES[:, 0] >= 0.3, BITS[:, 0] > 0
    binary = [(yes & true).sum() / (yes | true).sum(), (~yes & ~true).sum() / (~yes | ~true).sum()]
    np.testing.assert_allclose(
        metrics.BinaryIoU(threshold=0.3)(BITS, CHANCES), np.mean(binary), rtol=1e-6
    )
    out_of_range = metrics.MeanIoU(2)
    out_of_range.update_state([0, 1, 255], [0, 1, 0])
    np.testing.assert_allclose(out_of_range.result(), 1.0, rtol=1e-6)
    with pytest.raises(ValueError, match="out of range"):
        metrics.IoU(2, [2])
    with pytest.warns(UserWarning, match="weight.*float.*int"):
        metrics.MeanIoU(4).update_state(LABELS, guesses, np.ones(N, "float32"))


@pytest.mark.parametrize("average", [None, "micro", "macro", "weighted"])
def test_f_score_averages(average: str | None) -> None:
    target = one_hot(LABELS, 4)
    metric = metrics.F1Score(average=average, dtype="float64")
    best = one_hot(SCORES.argmax(1), 4)
    tp, fp, fn = (best * target).sum(0), (best * (1 - target)).sum(0), ((1 - best) * target).sum(0)
    if average == "micro":
        tp, fp, fn = tp.sum(), fp.sum(), fn.sum()
    scores = 2 * tp / (2 * tp + fp + fn)
    expected = {
        None: scores,
        "micro": scores,
        "macro": np.mean(scores),
        "weighted": np.sum(scores * target.sum(0)) / N,
    }[average]
    np.testing.assert_allclose(metric(target, SCORES), expected, atol=1e-6)


def test_r2_adjustment() -> None:
    plain = float(metrics.R2Score(dtype="float64")(REAL, OTHER))
    metric = metrics.R2Score(num_regressors=2, dtype="float64")
    n = REAL.size
    expected = 1 - (1 - plain) * (n - 1) / (n - 3)
    np.testing.assert_allclose(metric(REAL, OTHER), expected, rtol=1e-9)
    metric = metrics.R2Score(num_regressors=n, dtype="float64")
    with pytest.warns(UserWarning, match="not adjusted"):
        np.testing.assert_allclose(metric(REAL, OTHER), plain)
    each = metrics.R2Score(class_aggregation=None, dtype="float64")(REAL, OTHER)
    assert each.shape == (3,)
    weights = REAL.var(0)
    metric = metrics.R2Score("variance_weighted_average", dtype="float64")
    np.testing.assert_allclose(metric(REAL, OTHER), np.average(each, weights=weights), rtol=1e-9)
    for kwargs in ({"class_aggregation": "typo"}, {"num_regressors": -1}):
        with pytest.raises(ValueError, match="Invalid value"):
            metrics.R2Score(**kwargs)
    with pytest.raises(ValueError, match="2D inputs"):
        metrics.R2Score()([0.0, 1.0], [0.0, 1.0])


def test_users_own_function_and_class() -> None:
    @saving.register_keras_serializable("test_metrics")
    def largest(y_true: Any, y_pred: Any) -> Any:
        return ops.max(ops.abs(y_true - y_pred), axis=-1)

    metric = metrics.MeanMetricWrapper(largest, name="largest")
    expected = abs(REAL - OTHER).max(-1).mean()
    np.testing.assert_allclose(metric(REAL, OTHER), expected, rtol=1e-6)
    again = metrics.deserialize(metrics.serialize(metric))
    np.testing.assert_allclose(again(REAL, OTHER), expected, rtol=1e-6)

    class Count(metrics.Metric):
        def __init__(self, name: str = "count") -> None:
            super().__init__(name=name)
            self.seen = self.add_weight(name="seen", initializer="zeros")
            self.parts = {"inner": [metrics.Sum()], "extra": Variable(0.0)}

        def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
            self.seen.assign_add(y_pred.shape[0])

        def result(self) -> Any:
            return ops.convert_to_tensor(self.seen)

    metric = Count()
    assert len(metric.variables) == 3
    assert float(metric(REAL, OTHER)) == N
    assert run_traced(metric, REAL, OTHER)[0] == 2 * N

    class Forgetful(metrics.Metric):
        def __init__(self) -> None:
            self.add_weight()

    with pytest.raises(RuntimeError, match=r"super\(\).__init__"):
        Forgetful()
    for method in ("update_state", "result"):
        with pytest.raises(NotImplementedError, match=method):
            getattr(metrics.Metric(), method)()


def test_sorted_ids() -> None:
    ids = np.argsort(-SCORES, 1)
    metric = metrics.SparseTopKCategoricalAccuracy(k=2, from_sorted_ids=True)
    np.testing.assert_allclose(metric(LABELS, ids), in_top(2)(LABELS, SCORES).mean(), rtol=1e-6)


def test_variables_are_made_eagerly_inside_a_trace() -> None:
    metric = metrics.F1Score()
    run_traced(metric, one_hot(LABELS, 4).astype("float32"), SCORES.astype("float32"))
    assert len(metric.variables) == 4
    assert metric.variables[0].path.startswith("f1_score")
    assert not isinstance(metric.variables[0].value, type(None))
    assert current_trace() is None


def test_get() -> None:
    assert metrics.get(None) is None
    assert isinstance(metrics.get("mse"), metrics.MeanSquaredError)
    assert isinstance(metrics.get("mean_squared_error"), metrics.MeanSquaredError)
    assert isinstance(metrics.get("AUC"), metrics.AUC)
    assert isinstance(metrics.get("f1_score"), metrics.F1Score)
    assert metrics.get(losses.mean_squared_error) is losses.mean_squared_error
    assert metrics.get({"class_name": "Precision", "config": {"top_k": 2}}).top_k == 2
    with pytest.raises(ValueError, match="'typo'.*categorical_accuracy"):
        metrics.get("typo")


@pytest.mark.parametrize(
    "make_bad, message",
    [
        (lambda: metrics.AUC(num_thresholds=1), "`num_thresholds` must be an integer > 1"),
        (lambda: metrics.AUC(curve="typo"), 'Invalid AUC curve value: "typo"'),
        (lambda: metrics.AUC(summation_method="typo"), "Invalid AUC summation method value"),
        (lambda: metrics.Precision([-1, 0.5]), r"must be in \[0, 1\]. Received: \[-1\]"),
        (lambda: metrics.FBetaScore(average="typo"), "Invalid `average`"),
        (lambda: metrics.FBetaScore(beta=1), "should be a Python float"),
        (lambda: metrics.FBetaScore(threshold=1.5), "0 < threshold <= 1"),
        (lambda: metrics.F1Score()([1, 0], [1.0, 0.0]), "2D inputs"),
    ],
)
def test_bad_arguments(make_bad: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_bad()
