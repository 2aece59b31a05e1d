"""Boxes: layouts, overlaps and deltas against Keras and by hand; boxes go where the pixels go."""

from __future__ import annotations

import itertools
import os
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as keras
from chainrule import layers, ops
from chainrule.errors import ShapeError
from chainrule.utils import bounding_boxes
from chainrule.utils.box_layouts import LAYOUTS

HEIGHT, WIDTH = 40, 30

corners = st.tuples(
    st.integers(0, WIDTH - 2), st.integers(0, HEIGHT - 2), st.integers(1, 20), st.integers(1, 20)
).map(lambda b: (b[0], b[1], min(b[0] + b[2], WIDTH), min(b[1] + b[3], HEIGHT)))


def theirs() -> Any:
    os.environ.setdefault("KERAS_BACKEND", "jax")
    return pytest.importorskip("keras", minversion="3.15")


def some_boxes(batch: int = 3, count: int = 5) -> Any:
    rng = np.random.default_rng(0)
    first = rng.uniform(0, 20, (batch, count, 2))
    return np.concatenate([first, first + rng.uniform(1, 9, first.shape)], -1).astype("float32")


@pytest.mark.parametrize(("source", "target"), [*itertools.permutations(LAYOUTS, 2)])
def test_layouts_are_keras_layouts(source: str, target: str) -> None:
    boxes = bounding_boxes.convert_format(some_boxes(), "xyxy", source, HEIGHT, WIDTH)
    got = bounding_boxes.convert_format(boxes, source, target, HEIGHT, WIDTH)
    back = bounding_boxes.convert_format(got, target, "xyxy", HEIGHT, WIDTH)
    np.testing.assert_allclose(back, some_boxes(), rtol=1e-5, atol=1e-5)
    convert = theirs().utils.bounding_boxes.convert_format
    both = source.startswith("rel_") and target.startswith("rel_")
    if both and "center" in source + target:
        return  # Keras takes the relative layouts for absolute ones, which gives the same
    expected = convert(boxes, source, target, HEIGHT, WIDTH)
    np.testing.assert_allclose(got, np.asarray(expected), rtol=1e-5, atol=1e-5)


@given(st.lists(corners, min_size=1, max_size=4), st.lists(corners, min_size=1, max_size=4))
def test_overlaps_are_counts_of_pixels(first: Any, second: Any) -> None:
    def pixels(box: Any) -> Any:
        image = np.zeros((HEIGHT, WIDTH), bool)
        image[box[1] : box[3], box[0] : box[2]] = True
        return image

    expected = [
        [(a & b).sum() / (a | b).sum() for b in map(pixels, second)] for a in map(pixels, first)
    ]
    got = bounding_boxes.compute_iou(np.array(first), np.array(second), "xyxy")
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


def test_overlaps_and_deltas_are_keras_numbers() -> None:
    ref = theirs().utils.bounding_boxes
    a, b = some_boxes(), some_boxes()[:, ::-1] + np.float32(1.5)
    padded = np.concatenate([a, np.full_like(a[:, :1], -1)], 1)
    for x, y, more in (
        (a, b, {}),
        (a, b[0], {}),
        (a[0], b, {}),
        (padded, padded, {"use_masking": True, "mask_val": -7}),
    ):
        got = bounding_boxes.compute_iou(x, y, "xywh", **more)
        if not more:
            expected = np.asarray(ref.compute_iou(x, y, "xywh", **more))
            np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)
        else:
            assert (got[:, -1] == -7).all() and (got[..., -1] == -7).all()
            np.testing.assert_allclose(got[:, :5, :5], bounding_boxes.compute_iou(a, a, "xywh"))
    got = bounding_boxes.compute_ciou(a, b, "xyxy")
    np.testing.assert_allclose(
        got, np.asarray(ref.compute_ciou(a, b, "xyxy")), rtol=1e-5, atol=1e-6
    )
    for layout in ("center_yxhw", "center_xywh"):
        more = {"variance": [0.1, 0.1, 0.2, 0.2]}
        deltas = bounding_boxes.encode_box_to_deltas(a[0], b, "xyxy", "xywh", layout, **more)
        expected = ref.encode_box_to_deltas(a[0], b, "xyxy", "xywh", layout, **more)
        np.testing.assert_allclose(deltas, np.asarray(expected), rtol=1e-5, atol=1e-5)
        again = bounding_boxes.decode_deltas_to_boxes(a[0], deltas, "xyxy", "xywh", layout, **more)
        np.testing.assert_allclose(again, b, rtol=1e-4, atol=1e-4)
    levels = bounding_boxes.decode_deltas_to_boxes({1: a[0]}, {1: deltas}, "xyxy", "xyxy")
    assert levels[1].shape == (3, 5, 4)


