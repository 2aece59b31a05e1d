"""The tour computes what its chapters say, and the table of topics names what is there."""

from __future__ import annotations

import importlib.util
import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule import ops
from chainrule.examples import tour
from chainrule.examples.tour import (
    activations,
    both_ways,
    cures,
    descent,
    examples,
    losses,
    neuron,
    stacks,
)
from chainrule.examples.tour.page import scans
from tests.example_runs import DRAWN

README = Path(__file__).resolve().parents[1] / "README.md"
TESTS = Path(__file__).resolve().parent


def run(chapter: str, folder: Path, *options: str) -> dict[str, float]:
    """The figures of one chapter; its picture must be there where it can be drawn."""
    figures = tour.main([chapter, "--out", str(folder), *options])[chapter]
    place = tour.CHAPTERS.index(chapter) + 1
    assert (folder / f"tour_{place}_{chapter}.png").exists() == DRAWN
    return figures


def test_all_chapters_are_listed_and_run(tmp_path, capsys):
    found = tour.main(["--quick", "--out", str(tmp_path)])
    out = capsys.readouterr().out
    assert list(found) == list(tour.CHAPTERS)
    assert len(list(tmp_path.glob("tour_*.png"))) == (8 if DRAWN else 0)
    for place, name in enumerate(tour.CHAPTERS, 1):
        title = getattr(tour, name).TITLE
        assert f"{place}  {name}" in out and f"\n{place}. {title}\n" in out
        assert f"\ntour {name}: " in out
    assert "tour: 8 chapters; " in out


def test_a_chapter_has_a_number_and_a_name(capsys, tmp_path):
    assert list(tour.main(["8", "--out", str(tmp_path)])) == ["examples"]
    for wrong in ("9", "0", "neurons", "-1"):
        with pytest.raises(SystemExit) as stopped:
            tour.main(["--out", str(tmp_path), "--", wrong])
        assert stopped.value.code == 2
        message = capsys.readouterr().err
        assert "a number from 1 to 8 or one of neuron, losses, descent" in message
        assert repr(wrong) in message


def test_numbers_of_the_small_network_are_numpys(tmp_path, capsys):
    figures = run("neuron", tmp_path)
    out = capsys.readouterr().out
    assert figures["difference"] < 1e-14
    assert figures["loss after a step"] < figures["loss"] - 0.03
    for line in (
        "dL/dw1 = dL/da * da/dz * dz/dw1\n",
        "dL/dW12 = dL/da * da/ds * ds/dh2 * dh2/dz2 * dz2/dW12\n",
        "dL/dx1 = dL/da * da/ds * ds/dh1 * dh1/dz1 * dz1/dx1 + dL/da * da/ds * ds/dh2",
        "dL/dW22  -0.039734870616754",
        "agree to",
    ):
        assert line in out


@pytest.mark.parametrize("table", ["neuron", "network"])
def test_numbers_of_the_small_network_follow_from_differences(table):
    given = getattr(neuron, table.upper())
    values = {name: np.array(value, "float64") for name, value in given.items()}
    by_hand = getattr(neuron, f"{table}_in_numpy")
    found = by_hand(**values)
    for name, value in values.items():
        slopes = found.get(f"dL/d{name}")
        assert (slopes is None) == (name == "y")
        for place in np.ndindex(value.shape) if slopes is not None else ():
            ends = []
            for nudge in (1e-6, -1e-6):
                moved = value.copy()
                moved[place] += nudge
                ends.append(float(by_hand(**{**values, name: moved})["L"]))
            assert slopes[place] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-7)


def test_a_wrong_slope_ends_the_tour(monkeypatch, tmp_path):
    monkeypatch.setattr(neuron.ops, "sigmoid", ops.hard_sigmoid)
    with pytest.raises(ArithmeticError, match=r"^a: chainrule computes 0\.68\d*, NumPy 0\.75\d*$"):
        run("neuron", tmp_path)


