"""Random tensors: distributions, seeds, and the same numbers traced."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule
from chainrule import _core, random
from chainrule.tracing.trace import Trace
from tests.compiled import assert_same_traced

N = 40_000


def test_seeds():
    assert (random.normal((3,), seed=1) == random.normal((3,), seed=1)).all()
    assert (random.normal((3,), seed=1) != random.normal((3,), seed=2)).all()
    generator = random.SeedGenerator(1)
    first, second = random.normal((3,), seed=generator), random.normal((3,), seed=generator)
    assert (first == random.normal((3,), seed=1)).all()
    assert (first != second).all()
    assert generator.state.numpy().tolist() == [1, 2]
    chainrule.utils.set_random_seed(5)
    a = random.uniform((3,))
    chainrule.utils.set_random_seed(5)
    assert (a == random.uniform((3,))).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dropout_keeps_the_elements_whose_number_is_not_below_the_rate(dtype: str) -> None:
    """Also where the rate is that number itself, or lies between two neighbours."""
    seed, ones = np.array([3, 4], "uint32"), np.ones(257, dtype)
    draws = {"distribution": "uniform", "shape": [257], "dtype": "float32"}
    (u,) = _core.eager("random", draws, [seed])
    for at in (0, 1, 100, 256):
        for rate in (float(u[at]), float(u[at]) + 2.0**-25, float(u[at]) - 2.0**-25):
            (y,) = _core.eager("dropout", {"rate": rate}, [ones, seed])
            np.testing.assert_array_equal(y != 0, u.astype("float64") >= rate)


def test_first_numbers_are_pinned():
    bits = chainrule.tracing.dispatch.apply(
        "random",
        {"distribution": "bits", "shape": [4], "dtype": "uint32"},
        [np.zeros(2, "uint32")],
    )
    assert [hex(word) for word in bits] == ["0x6627e8d5", "0xe169c58d", "0xbc57ac4c", "0x9b00dbd8"]


def test_bad_seeds():
    with pytest.raises(ValueError, match="integer"):
        random.SeedGenerator("7")
    with pytest.raises(ValueError, match="`seed` must be either an integer"):
        random.normal((2,), seed="7")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_normal(dtype):
    x = random.normal((N,), 2.0, 3.0, dtype, seed=3)
    assert x.dtype == dtype
    assert abs(x.mean() - 2.0) < 0.06 and abs(x.std() - 3.0) < 0.05
    x = random.truncated_normal((N,), 2.0, 3.0, dtype, seed=3)
    assert abs(x - 2.0).max() <= 6.0
    assert abs(x.std() - 3.0 * 0.8796) < 0.05


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_uniform(dtype):
    x = random.uniform((N,), -1.0, 3.0, dtype, seed=3)
    assert -1.0 <= x.min() and x.max() < 3.0
    assert abs(x.mean() - 1.0) < 0.03 and abs(x.var() - 16 / 12) < 0.03


def test_randint():
    x = random.randint((N,), 2, 7, seed=3)
    assert x.dtype == "int32"
    assert np.bincount(x, minlength=8)[2:7].min() > N / 5 * 0.9
    assert set(x.tolist()) == {2, 3, 4, 5, 6}
    with pytest.raises(ValueError, match="integer `dtype`"):
        random.randint((2,), 0, 3, dtype="float32")


def test_categorical():
    x = random.categorical(np.log([[0.1, 0.2, 0.7]]), N, seed=3)
    assert abs(np.bincount(x[0]) / N - [0.1, 0.2, 0.7]).max() < 0.02
    with pytest.raises(ValueError, match="2-D"):
        random.categorical(np.ones(3), 2)


def test_shuffle():
    x = np.arange(20).reshape(10, 2)
    y = random.shuffle(x, seed=3)
    assert not (x == y).all() and (np.sort(y, 0) == x).all()
    assert (y[:, 1] - y[:, 0] == 1).all()


def test_dropout():
    x = np.ones((200, 200), "float32")
    y = random.dropout(x, 0.25, seed=3)
    assert set(np.unique(y).tolist()) == {0.0, np.float32(1 / 0.75).item()}
    assert abs((y == 0).mean() - 0.25) < 0.01
    y = random.dropout(x, 0.5, noise_shape=(None, 1), seed=3)
    assert (y == y[:, :1]).all()
    assert (random.dropout(x, 1.0, seed=3) == 0).all()
    with pytest.raises(ValueError, match="rate"):
        random.dropout(x, 1.5)


def test_other_distributions():
    assert abs(random.gamma((N,), 3.0, seed=3).mean() - 3.0) < 0.05
    assert abs(random.beta((N,), 2.0, 3.0, seed=3).mean() - 0.4) < 0.01
    assert abs(random.binomial((N,), 10, 0.3, seed=3).mean() - 3.0) < 0.05


def test_traced_numbers_are_the_eager_ones():
    seed = np.array([9, 4], "uint32")
    for function in (
        lambda s: random.normal((7,), seed=s),
        lambda s: random.truncated_normal((7,), seed=s),
        lambda s: random.uniform((7,), dtype="float64", seed=s),
        lambda s: random.randint((7,), 0, 100, seed=s),
        lambda s: random.shuffle(np.arange(9), seed=s),
        lambda s: random.dropout(np.ones(9, "float32"), 0.5, seed=s),
    ):
        assert_same_traced(function, seed)


def test_a_generator_moves_on_at_each_run():
    generator = random.SeedGenerator(9)
    with Trace() as trace:
        two = [random.uniform((2,), seed=generator), random.uniform((2,), seed=generator)]
    program = trace.compile(two)
    drawn = [x.tolist() for _ in range(2) for x in program.run([])]
    other = random.SeedGenerator(9)
    assert drawn == [random.uniform((2,), seed=other).tolist() for _ in range(4)]
    assert generator.state.numpy().tolist() == [9, 4]
