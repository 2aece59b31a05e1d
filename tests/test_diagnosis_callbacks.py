"""`callbacks.Diagnosis` and `callbacks.LearningRateFinder` see what they should and change nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as keras
from tests import made_data

L = keras.layers
callbacks = keras.callbacks


def _network(optimizer: Any = "adam") -> tuple[Any, Any, Any]:
    keras.utils.set_random_seed(5)
    x, y = made_data.blobs(np.random.default_rng(5), 256, features=6, classes=3)
    layers = [L.Dense(16), L.BatchNormalization(), L.ReLU(), L.Dropout(0.3)]
    model = keras.Sequential([*layers, L.Dense(3, activation="softmax")])
    model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, x, y


def _weights(model: Any) -> list[Any]:
    return [v.numpy() for v in (*model.variables, *model.optimizer.variables)]


def _equal(a: Any, b: Any) -> bool:
    return all(np.array_equal(v, w) for v, w in zip(_weights(a), _weights(b), strict=True))


@pytest.mark.parametrize("before", [0, 2])
def test_the_finder_leaves_everything_as_it_was(before: int) -> None:
    (model, x, y), (other, _, _) = _network(), _network()
    for m, tested in ((other, False), (model, True)):
        keras.utils.set_random_seed(6)
        if before:
            m.fit(x, y, epochs=before, verbose=0)
        if tested:
            finder = callbacks.LearningRateFinder(steps=60)
            history = m.fit(x, y, epochs=20, verbose=0, callbacks=[finder])
            assert history.history == {}
        m.fit(x, y, epochs=3, verbose=0)
    assert len(finder.losses) > 20
    assert _equal(model, other)


def test_the_finder_finds_where_gradient_descent_diverges() -> None:
    x = np.random.default_rng(0).normal(size=(640, 4)).astype("float32")
    y = x @ np.array([1.0, -2.0, 3.0, 0.5], "float32")
    model = keras.Sequential([L.Dense(1)])
    model.compile(optimizer="sgd", loss="mse")
    finder = callbacks.LearningRateFinder(1e-4, 100.0, steps=120)
    model.fit(x, y, epochs=10, verbose=0, callbacks=[finder])
    # The curvature of the loss is 2 in every direction: the best rate is 1/2, from 1 on it diverges.
    assert 0.005 < finder.suggestion < 0.5
    assert len(finder.losses) < 120 and 0.5 < finder.rates[-1] < 20
    np.testing.assert_allclose(finder.rates[1] / finder.rates[0], 1e6 ** (1 / 119), rtol=1e-6)


def test_losses_are_those_of_single_batches() -> None:
    model, x, y = _network(keras.optimizers.SGD(0.0))
    finder = callbacks.LearningRateFinder(1e-20, 1e-19, steps=8)
    model.fit(x, y, batch_size=32, verbose=0, shuffle=False, callbacks=[finder])
    other, _, _ = _network(keras.optimizers.SGD(0.0))
    losses = [other.train_on_batch(x[i : i + 32], y[i : i + 32])[0] for i in range(0, 256, 32)]
    np.testing.assert_allclose(finder.losses, losses, rtol=1e-5)


def test_the_finder_draws_its_curve(tmp_path: Any) -> None:
    pytest.importorskip("matplotlib")
    model, x, y = _network()
    finder = callbacks.LearningRateFinder()
    with pytest.raises(ValueError, match="expected a test that has run"):
        finder.plot()
    with pytest.warns(UserWarning, match="ended after 8 of 100 steps"):
        model.fit(x, y, verbose=0, callbacks=[finder])
    model.fit(x, y, verbose=0, epochs=30, callbacks=[finder])
    axis = finder.plot(tmp_path / "range.png").axes[0]
    assert axis.get_xscale() == "log" and len(axis.lines[0].get_xdata()) == len(finder.losses)
    assert (tmp_path / "range.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"min_rate": 0.0}, "expected 0 < min_rate < max_rate"),
        ({"min_rate": 2.0, "max_rate": 1.0}, "expected 0 < min_rate < max_rate"),
        ({"steps": 3}, "expected steps to be 5 or more, got 3"),
        ({"factor": 1.0}, "expected factor to be above 1"),
    ],
)
def test_arguments_of_the_finder(arguments: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        callbacks.LearningRateFinder(**arguments)


def test_a_schedule_is_refused_before_a_step() -> None:
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    model, x, y = _network(keras.optimizers.SGD(schedule))
    with pytest.raises(ValueError, match="whose learning_rate is a number, got ExponentialDecay"):
        model.fit(x, y, verbose=0, callbacks=[callbacks.LearningRateFinder()])
    assert int(model.optimizer.iterations) == 0


def test_diagnosis_changes_nothing_and_keeps_reports() -> None:
    (model, x, y), (other, _, _) = _network(), _network()
    seen = callbacks.Diagnosis(every=2)
    for m, extra in ((model, [seen]), (other, [])):
        keras.utils.set_random_seed(7)
        m.fit(x, y, epochs=5, verbose=0, validation_split=0.2, callbacks=extra)
    assert _equal(model, other)
    assert list(seen.reports) == [0, 2, 4, 5] and seen.report is seen.reports[5]
    assert seen.report.ok and seen.reports[0].measured.loss > seen.report.measured.loss


def test_diagnosis_knows_of_fit_what_the_data_do_not_say() -> None:
    model, x, y = _network(keras.optimizers.SGD(0.1))
    order = np.argsort(y, kind="stable")
    seen = callbacks.Diagnosis()
    model.fit(x[order], y[order], epochs=4, shuffle=False, verbose=0, callbacks=[seen])
    assert [f.kind for f in seen.reports[0].findings] == ["sorted_data"]
    model, x, y = _network()
    leak = (x[:50], y[:50])
    model.fit(x, y, epochs=2, validation_data=leak, verbose=0, callbacks=[seen])
    assert [f.kind for f in seen.report.findings] == ["leaking_validation_data"]


def test_diagnosis_judges_the_curves_of_its_fit(capsys: pytest.CaptureFixture[str]) -> None:
    keras.utils.set_random_seed(0)
    x, y = made_data.blobs(np.random.default_rng(0), 224, features=20, classes=2, noise=0.2)
    model = keras.Sequential([L.Dense(256, activation="relu"), L.Dense(1, activation="sigmoid")])
    model.compile(optimizer=keras.optimizers.Adam(5e-3), loss="binary_crossentropy")
    seen = callbacks.Diagnosis(verbose=1)
    held = (x[96:], y[96:])
    model.fit(x[:96], y[:96], epochs=40, validation_data=held, verbose=0, callbacks=[seen])
    assert [f.kind for f in seen.report.findings] == ["overfitting"]
    said = capsys.readouterr().out
    assert said.count("Diagnosis after 40 epochs: OVERFITTING") == 1


def test_diagnosis_takes_the_first_batch_of_a_generator() -> None:
    model, x, y = _network()

    def batches() -> Any:
        while True:
            yield 1000 * x[:32], y[:32]

    seen = callbacks.Diagnosis()
    model.fit(batches(), steps_per_epoch=4, epochs=2, verbose=0, callbacks=[seen])
    assert seen.reports[0].measured.rows == 32
    assert [f.kind for f in seen.reports[0].findings] == ["unscaled_inputs"]


@pytest.mark.parametrize("name", ["every", "batches"])
def test_arguments_of_diagnosis(name: str) -> None:
    with pytest.raises(ValueError, match=f"Diagnosis: expected {name} to be 1 or more, got 0"):
        callbacks.Diagnosis(**{name: 0})
