"""`check_loss`, `check_metric`, `check_optimizer`: chainrule's own pass, planted faults are named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chainrule import losses, metrics, ops, optimizers
from chainrule.testing import CheckReport, check_loss, check_metric, check_optimizer

RNG = np.random.default_rng(5)
REAL, OTHER = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 3))
SHARES = np.abs(REAL) / np.abs(REAL).sum(axis=1, keepdims=True)
LABELS = np.array([0, 2, 1, 1, 0])
ONE_HOT = np.eye(3)[LABELS]
BINARY = (OTHER > 0).astype(float)
SIGNS = np.where(OTHER > 0, 1.0, -1.0)
IN_UNIT = RNG.uniform(0.05, 0.95, (5, 3))
POSITIVE = np.abs(OTHER) + 0.1


def says(report: CheckReport, name: str, words: str) -> bool:
    return any(words in c.detail for c in report.checks if c.name == name and c.verdict == "WRONG")


# Losses

LOSSES: dict[Any, tuple[Any, Any]] = {
    **dict.fromkeys(("mse", "mae", "huber", "log_cosh", "cosine_similarity"), (OTHER, REAL)),
    **dict.fromkeys(("mape",), (POSITIVE, REAL)),
    **dict.fromkeys(("msle", "poisson"), (POSITIVE, np.abs(REAL))),
    **dict.fromkeys(("hinge", "squared_hinge", "categorical_hinge"), (SIGNS, REAL)),
    **dict.fromkeys(
        ("categorical_crossentropy", "categorical_focal_crossentropy", "kl_divergence"),
        (ONE_HOT, SHARES),
    ),
    **dict.fromkeys(("binary_crossentropy", "binary_focal_crossentropy"), (BINARY, IN_UNIT)),
    "sparse_categorical_crossentropy": (LABELS, SHARES),
    losses.SparseCategoricalCrossentropy(from_logits=True): (LABELS, REAL),
    losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1): (ONE_HOT, REAL),
    losses.BinaryCrossentropy(from_logits=True): (BINARY, REAL),
    losses.CategoricalGeneralizedCrossEntropy(0.5): (LABELS, SHARES),
    losses.MeanSquaredError(reduction="sum"): (OTHER, REAL),
    losses.Huber(delta=0.5, reduction="none"): (OTHER, REAL),
    losses.Dice: (BINARY, IN_UNIT),
    losses.Tversky: (BINARY, IN_UNIT),
}


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_losses_of_chainrule_pass(loss: Any) -> None:
    report = check_loss(loss, *LOSSES[loss], threads=[1, 3])
    assert report.ok, str(report)


def test_losses_that_compare_rows() -> None:
    report = check_loss(losses.Circle, LABELS, REAL, by_row=False, threads=[1])
    assert report.ok, str(report)


class Mean(losses.Loss):
    """A mean over the batch, where a value a row is due."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return ops.abs(y_true - y_pred) - ops.mean(y_pred, axis=0)


