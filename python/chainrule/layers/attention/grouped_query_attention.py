"""GroupedQueryAttention: heads of query that share heads of key and value."""

from __future__ import annotations

import math
from typing import Any

from chainrule import ops
from chainrule.base.errors import ShapeError
from chainrule.layers.activations.softmax import Softmax
from chainrule.layers.attention.projected import ProjectedAttention, with_heads
from chainrule.layers.regularization.dropout import Dropout
from chainrule.tracing.tensor import KerasTensor, shape_equal


class GroupedQueryAttention(ProjectedAttention):
    """``y = concat_n(softmax(q_n k_m^T / sqrt(head_dim)) v_m) W_o + b_o``, neighbours n of one m.

    Each of `num_key_value_heads` heads of key and value serves as many heads of query: one serves
    all in multi-query attention, one serves one in multi-head attention. None is copied.

    Parameters
    ----------
    head_dim : int
    num_query_heads : int
        A multiple of `num_key_value_heads`.
    num_key_value_heads : int
    dropout : float
        The share of the weights that is dropped while training. Default 0.
    use_bias : bool
        Whether the projections have biases. Default True.
    flash_attention : bool, optional
        Refused together with dropout or returned scores, as in Keras; else without effect.
    kernel_initializer, bias_initializer : Initializer or str
        Default ``"glorot_uniform"`` and ``"zeros"``.
    kernel_regularizer, bias_regularizer, activity_regularizer : Regularizer or str, optional
    kernel_constraint, bias_constraint : Constraint or str, optional
    use_gate : bool
        Whether each head's output is multiplied by a sigmoid of a projection of query.
        Default False.
    seed : int, optional
        Of the dropout.
    sliding_window : int, optional
        Queries see only keys less than so many places away.

    Raises
    ------
    ValueError
        For heads that do not divide.
    ShapeError
        For `key` and `value` of different lengths, and masks that do not broadcast.

    Notes
    -----
    Inputs as for `MultiHeadAttention`, of three axes. Ainslie et al. 2023, arXiv 2305.13245.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layer = layers.GroupQueryAttention(head_dim=4, num_query_heads=6, num_key_value_heads=2)
    >>> layer(np.ones((3, 5, 8)), np.ones((3, 7, 8))).shape
    (3, 5, 8)
    """

    def __init__(
        self,
        head_dim: int,
        num_query_heads: int,
        num_key_value_heads: int,
        dropout: float = 0.0,
        use_bias: bool = True,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        if num_key_value_heads <= 0 or num_query_heads % num_key_value_heads != 0:
            raise ValueError(
                "`num_query_heads` must be divisible by `num_key_value_heads`. Received: "
                f"num_query_heads={num_query_heads}, num_key_value_heads={num_key_value_heads}"
            )
        super().__init__(
            dropout=dropout,
            use_bias=use_bias,
            sliding_window=sliding_window,
            flash_attention=flash_attention,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
            use_gate=use_gate,
            seed=seed,
            **kwargs,
        )
        # Keras regularizes the layer's own output too.
        self.activity_regularizer = self._activity_regularizer
        self.head_dim = head_dim
        self.num_query_heads = num_query_heads
        self.num_key_value_heads = num_key_value_heads
        self.num_repeats = num_query_heads // num_key_value_heads
        self._inverse_sqrt_head_dim = 1 / math.sqrt(head_dim)

    def build(  # type: ignore[override]
        self, query_shape: Any, value_shape: Any, key_shape: Any = None
    ) -> None:
        key_shape = value_shape if key_shape is None else key_shape
        self._check_key_shape(value_shape, key_shape)
        self.feature_dim = query_shape[-1]
        heads = [self.num_query_heads, self.head_dim]
        shared = [self.num_key_value_heads, self.head_dim]
        self._query_dense = self._projection("query", query_shape, heads)
        self._key_dense = self._projection("key", key_shape, shared)
        if self._use_gate:
            self._gate_dense = self._projection(
                "gate", query_shape, heads, activation="sigmoid"
            )
        self._value_dense = self._projection("value", value_shape, shared)
        self._softmax = Softmax(axis=-1, dtype=self.dtype_policy)
        self._dropout_layer = Dropout(self._dropout, dtype=self.dtype_policy, seed=self.seed)
        self._output_dense = self._projection(
            "attention_output", (*query_shape[:-1], *heads), [self.feature_dim], bound=2
        )

    def _compute_attention(
        self,
        query: Any,
        key: Any,
        value: Any,
        attention_mask: Any = None,
        training: bool | None = None,
        return_attention_scores: bool | None = None,
        use_causal_mask: bool = False,
    ) -> Any:
        """Outputs (B, T, N, head_dim) and weights (B, N, T, S), or None, of projected heads.

        Whether weights are asked for is by default what the call said: as in Keras, a subclass need
        not hand it on.
        """
        if return_attention_scores is None:
            return_attention_scores = self._return_attention_scores
        self._check_scores(return_attention_scores)
        if attention_mask is not None:
            attention_mask = with_heads(ops.cast(attention_mask, "bool"), 4)
        scale = self._inverse_sqrt_head_dim
        if not return_attention_scores and self._dropout < 1:
            heads = query, key, value
            return self._attend(*heads, attention_mask, scale, training, use_causal_mask), None
        if use_causal_mask:
            causal = self._compute_causal_mask(query, value)
            attention_mask = causal if attention_mask is None else (
                ops.logical_and(attention_mask, causal)
            )
        # A subclass may give heads that it has repeated itself.
        repeats = self.num_query_heads // key.shape[2]
        key, value = (ops.repeat(x, repeats, axis=2) for x in (key, value))
        query = ops.multiply(query, ops.cast(scale, query.dtype))
        scores = ops.einsum("btnh,bsnh->bnts", query, key)
        if attention_mask is not None:
            attention_mask = with_heads(attention_mask, 4)
        weights = self._softmax(scores, mask=attention_mask)
        kept = self._dropout_layer(weights, training=training) if self._dropout else weights
        return ops.einsum("bnts,bsnh->btnh", kept, value), weights

    def compute_output_shape(
        self, query_shape: Any, value_shape: Any, key_shape: Any = None
    ) -> Any:
        if not shape_equal(query_shape[-1:], value_shape[-1:]):
            raise ShapeError(
                f"layer '{self.name}': the last axes of `query` and `value` must be equal. "
                f"Received: query_shape={tuple(query_shape)}, value_shape={tuple(value_shape)}"
            )
        self._check_key_shape(value_shape, value_shape if key_shape is None else key_shape)
        return tuple(query_shape)

    def compute_output_spec(
        self,
        query: Any,
        value: Any,
        key: Any = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        training: bool | None = None,
        use_causal_mask: bool = False,
    ) -> Any:
        """The outputs, and the weights where they are asked for, as symbolic tensors."""
        key_shape = value.shape if key is None else key.shape
        shape = self.compute_output_shape(query.shape, value.shape, key_shape)
        outputs = KerasTensor(shape, dtype=self.compute_dtype)
        if not return_attention_scores:
            return outputs
        weights = (query.shape[0], self.num_query_heads, query.shape[1], key_shape[1])
        return outputs, KerasTensor(weights, dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        config = {
            "head_dim": self.head_dim,
            "num_query_heads": self.num_query_heads,
            "num_key_value_heads": self.num_key_value_heads,
        }
        return {**super().get_config(), **config, **self._options()}
