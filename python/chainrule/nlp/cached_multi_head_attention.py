"""CachedMultiHeadAttention: attention that keeps the keys and values of places seen before."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.base.errors import ShapeError
from chainrule.layers.attention.multi_head_attention import MultiHeadAttention
from chainrule.tracing.tensor import KerasTensor


class CachedMultiHeadAttention(MultiHeadAttention):
    """`MultiHeadAttention` that can be given the keys and values of earlier places, as a cache.

    Parameters
    ----------
    num_heads, key_dim, value_dim : int
    dropout : float
    use_bias : bool
    output_shape, attention_axes : int or tuple, optional
    sliding_window : int, optional
    flash_attention : bool, optional
    kernel_initializer, bias_initializer : Initializer or str
    kernel_regularizer, bias_regularizer, activity_regularizer : Regularizer or str, optional
    kernel_constraint, bias_constraint : Constraint or str, optional
    use_gate : bool
    seed : int, optional
        All as of `MultiHeadAttention`. With a cache, masks are not made of windows, and there is no gate.

    Raises
    ------
    ValueError
        As of `MultiHeadAttention`; (at a call) an index without a cache.
    ShapeError
        (at a call) an index from which on the cache has no room.

    Notes
    -----
    Without `cache`, a call is that of `MultiHeadAttention`. With it, keys and values are those of the
    cache, and the outputs come with the cache as it is afterwards: ``(outputs, cache)``. With
    `cache_update_index` the projections of `key` and `value` (default: value) are written there
    first, from that place on; without, `value` is not looked at.

    A cache is a pair of keys and values, each (B, S, num_heads, size of a head), or, as in KerasHub,
    one array (B, 2, S, num_heads, size of a head); it comes back as it was given. The index is an int
    or a scalar tensor. One place that is written at an index beyond the cache is lost.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nlp
    >>> layer = nlp.CachedMultiHeadAttention(num_heads=2, key_dim=4)
    >>> x, cache = np.ones((1, 1, 8)), np.zeros((1, 2, 5, 2, 4))
    >>> mask = np.arange(5)[None, None, :] <= 3
    >>> y, cache = layer(x, x, cache=cache, cache_update_index=3, attention_mask=mask)
    >>> y.shape, cache.shape, np.flatnonzero(cache[0, 0, :, 0, 0]).tolist()
    ((1, 1, 8), (1, 2, 5, 2, 4), [3])
    """

    def call(  # type: ignore[override]
        self,
        query: Any,
        value: Any,
        key: Any = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        cache: Any = None,
        cache_update_index: Any = None,
        return_attention_scores: bool = False,
        training: bool | None = None,
        use_causal_mask: bool = False,
    ) -> Any:
        if cache is None:
            if cache_update_index is not None:
                raise ValueError(
                    f"layer '{self.path or self.name}': `cache_update_index` expected a `cache`, "
                    f"got cache=None and cache_update_index={cache_update_index}"
                )
            return super().call(
                query,
                value,
                key=key,
                query_mask=query_mask,
                value_mask=value_mask,
                key_mask=key_mask,
                attention_mask=attention_mask,
                return_attention_scores=return_attention_scores,
                training=training,
                use_causal_mask=use_causal_mask,
            )
        if self._use_gate or self._sliding_window is not None:
            raise ValueError(
                f"layer '{self.path or self.name}': expected no `use_gate` and no `sliding_window` "
                "with a cache, got one of them"
            )
        is_array = not isinstance(cache, (tuple, list))
        keys, values = ops.unstack(cache, 2, axis=1) if is_array else cache
        if cache_update_index is not None:
            new_keys, new_values = self.projections(value, key)
            keys = written(keys, new_keys, cache_update_index)
            values = written(values, new_values, cache_update_index)
        outputs, _ = self._compute_attention(
            self._query_dense(query), keys, values, attention_mask=attention_mask, training=training
        )
        cache = ops.stack([keys, values], axis=1) if is_array else (keys, values)
        return self._output_dense(outputs), cache

    def projections(self, value: Any, key: Any = None) -> tuple[Any, Any]:
        """The keys and values of places, as a cache holds them.

        Parameters
        ----------
        value : tensor (B, S, ...)
        key : tensor (B, S, ...), optional
            Default: value.

        Returns
        -------
        tuple
            Two tensors (B, S, num_heads, size of a head).
        """
        return self._key_dense(value if key is None else key), self._value_dense(value)

    def compute_output_spec(
        self, query: Any, value: Any, *args: Any, cache: Any = None, **kwargs: Any
    ) -> Any:
        """The outputs, with the cache or the weights where they are asked for."""
        if cache is None:
            kwargs.pop("cache_update_index", None)
            return super().compute_output_spec(query, value, *args, **kwargs)
        return KerasTensor(query.shape, dtype=self.compute_dtype), cache


def cache_length(cache: Any) -> Any:
    """S, how many places a cache has room for."""
    return cache[0].shape[1] if isinstance(cache, (tuple, list)) else cache.shape[2]


def written(cache: Any, rows: Any, index: Any) -> Any:
    """The cache (B, S, ...) with rows (B, T, ...) from place `index` on.

    Raises
    ------
    ShapeError
        An `index`, if it is an int, from which on there is no room for the rows.
    """
    size, count = cache.shape[1], rows.shape[1]
    if isinstance(index, int) and not 0 <= index <= size - count:
        raise ShapeError(
            f"cache: expected room for {count} places from cache_update_index={index} on, got a "
            f"cache of {size} places"
        )
    rows = ops.cast(rows, cache.dtype)
    if count == size:
        return rows
    if count > 1:
        return ops.slice_update(cache, [0, index, *[0] * (len(cache.shape) - 2)], rows)
    # One place: a choice between two values runs in the cache's own memory.
    line = [1, size, *[1] * (len(cache.shape) - 2)]
    is_here = ops.equal(ops.arange(size, dtype="int32"), ops.cast(index, "int32"))
    return ops.where(ops.reshape(is_here, line), rows, cache)