def test_the_tour_ends_with_a_status(tmp_path):
    program = (
        "from chainrule.examples.tour import both_ways, main\n{}main(['neuron', '--out', {!r}])"
    )
    strict = "both_ways.TOLERANCE = -1.0\n"
    for change, status in (("", 0), (strict, 1)):
        command = [sys.executable, "-c", program.format(change, str(tmp_path))]
        ended = subprocess.run(command, check=False, capture_output=True, text=True)
        assert ended.returncode == status, ended.stderr
        assert ("ArithmeticError: z: chainrule computes" in ended.stderr) == bool(status)


def test_two_ways_must_name_and_shape_the_same():
    with pytest.raises(ValueError, match=r"the same names, got \['a'\] and \['b'\]"):
        both_ways.side_by_side({"a": 1.0}, {"b": 1.0})
    with pytest.raises(ValueError, match=r"a: expected shape \(1,\) as NumPy's, got \(2,\)"):
        both_ways.side_by_side({"a": [1.0, 2.0]}, {"a": [1.0]})
    with pytest.raises(ArithmeticError, match="a2: chainrule computes nan"):
        both_ways.side_by_side({"a": [1.0, math.nan]}, {"a": [1.0, 2.0]})


def test_cross_entropy_learns_where_squared_error_does_not(tmp_path):
    figures = run("losses", tmp_path)
    assert figures["cross-entropy"] > 0.98
    assert figures["MSE"] < 0.6


def test_the_losses_of_the_chapter_are_those_of_the_library():
    rng = np.random.default_rng(0)
    y, z = rng.integers(0, 2, 50).astype("float32"), rng.normal(0, 3, 50).astype("float32")
    squared = cr.losses.MeanSquaredError()(y, ops.sigmoid(z))
    crossed = cr.losses.BinaryCrossentropy(from_logits=True)(y, z)
    assert np.mean(losses.squared_error(y, z)) == pytest.approx(float(squared), rel=1e-5)
    assert np.mean(losses.cross_entropy(y, z)) == pytest.approx(float(crossed), rel=1e-5)


def test_every_method_descends(tmp_path, capsys):
    figures = run("descent", tmp_path)
    assert figures["Adam"] < figures["batch"] / 10
    assert max(figures["stochastic"], figures["mini-batch"]) < 0.01 < figures["batch"] < 0.1
    assert figures["right"] > 0.96
    out = capsys.readouterr().out
    for name, steps in (
        ("stochastic", 28840),
        ("mini-batch", 2700),
        ("batch", 400),
        ("Adam", 2700),
    ):
        assert re.search(rf"^{name} +{steps} +\d+ ", out, re.MULTILINE)


def test_steps_read_every_scan_once_in_a_pass():
    rows = descent.rows_of(100, 32, 3, 0).reshape(3, 96)
    assert all(len(set(one)) == 96 for one in rows) and (rows[0] != rows[1]).any()
    assert descent.looks(2700)[0] == 1 and descent.looks(2700)[-1] == 2700


def test_gradients_vanish_in_sigmoids_alone(tmp_path, monkeypatch):
    figures = run("activations", tmp_path)
    assert 0.2 < figures["sigmoid, Glorot"] < 0.3
    assert all(0.9 < value < 1.1 for name, value in figures.items() if "sigmoid" not in name)
    monkeypatch.setitem(activations.SLOPES, "tanh", lambda z: 1 / np.cosh(z))
    with pytest.raises(ArithmeticError, match=r"^tanh'\(1\): chainrule computes 0?.*0\.41"):
        activations.derivative("tanh", np.array([0.0, 1.0]))


def test_the_model_and_the_function_of_kernels_are_the_same_network():
    x, _ = stacks.batch(64)
    rule = activations.STACKS["tanh, Glorot"][1]
    model = stacks.network(5, "tanh", rule, 3)
    kernels = stacks.kernels_of(5, rule, 3)
    given = stacks.activations_of(kernels, ops.tanh, x)
    np.testing.assert_allclose(model(x), given[-1], rtol=1e-5, atol=1e-6)
    norms = stacks.gradient_norms(kernels, ops.tanh)
    np.testing.assert_allclose(cures.deep_norms(model), norms, rtol=1e-4)
    assert not np.array_equal(kernels[0], kernels[1])


