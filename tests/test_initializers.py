"""Initializers: distributions, fans, seeds, names, configurations, errors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule import initializers
from chainrule.initializers.random_initializers import compute_fans

SHAPE = (60, 100)
FAN_IN, FAN_OUT = 60, 100
# name -> (variance, largest magnitude in standard deviations of what is drawn)
CUT = 2 / 0.8796256610342398
SCALED = {
    "glorot_uniform": (2 / (FAN_IN + FAN_OUT), math.sqrt(3)),
    "glorot_normal": (2 / (FAN_IN + FAN_OUT), CUT),
    "lecun_uniform": (1 / FAN_IN, math.sqrt(3)),
    "lecun_normal": (1 / FAN_IN, CUT),
    "he_uniform": (2 / FAN_IN, math.sqrt(3)),
    "he_normal": (2 / FAN_IN, CUT),
    "random_normal": (0.05**2, 6.0),
    "random_uniform": (0.1**2 / 12, math.sqrt(3)),
    "truncated_normal": ((0.05 * 0.8796256610342398) ** 2, CUT),
    "variance_scaling": (1 / FAN_IN, CUT),
}


@pytest.mark.parametrize("name", SCALED)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_mean_variance_and_bounds(name: str, dtype: str) -> None:
    variance, largest = SCALED[name]
    initializer = type(initializers.get(name))(seed=5)
    values = initializer(SHAPE, dtype=dtype)
    stddev = math.sqrt(variance)
    assert values.shape == SHAPE and values.dtype == dtype
    assert abs(values.mean()) < 5 * stddev / math.sqrt(values.size)
    assert values.std() == pytest.approx(stddev, rel=0.05)
    assert abs(values).max() <= largest * stddev * (1 + 1e-6)


@pytest.mark.parametrize("name", [*SCALED, "orthogonal"])
def test_seeds(name: str) -> None:
    cls = type(initializers.get(name))
    fixed = cls(seed=3)
    np.testing.assert_array_equal(fixed((4, 5)), fixed((4, 5)))
    np.testing.assert_array_equal(fixed((4, 5)), fixed.clone()((4, 5)))
    assert not np.array_equal(fixed((4, 5)), cls(seed=4)((4, 5)))
    moving = cls(seed=cr.random.SeedGenerator(3))
    assert not np.array_equal(moving((4, 5)), moving((4, 5)))
    assert not np.array_equal(cls()((4, 5)), cls()((4, 5)))
    with pytest.raises(ValueError, match="Received: seed=high"):
        cls(seed="high")


def test_set_random_seed_fixes_unseeded_initializers() -> None:
    draws = []
    for _ in range(2):
        cr.utils.set_random_seed(12)
        draws.append(initializers.HeNormal()((3, 3)))
    np.testing.assert_array_equal(*draws)


@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg"])
@pytest.mark.parametrize("distribution", ["truncated_normal", "untruncated_normal", "uniform"])
def test_variance_scaling(mode: str, distribution: str) -> None:
    fans = {"fan_in": FAN_IN, "fan_out": FAN_OUT, "fan_avg": (FAN_IN + FAN_OUT) / 2}
    initializer = initializers.VarianceScaling(3.0, mode, distribution, seed=1)
    assert initializer(SHAPE).std() == pytest.approx(math.sqrt(3.0 / fans[mode]), rel=0.05)


@given(field=st.lists(st.integers(1, 5), max_size=3), n=st.integers(1, 9), m=st.integers(1, 9))
def test_fans(field: list[int], n: int, m: int) -> None:
    size = math.prod(field)
    assert compute_fans((*field, n, m)) == (size * n, size * m)


def test_fans_of_few_axes_and_of_given_axes() -> None:
    assert compute_fans(()) == (1, 1)
    assert compute_fans((7,)) == (7, 7)
    assert compute_fans((8, 2, 3), input_axes=[0], output_axes=[1, 2]) == (8, 6)
    assert compute_fans((8, 2, 3), input_axes=[0, 1], output_axes=[2]) == (16, 3)


@given(rows=st.integers(1, 7), columns=st.integers(1, 7), depth=st.integers(1, 3))
def test_orthogonal(rows: int, columns: int, depth: int) -> None:
    values = initializers.Orthogonal(gain=2.0, seed=9)((depth, rows, columns), dtype="float64")
    q = values.reshape(depth * rows, columns) / 2.0
    gram = q.T @ q if depth * rows >= columns else q @ q.T
    np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-12)


def test_orthogonal_is_uniform_over_signs() -> None:
    corners = [initializers.Orthogonal(seed=s)((2, 2))[0, 0] > 0 for s in range(200)]
    assert 60 < sum(corners) < 140


def test_constants() -> None:
    np.testing.assert_array_equal(initializers.Zeros()((2, 3), "int32"), np.zeros((2, 3), "int32"))
    np.testing.assert_array_equal(initializers.Ones()((2,)), np.ones(2, "float32"))
    np.testing.assert_array_equal(initializers.Constant(3)((2,), "float64"), [3.0, 3.0])
    np.testing.assert_array_equal(initializers.Constant([1, 2])((2, 2)), [[1, 2], [1, 2]])
    np.testing.assert_array_equal(initializers.Identity(2.0)((2, 3)), 2.0 * np.eye(2, 3))
    with pytest.raises(ValueError, match="2D matrices. Received: shape=\\(2,\\)"):
        initializers.Identity()((2,))
    with pytest.raises(ValueError, match="at least two-dimensional. Received: shape=\\(2,\\)"):
        initializers.Orthogonal()((2,))
    with pytest.raises(NotImplementedError, match="`__call__"):
        initializers.Initializer()((2,))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scale": 0.0}, "`scale` must be positive float. Received: scale=0.0"),
        ({"mode": "fan"}, "Invalid `mode` argument: fan"),
        ({"distribution": "cauchy"}, "Invalid `distribution` argument: cauchy"),
    ],
)
def test_bad_settings(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        initializers.VarianceScaling(**arguments)


@pytest.mark.parametrize("cls", initializers.ALL_OBJECTS)
def test_names_and_configurations(cls: type) -> None:
    again = initializers.deserialize(initializers.serialize(cls()))
    assert type(again) is cls and again.get_config() == cls().get_config()
    assert type(initializers.get(cls)) is cls
    names = [name for name, known in initializers.ALL_OBJECTS_DICT.items() if known is cls]
    assert len(names) >= 2
    for name in names:
        assert type(initializers.get(name)) is cls


def test_get_from_arrays_functions_and_nonsense() -> None:
    array = np.arange(4.0).reshape(2, 2)
    initializer = initializers.get(array)
    np.testing.assert_array_equal(initializer((2, 2), "float32"), array)
    with pytest.raises(ValueError, match="Expected `shape` to be \\(2, 2\\)"):
        initializer((3, 3))

    def mine(shape: Any, dtype: Any = None) -> Any:
        return np.full(shape, 7.0, dtype)

    assert initializers.get(mine) is mine
    assert initializers.get(None) is None
    with pytest.raises(ValueError, match="'glorot'.*glorot_uniform"):
        initializers.get("glorot")
    with pytest.raises(ValueError, match="identifier: 3"):
        initializers.get(3)


def test_a_saved_seed_generator() -> None:
    initializer = initializers.HeUniform(seed=cr.random.SeedGenerator(8))
    again = initializers.deserialize(initializers.serialize(initializer))
    assert isinstance(again.seed, cr.random.SeedGenerator)
    np.testing.assert_array_equal(again((3,)), initializer((3,)))


@pytest.mark.parametrize(("window", "scaling"), [("hann", "density"), ([1, 2, 3, 4], "spectrum")])
def test_stft_is_the_fourier_transform(window: Any, scaling: str) -> None:
    weights = np.hanning(5)[:-1] if window == "hann" else np.arange(1.0, 5.0)
    weights = weights / (np.linalg.norm(weights) if scaling == "density" else weights.sum())
    signal = np.random.default_rng(2).normal(size=4)
    spectrum = np.fft.rfft(signal * weights)
    for side, expected in (("real", spectrum.real), ("imag", spectrum.imag)):
        initializer = initializers.STFT(side, window, scaling, periodic=True)
        kernel = initializer((4, 1, 3), dtype="float64")
        np.testing.assert_allclose(signal @ kernel[:, 0], expected, atol=1e-12)
        again = initializers.deserialize(initializers.serialize(initializer))
        assert again.get_config() == initializer.get_config()


def test_stft_refuses_what_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="Received: side=imaginary"):
        initializers.STFT("imaginary")
    with pytest.raises(ValueError, match="Received: scaling=l2"):
        initializers.STFT("real", scaling="l2")
    with pytest.raises((ValueError, ImportError), match="nowhere"):
        initializers.STFT("real", window="nowhere")
    with pytest.raises(ValueError, match="window shape=\\(2,\\)"):
        initializers.STFT("real", window=[1.0, 2.0])((4, 1, 3))