class Scaled(losses.Loss):
    def __init__(self, factor: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return self.factor * ops.mean(ops.square(y_true - y_pred), axis=-1)


class Weighted(Scaled):
    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        weight = None if sample_weight is None else sample_weight + 1
        return super().__call__(y_true, y_pred, weight)


class InFloat32(Scaled):
    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        return ops.cast(super().__call__(y_true, y_pred, sample_weight), "float32")


def root(y_true: Any, y_pred: Any) -> Any:
    return ops.sqrt(ops.sum(ops.square(y_true - y_pred), axis=-1))


def by_numpy(y_true: Any, y_pred: Any) -> Any:
    return np.mean(np.square(np.asarray(y_true) - np.asarray(y_pred)), axis=-1)


def takes_any_rows(y_true: Any, y_pred: Any) -> Any:
    return ops.mean(ops.square(y_pred - ops.mean(y_true)), axis=-1)


@pytest.mark.parametrize(
    "loss, name, words",
    [
        (Mean, "rows", "among the others and"),
        (Scaled(2.0), "config", "the one of its configuration"),
        (Weighted, "sample weights", "weights of 1 change the value"),
        (InFloat32, "call", "expected a value in float64, got float32"),
        (root, "at the target", "the gradient is not finite"),
        (by_numpy, "compiled", "chainrule.ops"),
        (takes_any_rows, "rows", "alone"),
        (lambda a, b: ops.mean(a - b, axis=-1) * np.nan, "call", "expected a finite value"),
        (lambda a, b: ops.mean(a - b, axis=-1) + np.random.normal(), "called twice", "SeedGenerator"),
    ],
    ids=lambda x: getattr(x, "__name__", None),
)
def test_faults_of_losses_are_named(loss: Any, name: str, words: str) -> None:
    report = check_loss(loss, OTHER, REAL, threads=[1, 2])
    assert not report.ok and says(report, name, words), str(report)


# Metrics

NAMES = ("mse", "mae", "cosine_similarity", "binary_accuracy", "categorical_accuracy")
METRICS: dict[Any, tuple[Any, ...]] = {
    **dict.fromkeys(NAMES, (ONE_HOT, SHARES)),
    metrics.Mean: (REAL[:, 0],),
    metrics.Sum: (REAL[:, 0],),
    metrics.SparseCategoricalAccuracy: (LABELS, SHARES),
    metrics.SparseTopKCategoricalAccuracy(2): (LABELS, SHARES),
    metrics.TopKCategoricalAccuracy(2): (ONE_HOT, SHARES),
    metrics.Accuracy: (LABELS, LABELS[::-1].copy()),
    metrics.AUC(num_thresholds=20): (BINARY, IN_UNIT),
    metrics.Precision: (BINARY, IN_UNIT),
    metrics.Recall: (BINARY, IN_UNIT),
    metrics.FalsePositives: (BINARY, IN_UNIT),
    metrics.TrueNegatives: (BINARY, IN_UNIT),
    metrics.PrecisionAtRecall(0.5): (BINARY, IN_UNIT),
    metrics.SensitivityAtSpecificity(0.5): (BINARY, IN_UNIT),
    metrics.F1Score(average="macro"): (ONE_HOT, SHARES),
    metrics.MeanIoU(num_classes=3): (LABELS, LABELS[::-1].copy()),
    metrics.OneHotIoU(3, [0, 1]): (ONE_HOT, SHARES),
    metrics.R2Score: (OTHER, REAL),
    metrics.RootMeanSquaredError: (OTHER, REAL),
    metrics.KLDivergence: (ONE_HOT, SHARES),
    metrics.BinaryCrossentropy: (BINARY, IN_UNIT),
    metrics.Hinge: (SIGNS, REAL),
    metrics.LogCoshError: (OTHER, REAL),
    metrics.PearsonCorrelation: (OTHER, REAL),
    metrics.MeanMetricWrapper(losses.huber): (OTHER, REAL),
}


@pytest.mark.parametrize("metric", METRICS, ids=lambda m: getattr(m, "__name__", str(m)))
def test_metrics_of_chainrule_pass(metric: Any) -> None:
    report = check_metric(metric, *METRICS[metric], threads=[1, 3])
    assert report.ok, str(report)


class Sound(metrics.Metric):
    """The mean square of a difference."""

    def __init__(self, power: float = 2.0, name: str = "sound", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.power = power
        self.total = self.add_variable((), "zeros", name="total")
        self.rows = self.add_variable((), "zeros", name="rows")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        values = ops.mean(ops.abs(y_true - y_pred) ** self.power, axis=-1)
        weight = ops.ones_like(values)
        if sample_weight is not None:
            weight = ops.cast(sample_weight, values.dtype)
        self.total.assign(self.total + ops.sum(values * weight))
        self.rows.assign(self.rows + ops.sum(weight))

    def result(self) -> Any:
        return self.total / self.rows

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "power": self.power}


class OfBatches(Sound):
    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self.total.assign(self.total + ops.mean(ops.square(y_true - y_pred)))
        self.rows.assign(self.rows + 1.0)


class CountsInPython(Sound):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.times = 0

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self.times += 1
        super().update_state(y_true, y_pred, sample_weight)


class KeepsOnReset(Sound):
    def reset_state(self) -> None:
        self.total.assign(0.0)


class HeedsNoWeights(Sound):
    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        super().update_state(y_true, y_pred)


class LosesConfig(Sound):
    def get_config(self) -> dict[str, Any]:
        return metrics.Metric.get_config(self)


class CountsFirst(Sound):
    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self.rows.assign(self.rows + 1.0)
        super().update_state(y_true, y_pred, sample_weight)
        self.rows.assign(self.rows - 1.0)


class Branches(Sound):
    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        if float(ops.mean(y_true)) < 1e9:
            super().update_state(y_true, y_pred, sample_weight)


@pytest.mark.parametrize(
    "metric, name, words",
    [
        (OfBatches, "batches", "of one batch"),
        (CountsInPython, "called twice", "attribute `times`"),
        (KeepsOnReset, "reset_state", "when new"),
        (HeedsNoWeights, "sample weights", "with weight 0 for it"),
        (lambda: LosesConfig(3.0), "config", "the one of its configuration"),
        (CountsFirst, "refusal", "refused after variable"),
        (Branches, "compiled", "while tracing"),
    ],
    ids=lambda x: getattr(x, "__name__", None),
)
def test_faults_of_metrics_are_named(metric: Any, name: str, words: str) -> None:
    report = check_metric(metric, OTHER, REAL, threads=[1, 2])
    assert not report.ok and says(report, name, words), str(report)


def test_a_sound_metric_passes() -> None:
    for metric in (Sound, Sound(3.0), lambda: Sound(1.5)):
        report = check_metric(metric, OTHER, REAL)
        assert report.ok, str(report)


# Optimizers

OPTIMIZERS: dict[str, Any] = {
    **{
        name: name
        for name in (
            "sgd", "adam", "adamw", "adamax", "nadam", "rmsprop", "adagrad", "adadelta", "ftrl",
            "lion", "adafactor", "lamb",
        )
    },
    "nesterov": optimizers.SGD(0.01, momentum=0.9, nesterov=True, weight_decay=0.01),
    "ema": optimizers.Adam(use_ema=True, clipnorm=1.0),
    "schedule": lambda: optimizers.Adam(optimizers.schedules.ExponentialDecay(0.01, 2, 0.9)),
    "amsgrad": optimizers.Adam(amsgrad=True, clipvalue=0.5),
    "centered": optimizers.RMSprop(centered=True, momentum=0.5),
    "muon": optimizers.Muon,
    "schedule free": optimizers.ScheduleFreeAdamW,
}  # fmt: skip


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_of_chainrule_pass(name: str) -> None:
    report = check_optimizer(OPTIMIZERS[name], threads=[1, 3])
    assert report.ok, str(report)


def test_optimizers_across_variables() -> None:
    report = check_optimizer(optimizers.SGD(global_clipnorm=1.0), by_variable=False, threads=[1])
    assert report.ok, str(report)
    assert check_optimizer(optimizers.SGD(global_clipnorm=1.0), threads=[1]).wrong == ["each variable"]


class Momentum(optimizers.Optimizer):
    """A heavy ball."""

    def __init__(self, learning_rate: Any = 0.01, momentum: float = 0.5, **kwargs: Any) -> None:
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.momentum = momentum

    def build(self, variables: Any) -> None:
        if self.built:
            return
        super().build(variables)
        self.balls = self.add_optimizer_variables(variables, "ball")

    def ball(self, variable: Any) -> Any:
        return self.balls[self._get_variable_index(variable)]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        ball = self.ball(variable)
        rate = ops.cast(learning_rate, variable.dtype)
        self.assign(ball, self.momentum * ball - gradient * rate)
        self.assign_add(variable, ball)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "momentum": self.momentum}