def test_each_cure_cures(tmp_path):
    right = run("cures", tmp_path)
    assert right["sigmoid"] < 0.15 and right["large weights"] < 0.15
    assert min(right[n] for n in ("ReLU", "sigmoid, batch norm.", "large weights, clipped")) > 0.7
    assert max(right["gain 0.7"], right["gain 1.4"]) < 0.6
    assert min(right[n] for n in ("gain 1.4, clipped", "LSTM, open gates")) > 0.98


def test_what_keeps_a_network_from_learning_by_heart(tmp_path):
    loss = run("fitting", tmp_path)
    assert loss["too small"] > 1
    for cure in ("augmentation", "L1", "L2", "dropout"):
        assert loss[cure] < 0.9 * loss["large"], cure
    assert loss["augmentation"] < 0.6 * loss["large"]
    assert loss["L1 near zero"] > 0.6


def test_weights_of_xavier_and_he_let_networks_learn(tmp_path, capsys):
    loss = run("weights", tmp_path)
    chance = math.log(10)
    for function in ("tanh", "ReLU"):
        for rule in ("zeros", "small random"):
            assert loss[f"{function}, {rule}"] == pytest.approx(chance, abs=0.01)
        for rule in ("Xavier", "He"):
            assert loss[f"{function}, {rule}"] < 0.1
    assert loss["ReLU, He"] < loss["ReLU, Xavier"]
    out = capsys.readouterr().out
    for function in ("tanh", "ReLU"):
        assert re.search(rf"^{function}, zeros .* 0\.0e\+00$", out, re.MULTILINE)


def test_the_last_chapter_lists_what_is_there(tmp_path, capsys):
    figures = run("examples", tmp_path)
    out = capsys.readouterr().out
    folder = Path(examples.examples.__path__[0])
    names = {p.stem for p in folder.glob("*.py") if not p.stem.startswith("_")}
    found = {example.name: example for example in examples.all_examples()}
    assert set(found) == names and sum(figures.values()) == len(names)
    for name, example in found.items():
        assert example.says and f"python -m chainrule.examples.{name} " in out
    for subject, name in (
        ("speech", "speech_ctc"),
        ("language", "translate"),
        ("language", "names_rnn"),
        ("images", "mnist_convnet"),
    ):
        assert found[name].subject == subject
    assert found["names_rnn"].layers >= {"SimpleRNN", "LSTM", "Embedding"}


def test_scans_are_rows_from_zero_to_one():
    (x, y), (x_test, y_test) = scans()
    assert x.shape == (1442, 64) and x_test.shape == (355, 64) and x.dtype == np.float32
    assert x.min() == 0 and x.max() == 1 and set(y) == set(y_test) == set(range(10))


def topics() -> list[list[str]]:
    """The cells of README's table of topics."""
    text = README.read_text(encoding="utf-8")
    part = text.split("## The textbook, run\n")[1].split("\n## ")[0]
    rows = [line for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


@pytest.mark.skipif(not README.exists(), reason="no README.md beside the tests")
def test_every_name_in_the_table_of_topics_is_there():
    rows = topics()
    assert len(rows) >= 20
    for topic, parts, shown, tested in rows:
        assert topic
        for cell in (parts, shown, tested):
            assert "`" in cell, (topic, cell)
        for name in re.findall(r"`([^`]+)`", parts):
            value: object = cr
            for attribute in name.split("."):
                value = getattr(value, attribute)
            assert callable(value), name
        for name in re.findall(r"`([^`]+)`", shown):
            if name.startswith("tour "):
                assert name.removeprefix("tour ") in tour.CHAPTERS, name
            else:
                assert importlib.util.find_spec(f"chainrule.examples.{name}"), name
        for name in re.findall(r"`([^`]+)`", tested):
            assert (TESTS / f"{name}.py").exists(), name
