"""Values and derivatives of composed functions against closed forms: at 0, at ties, at both infinities,
at NaN, at the edges of clipping, and where squares overflow or vanish.

A derivative at a kink may be anything between the slopes to both sides; elsewhere it is the closed
form's, whatever kinks the parts have that the function is made of.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import activations, losses, ops

inf = float("inf")
Array = Any
Function = Callable[[Array], Array]

POINTS = [
    -inf, -1e30, -1e9, -1000.0, -100.0, -20.0, -6.0, -4.0, -3.0, -2.0, -1.5, -1.0, -0.5, -1e-3, -1e-7,
    -1e-30, -0.0, 0.0, 1e-30, 1e-7, 1e-3, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 20.0, 100.0, 1000.0, 1e9,
    1e30, inf, math.nan,
]  # fmt: skip
DTYPES = ("float32", "float64")


@dataclass
class Row:
    """A function with its closed form, its derivative, and the slopes to both sides of its kinks."""

    name: str
    function: Function
    value: Function
    slope: Function
    kinks: dict[float, tuple[float, float]] = field(default_factory=dict)
    points: list[float] = field(default_factory=lambda: POINTS)

    def __str__(self) -> str:
        return self.name


def _sigmoid(x: Array) -> Array:
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + e), e / (1 + e))


def _softplus(x: Array) -> Array:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _limits(f: Function, low: float, high: float) -> Function:
    """f, with its limits at both infinities (`high` = inf stands for x itself)."""

    def limited(x: Array) -> Array:
        finite = np.where(np.isinf(x), 0.0, x)
        return np.where(x == -inf, low, np.where(x == inf, high, f(finite)))

    return limited


def _tail(f: Function, far: float, low: float, high: float | None) -> Function:
    """f up to |x| = far, and its limits beyond; None stands for x."""

    def limited(x: Array) -> Array:
        near = f(np.where(np.abs(x) > far, 0.0, x))
        return np.where(x < -far, low, np.where(x > far, x if high is None else high, near))

    return limited


def _mish_slope(x: Array) -> Array:
    t = np.tanh(_softplus(x))
    return t + x * (1 - t * t) * _sigmoid(x)


def _phi(x: Array) -> Array:
    return np.vectorize(lambda v: 0.5 * math.erfc(-v / math.sqrt(2)), otypes=[float])(x)


def _gelu_inner(x: Array) -> tuple[Array, Array]:
    c = math.sqrt(2 / math.pi)
    return np.tanh(c * (x + 0.044715 * x**3)), c * (1 + 3 * 0.044715 * x * x)


def _gelu_slope(x: Array) -> Array:
    t, inner = _gelu_inner(x)
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * inner


def _sinc_slope(x: Array) -> Array:
    y = math.pi * np.where(x == 0, 1.0, x)
    large = (np.cos(y) - np.sin(y) / y) / y * math.pi
    y = math.pi * x
    small = math.pi * (-y / 3 + y**3 / 30 - y**5 / 840 + y**7 / 45360)
    return np.where(np.abs(x) < 0.01, small, large)


def _hypot_slope(other: float) -> Function:
    def slope(x: Array) -> Array:
        if math.isinf(other):
            return np.where(np.isnan(x), math.nan, np.where(np.isinf(x), np.sign(x), 0.0))
        scale = np.where(np.isinf(x), 1.0, np.maximum(np.abs(x), max(other, 1e-300)))
        u, v = np.where(np.isinf(x), np.sign(x), x / scale), other / scale
        return u / np.hypot(u, np.where(np.isinf(x), 0.0, v))

    return slope


RELU = {0.0: (0.0, 1.0)}
ROWS = [
    Row("relu", activations.relu, lambda x: np.maximum(x, 0), lambda x: 1.0 * (x > 0), RELU),
    *(
        Row(f"relu with a slope of {a} and a limit of {limit}",
            lambda x, a=a, limit=limit: activations.relu(x, negative_slope=a, max_value=limit),
            lambda x, a=a, limit=limit: np.where(x > 0, np.minimum(x, limit or inf), a * x),
            lambda x, a=a, limit=limit: np.where(x > 0, 1.0 * (x < (limit or inf)) + (x == inf) * (limit is None), a),
            {**({0.0: (min(a, 1.0), max(a, 1.0))} if a != 1 else {}), **({limit: (0.0, 1.0)} if limit else {})})
        for a in (0.25, 1.0) for limit in (None, 4.0)
    ),
    Row("relu6", ops.relu6, lambda x: np.clip(x, 0, 6), lambda x: 1.0 * ((x > 0) & (x < 6)),
        {0.0: (0, 1), 6.0: (0, 1)}),
    Row("leaky_relu", ops.leaky_relu, lambda x: np.where(x > 0, x, 0.2 * x),
        lambda x: np.where(x > 0, 1.0, 0.2), {0.0: (0.2, 1)}),
    Row("leaky_relu of slope 1", lambda x: ops.leaky_relu(x, 1.0), lambda x: x, np.ones_like),
    Row("elu", ops.elu, lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
        lambda x: np.exp(np.minimum(x, 0))),
    Row("elu of 0.5", lambda x: ops.elu(x, 0.5), lambda x: np.where(x > 0, x, 0.5 * np.expm1(np.minimum(x, 0))),
        lambda x: np.where(x > 0, 1.0, 0.5 * np.exp(np.minimum(x, 0))), {0.0: (0.5, 1)}),
    *(
        Row(f"celu of {a}", lambda x, a=a: ops.celu(x, a),
            lambda x, a=a: np.where(x > 0, x, a * np.expm1(np.minimum(x, 0) / a)),
            lambda x, a=a: np.exp(np.minimum(x, 0) / a))
        for a in (0.5, 1.0, 3.0)
    ),
    Row("selu", ops.selu,
        lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0))),
        lambda x: 1.0507009873554805 * np.where(x > 0, 1, 1.6732632423543772 * np.exp(np.minimum(x, 0))),
        {0.0: (1.05, 1.7581)}),
    Row("softplus", ops.softplus, _softplus, _sigmoid),
    Row("log_sigmoid", ops.log_sigmoid, lambda x: -_softplus(-x), lambda x: _sigmoid(-x)),
    Row("sigmoid", ops.sigmoid, _sigmoid, lambda x: _sigmoid(x) * _sigmoid(-x)),
    Row("tanh", ops.tanh, np.tanh, lambda x: 1 - np.tanh(x) ** 2),
    Row("tanh_shrink", ops.tanh_shrink, lambda x: x - np.tanh(x), lambda x: np.tanh(x) ** 2),
    Row("softsign", ops.softsign, _limits(lambda x: x / (1 + np.abs(x)), -1, 1),
        lambda x: 1 / (1 + np.abs(x)) ** 2),
    Row("silu", ops.silu, _limits(lambda x: x * _sigmoid(x), 0, inf),
        _limits(lambda x: _sigmoid(x) * (1 + x * _sigmoid(-x)), 0, 1)),
    Row("mish", activations.mish, _tail(lambda x: x * np.tanh(_softplus(x)), 1e3, 0, None),
        _tail(_mish_slope, 1e3, 0, 1)),
    Row("gelu", ops.gelu, _tail(lambda x: 0.5 * x * (1 + _gelu_inner(x)[0]), 1e2, 0, None),
        _tail(_gelu_slope, 1e2, 0, 1)),
    Row("gelu by erf", lambda x: ops.gelu(x, approximate=False), _tail(lambda x: x * _phi(x), 1e2, 0, None),
        _tail(lambda x: _phi(x) + x * np.exp(-x * x / 2) / math.sqrt(2 * math.pi), 1e2, 0, 1)),
    Row("squareplus", ops.squareplus, _tail(lambda x: (x + np.sqrt(x * x + 4)) / 2, 1e10, 0, None),
        _tail(lambda x: (1 + x / np.sqrt(x * x + 4)) / 2, 1e10, 0, 1)),
    Row("sparse_plus", ops.sparse_plus, _tail(lambda x: (x + 1) ** 2 / 4, 1, 0, None),
        _tail(lambda x: (x + 1) / 2, 1, 0, 1)),
    Row("sparse_sigmoid", ops.sparse_sigmoid, lambda x: np.clip((x + 1) / 2, 0, 1),
        lambda x: 0.5 * (np.abs(x) < 1), {-1.0: (0, 0.5), 1.0: (0, 0.5)}),
    Row("hard_sigmoid", ops.hard_sigmoid, lambda x: np.clip(x / 6 + 0.5, 0, 1),
        lambda x: (np.abs(x) < 3) / 6, {-3.0: (0, 1 / 6), 3.0: (0, 1 / 6)}),
    Row("hard_silu", ops.hard_silu, _tail(lambda x: x * (x / 6 + 0.5), 3, 0, None),
        _tail(lambda x: x / 3 + 0.5, 3, 0, 1), {-3.0: (-0.5, 0), 3.0: (1, 1.5)}),
    Row("hard_tanh", ops.hard_tanh, lambda x: np.clip(x, -1, 1), lambda x: 1.0 * (np.abs(x) < 1),
        {-1.0: (0, 1), 1.0: (0, 1)}),
    Row("hard_shrink", ops.hard_shrink, lambda x: np.where(np.abs(x) <= 0.5, 0, x),
        lambda x: 1.0 * (np.abs(x) > 0.5), {-0.5: (0, 1), 0.5: (0, 1)}),
    Row("soft_shrink", ops.soft_shrink, lambda x: x - np.clip(x, -0.5, 0.5),
        lambda x: 1.0 * (np.abs(x) > 0.5), {-0.5: (0, 1), 0.5: (0, 1)}),
    Row("threshold", lambda x: ops.threshold(x, 1.0, -2.0), lambda x: np.where(x <= 1, -2, x),
        lambda x: 1.0 * (x > 1), {1.0: (0, 1)}),
    Row("abs", ops.abs, np.abs, np.sign, {0.0: (-1, 1)}),
    Row("cbrt", ops.cbrt, np.cbrt, lambda x: 1 / (3 * np.cbrt(x) ** 2),
        points=[x for x in POINTS if abs(x) > 1e-20 or x == 0]),
    Row("sinc", ops.sinc, np.sinc, _sinc_slope, points=[x for x in POINTS if not abs(x) > 20]),
    Row("fmod by 7", lambda x: ops.fmod(x, 7.0), lambda x: np.fmod(x, 7.0), np.ones_like,
        points=[x for x in POINTS if abs(x) < 1000]),
    *(
        Row(f"logaddexp with {other}", lambda x, other=other: ops.logaddexp(x, other),
            lambda x, other=other: np.logaddexp(x, other),
            lambda x, other=other: np.where(x == other, 0.5, _sigmoid(np.where(x == other, 0.0, x) - other)))
        for other in (0.0, -1.5, -inf, inf)
    ),
    *(
        Row(f"hypot with {other}", lambda x, other=other: ops.hypot(x, other),
            lambda x, other=other: np.hypot(x, other), _hypot_slope(other),
            {} if other else {0.0: (-1, 1)})
        for other in (0.0, 3.0, inf)
    ),
    Row("arctan2 over 1", lambda x: ops.arctan2(x, 1.0), np.arctan, lambda x: 1 / (1 + x * x)),
    *(
        Row(f"power of {p}", lambda x, p=p: ops.power(x, p), lambda x, p=p: np.power(x, p),
            lambda x, p=p: p * np.power(x, p - 1), points=[x for x in POINTS if abs(x) < 1e9 and (x == 0 or abs(x) > 1e-9)])
        for p in (1.0, 2.0, 3.0)
    ),
    Row("norm of one", lambda x: ops.norm(ops.expand_dims(x, -1), axis=-1), np.abs, np.sign, {0.0: (-1, 1)},
        [x for x in POINTS if x == 0 or 1e-15 < abs(x) < 1e15]),
    Row("norm of order 3 of one", lambda x: ops.norm(ops.expand_dims(x, -1), 3, axis=-1), np.abs, np.sign,
        {0.0: (-1, 1)}, [x for x in POINTS if x == 0 or 1e-4 < abs(x) < 1e9]),
    Row("huber", lambda x: losses.huber(ops.zeros_like(ops.expand_dims(x, -1)), ops.expand_dims(x, -1)),
        lambda x: np.where(np.abs(x) <= 1, np.where(np.abs(x) > 1, 0, x) ** 2 / 2, np.abs(x) - 0.5),
        lambda x: np.clip(x, -1, 1)),
    Row("log_cosh", lambda x: losses.log_cosh(ops.zeros_like(ops.expand_dims(x, -1)), ops.expand_dims(x, -1)),
        lambda x: np.abs(x) + np.log1p(np.exp(-2 * np.abs(x))) - math.log(2), np.tanh),
    Row("squared_hinge", lambda x: losses.squared_hinge(ops.ones_like(ops.expand_dims(x, -1)) , ops.expand_dims(x, -1)),
        lambda x: np.maximum(1 - x, 0) ** 2, lambda x: -2 * np.maximum(1 - x, 0),
        points=[x for x in POINTS if not abs(x) > 1e9 or x == inf]),
    Row("hinge", lambda x: losses.hinge(ops.ones_like(ops.expand_dims(x, -1)), ops.expand_dims(x, -1)),
        lambda x: np.maximum(1 - x, 0), lambda x: -1.0 * (x < 1), {1.0: (-1, 0)}),
    *(
        Row(f"binary cross-entropy of logits, target {t}",
            lambda x, t=t: ops.binary_crossentropy(ops.full_like(x, t), x, from_logits=True),
            lambda x, t=t: np.where(np.isinf(x), np.where(np.where(x > 0, 1 - t, t) == 0, 0, inf),
                                    _softplus(x) - np.where(np.isinf(x), 0.0, x) * t),
            lambda x, t=t: _sigmoid(x) - t)
        for t in (0.0, 0.5, 1.0)
    ),
]  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_values_and_derivatives(row: Row, dtype: str) -> None:
    x = np.array(row.points, dtype)
    with np.errstate(all="ignore"):
        value, slope = row.value(x.astype("float64")), row.slope(x.astype("float64"))
        value = np.asarray(value).astype(dtype).astype("float64")
    slope = np.where(np.isnan(x), math.nan, slope)
    got = np.asarray(row.function(x), "float64")
    gradient = np.asarray(cr.grad(lambda a: ops.sum(row.function(a)))(x), "float64")
    allowed = 64 * float(np.finfo(dtype).eps)
    for point, y, want, d, wanted in zip(row.points, got, value, gradient, slope, strict=True):
        assert _close(y, want, allowed), f"{row}({point}) = {y}, expected {want}"
        if math.isnan(point):
            continue
        if point in row.kinks:
            low, high = row.kinks[point]
            assert low - allowed <= d <= high + allowed, f"{row}'({point}) = {d}: {low} to {high}"
        else:
            assert _close(d, wanted, allowed), f"{row}'({point}) = {d}, expected {wanted}"


def _close(got: float, want: float, allowed: float) -> bool:
    if math.isnan(want) or math.isinf(want):
        return bool(got == want or (math.isnan(got) and math.isnan(want)))
    return abs(got - want) <= allowed * (1 + abs(want))


# name, function, arguments, its value, its gradients
CASES: list[tuple[str, Callable[..., Any], list[Any], Any, list[Any]]] = [
    ("norm at 0", lambda x: ops.norm(x, axis=-1), [[0, 0]], 0, [[0, 0]]),
    ("norm of order 1 with a 0", lambda x: ops.norm(x, 1), [[0, 3]], 3, [[0, 1]]),
    ("norm of order 3 at 0", lambda x: ops.norm(x, 3), [[0, 0]], 0, [[0, 0]]),
    ("norm of order -1 with a 0", lambda x: ops.norm(x, -1), [[0, 3]], 0, [[0, 0]]),
    ("normalize at 0", lambda x: ops.normalize(x, epsilon=0.5)[0], [[0, 0]], 0, [[2, 0]]),
    ("normalize of order 1 at 0", lambda x: ops.normalize(x, order=1, epsilon=0.5)[0], [[0, 0]], 0, [[2, 0]]),
    ("normalize", lambda x: ops.normalize(x)[0], [[3, 4]], 0.6, [[0.128, -0.096]]),
    ("std of equals", ops.std, [[2, 2, 2]], 0, [[0, 0, 0]]),
    ("var of equals", ops.var, [[2, 2, 2]], 0, [[0, 0, 0]]),
    ("nanstd", ops.nanstd, [[1, 3, math.nan]], 1, [[-0.5, 0.5, 0]]),
    ("nanvar", ops.nanvar, [[1, 3, math.nan]], 1, [[-1, 1, 0]]),
    ("cdist of equals", lambda x, y: ops.sum(ops.cdist(x, y)), [[[1, 2]], [[1, 2], [4, 6]]], 5,
     [[[-0.6, -0.8]], [[0, 0], [0.6, 0.8]]]),
    ("hypot of equals", ops.hypot, [3, 3], math.sqrt(18), [math.sqrt(0.5), math.sqrt(0.5)]),
    ("hypot at 0", ops.hypot, [0, 0], 0, [0, 0]),
    ("arctan2 at the origin", ops.arctan2, [0, 0], 0, [0, 0]),
    ("logaddexp of infinities", ops.logaddexp, [-inf, -inf], -inf, [0.5, 0.5]),
    ("logaddexp2 of infinities", ops.logaddexp2, [inf, inf], inf, [0.5, 0.5]),
    ("logsumexp of -inf", ops.logsumexp, [[-inf, -inf]], -inf, [[0.5, 0.5]]),
    ("logsumexp of inf", ops.logsumexp, [[inf, 0, -inf]], inf, [[1, 0, 0]]),
    ("softmax with -inf", lambda x: ops.softmax(x)[1], [[-inf, 0, 0]], 0.5, [[0, 0.25, -0.25]]),
    ("log_softmax with -inf", lambda x: ops.log_softmax(x)[1], [[-inf, 0, 0]], -math.log(2), [[0, 0.5, -0.5]]),
    ("cross-entropy with a logit of -inf",
     lambda x: ops.categorical_crossentropy(np.array([0, 1, 0], x.dtype), x, from_logits=True),
     [[-inf, 0, 0]], math.log(2), [[0, -0.5, 0.5]]),
    ("sparse cross-entropy with a logit of -inf",
     lambda x: ops.sparse_categorical_crossentropy(np.array(1), x, from_logits=True),
     [[-inf, 0, 0]], math.log(2), [[0, -0.5, 0.5]]),
    ("binary cross-entropy of 0 and 1", lambda x: ops.sum(ops.binary_crossentropy(np.array([0, 1], x.dtype), x)),
     [[0, 1]], None, [[0, 0]]),
    ("maximum of equals", ops.maximum, [2, 2], 2, [0.5, 0.5]),
    ("maximum with itself", lambda x: ops.maximum(x, x), [2], 2, [1]),
    ("max of equals", ops.max, [[1, 1, 0]], 1, [[0.5, 0.5, 0]]),
    ("prod with a 0", ops.prod, [[0, 2, 3]], 0, [[6, 0, 0]]),
    ("power 0 of 0", ops.power, [0, 0], 1, [0, 0]),
    ("power 1 of 0", ops.power, [0, 1], 0, [1, 0]),
    ("divide_no_nan", ops.divide_no_nan, [1, 0], 0, [0, 0]),
    ("square root at 0 of a square", lambda x: ops.sqrt(ops.square(x) + 1), [0], 1, [0]),
    ("sparsemax of equals", lambda x: ops.sparsemax(x)[0], [[1, 1, 0]], 0.5, [[0.5, -0.5, 0]]),
    ("glu with -inf", ops.glu, [[2, -inf]], 0, [[0, 0]]),
    ("cosine of zeros", lambda x: losses.cosine_similarity(np.ones(2, x.dtype), x), [[0, 0]], 0,
     [[-1e7 / math.sqrt(2), -1e7 / math.sqrt(2)]]),
    ("poisson at infinity", lambda x: losses.poisson(np.ones(1, x.dtype), x), [[inf]], inf, [[1]]),
    ("generalised cross-entropy", lambda x: losses.categorical_generalized_cross_entropy([0], x, 0.5)[0],
     [[[0, 0.5]]], 2, [[[-inf, 0]]]),
    ("focal at certainty", lambda x: losses.binary_focal_crossentropy(np.array([1, 0], x.dtype), x),
     [[1, 0]], None, [[0, 0]]),
    ("kl_divergence at 0", lambda x: losses.kl_divergence(np.array([0, 1], x.dtype), x), [[0, 0.5]], None,
     [[0, -2]]),
    ("dice of nothing", lambda x: losses.dice(np.zeros(2, x.dtype), x), [[0, 0]], 1, [[0, 0]]),
    ("orthogonal regularizer of zeros", cr.regularizers.OrthogonalRegularizer(1.0), [[[0, 0], [1, 2]]], 0,
     [[[0, 0], [0, 0]]]),
    ("l1 at 0", cr.regularizers.L1(1.0), [[0, -2]], 2, [[0, -1]]),
]  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_at_special_places(case: Any, dtype: str) -> None:
    _, function, arguments, value, gradients = case
    xs = [np.array(a, dtype) for a in arguments]
    got = np.asarray(function(*xs))
    found = cr.grad(lambda *a: ops.sum(function(*a)), argnums=tuple(range(len(xs))))(*xs)
    allowed = 64 * float(np.finfo(dtype).eps)
    if value is not None:
        np.testing.assert_allclose(got, value, rtol=allowed, atol=allowed)
    for mine, want in zip(found, gradients, strict=True):
        np.testing.assert_allclose(mine, want, rtol=allowed, atol=allowed)


@pytest.mark.parametrize("alpha", [0.25, 1.0])
def test_prelu_has_no_kink_where_alpha_is_1(alpha: float) -> None:
    layer = cr.layers.PReLU(alpha_initializer=cr.initializers.Constant(alpha))
    layer.build((None, 5))
    x = np.array([[-inf, -2.0, 0.0, 2.0, inf]], "float32")
    np.testing.assert_array_equal(layer(x), np.where(x > 0, x, alpha * x))
    slope = cr.grad(lambda a: ops.sum(layer(a)))(x)
    np.testing.assert_array_equal(slope, np.where(x > 0, 1, alpha))
    model = cr.Sequential([cr.Input((5,)), layer])
    model.compile("sgd", "mse")
    finite = np.nan_to_num(x, posinf=3.0, neginf=-3.0)
    assert model.check_gradients(np.repeat(finite, 4, 0), np.ones((4, 5))).ok
