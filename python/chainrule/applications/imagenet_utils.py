"""Images as networks trained on ImageNet expect them, and the names of its classes."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from chainrule import ops
from chainrule.base import config
from chainrule.base.errors import ShapeError
from chainrule.base.namespace import publish
from chainrule.tracing.tensor import KerasTensor
from chainrule.utils import files

_CLASSES = "https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json"
_CLASSES_MD5 = "c2c37ea517e94d9795004a39431a14cb"

# Means and deviations of the colours red, green, blue over ImageNet; "caffe" has no deviations.
_COLORS: dict[str, tuple[float, tuple[float, ...], tuple[float, ...]]] = {
    "tf": (127.5, (1.0, 1.0, 1.0), (1.0, 1.0, 1.0)),
    "torch": (255.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "caffe": (1.0, (123.68, 116.779, 103.939), (1.0, 1.0, 1.0)),
}


def preprocess_input(x: Any, data_format: str | None = None, mode: str = "caffe") -> Any:
    """Pixels of 0 to 255 as a network was trained on them: `(x / scale - mean) / deviation`.

    Parameters
    ----------
    x : array or KerasTensor
        Images, `(..., height, width, 3)` or, with "channels_first", `(..., 3, height, width)`. An
        array of floats is overwritten in "tf" and "torch" in Keras; here a new one is made.
    data_format : str, optional
        "channels_last" or "channels_first". Default: `config.image_data_format()`.
    mode : str, default "caffe"
        "tf": -1 to 1. "torch": 0 to 1, then standardised with ImageNet's colours. "caffe": blue,
        green, red in the place of red, green, blue, less ImageNet's means.

    Returns
    -------
    array or KerasTensor
        Floats of the shape of `x`.

    Raises
    ------
    ValueError
        For an unknown mode or data format.
    ShapeError
        Where the axis of colours is not 3 long ("torch" and "caffe").

    Examples
    --------
    >>> preprocess_input(np.full((1, 2, 2, 3), 255.0), mode="tf")[0, 0, 0]
    array([1., 1., 1.])
    """
    if mode not in _COLORS:
        raise ValueError(
            f'preprocess_input: expected `mode` "caffe", "tf" or "torch", got {mode!r}'
        )
    layout = config.standardize_data_format(data_format)
    x = x if isinstance(x, KerasTensor) else np.asanyarray(x)
    if "float" not in str(x.dtype):
        x = ops.cast(x, config.floatx())
    scale, mean, deviation = _COLORS[mode]
    if mode == "tf":
        return x / scale - 1.0
    axis = -1 if layout == "channels_last" else -3
    if len(x.shape) < 3 or x.shape[axis] != 3:
        raise ShapeError(
            f"preprocess_input: expected 3 colours on axis {axis} of images ({layout}), got the "
            f"shape {tuple(x.shape)}"
        )
    if mode == "caffe":
        x, mean = ops.flip(x, axis=axis), mean[::-1]
    along = (3,) if axis == -1 else (3, 1, 1)
    centred = x / scale - np.reshape(mean, along).astype(x.dtype)
    return centred if mode == "caffe" else centred / np.reshape(deviation, along).astype(x.dtype)


def decode_predictions(preds: Any, top: int = 5) -> list[list[tuple[str, str, float]]]:
    """The likeliest of ImageNet's 1,000 classes, named.

    The names come from the file `imagenet_class_index.json`, which `utils.get_file` finds in its
    cache or downloads.

    Parameters
    ----------
    preds : array
        Probabilities, `(images, 1000)`.
    top : int, default 5
        How many classes of each image.

    Returns
    -------
    list of list of (str, str, float)
        For each image its classes, likeliest first: WordNet's number, name, probability.

    Raises
    ------
    ShapeError
        For predictions of another shape.

    Examples
    --------
    >>> decode_predictions(np.zeros((1, 10)))
    Traceback (most recent call last):
    chainrule.errors.ShapeError: decode_predictions: expected probabilities of shape (images, 1000), got (1, 10)
    """
    array = ops.convert_to_numpy(preds)
    if array.ndim != 2 or array.shape[1] != 1000:
        raise ShapeError(
            f"decode_predictions: expected probabilities of shape (images, 1000), got {array.shape}"
        )
    path = files.get_file(
        "imagenet_class_index.json",
        _CLASSES,
        cache_subdir="models",
        file_hash=_CLASSES_MD5,
    )
    with open(path, encoding="utf-8") as file:
        classes = json.load(file)
    likeliest = np.argsort(-array, axis=1, kind="stable")[:, :top]
    return [
        [(*classes[str(at)], float(row[at])) for at in order]
        for row, order in zip(array, likeliest)
    ]


publish(globals())
