"""Axes split, joined and reordered by names, blocks as channels, functions of each part: against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import KerasTensor, ops
from chainrule.errors import ShapeError
from chainrule.tracing.autodiff import grad
from tests.compiled import run_traced

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 6, 4, 12)).astype("float32")


@pytest.mark.parametrize("b", [2, 3])
def test_blocks_become_channels(b: int) -> None:
    n, h, w, c = 2, 3, 2, 5
    images = RNG.normal(size=(n, h * b, w * b, c))
    deep = ops.space_to_depth(images, b)
    assert deep.shape == (n, h, w, c * b * b)
    for i in range(b):
        for j in range(b):
            k = (i * b + j) * c
            np.testing.assert_array_equal(deep[..., k : k + c], images[:, i::b, j::b])
    np.testing.assert_array_equal(ops.depth_to_space(deep, b), images)
    first = images.transpose(0, 3, 1, 2)
    deep = ops.space_to_depth(first, b, data_format="channels_first")
    for k in range(b * b):
        np.testing.assert_array_equal(deep[:, k :: b * b], first[:, :, k // b :: b, k % b :: b])
    np.testing.assert_array_equal(ops.depth_to_space(deep, b, "channels_first"), first)


def test_blocks_of_sizes_that_are_not_known() -> None:
    images = KerasTensor((None, None, 6, 4), "int32")
    deep = ops.space_to_depth(images, 2)
    assert deep.shape == (None, None, 3, 16) and deep.dtype == "int32"
    assert ops.depth_to_space(deep, 4).shape == (None, None, 12, 1)
    (y,) = run_traced(lambda x: ops.depth_to_space(x, 2), X)
    np.testing.assert_array_equal(y, ops.depth_to_space(X, 2))


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: ops.depth_to_space(X, 1), ValueError, "`block_size` must be at least 2"),
        (lambda: ops.space_to_depth(X, 2.0), ValueError, "`block_size` must be at least 2"),
        (lambda: ops.depth_to_space(X, 5), ShapeError, "block_size .. 2 = 25 divides.*12"),
        (lambda: ops.space_to_depth(X, 3), ShapeError, "height and a width that block_size=3 divides"),
        (lambda: ops.space_to_depth(X[0], 2), ShapeError, "4 axes"),
        (lambda: ops.depth_to_space(KerasTensor((None, 2, 2, 6)), 2), ShapeError, "divides"),
        (lambda: ops.rearrange(X, "a b c d"), ValueError, "one '->'"),
        (lambda: ops.rearrange(X, "a b c d -> a b c"), ValueError, "same names"),
        (lambda: ops.rearrange(X, "a a c d -> a a c d"), ValueError, "each once"),
        (lambda: ops.rearrange(X, "a b [c] d -> a b c d"), ValueError, r"cannot read '\[c\] d'"),
        (lambda: ops.rearrange(X, "a b c -> c b a"), ShapeError, "names 3 axes, got shape"),
        (lambda: ops.rearrange(X, "(a b) c d e -> a b c d e"), ValueError, "length of one of"),
        (lambda: ops.rearrange(X, "(a b) c d e -> a b c d e", z=2), ValueError, r"no axes named \['z'\]"),
        (lambda: ops.rearrange(X, "a (b i) c d -> a b i c d", i=4), ShapeError, "axis of size 6"),
        (lambda: ops.rearrange(X, "a (b i) c d -> a b i c d", i=0), ShapeError, "axis of size 6"),
        (lambda: ops.rearrange(X, "a (b i) c d -> a b i c d", i=2.0), ValueError, "an int for `i`"),
        (lambda: ops.rearrange(X, "a b c d -> a b c d", b=7), ShapeError, "axis of size 6"),
        (lambda: ops.vectorize(3), ValueError, "callable"),
        (lambda: ops.vectorize(ops.trace, signature="(d,d"), ValueError, r"such as '\(m,n\)"),
        (lambda: ops.vectorize(ops.trace, signature="(d,d)->()")(X), ShapeError, "do not fit"),
        (lambda: ops.vectorize(ops.trace, signature="(d,d)->()")(X, X), ValueError, "1 arguments, got 2"),
        (lambda: ops.vectorize(ops.add)(X, X[:, :5]), ShapeError, "broadcast together"),
        (lambda: ops.vectorize(ops.add, excluded="a")(X, X), TypeError, "hold ints"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(call: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        call()


@pytest.mark.parametrize(
    ("pattern", "lengths", "expected"),
    [
        ("b h w c -> b c h w", {}, X.transpose(0, 3, 1, 2)),
        ("b h w c->(b h) w c", {}, X.reshape(12, 4, 12)),
        ("b h w c -> b (c h w)", {}, X.transpose(0, 3, 1, 2).reshape(2, -1)),
        ("b (h i) w c -> i b h w c", {"i": 2}, X.reshape(2, 3, 2, 4, 12).transpose(2, 0, 1, 3, 4)),
        ("b h w (i j k) -> (b k) h (w i) j", {"i": 2, "k": 3},
         X.reshape(2, 6, 4, 2, 2, 3).transpose(0, 5, 1, 2, 3, 4).reshape(6, 6, 8, 2)),
    ],
)  # fmt: skip
def test_rearranged(pattern: str, lengths: dict[str, int], expected: Any) -> None:
    np.testing.assert_array_equal(ops.rearrange(X, pattern, **lengths), expected)
    (y,) = run_traced(lambda x: ops.rearrange(x, pattern, **lengths), X)
    np.testing.assert_array_equal(y, expected)


def test_rearranged_sizes_that_are_not_known() -> None:
    x = KerasTensor((None, None, 8))
    assert ops.rearrange(x, "b t (n h) -> b n t h", n=2).shape == (None, 2, None, 4)
    assert ops.rearrange(x, "b t c -> (b t) c").shape == (None, 8)
    model = cr.Sequential([cr.Input((6, 8)), cr.layers.Lambda(_heads)])
    y = model.predict(np.ones((3, 6, 8)), verbose=0)
    assert y.shape == (3, 2, 6, 4)


def _heads(x: Any) -> Any:
    return ops.rearrange(x, "b t (n h) -> b n t h", n=2)


def test_a_function_of_each_part() -> None:
    def both(a: Any, b: Any) -> tuple[Any, Any]:
        return a @ b, ops.sum(a) + b[0]

    a, b = RNG.normal(size=(3, 1, 4, 2)), RNG.normal(size=(5, 2))
    product, total = ops.vectorize(both, signature="(m,n),(n)->(m),()")(a, b)
    expected = np.einsum("xymn,yn->xym", np.broadcast_to(a, (3, 5, 4, 2)), b)
    np.testing.assert_allclose(product, expected)
    np.testing.assert_allclose(total, a.sum((2, 3)) + b[:, 0])
    scaled = ops.vectorize(lambda x, scale, shift=0: x * scale + shift, excluded=[1])
    np.testing.assert_array_equal(scaled([[1, 2], [3, 4]], 2, shift=1), [[3, 5], [7, 9]])
    assert ops.vectorize(both, signature="(m,n),(n)->(m),()")(a, b[:0])[0].shape == (3, 0, 4)
    spec = ops.vectorize(ops.trace, signature="(d,d)->()")(KerasTensor((None, 3, 2, 2)))
    assert spec.shape == (None, 3)


def test_gradients() -> None:
    weights = RNG.normal(size=(2, 4, 3, 12))

    def loss(x: Any) -> Any:
        y = ops.rearrange(x, "b h w c -> b w h c")
        return ops.sum(ops.space_to_depth(ops.depth_to_space(y, 2), 2) * weights)

    x = RNG.normal(size=(2, 3, 4, 12))
    np.testing.assert_allclose(grad(loss)(x), weights.transpose(0, 2, 1, 3))
    squares = ops.vectorize(lambda v: v * v)
    np.testing.assert_allclose(grad(lambda v: ops.sum(squares(v)))(x[0, 0]), 2 * x[0, 0])
