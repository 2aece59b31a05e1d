"""What the models of Transformers share: sizes and options, checked, and in their configurations."""

from __future__ import annotations

from typing import Any

from chainrule import activations, initializers
from chainrule.models.model import Model
from chainrule.nlp.sizes import check_layers, check_size
from chainrule.tracing import policies


class TransformerModel(Model):
    """The options of a model of `num_layers` blocks over embedded tokens; a subclass makes its layers."""

    def __init__(
        self,
        vocabulary_size: int,
        num_layers: int,
        num_heads: int,
        hidden_dim: int,
        intermediate_dim: int | None,
        max_sequence_length: int,
        dropout: float,
        activation: Any,
        layer_norm_epsilon: float,
        kernel_initializer: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.vocabulary_size = check_size("vocabulary_size", vocabulary_size)
        self.num_layers = check_layers(num_layers)
        self.num_heads = check_size("num_heads", num_heads)
        self.hidden_dim = check_size("hidden_dim", hidden_dim)
        self.intermediate_dim = check_size("intermediate_dim", intermediate_dim or 4 * hidden_dim)
        self.max_sequence_length = check_size("max_sequence_length", max_sequence_length)
        self.dropout = dropout
        self.activation = activations.get(activation)
        self.layer_norm_epsilon = layer_norm_epsilon
        self.kernel_initializer = initializers.get(kernel_initializer)

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "trainable": self.trainable,
            "vocabulary_size": self.vocabulary_size,
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "hidden_dim": self.hidden_dim,
            "intermediate_dim": self.intermediate_dim,
            "max_sequence_length": self.max_sequence_length,
            "dropout": self.dropout,
            "activation": activations.serialize(self.activation),
            "layer_norm_epsilon": self.layer_norm_epsilon,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "dtype": policies.serialize(self.dtype_policy),
        }
