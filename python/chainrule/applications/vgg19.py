"""A network of 19 layers with weights, of small convolutions alone.

Source: Simonyan and Zisserman 2015, Very Deep Convolutional Networks for Large-Scale Image
Recognition, table 1.
"""

from __future__ import annotations

from typing import Any

from chainrule.applications import architecture, imagenet_utils, vgg16
from chainrule.applications.imagenet_utils import (
    decode_predictions as decode_predictions,
)
from chainrule.base.namespace import publish
from chainrule.models import Model

# With the top, without.
_MD5 = ("cbe5617147190e668d6c5d5026f83318", "253f8cb515780f3b799900260a226db6")


@architecture.described
def VGG19(
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "vgg19",
) -> Model:
    """(2, 2, 4, 4, 4) 3x3 convolutions of 64 to 512 channels, a maximum after each group (Simonyan and Zisserman 2015).

    Examples
    --------
    >>> VGG19(weights=None, include_top=False, pooling="avg").count_params()
    20024384
    """
    return vgg16.stack(architecture.options_of(locals()), "vgg19", (2, 2, 4, 4, 4), _MD5)


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """Pixels of 0 to 255 as this network expects them: blue, green, red less ImageNet's means.

    See `applications.imagenet_utils.preprocess_input`, mode "caffe".
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="caffe")


publish(globals())
