"""TransformerEncoder: every place looks at every other, then each is worked on alone."""

from __future__ import annotations

from typing import Any

from chainrule.nlp.transformer_block import TransformerBlock
from chainrule.tracing.masking import get_keras_mask
from chainrule.tracing.tensor import KerasTensor


class TransformerEncoder(TransformerBlock):
    """``h = norm(x + attention(x, x))``, ``y = norm(h + W_2 f(W_1 h + b_1) + b_2)``.

    With `normalize_first`, ``h = x + attention(norm(x), norm(x))`` and so on. Shapes: x (N, T, C), y the
    same.

    Parameters
    ----------
    intermediate_dim : int
        The number of units between the two matrices of the feed-forward part.
    num_heads : int
        A divisor of C.
    dropout : float
        The share of the attention's weights, of its outputs and of the feed-forward part's that is
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
        Sizes that are no positive ints, or C that the heads cannot share.
    ShapeError
        (at a call) for masks that do not fit.

    Notes
    -----
    At a call, `padding_mask` (N, T) is false at padding, which nobody looks at (default: the mask of
    x); `attention_mask` (N, T, T) says who may look at whom. The mask of x is handed on. With
    `return_attention_scores` the weights (N, num_heads, T, T) come too. Arguments as in KerasHub.
    Vaswani et al. 2017, arXiv 1706.03762; norms first: Xiong et al. 2020, arXiv 2002.04745.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nlp
    >>> layer = nlp.TransformerEncoder(intermediate_dim=16, num_heads=2)
    >>> layer(np.ones((2, 5, 8)), padding_mask=np.array([[1, 1, 1, 0, 0]] * 2)).shape
    (2, 5, 8)
    """

    def build(self, inputs_shape: Any) -> None:
        shape = tuple(inputs_shape)
        self._self_attention_layer = self._attention("self_attention_layer", shape, shape)
        self._self_attention_layer_norm = self._norm("self_attention_layer_norm", shape)
        self._self_attention_dropout = self._drop("self_attention_dropout")
        self._make_feed_forward(shape)

    def call(
        self,
        inputs: Any,
        padding_mask: Any = None,
        attention_mask: Any = None,
        training: bool | None = None,
        return_attention_scores: bool = False,
    ) -> Any:
        mask = get_keras_mask(inputs) if padding_mask is None else padding_mask
        scores = None

        def attention(x: Any) -> Any:
            nonlocal scores
            made = self._self_attention_layer(
                x,
                x,
                value_mask=mask,
                attention_mask=attention_mask,
                training=training,
                return_attention_scores=return_attention_scores,
            )
            if return_attention_scores:
                made, scores = made
            return made

        x = self._residual(
            inputs, self._self_attention_layer_norm, self._self_attention_dropout, attention, training
        )
        x = self._feed_forward(x, training)
        return (x, scores) if return_attention_scores else x

    def compute_output_shape(self, inputs_shape: Any) -> Any:
        return inputs_shape

    def compute_output_spec(
        self,
        inputs: Any,
        padding_mask: Any = None,
        attention_mask: Any = None,
        training: bool | None = None,
        return_attention_scores: bool = False,
    ) -> Any:
        """The outputs, and the weights where they are asked for, as symbolic tensors."""
        outputs = KerasTensor(inputs.shape, dtype=self.compute_dtype)
        if not return_attention_scores:
            return outputs
        rows, length = inputs.shape[:2]
        weights = (rows, self.num_heads, length, length)
        return outputs, KerasTensor(weights, dtype=self.compute_dtype)
