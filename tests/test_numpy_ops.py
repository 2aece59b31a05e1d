"""`chainrule.ops` against NumPy: values, dtypes, and the compiled graph against eager."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule
from chainrule import KerasTensor, ops
from chainrule.tracing.trace import Trace
from tests.compiled import assert_same_traced, run_traced

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 4))
POSITIVE = np.abs(X) + 0.1
UNIT = RNG.uniform(-0.9, 0.9, size=(3, 4))
VECTOR = RNG.normal(size=4)
LABELS = np.array([[2, 0, 3], [1, 1, 0]])

# op, NumPy's function, input
UNARY = [
    ("exp", np.exp, X),
    ("expm1", np.expm1, X),
    ("exp2", np.exp2, X),
    ("log", np.log, POSITIVE),
    ("log1p", np.log1p, POSITIVE),
    ("log2", np.log2, POSITIVE),
    ("log10", np.log10, POSITIVE),
    ("sqrt", np.sqrt, POSITIVE),
    ("cbrt", np.cbrt, X),
    ("rsqrt", lambda x: 1 / np.sqrt(x), POSITIVE),
    ("square", np.square, X),
    ("reciprocal", np.reciprocal, POSITIVE),
    ("sin", np.sin, X),
    ("cos", np.cos, X),
    ("tan", np.tan, UNIT),
    ("arcsin", np.arcsin, UNIT),
    ("arccos", np.arccos, UNIT),
    ("arctan", np.arctan, X),
    ("sinh", np.sinh, X),
    ("cosh", np.cosh, X),
    ("tanh", np.tanh, X),
    ("arcsinh", np.arcsinh, X),
    ("arccosh", np.arccosh, POSITIVE + 1),
    ("arctanh", np.arctanh, UNIT),
    ("absolute", np.abs, X),
    ("fabs", np.fabs, X),
    ("negative", np.negative, X),
    ("sign", np.sign, X),
    ("floor", np.floor, X),
    ("ceil", np.ceil, X),
    ("trunc", np.trunc, X),
    ("round", np.round, X * 3),
    ("sinc", np.sinc, X),
    ("deg2rad", np.deg2rad, X),
    ("rad2deg", np.rad2deg, X),
    ("isfinite", np.isfinite, X),
    ("signbit", np.signbit, X),
    ("logical_not", np.logical_not, np.round(X)),
    ("angle", np.angle, X),
]

BINARY = [
    ("add", np.add),
    ("subtract", np.subtract),
    ("multiply", np.multiply),
    ("divide", np.divide),
    ("true_divide", np.divide),
    ("floor_divide", np.floor_divide),
    ("mod", np.mod),
    ("fmod", np.fmod),
    ("maximum", np.maximum),
    ("minimum", np.minimum),
    ("fmax", np.fmax),
    ("fmin", np.fmin),
    ("arctan2", np.arctan2),
    ("hypot", np.hypot),
    ("logaddexp", np.logaddexp),
    ("logaddexp2", np.logaddexp2),
    ("heaviside", np.heaviside),
    ("equal", np.equal),
    ("not_equal", np.not_equal),
    ("less", np.less),
    ("less_equal", np.less_equal),
    ("greater", np.greater),
    ("greater_equal", np.greater_equal),
    ("logical_and", np.logical_and),
    ("logical_or", np.logical_or),
    ("logical_xor", np.logical_xor),
    ("isclose", np.isclose),
]

REDUCTIONS = [
    ("sum", np.sum),
    ("mean", np.mean),
    ("prod", np.prod),
    ("max", np.max),
    ("min", np.min),
    ("var", np.var),
    ("std", np.std),
    ("ptp", np.ptp),
    ("median", np.median),
    ("nansum", np.nansum),
    ("nanmean", np.nanmean),
    ("nanmax", np.nanmax),
    ("nanvar", np.nanvar),
    ("logsumexp", lambda x, axis, keepdims: np.log(np.exp(x).sum(axis, keepdims=keepdims))),
    ("argmax", lambda x, axis, keepdims: np.argmax(x, axis, keepdims=keepdims)),
    ("argmin", lambda x, axis, keepdims: np.argmin(x, axis, keepdims=keepdims)),
]

# NumPy before 2.0 says trapz.
TRAPEZOID = ("trapezoid", "trapezoid" if hasattr(np, "trapezoid") else "trapz")

# name, function of ops or NumPy, arguments
SHARED = [
    ("reshape", lambda m, x: m.reshape(x, (2, 6)), X),
    ("reshape -1", lambda m, x: m.reshape(x, (-1, 2)), X),
    ("ravel", lambda m, x: m.ravel(x), X),
    ("squeeze", lambda m, x: m.squeeze(m.expand_dims(x, 1), 1), X),
    ("expand_dims", lambda m, x: m.expand_dims(x, (0, -1)), X),
    ("transpose", lambda m, x: m.transpose(x), X),
    ("moveaxis", lambda m, x: m.moveaxis(m.reshape(x, (3, 2, 2)), (0, 1), (2, 0)), X),
    ("swapaxes", lambda m, x: m.swapaxes(x, 0, 1), X),
    ("broadcast_to", lambda m, x: m.broadcast_to(x, (2, 3, 4)), X),
    ("flip", lambda m, x: m.flip(x, 1), X),
    ("rot90", lambda m, x: m.rot90(x, 3), X),
    ("roll", lambda m, x: m.roll(x, 5), X),
    ("roll axis", lambda m, x: m.roll(x, (-1, 2), (0, 1)), X),
    ("tile", lambda m, x: m.tile(x, (2, 1, 2)), X),
    ("repeat", lambda m, x: m.repeat(x, 3, 1), X),
    ("repeat each", lambda m, x: m.repeat(x, [1, 0, 2], 0), X),
    ("pad", lambda m, x: m.pad(x, ((1, 2), (0, 3))), X),
    ("pad value", lambda m, x: m.pad(x, 1, constant_values=7), X),
    ("pad reflect", lambda m, x: m.pad(x, ((1, 1), (2, 2)), mode="reflect"), X),
    ("pad edge", lambda m, x: m.pad(x, 2, mode="edge"), X),
    ("tril", lambda m, x: m.tril(x, -1), X),
    ("triu", lambda m, x: m.triu(x, 1), X),
    ("diag", lambda m, x: m.diag(x, -1), VECTOR),
    ("diag of matrix", lambda m, x: m.diag(x, 1), X),
    ("diagonal", lambda m, x: m.diagonal(m.reshape(x, (2, 3, 2)), -1, 1, 2), X),
    ("trace", lambda m, x: m.trace(x), X),
    ("cumsum", lambda m, x: m.cumsum(x, 1), X),
    ("cumsum flat", lambda m, x: m.cumsum(x), X),
    ("cumprod", lambda m, x: m.cumprod(x, 0), X),
    ("diff", lambda m, x: m.diff(x, 2, 0), X),
    ("sort", lambda m, x: m.sort(x, 0), X),
    ("argsort", lambda m, x: m.argsort(x), X),
    ("clip", lambda m, x: m.clip(x, -0.5, 0.5), X),
    ("nan_to_num", lambda m, x: m.nan_to_num(m.log(x)), np.array([0.0, -1.0, 2.0])),
    ("where", lambda m, x: m.where(x > 0, x, 0), X),
    ("concatenate", lambda m, x: m.concatenate([x, x], 1), X),
    ("stack", lambda m, x: m.stack([x, x], -1), X),
    ("vstack", lambda m, x: m.vstack([x, x]), VECTOR),
    ("hstack", lambda m, x: m.hstack([x, x]), X),
    ("dstack", lambda m, x: m.dstack([x, x]), X),
    ("append", lambda m, x: m.append(x, x), X),
    ("split", lambda m, x: m.split(x, 2, 1), X),
    ("split at", lambda m, x: m.split(x, [1, 3], 1), X),
    ("array_split", lambda m, x: m.array_split(x, 3, 1), X),
    ("take", lambda m, x: m.take(x, np.array([[2, 0], [-1, 1]]), 1), X),
    ("take flat", lambda m, x: m.take(x, np.array([2, 11])), X),
    ("take_along", lambda m, x: m.take_along_axis(x, np.array([[1, 0], [2, 3], [0, 0]]), 1), X),
    ("outer", lambda m, x: m.outer(x, x), VECTOR),
    ("inner", lambda m, x: m.inner(x, x), X),
    ("vdot", lambda m, x: m.vdot(x, x), X),
    ("dot", lambda m, x: m.dot(x, m.transpose(x)), X),
    ("dot 3d", lambda m, x: m.dot(x, m.reshape(x, (3, 4, 1))), X),
    ("matmul", lambda m, x: m.matmul(m.transpose(x), x), X),
    ("matmul vector", lambda m, x: m.matmul(x, VECTOR.astype(x.dtype)), X),
    ("tensordot", lambda m, x: m.tensordot(x, x, axes=([0, 1], [0, 1])), X),
    ("tensordot 1", lambda m, x: m.tensordot(x, m.transpose(x), axes=1), X),
    ("einsum matmul", lambda m, x: m.einsum("ij,kj->ik", x, x), X),
    ("einsum batch", lambda m, x: m.einsum("bij,bjk->bik", *[m.reshape(x, (3, 2, 2))] * 2), X),
    ("einsum three", lambda m, x: m.einsum("ij,kj,kl->il", x, x, x), X),
    ("einsum ellipsis", lambda m, x: m.einsum("...j,...j->...", x, x), X),
    ("einsum diagonal", lambda m, x: m.einsum("ii->i", x[:, :3]), X),
    ("einsum implicit", lambda m, x: m.einsum("ji", x), X),
    ("kron", lambda m, x: m.kron(x, x), X),
    ("cross", lambda m, x: m.cross(x[:, :3], x[:, 1:]), X),
    ("trapezoid", lambda m, x: getattr(m, TRAPEZOID[m is np])(x, dx=0.5), X),
    ("correlate", lambda m, x: m.correlate(x, x[:2], "full"), VECTOR),
    ("correlate same", lambda m, x: m.correlate(x[:3], x, "same"), VECTOR),
    ("average", lambda m, x: m.average(x, 1, weights=np.array([1.0, 2, 3, 4], x.dtype)), X),
    ("quantile", lambda m, x: m.quantile(x, np.array([0.1, 0.6]), 1), X),
    ("percentile", lambda m, x: m.percentile(x, 30, method="midpoint"), X),
    ("count_nonzero", lambda m, x: m.count_nonzero(x > 0, 1), X),
    ("all", lambda m, x: m.all(x < 2, 1), X),
    ("any", lambda m, x: m.any(x > 1, 0), X),
    ("corrcoef", lambda m, x: m.corrcoef(x), X),
    ("digitize", lambda m, x: m.digitize(x, np.array([-1.0, 0.0, 1.0])), X),
    ("bincount", lambda m, x: m.bincount(x, minlength=6), LABELS[0]),
    ("isin", lambda m, x: m.isin(x, np.array([0, 3])), LABELS),
    ("vander", lambda m, x: m.vander(x, 3), VECTOR),
    ("meshgrid", lambda m, x: m.meshgrid(x, x[:2]), VECTOR),
    ("linspace", lambda m, x: m.linspace(x, 2 * x, 5, axis=-1), VECTOR),
    ("index", lambda m, x: x[1:, ::-2], X),
    ("index new axis", lambda m, x: x[None, ..., 0], X),
    ("index array", lambda m, x: x[np.array([0, 2, -1])], X),
    ("index two arrays", lambda m, x: x[np.array([0, 2]), np.array([1, -1])], X),
    ("unravel", lambda m, x: m.unravel_index(x, (2, 2)), np.array([3, 1])),
]


def close(a: object, b: object, dtype: str) -> None:
    tolerance = 1e-10 if dtype == "float64" else 3e-6
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "function", "x"), UNARY, ids=[row[0] for row in UNARY])
def test_unary(name, function, x, dtype):
    x = x.astype(dtype)
    result = getattr(ops, name)(x)
    assert isinstance(result, np.ndarray)
    assert result.dtype in (np.dtype(dtype), np.dtype(bool))
    close(result, function(x), dtype)
    assert_same_traced(getattr(ops, name), x)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32"])
@pytest.mark.parametrize(("name", "function"), BINARY, ids=[row[0] for row in BINARY])
def test_binary(name, function, dtype):
    x = (X * 5 + 0.5).round().astype(dtype)
    y = np.array([2, -3, 4, 1]).astype(dtype)
    close(getattr(ops, name)(x, y), function(x, y), "float32")
    assert_same_traced(getattr(ops, name), x, y)


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 1)])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize(("name", "function"), REDUCTIONS, ids=[row[0] for row in REDUCTIONS])
def test_reductions(name, function, axis, keepdims):
    if name.startswith("arg") and isinstance(axis, tuple):
        pytest.skip("argmax takes one axis")

    def call(x):
        return getattr(ops, name)(x, axis=axis, keepdims=keepdims)

    close(call(X), function(X, axis=axis, keepdims=keepdims), "float64")
    assert_same_traced(call, X)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "function", "x"), SHARED, ids=[row[0] for row in SHARED])
def test_shared(name, function, x, dtype):
    x = x.astype(dtype if x.dtype.kind == "f" else "int32")
    with np.errstate(all="ignore"):
        result, expected = function(ops, x), function(np, x)
    parts = result if isinstance(result, (list, tuple)) else [result]
    wanted = expected if isinstance(expected, (list, tuple)) else [expected]
    assert len(parts) == len(wanted)
    for part, want in zip(parts, wanted):
        assert part.shape == np.shape(want)
        close(part, want, dtype)
    assert_same_traced(lambda t: function(ops, t), x)


def test_python_numbers_take_the_width_of_the_tensor():
    x = np.ones(2, "float32")
    assert (ops.add(x, 1).dtype, ops.multiply(2.5, x).dtype) == ("float32", "float32")
    assert ops.multiply(x, np.float64(2.0)).dtype == "float32"
    assert ops.add(np.ones(2, "int32"), 1).dtype == "int32"
    assert ops.add(np.ones(2, "int32"), 1.5).dtype == "float32"
    assert ops.add(x, np.ones(2, "float64")).dtype == "float64"


def test_dtypes_that_the_core_lacks_are_computed_and_cast_back():
    x = np.array([100, 27], "int8")
    assert (ops.add(x, x).dtype, ops.add(x, x).tolist()) == ("int8", [-56, 54])
    assert ops.exp(np.ones(2, "float16")).dtype == "float16"
    with Trace() as trace:
        y = trace.input("x", (2,), "float16") * 2
    assert y.dtype == "float16"


@pytest.mark.parametrize(
    ("function", "dtype"),
    [(ops.exp, "float32"), (ops.mean, "float32"), (ops.argmax, "int32"), (ops.square, "int32")],
)
def test_integers_in_float_functions(function, dtype):
    assert function(np.arange(4, dtype="int32")).dtype == dtype


@pytest.mark.parametrize("dtype", ["int32", "uint8", "bool"])
def test_products_of_integers(dtype):
    x = (np.arange(6).reshape(2, 3) % 3).astype(dtype)
    for call in (lambda m, x: m.matmul(x, x.T), lambda m, x: m.einsum("ij,kj->ik", x, x)):
        assert call(ops, x).dtype == dtype
        assert (call(ops, x) == call(np, x)).all()


def test_object_arrays_name_the_argument():
    with pytest.raises(chainrule.errors.DTypeError, match="argument `x2`.*dtype object"):
        ops.add(np.ones(2), np.array([{}, 1], dtype=object))
    with pytest.raises(chainrule.errors.DTypeError, match="argument `x`"):
        ops.exp(np.array(["a", "b"]))


@pytest.mark.parametrize(
    "call",
    [
        lambda: ops.add(np.ones((2, 3)), np.ones((2, 4))),
        lambda: ops.matmul(np.ones((2, 3)), np.ones((2, 3))),
        lambda: ops.reshape(np.ones(5), (2, 3)),
        lambda: ops.concatenate([np.ones((2, 3)), np.ones((2, 4))]),
        lambda: ops.sum(np.ones((2, 3)), axis=2),
        lambda: ops.transpose(np.ones((2, 3)), (0, 0)),
        lambda: ops.softmax(np.ones((2, 3)), axis=2),
        lambda: ops.einsum("ij,jk->ik", np.ones((2, 3)), np.ones((4, 5))),
        lambda: ops.split(np.ones(5), 2),
        lambda: ops.max(np.ones((0, 3)), axis=0),
    ],
)
def test_bad_shapes(call):
    with pytest.raises(chainrule.errors.ShapeError):
        call()


def test_index_out_of_range():
    with pytest.raises(ValueError, match="3"):
        ops.take(np.ones(3), np.array([3]))
    with Trace() as trace, pytest.raises(IndexError, match="index 3"):
        trace.input("x", (3,), "float32")[3]


def test_symbolic_shapes():
    x = KerasTensor((None, 3))
    assert (x + KerasTensor((2, None))).shape == (2, 3)
    assert ops.matmul(x, KerasTensor((3, 5))).shape == (None, 5)
    assert ops.concatenate([x, KerasTensor((None, 2))], axis=1).shape == (None, 5)
    assert ops.sum(x, axis=0).shape == (3,)
    assert ops.reshape(KerasTensor((None, 4, 6)), (-1, 24)).shape == (None, 24)
    assert ops.top_k(x, 2)[1].dtype == "int32"
    with pytest.raises(ValueError, match="None, 3"):
        ops.matmul(x, KerasTensor((4, 5)))


def test_constants_are_folded_while_tracing():
    with Trace() as trace:
        assert isinstance(ops.ones((2, 2)) + 1, np.ndarray)
        assert isinstance(ops.eye(3), np.ndarray)
        y = trace.input("x", (2,), "float32") + ops.arange(2)
        assert isinstance(y, KerasTensor)


def test_a_traced_tensor_does_not_leave_its_trace():
    with Trace() as trace:
        y = trace.input("x", (2,), "float32")
    with pytest.raises(TypeError, match="after its trace"):
        y + 1
    with Trace(), pytest.raises(TypeError, match="another trace"):
        y + 1


def test_cond_selects_results_and_assignments():
    v = chainrule.Variable([1.0, 2.0])

    def step(x):
        def double():
            v.assign(v * 2)
            return x + 1

        return ops.cond(ops.sum(x) > 0, double, lambda: x - 1)

    assert run_traced(step, np.array([1.0], "float32"))[0].tolist() == [2.0]
    assert v.numpy().tolist() == [2.0, 4.0]
    assert run_traced(step, np.array([-1.0], "float32"))[0].tolist() == [-2.0]
    assert v.numpy().tolist() == [2.0, 4.0]


def test_cond_keeps_variables_that_the_other_branch_assigns():
    v = chainrule.Variable([1.0])

    def step(x):
        return ops.cond(x > 0, lambda: v.assign([5.0]) * 0, lambda: v * 0)

    run_traced(step, np.array(-1.0, "float32"))
    assert v.numpy().tolist() == [1.0]
    run_traced(step, np.array(1.0, "float32"))
    assert v.numpy().tolist() == [5.0]


def test_loops_are_unrolled_while_tracing():
    def total(x):
        return ops.scan(lambda c, row: (c + row, c), ops.zeros(2, "float32"), x)

    x = np.arange(6, dtype="float32").reshape(3, 2)
    assert total(x)[0].tolist() == [6.0, 9.0]
    assert_same_traced(total, x)
    with Trace() as trace, pytest.raises(TypeError, match="unrolled"):
        start = trace.input("x", (), "float32")
        ops.while_loop(lambda i: i < 3, lambda i: i + 1, start)


@pytest.mark.parametrize("reduction", [None, "add"])
def test_scatter_update(reduction):
    x, rows = np.zeros((4, 2), "float32"), np.array([[0], [2]])
    updates = np.ones((2, 2), "float32")

    def call(x, updates):
        return ops.scatter_update(x, rows, updates, reduction)

    assert call(x, updates).tolist() == [[1, 1], [0, 0], [1, 1], [0, 0]]
    assert_same_traced(call, x, updates)


@pytest.mark.parametrize("axis", [-1, 0, (0, 1)])
def test_softmax(axis):
    e = np.exp(X - X.max(axis, keepdims=True))
    close(ops.softmax(X, axis), e / e.sum(axis, keepdims=True), "float64")
    close(ops.log_softmax(X, axis), np.log(e / e.sum(axis, keepdims=True)), "float64")
    assert_same_traced(lambda x: ops.softmax(x, axis), X)


def test_cross_entropies():
    logits, labels = X, np.array([1, 0, 3])
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    expected = -np.log(p[np.arange(3), labels])
    one_hot = ops.one_hot(labels, 4, dtype="float64")
    close(ops.sparse_categorical_crossentropy(labels, logits, True), expected, "float64")
    close(ops.categorical_crossentropy(one_hot, logits, True), expected, "float64")
    close(ops.categorical_crossentropy(one_hot, 2 * p), expected, "float64")
    with pytest.raises(ValueError, match="same shape"):
        ops.categorical_crossentropy(one_hot[:2], logits)
    with pytest.raises(chainrule.errors.DataError):
        ops.sparse_categorical_crossentropy(labels + 1, logits)


def test_normalisations():
    mean, variance = ops.moments(X, 0)
    close(mean, X.mean(0), "float64")
    close(variance, X.var(0), "float64")
    expected = (X - X.mean(0)) / np.sqrt(X.var(0) + 1e-3) * 2 + 1
    scale, offset = np.full(4, 2.0), np.ones(4)
    close(ops.batch_normalization(X, mean, variance, -1, offset, scale), expected, "float64")
    expected = (X - X.mean(1, keepdims=True)) / np.sqrt(X.var(1, keepdims=True) + 1e-7)
    close(ops.layer_normalization(X), expected, "float64")
    close(ops.normalize(X), X / np.linalg.norm(X, axis=1, keepdims=True), "float64")
    close(ops.normalize(X, order=3), X / np.linalg.norm(X, 3, 1, True), "float64")


@pytest.mark.parametrize("x", [[0, 1, -1], [[0, 1], [-1, 2]]])
@pytest.mark.parametrize("options", [{}, {"minlength": 5}, {"weights": "ones"}])
def test_bincount_refuses_negative_numbers(x, options):
    if options.get("weights") == "ones":
        options = {"weights": np.ones(np.shape(x), "float32")}
    with pytest.raises(chainrule.errors.DataError, match="bincount: .* 0 or more, got -1"):
        ops.bincount(np.array(x), **options)
    assert issubclass(chainrule.errors.DataError, ValueError)


@pytest.mark.parametrize("method", ["linear", "lower", "higher", "midpoint", "nearest"])
def test_infinities_without_weight_make_no_nan(method: str) -> None:
    lines = np.array(
        [[np.inf, np.inf, 1.0], [-np.inf, 2.0, np.inf], [-np.inf, -np.inf, 0.0], [1.0, 2.0, 3.0]]
    )
    for q in (0.0, 0.5, 0.75, 1.0):
        wanted = [np.sort(line)[1] if q == 0.5 else np.sort(line)[0 if q == 0 else 2] for line in lines]
        found = ops.quantile(lines, q, axis=1, method=method)
        if q != 0.75:
            np.testing.assert_array_equal(found, wanted)
        assert not np.isnan(found).any()
    np.testing.assert_array_equal(ops.median(lines, axis=1), [np.inf, 2.0, -np.inf, 2.0])
    np.testing.assert_array_equal(ops.nanmedian(lines, axis=()), lines)
    slope = chainrule.grad(lambda x: ops.sum(ops.quantile(x, 0.5, method=method)))(lines[1])
    np.testing.assert_array_equal(slope, [0.0, 1.0, 0.0])
    with pytest.raises(ValueError, match="integer `kth`"):
        ops.argpartition(lines, (0, 1))
