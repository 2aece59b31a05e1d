"""Pooling layers and ops: against NumPy and Keras, shapes, configs, files, and what they refuse."""

from __future__ import annotations

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
from chainrule.tracing.autodiff import grad
from chainrule.tracing.tensor import KerasTensor

Array = Any
RNG = np.random.default_rng(0)
# Sizes that Keras on JAX divides well: from 6 to 7 it rounds the last window past the image.
SHAPES = {1: (2, 9, 5), 2: (2, 9, 8, 5), 3: (2, 5, 4, 5, 3)}
WINDOWED = ("MaxPooling", "AveragePooling")
GLOBAL = ("GlobalMaxPooling", "GlobalAveragePooling")
ADAPTIVE = ("AdaptiveMaxPooling", "AdaptiveAveragePooling")

# name of the class without its rank, and its options for a number of spatial axes
OPTIONS: list[tuple[str, Callable[[int], dict[str, Any]]]] = [
    *(
        (name, options)
        for name in WINDOWED
        for options in (
            lambda rank: {"pool_size": 2},
            lambda rank: {"pool_size": 3, "strides": 2},
            lambda rank: {"pool_size": 3, "strides": 1, "padding": "same"},
            lambda rank: {"pool_size": 2, "padding": "same"},
            lambda rank: {"pool_size": (1, 2, 3)[:rank], "strides": (3, 1, 2)[:rank]},
            lambda rank: {"pool_size": 2, "strides": 3, "padding": "same"},
        )
    ),
    *((name, lambda rank, keep=keep: {"keepdims": keep}) for name in GLOBAL for keep in (0, 1)),
    *(
        (name, lambda rank, size=size: {"output_size": size})
        for name in ADAPTIVE
        for size in (2, 3, 7)
    ),
    *((name, lambda rank: {"output_size": (4, 3, 2)[:rank]}) for name in ADAPTIVE),
]
CASES = [
    pytest.param(f"{name}{rank}D", options(rank), rank, id=f"{name}{rank}D-{options(rank)}")
    for name, options in OPTIONS
    for rank in (1, 2, 3)
]


def make(kind: str, options: dict[str, Any], **kwargs: Any) -> layers.Layer:
    layer: layers.Layer = getattr(layers, kind)(**options, **kwargs)
    return layer


def image(rank: int) -> Array:
    return RNG.standard_normal(SHAPES[rank]).astype("float32")


