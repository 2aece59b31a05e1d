"""Loops inside a trace are one op: they give what the unrolled ones give, for any length, once compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import layers, ops, random
from chainrule.tracing.trace import Trace
from tests.compiled import assert_same_traced, run_traced

RNG = np.random.default_rng(0)


def floats(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape)


X = floats(5, 3)


def tasks(function: Callable[..., Any], *arrays: np.ndarray) -> list[str]:
    """The ops of the graph that the function makes."""
    with Trace() as trace:
        function(*(trace.input("", x.shape, x.dtype.name) for x in arrays))
    return [node["op"] for node in trace.graph.nodes()]


def running(c: Any, x: Any) -> tuple[Any, Any]:
    c = ops.tanh(c * 0.5 + x)
    return c, c * x


def structures(state: Any, row: Any) -> tuple[Any, Any]:
    a, b = state["a"], state["b"]
    new = {"a": a + row[0], "b": ops.sin(b) * row[1]}
    return new, (new["a"], [new["b"], a])


LOOPS: dict[str, Callable[[Any], Any]] = {
    "scan": lambda x: ops.scan(running, ops.zeros(3, "float64"), x),
    "reverse": lambda x: ops.scan(running, ops.zeros(3, "float64"), x, reverse=True),
    "structures": lambda x: ops.scan(
        structures, {"a": x[0], "b": x[1]}, (x, x * 2), reverse=True
    ),
    "without y": lambda x: ops.scan(lambda c, row: (c + row, None), x[0], x),
    "length": lambda x: ops.scan(lambda c, _: (c * 0.9, c), x, length=4),
    "closure": lambda x: ops.scan(lambda c, row: (c * x[1] + row, ops.matmul(x, c)), x[0], x),
    "map": lambda x: ops.map(lambda row: ops.matmul(x, ops.exp(row)), x),
    "map of several": lambda x: ops.map(lambda pair: pair[0] * pair[1], (x, x + 1)),
    "vectorized_map": lambda x: ops.vectorized_map(lambda row: ops.sum(row) * row, x),
    "fori_loop": lambda x: ops.fori_loop(0, 5, lambda i, c: c * 0.5 + x[i], x[0]),
    "fori_loop of numbers": lambda x: ops.fori_loop(
        2, 6, lambda i, c: c + x * ops.cast(i, "float64"), x
    ),
    "nested": lambda x: ops.scan(
        lambda c, row: (ops.scan(running, c, x + row)[0], ops.sum(c)), x[0], x
    ),
    "an array of the body's own": lambda x: ops.map(
        lambda row: ops.matmul(row, np.eye(3) * 2.0), x
    ),
    "cond": lambda x: ops.scan(
        lambda c, row: (ops.cond(row[0] > 0, lambda: c + row, lambda: c * 0.5), c), x[0], x
    ),
}


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_gives_the_same_in_a_trace(name: str) -> None:
    assert "scan" in tasks(LOOPS[name], X)
    assert_same_traced(LOOPS[name], X)


@pytest.mark.parametrize("name", LOOPS)
def test_gradients_are_those_of_the_steps_one_after_the_other(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def loss(x: Any) -> Any:
        leaves = cr.tree.flatten(LOOPS[name](x))
        weights = np.random.default_rng(1)
        return sum(ops.sum(leaf * weights.standard_normal(leaf.shape)) for leaf in leaves)

    got = cr.grad(loss)(X)
    monkeypatch.setattr("chainrule.ops.loops._is_one_op", lambda steps: False)
    assert "scan" not in tasks(LOOPS[name], X)
    np.testing.assert_allclose(got, cr.grad(loss)(X), rtol=1e-12, atol=1e-12)


def test_second_derivatives() -> None:
    def loss(x: Any) -> Any:
        return ops.sum(ops.scan(running, ops.zeros(3, "float64"), x)[1] ** 2)

    def slope(x: Any) -> Any:
        return ops.sum(cr.grad(loss)(x) * X)

    step = 1e-5
    way = floats(5, 3)
    measured = (slope(X + step * way) - slope(X - step * way)) / (2 * step)
    np.testing.assert_allclose(np.sum(cr.grad(slope)(X) * way), measured, rtol=1e-7)


@pytest.mark.parametrize("steps", [10, 1000])
def test_the_graph_is_as_small_for_any_number_of_steps(steps: int) -> None:
    def loop(x: Any) -> Any:
        return cr.grad(lambda x: ops.sum(ops.scan(running, ops.zeros(3, "float64"), x)[0]))(x)

    assert len(tasks(loop, np.ones((steps, 3)))) <= 12


def test_an_unknown_number_of_steps() -> None:
    x = cr.KerasTensor((None, 3))
    carry, y = ops.scan(lambda c, row: (c + row, row[:2]), ops.zeros(3), x)
    assert (carry.shape, y.shape) == ((3,), (None, 2))
    rows = cr.Input((4, 3))
    y = ops.moveaxis(ops.scan(running, rows[:, 0], ops.moveaxis(rows, 1, 0))[1], 0, 1)
    assert y.shape == (None, 4, 3)
    assert cr.Model(rows, y).predict(np.ones((7, 4, 3)), verbose=0).shape == (7, 4, 3)


def test_unroll_is_heard() -> None:
    def loop(x: Any, unroll: Any) -> Any:
        return ops.scan(running, ops.zeros(3, "float64"), x, unroll=unroll)

    assert "scan" not in tasks(lambda x: loop(x, True), X)
    assert "scan" not in tasks(lambda x: loop(x, 5), X)
    assert "scan" in tasks(lambda x: loop(x, 2), X)
    assert_same_traced(lambda x: loop(x, True), X)


UNROLLED: dict[str, Callable[[Any], Any]] = {
    "a carry that changes its dtype": lambda x: ops.scan(lambda c, r: (c + r, c), 0, x[:, 0])[0],
    "a carry that changes its shape": lambda x: ops.scan(
        lambda c, r: (ops.concatenate([c, r]), ops.sum(c)), x[0], x
    ),
    "a number as an index": lambda x: ops.fori_loop(0, 3, lambda i, c: c + [x, 2 * x, 3 * x][i], x),
    "a number as a condition": lambda x: ops.fori_loop(0, 3, lambda i, c: c + x if i else c, x),
}


@pytest.mark.parametrize("name", UNROLLED)
def test_what_no_body_can_say_is_unrolled(name: str) -> None:
    assert "scan" not in tasks(UNROLLED[name], X)
    assert_same_traced(UNROLLED[name], X)


def test_errors_are_those_of_the_steps() -> None:
    for function in (
        lambda x: ops.scan(lambda c, r: (c, c @ r[:2]), x[0], x),
        lambda x: ops.fori_loop(0, 3, lambda i, c: c @ x[i, :2], x[0]),
    ):
        with pytest.raises(cr.errors.ShapeError, match="matmul|dot"):
            run_traced(function, X)
    with pytest.raises(TypeError, match="not callable"):
        run_traced(lambda x: ops.fori_loop(0, 3, lambda i, c: x(c), x), X)


class Own(layers.Layer):
    """A loop whose body has weights, counts its steps and drops."""

    def __init__(self, unroll: bool = False) -> None:
        super().__init__()
        self.unroll = unroll
        self.dense = layers.Dense(4, activation="tanh", kernel_regularizer="l2")
        self.drop = layers.Dropout(0.5, seed=3)
        self.steps = self.add_weight(
            shape=(), initializer="zeros", trainable=False, name="steps", dtype="int32"
        )

    def build(self, shape: Any) -> None:
        self.dense.build((shape[0], shape[-1] + 4))

    def call(self, x: Any, training: Any = False) -> Any:
        def step(h: Any, row: Any) -> Any:
            self.steps.assign_add(1)
            h = self.dense(self.drop(ops.concatenate([h, row], axis=-1), training=training))
            return h, h

        start = ops.zeros((x.shape[0], 4))
        rows = ops.moveaxis(x, 1, 0)
        unroll = True if self.unroll else 1
        return ops.moveaxis(ops.scan(step, start, rows, unroll=unroll)[1], 0, 1)


def _trained(unroll: bool) -> tuple[cr.Model, list[np.ndarray]]:
    cr.utils.set_random_seed(0)
    model = cr.Sequential([cr.Input((6, 3)), Own(unroll), layers.Dense(1)])
    model.compile(cr.optimizers.SGD(0.1), "mse")
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((20, 6, 3)), rng.standard_normal((20, 6, 1))
    model.fit(x, y, batch_size=8, epochs=3, shuffle=False, verbose=0)
    return model, [np.asarray(w) for w in model.get_weights()]


def test_weights_dropout_and_counters_of_a_body() -> None:
    model, looped = _trained(False)
    _, unrolled = _trained(True)
    for a, b in zip(looped, unrolled, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-6)
    assert int(model.layers[0].steps.numpy()) == 6 * 9


def test_check_gradients_of_a_body() -> None:
    cr.utils.set_random_seed(0)
    model = cr.Sequential([cr.Input((6, 3)), Own(), layers.Dense(1)])
    model.compile("sgd", "mse")
    report = model.check_gradients(floats(4, 6, 3), floats(4, 6, 1))
    assert report.ok, report


def test_numbers_at_random_differ_from_step_to_step() -> None:
    seed = random.SeedGenerator(5)

    def draws(x: Any) -> Any:
        return ops.map(lambda row: row + random.normal((3,), seed=seed), x)

    with Trace() as trace:
        x = trace.input("", X.shape, "float32")
        y = trace.lift(draws(x))
    assert [node["op"] for node in trace.graph.nodes()].count("scan") == 1
    program = trace.compile([y])
    zeros = np.zeros(X.shape, "float32")
    first, second = program.run([zeros])[0], program.run([zeros])[0]
    rows = np.concatenate([first, second])
    assert len({row.tobytes() for row in rows}) == len(rows)
    seed.state.assign(np.array([5, 0], "uint32"))
    np.testing.assert_array_equal(first, draws(zeros))
    assert seed.state.numpy().tolist() == [5, 5]
