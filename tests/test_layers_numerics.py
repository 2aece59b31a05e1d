"""Every layer against its formula in NumPy: eager, traced, symbolic, in float32 and float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from chainrule import layers, ops
from chainrule.base.serialization import deserialize_keras_object, serialize_keras_object
from chainrule.tracing.tensor import KerasTensor
from chainrule.tracing.trace import Trace

Array = Any


class Row(NamedTuple):
    """A layer, the shapes of its inputs, and what it computes from inputs and weights."""

    name: str
    make: Callable[..., layers.Layer]
    shapes: list[tuple[int, ...]]
    formula: Callable[[list[Array], list[Array]], Array]
    training: bool = False
    integers: bool = False


def _softmax(x: Array, axis: Any = -1) -> Array:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def _norm(x: Array, axes: tuple[int, ...], epsilon: float) -> Array:
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon)


def _group_norm(x: Array, groups: int) -> Array:
    n, t, c = x.shape
    grouped = x.reshape(n, t, groups, c // groups)
    return _norm(grouped, (1, 3), 1e-3).reshape(x.shape)


random_weights = {"kernel_initializer": "normal", "bias_initializer": "normal"}
random_affine = {"gamma_initializer": "normal", "beta_initializer": "normal"}
L = layers

ROWS = [
    Row("dense", lambda **k: L.Dense(3, **random_weights, **k), [(4, 5)],
        lambda x, w: x[0] @ w[0] + w[1]),
    Row("dense relu", lambda **k: L.Dense(3, "relu", **random_weights, **k), [(4, 5)],
        lambda x, w: np.maximum(x[0] @ w[0] + w[1], 0)),
    Row("dense tanh rank 3", lambda **k: L.Dense(3, "tanh", **random_weights, **k), [(2, 4, 5)],
        lambda x, w: np.tanh(x[0] @ w[0] + w[1])),
    Row("dense sigmoid no bias", lambda **k: L.Dense(3, "sigmoid", use_bias=False, **k), [(4, 5)],
        lambda x, w: 1 / (1 + np.exp(-(x[0] @ w[0])))),
    Row("dense softmax", lambda **k: L.Dense(3, "softmax", **random_weights, **k), [(4, 5)],
        lambda x, w: _softmax(x[0] @ w[0] + w[1])),
    Row("einsum dense", lambda **k: L.EinsumDense("abc,cd->abd", (None, 3), bias_axes="d",
                                                  **random_weights, **k), [(2, 4, 5)],
        lambda x, w: np.einsum("abc,cd->abd", x[0], w[0]) + w[1]),
    Row("einsum dense ellipsis", lambda **k: L.EinsumDense("...x,xy->...y", 3, **k), [(2, 4, 5)],
        lambda x, w: x[0] @ w[0]),
    Row("embedding", lambda **k: L.Embedding(6, 3, **k), [(2, 4)],
        lambda x, w: w[0][x[0]], integers=True),
    Row("identity", lambda **k: L.Identity(**k), [(2, 3)], lambda x, w: x[0]),
    Row("lambda", lambda **k: L.Lambda(_twice, **k), [(2, 3)], lambda x, w: 2 * x[0]),
    Row("activation", lambda **k: L.Activation("tanh", **k), [(2, 3)],
        lambda x, w: np.tanh(x[0])),
    Row("relu", lambda **k: L.ReLU(0.5, 0.1, 0.2, **k), [(4, 5)],
        lambda x, w: np.where(x[0] >= 0.2, np.minimum(x[0], 0.5), 0.1 * (x[0] - 0.2))),
    Row("leaky relu", lambda **k: L.LeakyReLU(**k), [(4, 5)],
        lambda x, w: np.where(x[0] >= 0, x[0], 0.3 * x[0])),
    Row("elu", lambda **k: L.ELU(2.0, **k), [(4, 5)],
        lambda x, w: np.where(x[0] > 0, x[0], 2 * np.expm1(x[0]))),
    Row("prelu", lambda **k: L.PReLU("normal", shared_axes=[1], **k), [(2, 4, 5)],
        lambda x, w: np.where(x[0] >= 0, x[0], w[0] * x[0])),
    Row("softmax", lambda **k: L.Softmax(axis=1, **k), [(2, 4, 5)],
        lambda x, w: _softmax(x[0], 1)),
    Row("softmax two axes", lambda **k: L.Softmax(axis=(1, 2), **k), [(2, 4, 5)],
        lambda x, w: _softmax(x[0], (1, 2))),
    Row("dropout off", lambda **k: L.Dropout(0.5, **k), [(2, 3)], lambda x, w: x[0]),
    Row("batch norm training", lambda **k: L.BatchNormalization(**random_affine, **k), [(8, 3)],
        lambda x, w: w[0] * _norm(x[0], (0,), 1e-3) + w[1], training=True),
    Row("batch norm rank 4", lambda **k: L.BatchNormalization(scale=False, **k), [(4, 2, 2, 3)],
        lambda x, w: _norm(x[0], (0, 1, 2), 1e-3), training=True),
    Row("batch norm axis 1", lambda **k: L.BatchNormalization(axis=1, **k), [(8, 3, 2)],
        lambda x, w: _norm(x[0], (0, 2), 1e-3), training=True),
    Row("batch norm inference", lambda **k: L.BatchNormalization(
        moving_mean_initializer="normal", **random_affine, **k), [(8, 3)],
        lambda x, w: w[0] * (x[0] - w[2]) / np.sqrt(w[3] + 1e-3) + w[1]),
    Row("layer norm", lambda **k: L.LayerNormalization(**random_affine, **k), [(2, 4, 5)],
        lambda x, w: w[0] * _norm(x[0], (2,), 1e-3) + w[1]),
    Row("layer norm two axes", lambda **k: L.LayerNormalization([1, 2], **random_affine, **k),
        [(2, 4, 5)], lambda x, w: w[0] * _norm(x[0], (1, 2), 1e-3) + w[1]),
    Row("layer norm axis 1", lambda **k: L.LayerNormalization(1, center=False, **k), [(2, 4, 5)],
        lambda x, w: _norm(x[0], (1,), 1e-3)),
    Row("rms norm", lambda **k: L.RMSNormalization(**k), [(2, 5)],
        lambda x, w: x[0] / np.sqrt((x[0] ** 2).mean(-1, keepdims=True) + 1e-6)),
    Row("unit norm", lambda **k: L.UnitNormalization(**k), [(2, 5)],
        lambda x, w: x[0] / np.linalg.norm(x[0], axis=-1, keepdims=True)),
    Row("group norm", lambda **k: L.GroupNormalization(2, **random_affine, **k), [(2, 3, 4)],
        lambda x, w: w[0] * _group_norm(x[0], 2) + w[1]),
    Row("flatten", lambda **k: L.Flatten(**k), [(2, 3, 4)], lambda x, w: x[0].reshape(2, 12)),
    Row("flatten rank 1", lambda **k: L.Flatten(**k), [(3,)], lambda x, w: x[0].reshape(3, 1)),
    Row("flatten channels first", lambda **k: L.Flatten("channels_first", **k), [(2, 3, 4)],
        lambda x, w: x[0].transpose(0, 2, 1).reshape(2, 12)),
    Row("reshape", lambda **k: L.Reshape((-1, 2), **k), [(2, 3, 4)],
        lambda x, w: x[0].reshape(2, 6, 2)),
    Row("permute", lambda **k: L.Permute((2, 1), **k), [(2, 3, 4)],
        lambda x, w: x[0].transpose(0, 2, 1)),
    Row("repeat vector", lambda **k: L.RepeatVector(3, **k), [(2, 4)],
        lambda x, w: np.repeat(x[0][:, None], 3, axis=1)),
    Row("zero padding 1d", lambda **k: L.ZeroPadding1D((1, 2), **k), [(2, 3, 4)],
        lambda x, w: np.pad(x[0], ((0, 0), (1, 2), (0, 0)))),
    Row("zero padding 2d", lambda **k: L.ZeroPadding2D(((1, 0), (2, 1)), **k), [(2, 3, 4, 2)],
        lambda x, w: np.pad(x[0], ((0, 0), (1, 0), (2, 1), (0, 0)))),
    Row("zero padding 3d", lambda **k: L.ZeroPadding3D(1, "channels_first", **k), [(1, 2, 3, 2, 2)],
        lambda x, w: np.pad(x[0], ((0, 0), (0, 0), (1, 1), (1, 1), (1, 1)))),
    Row("cropping 1d", lambda **k: L.Cropping1D((1, 0), **k), [(2, 3, 4)],
        lambda x, w: x[0][:, 1:]),
    Row("cropping 2d", lambda **k: L.Cropping2D(((1, 0), (0, 2)), **k), [(2, 3, 4, 2)],
        lambda x, w: x[0][:, 1:, :-2]),
    Row("cropping 3d", lambda **k: L.Cropping3D(1, "channels_first", **k), [(1, 2, 3, 4, 3)],
        lambda x, w: x[0][:, :, 1:-1, 1:-1, 1:-1]),
    Row("up sampling 1d", lambda **k: L.UpSampling1D(3, **k), [(2, 3, 4)],
        lambda x, w: x[0].repeat(3, 1)),
    Row("up sampling 2d", lambda **k: L.UpSampling2D((2, 3), **k), [(2, 3, 4, 2)],
        lambda x, w: x[0].repeat(2, 1).repeat(3, 2)),
    Row("up sampling 3d", lambda **k: L.UpSampling3D(2, "channels_first", **k), [(1, 2, 1, 2, 2)],
        lambda x, w: x[0].repeat(2, 2).repeat(2, 3).repeat(2, 4)),
    Row("rescaling", lambda **k: L.Rescaling(0.5, [1.0, 2.0, 3.0], **k), [(2, 3)],
        lambda x, w: x[0] * 0.5 + np.array([1.0, 2.0, 3.0])),
    Row("normalization", lambda **k: L.Normalization(mean=[1.0, 2.0], variance=[4.0, 9.0], **k),
        [(3, 2)], lambda x, w: (x[0] - [1.0, 2.0]) / [2.0, 3.0]),
    Row("normalization inverse", lambda **k: L.Normalization(
        mean=1.0, variance=4.0, invert=True, **k), [(3, 2)], lambda x, w: x[0] * 2 + 1),
    Row("add", lambda **k: L.Add(**k), [(2, 3), (2, 3), (2, 1)],
        lambda x, w: x[0] + x[1] + x[2]),
    Row("subtract", lambda **k: L.Subtract(**k), [(2, 3), (2, 3)], lambda x, w: x[0] - x[1]),
    Row("multiply", lambda **k: L.Multiply(**k), [(2, 4, 3), (2, 3)],
        lambda x, w: x[0] * x[1][:, None]),
    Row("average", lambda **k: L.Average(**k), [(2, 3), (2, 3)],
        lambda x, w: (x[0] + x[1]) / 2),
    Row("maximum", lambda **k: L.Maximum(**k), [(2, 3), (2, 3)],
        lambda x, w: np.maximum(x[0], x[1])),
    Row("minimum", lambda **k: L.Minimum(**k), [(2, 3), (2, 3)],
        lambda x, w: np.minimum(x[0], x[1])),
    Row("concatenate", lambda **k: L.Concatenate(axis=1, **k), [(2, 3, 4), (2, 5, 4)],
        lambda x, w: np.concatenate(x, axis=1)),
    Row("dot", lambda **k: L.Dot(axes=(2, 1), **k), [(2, 3, 4), (2, 4, 5)],
        lambda x, w: x[0] @ x[1]),
    Row("dot vectors", lambda **k: L.Dot(axes=-1, normalize=True, **k), [(3, 4), (3, 4)],
        lambda x, w: ((x[0] * x[1]).sum(-1) / np.linalg.norm(x[0], axis=-1)
                      / np.linalg.norm(x[1], axis=-1))[:, None]),
]


def _twice(x: Any) -> Any:
    return x * 2.0


def _inputs(row: Row, dtype: str) -> list[Array]:
    rng = np.random.default_rng(7)
    if row.integers:
        return [rng.integers(0, 6, shape).astype("int32") for shape in row.shapes]
    return [rng.normal(size=shape).astype(dtype) for shape in row.shapes]


def _call(layer: layers.Layer, xs: list[Any], row: Row) -> Any:
    kwargs = {"training": True} if row.training else {}
    return layer(xs if len(xs) > 1 else xs[0], **kwargs)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_layer_computes_its_formula(row: Row, dtype: str) -> None:
    xs = _inputs(row, dtype)
    layer = row.make(dtype=dtype)
    found = _call(layer, xs, row)
    weights = [w.astype("float64") for w in layer.get_weights()]
    wide = xs if row.integers else [x.astype("float64") for x in xs]
    layer = row.make(dtype=dtype)
    expected = row.formula(wide, weights)
    assert str(found.dtype) == dtype and found.shape == expected.shape
    tolerance = 1e-5 if dtype == "float32" else 1e-10
    assert np.abs(found - expected).max() <= tolerance * max(1.0, np.abs(expected).max())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_traced_layer_gives_the_bits_of_the_eager_one(row: Row) -> None:
    xs = _inputs(row, "float32")
    layer = row.make()
    _call(layer, xs, row)
    weights = layer.get_weights()
    eager = _call(layer, xs, row)
    after_eager = layer.get_weights()
    layer.set_weights(weights)
    with Trace() as trace:
        inputs = [trace.input(f"x{i}", x.shape, str(x.dtype)) for i, x in enumerate(xs)]
        outputs = _call(layer, inputs, row)
        assert tuple(outputs.shape) == eager.shape
    (found,) = trace.compile([outputs]).run(xs)
    assert (found == eager).all()
    assert all((a == b).all() for a, b in zip(layer.get_weights(), after_eager))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_symbolic_call_knows_shape_and_dtype(row: Row) -> None:
    xs = _inputs(row, "float32")
    expected = _call(row.make(), xs, row)
    symbolic = [KerasTensor((None, *x.shape[1:]), str(x.dtype)) for x in xs]
    found = _call(row.make(), symbolic, row)
    assert tuple(found.shape) == (None, *expected.shape[1:])
    assert found.dtype == str(expected.dtype)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_config_makes_an_equal_layer(row: Row) -> None:
    layer = row.make(name="it")
    custom = {"_twice": _twice}
    config = serialize_keras_object(layer)
    again = deserialize_keras_object(config, custom_objects=custom)
    assert type(again) is type(layer)
    assert serialize_keras_object(again) == config


def test_batch_normalization_moves_its_statistics_by_momentum() -> None:
    layer = layers.BatchNormalization(momentum=0.9)
    x = np.random.default_rng(0).normal(3.0, 2.0, (64, 2)).astype("float32")
    mean, variance = np.zeros(2), np.ones(2)
    for _ in range(5):
        layer(x, training=True)
        mean = 0.9 * mean + 0.1 * x.mean(axis=0)
        variance = 0.9 * variance + 0.1 * x.var(axis=0)
    assert np.allclose(layer.moving_mean.numpy(), mean, rtol=1e-5)
    assert np.allclose(layer.moving_variance.numpy(), variance, rtol=1e-5)
    layer.trainable = False
    before = layer.moving_mean.numpy()
    layer(x, training=True)
    assert (layer.moving_mean.numpy() == before).all()


def test_batch_normalization_counts_only_what_the_mask_keeps() -> None:
    x = np.random.default_rng(0).normal(size=(3, 4, 2)).astype("float32")
    mask = np.array([[1, 1, 0, 0], [1, 0, 0, 0], [1, 1, 1, 1]], "bool")
    layer = layers.BatchNormalization(momentum=0.0)
    layer(x, training=True, mask=mask)
    assert np.allclose(layer.moving_mean.numpy(), x[mask].mean(axis=0), atol=1e-5)
    assert np.allclose(layer.moving_variance.numpy(), x[mask].var(axis=0), atol=1e-5)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_keeps_the_mean_and_drops_at_its_rate(rate: float) -> None:
    layer = layers.Dropout(rate, seed=1)
    x = np.ones((200, 200), "float32")
    y = layer(x, training=True)
    assert abs((y == 0).mean() - rate) < 0.01
    assert np.allclose(y[y != 0], 1 / (1 - rate))
    assert not (layer(x, training=True) == y).all()
    assert (layers.Dropout(rate, seed=1)(x, training=True) == y).all()


def test_noise_layers_have_their_moments() -> None:
    x = np.full((300, 300), 2.0, "float32")
    y = layers.GaussianNoise(0.5, seed=1)(x, training=True)
    assert abs(y.mean() - 2) < 0.01 and abs(y.std() - 0.5) < 0.01
    y = layers.GaussianDropout(0.2, seed=1)(x, training=True)
    assert abs(y.mean() - 2) < 0.01 and abs(y.std() - 2 * 0.5) < 0.01
    normal = np.random.default_rng(0).normal(size=(300, 300)).astype("float32")
    y = layers.AlphaDropout(0.3, seed=1)(normal, training=True)
    assert abs(y.mean()) < 0.02 and abs(y.std() - 1) < 0.02


def test_noise_shape_ties_entries_together() -> None:
    y = layers.Dropout(0.5, noise_shape=(None, 1, None), seed=2)(
        np.ones((4, 6, 8), "float32"), training=True
    )
    assert (y == y[:, :1]).all() and len(np.unique(y)) == 2
    y = layers.SpatialDropout2D(0.5, seed=2)(np.ones((4, 3, 3, 8), "float32"), training=True)
    assert (y == y[:, :1, :1]).all() and len(np.unique(y)) == 2


def test_normalization_adapts_to_arrays_and_batches() -> None:
    x = np.random.default_rng(0).normal(5.0, 3.0, (100, 4)).astype("float32")
    expected = (x - x.mean(axis=0)) / x.std(axis=0)
    for data in (x, [x[:30], x[30:37], x[37:]], ((x[i : i + 9], None) for i in range(0, 100, 9))):
        layer = layers.Normalization()
        layer.adapt(data)
        assert np.allclose(layer(x), expected, atol=1e-5)
    other = layers.Normalization()
    other.build((None, 4))
    other.set_weights(layer.get_weights())
    assert (other(x) == layer(x)).all()
    with pytest.raises(ValueError, match="empty iterable"):
        layers.Normalization().adapt([])
    with pytest.raises(ValueError, match="incompatible shape"):
        layer.adapt(np.ones((3, 5)))
    with pytest.raises(TypeError, match="Unsupported data type"):
        layer.adapt(3)


def test_masking_and_merging_pass_masks_on() -> None:
    x = np.array([[[1.0], [0.0], [2.0]]])
    masked = layers.Masking()(x)
    from chainrule.tracing.masking import get_keras_mask

    assert get_keras_mask(masked).tolist() == [[True, False, True]]
    joined = layers.Concatenate()([masked, masked])
    assert get_keras_mask(joined).tolist() == [[True, False, True]]
    added = layers.Add()([masked, x])
    assert get_keras_mask(added) is None


def test_a_python_lambda_is_not_loaded() -> None:
    config = {"name": "f", "function": {"class_name": "__lambda__", "config": {"code": "x"}}}
    with pytest.raises(ValueError, match="Python lambda"):
        layers.Lambda.from_config(config, safe_mode=False)


NO_GRADIENT = ("dropout off",)


@pytest.mark.parametrize(
    "row",
    [row for row in ROWS if not row.integers and row.name not in NO_GRADIENT],
    ids=lambda row: row.name,
)
def test_gradients_of_inputs_and_weights_against_finite_differences(row: Row) -> None:
    rng = np.random.default_rng(11)
    xs = _inputs(row, "float64")
    layer = row.make(dtype="float64")
    shape = _call(layer, xs, row).shape
    factor = rng.normal(size=shape)
    variables = layer.trainable_variables
    with Trace() as trace:
        inputs = [trace.input(f"x{i}", x.shape, "float64") for i, x in enumerate(xs)]
        loss = ops.sum(_call(layer, inputs, row) * factor)
        wrt = [*inputs, *(trace.read(v) for v in variables)]
        gradients = trace.gradients(loss, wrt)
    values = [*xs, *(v.numpy() for v in variables)]
    found = trace.compile(gradients).run(xs)
    directions = [rng.normal(size=v.shape) for v in values]
    step = 1e-6

    def at(sign: float) -> float:
        moved = [v + sign * step * d for v, d in zip(values, directions)]
        for variable, value in zip(variables, moved[len(xs) :]):
            variable.assign(value)
        return float((_call(layer, moved[: len(xs)], row) * factor).sum())

    expected = (at(1.0) - at(-1.0)) / (2 * step)
    derivative = sum(float((g * d).sum()) for g, d in zip(found, directions))
    assert abs(derivative - expected) <= 1e-6 * max(1.0, abs(expected))
