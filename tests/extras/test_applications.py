"""The known networks are Keras's: layers, weights, predictions from the same file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import chainrule as cr
import numpy as np
import pytest
from tests.extras import need

keras = need("keras", "3.15")

# The first two always, all with `CHAINRULE_SOAK=1`: Keras takes some ten seconds to build one.
NETWORKS: list[tuple[str, dict[str, Any]]] = [
    ("MobileNetV2", {"alpha": 1.4, "input_shape": (96, 96, 3), "classes": 7}),
    ("EfficientNetB0", {"include_top": False, "pooling": "max"}),
    ("ResNet152", {}),
    ("VGG16", {"include_top": False}),
    ("VGG19", {"include_top": False, "pooling": "max"}),
    ("MobileNetV2", {"alpha": 0.35, "include_top": False, "pooling": "avg", "name": "narrow"}),
    ("MobileNetV3Small", {"minimalistic": True, "include_preprocessing": False}),
    ("MobileNetV3Large", {"alpha": 1.25, "include_top": False, "dropout_rate": 0.0}),
    ("EfficientNetB7", {"include_top": False}),
]


def assert_same(ours: Any, theirs: Any) -> None:
    """Class, name and shape of each layer; numbers of names that were made up are left out."""
    assert ours.name == theirs.name
    for a, b in zip(ours.layers, theirs.layers, strict=True):
        assert type(a).__name__ == type(b).__name__
        assert a.name.rstrip("0123456789") == b.name.rstrip("0123456789")
        assert a.output.shape == b.output.shape
    assert [w.shape for w in ours.weights] == [w.shape for w in theirs.weights]


@pytest.mark.parametrize(
    ("name", "arguments"), NETWORKS if os.environ.get("CHAINRULE_SOAK") == "1" else NETWORKS[:2]
)
def test_layers_and_weights_are_those_of_keras(name: str, arguments: dict[str, Any]) -> None:
    ours = getattr(cr.applications, name)(weights=None, **arguments)
    theirs = getattr(keras.applications, name)(weights=None, **arguments)
    assert_same(ours, theirs)


def spread(model: Any, x: Any) -> None:
    """Statistics of normalisations set to those of `x`, so that no signal dies on its way."""
    for layer in model.layers:
        if isinstance(layer, cr.layers.BatchNormalization):
            layer.momentum = 0.0
    model(x, training=True)


@pytest.mark.parametrize("name", ["ResNet50", "MobileNetV3Small"])
def test_predictions_from_the_same_file(name: str, tmp_path: Path) -> None:
    need("h5py")
    arguments = {"weights": None, "input_shape": (64, 64, 3), "classes": 10}
    x = np.random.default_rng(0).uniform(0, 255, (4, 64, 64, 3)).astype("float32")
    if name == "ResNet50":
        x = cr.applications.resnet50.preprocess_input(x)
    cr.utils.set_random_seed(0)
    first = getattr(cr.applications, name)(**arguments)
    spread(first, x)
    theirs = getattr(keras.applications, name)(**arguments)
    assert_same(first, theirs)
    theirs.set_weights(first.get_weights())
    expected = theirs.predict(x, verbose=0)
    assert np.ptp(expected, axis=0).max() > 0.01
    cr.config.set_dtype_policy("float64")
    double = getattr(cr.applications, name)(**arguments)
    cr.config.set_dtype_policy("float32")
    double.set_weights(first.get_weights())
    exact = double.predict(x.astype("float64"), verbose=0)
    # What float32 rounds off on the way in Keras: ours is of that order.
    rounded = max(1e-5, 2 * np.abs(expected - exact).max())
    assert rounded < 1e-3
    for ending in (".weights.h5", ".h5"):
        path = str(tmp_path / f"{name}{ending}")
        theirs.save_weights(path) if ending == ".weights.h5" else theirs.save(path)
        ours = getattr(cr.applications, name)(**{**arguments, "weights": path})
        np.testing.assert_allclose(ours.predict(x, verbose=0), exact, rtol=0, atol=rounded)


@pytest.mark.parametrize("mode", ["tf", "torch", "caffe"])
@pytest.mark.parametrize("layout", ["channels_last", "channels_first"])
def test_pixels(mode: str, layout: str) -> None:
    x = np.random.default_rng(0).uniform(0, 255, (2, 3, 3, 3)).astype("float32")
    ours = cr.applications.imagenet_utils.preprocess_input(x, layout, mode)
    theirs = keras.applications.imagenet_utils.preprocess_input(x.copy(), layout, mode)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-5)
    symbolic = cr.applications.imagenet_utils.preprocess_input(
        cr.Input((3, 3, 3), dtype="uint8"), layout, mode
    )
    assert symbolic.shape == (None, 3, 3, 3) and symbolic.dtype == "float32"
