"""Small networks found by search, with squeeze-and-excite and hard swish.

Source: Howard et al. 2019, Searching for MobileNetV3, tables 1 and 2.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

from chainrule import layers
from chainrule.applications import architecture
from chainrule.applications.imagenet_utils import (
    decode_predictions as decode_predictions,
)
from chainrule.base.namespace import publish
from chainrule.models import Model

_FOLDER = "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v3/"
# With the top, without.
_MD5 = {
    "large_224_0.75": (
        "765b44a33ad4005b3ac83185abf1d0eb",
        "40af19a13ebea4e2ee0c676887f69a2e",
    ),
    "large_224_1.0": (
        "59e551e166be033d707958cf9e29a6a7",
        "07fb09a5933dd0c8eaafa16978110389",
    ),
    "large_minimalistic_224_1.0": (
        "675e7b876c45c57e9e63e6d90a36599c",
        "ec5221f64a2f6d1ef965a614bdae7973",
    ),
    "small_224_0.75": (
        "cb65d4e5be93758266aa0a7f2c6708b7",
        "ebdb5cc8e0b497cd13a7c275d475c819",
    ),
    "small_224_1.0": (
        "8768d4c2e7dee89b9d02b2d03d65d862",
        "d3e8ec802a04aa4fc771ee12a9a9b836",
    ),
    "small_minimalistic_224_1.0": (
        "99cd97fb2fcdad2bf028eb838de69e37",
        "cde8136e733e811080d9fcd8a252f7e4",
    ),
}


class _Row(NamedTuple):
    """A block: its expansion, filters, kernel and stride, squeeze-and-excite, hard swish."""

    expansion: float
    filters: int
    kernel: int
    stride: int
    squeezes: bool
    swishes: bool


_SMALL = (
    _Row(1, 16, 3, 2, True, False),
    _Row(72 / 16, 24, 3, 2, False, False),
    _Row(88 / 24, 24, 3, 1, False, False),
    _Row(4, 40, 5, 2, True, True),
    _Row(6, 40, 5, 1, True, True),
    _Row(6, 40, 5, 1, True, True),
    _Row(3, 48, 5, 1, True, True),
    _Row(3, 48, 5, 1, True, True),
    _Row(6, 96, 5, 2, True, True),
    _Row(6, 96, 5, 1, True, True),
    _Row(6, 96, 5, 1, True, True),
)
_LARGE = (
    _Row(1, 16, 3, 1, False, False),
    _Row(4, 24, 3, 2, False, False),
    _Row(3, 24, 3, 1, False, False),
    _Row(3, 40, 5, 2, True, False),
    _Row(3, 40, 5, 1, True, False),
    _Row(3, 40, 5, 1, True, False),
    _Row(6, 80, 3, 2, False, True),
    _Row(2.5, 80, 3, 1, False, True),
    _Row(2.3, 80, 3, 1, False, True),
    _Row(2.3, 80, 3, 1, False, True),
    _Row(6, 112, 3, 1, True, True),
    _Row(6, 112, 3, 1, True, True),
    _Row(6, 160, 5, 2, True, True),
    _Row(6, 160, 5, 1, True, True),
    _Row(6, 160, 5, 1, True, True),
)

Activation = Callable[[Any], Any]


def _relu(x: Any) -> Any:
    return layers.ReLU()(x)


def _hard_swish(x: Any) -> Any:
    return layers.Activation("hard_swish")(x)


def _normalized(x: Any, name: str) -> Any:
    return architecture.normalized(x, name, epsilon=1e-3, momentum=0.999)


def _squeezed(x: Any, channels: int, name: str) -> Any:
    """Each channel times a weight between 0 and 1 that depends on all channels' means."""
    name = f"{name}squeeze_excite"
    weight = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_avg_pool")(x)
    narrow = architecture.make_divisible(channels * 0.25)
    weight = layers.Conv2D(narrow, 1, padding="same", name=f"{name}_conv")(weight)
    weight = layers.ReLU(name=f"{name}_relu")(weight)
    weight = layers.Conv2D(channels, 1, padding="same", name=f"{name}_conv_1")(weight)
    weight = layers.ReLU(6.0)(weight + 3.0) * (1.0 / 6.0)
    return layers.Multiply(name=f"{name}_mul")([x, weight])


def _block(
    x: Any,
    row: _Row,
    filters: int,
    kernel: int,
    squeezes: bool,
    activation: Activation,
    number: int,
) -> Any:
    """Expand, filter each channel, weigh the channels, project; added where the shapes agree."""
    source, channels = x, x.shape[architecture.channel_axis()]
    name = f"expanded_conv_{number}_" if number else "expanded_conv_"
    wide = architecture.make_divisible(channels * row.expansion)
    if number:
        x = layers.Conv2D(wide, 1, padding="same", use_bias=False, name=f"{name}expand")(x)
        x = activation(_normalized(x, f"{name}expand_bn"))
    if row.stride == 2:
        padding = architecture.correct_pad(x, kernel)
        x = layers.ZeroPadding2D(padding, name=f"{name}depthwise_pad")(x)
    x = layers.DepthwiseConv2D(
        kernel,
        strides=row.stride,
        padding="same" if row.stride == 1 else "valid",
        use_bias=False,
        name=f"{name}depthwise",
    )(x)
    x = activation(_normalized(x, f"{name}depthwise_bn"))
    if squeezes:
        x = _squeezed(x, wide, name)
    x = layers.Conv2D(filters, 1, padding="same", use_bias=False, name=f"{name}project")(x)
    x = _normalized(x, f"{name}project_bn")
    if row.stride == 1 and channels == filters:
        return layers.Add(name=f"{name}add")([source, x])
    return x


