"""Convolutions as ops and as layers: against Keras where it is installed, and on their own."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import layers, ops
from chainrule.base.serialization import deserialize_keras_object, serialize_keras_object
from chainrule.errors import ShapeError
from chainrule.initializers.random_initializers import compute_fans
from tests.compiled import assert_same_traced

Array = Any
FORMATS = ("channels_last", "channels_first")
SIZES = {1: (11,), 2: (9, 8), 3: (5, 6, 7)}


@pytest.fixture(scope="module")
def keras() -> Any:
    """Keras on JAX."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    return pytest.importorskip("keras", minversion="3.15")


def images(shape: tuple[int, ...], data_format: str = "channels_last", seed: int = 0) -> Array:
    x = np.random.default_rng(seed).normal(size=shape).astype("float32")
    return x if data_format == "channels_last" else np.ascontiguousarray(np.moveaxis(x, -1, 1))


def kernel(*shape: int, seed: int = 1) -> Array:
    return (np.random.default_rng(seed).normal(size=shape) / 3).astype("float32")


def assert_close(found: Array, expected: Array) -> None:
    expected = np.asarray(expected)
    assert found.shape == expected.shape and found.dtype == expected.dtype
    assert np.abs(found - expected).max() <= 1e-5 * max(1.0, np.abs(expected).max())


# Ops


WINDOWS = [
    (k, s, d, padding)
    for k, s, d in [(1, 1, 1), (1, 2, 1), (2, 1, 1), (2, 2, 1), (3, 1, 1), (3, 2, 1), (3, 1, 2)]
    for padding in ("valid", "same")
]


def windows(rank: int, data_format: str) -> list[tuple[int, int, int, str]]:
    """All of them for images with channels last, else some: Keras compiles each one."""
    return WINDOWS if (rank, data_format) == (2, "channels_last") else WINDOWS[1::3]


each_format = pytest.mark.parametrize("data_format", FORMATS)
each_rank = pytest.mark.parametrize("rank", [1, 2, 3])


