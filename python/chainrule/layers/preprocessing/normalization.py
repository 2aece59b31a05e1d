"""Normalization: features to mean 0 and variance 1, with statistics of a data set."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import numpy as np

from chainrule import ops
from chainrule.base import config
from chainrule.base.errors import NotBuiltError, ShapeError
from chainrule.base.tables import as_numbers
from chainrule.layers.layer import Layer


class Normalization(Layer):
    """``y = (x - mean) / max(sqrt(variance), 1e-7)``, or its inverse.

    Mean and variance are those of the data given to `adapt`, or the constructor's arguments.

    Parameters
    ----------
    axis : int, tuple of int or None
        The axes that keep statistics of their own; `None`: one mean for everything. Default -1.
    mean, variance : float or array, optional
        Both or none.
    invert : bool
        Compute ``x * max(sqrt(variance), 1e-7) + mean`` instead. Default False.

    Raises
    ------
    ValueError
        For only one of mean and variance, or shapes that differ or have more axes than `axis`.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layer = layers.Normalization()
    >>> layer.adapt(np.array([[0.0, 1.0], [2.0, 5.0]]))
    >>> layer(np.array([[2.0, 5.0]])).tolist()
    [[1.0, 1.0]]
    """

    def __init__(
        self,
        axis: Any = -1,
        mean: Any = None,
        variance: Any = None,
        invert: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._allow_non_tensor_positional_args = True
        if axis is None:
            axis = ()
        self.axis: tuple[int, ...] = (axis,) if isinstance(axis, int) else tuple(axis)
        self.input_mean = mean
        self.input_variance = variance
        self.invert = invert
        self.supports_masking = True
        self._build_input_shape: Any = None
        self._given_mean: Any = None
        self._given_variance: Any = None
        if (mean is None) != (variance is None):
            raise ValueError(
                "When setting values directly, both `mean` and `variance` must be set. "
                f"Received: mean={mean} and variance={variance}"
            )
        if np.shape(mean) != np.shape(variance):
            raise ValueError(
                "When setting values directly, `mean` and `variance` must have the same shape. "
                f"Received: mean shape {np.shape(mean)} and variance shape {np.shape(variance)}"
            )
        if len(np.shape(mean)) > len(self.axis):
            raise ValueError(
                "The rank of `mean` must be less than or equal to the number of axes "
                f"({len(self.axis)}). Received: mean shape {np.shape(mean)} for axis {self.axis}"
            )

    def build(self, input_shape: Any) -> None:
        if input_shape is None:
            return
        ndim = len(input_shape)
        self._build_input_shape = tuple(input_shape)
        if any(not -ndim <= a < ndim for a in self.axis):
            raise ValueError(
                "All `axis` values must be in the range [-ndim, ndim). Received inputs with "
                f"ndim={ndim}, while axis={self.axis}"
            )
        self._keep_axis = tuple(sorted(a % ndim for a in self.axis))
        for d in self._keep_axis:
            if input_shape[d] is None:
                raise ValueError(
                    "All `axis` values to be kept must have a known shape. Received "
                    f"axis={self.axis}, inputs.shape={input_shape}, with unknown axis at index {d}"
                )
        self._reduce_axis = tuple(d for d in range(ndim) if d not in self._keep_axis)
        self._broadcast_shape = tuple(
            input_shape[d] if d in self._keep_axis else 1 for d in range(ndim)
        )
        if self.input_mean is not None:
            self._given_mean = self._given(self.input_mean)
            self._given_variance = self._given(self.input_variance)
        else:
            shape = tuple(input_shape[d] for d in self._keep_axis)
            self.adapt_mean = self.add_weight(
                name="mean", shape=shape, initializer="zeros", trainable=False
            )
            self.adapt_variance = self.add_weight(
                name="variance", shape=shape, initializer="ones", trainable=False
            )
            self.count = self.add_weight(
                name="count", shape=(), dtype="int", initializer="zeros", trainable=False
            )
        self.built = True

    def _given(self, value: Any) -> Any:
        """The constructor's mean or variance, its axes put where `axis` says."""
        array = np.asarray(value, dtype=self.compute_dtype)
        shape = [1] * len(self._broadcast_shape)
        if array.ndim:
            for d, size in zip(self._keep_axis[-array.ndim :], array.shape):
                shape[d] = size
        try:
            return np.ascontiguousarray(
                np.broadcast_to(array.reshape(shape), self._broadcast_shape)
            )
        except ValueError:
            raise ShapeError(
                f"Layer '{self.name}': mean and variance of shape {array.shape} do not fit inputs "
                f"of shape {self._build_input_shape} with axis={self.axis}."
            ) from None

    def adapt(self, data: Any) -> None:
        """Take mean and variance from data, replacing earlier ones.

        Parameters
        ----------
        data : array, or iterable of batches
            A batch may be a tuple whose first entry is the input.

        Raises
        ------
        TypeError
            For data that is no array and no iterable of arrays; DTypeError for other than numbers.
        ValueError
            For no batches, or (ShapeError) shapes that do not fit.
        """
        if hasattr(data, "shape") and hasattr(data, "__array__"):
            batches: Iterator[Any] = iter([data])
        elif isinstance(data, Iterable) or hasattr(data, "__getitem__"):
            batches = _inputs_of(data)
        else:
            raise TypeError(
                f"Unsupported data type: {type(data)}. `adapt` supports arrays and iterables of "
                "batches (e.g. list, generator)."
            )
        first = next(batches, None)
        if first is None:
            raise ValueError(
                "adapt() received an empty iterable (no batches). Expected at least one batch. "
                "Pass a non-empty iterable of arrays, e.g. layer.adapt([x])."
            )
        if not self.built:
            self.build(first.shape)
        if self.input_mean is not None:
            raise ValueError(
                f"Layer '{self.name}' was given `mean` and `variance`: it cannot adapt to data."
            )
        mean, variance = self._moments(chain([first], batches))
        self.adapt_mean.assign(mean)
        self.adapt_variance.assign(variance)

    def _moments(self, batches: Iterable[Any]) -> tuple[Any, Any]:
        """Mean and variance over all batches, merged pairwise (Chan et al. 1983), in float64."""
        mean: Any = 0.0
        variance: Any = 0.0
        total = 0
        for batch in batches:
            self._check_batch(batch.shape)
            values = as_numbers(batch, f"Layer '{self.name}': adapt").astype("float64")
            count = math.prod(values.shape[d] for d in self._reduce_axis)
            if count == 0:
                continue
            total += count
            weight = count / total
            batch_mean = values.mean(axis=self._reduce_axis)
            batch_variance = values.var(axis=self._reduce_axis)
            new_mean = mean * (1.0 - weight) + batch_mean * weight
            variance = (variance + (mean - new_mean) ** 2) * (1.0 - weight) + (
                batch_variance + (batch_mean - new_mean) ** 2
            ) * weight
            mean = new_mean
        if total == 0:
            raise ValueError(f"Layer '{self.name}': adapt() received no samples.")
        return mean, variance

    def _check_batch(self, shape: tuple[int, ...]) -> None:
        expected = self._build_input_shape
        if len(shape) != len(expected) or any(shape[d] != expected[d] for d in self._keep_axis):
            raise ShapeError(
                f"The layer was built with input_shape={expected}, but adapt() is being called "
                f"with data with an incompatible shape, data.shape={tuple(shape)}"
            )

    def finalize_state(self) -> None:
        """Nothing to do: calls read the adapted statistics where they are."""

    @property
    def mean(self) -> Any:
        """The mean in use, broadcastable to the inputs; `None` before building."""
        if self.input_mean is not None or not self.built:
            return self._given_mean
        return ops.cast(ops.reshape(self.adapt_mean, self._broadcast_shape), self.compute_dtype)

    @property
    def variance(self) -> Any:
        """The variance in use, broadcastable to the inputs; `None` before building."""
        if self.input_mean is not None or not self.built:
            return self._given_variance
        return ops.cast(
            ops.reshape(self.adapt_variance, self._broadcast_shape), self.compute_dtype
        )

    def call(self, inputs: Any) -> Any:
        mean, variance = self.mean, self.variance
        if mean is None:
            raise NotBuiltError(
                f"Layer '{self.name}': You must call `.build(input_shape)` on the layer before "
                "using it."
            )
        x = ops.convert_to_tensor(inputs, dtype=self.compute_dtype)
        deviation = ops.maximum(ops.sqrt(variance), config.epsilon())
        if self.invert:
            return ops.add(mean, ops.multiply(x, deviation))
        return ops.divide(ops.subtract(x, mean), deviation)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "axis": self.axis,
            "invert": self.invert,
            "mean": np.array(self.input_mean).tolist(),
            "variance": np.array(self.input_variance).tolist(),
        }

    def get_build_config(self) -> dict[str, Any] | None:
        return {"input_shape": self._build_input_shape} if self._build_input_shape else None

    def build_from_config(self, config: dict[str, Any] | None) -> None:
        if config:
            self.build(config["input_shape"])


def _inputs_of(batches: Any) -> Iterator[Any]:
    """The input array of each batch."""
    if not isinstance(batches, Iterable):
        batches = (batches[i] for i in range(len(batches)))
    for batch in batches:
        x = batch[0] if isinstance(batch, tuple) else batch
        if not hasattr(x, "shape"):
            raise TypeError(
                "adapt() expects an iterable that yields arrays or tensors with a `.shape` "
                f"attribute. Got an element of type {type(x).__name__}."
            )
        yield x
