"""TokenAndPositionEmbedding: what a token is, and where it stands."""

from __future__ import annotations

from typing import Any

from chainrule import initializers, ops
from chainrule.layers.core.reversible_embedding import ReversibleEmbedding
from chainrule.layers.layer import Layer
from chainrule.layers.options import another_initializer
from chainrule.nlp.position_embedding import PositionEmbedding


class TokenAndPositionEmbedding(Layer):
    """``y[n, t, :] = tokens[x[n, t], :] + positions[start_index + t, :]``.

    Shapes: x (N, T) of ints in [0, vocabulary_size), y (N, T, embedding_dim).

    Parameters
    ----------
    vocabulary_size : int
        The number of tokens.
    sequence_length : int
        The most places.
    embedding_dim : int
    tie_weights : bool
        Whether `token_embedding(y, reverse=True)`, which scores all tokens, reads the same table.
        Default True.
    embeddings_initializer : Initializer or str
        Of both tables. Default ``"uniform"``.
    mask_zero : bool
        Whether token 0 marks padding: the output then carries the mask ``x != 0``. Default False.

    Raises
    ------
    ValueError
        For sizes that are no positive ints.
    DataError
        (at a call) for a token outside the table.
    ShapeError
        (at a call) for a sequence that goes on beyond the last place.

    Notes
    -----
    At a call, `start_index` and `positions` are as of `PositionEmbedding`. Arguments as in KerasHub.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nlp
    >>> nlp.TokenAndPositionEmbedding(10, 5, 4)(np.array([[1, 2, 3]])).shape
    (1, 3, 4)
    """

    def __init__(
        self,
        vocabulary_size: int,
        sequence_length: int,
        embedding_dim: int,
        tie_weights: bool = True,
        embeddings_initializer: Any = "uniform",
        mask_zero: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.vocabulary_size = vocabulary_size
        self.sequence_length = sequence_length
        self.embedding_dim = embedding_dim
        self.tie_weights = tie_weights
        self.mask_zero = mask_zero
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.token_embedding = ReversibleEmbedding(
            vocabulary_size,
            embedding_dim,
            tie_weights=tie_weights,
            embeddings_initializer=another_initializer(self.embeddings_initializer),
            mask_zero=mask_zero,
            dtype=self.dtype_policy,
            name="token_embedding",
        )
        self.position_embedding = PositionEmbedding(
            sequence_length,
            initializer=another_initializer(self.embeddings_initializer),
            dtype=self.dtype_policy,
            name="position_embedding",
        )
        self.supports_masking = self.token_embedding.supports_masking

    def build(self, inputs_shape: Any) -> None:
        self.token_embedding.build(inputs_shape)
        self.position_embedding.build((*inputs_shape, self.embedding_dim))

    def call(self, inputs: Any, start_index: Any = 0, positions: Any = None) -> Any:
        tokens = self.token_embedding(inputs)
        rows = self.position_embedding.rows(tokens.shape, start_index, positions)
        return tokens + rows

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return ops.not_equal(inputs, 0) if self.mask_zero else None

    def compute_output_shape(self, inputs_shape: Any) -> Any:
        shape = (*inputs_shape, self.embedding_dim)
        return self.position_embedding.compute_output_shape(shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "sequence_length": self.sequence_length,
            "embedding_dim": self.embedding_dim,
            "tie_weights": self.tie_weights,
            "embeddings_initializer": initializers.serialize(self.embeddings_initializer),
            "mask_zero": self.mask_zero,
        }
