"""AdditiveAttention: weights from a sum of query and key."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.layers.attention.attention import Attention


class AdditiveAttention(Attention):
    """``y = softmax(sum_d scale_d tanh(query + key)_d) value``, over the keys (Bahdanau attention).

    Parameters
    ----------
    use_scale : bool
        Whether `scale`, one number a feature, is a weight, else it is 1. Default True.
    dropout : float
        The share of the weights of values that is dropped while training. Default 0.
    seed : int, optional
        Of the dropout.

    Raises
    ------
    ValueError
        For inputs or masks that are no list of two or three.
    ShapeError
        For sizes that do not fit.

    Notes
    -----
    Inputs, masks and outputs as for `Attention`. Bahdanau et al. 2015, arXiv 1409.0473.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> query, value = np.zeros((1, 1, 2)), np.array([[[1.0, 0.0], [1.0, 0.0]]])
    >>> layers.AdditiveAttention()([query, value]).tolist()
    [[[1.0, 0.0]]]
    """

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Any) -> None:
        super().__init__(use_scale=use_scale, dropout=dropout, **kwargs)

    def build(self, input_shape: Any) -> None:
        self._validate_inputs(input_shape)
        self.scale = None
        if self.use_scale:
            self.scale = self.add_weight(
                name="scale", shape=(input_shape[0][-1],), initializer="glorot_uniform"
            )

    def _calculate_scores(self, query: Any, key: Any) -> Any:
        """(B, T, S), before masks."""
        sums = ops.tanh(ops.expand_dims(query, -2) + ops.expand_dims(key, -3))  # (B, T, S, d)
        if self.scale is not None:
            sums = ops.multiply(sums, self.scale)
        return ops.sum(sums, axis=-1)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["score_mode"]
        return config
