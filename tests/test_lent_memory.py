"""Programs read feeds where they lie and compute outputs where they go.

Each case is a graph whose outputs or feeds share memory inside the program: an output that is a feed,
the same value twice, a reshape of another output, a value computed in place of another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from chainrule import _core

Push = Callable[..., int]
Case = Callable[[Push, int, int], list[int]]

X = np.linspace(-2, 3, 24, dtype="float32").reshape(6, 4)
B = np.array([0.5, -1, 2, 3], "float32")


def add(push: Push, a: int, b: int) -> int:
    return push("binary", {"function": "add"}, a, b)


def unary(push: Push, name: str, x: int) -> int:
    return push("unary", {"function": name}, x)


def flat(push: Push, x: int) -> int:
    return push("reshape", {"shape": [24]}, x)


def softmax(push: Push, x: int) -> int:
    return push("softmax", {"axis": 1}, x)


def in_place(push: Push, x: int, b: int) -> list[int]:
    return [softmax(push, softmax(push, unary(push, "exp", add(push, x, b))))]


def and_reshape(push: Push, x: int, b: int) -> list[int]:
    y = softmax(push, x)
    return [flat(push, y), y]


def read_later(push: Push, x: int, b: int) -> list[int]:
    y = softmax(push, x)
    return [flat(push, y), softmax(push, y), y]


def and_mean(push: Push, x: int, b: int) -> list[int]:
    y = softmax(push, add(push, x, b))
    mean = push("reduce", {"function": "mean", "axes": [0], "keepdims": False}, y)
    return [mean, y, push("transpose", {"axes": [1, 0]}, y)]


CASES: dict[str, Case] = {
    "a feed": lambda push, x, b: [x, b],
    "a feed, reshaped": lambda push, x, b: [flat(push, x), x],
    "one value": lambda push, x, b: [add(push, x, b)],
    "the same value twice": lambda push, x, b: [add(push, x, b)] * 2,
    "a value and its reshape": and_reshape,
    "in place": in_place,
    "read after it is stored": read_later,
    "others made of it": and_mean,
    "bools": lambda push, x, b: [push("binary", {"function": "lt"}, x, b), x],
}


def make(case: Case, shape: Sequence[int] = X.shape, dtype: str = "float32") -> Any:
    graph = _core.Graph()
    leaves = graph.input("x", shape, dtype), graph.input("b", B.shape, dtype)
    return graph.compile(case(lambda op, attrs, *v: graph.push(op, attrs, v)[0], *leaves))


def eager(case: Case, *leaves: np.ndarray) -> list[np.ndarray]:
    values = list(leaves)

    def push(op: str, attrs: dict[str, Any], *inputs: int) -> int:
        values.extend(_core.eager(op, attrs, [values[i] for i in inputs]))
        return len(values) - 1

    return [values[i] for i in case(push, 0, 1)]


@pytest.mark.parametrize("name", CASES)
def test_outputs_are_those_of_the_ops(name: str) -> None:
    program = make(CASES[name])
    for scale in (1, 2):
        x = X * np.float32(scale)
        before = x.copy()
        results = program.run([x, B])
        for result, expected in zip(results, eager(CASES[name], before, B), strict=True):
            assert result.dtype == expected.dtype
            np.testing.assert_array_equal(result, expected)
        np.testing.assert_array_equal(x, before)
        for at, result in enumerate(results):
            others = [x, B, *results[:at]]
            assert not any(np.shares_memory(result, other) for other in others)


@pytest.mark.parametrize(
    "layout",
    [
        lambda x: x,
        np.asfortranarray,
        lambda x: np.repeat(x, 2, axis=0)[::2],
        lambda x: x[::-1].copy()[::-1],
        lambda x: x.astype("float64"),
        lambda x: np.frombuffer(b"0" * 4 + x.tobytes(), "float32", offset=4).reshape(x.shape),
    ],
    ids=["C order", "Fortran order", "strided", "reversed", "float64", "read only"],
)
@pytest.mark.parametrize("name", CASES)
def test_feeds_of_any_layout(name: str, layout: Callable[[np.ndarray], np.ndarray]) -> None:
    expected = make(CASES[name]).run([X, B])
    results = make(CASES[name]).run([layout(X), B])
    for result, other in zip(results, expected, strict=True):
        np.testing.assert_array_equal(result, other)


def test_a_feed_of_another_dtype_is_converted() -> None:
    program = make(CASES["one value"], dtype="int32")
    whole = np.arange(24, dtype="int64").reshape(6, 4)
    (result,) = program.run([whole, np.arange(4, dtype="float32")])
    np.testing.assert_array_equal(result, whole + np.arange(4))


def test_bytes_fed_as_bools_count_as_true_unless_zero() -> None:
    graph = _core.Graph()
    x = graph.input("x", [4], "bool")
    (y,) = graph.push("cast", {"dtype": "int32"}, [x])
    program = graph.compile([y, x])
    number, same = program.run([np.array([0, 1, 2, 255], "uint8")])
    assert number.tolist() == [0, 1, 1, 1]
    assert same.tolist() == [False, True, True, True]


@pytest.mark.parametrize("name", [n for n in CASES if n not in ("bools",)])
@pytest.mark.parametrize("order", [None, [5, 0, 3, 3, 2, 1]], ids=["as they lie", "picked"])
def test_batches_of_an_epoch(name: str, order: list[int] | None) -> None:
    data = np.linspace(-1, 1, 6 * 24, dtype="float32").reshape(6, 6, 4)

    # One row of the data, without its first axis, is one batch of the case.
    def batch(push: Push, x: int, b: int) -> list[int]:
        rows = [push("reshape", {"shape": shape}, v) for v, shape in ((x, [6, 4]), (b, [4]))]
        return CASES[name](push, *rows)

    graph = _core.Graph()
    leaves = graph.input("x", [1, 6, 4], "float32"), graph.input("b", [1, 4], "float32")
    outputs = batch(lambda op, attrs, *v: graph.push(op, attrs, v)[0], *leaves)
    program = graph.compile(outputs)
    biases = np.linspace(0, 1, 24, dtype="float32").reshape(6, 4)
    shapes = [tuple(graph.spec(v)[0]) for v in outputs]
    results = [np.full((6, *shape), np.nan, "float32") for shape in shapes]
    picked = None if order is None else np.array(order, "int64")
    assert program.epoch([data, biases], picked, 1, 0, 6, results) == 6
    for at, row in enumerate(order or range(6)):
        expected = make(CASES[name]).run([data[row], biases[row]])
        for result, one in zip(results, expected, strict=True):
            np.testing.assert_array_equal(result[at], one)


def test_an_assigned_value_is_also_an_output() -> None:
    cell = _core.Cell(X)
    graph = _core.Graph()
    x, old = graph.input("x", X.shape, "float32"), graph.read(cell)
    (new,) = graph.push("binary", {"function": "add"}, [x, old])
    graph.assign(cell, new)
    program = graph.compile([new, old, x])
    for times in (1, 2):
        values = program.run([X])
        for value, factor in zip(values, (times + 1, times, 1), strict=True):
            np.testing.assert_allclose(value, factor * X, rtol=1e-6)
        np.testing.assert_array_equal(cell.read(), values[0])


def test_a_feed_is_assigned() -> None:
    cell = _core.Cell(np.zeros_like(X))
    graph = _core.Graph()
    x = graph.input("x", X.shape, "float32")
    graph.assign(cell, x)
    (result,) = graph.compile([x]).run([X])
    np.testing.assert_array_equal(cell.read(), X)
    np.testing.assert_array_equal(result, X)


def test_an_error_leaves_the_feeds_and_the_program_whole() -> None:
    graph = _core.Graph()
    table, at = graph.input("x", X.shape, "float32"), graph.input("i", [2], "int32")
    (y,) = graph.push("gather", {"axis": 0}, [table, at])
    program = graph.compile([y])
    with pytest.raises(_core.DataError):
        program.run([X, np.array([0, 6], "int32")])
    (rows,) = program.run([X, np.array([5, 0], "int32")])
    np.testing.assert_array_equal(rows, X[[5, 0]])
