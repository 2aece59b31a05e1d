"""Concatenate: inputs one after the other along an axis."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.base.errors import ShapeError
from chainrule.layers.merging.base_merge import Merge


class Concatenate(Merge):
    """``y = concatenate([x_1, x_2, ...], axis)``; the other axes have equal sizes.

    Parameters
    ----------
    axis : int
        Default -1.

    Raises
    ------
    ShapeError
        When sizes differ along another axis.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.Concatenate()([np.array([[1.0]]), np.array([[2.0, 3.0]])]).tolist()
    [[1.0, 2.0, 3.0]]
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        if len(input_shape) < 1 or not isinstance(input_shape[0], (tuple, list)):
            raise ValueError(
                "A `Concatenate` layer should be called on a list of at least 1 input. "
                f"Received: input_shape={input_shape}"
            )
        rests = [_without_axis(shape, self.axis) for shape in input_shape if shape is not None]
        sizes_of = zip(*rests) if len({len(rest) for rest in rests}) == 1 else [(1, 2)]
        if any(len(set(sizes) - {None}) > 1 for sizes in sizes_of):
            raise ShapeError(
                f"Layer '{self.name}': A `Concatenate` layer requires inputs with matching shapes "
                f"except for the concatenation axis. Received: input_shape={input_shape}"
            )

    def call(self, inputs: Any) -> Any:
        if not isinstance(inputs, (list, tuple)):
            raise ValueError(
                f"A `Concatenate` layer should be called on a list of inputs. Received: {inputs}"
            )
        return self._merge_function(inputs)

    def _merge_function(self, inputs: Any) -> Any:
        return ops.concatenate(inputs, axis=self.axis)

    def compute_output_shape(self, input_shape: Any) -> Any:
        if not isinstance(input_shape, (list, tuple)) or not isinstance(
            input_shape[0], (list, tuple)
        ):
            raise ValueError(
                "A `Concatenate` layer should be called on a list of inputs. "
                f"Received: input_shape={input_shape}"
            )
        output = list(input_shape[0])
        sizes = [shape[self.axis] for shape in input_shape]
        output[self.axis] = None if None in sizes else sum(sizes)
        return tuple(output)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None:
            return None
        self._check_masks(inputs, mask)
        if all(m is None for m in mask):
            return None
        full = []
        for x, m in zip(inputs, mask):
            if m is None:
                m = ops.ones_like(x, dtype="bool")
            elif len(m.shape) < len(x.shape):
                m = ops.logical_or(ops.expand_dims(m, axis=-1), ops.zeros_like(x, dtype="bool"))
            full.append(m)
        return ops.any(ops.concatenate(full, axis=self.axis), axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


def _without_axis(shape: Any, axis: int) -> list[int | None]:
    sizes = list(shape)
    if -len(sizes) <= axis < len(sizes):
        del sizes[axis]
    return sizes


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """``Concatenate(axis=axis, **kwargs)(inputs)``."""
    return Concatenate(axis=axis, **kwargs)(inputs)
