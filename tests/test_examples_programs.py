"""The programs with steps of their own: they run, and reach what their baselines do not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import chainrule as keras
from chainrule import ops
from chainrule.examples import (
    contrastive,
    diffusion,
    gan,
    maml,
    policy_gradient,
    siamese,
    vae,
    wgan_gp,
)
from tests.example_runs import DRAWN

RNG = np.random.default_rng(0)


@pytest.fixture
def run(tmp_path: Any, capsys: Any) -> Callable[[Any], Any]:
    """Runs a program's `main` quickly; it ends with a line of its name and draws a picture of it."""

    def running(program: Any) -> Any:
        result = program.main(["--quick", "--out", str(tmp_path)])
        name = program.__name__.rpartition(".")[2]
        assert capsys.readouterr().out.splitlines()[-1].startswith(f"{name}: ")
        assert (tmp_path / f"{name}.png").exists() == DRAWN
        return result

    return running


def differences(f: Callable[..., Any], arrays: Sequence[Any], step: float = 1e-5) -> float:
    """(f(x + step d) - f(x - step d)) / (2 step) and the gradient along d, as their relative distance."""
    directions = [RNG.standard_normal(a.shape) for a in arrays]
    sides = [
        float(f([a + sign * step * d for a, d in zip(arrays, directions)])) for sign in (1, -1)
    ]
    gradients = keras.grad(f)(list(arrays))
    slope = sum(float((g * d).sum()) for g, d in zip(gradients, directions))
    assert abs(slope) > 1e-3
    return abs((sides[0] - sides[1]) / (2 * step) / slope - 1)


def test_vae(run: Any) -> None:
    result = run(vae)
    assert result.bound < result.independent - 1


def test_gan(run: Any) -> None:
    result = run(gan)
    assert result.before < 1.5 and result.after > 3 and result.real > 6


def test_policy_gradient(run: Any) -> None:
    result = run(policy_gradient)
    assert result.after > 2.5 * result.before


def test_a_cart_obeys_the_equations_of_motion() -> None:
    """Forces on the whole along the rail, and torques on the rod of inertia 4/3 m l^2 around its hinge."""
    p = policy_gradient
    states = RNG.uniform(-1, 1, (20, 4))
    actions = RNG.integers(0, 2, 20)
    slopes = (p.moved(states, actions) - states) / p.STEP
    _, _, angle, turning = states.T
    place, push, turned, twist = slopes.T
    np.testing.assert_allclose(place, states[:, 1], rtol=1e-9)
    np.testing.assert_allclose(turned, turning, rtol=1e-9)
    swing = twist * np.cos(angle) - turning**2 * np.sin(angle)
    force = (p.CART + p.POLE) * push + p.POLE * p.HALF_LENGTH * swing
    np.testing.assert_allclose(force, np.where(actions, p.FORCE, -p.FORCE), rtol=1e-9)
    torque = p.HALF_LENGTH * 4 / 3 * twist + push * np.cos(angle)
    np.testing.assert_allclose(torque, p.GRAVITY * np.sin(angle), rtol=1e-8, atol=1e-9)


def test_returns_are_discounted_sums() -> None:
    alive = np.array([[1, 1], [1, 0], [1, 0]], "float32")
    found = policy_gradient.Episodes(np.zeros((3, 2, 4)), alive, alive).returns()
    g = policy_gradient.DISCOUNT
    np.testing.assert_allclose(found, [[1 + g + g * g, 1], [1 + g, 0], [1, 0]], rtol=1e-6)


def test_diffusion(run: Any) -> None:
    result = run(diffusion)
    assert result.loss < 0.35 and result.score > 2.5


