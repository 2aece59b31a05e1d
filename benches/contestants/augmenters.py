"""Augmentation of a batch of images: each contestant calls the same layers."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

LAYERS = {
    "RandomFlip": {"mode": "horizontal"},
    "RandomRotation": {"factor": 0.1},
    "RandomZoom": {"height_factor": 0.2},
    "RandomContrast": {"factor": 0.3},
}
ALL = "all four"


def images(batch: int, size: int) -> Any:
    """(batch, size, size, 3) float32 in [0, 255]."""
    rng = np.random.default_rng(0)
    return rng.uniform(0, 255, (batch, size, size, 3)).astype("float32")


class Augmenter:
    """Calls layers of one library on one batch, each row of the table on its own.

    Parameters
    ----------
    library : {"chainrule", "keras"}
    together : bool
        Whether several layers are one program: a `Pipeline`, or a jitted function.
    batch, size : int
    """

    def __init__(self, library: str, together: bool, batch: int, size: int) -> None:
        if library == "chainrule":
            import chainrule as keras
        else:
            import keras  # type: ignore[no-redef]
        self.keras: Any = keras
        self.library = library
        self.together = together
        self.x = images(batch, size)
        if library == "keras":
            self.x = keras.ops.convert_to_tensor(self.x)
        self.calls: dict[str, Callable[[], Any]] = {}

    def _make(self, row: str) -> Callable[[], Any]:
        names = list(LAYERS) if row == ALL else [row]
        layers = [getattr(self.keras.layers, name)(**LAYERS[name], seed=1) for name in names]
        if self.together:
            if self.library == "chainrule":
                pipeline = self.keras.layers.Pipeline(layers)
                return lambda: pipeline(self.x, training=True)
            return self._jitted(layers)

        def one_by_one() -> Any:
            x = self.x
            for layer in layers:
                x = layer(x, training=True)
            return x

        return one_by_one

    def _jitted(self, layers: list[Any]) -> Callable[[], Any]:
        import jax

        model = self.keras.Sequential(layers)
        model.build(self.x.shape)
        step = jax.jit(lambda state, x: model.stateless_call([], state, x, training=True))
        state = [v.value for v in model.non_trainable_variables]

        def call() -> Any:
            nonlocal state
            y, state = step(state, self.x)
            return y

        return call

    def seconds(self, row: str) -> float:
        """The time of one call; the first call of a row compiles, and is not counted."""
        if row not in self.calls:
            self.calls[row] = self._make(row)
            _wait(self.calls[row]())
        start = time.perf_counter()
        _wait(self.calls[row]())
        return time.perf_counter() - start


def _wait(result: Any) -> None:
    if hasattr(result, "block_until_ready"):
        result.block_until_ready()
