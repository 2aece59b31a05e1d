"""Networks whose depth, width and size of image grow together.

Source: Tan and Le 2019, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks,
tables 1 and 8.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from chainrule import initializers, layers
from chainrule.applications import architecture
from chainrule.applications.imagenet_utils import (
    decode_predictions as decode_predictions,
)
from chainrule.base.namespace import publish
from chainrule.models import Model

_FOLDER = "https://storage.googleapis.com/keras-applications/"
_DEVIATIONS = (0.229, 0.224, 0.225)


class _Scale(NamedTuple):
    """A network of the family: multipliers of channels and of blocks, image size, dropout, MD5s."""

    width: float
    depth: float
    size: int
    dropout: float
    md5: tuple[str, str]  # with the top, without


_SCALES = {
    "b0": _Scale(
        1.0,
        1.0,
        224,
        0.2,
        ("902e53a9f72be733fc0bcb005b3ebbac", "50bc09e76180e00e4465e1a485ddc09d"),
    ),
    "b1": _Scale(
        1.0,
        1.1,
        240,
        0.2,
        ("1d254153d4ab51201f1646940f018540", "74c4e6b3e1f6a1eea24c589628592432"),
    ),
    "b2": _Scale(
        1.1,
        1.2,
        260,
        0.3,
        ("b15cce36ff4dcbd00b6dd88e7857a6ad", "111f8e2ac8aa800a7a99e3239f7bfb39"),
    ),
    "b3": _Scale(
        1.2,
        1.4,
        300,
        0.3,
        ("ffd1fdc53d0ce67064dc6a9c7960ede0", "af6d107764bb5b1abb91932881670226"),
    ),
    "b4": _Scale(
        1.4,
        1.8,
        380,
        0.4,
        ("18c95ad55216b8f92d7e70b3a046e2fc", "ebc24e6d6c33eaebbd558eafbeedf1ba"),
    ),
    "b5": _Scale(
        1.6,
        2.2,
        456,
        0.4,
        ("ace28f2a6363774853a83a0b21b9421a", "38879255a25d3c92d5e44e04ae6cec6f"),
    ),
    "b6": _Scale(
        1.8,
        2.6,
        528,
        0.5,
        ("165f6e37dce68623721b423839de8be5", "9ecce42647a20130c1f39a5d4cb75743"),
    ),
    "b7": _Scale(
        2.0,
        3.1,
        600,
        0.5,
        ("8c03f828fec3ef71311cd463b6759d99", "cbcfe4450ddf6f3ad90b1b398090fe4a"),
    ),
}


class _Stage(NamedTuple):
    """Blocks that share a width: kernel, how many, channels in and out, expansion, first stride."""

    kernel: int
    blocks: int
    channels: int
    filters: int
    expansion: int
    stride: int


_STAGES = (
    _Stage(3, 1, 32, 16, 1, 1),
    _Stage(3, 2, 16, 24, 6, 2),
    _Stage(5, 2, 24, 40, 6, 2),
    _Stage(3, 3, 40, 80, 6, 2),
    _Stage(5, 3, 80, 112, 6, 1),
    _Stage(5, 4, 112, 192, 6, 2),
    _Stage(3, 1, 192, 320, 6, 1),
)


def _weights() -> initializers.Initializer:
    """He's, by the outputs."""
    return initializers.VarianceScaling(2.0, mode="fan_out", distribution="truncated_normal")


def _pointwise(x: Any, filters: int, name: str) -> Any:
    return layers.Conv2D(
        filters,
        1,
        padding="same",
        use_bias=False,
        kernel_initializer=_weights(),
        name=name,
    )(x)


def _active(x: Any, norm: str, activation: str) -> Any:
    """Normalised, then swish."""
    x = architecture.normalized(x, norm)
    return layers.Activation("swish", name=activation)(x)


def _squeezed(x: Any, channels: int, narrow: int, name: str) -> Any:
    """Each channel times a weight between 0 and 1 that depends on all channels' means."""
    shape = (1, 1, channels) if architecture.channel_axis() == 3 else (channels, 1, 1)
    weight = layers.GlobalAveragePooling2D(name=f"{name}se_squeeze")(x)
    weight = layers.Reshape(shape, name=f"{name}se_reshape")(weight)
    for filters, activation, part in (
        (narrow, "swish", "reduce"),
        (channels, "sigmoid", "expand"),
    ):
        weight = layers.Conv2D(
            filters,
            1,
            padding="same",
            activation=activation,
            kernel_initializer=_weights(),
            name=f"{name}se_{part}",
        )(weight)
    return layers.multiply([x, weight], name=f"{name}se_excite")


