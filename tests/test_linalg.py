"""`chainrule.ops.linalg`: against NumPy, compiled against eager, and what bad matrices do to a step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as keras
from chainrule import KerasTensor, grad, layers, ops
from chainrule.errors import DataError, GradientError, ShapeError
from tests.compiled import assert_same_traced

RNG = np.random.default_rng(0)
SQUARE = RNG.normal(size=(2, 3, 4, 4)) + 2 * np.eye(4)
POSITIVE = SQUARE @ np.swapaxes(SQUARE, -1, -2)
TALL = RNG.normal(size=(2, 5, 3))
WIDE = np.swapaxes(TALL, -1, -2)
RIGHT = RNG.normal(size=(2, 3, 4, 2))
SINGULAR = np.array([[1.0, 2.0], [2.0, 4.0]])


def _triangle(a: Any, b: Any) -> Any:
    return np.linalg.solve(np.tril(a), b)


# Name, function of ops, that of NumPy, inputs
CASES: list[tuple[str, Callable[..., Any], Callable[..., Any], tuple[Any, ...]]] = [
    ("cholesky", ops.cholesky, np.linalg.cholesky, (POSITIVE,)),
    ("upper", lambda x: ops.cholesky(x, upper=True),
     lambda x: np.swapaxes(np.linalg.cholesky(x), -1, -2), (POSITIVE,)),
    ("cholesky_inverse", lambda x: ops.cholesky_inverse(ops.cholesky(x)), np.linalg.inv, (POSITIVE,)),
    ("cholesky_inverse upper", lambda x: ops.cholesky_inverse(ops.cholesky(x, True), True),
     np.linalg.inv, (POSITIVE,)),
    ("det", ops.det, np.linalg.det, (SQUARE,)),
    ("slogdet", ops.slogdet, np.linalg.slogdet, (SQUARE,)),
    ("logdet", ops.logdet, lambda x: np.linalg.slogdet(x)[1], (SQUARE,)),
    ("inv", ops.inv, np.linalg.inv, (SQUARE,)),
    ("solve", ops.solve, np.linalg.solve, (SQUARE, RIGHT)),
    ("solve of one matrix", ops.solve, np.linalg.solve, (SQUARE[:1, :1], RIGHT)),
    ("solve of vectors", ops.solve, lambda a, b: np.linalg.solve(a, b[..., None])[..., 0],
     (SQUARE, RIGHT[..., 0])),
    ("solve_triangular", lambda a, b: ops.solve_triangular(a, b, lower=True), _triangle,
     (SQUARE, RIGHT)),
    *((f"pinv {name}", ops.pinv, np.linalg.pinv, (x,)) for name, x in (("tall", TALL), ("wide", WIDE))),
    ("lstsq", ops.lstsq, lambda a, b: np.linalg.lstsq(a, b, rcond=None)[0], (TALL[0], TALL[1])),
    ("lstsq of a vector", ops.lstsq, lambda a, b: np.linalg.lstsq(a, b, rcond=None)[0],
     (WIDE[0], WIDE[1, :, 0])),
    ("qr", ops.qr, np.linalg.qr, (TALL,)),
    ("complete qr", lambda x: ops.qr(x, mode="complete"), lambda x: np.linalg.qr(x, "complete"),
     (TALL,)),
    ("singular values", lambda x: ops.svd(x, compute_uv=False),
     lambda x: np.linalg.svd(x, compute_uv=False), (WIDE,)),
    ("eigenvalues", lambda x: ops.eigh(x)[0], np.linalg.eigvalsh, (POSITIVE,)),
    ("matrix_rank", ops.matrix_rank, lambda x: np.linalg.matrix_rank(x).astype("int32"), (TALL,)),
    ("rank above", lambda x: ops.matrix_rank(x, 2.0),
     lambda x: np.linalg.matrix_rank(x, 2.0).astype("int32"), (TALL,)),
    *(
        (f"norm {order} {axes}", lambda x, o=order, a=axes: ops.norm(x, o, a, keepdims=True),
         lambda x, o=order, a=axes: np.linalg.norm(x, o, a, keepdims=True), (TALL,))
        for order in (2, -2, "nuc")
        for axes in ((1, 2), (2, 0))
    ),
]  # fmt: skip


@pytest.mark.parametrize("name, function, expected, inputs", CASES, ids=[c[0] for c in CASES])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_results_are_numpys(name: str, function: Any, expected: Any, inputs: Any, dtype: str) -> None:
    inputs = [x.astype(dtype) for x in inputs]
    got, want = function(*inputs), expected(*inputs)
    tolerance = 2e-4 if dtype == "float32" else 1e-10
    for g, w in zip(*((x if isinstance(x, tuple) else [x]) for x in (got, want)), strict=True):
        assert g.dtype == w.dtype and g.shape == w.shape
        np.testing.assert_allclose(g, w, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name, function, expected, inputs", CASES, ids=[c[0] for c in CASES])
def test_compiled_is_eager(name: str, function: Any, expected: Any, inputs: Any) -> None:
    assert_same_traced(function, *inputs)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 9), st.integers(0, 2**31))
def test_decompositions_of_any_rank_give_the_matrix_back(m: int, n: int, rank: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(m, rank)) @ rng.normal(size=(rank, n))
    for full in (False, True):
        u, s, vt = ops.svd(x, full_matrices=full)
        k = min(m, n)
        np.testing.assert_allclose(u[:, :k] * s @ vt[:k], x, atol=1e-12)
        for basis in (u.T, vt):
            np.testing.assert_allclose(basis @ basis.T, np.eye(len(basis)), atol=1e-12)
    w, v = ops.eigh(x @ x.T)
    np.testing.assert_allclose(v * w @ v.T, x @ x.T, atol=1e-10)
    q, r = ops.qr(x)
    np.testing.assert_allclose(q @ r, x, atol=1e-12)
    assert ops.matrix_rank(x) == np.linalg.matrix_rank(x)
    p = ops.pinv(x, 1e-10)
    np.testing.assert_allclose(p, np.linalg.pinv(x, 1e-10), atol=1e-7 * max(1, np.abs(p).max()))


# Numbers of (3, 3), whose gradients are asked for where a formula by inverses or differences breaks.
SMOOTH: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "det of rank 2": (ops.det, np.array([[1.0, 2, 3], [2, 4, 6], [1, 0, 1]])),
    "det of rank 1": (ops.det, np.ones((3, 3))),
    "det of zeros": (ops.det, np.zeros((3, 3))),
    "eigenvalues that are one": (lambda x: ops.sum(ops.eigh(x)[0] ** 2), np.eye(3)),
    "singular values that are one": (lambda x: ops.norm(x, "nuc"), 2 * np.eye(3)),
    "log-density": (
        lambda x: ops.sum(ops.square(ops.solve_triangular(ops.cholesky(x @ ops.transpose(x) + np.eye(3)),
                                                          np.ones(3), lower=True))),
        np.array([[1.0, 2, 3], [2, 4, 6], [1, 0, 1]]),
    ),
    "least squares": (
        lambda x: ops.sum(ops.square(ops.lstsq(x[:, :2], np.array([1.0, 2.0, 4.0])))),
        np.array([[1.0, 2, 0], [3, 1, 0], [1, 0, 0]]),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SMOOTH)
def test_gradients_where_parts_have_none(name: str) -> None:
    function, x = SMOOTH[name]
    got = np.asarray(grad(function)(x))
    for step in 1e-6 * np.eye(9).reshape(9, 3, 3):
        measured = (float(function(x + step)) - float(function(x - step))) / 2e-6
        assert float(np.sum(got * step)) / 1e-6 == pytest.approx(measured, rel=1e-6, abs=1e-6)


def test_gradients_by_symmetric_matrices_are_symmetric() -> None:
    for function in (lambda x: ops.sum(ops.cholesky(x)), lambda x: ops.sum(ops.eigh(x)[1])):
        got = grad(function)(POSITIVE[0, 0])
        np.testing.assert_array_equal(got, got.T)
        assert np.abs(got).max() > 0.01


def test_second_derivatives_of_composed_functions() -> None:
    x = POSITIVE[0, 0]
    first = grad(ops.logdet)
    np.testing.assert_allclose(first(x), np.linalg.inv(x), rtol=1e-9)
    way = SQUARE[0, 1]
    second = grad(lambda a: ops.sum(first(a) * way))(x)
    inverse = np.linalg.inv(x)
    np.testing.assert_allclose(second, -inverse @ way.T @ inverse, rtol=1e-8, atol=1e-12)


def test_float16_and_integers() -> None:
    assert ops.det(np.array([[1, 2], [3, 4]], "float16")).dtype == "float16"
    assert ops.inv([[2, 0], [0, 4]]).tolist() == [[0.5, 0], [0, 0.25]]


REFUSED: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "inv": (lambda: ops.inv(SINGULAR), DataError, "invertible.*index 0"),
    "solve": (lambda: ops.solve(np.stack([np.eye(2), SINGULAR]), np.ones((2, 2))), DataError, "index 1"),
    "cholesky": (lambda: ops.cholesky(SINGULAR - 5), DataError, "positive definite"),
    "svd": (lambda: ops.svd([[1.0, np.nan]]), DataError, "finite"),
    "eigh": (lambda: ops.eigh([[np.inf]]), DataError, "finite"),
    "oblong": (lambda: ops.inv(TALL), ShapeError, "square"),
    "right side": (lambda: ops.solve(np.eye(2), np.ones(3)), ShapeError, "Incompatible"),
    "lstsq": (lambda: ops.lstsq(TALL, TALL), ShapeError, "lstsq"),
    "mode": (lambda: ops.qr(TALL, mode="raw"), ValueError, "raw"),
    "complete": (lambda: grad(lambda x: ops.sum(ops.qr(x, "complete")[0]))(TALL), GradientError, "qr"),
    "full": (lambda: grad(lambda x: ops.sum(ops.svd(x)[0]))(TALL), GradientError, "svd"),
    "slogdet": (lambda: grad(lambda x: ops.slogdet(x)[1])(SINGULAR), DataError, "invertible"),
    "eig": (lambda: grad(lambda x: ops.sum(ops.eig(x)[0]))(SINGULAR), TypeError, "arrays only"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_refused(name: str) -> None:
    function, error, match = REFUSED[name]
    with pytest.raises(error, match=match):
        function()


def test_a_singular_matrix_stops_a_step_before_weights_change() -> None:
    model = keras.Sequential([keras.Input((2, 2)), layers.Dense(2, use_bias=False), layers.Lambda(ops.inv)])
    model.layers[0].set_weights([np.eye(2, dtype="float32")])
    model.compile("sgd", "mse")
    with pytest.raises(DataError, match="lambda.*solve.*invertible.*index 0"):
        model.fit(SINGULAR[None].astype("float32"), np.ones((1, 2, 2)), verbose=0)
    np.testing.assert_array_equal(model.layers[0].get_weights()[0], np.eye(2))


def test_a_model_learns_through_a_decomposition() -> None:
    """A covariance L L^T by the likelihood of draws: its root comes near to the one that made them."""
    rng = np.random.default_rng(1)
    root = np.array([[1.0, 0.0], [0.8, 0.6]])
    x = (rng.normal(size=(512, 2)) @ root.T).astype("float32")

    class Likelihood(layers.Layer):
        def build(self, shape: Any) -> None:
            self.factor = self.add_weight(shape=(2, 2), initializer="identity")

        def call(self, x: Any) -> Any:
            factor = ops.tril(self.factor)
            covariance = factor @ ops.transpose(factor)
            away = ops.solve(covariance, ops.transpose(x))
            return 0.5 * ops.sum(ops.transpose(x) * away, axis=0) + 0.5 * ops.logdet(covariance)

    model = keras.Sequential([keras.Input((2,)), Likelihood()])
    model.compile(keras.optimizers.Adam(0.02), loss=lambda y, p: ops.mean(p))
    model.fit(x, np.zeros(512), epochs=12, batch_size=64, verbose=0)
    factor = np.tril(model.layers[0].factor.numpy())
    np.testing.assert_allclose(factor @ factor.T, np.cov(x.T, bias=True), atol=0.1)


def test_shapes_of_unknown_sizes() -> None:
    wide, tall = KerasTensor((None, 3, 5)), KerasTensor((None, None, 5))
    assert [part.shape for part in ops.svd(wide)] == [(None, 3, 3), (None, 3), (None, 5, 5)]
    assert [part.shape for part in ops.qr(tall)] == [(None, None, None), (None, None, 5)]
    assert [part.shape for part in ops.lu_factor(wide)] == [(None, 3, 5), (None, 3)]
    assert ops.pinv(tall).shape == (None, 5, None)
    assert ops.inv(KerasTensor((None, 4, 4))).shape == (None, 4, 4)
    assert ops.matrix_rank(tall).dtype == "int32"
