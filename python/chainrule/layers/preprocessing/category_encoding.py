"""CategoryEncoding: integers as one-hot, multi-hot and counts."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule import ops
from chainrule.base.errors import DataError, DTypeError
from chainrule.layers.layer import Layer
from chainrule.layers.preprocessing.categories import encoded_shape
from chainrule.layers.preprocessing.options import refuse_sparse
from chainrule.tracing.tensor import KerasTensor


class CategoryEncoding(Layer):
    """``y[..., k] = 1 where x = k``, for each element or for each sample, or how often it is k.

    Parameters
    ----------
    num_tokens : int
        Inputs are integers below.
    output_mode : {"multi_hot", "one_hot", "count"}
        For each sample, the last axis, a row of ones, or of counts; or a row for each element.
    sparse : bool
        In Keras's signature; True is refused.

    Raises
    ------
    ValueError
        For arguments that cannot be; DataError for integers outside 0 to ``num_tokens - 1`` in an
        array (in a compiled step they leave no trace).

    Examples
    --------
    >>> from chainrule import layers
    >>> layers.CategoryEncoding(num_tokens=4)([[0, 1], [3, 3]])
    array([[1., 1., 0., 0.],
           [0., 0., 0., 1.]], dtype=float32)
    >>> layers.CategoryEncoding(num_tokens=3, output_mode="one_hot")([2, 0])
    array([[0., 0., 1.],
           [1., 0., 0.]], dtype=float32)
    """

    def __init__(
        self,
        num_tokens: int | None = None,
        output_mode: str = "multi_hot",
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        output_mode = "multi_hot" if output_mode == "binary" else output_mode
        if output_mode not in ("count", "one_hot", "multi_hot"):
            raise ValueError(f"Unknown arg for output_mode: {output_mode}")
        if num_tokens is None:
            raise ValueError(
                "num_tokens must be set to use this layer. If the number of tokens is not known "
                "beforehand, use the IntegerLookup layer instead."
            )
        if num_tokens < 1:
            raise ValueError(f"`num_tokens` must be >= 1. Received: num_tokens={num_tokens}.")
        refuse_sparse(sparse, "CategoryEncoding")
        self.num_tokens = num_tokens
        self.output_mode = output_mode
        self.sparse = sparse
        self._allow_non_tensor_positional_args = True
        self._convert_input_args = False

    def _encode(self, inputs: Any, count_weights: Any = None) -> Any:
        x = ops.convert_to_tensor(inputs)
        if isinstance(x, np.ndarray):
            self._check(x)
        if len(x.shape) == 0 and self.output_mode != "one_hot":
            x = ops.reshape(x, (1,))
        shape = tuple(x.shape)
        if self.output_mode == "one_hot" and len(shape) > 1 and shape[-1] == 1:
            x = ops.squeeze(x, axis=-1)
        rows = ops.one_hot(ops.cast(x, "int32"), self.num_tokens, dtype=self.compute_dtype)
        if self.output_mode == "one_hot":
            return rows
        if self.output_mode == "multi_hot":
            return ops.max(rows, axis=-2)
        if count_weights is not None:
            weights = ops.convert_to_tensor(count_weights, dtype=self.compute_dtype)
            rows = rows * ops.expand_dims(weights, -1)
        return ops.sum(rows, axis=-2)

    def _check(self, x: Any) -> None:
        if x.dtype.kind not in "biuf":
            raise DTypeError(f"layer '{self.name}': expected integers, got dtype {x.dtype}")
        if x.size == 0:
            return
        wrong = ~((x >= 0) & (x < self.num_tokens))
        if wrong.any():
            place = tuple(int(i) for i in np.argwhere(wrong)[0])
            raise DataError(
                f"layer '{self.name}': expected integers 0 to {self.num_tokens - 1} "
                f"(`num_tokens={self.num_tokens}`), got {x[place]} at {place}"
            )

    def call(self, inputs: Any, count_weights: Any = None) -> Any:
        if count_weights is not None and self.output_mode != "count":
            raise ValueError(
                "`count_weights` is not used when `output_mode` is not `'count'`. Received "
                f"`count_weights={count_weights}`."
            )
        return self._encode(inputs, count_weights)

    def compute_output_shape(self, input_shape: Any, count_weights_shape: Any = None) -> Any:
        return encoded_shape(input_shape, self.output_mode, self.num_tokens)

    def compute_output_spec(self, inputs: Any, count_weights: Any = None) -> Any:
        return KerasTensor(self.compute_output_shape(inputs.shape), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_tokens": self.num_tokens,
            "output_mode": self.output_mode,
        }
