"""Resizing, CenterCrop and the interpolations of UpSampling2D, against Keras on JAX where it is."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

import chainrule
from chainrule import layers, ops
from chainrule.errors import ShapeError
from tests.rows import Array

LAYERS: list[tuple[str, dict[str, Any]]] = [
    ("Resizing", {"height": 5, "width": 9}),
    ("Resizing", {"height": 12, "width": 4, "interpolation": "bicubic", "antialias": True}),
    ("Resizing", {"height": 6, "width": 6, "crop_to_aspect_ratio": True}),
    ("Resizing", {"height": 6, "width": 6, "pad_to_aspect_ratio": True, "fill_value": 7.0}),
    ("Resizing", {"height": 3, "width": 20, "interpolation": "nearest"}),
    ("CenterCrop", {"height": 3, "width": 4}),
    ("CenterCrop", {"height": 8, "width": 11}),
    ("CenterCrop", {"height": 12, "width": 5}),
    ("CenterCrop", {"height": 20, "width": 30}),
    *(
        ("UpSampling2D", {"size": (2, 3), "interpolation": method})
        for method in ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")
    ),
]
each_layer = pytest.mark.parametrize("name, arguments", LAYERS)
SIZED = [row for row in LAYERS if row[0] != "UpSampling2D"]
each_sized = pytest.mark.parametrize("name, arguments", SIZED)


def images(*shape: int) -> Array:
    return np.random.default_rng(shape).integers(0, 256, shape).astype(np.float32)


@pytest.fixture(scope="module")
def keras() -> Any:
    os.environ.setdefault("KERAS_BACKEND", "jax")
    module = pytest.importorskip("keras", minversion="3.15")
    if module.backend.backend() != "jax":
        pytest.skip("Keras runs on another backend than JAX")
    return module


@each_layer
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_layers_equal_keras(
    keras: Any, name: str, arguments: dict[str, Any], data_format: str
) -> None:
    x = images(2, 8, 11, 3)
    if data_format == "channels_first":
        x = x.transpose(0, 3, 1, 2)
    ours = getattr(layers, name)(**arguments, data_format=data_format)
    theirs = getattr(keras.layers, name)(**arguments, data_format=data_format)
    expected = np.asarray(theirs(x))
    np.testing.assert_allclose(ours(x), expected, rtol=0, atol=2e-3)
    assert ours.compute_output_shape(x.shape) == expected.shape
    mine, known = ours.get_config(), theirs.get_config()
    mine.pop("name"), known.pop("name")
    assert {k: mine[k] for k in known if k != "dtype"} == {
        k: v for k, v in known.items() if k != "dtype"
    }


@each_sized
@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_single_images_and_dicts(name: str, arguments: dict[str, Any], dtype: str) -> None:
    x = images(2, 8, 11, 3).astype(dtype)
    layer = getattr(layers, name)(**arguments)
    expected = layer(x)
    np.testing.assert_array_equal(layer(x[0]), expected[0])
    masks, labels = (x[..., :1] > 99).astype("float32"), np.arange(2)
    found = layer({"images": x, "labels": labels, "segmentation_masks": masks})
    np.testing.assert_array_equal(found["images"], expected)
    np.testing.assert_array_equal(found["labels"], labels)
    assert found["segmentation_masks"].shape == (*expected.shape[:-1], 1)
    if name == "Resizing":
        assert expected.dtype == dtype
        assert set(np.unique(found["segmentation_masks"])) <= {0.0, 1.0, arguments.get("fill_value")}


@each_layer
def test_layers_work_in_models(name: str, arguments: dict[str, Any]) -> None:
    layer = getattr(layers, name)(**arguments)
    model = chainrule.Sequential([chainrule.Input((8, 11, 3)), layer, layers.Flatten()])
    x = images(4, 8, 11, 3)
    expected = layer(x)
    np.testing.assert_allclose(
        model.predict(x, verbose=0), expected.reshape(4, -1), rtol=0, atol=1e-4
    )
    again = type(layer).from_config(layer.get_config())
    np.testing.assert_array_equal(again(x), expected)


def test_gradients_flow_through_up_sampling() -> None:
    model = chainrule.Sequential(
        [
            chainrule.Input((3, 4, 2)),
            layers.Dense(2),
            layers.UpSampling2D(2, interpolation="bilinear"),
            layers.Dense(2),
            layers.UpSampling2D(2, interpolation="nearest"),
            layers.Resizing(5, 5, interpolation="bicubic"),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )
    model.compile(optimizer="sgd", loss="mse")
    x = images(4, 3, 4, 2) / 255
    assert model.check_gradients(x, x.sum(axis=(1, 2, 3))[:, np.newaxis]).ok


def test_centre_crop_takes_the_middle() -> None:
    x = images(2, 8, 11, 3)
    np.testing.assert_array_equal(layers.CenterCrop(4, 4)(x), x[:, 2:6, 3:7])
    small = layers.CenterCrop(16, 16)(x)
    np.testing.assert_array_equal(
        small, ops.image.resize(x, (16, 16), crop_to_aspect_ratio=True)
    )


@pytest.mark.parametrize(
    "make, error, match",
    [
        (lambda: layers.Resizing(0, 3), ValueError, "Resizing.*height=0"),
        (lambda: layers.CenterCrop(3, -1), ValueError, "CenterCrop.*width=-1"),
        (lambda: layers.Resizing(2, 3, "area")(images(2, 8, 9, 3)), ValueError, "'area'"),
        (lambda: layers.Resizing(2, 3)(images(8, 9)), ShapeError, r"3 axes.*\(8, 9\)"),
        (lambda: layers.CenterCrop(2, 3)(images(8, 9)), ShapeError, r"3 axes.*\(8, 9\)"),
        (lambda: layers.Resizing(2, 3)(images(2, 0, 9, 3)), ShapeError, r"\(2, 0, 9, 3\)"),
        (lambda: layers.UpSampling2D(interpolation="area"), ValueError, "bicubic.*'area'"),
    ],
)
def test_bad_arguments_and_images_are_refused(
    make: Any, error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        make()
