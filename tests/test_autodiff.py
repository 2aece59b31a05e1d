"""value_and_grad against finite differences and by hand."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import StatelessScope, Variable, errors, grad, ops, value_and_grad

RNG = np.random.default_rng(1)


def differences(f, x, step=1e-6):
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        high, low = x.copy(), x.copy()
        high[index] += step
        low[index] -= step
        gradient[index] = (float(f(high)) - float(f(low))) / (2 * step)
    return gradient


FUNCTIONS = {
    "quadratic": lambda x: ops.sum(ops.square(x)),
    "network": lambda x: ops.mean(ops.tanh(ops.matmul(x, np.ones((3, 2)))) ** 2),
    "softmax": lambda x: ops.sum(ops.softmax(x) * np.arange(3.0)),
    "logsumexp": lambda x: ops.logsumexp(ops.sin(x)),
    "max": lambda x: ops.sum(ops.max(x, axis=1)),
    "norm": lambda x: ops.norm(x),
    "gelu": lambda x: ops.sum(ops.gelu(x)),
    "exact gelu": lambda x: ops.sum(ops.gelu(x, approximate=False)),
    "selu": lambda x: ops.sum(ops.selu(x)),
    "sparsemax": lambda x: ops.sum(ops.sparsemax(x) * np.arange(3.0)),
    "layer norm": lambda x: ops.sum(ops.layer_normalization(x, epsilon=1e-3) ** 3),
    "rms norm": lambda x: ops.sum(ops.rms_normalization(x, epsilon=1e-3) ** 3),
    "index": lambda x: ops.sum(x[0] * x[1, ::-1]),
    "gather": lambda x: ops.sum(ops.take(x, np.array([2, 0, 2]), 1) ** 2),
    "sort": lambda x: ops.sum(ops.sort(x, 1) * np.arange(3.0)),
    "cumsum": lambda x: ops.sum(ops.cumsum(x, 0) ** 2),
    "cumprod": lambda x: ops.sum(ops.cumprod(x, 1)),
    "einsum": lambda x: ops.einsum("ij,kj,kl->", x, x, x),
    "std": lambda x: ops.sum(ops.std(x, axis=0)),
    "top_k": lambda x: ops.sum(ops.top_k(x, 2)[0] ** 2),
    "scan": lambda x: ops.sum(ops.scan(lambda c, r: (c * r, c + r), ops.ones(3, "float64"), x)[1]),
    "concatenate": lambda x: ops.sum(ops.concatenate([x, x * x], 0) ** 2),
    "pad": lambda x: ops.sum(ops.pad(x, 1, constant_values=2.0) ** 2),
    "divide_no_nan": lambda x: ops.sum(ops.divide_no_nan(1.0, x)),
    "cdist": lambda x: ops.sum(ops.cdist(x, 2 * x[::-1] + 1)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_against_finite_differences(name):
    f, x = FUNCTIONS[name], RNG.normal(size=(2, 3))
    value, gradient = value_and_grad(f)(x)
    assert value.item() == pytest.approx(float(f(x)), rel=1e-14)
    np.testing.assert_allclose(gradient, differences(f, x), rtol=1e-6, atol=1e-8)


def test_in_a_stateless_scope_variables_have_its_numbers():
    v = Variable([3.0])
    slope = grad(lambda x: ops.sum(x * v))
    found = []
    for value in (5.0, 7.0):
        with StatelessScope([(v, [value])]):
            found.append(slope(np.ones(1, "float32")).item())
    assert [*found, slope(np.ones(1, "float32")).item()] == [5.0, 7.0, 3.0]


def test_several_arguments():
    def f(a, b, scale):
        return ops.sum(a * b["w"]) * scale

    a, b = np.array([1.0, 2.0]), {"w": np.array([3.0, 4.0])}
    value, (da, db) = value_and_grad(f, argnums=(0, 1))(a, b, 2.0)
    assert value.item() == 22.0
    assert (da.tolist(), db["w"].tolist()) == ([6.0, 8.0], [2.0, 4.0])
    assert grad(f, argnums=2)(a, b, 2.0).item() == 11.0


def test_has_aux():
    step = value_and_grad(lambda x: (ops.sum(x), {"double": 2 * x}), has_aux=True)
    (value, aux), gradient = step(np.array([1.0, 2.0]))
    assert (value.item(), aux["double"].tolist()) == (3.0, [2.0, 4.0])
    assert gradient.tolist() == [1.0, 1.0]
    assert grad(lambda x: (ops.sum(x), "note"), has_aux=True)(np.ones(1))[1] == "note"


def test_variables():
    w = Variable([1.0, 2.0])
    calls = []

    def loss(w, x):
        calls.append(1)
        return ops.sum(ops.square(w * x))

    step = value_and_grad(loss)
    x = np.ones(2, "float32")
    assert step(w, x)[1].tolist() == [2.0, 4.0]
    w.assign([3.0, 3.0])
    assert step(w, x)[1].tolist() == [6.0, 6.0]
    assert len(calls) == 1
    step(w, np.ones((3, 2), "float32"))
    assert len(calls) == 2


def test_second_derivative():
    third = grad(grad(grad(lambda x: x**5)))
    assert third(np.array(2.0)).item() == pytest.approx(60 * 2.0**2)
    slope = grad(lambda y: ops.sum(y**3))
    hessian_vector = grad(lambda x: ops.sum(slope(x) * np.array([1.0, 2.0])))
    assert hessian_vector(np.array([1.0, 1.0])).tolist() == [6.0, 12.0]


def test_stop_gradient():
    assert grad(lambda x: x * ops.stop_gradient(x))(np.array(3.0)).item() == 3.0


def test_unused_arguments_have_zero_gradient():
    assert grad(lambda x, y: ops.sum(x), argnums=1)(np.ones(2), np.ones(3)).tolist() == [0, 0, 0]


def test_bad_calls():
    with pytest.raises(errors.ShapeError, match=r"scalar, got shape \(2,\)"):
        value_and_grad(lambda x: x)(np.ones(2))
    with pytest.raises(errors.DTypeError, match="must be float"):
        value_and_grad(lambda x: ops.sum(x))(np.arange(3))
    with pytest.raises(errors.DTypeError, match="return a float"):
        value_and_grad(lambda x: ops.argmax(x))(np.ones(3))
    with pytest.raises(ValueError, match="argnums=1"):
        value_and_grad(lambda x: ops.sum(x), argnums=1)(np.ones(3))
    with pytest.raises(TypeError, match="function"):
        value_and_grad(3)


def test_inside_another_function_an_argument_stands_for_itself_alone() -> None:
    """Not for other arguments of the same value, nor for what the function finds around it."""

    def f(x):
        by_both = value_and_grad(lambda a, b: ops.sum(a * b * b), argnums=(0, 1))(x, x)[1]
        beside = value_and_grad(lambda a: ops.sum(a * x * x))(x)[1]
        return ops.sum(by_both[0] + 10.0 * by_both[1] + 100.0 * beside), None

    (value, _), slope = value_and_grad(f, has_aux=True)(np.array([3.0]))
    # a' = x^2, b' = 2 x^2, beside = x^2: 121 x^2
    assert (value.item(), slope.item()) == (121 * 9.0, 242 * 3.0)