def test_clip_crop_pad_and_affine_are_keras_numbers() -> None:
    ref = theirs().utils.bounding_boxes
    boxes = {"boxes": some_boxes() * np.float32(1.5), "labels": np.arange(15).reshape(3, 5)}
    got, expected = (x.clip_to_image_size(boxes, 20, 25) for x in (bounding_boxes, ref))
    for key in boxes:
        np.testing.assert_allclose(got[key], np.asarray(expected[key]))
    assert (got["labels"] == -1).any()
    for call in (
        lambda x: x.crop(boxes["boxes"], 3, 4, 10, 12),
        lambda x: x.pad(boxes["boxes"], 3, 4),
        lambda x: x.affine_transform(
            boxes["boxes"],
            *np.random.default_rng(1).uniform(-0.4, 0.4, (6, 3)).astype("float32")
            * [[90], [1], [1], [2], [9], [9]],
            height=HEIGHT,
            width=WIDTH,
        ),
    ):
        np.testing.assert_allclose(
            call(bounding_boxes), np.asarray(call(ref)), rtol=1e-4, atol=1e-4
        )


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("RandomFlip", {}),
        ("RandomFlip", {"mode": "vertical", "data_format": "channels_first"}),
        ("RandomTranslation", {"height_factor": 0.3, "width_factor": 0.2}),
        ("RandomZoom", {"height_factor": 0.4, "width_factor": (-0.3, 0.5)}),
        ("RandomRotation", {"factor": 0.2}),
        ("RandomPerspective", {"scale": 0.2}),
    ],
)
def test_moved_boxes_are_keras_boxes(name: str, arguments: dict[str, Any]) -> None:
    made = [
        getattr(x.layers, name)(**arguments, bounding_box_format="xyxy") for x in (keras, theirs())
    ]
    shape = (3, 3, HEIGHT, WIDTH) if arguments.get("data_format") else (3, HEIGHT, WIDTH, 3)
    drawn = made[0].get_random_transformation(np.zeros(shape, "float32"))
    boxes = {"boxes": some_boxes(), "labels": np.arange(15).reshape(3, 5)}
    got = made[0].transform_bounding_boxes(boxes, drawn)
    expected = made[1].transform_bounding_boxes(dict(boxes), drawn)
    np.testing.assert_allclose(got["boxes"], np.asarray(expected["boxes"]), rtol=1e-4, atol=1e-3)
    np.testing.assert_array_equal(got["labels"], np.asarray(expected["labels"]))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("RandomFlip", {}),
        ("RandomShear", {"x_factor": 0.3, "y_factor": 0.2, "fill_mode": "constant"}),
        ("RandomTranslation", {"height_factor": 0.2, "width_factor": 0.2, "fill_mode": "constant"}),
        ("RandomZoom", {"height_factor": 0.3, "fill_mode": "constant"}),
        ("RandomRotation", {"factor": 0.1, "fill_mode": "constant"}),
        ("RandomPerspective", {"scale": 0.2}),
        ("RandomCrop", {"height": 24, "width": 20}),
        ("RandomCrop", {"height": 60, "width": 35}),
        ("CenterCrop", {"height": 30, "width": 22}),
        ("CenterCrop", {"height": 50, "width": 22}),
        ("Resizing", {"height": 80, "width": 50}),
        ("Resizing", {"height": 50, "width": 50, "crop_to_aspect_ratio": True}),
        ("Resizing", {"height": 50, "width": 50, "pad_to_aspect_ratio": True}),
        ("RandAugment", {"num_ops": 1, "seed": 3}),
    ],
)
@pytest.mark.parametrize("layout", ["xyxy", "rel_xywh"])
def test_boxes_go_where_the_pixels_go(name: str, arguments: dict[str, Any], layout: str) -> None:
    keras.utils.set_random_seed(1)
    layer = getattr(layers, name)(**arguments, bounding_box_format=layout)
    again = type(layer).from_config(layer.get_config())
    assert again.bounding_box_format == layout
    box = np.array([[11.0, 13.0, 20.0, 25.0]] * 4, "float32")[:, None]
    masks = np.zeros((4, HEIGHT, WIDTH, 1), "float32")
    masks[:, 13:25, 11:20] = 1.0
    boxes = bounding_boxes.convert_format(box, "xyxy", layout, HEIGHT, WIDTH)
    data = {
        "images": masks * np.ones(3, "float32"),
        "segmentation_masks": masks,
        "bounding_boxes": {"boxes": boxes, "labels": np.full((4, 1), 5)},
    }
    one = layer({k: v for k, v in data.items()}, training=True)
    for i in range(4):
        size = one["segmentation_masks"].shape[1:3]
        found = one["bounding_boxes"]["boxes"][i]
        left, top, right, bottom = bounding_boxes.convert_format(found, layout, "xyxy", *size)[0]
        rows, columns = np.nonzero(one["segmentation_masks"][i, ..., 0] > 0.5)
        if not len(rows):
            assert one["bounding_boxes"]["labels"][i] == -1 or (right - left) * (bottom - top) < 9
            continue
        # A pixel's edges are not moved with its middle, as in Keras: up to a pixel, enlarged.
        seen = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        near = 2.0 * max(1.0, size[0] / HEIGHT, size[1] / WIDTH)
        np.testing.assert_allclose((left, top, right, bottom), seen, atol=near)
        assert one["bounding_boxes"]["labels"][i] == 5


