"""What augmentation layers draw: ranges, probabilities, independence, seeds, and only in training."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule
from chainrule import layers, models
from chainrule.tracing.stateless import StatelessScope
from tests.augmentations import CASES, case_id, images

N = 4000


def drawn(layer: Any, shape: tuple[int, ...] = (4, 4, 3), n: int = N) -> Any:
    """The parameters of a batch of `n` images, as arrays."""
    return layer.get_random_transformation(np.zeros((n, *shape), "float32"))


def check_uniform(x: Any, low: float, high: float) -> None:
    """One number an image, all over [low, high), in no order."""
    x = np.asarray(x, "float64").ravel()
    assert x.size == N and low <= x.min() and x.max() <= high
    unit = (np.sort(x) - low) / (high - low)
    assert np.abs(unit - (np.arange(N) + 0.5) / N).max() < 1.63 / np.sqrt(N)  # Kolmogorov, 1%
    assert abs(np.corrcoef(x[1:], x[:-1])[0, 1]) < 4 / np.sqrt(N)


def check_share(x: Any, probability: float) -> None:
    """Bools, one an image, of which that share is true."""
    x = np.asarray(x).ravel()
    assert x.size == N and x.dtype == bool
    assert abs(x.mean() - probability) < 4 * np.sqrt(0.25 / N)
    assert abs(np.corrcoef(x[1:], x[:-1])[0, 1]) < 4 / np.sqrt(N)


def test_factors_are_uniform() -> None:
    check_uniform(drawn(layers.RandomContrast((0.2, 0.6), seed=1))["contrast_factor"], 0.8, 1.6)
    check_uniform(drawn(layers.RandomContrast(0.6, seed=1))["contrast_factor"], 1.0, 1.6)
    brightness = layers.RandomBrightness(0.2, value_range=(0, 10), seed=1)
    check_uniform(drawn(brightness)["rgb_delta"], -2.0, 2.0)
    saturation = drawn(layers.RandomSaturation((0.3, 0.7), seed=1))["factor"]
    check_uniform(saturation / (1 + saturation), 0.3, 0.7)
    degeneration = layers.RandomColorDegeneration((0.1, 0.9), seed=1)
    check_uniform(drawn(degeneration)["factor"], 0.1, 0.9)
    solarization = drawn(layers.Solarization((0.1, 0.5), 0.4, seed=1))
    check_uniform(solarization["additions"], 0.1, 127.5)
    check_uniform(solarization["thresholds"], 0.0, 102.0)
    hue = drawn(layers.RandomHue((0.2, 0.8), seed=1))["factor"]
    check_uniform(np.abs(hue), 0.1, 0.4)
    check_share(hue > 0, 0.5)


def test_maps_are_uniform() -> None:
    check_uniform(drawn(layers.RandomRotation((-0.1, 0.3), seed=1))["angle"], -36.0, 108.0)
    moved = np.asarray(
        drawn(layers.RandomTranslation(0.5, (0.0, 0.25), seed=1), (4, 8, 1))["translations"]
    )
    check_uniform(moved[:, 0], 0.0, 2.0)
    check_uniform(moved[:, 1], -2.0, 2.0)
    zoom = drawn(layers.RandomZoom((-0.5, 0.25), 0.1, seed=1))
    check_uniform(zoom["height_zoom"], 0.5, 1.25)
    check_uniform(zoom["width_zoom"], 0.9, 1.1)
    zoom = drawn(layers.RandomZoom(0.5, seed=1))
    assert (zoom["width_zoom"] == zoom["height_zoom"]).all()
    shear = np.asarray(drawn(layers.RandomShear((0.2, 0.4), (0.1, 0.5), seed=1))["shear_factor"])
    check_uniform(np.abs(shear[:, 0]), 0.2, 0.4)
    check_uniform(np.abs(shear[:, 1]), 0.1, 0.5)
    check_share(shear[:, 0] > 0, 0.5)
    assert ((shear[:, 0] > 0) == (shear[:, 1] > 0)).all()
    corners = drawn(layers.RandomPerspective((0.6, 0.6), scale=0.5, seed=1), (6, 11, 1))
    check_share(corners["apply_perspective"], 0.6)
    start, end = (np.asarray(corners[key]) for key in ("start_points", "end_points"))
    assert start[0].tolist() == [[0, 0], [10, 0], [0, 5], [10, 5]]
    check_uniform(end[:, 3, 0] / 10, 0.75, 1.25)
    check_uniform(end[:, 3, 1] / 5, 0.75, 1.25)


def test_choices_have_their_probability() -> None:
    check_share(drawn(layers.RandomFlip(seed=1))["flips"], 0.5)
    check_share(drawn(layers.RandomGrayscale(0.2, seed=1)), 0.2)
    check_share(drawn(layers.RandomInvert((0.3, 0.3), seed=1))["apply_inversion"], 0.3)
    check_share(drawn(layers.RandomInvert(1.0, seed=1))["apply_inversion"], 0.5)
    check_share(drawn(layers.RandomErasing((0.8, 0.8), seed=1))["apply_erasing"], 0.8)


def test_elastic_shifts_are_smooth_and_of_the_size_that_they_should_have() -> None:
    layer = layers.RandomElasticTransform((1.0, 1.0), scale=(1.0, 1.0), seed=1)
    shape = (50, 40, 40, 2)
    shifts = np.asarray(layer._shifts(shape, np.float32(1.0), np.array([1, 2], "uint32")))
    assert shifts.shape == shape and abs(shifts.mean()) < 0.1
    # Noise of width 2 under a Gaussian of width 2, whose squares sum to 1 / (4 pi 2^2), times 4.
    inner = shifts[:, 6:-6, 6:-6]
    expected = 2.0 * 4.0 * np.sqrt(1 / (16 * np.pi))
    assert abs(inner.std() / expected - 1) < 0.08
    # The correlation over one pixel is exp(-1 / (4 2^2)).
    near = np.corrcoef(inner[:, 1:].ravel(), inner[:, :-1].ravel())[0, 1]
    assert abs(near - np.exp(-1 / 16)) < 0.03
    assert abs(np.corrcoef(inner[..., 0].ravel(), inner[..., 1].ravel())[0, 1]) < 0.1


def test_rand_augment_and_aug_mix_choose_all_of_their_layers() -> None:
    x = np.zeros((2, 4, 4, 3), "float32")
    layer = layers.RandAugment(num_ops=2, seed=1)
    numbers = np.stack([layer.get_random_transformation(x)["layer_idxes"] for _ in range(300)])
    assert np.bincount(numbers.ravel(), minlength=11).min() > 30 and numbers.max() == 10
    mix = layers.AugMix(num_chains=1, chain_depth=1, seed=1)
    drawn_once = [mix.get_random_transformation(x) for _ in range(300)]
    numbers = np.stack([d["layer_idxes"] for d in drawn_once])
    assert np.bincount(numbers.ravel(), minlength=12).min() > 8 and numbers.max() == 11
    shares = np.stack([d["weight_sample"] for d in drawn_once])
    assert abs(shares.mean() - 0.5) < 0.07 and abs(shares.var() - 1 / 12) < 0.02


def test_posterization_draws_all_numbers_of_bits_but_the_last() -> None:
    shifts = np.asarray(drawn(layers.RandomPosterization((2, 6), seed=1))["shift_factor"])
    counts = np.bincount(shifts)
    assert counts[:3].tolist() == [0, 0, 0] and len(counts) == 7
    assert np.abs(counts[3:] / N - 0.25).max() < 4 * np.sqrt(0.19 / N)
    assert set(drawn(layers.RandomPosterization((3, 3)))["shift_factor"].tolist()) == {5}


def test_mix_up_mixes_a_permutation_by_beta_weights() -> None:
    mix = drawn(layers.MixUp(alpha=0.4, seed=1))
    weight, order = (np.asarray(mix[key]) for key in ("mix_weight", "permutation_order"))
    assert sorted(order.tolist()) == list(range(N)) and (order != np.arange(N)).mean() > 0.99
    # Beta(a, a) has mean 1/2 and variance 1 / (4 (2a + 1)).
    assert abs(weight.mean() - 0.5) < 0.03 and abs(weight.var() - 0.25 / 1.8) < 0.005
    assert abs(np.corrcoef(weight[1:], weight[:-1])[0, 1]) < 4 / np.sqrt(N)


def test_cut_mix_cuts_boxes_of_the_drawn_area() -> None:
    size = 32
    cut = drawn(layers.CutMix((1.0, 1.0), seed=1), (size, size, 1), 500)
    masks, weight = np.asarray(cut["batch_masks"])[..., 0], np.asarray(cut["mix_weight"])
    area = masks.mean(axis=(1, 2))
    assert np.abs(area - (1 - weight.ravel())).max() < 2.5 / size
    assert abs(area.mean() - 0.5) < 0.06  # Beta(1, 1)
    rows, columns = masks.any(axis=2), masks.any(axis=1)
    assert (masks == rows[:, :, None] & columns[:, None, :]).all()
    for sides in (rows, columns):  # without gaps
        assert (np.abs(np.diff(sides.astype(int), axis=1)).sum(axis=1) <= 2).all()
    share = rows.mean(axis=0)[1:]  # row 0 is in only where the box begins at 0.0
    assert np.abs(share - share[::-1]).max() < 0.12


def test_erasing_draws_both_sides_and_noise() -> None:
    size = 40
    layer = layers.RandomErasing((1.0, 1.0), scale=(0.04, 0.25), seed=1)
    x = np.full((300, size, size, 3), -1.0, "float32")
    y = layer(x)
    mask = (y != -1.0).any(axis=3)
    height = mask.any(axis=2).sum(axis=1) / size
    width = mask.any(axis=1).sum(axis=1) / size
    for side in (height, width):
        assert 0.2 - 2 / size < side.min() and side.max() < 0.5 + 2 / size
        assert abs((side**2).mean() - 0.145) < 0.02
    assert abs(np.corrcoef(height, width)[0, 1]) < 0.2
    noise = y[mask]
    assert 0.0 <= noise.min() and noise.max() <= 255.0


@pytest.mark.parametrize(("name", "arguments"), CASES, ids=case_id)
def test_seeds(name: str, arguments: dict[str, Any]) -> None:
    def run(seed: int, calls: int = 3) -> list[bytes]:
        layer = getattr(layers, name)(**arguments, seed=seed)
        return [layer(x, training=True).tobytes() for _ in range(calls)]

    x = images(arguments, (16, 8, 8, 3))
    if name in ("AutoContrast", "Equalization"):
        layer = getattr(layers, name)(**arguments)
        assert layer(x).tobytes() == layer(x).tobytes() and not layer.variables
        return
    assert run(5) == run(5)
    fixed = arguments in ({"factor": 1.0}, {"factor": (3, 3), "value_range": (0, 1)})
    if fixed or (name, arguments) == ("Solarization", {}):
        return
    assert len(set(run(5))) == 3 and not set(run(5)) & set(run(6))


def test_an_integer_seed_repeats_and_a_stateless_scope_holds_the_state() -> None:
    layer = layers.RandomBrightness(0.3, seed=1)
    x = images({})
    first, second = (layer.get_random_transformation(x, seed=9)["rgb_delta"] for _ in range(2))
    assert (first == second).all()
    before = layer.generator.state.numpy()
    values = [before.copy()]
    outputs = []
    for _ in range(2):
        with StatelessScope([(layer.generator.state, values[-1])]) as scope:
            outputs.append(layer(x, training=True))
            values.append(scope.get_current_value(layer.generator.state))
    assert (layer.generator.state.numpy() == before).all() and (outputs[0] != outputs[1]).any()
    assert layer(x, training=True).tobytes() == outputs[0].tobytes()


class Seen(chainrule.metrics.Mean):
    """The mean of what the model gives: of the images that reach its end."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        return super().update_state(y_pred)