def _block(x: Any, stage: _Stage, drop: float, name: str) -> Any:
    """Expand, filter each channel, weigh the channels, project; added where the shapes agree.

    In training an addition is left out for a share `drop` of the images (Huang et al. 2016).
    """
    source, wide = x, stage.channels * stage.expansion
    if stage.expansion != 1:
        x = _pointwise(x, wide, f"{name}expand_conv")
        x = _active(x, f"{name}expand_bn", f"{name}expand_activation")
    if stage.stride == 2:
        padding = architecture.correct_pad(x, stage.kernel)
        x = layers.ZeroPadding2D(padding, name=f"{name}dwconv_pad")(x)
    x = layers.DepthwiseConv2D(
        stage.kernel,
        strides=stage.stride,
        padding="valid" if stage.stride == 2 else "same",
        use_bias=False,
        depthwise_initializer=_weights(),
        name=f"{name}dwconv",
    )(x)
    x = _active(x, f"{name}bn", f"{name}activation")
    x = _squeezed(x, wide, max(1, stage.channels // 4), name)
    x = _pointwise(x, stage.filters, f"{name}project_conv")
    x = architecture.normalized(x, f"{name}project_bn")
    if stage.stride != 1 or stage.channels != stage.filters:
        return x
    if drop > 0:
        x = layers.Dropout(drop, noise_shape=(None, 1, 1, 1), name=f"{name}drop")(x)
    return layers.add([x, source], name=f"{name}add")


def _stem(image: Any, filters: int, trained: bool) -> Any:
    """Pixels of 0 to 255 standardised, and the first convolution."""
    x = layers.Rescaling(1.0 / 255.0)(image)
    x = layers.Normalization(axis=architecture.channel_axis())(x)
    if trained:
        # The published weights were trained on images divided by the variance, and the layer
        # divides by the deviation.
        x = layers.Rescaling([1.0 / math.sqrt(deviation) for deviation in _DEVIATIONS])(x)
    x = layers.ZeroPadding2D(architecture.correct_pad(x, 3), name="stem_conv_pad")(x)
    x = layers.Conv2D(
        filters,
        3,
        strides=2,
        use_bias=False,
        kernel_initializer=_weights(),
        name="stem_conv",
    )(x)
    return _active(x, "stem_bn", "stem_activation")


def _efficientnet(options: architecture.Options, network: str) -> Model:
    scale = _SCALES[network]
    image = architecture.image_input(options, scale.size)

    def width(channels: int) -> int:
        return architecture.make_divisible(channels * scale.width)

    x = _stem(image, width(32), options.weights == "imagenet")
    depths = [math.ceil(scale.depth * stage.blocks) for stage in _STAGES]
    number = 0
    for at, (stage, blocks) in enumerate(zip(_STAGES, depths), 1):
        stage = stage._replace(channels=width(stage.channels), filters=width(stage.filters))
        for block in range(blocks):
            x = _block(x, stage, 0.2 * number / sum(depths), f"block{at}{chr(97 + block)}_")
            stage = stage._replace(stride=1, channels=stage.filters)
            number += 1
    x = _active(_pointwise(x, width(1280), "top_conv"), "top_bn", "top_activation")
    if options.include_top:
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
        x = layers.Dropout(scale.dropout, name="top_dropout")(x)
        x = layers.Dense(
            options.classes,
            activation=options.classifier_activation,
            kernel_initializer=initializers.VarianceScaling(
                1.0 / 3.0, mode="fan_out", distribution="uniform"
            ),
            name="predictions",
        )(x)
    else:
        x = architecture.pooled(x, options.pooling, ("avg_pool", "max_pool"))
    ending, at = (".h5", 0) if options.include_top else ("_notop.h5", 1)
    published = architecture.PublishedFile(_FOLDER, f"efficientnet{network}{ending}", scale.md5[at])
    return architecture.finish(options, image, x, published)


@architecture.described
def EfficientNetB0(
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "efficientnetb0",
) -> Model:
    """The network that was searched for, of 16 blocks for images of 224 x 224 (Tan and Le 2019); pixels are of 0 to 255.

    Examples
    --------
    >>> EfficientNetB0(weights=None, include_top=False).output_shape
    (None, None, None, 1280)
    """
    return _efficientnet(architecture.options_of(locals()), "b0")


@architecture.described
def EfficientNetB1(
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "efficientnetb1",
) -> Model:
    """The network of 23 blocks for images of 240 x 240 (Tan and Le 2019); pixels are of 0 to 255."""
    return _efficientnet(architecture.options_of(locals()), "b1")


@architecture.described
def EfficientNetB2(
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "efficientnetb2",
) -> Model:
    """The network of 23 blocks for images of 260 x 260 (Tan and Le 2019); pixels are of 0 to 255."""
    return _efficientnet(architecture.options_of(locals()), "b2")


@architecture.described
def EfficientNetB3(
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "efficientnetb3",
) -> Model:
    """The network of 26 blocks for images of 300 x 300 (Tan and Le 2019); pixels are of 0 to 255."""
    return _efficientnet(architecture.options_of(locals()), "b3")


@architecture.described
def EfficientNetB4(
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "efficientnetb4",
) -> Model:
    """The network of 32 blocks for images of 380 x 380 (Tan and Le 2019); pixels are of 0 to 255."""
    return _efficientnet(architecture.options_of(locals()), "b4")


@architecture.described
def EfficientNetB5(
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "efficientnetb5",
) -> Model:
    """The network of 39 blocks for images of 456 x 456 (Tan and Le 2019); pixels are of 0 to 255."""
    return _efficientnet(architecture.options_of(locals()), "b5")


@architecture.described
def EfficientNetB6(
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "efficientnetb6",
) -> Model:
    """The network of 45 blocks for images of 528 x 528 (Tan and Le 2019); pixels are of 0 to 255."""
    return _efficientnet(architecture.options_of(locals()), "b6")


@architecture.described
def EfficientNetB7(
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "efficientnetb7",
) -> Model:
    """The network of 55 blocks for images of 600 x 600 (Tan and Le 2019); pixels are of 0 to 255."""
    return _efficientnet(architecture.options_of(locals()), "b7")


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """The same pixels: these networks standardise them themselves.

    Examples
    --------
    >>> preprocess_input(7.0)
    7.0
    """
    return x


publish(globals())
