"""Merge: the base of layers that join inputs of broadcastable shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule import ops
from chainrule.base.errors import ShapeError
from chainrule.layers.layer import Layer
from chainrule.tracing.masking import get_keras_mask, set_keras_mask
from chainrule.tracing.tensor import KerasTensor

Shape = tuple[Any, ...]


class Merge(Layer):
    """A layer on a list of tensors of one batch size; lower ranks get axes after the batch.

    Subclasses join the tensors in `_merge_function`.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def _merge_function(self, inputs: Any) -> Any:
        raise NotImplementedError

    def _merge_with_masks(self, function: Callable[[Any, Any], Any], inputs: Any) -> Any:
        """Fold `function` over the inputs, leaving out what a mask hides."""
        output, output_mask = None, None
        for x in inputs:
            mask = get_keras_mask(x)
            if mask is not None:
                mask = ops.broadcast_to(ops.expand_dims(mask, -1), x.shape)
            if output is None:
                output, output_mask = x, mask
                continue
            if mask is not None:
                x = ops.where(mask, x, output)
            if output_mask is not None:
                output = ops.where(output_mask, output, x)
            both = mask is not None and output_mask is not None
            output_mask = ops.logical_or(output_mask, mask) if both else None
            output = function(output, x)
        if output_mask is not None:
            set_keras_mask(output, ops.any(output_mask, axis=-1))
        return output

    def build(self, input_shape: Any) -> None:
        if not input_shape or not isinstance(input_shape[0], (tuple, list)):
            raise ValueError(
                "A merge layer should be called on a list of at least 1 input. "
                f"Received: input_shape={input_shape} (not a list of shapes)"
            )
        batch_sizes = {s[0] for s in input_shape if s} - {None}
        if len(batch_sizes) > 1:
            raise ShapeError(
                f"Layer '{self.name}': Cannot merge tensors with different batch sizes. "
                f"Received tensors with shapes {input_shape}"
            )
        self._joint_shape(input_shape)

    def _joint_shape(self, input_shape: Any) -> Shape | None:
        """The broadcast shape of all inputs, without the batch."""
        shape: Shape | None = None if input_shape[0] is None else tuple(input_shape[0][1:])
        for other in input_shape[1:]:
            if shape is None or other is None:
                return None
            shape = self._compute_elemwise_op_output_shape(shape, tuple(other[1:]))
        return shape

    def _compute_elemwise_op_output_shape(self, shape1: Any, shape2: Any) -> Shape | None:
        if shape1 is None or shape2 is None:
            return None
        if len(shape1) < len(shape2):
            shape1, shape2 = shape2, shape1
        split = len(shape1) - len(shape2)
        output = list(shape1[:split])
        for i, j in zip(shape1[split:], shape2):
            if i is None or j is None:
                output.append(None)
            elif i != j and 1 not in (i, j):
                raise ShapeError(
                    f"Layer '{self.name}': Inputs have incompatible shapes. "
                    f"Received shapes {shape1} and {shape2}"
                )
            else:
                output.append(j if i == 1 else i)
        return tuple(output)

    def call(self, inputs: Any) -> Any:
        if not isinstance(inputs, (list, tuple)):
            raise ValueError(
                "A merge layer should be called on a list of inputs. "
                f"Received: inputs={inputs} (not a list of tensors)"
            )
        rank = max(len(x.shape) for x in inputs)
        if any(len(x.shape) != rank for x in inputs):
            inputs = [_add_axes(x, rank) for x in inputs]
        return self._merge_function(inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        rest = self._joint_shape(input_shape) or ()
        batch_sizes = {s[0] for s in input_shape if s is not None} - {None}
        batch = batch_sizes.pop() if len(batch_sizes) == 1 else None
        return (batch, *rest)

    def compute_output_spec(self, inputs: Any) -> Any:
        if not isinstance(inputs, (list, tuple)):
            raise ValueError(
                "A merge layer should be called on a list of inputs. "
                f"Received: inputs={inputs} (not a list of tensors)"
            )
        shape = self.compute_output_shape([x.shape for x in inputs])
        return KerasTensor(shape, dtype=self.compute_dtype)

    def _check_masks(self, inputs: Any, mask: Any) -> None:
        for label, value in (("mask", mask), ("inputs", inputs)):
            if not isinstance(value, (tuple, list)):
                raise ValueError(f"`{label}` should be a list. Received: {label}={value}")
        if len(mask) != len(inputs):
            raise ValueError(
                "The lists `inputs` and `mask` should have the same length. Received: "
                f"inputs={inputs} of length {len(inputs)}, and mask={mask} of length {len(mask)}"
            )

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None:
            return None
        self._check_masks(inputs, mask)
        if any(m is None for m in mask):
            return None
        output = mask[0]
        for m in mask[1:]:
            output = ops.logical_or(output, m)
        return output

    def get_config(self) -> dict[str, Any]:
        return super().get_config()


def _add_axes(x: Any, rank: int) -> Any:
    """`x` with axes of size 1 after the batch, up to `rank`."""
    shape = tuple(x.shape)
    mask = get_keras_mask(x)
    x = ops.reshape(x, (*shape[:1], *(1,) * (rank - len(shape)), *shape[1:]))
    if mask is not None:
        set_keras_mask(x, mask)
    return x
