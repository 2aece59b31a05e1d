"""TransformerDecoder: every place looks at those before it, and at an encoded sequence."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.nlp.cached_multi_head_attention import cache_length
from chainrule.nlp.places import places_of
from chainrule.nlp.transformer_block import TransformerBlock
from chainrule.tracing.masking import get_keras_mask
from chainrule.tracing.tensor import KerasTensor


class TransformerDecoder(TransformerBlock):
    """``h = norm(x + attention(x, x))``, ``g = norm(h + attention(h, e))``, ``y = norm(g + W_2 f(W_1 g))``.

    The first attention is causal: place t looks at places 0 to t. The second, to an encoded sequence e, is
    there if the first call has one. With `normalize_first`, ``h = x + attention(norm(x), norm(x))`` and
    so on. Shapes: x (N, T, C), e (N, S, D), y as x.

    Parameters
    ----------
    intermediate_dim : int
        The number of units between the two matrices of the feed-forward part.
    num_heads : int
        A divisor of C.
    dropout : float
        The share of the attentions' weights, of their outputs and of the feed-forward part's that is
        dropped while training. Default 0.
    activation : callable or str
        f. Default ``"relu"``.
    layer_norm_epsilon : float
        Default 1e-5.
    kernel_initializer, bias_initializer : Initializer or str
        Of all matrices and biases. Default ``"glorot_uniform"`` and ``"zeros"``.
    normalize_first : bool
        Default False.

    Raises
    ------
    ValueError
        Sizes that are no positive ints, C that the heads cannot share, an encoded sequence only at
        some calls, or an index without its cache.
    ShapeError
        (at a call) for masks and caches that do not fit.

    Notes
    -----
    At a call, `decoder_padding_mask` (N, T) and `encoder_padding_mask` (N, S) are false at padding
    (default: the masks of x and e); `decoder_attention_mask` (N, T, T) and `encoder_attention_mask`
    (N, T, S) say who may look at whom; `use_causal_mask=False` lets all places see each other.

    With `self_attention_cache`, whose form `CachedMultiHeadAttention` says, x are the places from
    `self_attention_cache_update_index` (an int or a scalar tensor) on, and the call gives
    ``(y, self_attention_cache)``, with an encoded sequence ``(y, self_attention_cache,
    cross_attention_cache)``. The cross attention's cache is filled where
    `cross_attention_cache_update_index` is given, and read without a look at e else. Arguments as in
    KerasHub. Vaswani et al. 2017, arXiv 1706.03762.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nlp
    >>> layer = nlp.TransformerDecoder(intermediate_dim=16, num_heads=2)
    >>> x, cache = np.ones((1, 3, 8)), np.zeros((1, 2, 3, 2, 4))
    >>> y, _ = layer(x, self_attention_cache=cache, self_attention_cache_update_index=0)
    >>> np.allclose(y, layer(x), atol=1e-6)
    True
    """

    def build(self, decoder_sequence_shape: Any, encoder_sequence_shape: Any = None) -> None:
        shape = tuple(decoder_sequence_shape)
        self._has_cross_attention = encoder_sequence_shape is not None
        self._self_attention_layer = self._attention("self_attention", shape, shape)
        self._self_attention_layer_norm = self._norm("self_attention_layer_norm", shape)
        self._self_attention_dropout = self._drop("self_attention_dropout")
        if self._has_cross_attention:
            encoded = tuple(encoder_sequence_shape)
            self._cross_attention_layer = self._attention("cross_attention", shape, encoded)
            self._cross_attention_layer_norm = self._norm("cross_attention_layer_norm", shape)
            self._cross_attention_dropout = self._drop("cross_attention_dropout")
        self._make_feed_forward(shape)

    def call(
        self,
        decoder_sequence: Any,
        encoder_sequence: Any = None,
        decoder_padding_mask: Any = None,
        decoder_attention_mask: Any = None,
        encoder_padding_mask: Any = None,
        encoder_attention_mask: Any = None,
        self_attention_cache: Any = None,
        self_attention_cache_update_index: Any = None,
        cross_attention_cache: Any = None,
        cross_attention_cache_update_index: Any = None,
        use_causal_mask: bool = True,
        training: bool | None = None,
    ) -> Any:
        self._check_sources(encoder_sequence, self_attention_cache, cross_attention_cache)
        caches = [self_attention_cache, cross_attention_cache]

        def look(x: Any) -> Any:
            mask = decoder_padding_mask
            if mask is None:
                mask = get_keras_mask(decoder_sequence)
            layer = self._self_attention_layer
            if self_attention_cache is None:
                return layer(
                    x,
                    x,
                    value_mask=mask,
                    attention_mask=decoder_attention_mask,
                    use_causal_mask=use_causal_mask,
                    training=training,
                )
            cache, index = self_attention_cache, self_attention_cache_update_index
            seen = _seen(x, cache, index, mask, decoder_attention_mask, use_causal_mask)
            made, caches[0] = layer(
                x,
                x,
                attention_mask=seen,
                cache=cache,
                cache_update_index=index,
                training=training,
            )
            return made

        def look_across(x: Any) -> Any:
            mask = encoder_padding_mask
            if mask is None:
                mask = get_keras_mask(encoder_sequence)
            layer, encoded = self._cross_attention_layer, encoder_sequence
            if cross_attention_cache is None:
                return layer(
                    x,
                    encoded,
                    value_mask=mask,
                    attention_mask=encoder_attention_mask,
                    training=training,
                )
            made, caches[1] = layer(
                x,
                encoded,
                attention_mask=_joined(mask, encoder_attention_mask),
                cache=cross_attention_cache,
                cache_update_index=cross_attention_cache_update_index,
                training=training,
            )
            return made

        x = self._residual(
            decoder_sequence,
            self._self_attention_layer_norm,
            self._self_attention_dropout,
            look,
            training,
        )
        if self._has_cross_attention:
            x = self._residual(
                x,
                self._cross_attention_layer_norm,
                self._cross_attention_dropout,
                look_across,
                training,
            )
        x = self._feed_forward(x, training)
        if self_attention_cache is None:
            return x
        return (x, *caches) if self._has_cross_attention else (x, caches[0])

    def encoded_cache(self, encoder_sequence: Any) -> tuple[Any, Any]:
        """The `cross_attention_cache` of an encoded sequence: its keys and values.

        Parameters
        ----------
        encoder_sequence : tensor (N, S, D)

        Returns
        -------
        tuple
            Two tensors (N, S, num_heads, C / num_heads).

        Raises
        ------
        ValueError
            A layer that was built without an encoded sequence.
        """
        if not getattr(self, "_has_cross_attention", False):
            raise ValueError(
                f"layer '{self.path or self.name}': expected a layer built with an "
                "`encoder_sequence`, got one without"
            )
        return self._cross_attention_layer.projections(encoder_sequence)

    def _check_sources(self, encoder_sequence: Any, cache: Any, cross_cache: Any) -> None:
        place = f"layer '{self.path or self.name}'"
        if self._has_cross_attention != (encoder_sequence is not None):
            expected = "an" if self._has_cross_attention else "no"
            raise ValueError(
                f"{place}: expected {expected} `encoder_sequence`, as the layer was built, got "
                f"{'none' if encoder_sequence is None else 'one'}"
            )
        if self._has_cross_attention and (cache is None) != (cross_cache is None):
            raise ValueError(
                f"{place}: expected `self_attention_cache` and `cross_attention_cache` both or "
                "neither, got one of them"
            )

    def compute_output_shape(
        self, decoder_sequence_shape: Any, encoder_sequence_shape: Any = None
    ) -> Any:
        return decoder_sequence_shape

    def compute_output_spec(
        self,
        decoder_sequence: Any,
        encoder_sequence: Any = None,
        self_attention_cache: Any = None,
        cross_attention_cache: Any = None,
        **kwargs: Any,
    ) -> Any:
        """The outputs, and the caches where they are given, as symbolic tensors."""
        outputs = KerasTensor(decoder_sequence.shape, dtype=self.compute_dtype)
        if self_attention_cache is None:
            return outputs
        if encoder_sequence is None:
            return outputs, self_attention_cache
        return outputs, self_attention_cache, cross_attention_cache


def _seen(x: Any, cache: Any, index: Any, padding: Any, attention: Any, causal: bool) -> Any:
    """(1 or N, T, S): which places of the cache each of x looks at; None for all."""
    mask = _joined(padding, attention)
    if not causal:
        return mask
    length = x.shape[1]
    here = places_of(length, 0 if index is None else index)
    seen = ops.arange(cache_length(cache), dtype="int32") <= ops.reshape(here, [1, length, 1])
    return seen if mask is None else ops.logical_and(seen, mask)


def _joined(padding: Any, attention: Any) -> Any:
    """A mask of keys (N, S), and one of pairs (N, T, S), as one; None for neither."""
    if padding is None:
        return None if attention is None else ops.cast(attention, "bool")
    padding = ops.expand_dims(ops.cast(padding, "bool"), 1)
    if attention is None:
        return padding
    return ops.logical_and(ops.cast(attention, "bool"), padding)
