"""jacobian, hessian_vector_product and vmap: numbers derived by hand, on arrays and in programs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as keras
from chainrule import GradientTape, Variable, hessian_vector_product, jacobian, ops, vmap
from chainrule.errors import DTypeError, ShapeError
from tests.test_tape import both, compiled

RNG = np.random.default_rng(3)


def test_the_jacobian_of_a_linear_map_is_its_matrix() -> None:
    a, x = RNG.normal(size=(3, 4)), RNG.normal(size=4)
    found = jacobian(lambda x: ops.tanh(ops.matmul(a, x)))(x)
    expected = (1 - np.tanh(a @ x) ** 2)[:, None] * a
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_jacobians_of_several_arguments_and_values() -> None:
    def f(x: Any, w: Any) -> Any:
        return {"product": x * w["a"], "sum": ops.sum(x * x)}

    x, w = RNG.normal(size=(2, 3)), {"a": RNG.normal(size=3), "b": RNG.normal(size=2)}
    found = jacobian(f, argnums=(0, 1))(x, w)
    by_x, by_w = found["product"]
    unit = np.eye(6).reshape(2, 3, 2, 3)
    np.testing.assert_allclose(by_x, unit * w["a"], rtol=1e-12)
    expected = np.einsum("ij,jk->ijk", x, np.eye(3))
    np.testing.assert_allclose(by_w["a"], expected, rtol=1e-12)
    assert by_w["b"].shape == (2, 3, 2) and not by_w["b"].any()
    np.testing.assert_allclose(found["sum"][0], 2 * x, rtol=1e-12)


def test_the_jacobian_of_a_jacobian_is_the_hessian() -> None:
    def f(x: Any) -> Any:
        return ops.sum(x**3) * x[0]

    x = np.array([1.0, 2.0, -1.5])
    found = jacobian(jacobian(f))(x)
    s, d = np.sum(x**3), 3 * x**2
    expected = np.diag(6 * x * x[0])
    expected[0, :] += d
    expected[:, 0] += d
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
    assert s != 0


def test_jacobians_by_variables_and_through_recurrences() -> None:
    w = Variable(np.array(0.5))

    def f(x: Any) -> Any:
        last, all_of_them = ops.scan(lambda c, t: (ops.tanh(c * w + t), c * t), 0.1 * x[0], x)
        return ops.stack([last, ops.sum(all_of_them)])

    x = np.array([0.3, -0.7, 1.2])
    found = jacobian(f)(x)
    expected = np.stack([keras.grad(lambda x: f(x)[i])(x) for i in range(2)])
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    by_w = jacobian(lambda v: v * x)(w)
    np.testing.assert_allclose(by_w, x)


def test_a_jacobian_in_a_program_is_the_same() -> None:
    x = RNG.normal(size=5).astype("float32")
    f = jacobian(lambda x: ops.softmax(x))
    np.testing.assert_array_equal(compiled(f, x), f(x))
    p = np.exp(x) / np.exp(x).sum()
    np.testing.assert_allclose(f(x), np.diag(p) - np.outer(p, p), atol=1e-6)


def test_jacobians_refuse_what_is_not_float() -> None:
    with pytest.raises(DTypeError, match=r"jacobian: .*int32"):
        jacobian(lambda x: ops.argmax(x))(np.ones(3))
    with pytest.raises(DTypeError, match=r"jacobian: argument 0 must be float"):
        jacobian(lambda x: x)(np.ones(3, "int32"))
    with pytest.raises(TypeError, match="a function"):
        jacobian(3)  # type: ignore[arg-type]


def test_tapes_give_jacobians() -> None:
    w = Variable(np.array([[1.0, 2.0], [3.0, 4.0]]))

    def f(x: Any) -> Any:
        with GradientTape(persistent=True) as tape:
            x = tape.watch(x)
            y = ops.matmul(x, w) ** 2
        fixed = Variable(np.zeros(3))
        return (
            tape.jacobian(y, [x, w, fixed]),
            tape.batch_jacobian(y, x),
            tape.jacobian(y, fixed, unconnected_gradients="zero"),
        )

    x = np.array([[1.0, -1.0], [0.5, 2.0], [3.0, 0.0]])
    (by_x, by_w, none), batched, zeros = both(f, x)
    z = x @ w.numpy()
    samples = 2 * z[:, :, None] * w.numpy().T
    np.testing.assert_allclose(batched, samples, rtol=1e-12)
    np.testing.assert_allclose(by_x[1, :, 1], samples[1], rtol=1e-12)
    assert not by_x[1, :, 0].any() and none is None and zeros.shape == (3, 2, 3)
    np.testing.assert_allclose(by_w[0, 1], 2 * z[0, 1] * x[0][:, None] * [0.0, 1.0], rtol=1e-12)


def test_second_derivatives_through_a_jacobian_of_a_tape() -> None:
    def f(x: Any) -> Any:
        with GradientTape() as outer:
            x = outer.watch(x)
            with GradientTape() as inner:
                x = inner.watch(x)
                y = x**3
            rows = inner.jacobian(y, x)
            trace = ops.sum(ops.diagonal(rows))
        return outer.gradient(trace, x)

    np.testing.assert_allclose(both(f, np.array([1.0, -2.0])), [6.0, -12.0], rtol=1e-12)


def test_jacobians_of_a_tape_refuse() -> None:
    with GradientTape(persistent=True) as tape:
        x = tape.watch(np.ones((2, 3)))
        y = x[:1]
    with pytest.raises(ShapeError, match=r"\(1, 3\) and \(2, 3\)"):
        tape.batch_jacobian(y, x)
    with pytest.raises(ValueError, match="one target, got 2"):
        tape.jacobian([y, y], x)


def test_hessian_vector_products() -> None:
    a = RNG.normal(size=(4, 4))
    x, v = RNG.normal(size=4), RNG.normal(size=4)

    def f(x: Any) -> Any:
        return ops.sum(x * ops.matmul(a, x)) + ops.sum(x**4)

    found = hessian_vector_product(f, x, v)
    np.testing.assert_allclose(found, (a + a.T) @ v + 12 * x**2 * v, rtol=1e-12)
    inside = compiled(lambda x, v: hessian_vector_product(f, x, v), x, v)
    np.testing.assert_array_equal(inside, found)


def test_hessian_vector_products_of_structures_and_variables() -> None:
    w = Variable(np.array([1.0, 2.0]))
    point = {"w": w, "b": np.array(3.0)}
    vector = {"w": np.array([1.0, 0.0]), "b": np.array(-1.0)}
    # f = b sum(w^2): H_ww = 2 b I, H_wb = 2 w
    found = hessian_vector_product(lambda p: p["b"] * ops.sum(p["w"] ** 2), point, vector)
    np.testing.assert_allclose(found["w"], [6.0 - 2.0, -4.0])
    np.testing.assert_allclose(found["b"], 2.0)


def test_hessian_vector_products_refuse() -> None:
    x = np.ones(3)
    with pytest.raises(ShapeError, match=r"\(3,\), as x, got \(2,\)"):
        hessian_vector_product(ops.sum, x, np.ones(2))
    with pytest.raises(ShapeError, match="scalar"):
        hessian_vector_product(ops.square, x, x)
    with pytest.raises(ValueError):
        hessian_vector_product(ops.sum, x, [x])


def test_vmap_maps_over_an_axis_of_each_argument() -> None:
    def f(a: Any, b: Any, c: Any) -> Any:
        return ops.sum(a * b) + c

    a, b, c = RNG.normal(size=(5, 3)), RNG.normal(size=(3, 5)), np.array(2.0)
    mapped = vmap(f, in_axes=(0, 1, None))
    expected = [f(a[i], b[:, i], c) for i in range(5)]
    np.testing.assert_array_equal(mapped(a, b, c), expected)
    np.testing.assert_array_equal(compiled(mapped, a, b, c), expected)


def test_vmap_of_structures_and_out_axes() -> None:
    def f(p: Any) -> Any:
        return {"outer": p["x"][:, None] * p["y"], "n": p["n"] + 1}

    p = {"x": RNG.normal(size=(4, 2)), "y": RNG.normal(size=(3, 4)), "n": np.arange(4)}
    axes = {"x": 0, "y": 1, "n": 0}
    found = vmap(f, in_axes=(axes,), out_axes={"outer": -1, "n": 0})(p)
    np.testing.assert_array_equal(found["outer"], np.einsum("ni,jn->ijn", p["x"], p["y"]))
    assert found["n"].tolist() == [1, 2, 3, 4] and found["n"].dtype == p["n"].dtype


def test_vmap_of_gradients_gives_one_for_each_sample() -> None:
    w = Variable(np.array([1.0, -2.0]))
    x, y = RNG.normal(size=(6, 2)), RNG.normal(size=6)

    def loss(w: Any, x: Any, y: Any) -> Any:
        return (ops.sum(w * x) - y) ** 2

    found = vmap(keras.grad(loss), in_axes=(None, 0, 0))(w.numpy(), x, y)
    expected = 2 * (x @ w.numpy() - y)[:, None] * x
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    read = vmap(lambda x: ops.sum(w * x))(x)
    np.testing.assert_allclose(read, x @ w.numpy(), rtol=1e-12)


def test_gradients_and_jacobians_of_vmap() -> None:
    x = RNG.normal(size=(3, 2))
    f = vmap(lambda r: r[0] * r[1] ** 2)
    slope = keras.grad(lambda x: ops.sum(f(x)))(x)
    expected = np.stack([x[:, 1] ** 2, 2 * x[:, 0] * x[:, 1]], axis=1)
    np.testing.assert_allclose(slope, expected, rtol=1e-12)
    rows = vmap(jacobian(lambda r: ops.stack([r[0] * r[1], r[0] ** 2])))(x)
    by_hand = np.stack(
        [np.stack([x[:, 1], x[:, 0]], 1), np.stack([2 * x[:, 0], 0 * x[:, 0]], 1)], axis=1
    )
    np.testing.assert_allclose(rows, by_hand, rtol=1e-12)


def test_vmap_under_a_tape() -> None:
    mapped = vmap(lambda r: ops.sum(r**2))

    def f(x: Any) -> Any:
        with GradientTape() as tape:
            x = tape.watch(x)
            y = mapped(x)
        return tape.gradient(y, x)

    x = RNG.normal(size=(3, 2))
    np.testing.assert_allclose(both(f, x), 2 * x)


def test_nested_vmaps() -> None:
    a, b = RNG.normal(size=(3, 4)), RNG.normal(size=(5, 4))
    table = vmap(vmap(lambda x, y: ops.sum(x * y), in_axes=(None, 0)), in_axes=(0, None))
    np.testing.assert_allclose(table(a, b), a @ b.T, rtol=1e-12)


def test_vmap_refuses() -> None:
    f = vmap(lambda a, b: a + b)
    with pytest.raises(ValueError, match=r"one size .*\(2, 3\).*\(4,\)"):
        f(np.ones((2, 3)), np.ones(4))
    with pytest.raises(ValueError, match="one size"):
        vmap(lambda a: a, in_axes=None)(np.ones(2))
    with pytest.raises(ShapeError, match="axis 2 is out of bounds"):
        vmap(lambda a: a, in_axes=2)(np.ones(2))
    with pytest.raises(ValueError, match="2 entries, but 1"):
        vmap(lambda a: a, in_axes=(0, 1))(np.ones(2))
    with pytest.raises(ValueError, match="in_axes does not fit"):
        vmap(lambda a: a, in_axes=({"x": 0},))({"y": np.ones(2)})
    with pytest.raises(TypeError, match="a function"):
        vmap("no")  # type: ignore[arg-type]
