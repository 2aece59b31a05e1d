"""The Keras scripts of both networks: run with chainrule, and with Keras on JAX and TensorFlow."""

from __future__ import annotations

import os
from typing import Any

from contestants.image_task import CLASSES, ImageTask, blocks
from contestants.keras_trainer import CoreTrainer, KerasTrainer


class ImageKerasTrainer(KerasTrainer):
    """`compile` and `fit` of a convolutional network.

    Parameters
    ----------
    task : ImageTask
    shuffle : bool
        `fit(shuffle=...)`.
    library : {"chainrule", "keras"}
        What is imported as keras.
    backend : str or None
        Keras's.
    **options
        Of `compile`.
    """

    task: ImageTask  # type: ignore[assignment]

    def __init__(
        self,
        task: ImageTask,
        shuffle: bool,
        library: str = "chainrule",
        backend: str | None = None,
        **options: Any,
    ) -> None:
        if backend is not None:
            os.environ["KERAS_BACKEND"] = backend  # read when keras is imported
            # By itself TensorFlow leaves oneDNN off on CPUs without AVX-512 VNNI.
            os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
        self.options = options
        super().__init__(task, shuffle, library)  # type: ignore[arg-type]

    def _model(self) -> Any:
        keras = self.keras
        model = {"mnist_convnet": self._mnist_convnet, "resnet20": self._resnet20}[self.task.name]()
        model.compile(
            optimizer=keras.optimizers.Adam(self.task.learning_rate),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            **self.options,
        )
        for name, kernel in self.task.weights().items():
            layer = model.get_layer(name)
            layer.set_weights([kernel, *layer.get_weights()[1:]])
        return model

    def _mnist_convnet(self) -> Any:
        layers = self.keras.layers
        model = self.keras.Sequential(
            [
                self.keras.Input(self.task.shape),
                layers.Conv2D(32, 3, activation="relu", name="conv0"),
                layers.MaxPooling2D(2),
                layers.Conv2D(64, 3, activation="relu", name="conv1"),
                layers.MaxPooling2D(2),
                layers.Flatten(),
            ]
        )
        if self.task.dropout:
            model.add(layers.Dropout(self.task.dropout))
        model.add(layers.Dense(CLASSES, name="logits"))
        return model

    def _resnet20(self) -> Any:
        layers = self.keras.layers

        def unit(x: Any, name: str, filters: int, size: int, stride: int = 1) -> Any:
            conv = layers.Conv2D(filters, size, stride, "same", use_bias=False, name=name)
            return layers.BatchNormalization()(conv(x))

        inputs = self.keras.Input(self.task.shape)
        x = layers.ReLU()(unit(inputs, "conv0", 16, 3))
        for block in blocks():
            name, filters = block.name, block.filters
            y = layers.ReLU()(unit(x, f"{name}_conv0", filters, 3, block.stride))
            y = unit(y, f"{name}_conv1", filters, 3)
            if block.projects:
                x = unit(x, f"{name}_shortcut", filters, 1, block.stride)
            x = layers.ReLU()(layers.Add()([x, y]))
        logits = layers.Dense(CLASSES, name="logits")(layers.GlobalAveragePooling2D()(x))
        return self.keras.Model(inputs, logits)

    def short(self) -> ImageKerasTrainer:
        """The trainer of the task in short."""
        return ImageKerasTrainer(self.task.short(), False, self.keras.__name__, **self.options)


class ImageCoreTrainer(ImageKerasTrainer, CoreTrainer):
    """The same steps by chainrule without `fit` around them: what the core alone takes."""
