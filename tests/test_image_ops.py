"""`ops.image`: against Keras on JAX where it is installed, in both layouts, and bad input."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

from chainrule import Input, KerasTensor, Model, ops
from chainrule.errors import DTypeError, ShapeError
from tests.compiled import assert_same_traced
from tests.rows import Array

METHODS = ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5")
FILLS = ("constant", "nearest", "reflect", "wrap", "mirror")
ASPECTS: tuple[dict[str, Any], ...] = (
    {"crop_to_aspect_ratio": True},
    {"pad_to_aspect_ratio": True, "fill_value": 0.25},
)


def images(*shape: int, seed: int = 0, dtype: str = "float32") -> Array:
    x = np.random.default_rng([seed, *shape]).random(shape, dtype=np.float32)
    return (x * 255).astype(dtype) if dtype.startswith(("int", "uint")) else x.astype(dtype)


@pytest.fixture(scope="module")
def keras() -> Any:
    os.environ.setdefault("KERAS_BACKEND", "jax")
    module = pytest.importorskip("keras", minversion="3.15")
    if module.backend.backend() != "jax":
        pytest.skip("Keras runs on another backend than JAX")
    return module.ops.image


def close(ours: Any, theirs: Any, tolerance: float = 1e-5) -> None:
    theirs = np.asarray(theirs)
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance)


def maps(count: int) -> Array:
    """Affine transforms that turn, stretch and shift."""
    rng = np.random.default_rng(3)
    found = rng.normal(size=(count, 8)) * [1, 0.5, 6, 0.5, 1, 6, 0, 0]
    return found.astype(np.float32)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("size", [(5, 9), (23, 31), (11, 20), (1, 1)])
def test_resize_equals_keras(keras: Any, method: str, antialias: bool, size: Any) -> None:
    x = images(2, 11, 14, 3)
    ours = ops.image.resize(x, size, method, antialias)
    close(ours, keras.resize(x, size, method, antialias, data_format="channels_last"))


@pytest.mark.parametrize("options", ASPECTS, ids=["crop", "pad"])
@pytest.mark.parametrize("shape", [(9, 16, 3), (16, 9, 3), (2, 11, 14, 1)])
@pytest.mark.parametrize("size", [(6, 6), (7, 20), (12, 5)])
def test_resize_keeps_the_aspect_ratio_as_keras(
    keras: Any, options: dict[str, Any], shape: Any, size: Any
) -> None:
    x = images(*shape)
    ours = ops.image.resize(x, size, **options)
    close(ours, keras.resize(x, size, data_format="channels_last", **options))


@pytest.mark.parametrize("method", ["bilinear", "nearest", "bicubic"])
def test_resize_of_integers_equals_keras(keras: Any, method: str) -> None:
    x = images(2, 6, 7, 3, dtype="uint8")
    ours = ops.image.resize(x, (9, 5), method)
    theirs = np.asarray(keras.resize(x, (9, 5), method, data_format="channels_last"))
    assert ours.dtype == theirs.dtype
    # A sum next to a half may round to either side.
    assert np.abs(ours.astype(int) - theirs.astype(int)).max() <= 1
    assert np.mean(ours != theirs) < 0.02


@pytest.mark.parametrize("method", ["nearest", "bilinear"])
@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("channels", [1, 3, 5])
def test_affine_transform_equals_keras(keras: Any, method: str, fill: str, channels: int) -> None:
    x, transforms = images(6, 13, 17, channels), maps(6)
    ours = ops.image.affine_transform(x, transforms, method, fill, 0.3)
    theirs = keras.affine_transform(x, transforms, method, fill, 0.3, data_format="channels_last")
    close(ours, theirs)


def test_affine_transform_of_integers_equals_keras(keras: Any) -> None:
    x, transforms = images(6, 13, 17, 3, dtype="uint8"), maps(6)
    ours = ops.image.affine_transform(x, transforms)
    close(ours, keras.affine_transform(x, transforms, data_format="channels_last"), 0)


@pytest.mark.parametrize("method", ["nearest", "bilinear"])
def test_perspective_transform_equals_keras(keras: Any, method: str) -> None:
    x = images(3, 12, 15, 3)
    corners = np.array([[0, 0], [14, 0], [0, 11], [14, 11]], np.float32)
    start = np.tile(corners, (3, 1, 1))
    end = start + np.random.default_rng(1).uniform(-3, 3, start.shape).astype(np.float32)
    ours = ops.image.perspective_transform(x, start, end, method, 0.5)
    theirs = keras.perspective_transform(x, start, end, method, 0.5, data_format="channels_last")
    # Keras solves the equations in float32; a place may fall beside a pixel's edge.
    wrong = np.abs(ours - np.asarray(theirs)) > 1e-3
    assert wrong.mean() <= (0.01 if method == "nearest" else 0.0)


@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("shape", [(7,), (5, 6), (3, 4, 5), (1, 4)])
def test_map_coordinates_equals_keras(keras: Any, order: int, fill: str, shape: Any) -> None:
    x = images(*shape)
    places = np.random.default_rng(2).uniform(-9, 12, (len(shape), 4, 5)).astype(np.float32)
    if fill == "mirror" and 1 in shape:
        pytest.skip("Keras divides by zero there")
    ours = ops.image.map_coordinates(x, places, order, fill, 0.3)
    close(ours, keras.map_coordinates(x, places, order, fill, 0.3))


@pytest.mark.parametrize("shape", [(2, 9, 8, 3), (9, 8, 1)])
@pytest.mark.parametrize("kernel", [(3, 3), (5, 3), (1, 7), (4, 2)])
def test_gaussian_blur_equals_keras(keras: Any, shape: Any, kernel: Any) -> None:
    x = images(*shape)
    ours = ops.image.gaussian_blur(x, kernel, (1.5, 0.7))
    close(ours, keras.gaussian_blur(x, kernel, (1.5, 0.7), data_format="channels_last"))


def test_sobel_edges_equals_keras(keras: Any) -> None:
    x = images(2, 7, 6, 3)
    close(ops.image.sobel_edges(x), keras.sobel_edges(x, data_format="channels_last"))


def test_ssim_equals_keras(keras: Any) -> None:
    x, y = images(2, 16, 18, 3), images(2, 16, 18, 3, seed=1)
    close(ops.image.ssim(x, y), keras.ssim(x, y, data_format="channels_last"))
    close(ops.image.ssim(x[0], y[0]), keras.ssim(x[0], y[0], data_format="channels_last"))


@pytest.mark.parametrize("name", ["rgb_to_hsv", "hsv_to_rgb", "rgb_to_grayscale"])
def test_colours_equal_keras(keras: Any, name: str) -> None:
    x = images(2, 5, 6, 3)
    x[0, 0] = 0.5
    x[0, 1, :, 0] = x[0, 1, :, 1]
    close(getattr(ops.image, name)(x), getattr(keras, name)(x, data_format="channels_last"))


def test_hue_saturation_and_value_come_back() -> None:
    x = images(2, 5, 6, 3, dtype="float64")
    np.testing.assert_allclose(ops.image.hsv_to_rgb(ops.image.rgb_to_hsv(x)), x, atol=1e-12)


@pytest.mark.parametrize(
    "size, strides, dilation, padding",
    [(3, None, 1, "valid"), ((2, 4), None, 1, "same"), (3, 1, 1, "same"), ((3, 2), 2, 1, "valid"),
     (2, 1, 3, "valid"), (3, 1, 2, "same")],
)  # fmt: skip
def test_extract_patches_equals_keras(
    keras: Any, size: Any, strides: Any, dilation: int, padding: str
) -> None:
    x = images(2, 9, 10, 3)
    ours = ops.image.extract_patches(x, size, strides, dilation, padding)
    theirs = keras.extract_patches(x, size, strides, dilation, padding, data_format="channels_last")
    close(ours, theirs, 0)


def test_patches_of_volumes_equal_keras(keras: Any) -> None:
    x = images(2, 6, 7, 8, 2)
    for strides in (None, 2):
        ours = ops.image.extract_patches(x, (2, 3, 3), strides)
        close(ours, keras.extract_patches(x, (2, 3, 3), strides, data_format="channels_last"), 0)


@pytest.mark.parametrize("method", ["linear", "cubic", "lanczos3", "lanczos5"])
@pytest.mark.parametrize("antialias", [False, True])
def test_scale_and_translate_equals_keras(keras: Any, method: str, antialias: bool) -> None:
    x = images(2, 9, 8, 3)
    given = ((2, 6, 14, 3), [0.6, 1.7], [1.25, -2.5], (1, 2), method, antialias)
    scale, shift = np.float32(given[1]), np.float32(given[2])
    theirs = keras.scale_and_translate(x, given[0], scale, shift, (1, 2), method, antialias)
    close(ops.image.scale_and_translate(x, *given), theirs, 2e-5)


def test_crop_and_pad_equal_keras(keras: Any) -> None:
    x = images(2, 9, 8, 3)
    for options in (
        {"top": 1, "left": 2, "bottom": 3, "right": 1},
        {"top": 1, "left": 2, "target_height": 12, "target_width": 11},
        {"bottom": 1, "right": 2, "target_height": 12, "target_width": 11},
    ):
        for word in ("padding", "cropping"):
            given = {
                k if k.startswith("target") else f"{k}_{word}": v for k, v in options.items()
            }
            if word == "cropping":
                given = {k: v - 8 if k.startswith("target") else v for k, v in given.items()}
            name = "pad_images" if word == "padding" else "crop_images"
            theirs = getattr(keras, name)(x, data_format="channels_last", **given)
            close(getattr(ops.image, name)(x, **given), theirs, 0)


FUNCTIONS: dict[str, Any] = {
    "resize": lambda x, f: ops.image.resize(x, (5, 9), "bicubic", data_format=f),
    "crop": lambda x, f: ops.image.resize(x, (5, 9), crop_to_aspect_ratio=True, data_format=f),
    "pad": lambda x, f: ops.image.resize(x, (5, 9), pad_to_aspect_ratio=True, data_format=f),
    "affine": lambda x, f: ops.image.affine_transform(
        x, [0.8, 0.3, 1, -0.2, 1.1, 0.5, 0.01, 0.02], data_format=f
    ),
    "perspective": lambda x, f: ops.image.perspective_transform(
        x, [[0, 0], [6, 0], [0, 5], [6, 5]], [[1, 0], [5, 1], [0, 4], [6, 6]], data_format=f
    ),
    "blur": lambda x, f: ops.image.gaussian_blur(x, (3, 5), (1.0, 2.0), f),
    "gray": lambda x, f: ops.image.rgb_to_grayscale(x, f),
    "hsv": lambda x, f: ops.image.rgb_to_hsv(x, f),
    "rgb": lambda x, f: ops.image.hsv_to_rgb(x, f),
    "patches": lambda x, f: ops.image.extract_patches(x, 2, data_format=f),
    "elastic": lambda x, f: ops.image.elastic_transform(x, 5.0, 1.0, seed=3, data_format=f),
    "pad_images": lambda x, f: ops.image.pad_images(x, 1, 2, 3, 4, data_format=f),
    "crop_images": lambda x, f: ops.image.crop_images(x, 1, 2, 3, 1, data_format=f),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_layouts_single_images_and_traces_agree(name: str) -> None:
    function, x = FUNCTIONS[name], images(2, 6, 7, 3)
    expected = function(x, "channels_last")
    first = function(x.transpose(0, 3, 1, 2), "channels_first")
    np.testing.assert_array_equal(first.transpose(0, 2, 3, 1), expected)
    one = function(x[:1], "channels_last")
    np.testing.assert_array_equal(function(x[0], "channels_last"), one[0])
    assert_same_traced(lambda t: function(t, "channels_last"), x)
    symbolic = function(KerasTensor((None, 6, 7, 3)), "channels_last")
    assert symbolic.shape == (None, *expected.shape[1:])
    assert symbolic.dtype == expected.dtype


def test_a_projective_map_divides() -> None:
    x = images(1, 8, 9, 1)
    tilt = [1.0, 0.1, 0.5, 0.0, 1.0, 0.25, 0.02, 0.01]
    y = ops.image.affine_transform(x, tilt)
    i, j = 3, 4
    k = 0.02 * j + 0.01 * i + 1
    place = np.float32([[(i + 0.25) / k], [(j + 0.1 * i + 0.5) / k]])
    expected = ops.image.map_coordinates(x[0, :, :, 0], place, 1)
    np.testing.assert_allclose(y[0, i, j, 0], expected[0], atol=1e-6)


def test_elastic_transform_moves_pixels_but_keeps_their_values() -> None:
    x = np.tile(np.linspace(0, 1, 20, dtype=np.float32).reshape(1, 1, 20, 1), (2, 18, 1, 1))
    y = ops.image.elastic_transform(x, alpha=8.0, sigma=2.0, seed=7)
    assert y.shape == x.shape and y.dtype == x.dtype
    assert np.abs(y - x).max() > 0.01
    assert y.min() >= 0.0 and y.max() <= 1.0
    np.testing.assert_array_equal(y, ops.image.elastic_transform(x, 8.0, 2.0, seed=7))
    assert np.abs(y - ops.image.elastic_transform(x, 8.0, 2.0, seed=8)).max() > 0.01


def test_half_precision_keeps_its_dtype() -> None:
    x = images(2, 6, 7, 3, dtype="float16")
    assert ops.image.resize(x, (3, 3)).dtype == np.float16
    assert ops.image.affine_transform(x, [1, 0, 0.5, 0, 1, 0, 0, 0]).dtype == np.float16


X = np.zeros((2, 6, 7, 3), np.float32)
BAD: list[tuple[str, Any, type[Exception], str]] = [
    ("resize rank", lambda i: i.resize(X[0, 0], (2, 2)), ShapeError, r"resize.*\(7, 3\)"),
    ("resize size", lambda i: i.resize(X, (2, 0)), ValueError, r"positive.*\(2, 0\)"),
    ("resize sizes", lambda i: i.resize(X, (2, 2, 2)), ValueError, r"2 integers.*\(2, 2, 2\)"),
    ("resize method", lambda i: i.resize(X, (2, 2), "area"), ValueError, "bicubic.*'area'"),
    ("resize fill", lambda i: i.resize(X, (2, 2), fill_mode="wrap"), ValueError, "fill_mode"),
    (
        "resize twice",
        lambda i: i.resize(X, (2, 2), crop_to_aspect_ratio=True, pad_to_aspect_ratio=True),
        ValueError,
        "Only one of",
    ),
    ("resize nothing", lambda i: i.resize(X[:, :0], (2, 2)), ShapeError, r"\(2, 0, 7, 3\)"),
    ("layout", lambda i: i.resize(X, (2, 2), data_format="last"), ValueError, "data_format"),
    ("affine rank", lambda i: i.affine_transform(X, np.eye(8)[None]), ShapeError, "rank"),
    ("affine length", lambda i: i.affine_transform(X, np.eye(3)[0]), ShapeError, r"\(3,\)"),
    ("affine count", lambda i: i.affine_transform(X, np.eye(8)[:3]), ShapeError, r"\(3, 8\)"),
    ("affine fill", lambda i: i.affine_transform(X, np.eye(8)[0], fill_mode="edge"),
     ValueError, "reflect|mirror"),
    ("perspective", lambda i: i.perspective_transform(X, np.eye(4), np.eye(4)), ShapeError,
     r"start_points.*\(4, 4\)"),
    ("map order", lambda i: i.map_coordinates(X, np.zeros((4, 1)), 2), ValueError, "order=2"),
    ("map rank", lambda i: i.map_coordinates(X, np.zeros(4), 1), ShapeError, "rank 2"),
    ("map axes", lambda i: i.map_coordinates(X, np.zeros((3, 1)), 1), ShapeError, "First dim"),
    ("gray channels", lambda i: i.rgb_to_grayscale(X[..., :2]), ShapeError, r"\(2, 6, 7, 2\)"),
    ("hsv dtype", lambda i: i.rgb_to_hsv(X.astype("uint8")), DTypeError, "uint8"),
    ("blur", lambda i: i.gaussian_blur(X, (3, 0)), ValueError, r"kernel_size=\(3, 0\)"),
    ("blur sigma", lambda i: i.gaussian_blur(X, (3, 3), 1.0), ShapeError, "sigma"),
    ("pad three", lambda i: i.pad_images(X, 1, 1, 1, 1, 9), ValueError, "exactly two"),
    ("pad small", lambda i: i.pad_images(X, 1, 1, target_height=4, target_width=9), ShapeError,
     "bottom_padding=-3"),
    ("crop large", lambda i: i.crop_images(X, 5, 1, 4, 1), ShapeError, "target_height=-3"),
    ("crop beyond", lambda i: i.crop_images(X, 1, 1, target_height=9, target_width=2), ShapeError,
     "bottom_cropping=-4"),
    ("patch size", lambda i: i.extract_patches(X, "3"), TypeError, "str"),
    ("patch large", lambda i: i.extract_patches(X, 9), ShapeError, r"\(9, 9\)"),
    ("patch padding", lambda i: i.extract_patches(X, 2, padding="full"), ValueError, "full"),
    ("ssim", lambda i: i.ssim(X, X[:1]), ShapeError, r"one shape"),
    ("scale", lambda i: i.scale_and_translate(X, (2, 3, 3, 3), [1.0], [0.0, 0.0], (1, 2), "linear"),
     ShapeError, "scale of shape"),
]  # fmt: skip


@pytest.mark.parametrize(
    "call, error, match", [b[1:] for b in BAD], ids=[b[0] for b in BAD]
)
def test_bad_input_is_refused(call: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        call(ops.image)


def test_crops_of_images_whose_size_is_not_known() -> None:
    x = Input((None, None, 3))
    crop = ops.image.crop_images(x, 1, 2, target_height=4, target_width=5)
    assert crop.shape == (None, 4, 5, 3)
    images = np.random.default_rng(0).random((2, 9, 8, 3), dtype="float32")
    found = Model(x, crop).predict(images, verbose=0)
    np.testing.assert_array_equal(found, images[:, 1:5, 2:7])