def test_single_images_lists_and_padding() -> None:
    flip = layers.RandomFlip("horizontal", bounding_box_format="xyxy", seed=1)
    image = np.zeros((8, 10, 3), "float32")
    seen = set()
    for _ in range(20):
        boxes = {"boxes": np.array([[1, 2, 4, 6]]), "labels": np.array([3])}
        got = flip({"images": image, "bounding_boxes": boxes}, training=True)["bounding_boxes"]
        assert got["labels"].tolist() == [3]
        seen.add(tuple(got["boxes"][0].tolist()))
    assert seen == {(1.0, 2.0, 4.0, 6.0), (6.0, 2.0, 9.0, 6.0)}
    ragged = {"boxes": [[[1, 2, 4, 6], [0, 0, 1, 1]], []], "labels": [[3, 4], []]}
    images = np.zeros((2, 8, 10, 3), "float32")
    resized = layers.Resizing(16, 10, bounding_box_format="xyxy")
    got = resized({"images": images, "bounding_boxes": ragged})["bounding_boxes"]
    assert got["boxes"][0].tolist() == [[1.0, 4.0, 4.0, 12.0], [0.0, 0.0, 1.0, 2.0]]
    assert not got["boxes"][1].any() and got["labels"].tolist() == [[3, 4], [-1, -1]]
    most = layers.MaxNumBoundingBoxes(1, bounding_box_format="xyxy")
    assert most({"images": images, "bounding_boxes": ragged})["bounding_boxes"]["boxes"].shape == (
        2,
        1,
        4,
    )
    mixed = layers.MixUp(bounding_box_format="xyxy")({"images": images, "bounding_boxes": ragged})
    assert mixed["bounding_boxes"]["boxes"].shape == (2, 4, 4)
    assert mixed["bounding_boxes"]["labels"].shape == (2, 4)


def test_what_is_refused() -> None:
    boxes = np.ones((2, 4))
    with pytest.raises(ValueError, match="Invalid source or target format.*xyz"):
        bounding_boxes.convert_format(boxes, "xyxy", "xyz")
    with pytest.raises(ValueError, match="must receive `height` and `width`"):
        bounding_boxes.convert_format(boxes, "xyxy", "rel_xyxy")
    with pytest.raises(ShapeError, match="last dimension of 4"):
        bounding_boxes.convert_format(np.ones((2, 3)), "xyxy", "xywh")
    with pytest.raises(ValueError, match="`image_shape` argument"):
        bounding_boxes.compute_iou(boxes, boxes, "rel_xyxy")
    with pytest.raises(ShapeError, match="boxes2.*Received len"):
        bounding_boxes.compute_iou(boxes, boxes[0], "xyxy")
    with pytest.raises(ValueError, match="crop: expected `bounding_box_format`.*'xywh'"):
        bounding_boxes.crop(boxes, 0, 0, 1, 1, "xywh")
    with pytest.raises(ShapeError, match="`variance` must be length 4"):
        bounding_boxes.encode_box_to_deltas(boxes, boxes, "xyxy", "xyxy", variance=[1, 2])
    with pytest.raises(ValueError, match="`encoding_format` should be one of"):
        bounding_boxes.encode_box_to_deltas(boxes, boxes, "xyxy", "xyxy", "xyxy")
    layer = layers.RandomFlip(bounding_box_format="xyxy")
    images = np.zeros((2, 4, 4, 3))
    with pytest.raises(ValueError, match="dict with keys 'boxes' and 'labels'"):
        layer({"images": images, "bounding_boxes": boxes})
    with pytest.raises(ShapeError, match="a label for each box"):
        lists = {"boxes": [[[1, 2, 3, 4]], []], "labels": [[1], [2]]}
        layer({"images": images, "bounding_boxes": lists})
    with pytest.raises(ShapeError, match="the shapes"):
        layer(
            {
                "images": images,
                "bounding_boxes": {"boxes": np.ones((2, 1, 4)), "labels": np.ones(1)},
            }
        )
    with pytest.raises(NotImplementedError, match="CutMix has no bounding boxes"):
        both = {"boxes": np.ones((2, 1, 4)), "labels": np.ones((2, 1))}
        layers.CutMix(bounding_box_format="xyxy")({"images": images, "bounding_boxes": both})


def test_gradients_flow_through_overlaps() -> None:
    first, second = some_boxes()[0], some_boxes()[0] + np.float32(0.7)
    loss = keras.grad(lambda x: ops.sum(1.0 - bounding_boxes.compute_ciou(x, second, "xyxy")))
    assert np.isfinite(loss(first)).all() and np.abs(loss(first)).max() > 0
