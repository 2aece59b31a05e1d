"""CategoryEncoding and Discretization: numbers, shapes, bad input, models and files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hn

import chainrule as cr
from chainrule import layers
from chainrule.errors import DataError, NonFiniteError
from chainrule.layers.preprocessing.quantiles import QuantileSketch

MODES = ("one_hot", "multi_hot", "count")


@given(hn.arrays(np.int64, hn.array_shapes(max_dims=3, max_side=4), elements=st.integers(0, 5)))
def test_encodings_against_plain_python(x: Any) -> None:
    rows = np.eye(6)[x]
    expected = {
        "one_hot": rows[..., 0, :] if x.ndim > 1 and x.shape[-1] == 1 else rows,
        "multi_hot": rows.max(-2),
        "count": rows.sum(-2),
    }
    for mode in MODES:
        layer = layers.CategoryEncoding(num_tokens=6, output_mode=mode)
        found = layer(x)
        assert np.array_equal(found, expected[mode])
        assert found.shape == layer.compute_output_shape(x.shape)


def test_counts_may_be_weighted() -> None:
    layer = layers.CategoryEncoding(num_tokens=4, output_mode="count")
    weights = np.array([[0.1, 0.2], [0.1, 0.1]])
    found = layer(np.array([[0, 1], [0, 0]]), count_weights=weights)
    np.testing.assert_allclose(found, [[0.1, 0.2, 0, 0], [0.2, 0, 0, 0]], rtol=1e-6)
    with pytest.raises(ValueError, match="`count_weights` is not used"):
        layers.CategoryEncoding(num_tokens=4)(np.array([1]), count_weights=np.array([0.1]))


@pytest.mark.parametrize(
    "options, part",
    [
        ({}, "num_tokens must be set"),
        ({"num_tokens": 0}, "`num_tokens` must be >= 1"),
        ({"num_tokens": 3, "output_mode": "x"}, "Unknown arg for output_mode: x"),
        ({"num_tokens": 3, "sparse": True}, "dense arrays"),
    ],
)
def test_bad_arguments_of_encodings(options: dict[str, Any], part: str) -> None:
    with pytest.raises(ValueError, match=part):
        layers.CategoryEncoding(**options)


@pytest.mark.parametrize("bad", [4, -1])
def test_categories_outside_are_named(bad: int) -> None:
    layer = layers.CategoryEncoding(num_tokens=4, name="kind")
    with pytest.raises(DataError, match=rf"'kind'.*0 to 3.*got {bad} at \(1, 0\)"):
        layer(np.array([[0], [bad]]))


def test_ranges() -> None:
    x = np.array([[-1.0, 0.0, 0.1, 0.8, 1.2]])
    layer = layers.Discretization(bin_boundaries=[0.0, 0.5, 1.0])
    assert layer(x).tolist() == [[0, 1, 1, 2, 3]]
    assert layer(x).dtype == np.int32
    count = layers.Discretization(bin_boundaries=[0.0, 0.5, 1.0], output_mode="count")
    assert count(x).tolist() == [[1, 2, 1, 1]]
    for mode in ("int", *MODES):
        for shape in ((3,), (2, 3), (2, 3, 1), (2, 3, 4)):
            made = layers.Discretization(bin_boundaries=[0.0, 0.5], output_mode=mode)
            assert made(np.zeros(shape)).shape == made.compute_output_shape(shape)


@given(
    hn.arrays(np.float64, st.integers(1, 50), elements=st.floats(-100, 100)),
    st.integers(2, 6),
)
def test_boundaries_are_quantiles(x: Any, bins: int) -> None:
    layer = layers.Discretization(num_bins=bins)
    layer.adapt(x[i : i + 7] for i in range(0, len(x), 7))
    expected = np.quantile(x, np.arange(1, bins) / bins)
    np.testing.assert_allclose(layer.bin_boundaries, expected, rtol=1e-12, atol=1e-12)


def test_more_numbers_than_memory_is_for() -> None:
    sketch = QuantileSketch(0.01, exact=2000)
    x = np.random.default_rng(0).normal(size=100_000) ** 3
    for part in np.split(x, 50):
        sketch.add(part)
    assert len(sketch._values) <= 4000
    for i, boundary in enumerate(sketch.boundaries(10), 1):
        assert abs((x < boundary).mean() - i / 10) < 0.005


def test_bad_data_for_ranges() -> None:
    layer = layers.Discretization(num_bins=3)
    with pytest.raises(ValueError, match="You need to either pass .* or call `adapt"):
        layer([[0.1]])
    layer.adapt(np.arange(9.0))
    known = layer.bin_boundaries
    with pytest.raises(NonFiniteError, match="NaN"):
        layer.adapt([np.arange(3.0), np.array([np.nan])])
    with pytest.raises(ValueError, match="at least one"):
        layer.adapt(np.zeros(0))
    assert layer.bin_boundaries == known
    with pytest.raises(ValueError, match="initialized with `bin_boundaries`"):
        layers.Discretization(bin_boundaries=[1.0]).adapt(np.ones(3))
    for options, part in (
        ({}, "either `num_bins` or `bin_boundaries`"),
        ({"num_bins": 2, "bin_boundaries": [1.0]}, "Both `num_bins` and"),
        ({"num_bins": -1}, "greater than or equal"),
        ({"bin_boundaries": [2.0, 1.0]}, "ascending"),
        ({"num_bins": 3, "sparse": True}, "may only be used"),
    ):
        with pytest.raises(ValueError, match=part):
            layers.Discretization(**options)


def test_models_of_categories_come_back(tmp_path: Path) -> None:
    adapted = layers.Discretization(num_bins=4, output_mode="one_hot")
    adapted.adapt(np.random.default_rng(0).normal(size=(100, 1)))
    x, kind = cr.Input((1,)), cr.Input((1,), dtype="int32")
    encoded = layers.CategoryEncoding(num_tokens=3, output_mode="one_hot")(kind)
    out = layers.Dense(1)(layers.Concatenate()([adapted(x), encoded]))
    model = cr.Model([x, kind], out)
    model.compile("sgd", "mse")
    data = [np.linspace(-2, 2, 30)[:, None], np.arange(30)[:, None] % 3]
    model.fit(data, np.ones(30), epochs=2, verbose=0)
    expected = model.predict(data, verbose=0)
    assert np.array_equal(expected, model(data))
    model.save(tmp_path / "m.chainrule")
    other = cr.saving.load_model(tmp_path / "m.chainrule")
    assert np.array_equal(other.predict(data, verbose=0), expected)
    for layer in (adapted, layers.Discretization(num_bins=3), layers.Discretization([0.0, 1.0])):
        assert type(layer).from_config(layer.get_config()).get_config() == layer.get_config()


def test_boundaries_that_are_learnt_later_count() -> None:
    layer = layers.Discretization(bin_boundaries=[0.0])
    model = cr.Sequential([cr.Input((1,)), layer])
    x = np.array([[-1.0], [0.5], [2.0]])
    for _ in range(3):
        assert model.predict(x, verbose=0).tolist() == model(x).tolist() == [[0], [1], [1]]
    layer.bin_boundaries = [1.0]
    for _ in range(3):
        assert model.predict(x, verbose=0).tolist() == model(x).tolist() == [[0], [0], [1]]
        assert model.predict_on_batch(x).tolist() == [[0], [0], [1]]
