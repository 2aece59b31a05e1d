"""Targets of another shape than the outputs: refused where a model is compiled for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import layers, losses, metrics, ops
from chainrule.errors import DataError, ShapeError

ROWS = 8
X = np.linspace(0, 1, ROWS * 4, dtype="float32").reshape(ROWS, 4)

# Of these, targets are class numbers.
BY_LABEL = {"SparseCategoricalCrossentropy", "CategoricalGeneralizedCrossEntropy", "Circle", "CTC"}
LOSSES = [
    cls
    for cls in losses.ALL_OBJECTS
    if isinstance(cls, type) and cls not in (losses.Loss, losses.LossFunctionWrapper)
]
PAIRED_LOSSES = [cls for cls in LOSSES if cls.__name__ not in BY_LABEL]
PAIRED_METRICS: list[Any] = [
    *(
        getattr(metrics, name)
        for name in (
            "Accuracy", "BinaryAccuracy", "CategoricalAccuracy", "TopKCategoricalAccuracy",
            "CategoricalCrossentropy", "BinaryCrossentropy", "CategoricalHinge", "Hinge",
            "SquaredHinge", "ConcordanceCorrelation", "PearsonCorrelation", "CosineSimilarity",
            "F1Score", "FBetaScore", "KLDivergence", "LogCoshError", "MeanAbsoluteError",
            "MeanAbsolutePercentageError", "MeanSquaredError", "MeanSquaredLogarithmicError",
            "Poisson", "R2Score", "RootMeanSquaredError",
        )
    ),
    lambda: metrics.OneHotIoU(3, [0]),
    lambda: metrics.OneHotMeanIoU(3),
]  # fmt: skip


def model_of(
    output: tuple[int | None, ...] = (3,), loss: Any = None, metric: Any = None
) -> Any:
    size = int(np.prod([n or 1 for n in output]))
    model = cr.Sequential(
        [cr.Input((4,)), layers.Dense(size, activation="sigmoid"), layers.Reshape(output)]
    )
    model.compile("sgd", loss, metrics=None if metric is None else [metric])
    return model


def targets(shape: tuple[int, ...]) -> Any:
    return np.ones((ROWS, *shape), "float32")


@pytest.mark.parametrize("shape", [(1,), (), (2,), (3, 3)])
@pytest.mark.parametrize("cls", PAIRED_LOSSES, ids=lambda cls: cls.__name__)
def test_losses_refuse_other_shapes(cls: Any, shape: tuple[int, ...]) -> None:
    y = targets(shape)
    model = model_of(loss=cls())
    before = [w.tobytes() for w in model.get_weights()]
    for call in (
        lambda: model.fit(X, y, verbose=0),
        lambda: model.evaluate(X, y, verbose=0),
        lambda: model.train_on_batch(X, y),
        lambda: model.test_on_batch(X, y),
        lambda: model.fit(iter([(X, y)]), verbose=0),
        lambda: model.fit(X, targets((3,)), validation_data=(X, y), verbose=0),
    ):
        with pytest.raises(ShapeError, match=r"expected targets of shape \(rows, 3\), got \(rows"):
            call()
    assert [w.tobytes() for w in model.get_weights()] == before


@pytest.mark.parametrize("shape", [(1,), (), (2,)])
@pytest.mark.parametrize("make", PAIRED_METRICS)
def test_metrics_refuse_other_shapes(make: Any, shape: tuple[int, ...]) -> None:
    metric = make()
    model = model_of(loss=lambda y, p: ops.mean(p, axis=-1), metric=metric)
    with pytest.raises(ShapeError, match=f"metric '{metric.name}'.*expected targets of shape"):
        model.fit(X, targets(shape), verbose=0)
    assert np.isfinite(model.evaluate(X, targets((3,)), verbose=0)[0])


def test_metrics_by_name_and_their_output() -> None:
    x = cr.Input((4,))
    model = cr.Model(x, [layers.Dense(3, name="a")(x), layers.Dense(1, name="b")(x)])
    model.compile("sgd", "mse", metrics=[["mae"], []])
    model.evaluate(X, [targets((3,)), targets(())], verbose=0)
    model.compile("sgd", [None, "mse"], metrics=[["mae"], []])
    with pytest.raises(ShapeError, match="metric 'mae' of output 'a'.*got \\(8, 1\\)"):
        model.evaluate(X, [targets((1,)), targets((1,))], verbose=0)
    sparse = model_of(loss="sparse_categorical_crossentropy", metric="categorical_accuracy")
    with pytest.raises(ShapeError, match="need the metric 'sparse_categorical_accuracy'"):
        sparse.evaluate(X, np.zeros((ROWS, 1), "int32"), verbose=0)


@pytest.mark.parametrize(
    ("output", "shape"),
    [((1,), ()), ((1,), (1,)), ((3,), (3,)), ((3,), (3, 1)), ((2, 3), (2, 3)), ((3, 1), (3,))],
)
@pytest.mark.parametrize("loss", ["mse", "mae", "huber", "binary_crossentropy"])
def test_a_last_axis_of_one_may_lack(
    loss: str, output: tuple[int, ...], shape: tuple[int, ...]
) -> None:
    model = model_of(output, loss, "mae")
    y = np.linspace(0, 1, ROWS * int(np.prod(output)), dtype="float32")
    whole = model.evaluate(X, y.reshape(ROWS, *output), verbose=0)
    assert model.evaluate(X, y.reshape(ROWS, *shape), verbose=0) == pytest.approx(whole, rel=1e-6)


@pytest.mark.parametrize("shape", [(1, 3), (2, 1), (2, 3, 2), (3,), (2,)])
def test_axes_in_the_middle(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"expected targets of shape \(rows, 2, 3\)"):
        model_of((2, 3), "mse").evaluate(X, targets(shape), verbose=0)


def test_sizes_that_only_the_data_tell() -> None:
    model = cr.Sequential([cr.Input((None, 2)), layers.Dense(2)])
    model.compile("sgd", "mse")
    x = np.ones((ROWS, 5, 2), "float32")
    assert np.isfinite(model.evaluate(x, targets((5, 2)), verbose=0))
    with pytest.raises(ShapeError, match=r"expected targets of shape \(rows, 5, 2\), got"):
        model.evaluate(x, targets((1, 2)), verbose=0)


def test_outputs_of_fewer_rows() -> None:
    x = cr.Input((4,))
    model = cr.Model(x, ops.mean(layers.Dense(3)(x), axis=0, keepdims=True))
    model.compile("sgd", "mse")
    with pytest.raises(ShapeError, match=r"loss 'mse': expected targets of shape \(1, 3\), got"):
        model.fit(X, targets((3,)), verbose=0)


def test_functions_of_the_user_take_what_they_like() -> None:
    model = model_of(loss=lambda y, p: ops.mean(ops.square(p - y), axis=-1))
    assert np.isfinite(model.evaluate(X, targets((1,)), verbose=0))


def test_a_loss_by_itself_broadcasts() -> None:
    y, p = np.zeros((4, 1), "float32"), np.full((4, 3), 2.0, "float32")
    assert float(losses.MeanSquaredError()(y, p)) == 4.0
    metric = metrics.MeanAbsoluteError()
    metric.update_state(y, p)
    assert float(metric.result()) == 2.0


def test_labels_of_the_generalized_cross_entropy() -> None:
    model = model_of(loss=losses.CategoricalGeneralizedCrossEntropy())
    model.evaluate(X, np.zeros(ROWS, "int32"), verbose=0)
    with pytest.raises(DataError, match=r"labels in \[0, 3\), got 3 in row 0"):
        model.evaluate(X, np.full(ROWS, 3), verbose=0)
