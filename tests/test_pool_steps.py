"""Pooling and its gradient in compiled steps, in memory that holds other things: the definition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import _core

Array = np.ndarray

# shape of x; window; strides; padding before and after each axis
FORMS: dict[str, tuple[tuple[int, ...], list[int], list[int], list[int]]] = {
    "behind the last window": ((2, 5, 5, 3), [2, 2], [2, 2], [0] * 4),
    "behind, whole vectors": ((3, 7, 5, 32), [2, 2], [2, 2], [0] * 4),
    "between windows": ((2, 9, 8, 5), [2, 1], [3, 3], [0] * 4),
    "between and behind": ((2, 10, 11, 9), [2, 3], [4, 4], [0] * 4),
    "before the image": ((2, 5, 6, 3), [3, 3], [3, 3], [1, 1, 2, 1]),
    "256 elements": ((2, 16, 17, 3), [16, 16], [16, 16], [0] * 4),
    "289 elements": ((2, 17, 17, 3), [17, 17], [17, 17], [0] * 4),
    "several of 289": ((1, 35, 34, 2), [17, 17], [17, 17], [0] * 4),
    "overlapping": ((2, 9, 8, 5), [3, 3], [2, 2], [0] * 4),
    "overlapping along one axis": ((2, 9, 12, 8), [2, 3], [2, 2], [0, 0, 0, 1]),
    "overlapping, several bands": ((2, 64, 64, 16), [3, 3], [2, 2], [0] * 4),
    "wide, several bands": ((1, 48, 33, 32), [5, 3], [1, 2], [2, 2, 1, 1]),
    "apart, several bands": ((2, 65, 63, 16), [2, 2], [3, 2], [0] * 4),
    "1-d": ((3, 11, 33), [3], [4], [0, 0]),
    "3-d": ((2, 5, 7, 6, 4), [2, 2, 3], [2, 3, 3], [0] * 6),
    "3-d, overlapping": ((2, 5, 6, 7, 4), [3, 2, 2], [1, 2, 1], [1, 1, 0, 1, 0, 0]),
}


def by_definition(
    function: str, x: Array, dy: Array, window: list[int], strides: list[int], padding: list[int]
) -> tuple[Array, Array]:
    """The pooled images, and the gradient by x, in which the first of equal maxima takes all."""
    y, dx = np.zeros_like(dy), np.zeros_like(x)
    for image in range(len(x)):
        for place in np.ndindex(*dy.shape[1:-1]):
            starts = [o * s - p for o, s, p in zip(place, strides, padding[::2])]
            cut = tuple(
                slice(max(a, 0), min(a + k, n)) for a, k, n in zip(starts, window, x.shape[1:-1])
            )
            part = x[(image, *cut)]
            rows = part.reshape(-1, part.shape[-1])
            to = dx[(image, *cut)]
            if function == "mean":
                y[(image, *place)] = rows.mean(axis=0)
                to += dy[(image, *place)] / len(rows)
                continue
            y[(image, *place)] = rows.max(axis=0)
            # NaN counts as the maximum, as it does to argmax.
            hits = np.arange(len(rows))[:, np.newaxis] == rows.argmax(axis=0)
            to += np.where(hits, dy[(image, *place)], 0).reshape(part.shape)
    return y, dx


@pytest.mark.parametrize("where", ["in the arena", "in a result"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("function", ["max", "mean"])
@pytest.mark.parametrize("name", FORMS)
def test_a_step_pools_and_its_gradient_fills_all_of_the_image(
    name: str, function: str, dtype: str, where: str
) -> None:
    shape, window, strides, padding = FORMS[name]
    rng = np.random.default_rng(len(name))
    # Few values: many ties.
    x = rng.integers(-3, 4, shape).astype(dtype)
    attrs = {"function": function, "window": window, "strides": strides, "padding": padding}
    pooled = _core.eager("pool", attrs, [x])[0].shape
    dy = rng.integers(1, 9, pooled).astype(dtype)
    graph = _core.Graph()
    images, upstream = graph.input("x", shape, dtype), graph.input("dy", pooled, dtype)

    def push(op: str, attrs: dict[str, Any], *inputs: int) -> int:
        return graph.push(op, attrs, list(inputs))[0]

    # Values of the images' size come and go where the gradient will lie.
    other = images
    for axis in range(len(shape)):
        other = push("log_softmax", {"axis": axis}, other)
    total = {"function": "sum", "axes": list(range(len(shape))), "keepdims": False}
    spent = push("reduce", total, other)
    y = push("pool", attrs, images)
    dx = push("pool_grad", attrs, images, y, upstream)
    if where == "in the arena":
        # A step of its own reads the gradient, turned back and forth.
        for _ in range(2):
            dx = push("transpose", {"axes": [*range(len(shape))][::-1]}, dx)
    program = graph.compile([spent, y, dx])
    want_y, want_dx = by_definition(function, x.astype("float64"), dy, window, strides, padding)
    for turn in range(2):
        _, got_y, got_dx = program.run([x, dy])
        allowed = 1e-5 if dtype == "float32" else 1e-12
        np.testing.assert_allclose(got_y, want_y, rtol=allowed, atol=allowed)
        np.testing.assert_allclose(got_dx, want_dx, rtol=allowed, atol=allowed)
        (eager_y,) = _core.eager("pool", attrs, [x])
        (eager_dx,) = _core.eager("pool_grad", attrs, [x, eager_y, dy])
        assert got_y.tobytes() == eager_y.tobytes(), turn
        assert got_dx.tobytes() == eager_dx.tobytes(), turn


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("window, strides", [([2, 2], [2, 2]), ([3, 2], [1, 2]), ([2, 2], [3, 3])])
def test_large_gradients_lie_in_memory_that_was_used(
    window: list[int], strides: list[int], dtype: str
) -> None:
    """The memory of a result that is gone, full of NaN, serves the gradient."""
    x = np.random.default_rng(0).standard_normal((64, 13, 13, 32)).astype(dtype)
    attrs = {"function": "max", "window": window, "strides": strides, "padding": [0] * 4}
    (y,) = _core.eager("pool", attrs, [x])
    graph = _core.Graph()
    images, upstream = graph.input("x", x.shape, dtype), graph.input("dy", y.shape, dtype)
    (pooled,) = graph.push("pool", attrs, [images])
    (dx,) = graph.push("pool_grad", attrs, [images, pooled, upstream])
    program = graph.compile([pooled, dx])
    assert x.nbytes >= 1 << 20
    expected = by_definition("max", x, y, window, strides, [0] * 4)[1]
    for _ in range(2):
        _core.free_memory()
        nan = _core.eager("unary", {"function": "neg"}, [np.full_like(x, np.nan)])
        del nan
        got = program.run([x, y])[1]
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)
        del got
        nan = _core.eager("unary", {"function": "neg"}, [np.full_like(x, np.nan)])
        del nan
        (got,) = _core.eager("pool_grad", attrs, [x, y, y])
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("place", [0, 1, 255, 256, 271, 288])
def test_the_number_of_a_maximum_is_not_cut_to_a_byte(place: int, dtype: str) -> None:
    x = np.zeros((1, 17, 17, 1), dtype)
    x[0, place // 17, place % 17] = 1
    attrs = {"function": "max", "window": [17, 17], "strides": [1, 1], "padding": [0] * 4}
    graph = _core.Graph()
    images = graph.input("x", x.shape, dtype)
    (y,) = graph.push("pool", attrs, [images])
    (total,) = graph.push(
        "reduce", {"function": "sum", "axes": [0, 1, 2, 3], "keepdims": False}, [y]
    )
    (dx,) = graph.compile(graph.gradients(total, [images])).run([x])
    np.testing.assert_array_equal(dx, x)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("strides", [[2, 2], [1, 1]])
def test_the_first_nan_of_a_window_takes_the_gradient(strides: list[int], dtype: str) -> None:
    x = np.arange(2 * 4 * 6 * 3, dtype=dtype).reshape(2, 4, 6, 3)
    x[:, 1, ::3] = np.nan
    x[0, :, 2] = np.nan
    attrs = {"function": "max", "window": [2, 2], "strides": strides, "padding": [0] * 4}
    dy = 1.0 + np.arange(np.prod(_core.eager("pool", attrs, [x])[0].shape))
    dy = dy.astype(dtype).reshape(_core.eager("pool", attrs, [x])[0].shape)
    graph = _core.Graph()
    images, upstream = graph.input("x", x.shape, dtype), graph.input("dy", dy.shape, dtype)
    (y,) = graph.push("pool", attrs, [images])
    (dx,) = graph.push("pool_grad", attrs, [images, y, upstream])
    want_y, want_dx = by_definition("max", x, dy, [2, 2], strides, [0] * 4)
    got_y, got_dx = graph.compile([y, dx]).run([x, dy])
    np.testing.assert_array_equal(got_y, want_y)
    np.testing.assert_array_equal(got_dx, want_dx)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_argmax_belongs_to_the_images_that_were_pooled(dtype: str) -> None:
    """A gradient by other images, or through other windows, does not take the numbers of these."""
    rng = np.random.default_rng(3)
    x, other = (rng.permutation(2 * 6 * 6 * 3).reshape(2, 6, 6, 3).astype(dtype) for _ in range(2))
    attrs = {"function": "max", "window": [2, 2], "strides": [2, 2], "padding": [0] * 4}
    graph = _core.Graph()
    a, b = (graph.input(n, x.shape, dtype) for n in "ab")
    dy = graph.input("dy", (2, 3, 3, 3), dtype)
    (y,) = graph.push("pool", attrs, [a])
    results = [graph.push("pool_grad", attrs, [images, y, dy])[0] for images in (a, b)]
    d = rng.standard_normal((2, 3, 3, 3)).astype(dtype)
    (pooled,) = _core.eager("pool", attrs, [x])
    for value, images in zip(results, (x, other)):
        (want,) = _core.eager("pool_grad", attrs, [images, pooled, d])
        for asked in ([value], [y, *results]):
            got = graph.compile(asked).run([x, other, d])[asked.index(value)]
            assert got.tobytes() == want.tobytes()
