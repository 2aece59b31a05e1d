"""The known networks: layouts, inputs and tops, training, and arguments that they refuse."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import chainrule as cr
import numpy as np
import pytest
from chainrule import applications

NETWORKS = {
    "ResNet50": 2048,
    "VGG16": 512,
    "MobileNetV2": 1280,
    "MobileNetV3Small": 576,
    "MobileNetV3Large": 960,
    "EfficientNetB0": 1280,
}


# With Keras's arguments for them -> how many numbers the weights are, as Keras 3.15 counts them.
COUNTS = [
    ("ResNet101", {"include_top": True}, 44707176),
    ("VGG19", {}, 20024384),
    ("MobileNetV2", {"alpha": 1.4, "include_top": True}, 6156712),
    ("MobileNetV3Small", {"include_top": True, "minimalistic": True}, 2056848),
    ("MobileNetV3Large", {"alpha": 1.25}, 4764160),
    ("EfficientNetB0", {"include_top": True}, 5330571),
]


@pytest.mark.parametrize(("name", "arguments", "count"), COUNTS)
def test_weights_are_as_many_as_in_keras(name: str, arguments: Any, count: int) -> None:
    assert network(name, **arguments).count_params() == count


@pytest.fixture
def channels_first() -> Any:
    cr.config.set_image_data_format("channels_first")
    yield
    cr.config.set_image_data_format("channels_last")


def network(name: str, **arguments: Any) -> Any:
    return getattr(applications, name)(**{"weights": None, "include_top": False, **arguments})


@pytest.mark.parametrize(("name", "features"), NETWORKS.items())
def test_images_of_any_size_and_channels(name: str, features: int) -> None:
    assert network(name, input_shape=(None, None, 4)).output_shape == (None, None, None, features)
    assert network(name, pooling="max").output_shape == (None, features)


@pytest.mark.parametrize(("name", "features"), NETWORKS.items())
def test_channels_first(name: str, features: int, channels_first: None) -> None:
    assert network(name, input_shape=(1, 123, 123)).output_shape[1] == features


@pytest.mark.parametrize("name", NETWORKS)
def test_on_the_output_of_a_layer(name: str) -> None:
    image = cr.Input((200, 200, 4), name="photograph")
    model = network(name, input_tensor=cr.layers.Conv2D(3, 2, strides=2)(image))
    assert model.inputs == [image]
    assert model.output_shape[-1] == NETWORKS[name]


def test_both_layouts_give_the_same_numbers(channels_first: None) -> None:
    x = np.random.default_rng(0).uniform(-1, 1, (2, 3, 48, 48)).astype("float32")
    first = network("MobileNetV2", alpha=0.35, pooling="avg", input_shape=(3, 48, 48))
    cr.config.set_image_data_format("channels_last")
    last = network("MobileNetV2", alpha=0.35, pooling="avg", input_shape=(48, 48, 3))
    last.set_weights(first.get_weights())
    expected = last.predict(np.moveaxis(x, 1, 3), verbose=0)
    np.testing.assert_allclose(first.predict(x, verbose=0), expected, rtol=1e-4, atol=1e-6)


def test_a_frozen_network_carries_a_new_top() -> None:
    (x, y), _ = cr.datasets.digits.load_data()
    x = np.repeat(np.kron(x[:64] / 8.0 - 1.0, np.ones((4, 4)))[..., None], 3, axis=3)
    body = network("MobileNetV2", alpha=0.35, pooling="avg", input_shape=(32, 32, 3))
    body.trainable = False
    model = cr.Sequential([body, cr.layers.Dense(10, activation="softmax")])
    model.compile(cr.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    before = body.get_weights()
    losses = model.fit(x, y[:64], epochs=3, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert all(np.array_equal(a, b) for a, b in zip(before, body.get_weights()))


def test_classes_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "index.json"
    path.write_text(json.dumps({str(i): [f"n{i:08}", f"thing {i}"] for i in range(1000)}))
    monkeypatch.setattr(applications.imagenet_utils.files, "get_file", lambda *a, **k: str(path))
    chances = np.zeros((1, 1000), "float32")
    chances[0, [3, 5]] = 0.75, 0.25
    assert applications.resnet50.decode_predictions(chances, top=2) == [
        [("n00000003", "thing 3", 0.75), ("n00000005", "thing 5", 0.25)]
    ]


def test_published_weights_come_from_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str, str | None]] = []

    def get_file(name: str, origin: str, cache_subdir: str, file_hash: str | None) -> str:
        asked.append((name, origin, file_hash))
        saved = tmp_path / "saved.safetensors"
        model.save_weights(saved)
        return shutil.copy(saved, tmp_path / "cached.safetensors")

    monkeypatch.setattr(applications.architecture.files, "get_file", get_file)
    model = network("MobileNetV2", alpha=0.35, input_shape=(96, 96, 3))
    loaded = network("MobileNetV2", alpha=0.35, input_shape=(96, 96, 3), weights="imagenet")
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), loaded.get_weights()))
    name = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_96_no_top.h5"
    folder = "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v2/"
    assert asked == [(name, folder + name, None)]


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("ResNet50", {"weights": "imagnet"}, r"resnet50: expected `weights` None, .*'imagnet'"),
        ("ResNet50", {"pooling": "mean"}, "resnet50: expected `pooling` None.*'mean'"),
        ("VGG16", {"weights": "imagenet", "include_top": True, "classes": 7}, "1000 classes, got"),
        ("ResNet50", {"input_shape": (31, 64, 3)}, "at least 32x32, got the shape"),
        ("ResNet50", {"input_shape": (64, 64)}, "three sizes"),
        ("VGG16", {"include_top": True, "input_shape": (None, 64, 3)}, "without None"),
        ("MobileNetV2", {"weights": "imagenet", "alpha": 0.9}, r"`alpha` of \(0.35"),
        ("MobileNetV3Small", {"weights": "imagenet", "alpha": 0.9}, "`alpha` 0.75 or 1.0"),
        ("EfficientNetB0", {"weights": "imagenet", "input_shape": (64, 64, 1)}, "3 channels"),
        (
            "ResNet50",
            {"weights": "imagenet", "include_top": True, "classifier_activation": "relu"},
            '"softmax" or None',
        ),
    ],
)
def test_refusals(name: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        network(name, **arguments)


def test_an_array_is_no_input_tensor() -> None:
    with pytest.raises(TypeError, match="expected `input_tensor` of `layers.Input`"):
        network("ResNet50", input_tensor=np.zeros((1, 64, 64, 3)))
