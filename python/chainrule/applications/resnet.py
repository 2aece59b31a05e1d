"""Residual networks of bottlenecks.

Source: He et al. 2016, Deep Residual Learning for Image Recognition, table 1; the stride stands in
the first convolution of a bottleneck, as there.
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

_FOLDER = "https://storage.googleapis.com/tensorflow/keras-applications/resnet/"
# With the top, without.
_MD5 = {
    "resnet50": (
        "2cb95161c43110f7111970584f804107",
        "4d473c1dd8becc155b73f8504c6f6626",
    ),
    "resnet101": (
        "f1aeb4b969a6efcfb50fad2f0c20cfc5",
        "88cf7a10940856eca736dc7b7e228a21",
    ),
    "resnet152": (
        "100835be76be38e30d865e96f2aaae62",
        "ee4c566cf9a93f14d82f913c2dc6dd0c",
    ),
}


def _normalized(x: Any, name: str) -> Any:
    return architecture.normalized(x, name, epsilon=1.001e-5)


def _bottleneck(x: Any, filters: int, stride: int, is_first: bool, name: str) -> Any:
    """1x1, 3x3 and 1x1 convolutions beside a shortcut, which the first of a stack projects."""
    shortcut = x
    if is_first:
        shortcut = layers.Conv2D(4 * filters, 1, strides=stride, name=f"{name}_0_conv")(x)
        shortcut = _normalized(shortcut, f"{name}_0_bn")
    x = layers.Conv2D(filters, 1, strides=stride, name=f"{name}_1_conv")(x)
    x = layers.Activation("relu", name=f"{name}_1_relu")(_normalized(x, f"{name}_1_bn"))
    x = layers.Conv2D(filters, 3, padding="same", name=f"{name}_2_conv")(x)
    x = layers.Activation("relu", name=f"{name}_2_relu")(_normalized(x, f"{name}_2_bn"))
    x = _normalized(layers.Conv2D(4 * filters, 1, name=f"{name}_3_conv")(x), f"{name}_3_bn")
    return layers.Activation("relu", name=f"{name}_out")(
        layers.Add(name=f"{name}_add")([shortcut, x])
    )


def _resnet(options: architecture.Options, network: str, blocks: tuple[int, ...]) -> Model:
    image = architecture.image_input(options, 224)
    x = layers.ZeroPadding2D(3, name="conv1_pad")(image)
    x = layers.Conv2D(64, 7, strides=2, name="conv1_conv")(x)
    x = layers.Activation("relu", name="conv1_relu")(_normalized(x, "conv1_bn"))
    x = layers.ZeroPadding2D(1, name="pool1_pad")(x)
    x = layers.MaxPooling2D(3, strides=2, name="pool1_pool")(x)
    for stack, number in enumerate(blocks):
        for block in range(number):
            stride = 2 if stack and not block else 1
            name = f"conv{stack + 2}_block{block + 1}"
            x = _bottleneck(x, 64 << stack, stride, not block, name)
    if options.include_top:
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
        x = layers.Dense(
            options.classes,
            activation=options.classifier_activation,
            name="predictions",
        )(x)
    else:
        x = architecture.pooled(x, options.pooling, ("avg_pool", "max_pool"))
    ending = "" if options.include_top else "_notop"
    published = architecture.PublishedFile(
        _FOLDER,
        f"{network}_weights_tf_dim_ordering_tf_kernels{ending}.h5",
        _MD5[network][0 if options.include_top else 1],
    )
    return architecture.finish(options, image, x, published)


@architecture.described
def ResNet50(
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "resnet50",
) -> Model:
    """A residual network of 50 layers: stacks of 3, 4, 6 and 3 bottlenecks (He et al. 2016).

    Examples
    --------
    >>> ResNet50(weights=None).count_params()
    25636712
    """
    return _resnet(architecture.options_of(locals()), "resnet50", (3, 4, 6, 3))


@architecture.described
def ResNet101(
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "resnet101",
) -> Model:
    """A residual network of 101 layers: stacks of 3, 4, 23 and 3 bottlenecks (He et al. 2016)."""
    return _resnet(architecture.options_of(locals()), "resnet101", (3, 4, 23, 3))


@architecture.described
def ResNet152(
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "resnet152",
) -> Model:
    """A residual network of 152 layers: stacks of 3, 8, 36 and 3 bottlenecks (He et al. 2016)."""
    return _resnet(architecture.options_of(locals()), "resnet152", (3, 8, 36, 3))


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """Pixels of 0 to 255 as these networks expect them: blue, green, red less ImageNet's means.

    See `applications.imagenet_utils.preprocess_input`, mode "caffe".
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="caffe")


publish(globals())
