"""The examples that use gradients for more than training run, and reach what they promise."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as keras
from chainrule.examples import adversarial, distillation
from tests.example_runs import DRAWN, needs

needs_mnist = needs("mnist.npz")


@needs_mnist
def test_a_student_learns_more_from_a_teacher(tmp_path, capsys):
    right = distillation.main(["--quick", "--out", str(tmp_path)])
    out = capsys.readouterr().out
    assert right["teacher"] > 0.85
    assert right["distilled"] > right["student alone"] + 0.03
    assert "34,826 weights" in out and out.count("12,730 weights") == 2
    assert (tmp_path / "distillation.png").exists() == DRAWN


@needs_mnist
def test_a_hardened_network_is_harder_to_fool(tmp_path, capsys):
    found = adversarial.main(["--quick", "--out", str(tmp_path)])
    clean, fast, steps = found["ordinary"]
    assert clean > 0.85 and fast < clean - 0.3 and steps < fast
    assert found["hardened"][2] > steps + 0.2
    assert f"under PGD within 0.15: {steps:.1%} right" in capsys.readouterr().out
    assert (tmp_path / "adversarial.png").exists() == DRAWN


@pytest.mark.parametrize("attack", [adversarial.fgsm, adversarial.pgd])
def test_attacks_stay_near_and_raise_the_loss(attack):
    rng = np.random.default_rng(0)
    x, y = rng.random((8, 28, 28, 1), "float32"), rng.integers(0, 10, 8)
    loss = adversarial.loss_of(adversarial.network(keras.Sequential, 0))
    changed = np.asarray(attack(keras.grad(loss), x, y))
    assert np.abs(changed - x).max() <= adversarial.EPSILON + 1e-6
    assert changed.min() >= 0 and changed.max() <= 1
    assert float(loss(changed, y)) > float(loss(x, y)) + 0.1
