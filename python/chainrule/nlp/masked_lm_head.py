"""MaskedLMHead: which tokens were hidden at the places that are asked for."""

from __future__ import annotations

from typing import Any

from chainrule import activations, initializers, ops
from chainrule.base.serialization import deserialize_keras_object, serialize_keras_object
from chainrule.layers.core.dense import Dense
from chainrule.layers.core.reversible_embedding import ReversibleEmbedding
from chainrule.layers.layer import Layer
from chainrule.layers.normalization.layer_normalization import LayerNormalization
from chainrule.layers.options import another_initializer
from chainrule.nlp.sizes import check_size


class MaskedLMHead(Layer):
    """``y = activation(norm(f(h W + b)) E^T + c)`` of the states h at the places that are asked for.

    Shapes: x (N, T, C) and mask_positions (N, K) of ints give y (N, K, vocabulary_size); W is
    (C, C), E the table of a `token_embedding`, without which a matrix of its own stands for E^T.

    Parameters
    ----------
    vocabulary_size : int, optional
        Default: the rows of `token_embedding`.
    token_embedding : ReversibleEmbedding, optional
        Scores the tokens by its table, whose gradients then come from here too.
    intermediate_activation : str or function
        f. Default ``"relu"``; BERT's is ``"gelu"``.
    activation : str or function, optional
        Default: none, which gives scores for a loss with ``from_logits=True``.
    layer_norm_epsilon : float
        Default 1e-5; BERT's is 1e-12.
    kernel_initializer, bias_initializer : Initializer or str
        Default ``"glorot_uniform"`` and ``"zeros"``.

    Raises
    ------
    ValueError
        Neither of the first two, or two that do not agree.
    TypeError
        A `token_embedding` that is no ReversibleEmbedding.
    DataError
        (at a call) for a place outside x.

    Notes
    -----
    `MaskedLMMaskGenerator` makes the places. Devlin et al. 2019, arXiv 1810.04805; the shared table
    is of Press and Wolf 2017, arXiv 1608.05859. Arguments as in KerasHub.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers, nlp
    >>> table = layers.ReversibleEmbedding(10, 4)
    >>> states = table(np.array([[5, 1, 7]]))
    >>> nlp.MaskedLMHead(token_embedding=table)(states, np.array([[1, 2]])).shape
    (1, 2, 10)
    """

    def __init__(
        self,
        vocabulary_size: int | None = None,
        token_embedding: Any = None,
        intermediate_activation: Any = "relu",
        activation: Any = None,
        layer_norm_epsilon: float = 1e-5,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if token_embedding is not None and not isinstance(token_embedding, ReversibleEmbedding):
            raise TypeError(
                f"layer '{self.name}': expected `token_embedding` to be a ReversibleEmbedding, got "
                f"{type(token_embedding).__name__}"
            )
        rows = None if token_embedding is None else token_embedding.input_dim
        if vocabulary_size is None and rows is None:
            raise ValueError(
                f"layer '{self.name}': expected `vocabulary_size` or `token_embedding`, got neither"
            )
        if None not in (vocabulary_size, rows) and vocabulary_size != rows:
            raise ValueError(
                f"layer '{self.name}': expected as many tokens as `token_embedding` has rows, {rows}, "
                f"got vocabulary_size={vocabulary_size}"
            )
        self.vocabulary_size = check_size("vocabulary_size", vocabulary_size or rows)
        self.token_embedding = token_embedding
        self.intermediate_activation = activations.get(intermediate_activation)
        self.activation = activations.get(activation)
        self.layer_norm_epsilon = layer_norm_epsilon
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.supports_masking = True

    def build(self, inputs_shape: Any, mask_positions_shape: Any = None) -> None:
        width = inputs_shape[-1]
        if self.token_embedding is not None:
            self.token_embedding.build()
        self._intermediate_dense = Dense(
            width,
            activation=self.intermediate_activation,
            kernel_initializer=self.kernel_initializer,
            bias_initializer=self.bias_initializer,
            dtype=self.dtype_policy,
            name="intermediate_dense",
        )
        self._intermediate_dense.build((None, None, width))
        self._intermediate_layer_norm = LayerNormalization(
            epsilon=self.layer_norm_epsilon,
            dtype=self.dtype_policy,
            name="intermediate_layer_norm",
        )
        self._intermediate_layer_norm.build((None, None, width))
        self._kernel = None
        if self.token_embedding is None:
            self._kernel = self.add_weight(
                name="output_kernel",
                shape=(width, self.vocabulary_size),
                initializer=another_initializer(self.kernel_initializer),
            )
        self._bias = self.add_weight(
            name="output_bias", shape=(self.vocabulary_size,), initializer=self.bias_initializer
        )

    def call(self, inputs: Any, mask_positions: Any) -> Any:
        x = ops.take_along_axis(inputs, ops.expand_dims(mask_positions, -1), axis=1)
        x = self._intermediate_layer_norm(self._intermediate_dense(x))
        if self.token_embedding is None:
            scores = ops.matmul(x, self._kernel)
        else:
            scores = ops.cast(self.token_embedding(x, reverse=True), self.compute_dtype)
        return self.activation(scores + self._bias)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """None: what is padding among the states says nothing of the places."""
        return None

    def compute_output_shape(self, inputs_shape: Any, mask_positions_shape: Any) -> Any:
        return (*mask_positions_shape, self.vocabulary_size)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "token_embedding": serialize_keras_object(self.token_embedding),
            "intermediate_activation": activations.serialize(self.intermediate_activation),
            "activation": activations.serialize(self.activation),
            "layer_norm_epsilon": self.layer_norm_epsilon,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> Any:
        table = deserialize_keras_object(config["token_embedding"], custom_objects=custom_objects)
        return cls(**{**config, "token_embedding": table})
