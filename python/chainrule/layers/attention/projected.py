"""What the layers of projected heads share: options, masks, and the way from scores to outputs."""

from __future__ import annotations

import string
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chainrule import constraints, initializers, ops, regularizers
from chainrule.base.config import is_flash_attention_enabled
from chainrule.base.errors import ShapeError
from chainrule.layers.core.einsum_dense import EinsumDense
from chainrule.layers.layer import Layer
from chainrule.layers.options import another_initializer, check_rate
from chainrule.ops.attention import attend
from chainrule.tracing.masking import get_keras_mask, set_keras_mask
from chainrule.tracing.tensor import shape_equal


class ProjectedAttention(Layer):
    """A layer that projects queries, keys and values to heads, and the heads' outputs back.

    A subclass makes the projections `_query_dense`, `_key_dense`, `_value_dense`, `_output_dense`
    (and `_gate_dense`), `_softmax` and `_dropout_layer` in `build`, and says what heads do with
    each other in `_compute_attention`.
    """

    _query_dense: EinsumDense
    _key_dense: EinsumDense
    _value_dense: EinsumDense
    _gate_dense: EinsumDense
    _output_dense: EinsumDense
    _softmax: Layer
    _dropout_layer: Any
    _return_attention_scores = False

    def __init__(
        self,
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
        if sliding_window is not None and (
            not isinstance(sliding_window, int) or sliding_window <= 0
        ):
            raise ValueError(
                "`sliding_window` must be `None` or a positive integer. "
                f"Received: sliding_window={sliding_window}"
            )
        check_rate(dropout, "dropout")
        super().__init__(**kwargs)
        self.supports_masking = True
        self._dropout = dropout
        self._use_bias = use_bias
        self._use_gate = use_gate
        self._sliding_window = sliding_window
        self._flash_attention = flash_attention or is_flash_attention_enabled()
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        # Of the projections' outputs.
        self._activity_regularizer = regularizers.get(activity_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.seed = seed
        if self._flash_attention and dropout > 0.0:
            raise ValueError(
                "Dropout is not supported when flash attention is enabled. "
                "Please set dropout to 0.0 to use flash attention."
            )

    @property
    def dropout(self) -> float:
        """The share of the weights that is dropped while training."""
        return self._dropout

    @property
    def use_bias(self) -> bool:
        """Whether the projections have biases."""
        return self._use_bias

    @property
    def use_gate(self) -> bool:
        """Whether the heads' outputs are gated."""
        return self._use_gate

    @property
    def sliding_window(self) -> int | None:
        """Queries see only keys less than so many places away."""
        return self._sliding_window

    def _projection(
        self,
        name: str,
        input_shape: Any,
        sizes: list[int],
        bound: int = 1,
        activation: Any = None,
    ) -> EinsumDense:
        """A built layer from the last `bound` axes of its input to axes of these sizes."""
        free = len(input_shape) - bound
        letters = string.ascii_lowercase
        kept, summed = letters[:free], letters[free : free + bound]
        made = letters[free + bound :][: len(sizes)]
        layer = EinsumDense(
            f"{kept}{summed},{summed}{made}->{kept}{made}",
            output_shape=(*(None,) * (free - 1), *sizes),
            activation=activation,
            bias_axes=made if self._use_bias else None,
            kernel_initializer=another_initializer(self.kernel_initializer),
            bias_initializer=another_initializer(self.bias_initializer),
            kernel_regularizer=self.kernel_regularizer,
            bias_regularizer=self.bias_regularizer,
            activity_regularizer=self._activity_regularizer,
            kernel_constraint=self.kernel_constraint,
            bias_constraint=self.bias_constraint,
            dtype=self.dtype_policy,
            name=name,
        )
        layer.build(input_shape)
        return layer

    def _check_key_shape(self, value_shape: Any, key_shape: Any) -> None:
        if not shape_equal(value_shape[1:-1], key_shape[1:-1]):
            raise ShapeError(
                f"layer '{self.name}': all dimensions of `value` and `key` except the last one "
                f"must be equal. Received: value_shape={tuple(value_shape)} and "
                f"key_shape={tuple(key_shape)}"
            )

    def call(
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
        """The outputs, and the weights of all heads where they are asked for."""
        key = value if key is None else key
        self._return_attention_scores = return_attention_scores
        known = _arguments(self._compute_attention)
        # A subclass may know nothing of `use_causal_mask`: it gets a mask that says the same.
        flag = use_causal_mask and "use_causal_mask" in known
        mask = self._compute_attention_mask(
            query,
            value,
            query_mask=query_mask,
            value_mask=value_mask,
            key_mask=key_mask,
            attention_mask=attention_mask,
            use_causal_mask=use_causal_mask and not flag,
        )
        with _without_masks(query, value, key):
            gate = self._gate_dense(query) if self._use_gate else None
            heads = self._query_dense(query), self._key_dense(key), self._value_dense(value)
        options: dict[str, Any] = {"attention_mask": mask, "training": training}
        if "return_attention_scores" in known:
            options["return_attention_scores"] = return_attention_scores
        if flag:
            options["use_causal_mask"] = True
        outputs, weights = self._compute_attention(*heads, **options)
        if gate is not None:
            outputs = ops.multiply(outputs, gate)
        outputs = self._output_dense(outputs)
        if query_mask is not None:
            set_keras_mask(outputs, query_mask)
        return (outputs, weights) if return_attention_scores else outputs

    def _compute_attention(
        self,
        query: Any,
        key: Any,
        value: Any,
        attention_mask: Any = None,
        training: bool | None = None,
        return_attention_scores: Any = False,
        use_causal_mask: bool = False,
    ) -> Any:
        raise NotImplementedError

    def _compute_attention_mask(
        self,
        query: Any,
        value: Any,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        use_causal_mask: bool = False,
    ) -> Any:
        """All masks as one that broadcasts to (B, T, S), or with heads to (B, N, T, S)."""
        parts = []
        if query_mask is not None:
            parts.append(ops.expand_dims(ops.cast(query_mask, "bool"), -1))  # (B, T, 1)
        for mask in (value_mask, key_mask):
            if mask is not None:
                parts.append(ops.expand_dims(ops.cast(mask, "bool"), -2))  # (B, 1, S)
        if use_causal_mask:
            parts.append(self._compute_causal_mask(query, value))
        if self._sliding_window is not None:
            parts.append(self._compute_sliding_window_mask(query, value))
        joined = None
        for part in parts:
            joined = part if joined is None else ops.logical_and(joined, part)
        if attention_mask is None:
            return joined
        attention_mask = ops.cast(attention_mask, "bool")
        if joined is None:
            return attention_mask
        while len(attention_mask.shape) > len(joined.shape) >= 3:
            joined = ops.expand_dims(joined, -3)
        return ops.logical_and(attention_mask, joined)

    def _compute_causal_mask(self, query: Any, value: Any = None) -> Any:
        """(1, T, S): whether the key comes no later than the query."""
        value = query if value is None else value
        return ops.expand_dims(ops.tri(query.shape[1], value.shape[1], dtype="bool"), 0)

    def _compute_sliding_window_mask(self, query: Any, value: Any = None) -> Any:
        """(1, T, S): whether query and key are less than `sliding_window` apart."""
        assert self._sliding_window is not None
        value = query if value is None else value
        rows, columns, width = query.shape[1], value.shape[1], self._sliding_window
        above = ops.tri(rows, columns, k=width - 1, dtype="bool")
        below = ops.logical_not(ops.tri(rows, columns, k=-width, dtype="bool"))
        return ops.expand_dims(ops.logical_and(above, below), 0)

    def _attend(
        self,
        query: Any,
        key: Any,
        value: Any,
        mask: Any,
        scale: float,
        training: bool | None,
        use_causal_mask: bool,
    ) -> Any:
        """The outputs of heads (B, T, N, H), without their weights.

        With dropout, as in Keras, a query that sees no key has weights of 0.
        """
        dropping = bool(training) and self._dropout > 0
        return attend(
            query,
            key,
            value,
            mask=mask,
            scale=scale,
            is_causal=use_causal_mask,
            rate=self._dropout if dropping else 0.0,
            seed=self._dropout_layer.seed_generator if dropping else None,
            zero_masked=self._dropout > 0,
        )

    def _check_scores(self, return_attention_scores: bool) -> None:
        if self._flash_attention and return_attention_scores:
            raise ValueError(
                "Returning attention scores is not supported when flash "
                "attention is enabled. Please disable flash attention to access"
                " attention scores."
            )

    def _options(self) -> dict[str, Any]:
        """The part of a config that subclasses share."""
        return {
            "dropout": self._dropout,
            "use_bias": self._use_bias,
            "use_gate": self._use_gate,
            "sliding_window": self._sliding_window,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": regularizers.serialize(self._activity_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
            "seed": self.seed,
        }


def with_heads(mask: Any, rank: int, axes: int = 1) -> Any:
    """A mask of `rank` axes, those that it lacks put in before those of queries and keys."""
    while len(mask.shape) < rank:
        if len(mask.shape) < 2 * axes:
            mask = ops.expand_dims(mask, 0)
        else:
            mask = ops.expand_dims(mask, -2 * axes - 1)
    return mask


def _arguments(method: Any) -> tuple[str, ...]:
    """The names that a method gives its arguments."""
    code = getattr(method, "__code__", None)
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount] if code else ()


@contextmanager
def _without_masks(*tensors: Any) -> Iterator[None]:
    """Takes the tensors' masks away, which their projections do not read, and puts them back."""
    masks = [(x, get_keras_mask(x)) for x in tensors]
    for x, mask in masks:
        if mask is not None:
            set_keras_mask(x, None)
    try:
        yield
    finally:
        for x, mask in masks:
            if mask is not None:
                set_keras_mask(x, mask)
