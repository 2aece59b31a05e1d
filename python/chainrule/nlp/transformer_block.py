"""What the layers of Transformers share: arguments, residual connections, the feed-forward part."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule import activations, initializers, ops
from chainrule.layers.core.dense import Dense
from chainrule.layers.layer import Layer
from chainrule.layers.normalization.layer_normalization import LayerNormalization
from chainrule.layers.options import another_initializer, check_rate
from chainrule.layers.regularization.dropout import Dropout
from chainrule.nlp.cached_multi_head_attention import CachedMultiHeadAttention
from chainrule.nlp.sizes import check_size, head_size


class TransformerBlock(Layer):
    """A layer of attentions and a feed-forward part, each within a residual connection.

    A subclass makes its attentions by `_attention` and the rest by `_make_feed_forward` in `build`,
    and runs them by `_residual` and `_feed_forward` in `call`.
    """

    def __init__(
        self,
        intermediate_dim: int,
        num_heads: int,
        dropout: float = 0,
        activation: Any = "relu",
        layer_norm_epsilon: float = 1e-5,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        normalize_first: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.intermediate_dim = check_size("intermediate_dim", intermediate_dim)
        self.num_heads = check_size("num_heads", num_heads)
        check_rate(dropout, "dropout")
        self.dropout = dropout
        self.activation = activations.get(activation)
        self.layer_norm_epsilon = layer_norm_epsilon
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.normalize_first = normalize_first
        self.supports_masking = True

    def _weight_options(self) -> dict[str, Any]:
        return {
            "kernel_initializer": another_initializer(self.kernel_initializer),
            "bias_initializer": another_initializer(self.bias_initializer),
            "dtype": self.dtype_policy,
        }

    def _attention(self, name: str, shape: Any, value_shape: Any) -> CachedMultiHeadAttention:
        """A built attention of queries of this shape, whose outputs have it too."""
        layer = CachedMultiHeadAttention(
            num_heads=self.num_heads,
            key_dim=head_size(shape[-1], self.num_heads, f"layer '{self.path or self.name}'"),
            dropout=self.dropout,
            name=name,
            **self._weight_options(),
        )
        layer.build(query_shape=shape, value_shape=value_shape)
        return layer

    def _norm(self, name: str, shape: Any) -> LayerNormalization:
        layer = LayerNormalization(
            epsilon=self.layer_norm_epsilon, dtype=self.dtype_policy, name=name
        )
        layer.build(shape)
        return layer

    def _drop(self, name: str) -> Dropout:
        return Dropout(self.dropout, dtype=self.dtype_policy, name=name)

    def _make_feed_forward(self, shape: Any) -> None:
        self._feedforward_layer_norm = self._norm("feedforward_layer_norm", shape)
        self._feedforward_intermediate_dense = Dense(
            self.intermediate_dim,
            activation=self.activation,
            name="feedforward_intermediate_dense",
            **self._weight_options(),
        )
        self._feedforward_intermediate_dense.build(shape)
        self._feedforward_output_dense = Dense(
            shape[-1], name="feedforward_output_dense", **self._weight_options()
        )
        self._feedforward_output_dense.build((*shape[:-1], self.intermediate_dim))
        self._feedforward_dropout = self._drop("feedforward_dropout")

    def _residual(
        self, x: Any, norm: Layer, drop: Layer, part: Callable[[Any], Any], training: bool | None
    ) -> Any:
        """``x + part(norm(x))`` where the block normalises first, else ``norm(x + part(x))``."""
        made = part(norm(x) if self.normalize_first else x)
        if self.dropout:
            made = drop(made, training=training)
        total = ops.add(x, made)
        return total if self.normalize_first else norm(total)

    def _feed_forward(self, x: Any, training: bool | None) -> Any:
        return self._residual(
            x,
            self._feedforward_layer_norm,
            self._feedforward_dropout,
            lambda h: self._feedforward_output_dense(self._feedforward_intermediate_dense(h)),
            training,
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "intermediate_dim": self.intermediate_dim,
            "num_heads": self.num_heads,
            "dropout": self.dropout,
            "activation": activations.serialize(self.activation),
            "layer_norm_epsilon": self.layer_norm_epsilon,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "normalize_first": self.normalize_first,
        }