@each_rank
@each_format
def test_conv_equals_keras(keras: Any, rank: int, data_format: str) -> None:
    x = images((2, *SIZES[rank], 4), data_format)
    for (k, s, d, padding), groups in itertools.product(windows(rank, data_format), (1, 2)):
        options: Any = (kernel(*(k,) * rank, 4 // groups, 6), s, padding, data_format, d)
        assert_close(ops.conv(x, *options), keras.ops.conv(x, *options))


@each_rank
@each_format
def test_conv_transpose_equals_keras(keras: Any, rank: int, data_format: str) -> None:
    x = images((2, *SIZES[rank], 4), data_format)
    for k, s, d, padding in windows(rank, data_format):
        for more in (None, 0, 1) if s > 1 else (None, 0):
            options: Any = (kernel(*(k,) * rank, 6, 4), s, padding, more, data_format, d)
            assert_close(ops.conv_transpose(x, *options), keras.ops.conv_transpose(x, *options))


@pytest.mark.parametrize("rank", [1, 2])
@each_format
def test_depthwise_and_separable_equal_keras(keras: Any, rank: int, data_format: str) -> None:
    x = images((2, *SIZES[rank], 3), data_format)
    for (k, s, d, padding), multiplier in itertools.product(windows(rank, data_format), (1, 2)):
        depthwise = kernel(*(k,) * rank, 3, multiplier)
        options: Any = (s, padding, data_format, d)
        assert_close(
            ops.depthwise_conv(x, depthwise, *options),
            keras.ops.depthwise_conv(x, depthwise, *options),
        )
        both = (depthwise, kernel(*(1,) * rank, 3 * multiplier, 5))
        assert_close(
            ops.separable_conv(x, *both, *options), keras.ops.separable_conv(x, *both, *options)
        )


@pytest.mark.parametrize("axes", [((3, 2), (1, 2), (1, 1)), ((2, 3), (1, 1), (3, 2))])
def test_each_axis_has_its_own_window(keras: Any, axes: Any) -> None:
    size, strides, dilation = axes
    x, w = images((2, 9, 8, 3)), kernel(*size, 3, 4)
    for padding in ("valid", "same"):
        options: Any = (w, strides, padding, "channels_last", dilation)
        assert_close(ops.conv(x, *options), keras.ops.conv(x, *options))
        options = (kernel(*size, 4, 3), strides, padding, None, "channels_last", dilation)
        assert_close(ops.conv_transpose(x, *options), keras.ops.conv_transpose(x, *options))


def test_causal_sees_nothing_later() -> None:
    x = images((2, 12, 3))
    w = kernel(3, 3, 4)
    found = ops.conv(x, w, padding="causal", dilation_rate=2)
    later = x.copy()
    later[:, 7:] += 1.0
    assert (ops.conv(later, w, padding="causal", dilation_rate=2)[:, :7] == found[:, :7]).all()
    assert_close(found, ops.conv(np.pad(x, ((0, 0), (4, 0), (0, 0))), w, dilation_rate=2))


def test_traced_ops_give_the_bits_of_the_eager_ones() -> None:
    x, w = images((2, 4, 9, 8)), kernel(3, 2, 4, 6)
    assert_same_traced(lambda x, w: ops.conv(x, w, 2, "same", "channels_first"), x, w)
    back = kernel(3, 2, 5, 4)
    assert_same_traced(
        lambda x, w: ops.conv_transpose(x, w, 2, "same", None, "channels_first"), x, back
    )
    assert_same_traced(
        lambda x, w: ops.depthwise_conv(x, w, 1, "same", "channels_first"), x, kernel(3, 3, 4, 2)
    )
    assert_same_traced(lambda x: ops.unfold(x, 3, 2, 1, 2), x)


def test_dtypes_are_promoted() -> None:
    x, w = images((1, 5, 5, 2)), kernel(3, 3, 2, 3)
    assert ops.conv(x, w.astype("float64")).dtype == "float64"
    assert ops.conv((x * 9).astype("uint8"), w).dtype == "float32"
    assert ops.conv(np.ones((1, 5, 1), "int32"), np.ones((2, 1, 1), "int32")).dtype == "float32"
    assert ops.conv(x.astype("float16"), w.astype("float16")).dtype == "float16"


def test_channels_that_are_not_known() -> None:
    x = cr.KerasTensor((2, 10, None))
    kernel, deep, mix = np.ones((3, 5, 4)), np.ones((3, 5, 2)), np.ones((1, 10, 4))
    assert ops.conv(x, kernel).shape == (2, 8, 4)
    assert ops.depthwise_conv(x, deep).shape == (2, 8, 10)
    assert ops.separable_conv(x, deep, mix).shape == (2, 8, 4)
    known = np.ones((2, 10, 3))
    for wrong in (
        lambda: ops.conv(known, kernel),
        lambda: ops.depthwise_conv(known, deep),
        lambda: ops.separable_conv(known, deep, mix),
        lambda: ops.conv_transpose(known, np.ones((3, 4, 5))),
    ):
        with pytest.raises(ShapeError, match="input channels must match the kernel's"):
            wrong()


def test_symbolic_ops_know_their_shapes() -> None:
    x = cr.KerasTensor((None, None, 16, 4))
    assert ops.conv(x, kernel(3, 3, 4, 6), 2, "same").shape == (None, None, 8, 6)
    assert ops.conv_transpose(x, kernel(3, 3, 6, 4), 2, "same").shape == (None, None, 32, 6)
    assert ops.depthwise_conv(x, kernel(3, 3, 4, 2)).shape == (None, None, 14, 8)


@pytest.mark.parametrize(
    ("size", "window"),
    [((6, 7), (2, 1, 0, 1)), ((6, 7), ((3, 2), (1, 2), (1, 0), (2, 1))), ((5, 5), (3, 2, 2, 3))],
)
def test_unfold_and_fold_equal_keras(keras: Any, size: tuple[int, int], window: Any) -> None:
    x = images((2, 3, *size))
    columns = keras.ops.unfold(x, *window)
    assert_close(ops.unfold(x, *window), columns)
    image = keras.ops.fold(columns, size, *window)
    assert_close(ops.fold(np.asarray(columns), size, *window), image)


def test_fold_is_the_transpose_of_unfold() -> None:
    x = images((2, 3, 6, 7)).astype("float64")
    columns = ops.unfold(x, (3, 2), (1, 2), (2, 1), (2, 1))
    other = np.random.default_rng(3).normal(size=columns.shape)
    back = ops.fold(other, (6, 7), (3, 2), (1, 2), (2, 1), (2, 1))
    assert np.sum(columns * other) == pytest.approx(np.sum(x * back), rel=1e-12)


X, W = images((2, 7, 6, 3)), kernel(3, 3, 3, 4)
BAD_OPS: dict[str, tuple[type[Exception], list[str], Callable[[], Any]]] = {
    "no spatial axis": (ShapeError, ["conv", "(2, 3)"], lambda: ops.conv(images((2, 3)), W)),
    "four spatial axes": (ShapeError, ["conv", "(1, 2, 2, 2, 2, 3)"],
                          lambda: ops.conv(images((1, 2, 2, 2, 2, 3)), W)),
    "kernel rank": (ShapeError, ["conv", "(3, 3, 4)", "(2, 7, 6, 3)"],
                    lambda: ops.conv(X, kernel(3, 3, 4))),
    "channels": (ShapeError, ["conv", "3 channels", "(3, 3, 2, 4)"],
                 lambda: ops.conv(X, kernel(3, 3, 2, 4))),
    "no channels in the kernel": (ShapeError, ["conv", "(3, 3, 0, 4)"],
                                  lambda: ops.conv(X, kernel(3, 3, 0, 4))),
    "filters by groups": (ShapeError, ["conv", "3 groups"],
                          lambda: ops.conv(X, kernel(3, 3, 1, 4))),
    "large kernel": (ShapeError, ["conv", "9"], lambda: ops.conv(X, kernel(9, 3, 3, 4))),
    "stride": (ValueError, ["conv", "strides", "(1, 0)"], lambda: ops.conv(X, W, (1, 0))),
    "strides": (ValueError, ["conv", "strides", "(1, 1, 1)"], lambda: ops.conv(X, W, (1, 1, 1))),
    "fraction": (ValueError, ["conv", "strides", "1.5"], lambda: ops.conv(X, W, 1.5)),
    "dilation": (ValueError, ["conv", "dilation_rate", "0"],
                 lambda: ops.conv(X, W, dilation_rate=0)),
    "padding": (ValueError, ["conv", "padding", "'full'"], lambda: ops.conv(X, W, 1, "full")),
    "causal images": (ValueError, ["conv", "padding", "'causal'"],
                      lambda: ops.conv(X, W, 1, "causal")),
    "data format": (ValueError, ["data_format", "nhwc"], lambda: ops.conv(X, W, 1, "same", "nhwc")),
    "depthwise channels": (ShapeError, ["depthwise_conv", "3", "(3, 3, 4, 1)"],
                           lambda: ops.depthwise_conv(X, kernel(3, 3, 4, 1))),
    "pointwise channels": (ShapeError, ["separable_conv", "(1, 1, 4, 5)"],
                           lambda: ops.separable_conv(X, kernel(3, 3, 3, 1), kernel(1, 1, 4, 5))),
    "transposed channels": (ShapeError, ["conv_transpose", "3 channels", "(3, 3, 3, 4)"],
                            lambda: ops.conv_transpose(X, W)),
    "output padding": (ValueError, ["output_padding", "strides"],
                       lambda: ops.conv_transpose(X, kernel(3, 3, 4, 3), 2, output_padding=2)),
    "unfold rank": (ShapeError, ["unfold", "(2, 3)"], lambda: ops.unfold(images((2, 3)), 2)),
    "unfold window": (ShapeError, ["unfold", "kernel_size"], lambda: ops.unfold(X, 9)),
    "fold columns": (ShapeError, ["fold", "(2, 4, 3)"],
                     lambda: ops.fold(images((2, 4, 3)), 3, 2)),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_OPS)
def test_bad_input_of_ops(name: str) -> None:
    kind, parts, call = BAD_OPS[name]
    with pytest.raises(kind) as caught:
        call()
    assert all(part in str(caught.value) for part in parts), str(caught.value)


# Layers


LAYERS: dict[str, tuple[str, int, dict[str, Any]]] = {
    "conv1d": ("Conv1D", 1, {"filters": 6, "kernel_size": 3, "activation": "relu"}),
    "conv1d causal": ("Conv1D", 1, {"filters": 6, "kernel_size": 3, "padding": "causal",
                                    "dilation_rate": 2, "activation": "tanh"}),
    "conv1d causal strides": ("Conv1D", 1, {"filters": 6, "kernel_size": 4, "strides": 3,
                                            "padding": "causal", "groups": 2}),
    "conv2d": ("Conv2D", 2, {"filters": 6, "kernel_size": 3}),
    "conv2d same": ("Conv2D", 2, {"filters": 6, "kernel_size": (3, 2), "strides": (1, 2),
                                  "padding": "SAME", "activation": "sigmoid"}),
    "conv2d groups": ("Conv2D", 2, {"filters": 6, "kernel_size": 3, "groups": 2,
                                    "activation": "gelu"}),
    "conv2d dilated": ("Conv2D", 2, {"filters": 5, "kernel_size": 2, "dilation_rate": (2, 3),
                                     "use_bias": False, "activation": "relu"}),
    "conv2d softmax": ("Conv2D", 2, {"filters": 6, "kernel_size": 1, "activation": "softmax"}),
    "conv3d": ("Conv3D", 3, {"filters": 5, "kernel_size": 2, "strides": 2, "padding": "same"}),
    "depthwise1d": ("DepthwiseConv1D", 1, {"kernel_size": 3, "depth_multiplier": 2}),
    "depthwise2d": ("DepthwiseConv2D", 2, {"kernel_size": (3, 2), "strides": 2, "padding": "same",
                                           "activation": "relu"}),
    "separable1d": ("SeparableConv1D", 1, {"filters": 5, "kernel_size": 3, "depth_multiplier": 2}),
    "separable2d": ("SeparableConv2D", 2, {"filters": 5, "kernel_size": 3, "padding": "same",
                                           "use_bias": False, "activation": "elu"}),
    "transpose1d": ("Conv1DTranspose", 1, {"filters": 5, "kernel_size": 3, "strides": 2}),
    "transpose2d": ("Conv2DTranspose", 2, {"filters": 5, "kernel_size": (3, 4), "strides": (2, 3),
                                           "padding": "same", "activation": "relu"}),
    "transpose2d padded": ("Conv2DTranspose", 2, {"filters": 5, "kernel_size": 3, "strides": 3,
                                                  "output_padding": (1, 2), "use_bias": False}),
    "transpose2d dilated": ("Conv2DTranspose", 2, {"filters": 5, "kernel_size": 3,
                                                   "dilation_rate": 2, "padding": "same"}),
    "transpose3d": ("Conv3DTranspose", 3, {"filters": 3, "kernel_size": 2, "strides": 2}),
}  # fmt: skip
each_layer = pytest.mark.parametrize("name", LAYERS)


def make(space: Any, row: str, data_format: str = "channels_last", **more: Any) -> Any:
    kind, _, options = LAYERS[row]
    return getattr(space, kind)(**{**options, "data_format": data_format, **more})


def inputs_of(name: str, data_format: str = "channels_last") -> Array:
    return images((2, *SIZES[LAYERS[name][1]], 4), data_format)


def with_random_weights(layer: Any, seed: int = 5) -> Any:
    rng = np.random.default_rng(seed)
    layer.set_weights([rng.normal(size=w.shape).astype(w.dtype) / 3 for w in layer.get_weights()])
    return layer


@each_layer
@each_format
def test_layer_equals_keras(keras: Any, name: str, data_format: str) -> None:
    x = inputs_of(name, data_format)
    theirs, ours = make(keras.layers, name, data_format), make(layers, name, data_format)
    theirs.build(x.shape)
    ours.build(x.shape)
    assert [w.shape for w in ours.get_weights()] == [w.shape for w in theirs.get_weights()]
    assert [w.name for w in ours.weights] == [w.name for w in theirs.weights]
    with_random_weights(theirs)
    with_random_weights(ours)
    assert_close(ours(x), theirs(x))
    for shape in (x.shape, (None, *x.shape[1:]), *_without_sizes(x.shape, data_format)):
        assert ours.compute_output_shape(shape) == tuple(theirs.compute_output_shape(shape))


def _without_sizes(shape: tuple[int, ...], data_format: str) -> list[tuple[int | None, ...]]:
    first = 1 if data_format == "channels_last" else 2
    spatial = range(first, first + len(shape) - 2)
    return [tuple(None if i in spatial else n for i, n in enumerate(shape))]


@each_layer
def test_config_is_that_of_keras(keras: Any, name: str) -> None:
    ours = make(layers, name, name="it", kernel_size=3)
    theirs = make(keras.layers, name, name="it", kernel_size=3)
    mine, expected = ours.get_config(), theirs.get_config()
    missing = set(expected) - set(mine)
    assert missing <= {"activity_regularizer"}
    for key in ("filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate",
                "groups", "depth_multiplier", "output_padding", "activation", "use_bias"):
        assert mine.get(key) == expected.get(key)
    again = type(ours).from_config(expected)
    assert again.get_config() == mine


@each_layer
def test_config_makes_an_equal_layer(name: str) -> None:
    weight = "depthwise" if "depthwise" in name or "separable" in name else "kernel"
    layer = make(
        layers,
        name,
        name="it",
        activity_regularizer="l2",
        bias_constraint="non_neg",
        **{f"{weight}_regularizer": "l1", f"{weight}_initializer": "he_normal"},
    )
    config = serialize_keras_object(layer)
    again = deserialize_keras_object(config)
    assert type(again) is type(layer)
    assert serialize_keras_object(again) == config


@each_layer
def test_symbolic_traced_and_eager_agree(name: str) -> None:
    x = inputs_of(name)
    layer = make(layers, name)
    symbolic = layer(cr.KerasTensor((None, *x.shape[1:])))
    with_random_weights(layer)
    assert tuple(symbolic.shape) == (None, *layer(x).shape[1:])
    assert_same_traced(layer, x)


def test_aliases() -> None:
    for name in ("Conv1D", "Conv2D", "Conv3D", "SeparableConv1D", "SeparableConv2D",
                 "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"):
        assert getattr(layers, name.replace("Conv", "Convolution")) is getattr(layers, name)


@each_layer
def test_fans_equal_those_of_keras(keras: Any, name: str) -> None:
    from keras.src.initializers.random_initializers import compute_fans as fans_of_keras

    layer = make(layers, name)
    layer.build(inputs_of(name).shape)
    for weight in layer.weights:
        assert compute_fans(weight.shape) == fans_of_keras(weight.shape)


def test_first_kernel_has_the_variance_of_its_fans() -> None:
    layer = layers.Conv2D(64, 3)
    layer.build((None, 8, 8, 32))
    limit = math.sqrt(6 / (9 * 32 + 9 * 64))
    values = layer.kernel.numpy()
    assert np.abs(values).max() <= limit
    assert values.std() == pytest.approx(limit / math.sqrt(3), rel=0.02)


def test_penalties_and_constraints_reach_the_weights() -> None:
    layer = layers.Conv2D(
        2, 3, kernel_initializer="ones", kernel_regularizer=cr.regularizers.L2(0.5),
        bias_initializer="ones", bias_regularizer=cr.regularizers.L1(0.25),
        activity_regularizer=cr.regularizers.L1(0.1), kernel_constraint="non_neg",
    )  # fmt: skip
    x = np.ones((1, 3, 3, 1), "float32")
    assert layer(x).ravel().tolist() == [10.0, 10.0]
    assert sum(float(loss) for loss in layer.losses) == pytest.approx(9.0 + 0.5 + 2.0)
    assert layer.kernel.constraint is layer.kernel_constraint


def network(data_format: str = "channels_last") -> Any:
    cr.utils.set_random_seed(3)
    shape = (8, 7, 2) if data_format == "channels_last" else (2, 8, 7)
    options: Any = {"data_format": data_format}
    model = cr.Sequential(
        [
            cr.Input(shape),
            layers.Conv2D(4, 3, padding="same", activation="tanh", **options),
            layers.DepthwiseConv2D(3, strides=2, activation="sigmoid", **options),
            layers.Conv2DTranspose(3, 3, strides=2, padding="same", activation="tanh", **options),
            layers.SeparableConv2D(4, 2, activation="relu", **options),
            layers.Conv2D(4, 2, groups=2, use_bias=False, **options),
            layers.Flatten(data_format=data_format),
            layers.Dense(3, activation="softmax"),
        ],
        name="net",
    )
    model.compile(cr.optimizers.SGD(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


LABELS = np.arange(12) % 3


@each_format
def test_every_gradient_of_a_model_is_right(data_format: str) -> None:
    model = network(data_format)
    report = model.check_gradients(images((12, 8, 7, 2), data_format), LABELS)
    assert report.ok, str(report)


def test_channels_first_trains_as_channels_last() -> None:
    losses = []
    for data_format in FORMATS:
        model = network(data_format)
        x = images((12, 8, 7, 2), data_format)
        history = model.fit(x, LABELS, batch_size=5, epochs=3, shuffle=False, verbose=0)
        losses.append(history.history["loss"])
    np.testing.assert_allclose(*losses, rtol=1e-5)


def test_a_saved_model_gives_the_same_bits(tmp_path: Path) -> None:
    model, x = network(), images((12, 8, 7, 2))
    model.fit(x, LABELS, batch_size=5, verbose=0)
    path = tmp_path / "m.chainrule"
    model.save(path)
    again = cr.saving.load_model(path)
    assert (again.predict(x, verbose=0) == model.predict(x, verbose=0)).all()
    for m in (model, again):
        m.fit(x, LABELS, batch_size=5, shuffle=False, verbose=0)
    assert all((a == b).all() for a, b in zip(model.get_weights(), again.get_weights()))


def test_ten_steps_equal_keras(keras: Any) -> None:
    x, y = images((40, 8, 7, 3)), np.arange(40) % 3

    def build(space: Any) -> Any:
        return space.Sequential(
            [
                space.Input((8, 7, 3)),
                space.layers.Conv2D(6, 3, strides=2, padding="same", activation="relu"),
                space.layers.SeparableConv2D(5, 2, activation="tanh"),
                space.layers.Conv2DTranspose(4, 3, strides=2, activation="gelu"),
                space.layers.Flatten(),
                space.layers.Dense(3, activation="softmax"),
            ]
        )

    ours, theirs = build(cr), build(keras)
    ours.set_weights(theirs.get_weights())
    losses = []
    for space, model in ((cr, ours), (keras, theirs)):
        model.compile(space.optimizers.SGD(0.05, momentum=0.9), "sparse_categorical_crossentropy")
        losses.append([model.train_on_batch(x[i : i + 20], y[i : i + 20]) for i in [0, 20] * 5])
    np.testing.assert_allclose(*losses, rtol=1e-4)
    for a, b in zip(ours.get_weights(), theirs.get_weights()):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)


Check = Callable[[], Any]
BAD_LAYERS: dict[str, tuple[type[Exception], list[str], Check]] = {
    "filters": (ValueError, ["filters", "0"], lambda: layers.Conv2D(0, 3)),
    "filters of text": (ValueError, ["filters", "3"], lambda: layers.Conv2D("3", 3)),
    "kernel size": (ValueError, ["kernel_size", "0"], lambda: layers.Conv2D(4, (3, 0))),
    "kernel sizes": (ValueError, ["kernel_size", "2 integers", "(3, 3, 3)"],
                     lambda: layers.Conv2D(4, (3, 3, 3))),
    "strides": (ValueError, ["strides", "-1"], lambda: layers.Conv1D(4, 3, strides=-1)),
    "dilation": (ValueError, ["dilation_rate", "0"],
                 lambda: layers.DepthwiseConv1D(3, dilation_rate=0)),
    "groups": (ValueError, ["groups", "0"], lambda: layers.Conv2D(4, 3, groups=0)),
    "filters by groups": (ValueError, ["filters=4", "groups=3"],
                          lambda: layers.Conv2D(4, 3, groups=3)),
    "strides with dilation": (ValueError, ["strides > 1", "dilation_rate > 1"],
                              lambda: layers.Conv2D(4, 3, strides=2, dilation_rate=2)),
    "transposed strides with dilation": (
        ValueError, ["strides > 1", "dilation_rate > 1"],
        lambda: layers.Conv2DTranspose(4, 3, strides=2, dilation_rate=2)),
    "padding": (ValueError, ["padding", "full"], lambda: layers.Conv2D(4, 3, padding="full")),
    "causal images": (ValueError, ["padding", "causal"],
                      lambda: layers.Conv2D(4, 3, padding="causal")),
    "output padding": (ValueError, ["output_padding", "strictly less", "strides=(2, 2)"],
                       lambda: layers.Conv2DTranspose(4, 3, strides=2, output_padding=2)),
    "multiplier": (ValueError, ["depth_multiplier", "0"],
                   lambda: layers.DepthwiseConv2D(3, depth_multiplier=0)),
    "data format": (ValueError, ["data_format", "nhwc"],
                    lambda: layers.Conv2D(4, 3, data_format="nhwc")),
    "activation": (ValueError, ["rellu"], lambda: layers.Conv2D(4, 3, activation="rellu")),
    "unknown argument": (ValueError, ["kernel"], lambda: layers.Conv2D(4, 3, kernel=3)),
    "rank 3": (ShapeError, ["'it'", "min_ndim=4", "ndim=3", "(2, 7, 3)"],
               lambda: layers.Conv2D(4, 3, name="it")(images((2, 7, 3)))),
    "rank 5": (ShapeError, ["'it'", "max_ndim=4", "ndim=5"],
               lambda: layers.Conv2D(4, 3, name="it")(images((2, 2, 7, 6, 3)))),
    "channels by groups": (ShapeError, ["'it'", "groups=2", "3 channels"],
                           lambda: layers.Conv2D(4, 3, groups=2, name="it")(X)),
    "small images": (ShapeError, ["'it'", "zero or negative", "(2, 7, 6, 3)", "(9, 9)"],
                     lambda: layers.Conv2D(4, 9, name="it")(X)),
    "small images of a depthwise": (ShapeError, ["'it'", "zero or negative"],
                                    lambda: layers.DepthwiseConv2D(9, name="it")(X)),
    "unknown channels": (ValueError, ["'it'", "None"],
                         lambda: layers.Conv2D(4, 3, name="it").build((None, 7, 6, None))),
    "build of rank 3": (ShapeError, ["'it'", "(7, 6, 3)"],
                        lambda: layers.Conv2D(4, 3, name="it").build((7, 6, 3))),
    "other channels": (ShapeError, ["'it'", "axis -1", "value 3", "(2, 7, 6, 5)"],
                       lambda: _built("it")(images((2, 7, 6, 5)))),
    "smaller images later": (ShapeError, ["it", "conv"], lambda: _built("it")(X[:, :2])),
    "text": (TypeError, ["'it'", "<U"],
             lambda: layers.Conv2D(4, 3, name="it")(np.full((1, 5, 5, 2), "a"))),
    "kernel before building": (AttributeError, ["build"], lambda: layers.Conv2D(4, 3).kernel),
}  # fmt: skip


def _built(name: str) -> Any:
    layer = layers.Conv2D(4, 3, name=name)
    layer.build(X.shape)
    return layer


@pytest.mark.parametrize("name", BAD_LAYERS)
def test_bad_input_of_layers(name: str) -> None:
    kind, parts, call = BAD_LAYERS[name]
    with pytest.raises(kind) as caught:
        call()
    assert all(part in str(caught.value) for part in parts), str(caught.value)


@pytest.mark.parametrize("shape", [(12, 8, 7, 3), (12, 8, 6, 2), (12, 8, 7), (12, 2, 8, 7)])
def test_images_that_do_not_fit_leave_the_weights_alone(shape: tuple[int, ...]) -> None:
    model = network()
    before = model.get_weights()
    with pytest.raises(ShapeError, match="net"):
        model.fit(images(shape), LABELS, verbose=0)
    assert all((a == b).all() for a, b in zip(before, model.get_weights()))
