"""MultiHeadAttention: attention in several heads of projected queries, keys and values."""

from __future__ import annotations

import math
import string
from typing import Any

from chainrule import ops
from chainrule.layers.activations.softmax import Softmax
from chainrule.layers.attention.projected import ProjectedAttention, with_heads
from chainrule.layers.regularization.dropout import Dropout
from chainrule.tracing.tensor import KerasTensor


class MultiHeadAttention(ProjectedAttention):
    """``y = concat_n(softmax(q_n k_n^T / sqrt(key_dim)) v_n) W_o + b_o``, heads n of projections.

    ``q_n = query W_q[n] + b_q[n]``, and so for key and value. The softmax runs over the keys that
    the masks let each query see.

    Parameters
    ----------
    num_heads : int
    key_dim : int
        Of each head of query and key.
    value_dim : int, optional
        Of each head of value. Default: `key_dim`.
    dropout : float
        The share of the weights that is dropped while training. Default 0.
    use_bias : bool
        Whether the projections have biases. Default True.
    output_shape : int or tuple, optional
        In place of the last axis of query. Default: its size.
    attention_axes : int or tuple, optional
        The axes attended over. Default: all but the batch, heads and features.
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
        For sizes that are no positive ints, an `output_shape` or `attention_axes` of another type.
    ShapeError
        For `key` and `value` of different lengths, and masks that do not broadcast.

    Notes
    -----
    Inputs: query (B, T, ...), value (B, S, ...) and key (default: value); masks of them (B, T),
    (B, S), `attention_mask` (B, T, S) or (B, N, T, S), `use_causal_mask`. Outputs (B, T, ...) and,
    with `return_attention_scores`, the weights (B, N, T, S). The mask of query is handed on.
    Vaswani et al. 2017, arXiv 1706.03762; the gate: Qiu et al. 2025, arXiv 2505.06708.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layer = layers.MultiHeadAttention(num_heads=2, key_dim=4)
    >>> layer(np.ones((3, 5, 8)), np.ones((3, 7, 8)), use_causal_mask=True).shape
    (3, 5, 8)
    """

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: Any = None,
        attention_axes: Any = None,
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
        for name, size in (("num_heads", num_heads), ("key_dim", key_dim)):
            _check_size(name, size)
        if value_dim is not None:
            _check_size("value_dim", value_dim)
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
        self._num_heads = num_heads
        self._key_dim = key_dim
        self._value_dim = value_dim or key_dim
        self._output_shape = _as_shape(output_shape)
        self._attention_axes = _as_axes(attention_axes)
        self._inverse_sqrt_key_dim = 1 / math.sqrt(key_dim)

    @property
    def num_heads(self) -> int:
        """How many heads there are."""
        return self._num_heads

    @property
    def key_dim(self) -> int:
        """The size of a head of query and key."""
        return self._key_dim

    @property
    def value_dim(self) -> int:
        """The size of a head of value."""
        return self._value_dim

    @property
    def attention_axes(self) -> tuple[int, ...] | None:
        """The axes attended over."""
        return self._attention_axes

    @property
    def query_dense(self) -> Any:
        """The projection of query."""
        return self._query_dense

    @property
    def key_dense(self) -> Any:
        """The projection of key."""
        return self._key_dense

    @property
    def value_dense(self) -> Any:
        """The projection of value."""
        return self._value_dense

    @property
    def output_dense(self) -> Any:
        """The projection of the heads' outputs."""
        return self._output_dense

    def build(  # type: ignore[override]
        self, query_shape: Any, value_shape: Any, key_shape: Any = None
    ) -> None:
        key_shape = value_shape if key_shape is None else key_shape
        self._check_key_shape(value_shape, key_shape)
        heads, depth = self._num_heads, self._value_dim
        self._query_dense = self._projection("query", query_shape, [heads, self._key_dim])
        self._key_dense = self._projection("key", key_shape, [heads, self._key_dim])
        if self._use_gate:
            self._gate_dense = self._projection(
                "gate", query_shape, [heads, depth], activation="sigmoid"
            )
        self._value_dense = self._projection("value", value_shape, [heads, depth])
        self._build_attention(len(value_shape) + 1)
        outputs = list(self._output_shape or [query_shape[-1]])
        self._output_dense = self._projection(
            "attention_output", (*query_shape[:-1], heads, depth), outputs, bound=2
        )

    def _build_attention(self, rank: int) -> None:
        """What `_compute_attention` needs for heads of this rank."""
        axes = self._attention_axes = self._axes(rank)
        self._dot_product_equation, self._combine_equation = _equations(rank, axes)
        last = rank - 1 + len(axes)
        self._softmax = Softmax(
            axis=tuple(range(last - len(axes), last)), dtype=self.dtype_policy
        )
        self._dropout_layer = Dropout(self._dropout, dtype=self.dtype_policy, seed=self.seed)

    def _axes(self, rank: int) -> tuple[int, ...]:
        if self._attention_axes is None:
            return tuple(range(1, rank - 2))
        return tuple(axis if axis >= 0 else rank - 1 + axis for axis in self._attention_axes)

    def _masked_softmax(self, attention_scores: Any, attention_mask: Any = None) -> Any:
        if attention_mask is not None:
            rank = len(attention_scores.shape)
            attention_mask = with_heads(attention_mask, rank, len(self._attention_axes or ()))
        return self._softmax(attention_scores, mask=attention_mask)

    def _compute_attention(
        self,
        query: Any,
        key: Any,
        value: Any,
        attention_mask: Any = None,
        training: bool | None = None,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        """Outputs (B, T, N, value_dim) and weights (B, N, T, S), or None, of projected heads."""
        self._check_scores(return_attention_scores)
        if not return_attention_scores and len(query.shape) == 4 and self._dropout < 1:
            if attention_mask is not None:
                attention_mask = with_heads(ops.cast(attention_mask, "bool"), 4)
            scale = self._inverse_sqrt_key_dim
            heads = query, key, value
            return self._attend(*heads, attention_mask, scale, training, use_causal_mask), None
        if use_causal_mask:
            causal = self._compute_causal_mask(query, value)
            attention_mask = causal if attention_mask is None else (
                ops.logical_and(ops.cast(attention_mask, "bool"), causal)
            )
        query = ops.multiply(query, ops.cast(self._inverse_sqrt_key_dim, query.dtype))
        scores = ops.einsum(self._dot_product_equation, key, query)
        weights = self._masked_softmax(scores, attention_mask)
        kept = self._dropout_layer(weights, training=training) if self._dropout else weights
        return ops.einsum(self._combine_equation, kept, value), weights

    def compute_output_shape(
        self, query_shape: Any, value_shape: Any, key_shape: Any = None
    ) -> Any:
        self._check_key_shape(value_shape, value_shape if key_shape is None else key_shape)
        query_shape = tuple(query_shape)
        return (*query_shape[:-1], *(self._output_shape or query_shape[-1:]))

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
        key = value if key is None else key
        shape = self.compute_output_shape(query.shape, value.shape, key.shape)
        outputs = KerasTensor(shape, dtype=self.compute_dtype)
        if not return_attention_scores:
            return outputs
        rank = len(query.shape) + 1
        axes = self._axes(rank)
        weights = (
            *(query.shape[i] for i in range(rank - 2) if i not in axes),
            self._num_heads,
            *(query.shape[i] for i in axes),
            *(key.shape[i] for i in axes),
        )
        return outputs, KerasTensor(weights, dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        config = {
            "num_heads": self._num_heads,
            "key_dim": self._key_dim,
            "value_dim": self._value_dim,
            "output_shape": self._output_shape,
            "attention_axes": self._attention_axes,
        }
        return {**super().get_config(), **config, **self._options()}


def _check_size(name: str, size: Any) -> None:
    if not isinstance(size, int) or size <= 0:
        raise ValueError(
            f"Received an invalid value for argument `{name}`, expected a positive integer. "
            f"Received: {name}={size}"
        )


def _as_shape(output_shape: Any) -> tuple[int, ...] | None:
    if not output_shape:
        return None
    if isinstance(output_shape, int):
        return (output_shape,)
    if not isinstance(output_shape, (tuple, list)):
        raise ValueError(
            f"Invalid `output_shape`: {output_shape}. It must be an int, a tuple or a list."
        )
    return tuple(output_shape)


def _as_axes(axes: Any) -> tuple[int, ...] | None:
    if isinstance(axes, int):
        return (axes,)
    if axes and not isinstance(axes, (list, tuple)):
        raise ValueError(
            f"`attention_axes` must be an int, list, or tuple. Received: attention_axes={axes}"
        )
    return tuple(axes) if axes else None


def _equations(rank: int, axes: tuple[int, ...]) -> tuple[str, str]:
    """Of the scores, from key and query, and of the outputs, from weights and value."""
    letters = iter(string.ascii_lowercase)
    target = [next(letters) for _ in range(rank)]
    source = [next(letters) if i in axes else target[i] for i in range(rank)]
    scores = [target[i] for i in range(rank - 1) if i not in axes]
    scores += [target[i] for i in axes] + [source[i] for i in axes]
    t, s, w = map("".join, (target, source, scores))
    return f"{s},{t}->{w}", f"{w},{s}->{t}"
