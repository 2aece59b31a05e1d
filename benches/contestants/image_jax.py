"""JAX by hand, as in `jax_trainer.py`, for the convolutional networks."""

from __future__ import annotations

from typing import Any

import numpy

from contestants.image_task import NORM_EPSILON, NORM_MOMENTUM, ImageTask, blocks
from contestants.jax_trainer import JaxTrainer

Parts = dict[str, Any]


class ImageJaxTrainer(JaxTrainer):
    """Images and kernels channels last, as XLA keeps them on CPUs.

    Parameters
    ----------
    task : ImageTask
    shuffle : bool
        Draw a new order of the rows each epoch.
    scan : bool
        A whole epoch is one call.
    """

    task: ImageTask  # type: ignore[assignment]

    def __init__(self, task: ImageTask, shuffle: bool, scan: bool = False) -> None:
        super().__init__(task, shuffle, scan)  # type: ignore[arg-type]

    def _weights(self) -> Any:
        made: Parts = {}
        for name, kernel in self.task.weights().items():
            zeros = numpy.zeros(kernel.shape[-1], numpy.float32)
            if self.task.name == "resnet20" and name != "logits":
                made[name] = {"kernel": kernel, "gamma": zeros + 1, "beta": zeros}
            else:
                made[name] = {"kernel": kernel, "bias": zeros}
        return made

    def _moving(self) -> Any:
        normed = {n: w["beta"] for n, w in self._weights().items() if "beta" in w}
        return {name: {"mean": zeros, "variance": zeros + 1} for name, zeros in normed.items()}

    def _loss(self, weights: Any, moving: Any, x: Any, y: Any, key: Any) -> tuple[Any, Any]:
        jax, np = self.jax, self.jax.numpy
        networks = {"mnist_convnet": self._mnist_convnet, "resnet20": self._resnet20}
        features, moving = networks[self.task.name](weights, moving, x, key)
        logits = features @ weights["logits"]["kernel"] + weights["logits"]["bias"]
        picked = np.take_along_axis(logits, y[:, None], 1)[:, 0]
        return (jax.nn.logsumexp(logits, 1) - picked).mean(), moving

    def _conv(self, x: Any, kernel: Any, stride: int, padding: str) -> Any:
        return self.jax.lax.conv_general_dilated(
            x, kernel, (stride, stride), padding, dimension_numbers=("NHWC", "HWIO", "NHWC")
        )

    def _mnist_convnet(self, weights: Any, moving: Any, x: Any, key: Any) -> tuple[Any, Any]:
        jax, np = self.jax, self.jax.numpy
        window = (1, 2, 2, 1)
        for name in ("conv0", "conv1"):
            part = weights[name]
            x = np.maximum(self._conv(x, part["kernel"], 1, "VALID") + part["bias"], 0)
            x = jax.lax.reduce_window(x, -np.inf, jax.lax.max, window, window, "VALID")
        x = x.reshape(len(x), -1)
        if self.task.dropout:
            keep = jax.random.bernoulli(key, 1 - self.task.dropout, x.shape)
            x = np.where(keep, x / (1 - self.task.dropout), 0)
        return x, moving

    def _resnet20(self, weights: Any, moving: Any, x: Any, key: Any) -> tuple[Any, Any]:
        jax, np = self.jax, self.jax.numpy
        moved: Parts = {}

        def unit(x: Any, name: str, stride: int = 1) -> Any:
            part, old = weights[name], moving[name]
            x = self._conv(x, part["kernel"], stride, "SAME")
            mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
            rate = 1 - NORM_MOMENTUM
            moved[name] = {
                "mean": old["mean"] + (mean - old["mean"]) * rate,
                "variance": old["variance"] + (variance - old["variance"]) * rate,
            }
            scale = part["gamma"] * jax.lax.rsqrt(variance + NORM_EPSILON)
            return (x - mean) * scale + part["beta"]

        x = np.maximum(unit(x, "conv0"), 0)
        for block in blocks():
            y = np.maximum(unit(x, f"{block.name}_conv0", block.stride), 0)
            y = unit(y, f"{block.name}_conv1")
            if block.projects:
                x = unit(x, f"{block.name}_shortcut", block.stride)
            x = np.maximum(x + y, 0)
        return x.mean((1, 2)), jax.lax.stop_gradient(moved)
