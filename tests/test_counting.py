"""Quantiles without NaN, histograms, different elements, places, bits: NumPy's, and compiled as eager."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule import KerasTensor, function, grad, ops
from chainrule.errors import DataError, DTypeError, ShapeError
from tests.compiled import assert_same_traced

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 5, 4))
HOLES = np.where(X > 0.7, np.nan, X)
INTS = RNG.integers(-9, 9, (4, 6)).astype("int32")
SMALL = RNG.integers(0, 7, (4, 6)).astype("int32")
METHODS = ("linear", "lower", "higher", "midpoint", "nearest")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("axis", [None, 1, (0, 2)])
def test_quantiles_without_nan(method: str, axis: Any) -> None:
    for q in ([0.0, 0.1, 0.33, 0.5, 1.0], 0.25):
        options: dict[str, Any] = {"axis": axis, "method": method, "keepdims": True}
        got = ops.nanquantile(HOLES, q, **options)
        np.testing.assert_allclose(got, np.nanquantile(HOLES, q, **options), rtol=1e-13)
        percents = np.multiply(q, 100.0)
        np.testing.assert_allclose(ops.nanpercentile(HOLES, percents, **options), got, rtol=1e-12)
        assert_same_traced(lambda x, q=q: ops.nanquantile(x, q, **options), HOLES)
    np.testing.assert_allclose(ops.nanmedian(HOLES, axis), np.nanmedian(HOLES, axis), rtol=1e-13)


@pytest.mark.parametrize("method", ["linear", "lower", "higher", "midpoint", "nearest"])
def test_quantiles_at_places_that_are_computed(method: str) -> None:
    x = np.random.default_rng(0).normal(size=(5, 7)).astype("float32")
    q = np.array([[0.0, 0.3], [0.5, 1.0]], "float32")
    compiled = function(lambda x, q: ops.quantile(x, q, axis=1, method=method))
    np.testing.assert_array_equal(compiled(x, q), ops.quantile(x, q, axis=1, method=method))
    compiled = function(lambda x, q: ops.nanpercentile(x, q, method=method))
    percents = q * 100
    np.testing.assert_array_equal(compiled(x, percents), ops.nanpercentile(x, percents, method=method))


def test_quantiles_by_their_places() -> None:
    x = np.random.default_rng(0).normal(size=(5, 7))
    slope = grad(lambda q: ops.quantile(x, q))(np.array(0.3))
    distance = np.diff(np.quantile(x, [0.2999, 0.3001])) / 2e-4
    np.testing.assert_allclose(slope, distance[0], rtol=1e-3)
    symbol = ops.quantile(KerasTensor((None, 3)), KerasTensor((2,)), axis=1)
    assert symbol.shape == (2, None)


def test_quantiles_of_nan_alone_are_nan() -> None:
    x = np.array([[1.0, 2.0], [np.nan, np.nan]])
    np.testing.assert_array_equal(ops.nanmedian(x, 1), [1.5, np.nan])
    np.testing.assert_array_equal(ops.nanquantile(x.astype("float32"), 0.5, 1), [1.5, np.nan])


def test_gradients_of_quantiles_without_nan() -> None:
    x = np.array([4.0, np.nan, 1.0, 2.0])
    np.testing.assert_allclose(grad(lambda a: ops.nanquantile(a, 0.75))(x), [0.5, 0, 0, 0.5])


@given(
    st.lists(st.sampled_from([-2.0, -0.5, 0.0, 0.1, 0.3, 0.7, 1.0, 3.5]) | st.floats(-5, 5), max_size=60),
    st.integers(1, 12),
)
def test_histograms_are_numpys(values: list[float], bins: int) -> None:
    x = np.asarray(values)
    for given_range in (None, (-1.0, 1.5), (0.3, 0.3)):
        counts, edges = ops.histogram(x, bins, given_range)
        expected = np.histogram(x, bins, given_range)
        np.testing.assert_array_equal(counts, expected[0])
        np.testing.assert_allclose(edges, expected[1], rtol=1e-6, atol=1e-6)
    own = [-2.0, -0.5, 0.1, 0.1, 1.0]
    np.testing.assert_array_equal(ops.histogram(x, own)[0], np.histogram(x, own)[0])


@pytest.mark.parametrize("arguments", [(10,), (7, (-1.0, 1.0)), ([-1.0, 0.0, 0.5],)], ids=str)
def test_compiled_histograms(arguments: Any) -> None:
    assert_same_traced(lambda x: ops.histogram(x, *arguments), X)


DIFFERENT = {
    "ints": INTS,
    "floats": X.round(0),
    "one": np.array([2, 2, 2]),
    "nan": np.array([1.0, np.nan, np.nan, 1.0]),
    "bools": INTS > 0,
    "none": np.zeros((0,)),
}


@pytest.mark.parametrize("size", [0, 3, 40])
@pytest.mark.parametrize("name", DIFFERENT)
def test_compiled_unique(name: str, size: int) -> None:
    assert_same_traced(lambda x: ops.unique(x, True, True, True, True, size=size), DIFFERENT[name])


def test_unique_is_numpys() -> None:
    for x in DIFFERENT.values():
        got = ops.unique(x, return_index=True, return_inverse=True, return_counts=True)
        for part, expected in zip(got, np.unique(x, True, True, True, equal_nan=False), strict=True):
            np.testing.assert_array_equal(part, expected)
    assert ops.unique([3, 1, 3], size=4, fill_value=9).tolist() == [1, 3, 9, 9]


@pytest.mark.parametrize("size", [0, 5, 70])
def test_nonzero_of_a_size(size: int) -> None:
    found = np.argwhere(X > 0)[:size].T
    got = np.stack(ops.nonzero(X > 0, size, -1))
    np.testing.assert_array_equal(got[:, : found.shape[1]], found)
    assert (got[:, found.shape[1] :] == -1).all() and got.shape == (3, size)
    assert_same_traced(lambda x: ops.nonzero(x > 0, size), X)


PAIRS = ("bitwise_and", "bitwise_or", "bitwise_xor", "left_shift", "right_shift", "gcd", "lcm")


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64"])
def test_functions_of_two_integers(name: str, dtype: str) -> None:
    x, y = (INTS if dtype[0] == "i" else np.abs(INTS)).astype(dtype), SMALL.astype(dtype)
    got, expected = getattr(ops, name)(x, y), getattr(np, name)(x, y)
    assert got.dtype == expected.dtype
    np.testing.assert_array_equal(got, expected)
    if dtype in ("uint8", "int32", "uint32", "int64"):
        assert_same_traced(getattr(ops, name), x, y)
        assert_same_traced(ops.bitwise_invert, x)
    inverted = ops.bitwise_invert(x)
    assert inverted.dtype == dtype
    np.testing.assert_array_equal(inverted, np.invert(x))


def test_bits_of_bools() -> None:
    a, b = INTS > 0, SMALL > 2
    for name in PAIRS[:3]:
        np.testing.assert_array_equal(getattr(ops, name)(a, b), getattr(np, name)(a, b))
    np.testing.assert_array_equal(ops.bitwise_not(a), ~a)


def test_symbolic_bits_take_floats() -> None:
    x = KerasTensor((None, 3))
    for got in (ops.bitwise_and(x, x), ops.bitwise_invert(x), ops.right_shift(x, 2)):
        assert got.shape == (None, 3) and got.dtype == "int32"


def test_nextafter() -> None:
    for x in (X, X.astype("float32")):
        np.testing.assert_array_equal(ops.nextafter(x, x[::-1]), np.nextafter(x, x[::-1]))
        assert_same_traced(ops.nextafter, x, x[::-1])
    assert grad(lambda x: ops.sum(ops.nextafter(x, 9.0)))(X[0]).tolist() == np.ones((5, 4)).tolist()
    with pytest.raises(DTypeError, match="float16"):
        ops.nextafter(np.ones(1, "float16"), np.ones(1, "float16"))


@pytest.mark.parametrize("dtype", ["int32", "uint8", "float64", "int64"])
def test_views(dtype: str) -> None:
    x = X.astype("float32")
    np.testing.assert_array_equal(ops.view(x, dtype), x.view(dtype))
    assert_same_traced(lambda a: ops.view(a, dtype), x)
    for narrow in ("int16", "float16"):
        assert ops.view(x, narrow).tobytes() == x.tobytes()


def test_sums_along_a_tuple_of_one() -> None:
    np.testing.assert_allclose(ops.nancumsum(HOLES, (1,)), np.nancumsum(HOLES, 1))
    np.testing.assert_allclose(ops.nancumprod(HOLES, [2]), np.nancumprod(HOLES, 2))


REFUSED: dict[str, tuple[Any, type[Exception], str]] = {
    "q": (lambda: ops.nanquantile(X, 1.5), ValueError, r"nanquantile: .*\[0, 1\]"),
    "percents": (lambda: ops.nanpercentile(X, 150), ValueError, r"nanpercentile: .*\[0, 100\]"),
    "method": (lambda: ops.nanquantile(X, 0.5, method="hazen"), ValueError, "hazen"),
    "no elements": (lambda: ops.nanmedian(np.zeros((0,))), ShapeError, "nanmedian"),
    "no bins": (lambda: ops.histogram(X, 0), ValueError, "bins"),
    "range": (lambda: ops.histogram(X, 3, (2.0, 1.0)), ValueError, "ascend"),
    "edges": (lambda: ops.histogram(X, [2.0, 1.0]), ValueError, "ascending"),
    "histogram of nan": (lambda: ops.histogram(HOLES), DataError, "finite"),
    "size": (lambda: ops.unique(X, size=-1), ValueError, "size"),
    "nonzero of a size": (lambda: ops.nonzero(X, size=1.5), ValueError, "size"),
    "nonzero": (lambda: ops.nonzero(KerasTensor((3,))), TypeError, "size"),
    "unique": (lambda: ops.unique(KerasTensor((3,))), TypeError, "size"),
    "unique along": (lambda: ops.unique(KerasTensor((3, 2)), axis=0, size=2), TypeError, "axis"),
    "unknown": (lambda: ops.unique(KerasTensor((None,)), size=2), ShapeError, "known"),
    "view": (lambda: ops.view(X[..., :3].astype("float32"), "int64"), ValueError, "int64"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_refused(name: str) -> None:
    function, error, match = REFUSED[name]
    with pytest.raises(error, match=match):
        function()
