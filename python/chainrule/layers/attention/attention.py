"""Attention: outputs of queries as means of values, weighed by keys, without projections."""

from __future__ import annotations

from typing import Any

from chainrule import ops, random
from chainrule.base.errors import ShapeError
from chainrule.layers.attention.projected import with_heads
from chainrule.layers.layer import Layer
from chainrule.layers.options import check_rate
from chainrule.ops.attention import attend
from chainrule.tracing.tensor import KerasTensor, shape_equal
from chainrule.tracing.variable import Variable

# What is taken from scores that a mask rules out, as in Keras.
_FAR_BELOW = {"float16": 65504.0}


class Attention(Layer):
    """``y = softmax(scale * query key^T) value``, the softmax over the keys (Luong attention).

    With ``score_mode="concat"`` the scores are ``w * sum(tanh(scale * (query + key)))``.

    Parameters
    ----------
    use_scale : bool
        Whether `scale` is a weight, else it is 1. Default False.
    score_mode : str
        ``"dot"`` or ``"concat"``; the second has a weight `w`. Default ``"dot"``.
    dropout : float
        The share of the weights of values that is dropped while training. Default 0.
    seed : int, optional
        Of the dropout.

    Raises
    ------
    ValueError
        For another score mode, and inputs or masks that are no list of two or three.
    ShapeError
        For sizes that do not fit.

    Notes
    -----
    Inputs ``[query, value]`` or ``[query, value, key]`` of shapes (B, T, d), (B, S, e) and
    (B, S, d); key is value by default. Masks ``[query_mask, value_mask]`` of shapes (B, T) and
    (B, S): values that are masked do not count, outputs of masked queries are 0. Outputs (B, T, e)
    and, with `return_attention_scores`, the weights (B, T, S). Luong et al. 2015, arXiv 1508.04025.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> query, value = np.zeros((1, 1, 2)), np.array([[[1.0, 0.0], [3.0, 0.0]]])
    >>> layers.Attention()([query, value]).tolist()
    [[[2.0, 0.0]]]
    """

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_rate(dropout, "dropout")
        self.use_scale = use_scale
        self.score_mode = score_mode
        self.dropout = dropout
        self.seed = seed
        if dropout > 0:
            self.seed_generator = random.SeedGenerator(seed)
        if score_mode not in ("dot", "concat"):
            raise ValueError(
                "Invalid value for argument score_mode. Expected one of {'dot', 'concat'}. "
                f"Received: score_mode={score_mode}"
            )
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        self._validate_inputs(input_shape)
        self.scale: Variable | None = None
        self.concat_score_weight: Variable | None = None
        if self.use_scale:
            self.scale = self.add_weight(name="scale", shape=(), initializer="ones")
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight(
                name="concat_score_weight", shape=(), initializer="ones"
            )

    def _calculate_scores(self, query: Any, key: Any) -> Any:
        """(B, T, S), before masks."""
        if self.score_mode == "dot":
            scores = ops.matmul(query, ops.swapaxes(key, -2, -1))
            return scores if self.scale is None else ops.multiply(scores, self.scale)
        pairs = ops.expand_dims(query, -2) + ops.expand_dims(key, -3)  # (B, T, S, d)
        if self.scale is not None:
            pairs = ops.multiply(pairs, self.scale)
        return ops.multiply(ops.sum(ops.tanh(pairs), axis=-1), self.concat_score_weight)

    def _calculate_score_mask(self, scores: Any, v_mask: Any, use_causal_mask: bool) -> Any:
        """Which scores count: (B, S), (1, T, S), (B, T, S), or None."""
        if not use_causal_mask:
            return v_mask
        causal = ops.expand_dims(ops.tri(scores.shape[-2], scores.shape[-1], dtype="bool"), 0)
        if v_mask is None:
            return causal
        return ops.logical_and(ops.expand_dims(ops.cast(v_mask, "bool"), -2), causal)

    def _apply_scores(
        self, scores: Any, value: Any, scores_mask: Any = None, training: bool | None = False
    ) -> Any:
        """Outputs and weights."""
        if scores_mask is not None:
            counts = ops.cast(scores_mask, "bool")
            if len(counts.shape) == 2:
                counts = ops.expand_dims(counts, -2)
            below = scores - _FAR_BELOW.get(str(scores.dtype), 1e9)
            scores = ops.where(counts, scores, below)
        weights = ops.softmax(scores, axis=-1)
        if training and self.dropout > 0:
            weights = random.dropout(weights, self.dropout, seed=self.seed_generator)
        return ops.matmul(weights, value), weights

    def _attend(
        self, query: Any, key: Any, value: Any, v_mask: Any, training: Any, use_causal_mask: bool
    ) -> Any:
        """The outputs as one head of the core's op, which keeps no scores."""
        if self.scale is not None:
            query = ops.multiply(query, self.scale)
        mask = None
        if v_mask is not None:
            mask = with_heads(ops.expand_dims(ops.cast(v_mask, "bool"), -2), 4)  # (B, 1, 1, S)
        dropping = bool(training) and self.dropout > 0
        outputs = attend(
            ops.expand_dims(query, 2),
            ops.expand_dims(key, 2),
            ops.expand_dims(value, 2),
            mask=mask,
            scale=1.0,
            is_causal=use_causal_mask,
            rate=self.dropout if dropping else 0.0,
            seed=self.seed_generator if dropping else None,
        )
        return ops.squeeze(outputs, 2)

    def _is_one_head(self, query: Any) -> bool:
        """Whether the scores are plain products that no subclass wants to see."""
        kind = type(self)
        own = (kind._calculate_scores, kind._apply_scores, kind._calculate_score_mask)
        plain = own == (
            Attention._calculate_scores,
            Attention._apply_scores,
            Attention._calculate_score_mask,
        )
        return plain and self.score_mode == "dot" and len(query.shape) == 3 and self.dropout < 1

    def call(
        self,
        inputs: Any,
        mask: Any = None,
        training: bool | None = False,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        self._validate_inputs(inputs, mask)
        query, value = inputs[0], inputs[1]
        key = inputs[2] if len(inputs) > 2 else value
        q_mask, v_mask = (mask[0], mask[1]) if mask else (None, None)
        self._check_masks(query, value, q_mask, v_mask)
        weights = None
        if not return_attention_scores and self._is_one_head(query):
            outputs = self._attend(query, key, value, v_mask, training, use_causal_mask)
        else:
            scores = self._calculate_scores(query=query, key=key)
            scores_mask = self._calculate_score_mask(scores, v_mask, use_causal_mask)
            outputs, weights = self._apply_scores(
                scores=scores, value=value, scores_mask=scores_mask, training=training
            )
        if q_mask is not None:
            counts = ops.expand_dims(ops.cast(q_mask, "bool"), -1)
            outputs = ops.where(counts, outputs, ops.zeros_like(outputs))
        return (outputs, weights) if return_attention_scores else outputs

    def _check_masks(self, query: Any, value: Any, q_mask: Any, v_mask: Any) -> None:
        for name, x, mask in (("query", query, q_mask), ("value", value, v_mask)):
            if mask is not None and not shape_equal(mask.shape[:2], x.shape[: len(mask.shape)][:2]):
                raise ShapeError(
                    f"layer '{self.name}': expected a mask of {name} of shape "
                    f"{tuple(x.shape[:2])}, got {tuple(mask.shape)}"
                )

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        self._validate_inputs(inputs, mask)
        if mask is None or mask[0] is None:
            return None
        return ops.convert_to_tensor(mask[0])

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape[0][:-1], input_shape[1][-1])

    def compute_output_spec(
        self,
        inputs: Any,
        mask: Any = None,
        return_attention_scores: bool = False,
        training: bool | None = None,
        use_causal_mask: bool = False,
    ) -> Any:
        """The outputs, and the weights where they are asked for, as symbolic tensors."""
        self._validate_inputs(inputs, mask)
        query, value = inputs[0], inputs[1]
        key = inputs[2] if len(inputs) > 2 else value
        shape = self.compute_output_shape([query.shape, value.shape])
        outputs = KerasTensor(shape, dtype=self.compute_dtype)
        if not return_attention_scores:
            return outputs
        weights = (*query.shape[:-1], key.shape[-2])
        return outputs, KerasTensor(weights, dtype=self.compute_dtype)

    def _validate_inputs(self, inputs: Any, mask: Any = None) -> None:
        kind = type(self).__name__
        if not isinstance(inputs, list):
            raise ValueError(
                f"{kind} layer must be called on a list of inputs, namely [query, value] or "
                f"[query, value, key]. Received: inputs={inputs}."
            )
        if not 2 <= len(inputs) <= 3:
            raise ValueError(
                f"{kind} layer accepts inputs list of length 2 or 3, namely [query, value] or "
                f"[query, value, key]. Received length: {len(inputs)}."
            )
        if mask is None:
            return
        if not isinstance(mask, list):
            raise ValueError(
                f"{kind} layer mask must be a list, namely [query_mask, value_mask]. "
                f"Received: mask={mask}."
            )
        if not 2 <= len(mask) <= 3:
            raise ValueError(
                f"{kind} layer accepts mask list of length 2 or 3. "
                f"Received length: {len(mask)}."
            )

    def get_config(self) -> dict[str, Any]:
        config = {
            "use_scale": self.use_scale,
            "score_mode": self.score_mode,
            "dropout": self.dropout,
            "seed": self.seed,
        }
        return {**super().get_config(), **config}