class Uphill(Momentum):
    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        super().update_step(-gradient, variable, learning_rate)


class OneBall(Momentum):
    def ball(self, variable: Any) -> Any:
        return next(b for b in self.balls if b.shape == variable.shape)


class NoEpsilon(Momentum):
    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        super().update_step(gradient / ops.norm(gradient), variable, learning_rate)


class FixedRate(Momentum):
    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        super().update_step(gradient, variable, 0.01)


class CountsSteps(Momentum):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.steps = 0

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        self.steps += 1
        super().update_step(gradient / self.steps, variable, learning_rate)


class LosesMomentum(Momentum):
    def get_config(self) -> dict[str, Any]:
        return optimizers.Optimizer.get_config(self)


class InFloat32(Momentum):
    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        if variable.dtype == "float64":
            learning_rate = learning_rate * np.nan
        super().update_step(gradient, variable, learning_rate)


@pytest.mark.parametrize(
    "optimizer, name, words",
    [
        (Uphill, "descent", "take the loss from"),
        (OneBall, "each variable", "Do variables share state?"),
        (NoEpsilon, "zero gradient", "epsilon"),
        (FixedRate, "learning rate", "the same step"),
        (CountsSteps, "called twice", "attribute `steps`"),
        (lambda: LosesMomentum(momentum=0.9), "config", "the one of its configuration and state"),
        (InFloat32, "call", "expected finite numbers in float64"),
    ],
    ids=lambda x: getattr(x, "__name__", None),
)
def test_faults_of_optimizers_are_named(optimizer: Any, name: str, words: str) -> None:
    report = check_optimizer(optimizer, threads=[1, 2])
    assert not report.ok and says(report, name, words), str(report)


def test_a_sound_optimizer_passes() -> None:
    for optimizer in (Momentum, Momentum(0.02, momentum=0.9), lambda: Momentum(momentum=0.1)):
        report = check_optimizer(optimizer)
        assert report.ok, str(report)


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: check_loss(3, REAL, REAL), TypeError, "expected a Loss.*got 3"),
        (lambda: check_loss("mze", REAL, REAL), ValueError, "mze"),
        (lambda: check_loss("mse", REAL[:1], REAL[:1]), ValueError, "two rows or more"),
        (lambda: check_metric(3, REAL), TypeError, "expected a Metric.*got 3"),
        (lambda: check_metric("mse", REAL[:2], REAL[:2]), ValueError, "three rows or more"),
        (lambda: check_metric("mse"), ValueError, "got none"),
        (lambda: check_optimizer(3), TypeError, "expected a Optimizer.*got 3"),
        (lambda: check_optimizer("adm"), ValueError, "adm"),
        (lambda: check_optimizer("adam", shapes=()), ValueError, "shape of a variable"),
    ],
)
def test_bad_arguments_are_refused(call: Callable[[], Any], error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        call()
