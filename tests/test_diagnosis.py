"""`model.diagnose`: numbers against NumPy, nothing changed, findings, remedies and reports."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as keras
from chainrule.diagnosis import KINDS, DiagnosisReport
from chainrule.diagnosis.finding import EXPLAINS
from tests import made_data
from tests.diagnosis_tables import examine, is_sound
from tests.sick_networks import SICK
from tests.sound_networks import SOUND

L = keras.layers


def _tanh_network() -> tuple[Any, Any, Any]:
    keras.utils.set_random_seed(3)
    x, y = made_data.waves(np.random.default_rng(3), 64)
    model = keras.Sequential([L.Dense(8, activation="tanh"), L.Dense(6, activation="relu"), L.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse")
    model.build((None, 4))
    return model, x, y


def test_the_numbers_are_those_of_numpy() -> None:
    model, x, y = _tanh_network()
    (w1, b1), (w2, b2), (w3, b3) = (
        [v.numpy().astype("float64") for v in layer.weights] for layer in model.layers
    )
    report = model.diagnose(x, y, batch_size=64, batches=1)
    a = np.tanh(x @ w1 + b1)
    z = a @ w2 + b2
    h = np.maximum(z, 0)
    out = h @ w3 + b3
    dout = 2 * (out - y[:, None]) / len(x)
    dh = dout @ w3.T
    da = (dh * (z > 0)) @ w2.T
    first, second = report.measured.activations
    assert first.activation == "tanh" and second.activation == "relu"
    assert (first.depth, second.depth) == (1, 2) and not second.is_output
    np.testing.assert_allclose([first.mean, first.deviation], [a.mean(), a.std()], rtol=1e-4)
    np.testing.assert_allclose(first.saturated, (np.abs(a) > 0.98).mean(), atol=1e-6)
    np.testing.assert_allclose(second.zeros, (h == 0).mean(), atol=1e-6)
    assert second.dead == int((h.max(axis=0) == 0).sum()) and second.units == 6
    np.testing.assert_allclose(first.gradient_norm, np.linalg.norm(da), rtol=1e-4)
    np.testing.assert_allclose(second.gradient_norm, np.linalg.norm(dh), rtol=1e-4)
    dw3 = h.T @ dout
    kernel = report.measured.weights[4]
    assert kernel.weight == "kernel" and kernel.shape == (6, 1)
    np.testing.assert_allclose(kernel.gradient_norm, np.linalg.norm(dw3), rtol=1e-4)
    np.testing.assert_allclose(kernel.norm, np.linalg.norm(w3), rtol=1e-5)
    ratio = 0.1 * np.linalg.norm(dw3) / np.linalg.norm(w3)
    np.testing.assert_allclose(kernel.update_ratio, ratio, rtol=1e-4)
    assert all(w.untouched for w in report.measured.weights if w.weight == "kernel")
    np.testing.assert_allclose(report.baseline, y.var(), rtol=1e-4)


def test_the_loss_after_the_step_is_that_of_the_step() -> None:
    model, x, y = _tanh_network()
    report = model.diagnose(x, y, batch_size=64, batches=1)
    before = model.evaluate(x, y, batch_size=64, verbose=0)
    model.fit(x, y, batch_size=64, verbose=0)
    after = model.evaluate(x, y, batch_size=64, verbose=0)
    found = [report.measured.loss, report.measured.loss_after]
    np.testing.assert_allclose(found, [before, after], rtol=1e-5)
    assert report.measured.descent == pytest.approx(before - after, rel=0.5)


def _state(model: Any) -> list[Any]:
    return [v.numpy().copy() for v in (*model.variables, *model.optimizer.variables)]


def test_nothing_changes() -> None:
    def made() -> tuple[Any, Any, Any]:
        keras.utils.set_random_seed(0)
        x, y = made_data.digits(np.random.default_rng(0), 128)
        layers = [L.Conv2D(8, 3), L.BatchNormalization(), L.ReLU(), L.Dropout(0.5), L.Flatten()]
        model = keras.Sequential([*layers, L.Dense(10, activation="softmax")])
        model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(x, y, verbose=0)
        return model, x, y

    (model, x, y), (other, _, _) = made(), made()
    before = _state(model)
    model.diagnose(x, y, validation_data=(x[:10], y[:10]))
    assert all(np.array_equal(a, b) for a, b in zip(before, _state(model), strict=True))
    for m in (model, other):
        keras.utils.set_random_seed(1)
        m.fit(x, y, epochs=2, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(_state(model), _state(other), strict=True))


def test_the_same_masks_of_dropout_before_and_after_the_step() -> None:
    keras.utils.set_random_seed(0)
    x, y = made_data.waves(np.random.default_rng(0), 64)
    model = keras.Sequential([L.Dense(16, activation="relu"), L.Dropout(0.5), L.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(0.0), loss="mse")
    measured = model.diagnose(x, y).measured
    assert measured.loss_after == measured.loss


def test_gradients_over_time() -> None:
    keras.utils.set_random_seed(0)
    x, y = made_data.first_step(np.random.default_rng(0), 64, steps=12)
    for layer in (
        L.SimpleRNN(8),
        L.RNN(L.SimpleRNNCell(8, activation="softsign")),
        L.GRU(8),
        L.Bidirectional(L.LSTM(8)),
    ):
        model = keras.Sequential([layer, L.Dense(1, activation="sigmoid")])
        model.compile(optimizer="adam", loss="binary_crossentropy")
        for times in model.diagnose(x, y).measured.recurrences:
            assert times.gradient_norms.shape == times.state_norms.shape == (12,)
            early, late = times.gradient_norms[:: -1 if times.reverse else 1][[0, -1]]
            assert 0 < early < late


def test_names_of_nested_and_subclassed_models() -> None:
    class Block(L.Layer):
        def __init__(self) -> None:
            super().__init__(name="block")
            self.inner = L.Dense(8, activation="tanh", name="inner")

        def call(self, x: Any) -> Any:
            return keras.ops.relu(self.inner(x)) + x

    class Net(keras.Model):
        def __init__(self) -> None:
            super().__init__(name="net")
            layers = [L.Dense(8, name="first"), L.LeakyReLU(name="leaky")]
            self.body = keras.Sequential(layers, name="body")
            self.block = Block()
            self.last = L.Dense(1, name="last")

        def call(self, x: Any) -> Any:
            return self.last(self.block(self.body(x)))

    x, y = made_data.waves(np.random.default_rng(0), 64)
    model = Net()
    model.compile(optimizer="adam", loss="mse")
    found = [(a.layer, a.activation) for a in model.diagnose(x, y).measured.activations]
    assert found == [
        ("net/body/leaky", "leaky_relu"),
        ("net/block/inner", "tanh"),
        ("net/block", "relu"),
    ]


class _Stack(keras.Model):
    """Sigmoids on sigmoids, in a list."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = [L.Dense(24, activation="sigmoid") for _ in range(7)]
        self.last = L.Dense(1)

    def call(self, x: Any) -> Any:
        for block in self.blocks:
            x = block(x)
        return self.last(x)