def test_only_fit_augments_and_every_step_draws_anew() -> None:
    x = np.full((64, 4, 4, 1), 100.0, "float32")
    y = np.zeros((64, 4, 4, 1), "float32")
    model = models.Sequential([layers.RandomBrightness((0.1, 0.3), seed=3)])
    model.compile("sgd", "mse", metrics=[Seen(name="seen")])
    seen = [
        model.fit(x, y, batch_size=16, verbose=0).history["seen"][0] for _ in range(3)
    ]
    assert all(abs(s - 151.0) < 3.0 for s in seen) and len(set(seen)) == 3
    assert model.evaluate(x, y, verbose=0, return_dict=True)["seen"] == 100.0
    assert (model.predict(x, verbose=0) == 100.0).all()
    assert (model(x, training=False) == 100.0).all()
    steps: list[float] = []
    record = chainrule.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: steps.append(logs["seen"])
    )
    model.fit(x, y, batch_size=16, verbose=0, callbacks=[record])
    assert len(set(steps)) == 4


def everything() -> str:
    """SHA-256 of two calls of every layer, eager and in one graph."""
    digest = hashlib.sha256()
    for name, arguments in CASES:
        seed = {} if name in ("AutoContrast", "Equalization") else {"seed": 11}
        layer = getattr(layers, name)(**arguments, **seed)
        x = images(arguments, (9, 40, 33, 3))
        for _ in range(2):
            digest.update(layer(x, training=True).tobytes())
        digest.update(models.Sequential([layer])(x, training=True).tobytes())
    return digest.hexdigest()


@pytest.mark.parametrize(("threads", "isa"), [(2, "scalar"), (3, "avx2"), (8, "avx512")])
def test_the_same_bits_for_any_threads_and_instruction_set(threads: int, isa: str) -> None:
    settings = {"CHAINRULE_NUM_THREADS": str(threads), "CHAINRULE_ISA": isa}
    command = "from tests.test_augmentation_draws import everything; print(everything())"
    run = subprocess.run(
        [sys.executable, "-c", command],
        env={**os.environ, **settings},
        cwd=Path(__file__).resolve().parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    if "CHAINRULE_ISA" in run.stderr:
        pytest.skip(f"this machine has no {isa}")
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == everything()
