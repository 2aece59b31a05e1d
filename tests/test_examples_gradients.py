"""The examples that use gradients for more than training run, and reach what they promise."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as keras
from chainrule.examples import adversarial, distillation, grad_cam
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


@needs_mnist
def test_the_heat_shows_where_the_network_looks(tmp_path, capsys):
    right = grad_cam.main(["--quick", "--out", str(tmp_path)])
    out = capsys.readouterr().out
    assert right["whole"] > 0.85
    assert right["hottest blanked"] < right["coldest blanked"] - 0.08
    assert f"hottest blanked {right['hottest blanked']:.1%}" in out
    assert (tmp_path / "grad_cam.png").exists() == DRAWN


def test_heat_is_the_maps_weighted_by_their_mean_gradients():
    keras.utils.set_random_seed(0)
    body, head, _ = grad_cam.build_model(1)
    x = np.random.default_rng(0).random((3, 28, 28, 1), "float32")
    kernel = head.get_weights()[0]
    # Below a mean over 14x14 places, ds/dA_k is the weight of map k by 1/196 everywhere.
    small = np.maximum(body.predict(x, verbose=0) @ kernel[:, [7]] / 196, 0)
    expected = np.asarray(keras.ops.image.resize(small, (28, 28), "bilinear"))[..., 0]
    expected /= expected.max(axis=(1, 2), keepdims=True)
    heat = grad_cam.grad_cam(body, head, x, np.array([7, 7, 7]))
    np.testing.assert_allclose(heat, expected, atol=1e-5)


def test_squares_are_blanked_on_the_digit():
    x = np.zeros((1, 28, 28, 1), "float32")
    x[0, 10:20, 14] = 1
    heat = np.linspace(0, 1, 28 * 28).reshape(1, 28, 28)
    assert grad_cam.places_of(heat, x, hottest=True).tolist() == [[19, 14]]
    cold = grad_cam.places_of(heat, x, hottest=False)
    assert cold.tolist() == [[10, 14]]
    assert grad_cam.blanked(x, cold)[0, :, 14, 0].sum() == 5 and x.sum() == 10
