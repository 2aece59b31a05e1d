"""Dot: a product over one axis of two inputs, sample by sample."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.base.errors import ShapeError
from chainrule.base.sizes import may_be
from chainrule.layers.merging.base_merge import Merge
from chainrule.tracing.tensor import shape_equal


class Dot(Merge):
    """``y[n, ..., ...] = sum_k x_1[n, ..., k, ...] * x_2[n, ..., k, ...]``.

    The axes of the first input without `axes[0]`, then those of the second without the batch and
    `axes[1]`; two vectors give (N, 1).

    Parameters
    ----------
    axes : int or pair of int
        The axis of each input to sum over; not the batch.
    normalize : bool
        Whether to divide by the lengths along those axes: cosine similarity. Default False.

    Raises
    ------
    TypeError, ValueError
        For `axes` of another form.
    ShapeError
        When the two axes have different sizes.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.Dot(axes=1)([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])]).tolist()
    [[11.0]]
    """

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(axes, int):
            if not isinstance(axes, (list, tuple)):
                raise TypeError(
                    "Invalid type for argument `axes`: it should be a list or an int. "
                    f"Received: axes={axes}"
                )
            if len(axes) != 2:
                raise ValueError(
                    "Invalid format for argument `axes`: it should contain two elements. "
                    f"Received: axes={axes}"
                )
            if not isinstance(axes[0], int) or not isinstance(axes[1], int):
                raise ValueError(
                    "Invalid format for argument `axes`: list elements should be integers. "
                    f"Received: axes={axes}"
                )
        self.axes = axes
        self.normalize = normalize
        self.supports_masking = True

    def _axes_of(self, shape1: Any, shape2: Any) -> list[int]:
        axes = [self.axes] * 2 if isinstance(self.axes, int) else self.axes
        return [a % len(s) if a < 0 else a for a, s in zip(axes, (shape1, shape2))]

    def build(self, input_shape: Any) -> None:
        self._check_two(input_shape)
        shape1, shape2 = input_shape
        if shape1 is None or shape2 is None:
            return
        axes = self._axes_of(shape1, shape2)
        if not shape_equal([shape1[axes[0]]], [shape2[axes[1]]]):
            raise ShapeError(
                f"Layer '{self.name}': Incompatible input shapes: axis values {shape1[axes[0]]} "
                f"(at axis {axes[0]}) != {shape2[axes[1]]} (at axis {axes[1]}). "
                f"Full input shapes: {shape1}, {shape2}"
            )

    def _check_two(self, input_shape: Any) -> None:
        if (
            not isinstance(input_shape, (tuple, list))
            or len(input_shape) != 2
            or not isinstance(input_shape[0], (tuple, list))
        ):
            raise ValueError(
                "A `Dot` layer should be called on a list of 2 inputs. "
                f"Received: input_shape={input_shape}"
            )

    def call(self, inputs: Any) -> Any:
        return self._merge_function(inputs)

    def _merge_function(self, inputs: Any) -> Any:
        if not isinstance(inputs, (list, tuple)) or len(inputs) != 2:
            raise ValueError(
                f"A `Dot` layer should be called on exactly 2 inputs. Received: inputs={inputs}"
            )
        x, y = inputs
        axes = self._axes_of(x.shape, y.shape)
        if self.normalize:
            x = ops.normalize(x, axis=axes[0])
            y = ops.normalize(y, axis=axes[1])
        return batch_dot(x, y, axes)

    def compute_output_shape(self, input_shape: Any) -> Any:
        self._check_two(input_shape)
        shape1, shape2 = list(input_shape[0]), list(input_shape[1])
        axes = self._axes_of(shape1, shape2)
        shape1.pop(axes[0])
        shape2.pop(axes[1])
        shape2.pop(0)
        output = shape1 + shape2
        return tuple(output if len(output) > 1 else [*output, 1])

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return None

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axes": self.axes, "normalize": self.normalize}


def batch_dot(x: Any, y: Any, axes: Any = None) -> Any:
    """``z[n] = tensordot(x[n], y[n])`` over one axis of each.

    Parameters
    ----------
    x, y : tensors (N, ...)
    axes : int or pair of int, optional
        Default: the last axis of x and the last but one of y (the last, when y is (N, K)).

    Raises
    ------
    ShapeError
        For ranks below 2, different batch sizes, or different sizes of the two axes.
    ValueError
        For an axis 0, or several axes.
    """
    x_shape, y_shape = tuple(x.shape), tuple(y.shape)
    if min(len(x_shape), len(y_shape)) < 2:
        raise ShapeError(
            "Cannot do batch_dot on inputs with rank < 2. "
            f"Received inputs with shapes {x_shape} and {y_shape}."
        )
    if not may_be(x_shape[0], y_shape[0]):
        raise ShapeError(
            "Cannot do batch_dot on inputs with different batch sizes. "
            f"Received inputs with shapes {x_shape} and {y_shape}."
        )
    if axes is None:
        axes = [len(x_shape) - 1, len(y_shape) - (1 if len(y_shape) == 2 else 2)]
    axes = [axes, axes] if isinstance(axes, int) else list(axes)
    if any(isinstance(a, (list, tuple)) for a in axes):
        raise ValueError(
            "Multiple target dimensions are not supported. Expected: None, int, (int, int), "
            f"Provided: {axes}"
        )
    a0, a1 = axes[0] % len(x_shape), axes[1] % len(y_shape)
    if 0 in (a0, a1):
        raise ValueError(
            "Cannot perform batch_dot over axis 0. If your inputs are not batched, add a dummy "
            "batch dimension to your inputs using ops.expand_dims(x, 0)"
        )
    if not may_be(x_shape[a0], y_shape[a1]):
        raise ShapeError(
            f"Cannot do batch_dot on inputs with shapes {x_shape} and {y_shape} with axes={axes}. "
            f"x.shape[{a0}] != y.shape[{a1}] ({x_shape[a0]} != {y_shape[a1]})."
        )
    batch, size = x_shape[0], x_shape[a0]
    x_rest = [i for i in range(1, len(x_shape)) if i != a0]
    y_rest = [i for i in range(1, len(y_shape)) if i != a1]
    left = ops.reshape(ops.transpose(x, (0, *x_rest, a0)), (batch, -1, size))  # (N, P, K)
    right = ops.reshape(ops.transpose(y, (0, a1, *y_rest)), (batch, size, -1))  # (N, K, Q)
    output = (batch, *(x_shape[i] for i in x_rest), *(y_shape[i] for i in y_rest))
    return ops.reshape(ops.matmul(left, right), output if len(output) > 1 else (batch, 1))


def dot(inputs: Any, axes: Any = -1, **kwargs: Any) -> Any:
    """``Dot(axes=axes, **kwargs)(inputs)``."""
    return Dot(axes=axes, **kwargs)(inputs)