def _published(
    size: str,
    alpha: float,
    minimalistic: bool,
    image: Any,
    options: architecture.Options,
) -> architecture.PublishedFile | None:
    """The file of weights of ImageNet, where there is one for these arguments."""
    if options.weights != "imagenet":
        return None
    network = f"{size}{'_minimalistic' if minimalistic else ''}_224_{float(alpha)}"
    if network not in _MD5:
        raise ValueError(
            f'{options.name}: `weights="imagenet"` goes with `alpha` 0.75 or 1.0, and with 1.0 '
            f"where `minimalistic`, got alpha={alpha}"
        )
    first = 1 if architecture.channel_axis() == 3 else 2
    if image.shape[first : first + 2] != (224, 224):
        warnings.warn(
            f"{options.name}: weights of ImageNet were trained on images of 224 x 224, got "
            f"{image.shape[first : first + 2]}",
            stacklevel=4,
        )
    ending = "" if options.include_top else "_no_top_v2"
    return architecture.PublishedFile(
        _FOLDER,
        f"weights_mobilenet_v3_{network}_float{ending}.h5",
        _MD5[network][0 if options.include_top else 1],
    )


def _mobilenet(
    options: architecture.Options,
    size: str,
    rows: tuple[_Row, ...],
    features: int,
    alpha: float,
    minimalistic: bool,
    dropout_rate: float,
    include_preprocessing: bool,
) -> Model:
    image = x = architecture.image_input(options, None)
    published = _published(size, alpha, minimalistic, image, options)
    swish = _relu if minimalistic else _hard_swish
    if include_preprocessing:
        x = layers.Rescaling(1.0 / 127.5, offset=-1.0)(x)
    x = layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False, name="conv")(x)
    x = swish(_normalized(x, "conv_bn"))
    for number, row in enumerate(rows):
        x = _block(
            x,
            row,
            architecture.make_divisible(row.filters * alpha),
            3 if minimalistic else row.kernel,
            row.squeezes and not minimalistic,
            swish if row.swishes else _relu,
            number,
        )
    wide = architecture.make_divisible(x.shape[architecture.channel_axis()] * 6)
    x = layers.Conv2D(wide, 1, padding="same", use_bias=False, name="conv_1")(x)
    x = swish(_normalized(x, "conv_1_bn"))
    if options.include_top:
        x = layers.GlobalAveragePooling2D(keepdims=True)(x)
        if alpha > 1.0:
            features = architecture.make_divisible(features * alpha)
        x = swish(layers.Conv2D(features, 1, padding="same", name="conv_2")(x))
        if dropout_rate > 0:
            x = layers.Dropout(dropout_rate)(x)
        x = layers.Conv2D(options.classes, 1, padding="same", name="logits")(x)
        x = layers.Flatten()(x)
        x = layers.Activation(options.classifier_activation, name="predictions")(x)
    else:
        x = architecture.pooled(x, options.pooling, ("avg_pool", "max_pool"))
    return architecture.finish(options, image, x, published)


@architecture.described
def MobileNetV3Small(
    input_shape: Any = None,
    alpha: float = 1.0,
    minimalistic: bool = False,
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    classes: int = 1000,
    pooling: str | None = None,
    dropout_rate: float = 0.2,
    classifier_activation: Any = "softmax",
    include_preprocessing: bool = True,
    name: str = "MobileNetV3Small",
) -> Model:
    """The small network of Howard et al. 2019: 11 blocks.

    Parameters
    ----------
    alpha : float, default 1.0
        The number of channels is multiplied by it; published weights have 0.75 and 1.0.
    minimalistic : bool, default False
        Whether squeeze-and-excite, hard swish and kernels of 5x5 are left out.
    dropout_rate : float, default 0.2
        Of the dropout before the classifier.
    include_preprocessing : bool, default True
        Whether the model takes pixels of 0 to 255 to -1 to 1 itself.

    Examples
    --------
    >>> MobileNetV3Small(weights=None).count_params()
    2554968
    """
    return _mobilenet(
        architecture.options_of(locals()),
        "small",
        _SMALL,
        1024,
        alpha,
        minimalistic,
        dropout_rate,
        include_preprocessing,
    )


@architecture.described
def MobileNetV3Large(
    input_shape: Any = None,
    alpha: float = 1.0,
    minimalistic: bool = False,
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    classes: int = 1000,
    pooling: str | None = None,
    dropout_rate: float = 0.2,
    classifier_activation: Any = "softmax",
    include_preprocessing: bool = True,
    name: str = "MobileNetV3Large",
) -> Model:
    """The large network of Howard et al. 2019: 15 blocks.

    Parameters
    ----------
    alpha : float, default 1.0
        The number of channels is multiplied by it; published weights have 0.75 and 1.0.
    minimalistic : bool, default False
        Whether squeeze-and-excite, hard swish and kernels of 5x5 are left out.
    dropout_rate : float, default 0.2
        Of the dropout before the classifier.
    include_preprocessing : bool, default True
        Whether the model takes pixels of 0 to 255 to -1 to 1 itself.

    Examples
    --------
    >>> MobileNetV3Large(weights=None).count_params()
    5507432
    """
    return _mobilenet(
        architecture.options_of(locals()),
        "large",
        _LARGE,
        1280,
        alpha,
        minimalistic,
        dropout_rate,
        include_preprocessing,
    )


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """The same pixels: these networks rescale them themselves.

    Examples
    --------
    >>> preprocess_input(7.0)
    7.0
    """
    return x


publish(globals())
