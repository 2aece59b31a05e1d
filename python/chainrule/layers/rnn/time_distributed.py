"""TimeDistributed: one layer on every step of a sequence."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.base import tree
from chainrule.base.errors import ShapeError
from chainrule.layers.core.wrapper import Wrapper
from chainrule.tracing.tensor import KerasTensor


class TimeDistributed(Wrapper):
    """``y[:, t] = layer(x[:, t])`` for every step `t`, with the same weights.

    The steps are computed together, as rows of one large batch, unless the layer keeps statistics
    of its batches (such as BatchNormalization): those see one step after the other.

    Parameters
    ----------
    layer : Layer
        Takes inputs of shape (batch, ...).

    Raises
    ------
    ShapeError
        For inputs of fewer than three axes, and for a mask that has not their first two sizes.

    Notes
    -----
    Inputs of shape (batch, steps, ...), outputs (batch, steps, ...). The mask of the inputs,
    (batch, steps), is handed on, and to the layer where its `call` takes a mask, one entry a row.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> video = np.ones((2, 10, 8, 8, 3), "float32")
    >>> layers.TimeDistributed(layers.Flatten())(video).shape
    (2, 10, 192)
    """

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        self.supports_masking = True

    def _step_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        shape = tuple(input_shape)
        if len(shape) < 3:
            raise ShapeError(
                f"layer '{self.name}': expected inputs of at least 3 axes (batch, steps, ...), "
                f"got shape {shape}"
            )
        return (shape[0], *shape[2:])

    def build(self, input_shape: Any = None) -> None:
        super().build(self._step_shape(input_shape))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The layer's output shape with the steps put in after the batch."""
        inputs = KerasTensor(input_shape, dtype=self.layer.compute_dtype)
        return tree.map_structure(lambda t: t.shape, self.compute_output_spec(inputs))

    def compute_output_spec(
        self, inputs: Any, training: bool | None = None, mask: Any = None
    ) -> Any:
        """The outputs as symbolic tensors, of the dtypes of the layer's."""
        step = KerasTensor(self._step_shape(inputs.shape), dtype=inputs.dtype)
        steps = inputs.shape[1]
        return tree.map_structure(
            lambda t: KerasTensor((t.shape[0], steps, *t.shape[1:]), dtype=t.dtype),
            self.layer.compute_output_spec(step),
        )

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        self._step_shape(inputs.shape)
        rows, steps = inputs.shape[:2]
        if mask is not None and tuple(mask.shape[:2]) != (rows, steps):
            raise ShapeError(
                f"layer '{self.name}': The `mask` passed to the `TimeDistributed` layer has a shape "
                f"{tuple(mask.shape)} that does not fit the inputs, expected ({rows}, {steps}, ...)"
            )
        wants_mask = mask is not None and self.layer._call_has_mask_arg
        if self.layer.non_trainable_weights and self.layer.trainable:
            outputs = [
                self.layer(inputs[:, t], **({"mask": mask[:, t]} if wants_mask else {}))
                for t in range(steps)
            ]
            return tree.map_structure(lambda *parts: ops.stack(parts, axis=1), *outputs)
        options = {"mask": _folded(mask)} if wants_mask else {}
        outputs = self.layer(_folded(inputs), **options)
        return tree.map_structure(
            lambda y: ops.reshape(y, (rows, steps, *y.shape[1:])), outputs
        )


def _folded(x: Any) -> Any:
    """(batch, steps, ...) as (batch * steps, ...)."""
    return ops.reshape(x, (x.shape[0] * x.shape[1], *x.shape[2:]))
