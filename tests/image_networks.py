"""mnist_convnet and ResNet-20 as Keras scripts write them, for whichever library is given."""

from __future__ import annotations

from typing import Any

CLASSES = 10


def mnist_convnet(keras: Any, before: Any = (), dropout: float = 0.0) -> Any:
    """Keras's example network for 28x28x1.

    Parameters
    ----------
    keras : module
        chainrule or Keras.
    before : iterable of layers
        Augmentation, in front.
    dropout : float
        In front of the last layer; Keras's example has 0.5.
    """
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            *before,
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(dropout),
            layers.Dense(CLASSES),
        ]
    )


def resnet20(keras: Any, before: Any = (), dropout: float = 0.0) -> Any:
    """He et al. 2015, sec. 4.2, for 32x32x3: three stages of three blocks, 1x1 shortcuts."""
    layers = keras.layers

    def unit(x: Any, filters: int, size: int, stride: int = 1) -> Any:
        conv = layers.Conv2D(filters, size, strides=stride, padding="same", use_bias=False)
        return layers.BatchNormalization()(conv(x))

    inputs = keras.Input((32, 32, 3))
    x = inputs
    for layer in before:
        x = layer(x)
    x = layers.ReLU()(unit(x, 16, 3))
    for stage, filters in enumerate((16, 32, 64)):
        for block in range(3):
            stride = 2 if stage and not block else 1
            y = layers.ReLU()(unit(x, filters, 3, stride))
            y = unit(y, filters, 3)
            if stride == 2:
                x = unit(x, filters, 1, stride)
            x = layers.ReLU()(layers.Add()([x, y]))
    x = layers.Dropout(dropout)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, layers.Dense(CLASSES)(x))


NETWORKS = {"mnist_convnet": (mnist_convnet, (28, 28, 1)), "resnet20": (resnet20, (32, 32, 3))}