def _nested() -> Any:
    def part() -> Any:
        inside = keras.Input((24,))
        x = inside
        for _ in range(3):
            x = L.Activation("sigmoid")(L.Dense(24)(x))
        return keras.Model(inside, x)

    return keras.Sequential([L.Dense(24, activation="sigmoid"), part(), part(), L.Dense(1)])


@pytest.mark.parametrize("make", [_Stack, _nested])
def test_remedies_reach_layers_wherever_they_are(make: Any) -> None:
    keras.utils.set_random_seed(0)
    x, y = made_data.waves(np.random.default_rng(0), 256)
    model = make()
    model.compile(optimizer="adam", loss="mse")
    (found,) = model.diagnose(x, y).findings
    assert found.kind == "vanishing_gradients"
    space = {"keras": keras, "np": np, "model": model, "x": x, "y": y}
    exec(found.remedy, space)
    assert space["model"].diagnose(x, y).ok


class _Small(keras.Model):
    """Two layers, subclassed."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = L.Dense(32, activation="relu"), L.Dense(1)

    def call(self, x: Any) -> Any:
        return self.last(self.first(x))


def test_a_remedy_makes_a_subclassed_model_anew() -> None:
    keras.utils.set_random_seed(0)
    x, y = made_data.waves(np.random.default_rng(0), 256)
    model = _Small()
    model.compile(optimizer=keras.optimizers.SGD(5.0), loss="mse")
    model.fit(x, y, epochs=2, verbose=0)
    (found,) = model.diagnose(x, y).findings
    assert found.kind == "rate_too_high"
    space = {"keras": keras, "np": np, "model": model, "x": x, "y": y}
    exec(found.remedy, space)
    new = space["model"]
    assert type(new) is _Small and new is not model
    assert float(new.optimizer.learning_rate) == pytest.approx(0.01)
    assert new.fit(x, y, epochs=5, verbose=0).history["loss"][-1] < y.var()


def test_nan_in_the_data_is_found_and_the_rest_measured() -> None:
    model, x, y = _tanh_network()
    x[5, 1] = np.nan
    report = model.diagnose(x, y)
    assert [f.kind for f in report.findings] == ["not_finite_data"]
    assert report.findings[0].number == 1 and np.isfinite(report.measured.loss)


def test_targets_that_fit_refuses_are_a_finding() -> None:
    model = keras.Sequential([L.Dense(8, activation="relu"), L.Dense(3, activation="softmax")])
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    x = np.ones((64, 4), "float32")
    report = model.diagnose(x, np.full(64, 3))
    assert [f.kind for f in report.findings] == ["unfit_targets"]
    assert "expected labels in [0, 3), got 3 in row 0" in report.findings[0].what


def test_a_constant_column_and_a_rare_class() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(512, 4)).astype("float32")
    y = (x[:, 0] > 2).astype("int32")
    x[:, 2] = 1.5
    model = keras.Sequential([L.Dense(16, activation="relu"), L.Dense(1, activation="sigmoid")])
    model.compile(optimizer="adam", loss="binary_crossentropy")
    assert [f.kind for f in model.diagnose(x, y).findings] == ["constant_features", "class_imbalance"]


@pytest.mark.parametrize("rate", [1e-5, 3e-6])
def test_a_loss_that_begins_high_and_falls_slowly_is_of_a_low_rate(rate: float) -> None:
    keras.utils.set_random_seed(1)
    rng = np.random.default_rng(77)
    y = rng.integers(0, 4, 500)
    x = (rng.normal(size=(4, 20))[y] * 2 + rng.normal(size=(500, 20))).astype("float32")
    layers = [L.Dense(64, activation="relu"), L.Dense(64, activation="relu")]
    model = keras.Sequential([*layers, L.Dense(4, activation="softmax")])
    model.build((None, 20))
    # Far from a constant output's loss from the beginning.
    kernel, bias = model.layers[-1].get_weights()
    model.layers[-1].set_weights([3 * kernel, bias])
    model.compile(keras.optimizers.SGD(rate), "sparse_categorical_crossentropy")
    losses = model.fit(x, y, epochs=8, verbose=0).history["loss"]
    assert losses[-1] > 1.5 * np.log(4)
    assert [f.kind for f in model.diagnose(x, y).findings] == ["rate_too_low"]


def test_reports_print_and_show_as_tables() -> None:
    model, x, y = _tanh_network()
    report = model.diagnose(x * 1000, y)
    assert isinstance(report, DiagnosisReport) and not report.ok
    text = str(report)
    assert "UNSCALED INPUTS" in text and "remedy:" in text and "LeCun" in text
    assert report._repr_html_().count("<table>") == 2 and "unscaled inputs" in report._repr_html_()
    assert all(len(line) < 1000 for line in text.splitlines())


def test_the_picture_has_a_ridge_for_each_activation(tmp_path: Any) -> None:
    pytest.importorskip("matplotlib")
    model, x, y = _tanh_network()
    figure = model.diagnose(x, y).plot(tmp_path / "ridges.png")
    assert (tmp_path / "ridges.png").stat().st_size > 10_000
    left, right = figure.axes
    assert len(left.get_yticklabels()) == 2
    assert len(left.collections) == len(right.collections) == 2


@pytest.mark.parametrize("name", ["batches", "batch_size"])
def test_bad_counts_are_refused(name: str) -> None:
    model, x, y = _tanh_network()
    with pytest.raises(ValueError, match=f"diagnose: expected {name} to be 1 or more, got 0"):
        model.diagnose(x, y, **{name: 0})


def test_a_model_that_is_not_compiled_and_a_wrong_history_are_refused() -> None:
    with pytest.raises(keras.errors.NotCompiledError, match="diagnose"):
        keras.Sequential([L.Dense(1)]).diagnose(np.ones((4, 2)), np.ones(4))
    model, x, y = _tanh_network()
    with pytest.raises(TypeError, match="diagnose: expected history to be"):
        model.diagnose(x, y, history=3)


def test_kinds_are_named_once() -> None:
    assert len(set(KINDS)) == len(KINDS)
    assert {*EXPLAINS, *(e for effects in EXPLAINS.values() for e in effects)} <= set(KINDS)
    assert {case.kind for case in SICK} <= set(KINDS)


@pytest.mark.parametrize("number", [0, 3, 4, 9, 11, 13, 15, 16, 19, 21, 23])
def test_sick_networks_are_named_and_cured(number: int) -> None:
    verdict = examine(SICK[number], 0)
    assert verdict.ok, (verdict.kinds, verdict.sick, verdict.cured)


@pytest.mark.parametrize("number", range(0, len(SOUND), 2))
def test_nothing_is_said_of_sound_networks(number: int) -> None:
    assert is_sound(SOUND[number], 1) == ([], [])
