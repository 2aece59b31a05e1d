"""SpecAugment: what it hides, how often, under masks, in models, there and back, bad input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import chainrule as cr
import numpy as np
import pytest
from chainrule import audio, layers
from chainrule.errors import ShapeError

from tests.tracing import run_traced

ONES = np.ones((4000, 24, 10), "float32")


def _runs(rows: Any) -> Any:
    """Of each row of bools, how many are True, where the first one is, and in how many stretches."""
    edges = np.diff(rows.astype(int), axis=1, prepend=0)
    return rows.sum(axis=1), rows.argmax(axis=1), (edges == 1).sum(axis=1)


def test_widths_and_places_are_drawn_evenly() -> None:
    layer = audio.SpecAugment(1, 4, 1, 3, max_share=1.0, seed=1)
    hidden = layer(ONES, training=True) == 0
    in_time, in_frequency = hidden.all(axis=2), hidden.all(axis=1)
    np.testing.assert_array_equal(hidden, in_time[:, :, None] | in_frequency[:, None, :])
    for stretches, widest in ((in_time, 4), (in_frequency, 3)):
        width, start, count = _runs(stretches)
        assert set(count.tolist()) == {0, 1}
        share = np.bincount(width, minlength=widest + 1) / len(width)
        # Four standard deviations of a share of 4000 draws.
        np.testing.assert_allclose(share, 1 / (widest + 1), atol=0.028)
        places = stretches.shape[1] - widest + 1
        share = np.bincount(start[width == widest], minlength=places) / (width == widest).sum()
        assert len(share) == places
        np.testing.assert_allclose(share, 1 / places, atol=0.04)
    # Time and frequency are drawn apart.
    widths = [_runs(x)[0] for x in (in_time, in_frequency)]
    assert abs(np.corrcoef(*widths)[0, 1]) < 0.07


def test_a_row_may_have_several_stretches() -> None:
    hidden = audio.SpecAugment(3, 2, 0, seed=2, max_share=1.0)(ONES, training=True) == 0
    _, _, count = _runs(hidden.all(axis=2))
    assert set(count.tolist()) == {0, 1, 2, 3}
    assert not hidden.all(axis=1).any()


@pytest.mark.parametrize("share, widest", [(0.0, 0), (0.2, 4), (0.25, 6), (1.0, 24)])
def test_no_stretch_takes_more_than_its_share(share: float, widest: int) -> None:
    layer = audio.SpecAugment(1, 50, 0, max_share=share, seed=1)
    width, _, _ = _runs((layer(ONES, training=True) == 0).all(axis=2))
    assert width.max() == widest
    frequency = audio.SpecAugment(0, frequency_masks=1, frequency_width=50, seed=1)
    width, _, _ = _runs((frequency(ONES, training=True) == 0).all(axis=1))
    assert (width.min(), width.max()) == (0, 10)


def test_frames_that_a_mask_leaves_out_are_no_place() -> None:
    lengths = np.array([24, 10, 5, 1, 0] * 800)
    mask = np.arange(24) < lengths[:, None]
    layer = audio.SpecAugment(1, 6, 0, max_share=0.5, seed=1)
    hidden = (layer(ONES, training=True, mask=mask) == 0).all(axis=2)
    assert not hidden[~mask].any()
    for length, widest in ((24, 6), (10, 5), (5, 2), (1, 0), (0, 0)):
        rows = hidden[lengths == length]
        assert rows.sum(axis=1).max() == widest
        if widest:
            assert rows[:, 0].any() and rows[:, length - 1].any()


def test_masks_go_on_and_rows_differ() -> None:
    x = cr.Input((None, 4))
    y = audio.SpecAugment(seed=1)(layers.Masking(0.0)(x))
    assert y._keras_mask is not None and y.shape == (None, None, 4)
    hidden = (audio.SpecAugment(seed=1)(ONES[:8], training=True) == 0).reshape(8, -1)
    assert len(np.unique(hidden, axis=0)) == 8


def test_other_layouts() -> None:
    options: Any = {"max_share": 1.0, "fill_value": -80.0, "seed": 4}
    expected = audio.SpecAugment(**options)(ONES[:20], training=True)
    assert set(np.unique(expected)) == {-80.0, 1.0}
    turned = audio.SpecAugment(**options, time_axis=2)(np.swapaxes(ONES[:20], 1, 2), training=True)
    np.testing.assert_array_equal(np.swapaxes(turned, 1, 2), expected)
    images = audio.SpecAugment(**options)(np.ones((20, 24, 10, 3)), training=True)
    np.testing.assert_array_equal(images, np.repeat(expected[..., None], 3, axis=3))


def test_without_training_and_without_stretches_nothing_changes() -> None:
    x = np.random.default_rng(0).normal(size=(3, 7, 5)).astype("float32")
    np.testing.assert_array_equal(audio.SpecAugment()(x), x)
    for options in ((0, 9, 0, 9), (3, 0, 3, 0)):
        np.testing.assert_array_equal(audio.SpecAugment(*options)(x, training=True), x)


def test_compiled_bits_are_the_eager_ones() -> None:
    x = np.random.default_rng(0).normal(size=(5, 30, 12)).astype("float32")
    one, other = audio.SpecAugment(seed=5), audio.SpecAugment(seed=5)
    (got,) = run_traced(lambda x: one(x, training=True), x)
    np.testing.assert_array_equal(got, other(x, training=True))


def test_a_model_with_it_trains_is_saved_and_draws_the_same(tmp_path: Path) -> None:
    cr.utils.set_random_seed(0)
    x = cr.Input((None, 10))
    y = layers.GRU(6)(audio.SpecAugment(seed=3)(layers.Masking(0.0)(x)))
    model = cr.Model(x, layers.Dense(2, activation="softmax")(y))
    model.compile(cr.optimizers.Adam(0.02), "sparse_categorical_crossentropy")
    data = np.random.default_rng(0).normal(size=(16, 20, 10)).astype("float32")
    labels = np.arange(16) % 2
    data[:, :, 0] += 2 * labels[:, None]
    data[3:6, 12:] = 0
    curves = model.fit(data, labels, epochs=20, verbose=0).history["loss"]
    assert curves[-1] < 0.5 * curves[0]
    model.save(tmp_path / "model.chainrule")
    again = cr.saving.load_model(tmp_path / "model.chainrule")
    assert isinstance(again.layers[2], audio.SpecAugment)
    np.testing.assert_array_equal(again(data, training=True), model(data, training=True))
    assert model.check_gradients(data, labels).ok


def test_there_and_back() -> None:
    layer = audio.SpecAugment(1, 5, 3, 4, 0.5, -1.0, 2, 7, name="hidden")
    config = layer.get_config()
    assert audio.SpecAugment.from_config(config).get_config() == config
    assert layer.compute_output_shape((None, 40, None)) == (None, 40, None)


@pytest.mark.parametrize(
    "arguments, error, part",
    [
        ({"time_masks": -1}, ValueError, "`time_masks` of 0 or more, got -1"),
        ({"frequency_width": -2}, ValueError, "`frequency_width` of 0 or more, got -2"),
        ({"time_width": 2.5}, TypeError, "float"),
        ({"max_share": 1.5}, ValueError, "`max_share`.*1.5"),
        ({"time_axis": 0}, ValueError, "`time_axis` 1 or 2, got 0"),
    ],
)
def test_bad_arguments_are_refused(arguments: Any, error: Any, part: str) -> None:
    with pytest.raises(error, match=part):
        audio.SpecAugment(**arguments)


@pytest.mark.parametrize("shape", [(4, 5), (2, 3, 4, 5, 6)])
def test_other_ranks_are_refused(shape: Any) -> None:
    with pytest.raises(ShapeError, match=r"'mine' expected .* 3 or 4 axes, but received shape \("):
        audio.SpecAugment(name="mine")(np.zeros(shape), training=True)