def test_noise_that_is_known_gives_the_scan_back() -> None:
    """The last step of a network that predicts the noise exactly ends at the scan."""
    model = diffusion.Diffusion(8, 8)
    scan, noise = RNG.uniform(-1, 1, (1, 8, 8, 1)), RNG.standard_normal((1, 8, 8, 1))
    scan, noise = scan.astype("float32"), noise.astype("float32")
    model.predicted = lambda images, t: noise
    kept = float(model.kept[0])
    mixed = np.sqrt(kept) * scan + np.sqrt(1 - kept) * noise
    found = model.less_noisy(mixed, np.zeros(1, "int32"), kept, 1.0, noise)
    np.testing.assert_allclose(found, scan, atol=1e-4)
    assert (np.diff(model.kept) < 0).all() and model.kept[0] > 0.99 and model.kept[-1] < 1e-4


def test_wgan_gp(run: Any) -> None:
    result = run(wgan_gp)
    assert result.after < result.before / 2 and 0.7 < result.slope < 1.4


def test_the_distance_of_shifted_points() -> None:
    """Shadows of points that are all shifted by d move by |d cos(angle)|, 2 |d| / pi in the mean."""
    points = RNG.standard_normal((50, 2))
    found = wgan_gp.sliced_distance(points, points + [0.0, 3.0])
    assert found == pytest.approx(6 / np.pi, rel=1e-3)


def test_the_penalty_is_differentiated_through_the_slope() -> None:
    """f(x) = w . x has the slope |w|, so d/dw (|w| - 1)^2 = 2 (|w| - 1) w / |w|."""
    model = wgan_gp.WGAN(8, penalty=3.0)
    model.critic = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, use_bias=False)])
    w = np.array([[3.0], [4.0]], "float32")
    model.critic.set_weights([w])
    points = RNG.standard_normal((5, 2)).astype("float32")

    def penalty(_: Any) -> Any:
        return model.critic_losses(points, points, np.full((5, 1), 0.5, "float32"))[0]

    value, (gradient,) = keras.value_and_grad(penalty)(model.critic.trainable_variables)
    assert float(value) == pytest.approx(3 * 16, rel=1e-5)
    np.testing.assert_allclose(gradient, 3 * 2 * 4 * w / 5, rtol=1e-5)


def test_maml(run: Any) -> None:
    result = run(maml)
    assert result.maml < 0.6 * result.pretrained
    assert result.maml < 0.8 * result.maml_untouched


def test_the_outer_gradient_flows_through_the_inner_step() -> None:
    model = maml.Learner(1)
    weights = [w.numpy().astype("float64") for w in model.trainable_variables]
    seen, held_back = RNG.uniform(-1, 1, (2, 3, 5, 2))

    def loss(given: Any) -> Any:
        return model.meta_loss(given, seen, held_back)

    assert differences(loss, weights) < 1e-5


def test_contrastive(run: Any) -> None:
    result = run(contrastive)
    assert result.learnt > result.random + 0.04 and result.learnt > result.pixels


def test_the_contrastive_loss_in_numpy() -> None:
    first, second = RNG.standard_normal((2, 4, 3))
    z = np.concatenate([first, second])
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    likeness = np.exp(z @ z.T / contrastive.TEMPERATURE)
    losses = [
        -np.log(likeness[i, (i + 4) % 8] / (likeness[i].sum() - likeness[i, i])) for i in range(8)
    ]
    loss, _ = contrastive.matching_loss(first, second)
    assert float(loss) == pytest.approx(np.mean(losses), rel=1e-6)
    _, matched = contrastive.matching_loss(first, first)
    assert float(matched) == 1
    assert differences(lambda a: contrastive.matching_loss(*a)[0], [first, second]) < 1e-6


def test_siamese(run: Any) -> None:
    result = run(siamese)
    assert result.learnt > result.random + 0.02 and result.learnt > result.pixels


def test_the_triplet_loss() -> None:
    anchor, same, other = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]]), np.array([[-1.0, 0.0]])
    assert siamese.triplet_losses(anchor, same, other).tolist() == [0.0]
    assert siamese.triplet_losses(anchor, other, same).tolist() == [2.0 + siamese.MARGIN]
    points = [RNG.standard_normal((6, 3)) for _ in range(3)]
    assert differences(lambda p: ops.sum(siamese.triplet_losses(*p)), points) < 1e-6
