"""ReversibleEmbedding: a row of a table for each integer, and the way back."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.layers.core.embedding import Embedding
from chainrule.tracing.masking import set_keras_mask
from chainrule.tracing.tensor import KerasTensor


class ReversibleEmbedding(Embedding):
    """``y[..., :] = E[x[...], :]``, and with ``reverse=True`` the scores ``y = x E^T`` of all rows.

    Shapes: x (N, ...) of ints in [0, input_dim) gives y (N, ..., output_dim); in reverse x
    (N, ..., output_dim) gives y (N, ..., input_dim). E is (input_dim, output_dim).

    Parameters
    ----------
    input_dim, output_dim : int
        The number of rows and their length.
    tie_weights : bool
        Whether the way back reads the same table. Default True; else it has a matrix of its own,
        `reverse_embeddings` (output_dim, input_dim).
    embeddings_initializer : Initializer or str
        Of both. Default ``"uniform"``.
    embeddings_regularizer, embeddings_constraint : object or str, optional
    mask_zero : bool
        Whether 0 marks padding: the output then carries the mask ``x != 0``. Default False.
    reverse_dtype : str, optional
        In which the scores are computed. Default: the compute dtype.
    weights : array, or list of arrays, optional
        First values: of the table, or of all weights.
    logit_soft_cap : float, optional
        c: the scores become ``c tanh(scores / c)``.

    Raises
    ------
    ValueError
        When a dimension is no positive int.
    DataError
        (at a call) for an index outside the table.

    Notes
    -----
    Press and Wolf 2017, arXiv 1608.05859.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layer = layers.ReversibleEmbedding(3, 2, embeddings_initializer="ones")
    >>> y = layer(np.array([[2, 1]]))
    >>> y.shape, layer(y, reverse=True).tolist()
    ((1, 2, 2), [[[2.0, 2.0, 2.0], [2.0, 2.0, 2.0]]])
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        tie_weights: bool = True,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        reverse_dtype: Any = None,
        logit_soft_cap: float | None = None,
        **kwargs: Any,
    ) -> None:
        weights = kwargs.pop("weights", None)
        super().__init__(
            input_dim,
            output_dim,
            embeddings_initializer=embeddings_initializer,
            embeddings_regularizer=embeddings_regularizer,
            embeddings_constraint=embeddings_constraint,
            mask_zero=mask_zero,
            **kwargs,
        )
        self.tie_weights = tie_weights
        self.reverse_dtype = reverse_dtype
        self.logit_soft_cap = logit_soft_cap
        # The mask is attached in `call`, which alone knows the direction.
        self.supports_masking = True
        if weights is not None:
            self._take_weights(weights)

    def build(self, input_shape: Any = None) -> None:
        if self.built:
            return
        super().build(input_shape)
        if not self.tie_weights:
            self.reverse_embeddings = self.add_weight(
                name="reverse_embeddings",
                shape=(self.output_dim, self.input_dim),
                initializer=self.embeddings_initializer,
            )

    def call(self, inputs: Any, reverse: bool = False) -> Any:
        if not reverse:
            outputs = super().call(inputs)
            mask = super().compute_mask(inputs)
            if mask is not None:
                set_keras_mask(outputs, mask)
            return outputs
        kernel = ops.transpose(self.embeddings) if self.tie_weights else self.reverse_embeddings
        dtype = self.reverse_dtype or self.compute_dtype
        scores = ops.matmul(ops.cast(inputs, dtype), ops.cast(kernel, dtype))
        cap = self.logit_soft_cap
        return scores if cap is None else ops.tanh(scores / cap) * cap

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return None

    def compute_output_shape(self, input_shape: Any, reverse: bool = False) -> Any:
        if reverse:
            return (*input_shape[:-1], self.input_dim)
        return (*input_shape, self.output_dim)

    def compute_output_spec(self, inputs: Any, reverse: bool = False) -> Any:
        dtype = (self.reverse_dtype if reverse else None) or self.compute_dtype
        return KerasTensor(self.compute_output_shape(inputs.shape, reverse), dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "tie_weights": self.tie_weights,
            "reverse_dtype": self.reverse_dtype,
            "logit_soft_cap": self.logit_soft_cap,
        }
