"""A small network of inverted residuals: wide inside, narrow between blocks, linear where narrow.

Source: Sandler et al. 2018, MobileNetV2: Inverted Residuals and Linear Bottlenecks, table 2.
"""

from __future__ import annotations

import warnings
from typing import Any

from chainrule import layers
from chainrule.applications import architecture, imagenet_utils
from chainrule.applications.imagenet_utils import (
    decode_predictions as decode_predictions,
)
from chainrule.base.namespace import publish
from chainrule.models import Model

_FOLDER = "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v2/"
_TRAINED_SIZES = (96, 128, 160, 192, 224)
_TRAINED_ALPHAS = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)
# Filters, blocks, stride of the first block, expansion.
_STAGES = (
    (16, 1, 1, 1),
    (24, 2, 2, 6),
    (32, 3, 2, 6),
    (64, 4, 2, 6),
    (96, 3, 1, 6),
    (160, 3, 2, 6),
    (320, 1, 1, 6),
)


def _normalized(x: Any, name: str) -> Any:
    return architecture.normalized(x, name, epsilon=1e-3, momentum=0.999)


def _block(x: Any, filters: int, stride: int, expansion: int, number: int) -> Any:
    """Expand, filter each channel, project; added to the input where the shapes agree."""
    source, channels = x, x.shape[architecture.channel_axis()]
    name = f"block_{number}_" if number else "expanded_conv_"
    if number:
        x = layers.Conv2D(
            expansion * channels,
            1,
            padding="same",
            use_bias=False,
            name=f"{name}expand",
        )(x)
        x = layers.ReLU(6.0, name=f"{name}expand_relu")(_normalized(x, f"{name}expand_BN"))
    if stride == 2:
        x = layers.ZeroPadding2D(architecture.correct_pad(x, 3), name=f"{name}pad")(x)
    x = layers.DepthwiseConv2D(
        3,
        strides=stride,
        padding="same" if stride == 1 else "valid",
        use_bias=False,
        name=f"{name}depthwise",
    )(x)
    x = layers.ReLU(6.0, name=f"{name}depthwise_relu")(_normalized(x, f"{name}depthwise_BN"))
    x = layers.Conv2D(filters, 1, padding="same", use_bias=False, name=f"{name}project")(x)
    x = _normalized(x, f"{name}project_BN")
    if stride == 1 and channels == filters:
        return layers.Add(name=f"{name}add")([source, x])
    return x


def _trained_size(image: Any, options: architecture.Options) -> int:
    """The size of the images that the published weights were trained on: this image's, else 224."""
    first = 1 if architecture.channel_axis() == 3 else 2
    rows, columns = image.shape[first : first + 2]
    if rows == columns and rows in _TRAINED_SIZES:
        return int(rows)
    if options.weights == "imagenet":
        warnings.warn(
            f"{options.name}: weights of ImageNet were trained on square images of "
            f"{_TRAINED_SIZES}, got {rows} x {columns}; those of 224 x 224 are loaded",
            stacklevel=4,
        )
    return 224


@architecture.described
def MobileNetV2(
    input_shape: Any = None,
    alpha: float = 1.0,
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str | None = None,
) -> Model:
    """17 blocks of inverted residuals with linear bottlenecks (Sandler et al. 2018).

    Parameters
    ----------
    alpha : float, default 1.0
        The number of channels is multiplied by it; published weights have 0.35, 0.5, 0.75, 1.0,
        1.3 and 1.4.

    Examples
    --------
    >>> MobileNetV2(weights=None).count_params()
    3538984
    """
    options = architecture.options_of({**locals(), "name": name or "mobilenetv2"})
    if weights == "imagenet" and alpha not in _TRAINED_ALPHAS:
        raise ValueError(
            f'{options.name}: `weights="imagenet"` goes with `alpha` of {_TRAINED_ALPHAS}, got '
            f"{alpha}"
        )
    image = architecture.image_input(options, 224)
    size = _trained_size(image, options)
    x = layers.Conv2D(
        architecture.make_divisible(32 * alpha),
        3,
        strides=2,
        padding="same",
        use_bias=False,
        name="Conv1",
    )(image)
    x = layers.ReLU(6.0, name="Conv1_relu")(_normalized(x, "bn_Conv1"))
    number = 0
    for filters, blocks, stride, expansion in _STAGES:
        for at in range(blocks):
            width = architecture.make_divisible(int(filters * alpha))
            x = _block(x, width, 1 if at else stride, expansion, number)
            number += 1
    features = architecture.make_divisible(1280 * alpha) if alpha > 1.0 else 1280
    x = layers.Conv2D(features, 1, use_bias=False, name="Conv_1")(x)
    x = layers.ReLU(6.0, name="out_relu")(_normalized(x, "Conv_1_bn"))
    if include_top:
        x = layers.GlobalAveragePooling2D()(x)
        x = layers.Dense(classes, activation=classifier_activation, name="predictions")(x)
    else:
        x = architecture.pooled(x, pooling, (None, None))
    ending = "" if include_top else "_no_top"
    published = architecture.PublishedFile(
        _FOLDER,
        f"mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{float(alpha)}_{size}{ending}.h5",
        None,
    )
    if name is None:
        options = options._replace(name=f"mobilenetv2_{alpha:0.2f}_{size}")
    return architecture.finish(options, image, x, published)


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """Pixels of 0 to 255 as this network expects them: -1 to 1.

    See `applications.imagenet_utils.preprocess_input`, mode "tf".
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="tf")


publish(globals())