def spans(layer: Any, sizes: tuple[int, ...]) -> list[list[range]]:
    """What each window of each axis covers, by the definition of the layer."""
    found = []
    for axis, n in enumerate(sizes):
        if hasattr(layer, "output_size"):
            o = layer.output_size[axis]
            found.append([range(i * n // o, -(-(i + 1) * n // o)) for i in range(o)])
            continue
        if not hasattr(layer, "pool_size"):
            found.append([range(n)])
            continue
        k, s = layer.pool_size[axis], layer.strides[axis]
        count = -(-n // s) if layer.padding == "same" else (n - k) // s + 1
        before = max((count - 1) * s + k - n, 0) // 2 if layer.padding == "same" else 0
        starts = [i * s - before for i in range(count)]
        found.append([range(max(a, 0), min(a + k, n)) for a in starts])
    return found


def by_definition(layer: Any, x: Array) -> Array:
    """Channels last, axes kept."""
    windows = spans(layer, x.shape[1:-1])
    pooled = np.max if "Max" in type(layer).__name__ else np.mean
    out = np.empty((x.shape[0], *map(len, windows), x.shape[-1]))
    for place in np.ndindex(*map(len, windows)):
        part = x[np.ix_(range(x.shape[0]), *(w[i] for w, i in zip(windows, place)))]
        out[(slice(None), *place)] = pooled(part, axis=tuple(range(1, x.ndim - 1)))
    return out


@pytest.mark.parametrize(("name", "options", "rank"), CASES)
def test_every_layer_computes_its_definition(name: str, options: dict[str, Any], rank: int) -> None:
    x = image(rank)
    layer = make(name, options)
    expected = by_definition(layer, x.astype("float64"))
    if name.startswith("Global") and not layer.keepdims:
        expected = expected.reshape(len(x), -1)
    y = layer(x)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)
    assert layer.compute_output_shape(x.shape) == y.shape
    first = make(name, options, data_format="channels_first")
    turned = np.moveaxis(x, -1, 1).copy()
    back = np.moveaxis(first(turned), 1, -1)
    np.testing.assert_allclose(back, expected, rtol=1e-5, atol=1e-6)
    assert first.compute_output_shape(turned.shape) == first(turned).shape


@pytest.mark.parametrize(("name", "options", "rank"), CASES)
def test_unknown_sizes_stay_unknown(name: str, options: dict[str, Any], rank: int) -> None:
    layer = make(name, options)
    known = layer.compute_output_shape(SHAPES[rank])
    fixed = name.startswith(("Global", "Adaptive"))
    shape = layer.compute_output_shape((None, *[None] * rank, 3))
    assert len(shape) == len(known) and shape[0] is None and shape[-1] == 3
    assert shape[1:-1] == (known[1:-1] if fixed else (None,) * rank)
    assert layer(KerasTensor((None, *SHAPES[rank][1:]))).shape == (None, *known[1:])


@pytest.mark.parametrize(("name", "options", "rank"), CASES)
def test_configs_survive(name: str, options: dict[str, Any], rank: int) -> None:
    layer = make(name, options, data_format="channels_first", name="pooled")
    config = layer.get_config()
    copy = deserialize_keras_object(serialize_keras_object(layer))
    assert type(copy) is type(layer) and copy.get_config() == config
    assert {"data_format": "channels_first", "name": "pooled"}.items() <= config.items()
    x = np.moveaxis(image(rank), -1, 1).copy()
    assert np.array_equal(copy(x), layer(x))


@pytest.mark.parametrize(("name", "options", "rank"), CASES)
def test_outputs_gradients_and_configs_are_those_of_keras(
    name: str, options: dict[str, Any], rank: int
) -> None:
    os.environ.setdefault("KERAS_BACKEND", "jax")
    keras = pytest.importorskip("keras", minversion="3.15")
    jax = pytest.importorskip("jax")
    if keras.backend.backend() != "jax":
        pytest.skip("Keras runs on another backend")
    x = image(rank)
    layer, theirs = make(name, options), getattr(keras.layers, name)(**options)
    y = layer(x)
    np.testing.assert_allclose(y, np.asarray(theirs(x)), rtol=1e-5, atol=1e-6)
    assert layer.compute_output_shape(x.shape) == theirs.compute_output_shape(x.shape)
    keys = set(theirs.get_config()) - {"name", "dtype"}
    ours = layer.get_config()
    assert {k: ours[k] for k in keys} == {k: theirs.get_config()[k] for k in keys}
    dy = RNG.standard_normal(y.shape).astype("float32")
    expected = jax.grad(lambda x: (theirs(x) * dy).sum())(x)
    got = grad(lambda x: ops.sum(layer(x) * dy))(x)
    np.testing.assert_allclose(got, np.asarray(expected), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_keras_short_names(rank: int) -> None:
    for short, long in (("Max", "Max"), ("Avg", "Average")):
        for lead in ("", "Global"):
            alias = getattr(layers, f"{lead}{short}Pool{rank}D")
            assert alias is getattr(layers, f"{lead}{long}Pooling{rank}D")


def test_a_mask_chooses_the_steps_of_global_average_pooling() -> None:
    x = image(1)
    mask = RNG.random((2, 9)) < 0.6
    expected = np.stack([x[n][mask[n]].mean(0) for n in range(2)])
    got = layers.GlobalAveragePooling1D()(x, mask=mask)
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)
    turned = layers.GlobalAveragePooling1D("channels_first", keepdims=True)
    kept = turned(np.moveaxis(x, 2, 1).copy(), mask=mask)
    np.testing.assert_allclose(kept, expected[:, :, None], rtol=1e-5, atol=1e-6)
    hidden = np.where(mask[:, :, None], x, np.nan).astype("float32")
    np.testing.assert_array_equal(layers.GlobalAveragePooling1D()(hidden, mask=mask), got)


def test_masks_of_earlier_layers_reach_global_average_pooling() -> None:
    model = cr.Sequential([layers.Masking(0.0), layers.GlobalAveragePooling1D()])
    x = np.array([[[1.0], [3.0], [0.0]]], "float32")
    assert model.predict(x, verbose=0).tolist() == [[2.0]]


def test_the_first_maximum_takes_the_gradient() -> None:
    x = np.ones((1, 4, 4, 2), "float32")
    dx = grad(lambda x: ops.sum(ops.max_pool(x, 2)))(x)
    expected = np.zeros((4, 4))
    expected[::2, ::2] = 1
    assert np.array_equal(dx, np.broadcast_to(expected[None, :, :, None], x.shape))


def test_integers_become_floats() -> None:
    y = ops.max_pool(np.arange(8).reshape(1, 4, 2), 2)
    assert y.dtype == "float32" and y.tolist() == [[[2.0, 3.0], [6.0, 7.0]]]
    assert ops.average_pool(np.arange(4).reshape(1, 4, 1), 4).tolist() == [[[1.5]]]


def test_a_convolutional_shape_trains_and_survives_a_file(tmp_path: Path) -> None:
    cr.utils.set_random_seed(0)
    model = cr.Sequential(
        [
            cr.Input((12, 12, 3)),
            layers.MaxPooling2D(),
            layers.AveragePooling2D(3, strides=1, padding="same"),
            layers.AdaptiveMaxPooling2D((4, 5)),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2),
        ]
    )
    model.compile("adam", "mse")
    x = RNG.standard_normal((16, 12, 12, 3)).astype("float32")
    history = model.fit(x, x.max((1, 2))[:, :2], epochs=20, batch_size=8, verbose=0)
    assert history.history["loss"][-1] < 0.9 * history.history["loss"][0]
    model.save(tmp_path / "pools.chainrule")
    copy = cr.saving.load_model(tmp_path / "pools.chainrule")
    assert np.array_equal(copy.predict(x, verbose=0), model.predict(x, verbose=0))


WRONG: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: layers.MaxPooling2D(0), ValueError, "pool_size"),
    (lambda: layers.MaxPooling2D((2, 2, 2)), ValueError, "tuple of 2 integers"),
    (lambda: layers.AveragePooling1D(2, strides=0), ValueError, "strides"),
    (lambda: layers.MaxPooling1D(2, padding="causal"), ValueError, "MaxPooling1D.*causal"),
    (lambda: layers.MaxPooling1D(2, data_format="last"), ValueError, "data_format"),
    (lambda: layers.AdaptiveMaxPooling2D("big"), TypeError, "output_size"),
    (lambda: layers.AdaptiveAveragePooling3D((2, 2)), ValueError, "output_size"),
    (lambda: layers.AdaptiveAveragePooling1D(0), ValueError, "output_size"),
    (lambda: ops.max_pool(np.ones((2, 3)), 2), ShapeError, r"max_pool.*\(2, 3\)"),
    (lambda: ops.average_pool(np.ones((1, 4, 1)), [0]), ValueError, "average_pool.*pool_size"),
    (lambda: ops.max_pool(np.ones((1, 4, 1)), 2, padding="full"), ValueError, "max_pool.*full"),
    (lambda: ops.max_pool(np.ones((1, 4, 1)), 2, -1), ValueError, "max_pool.*strides"),
    (lambda: ops.max_pool(np.ones((1, 4, 4, 1)), 5), ShapeError, r"pool.*\(5, 5\)"),
    (lambda: ops.max_pool(np.ones((1, 0, 1)), 2, padding="same"), ShapeError, r"\(1, 0, 1\)"),
    (lambda: ops.adaptive_max_pool(np.ones((1, 0, 1)), 2), ShapeError, r"\(1, 0, 1\)"),
    (lambda: ops.adaptive_max_pool(np.ones((1, 4, 1)), 0), ValueError, "output_size"),
]


@pytest.mark.parametrize(("attempt", "error", "match"), WRONG)
def test_bad_options_and_inputs_are_refused(
    attempt: Callable[[], Any], error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        attempt()


@pytest.mark.parametrize("symbolic", [False, True])
def test_an_image_smaller_than_its_window_names_the_layer(symbolic: bool) -> None:
    layer = layers.MaxPooling2D(5, name="halver")
    x = KerasTensor((None, 4, 9, 3)) if symbolic else np.ones((1, 4, 9, 3))
    with pytest.raises(ShapeError, match=r"halver.*\(5, 5\).*4, 9, 3"):
        layer(x)


@pytest.mark.parametrize("name", [*WINDOWED, *GLOBAL, *ADAPTIVE])
def test_images_of_another_rank_name_the_layer(name: str) -> None:
    options = {"output_size": 2} if name in ADAPTIVE else {}
    options |= {"pool_size": 2} if name in WINDOWED else {}
    with pytest.raises(ShapeError, match="thrown.*expected ndim=4, found ndim=3"):
        make(f"{name}2D", options, name="thrown")(np.ones((2, 4, 4)))
