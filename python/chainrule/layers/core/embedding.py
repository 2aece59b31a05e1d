"""Embedding: a row of a table for each integer."""

from __future__ import annotations

import warnings
from typing import Any

from chainrule import constraints, initializers, ops, regularizers
from chainrule.layers.core.lora import LoRA
from chainrule.layers.options import serialize_options
from chainrule.tracing.tensor import KerasTensor


class Embedding(LoRA):
    """``y[..., :] = embeddings[x[...], :]``: integers to vectors.

    Shapes: x (N, ...) of ints in [0, input_dim), embeddings (input_dim, output_dim),
    y (N, ..., output_dim).

    Parameters
    ----------
    input_dim, output_dim : int
        The number of rows and their length.
    embeddings_initializer : Initializer or str
        Default ``"uniform"``.
    embeddings_regularizer, embeddings_constraint : object or str, optional
    mask_zero : bool
        Whether 0 marks padding: the output then carries the mask ``x != 0``. Default False.
    weights : array of shape (input_dim, output_dim), optional
        First values.
    lora_rank : int, optional
        Freeze the table and train a change of this rank: see `enable_lora`.
    lora_alpha : float, optional
        The change counts `lora_alpha / lora_rank` times. Default: `lora_rank`.
    quantization_config : None
        In Keras's signature; only `None` is accepted.

    Raises
    ------
    ValueError
        When a dimension is no positive int.
    DataError
        (at a call) for an index outside the table.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layer = layers.Embedding(3, 2, weights=np.array([[0.0, 0.0], [1.0, 2.0], [3.0, 4.0]]))
    >>> layer(np.array([[2, 1]])).tolist()
    [[[3.0, 4.0], [1.0, 2.0]]]
    """

    _adapted = "embeddings"

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: None = None,
        **kwargs: Any,
    ) -> None:
        for label, value in (("input_dim", input_dim), ("output_dim", output_dim)):
            if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
                raise ValueError(
                    f"`{label}` must be a positive integer. Received: {label}={value} "
                    f"(of type {type(value).__name__})."
                )
        if quantization_config is not None:
            raise ValueError("chainrule has no quantization: `quantization_config` must be None.")
        if kwargs.pop("input_length", None) is not None:
            warnings.warn(
                "Argument `input_length` is deprecated. Just remove it.", stacklevel=2
            )
        super().__init__(**kwargs)
        self.input_dim = input_dim
        self.output_dim = output_dim
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = mask_zero
        self.supports_masking = mask_zero
        self.autocast = False
        self._set_lora(lora_rank, lora_alpha)
        if weights is not None:
            self._take_weights(weights)

    def _take_weights(self, weights: Any) -> None:
        """Build, with the table given, alone or in a list of all weights."""
        self.build()
        is_all = isinstance(weights, list) and len(weights) == len(self.weights)
        others = self.get_weights()[1:] if self.lora_enabled else []
        self.set_weights(weights if is_all else [weights, *others])

    def build(self, input_shape: Any = None) -> None:
        if self.built:
            return
        self._embeddings = self.add_weight(
            name="embeddings",
            shape=(self.input_dim, self.output_dim),
            initializer=self.embeddings_initializer,
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
        )
        self._build_lora()

    @property
    def embeddings(self) -> Any:
        """The (input_dim, output_dim) table, with LoRA's change; AttributeError before it is built."""
        return self._effective()

    def call(self, inputs: Any) -> Any:
        if inputs.dtype not in ("int32", "int64"):
            inputs = ops.cast(inputs, "int32")
        return ops.cast(self._rows(inputs), self.compute_dtype)

    def _rows(self, inputs: Any) -> Any:
        """The rows of the table; of LoRA's change those rows alone are computed."""
        rows = ops.take(self._weight, inputs, axis=0)
        if not self._lora:
            return rows
        a, b = self._lora
        return ops.add(rows, self._lora_scale * ops.matmul(ops.take(a, inputs, axis=0), b))

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return ops.not_equal(inputs, 0) if self.mask_zero else None

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape, self.output_dim)

    def compute_output_spec(self, inputs: Any) -> Any:
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        config = {
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "mask_zero": self.mask_zero,
            "quantization_config": None,
        }
        options = serialize_options(
            self, "embeddings_initializer", "embeddings_regularizer", "embeddings_constraint"
        )
        return {**super().get_config(), **config, **options, **self._lora_config()}
