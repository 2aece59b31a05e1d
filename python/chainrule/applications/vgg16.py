"""A network of 16 layers with weights, of small convolutions alone.

Source: Simonyan and Zisserman 2015, Very Deep Convolutional Networks for Large-Scale Image
Recognition, table 1.
"""

from __future__ import annotations

from typing import Any

from chainrule import layers
from chainrule.applications import architecture, imagenet_utils
from chainrule.applications.imagenet_utils import (
    decode_predictions as decode_predictions,
)
from chainrule.base.namespace import publish
from chainrule.models import Model

_FOLDER = "https://storage.googleapis.com/tensorflow/keras-applications/"


def stack(
    options: architecture.Options,
    network: str,
    blocks: tuple[int, ...],
    md5: tuple[str, str],
) -> Model:
    """The network with so many convolutions before each pooling."""
    image = x = architecture.image_input(options, 224)
    for block, number in enumerate(blocks, 1):
        for at in range(1, number + 1):
            x = layers.Conv2D(
                min(32 << block, 512),
                3,
                activation="relu",
                padding="same",
                name=f"block{block}_conv{at}",
            )(x)
        x = layers.MaxPooling2D(2, strides=2, name=f"block{block}_pool")(x)
    if options.include_top:
        x = layers.Flatten(name="flatten")(x)
        x = layers.Dense(4096, activation="relu", name="fc1")(x)
        x = layers.Dense(4096, activation="relu", name="fc2")(x)
        x = layers.Dense(
            options.classes,
            activation=options.classifier_activation,
            name="predictions",
        )(x)
    else:
        x = architecture.pooled(x, options.pooling, (None, None))
    ending = "" if options.include_top else "_notop"
    published = architecture.PublishedFile(
        f"{_FOLDER}{network}/",
        f"{network}_weights_tf_dim_ordering_tf_kernels{ending}.h5",
        md5[0 if options.include_top else 1],
    )
    return architecture.finish(options, image, x, published)


# With the top, without.
_MD5 = ("64373286793e3c8b2b4e3219cbf3544b", "6d6bbae143d832006294945121d1f1fc")


@architecture.described
def VGG16(
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "vgg16",
) -> Model:
    """(2, 2, 3, 3, 3) 3x3 convolutions of 64 to 512 channels, a maximum after each group (Simonyan and Zisserman 2015).

    Examples
    --------
    >>> VGG16(weights=None, include_top=False, pooling="avg").count_params()
    14714688
    """
    return stack(architecture.options_of(locals()), "vgg16", (2, 2, 3, 3, 3), _MD5)


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """Pixels of 0 to 255 as this network expects them: blue, green, red less ImageNet's means.

    See `applications.imagenet_utils.preprocess_input`, mode "caffe".
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="caffe")


publish(globals())
