"""Attention over heads, as one op of the core."""

from __future__ import annotations

import math
from typing import Any

from chainrule.base.dtypes import result_type, standardize_dtype
from chainrule.base.errors import ShapeError
from chainrule.base.sizes import known
from chainrule.tracing.casting import as_dtype, as_tensor, promote_float
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation
from chainrule.tracing.seeds import draw_seed

__all__ = ["dot_product_attention"]


@operation
def dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    bias: Any = None,
    mask: Any = None,
    scale: float | None = None,
    is_causal: bool = False,
    flash_attention: bool | None = None,
    attn_logits_soft_cap: float | None = None,
) -> Any:
    """softmax(scale q k^T + bias) v for every head, as `jax.nn.dot_product_attention`.

    The softmax runs over the keys. No matrix of all scores is kept, forward or backward. A query
    for which the mask rules out every key weighs all keys alike.

    Parameters
    ----------
    query : tensor (B, T, N, H)
        T queries in each of N heads; integers are cast to `floatx()`.
    key : tensor (B, S, K, H)
        S keys in each of K heads, K a divisor of N: query head n reads head n K // N.
    value : tensor (B, S, K, E)
        Their values.
    bias : tensor, optional
        Added to the scores; broadcasts to (B, N, T, S). Default: 0.
    mask : tensor of bool, optional
        Which scores count; broadcasts to (B, N, T, S). Default: all.
    scale : float, optional
        Default: 1 / sqrt(H).
    is_causal : bool
        Whether query t sees the keys 0 to t alone. Default False.
    flash_attention : bool, optional
        Of no effect: there is one way, which keeps no matrix of scores. Default None.
    attn_logits_soft_cap : None
        Only None, as in Keras off the TPU.

    Returns
    -------
    tensor (B, T, N, E)
        In the common dtype; half-width floats are computed in float32.

    Raises
    ------
    ShapeError
        Another rank, sizes that do not fit, or a mask or bias that does not broadcast.
    ValueError
        `attn_logits_soft_cap`.
    DTypeError
        A mask that is not bool, or an argument that holds no numbers.

    References
    ----------
    Vaswani et al., Attention Is All You Need, 2017; Ainslie et al., GQA: Training Generalized
    Multi-Query Transformer Models from Multi-Head Checkpoints, 2023.

    Examples
    --------
    >>> import numpy as np
    >>> query, value = np.zeros((1, 1, 1, 4)), np.array([1.0, 3.0]).reshape(1, 2, 1, 1)
    >>> dot_product_attention(query, np.ones((1, 2, 1, 4)), value).item()
    2.0
    """
    if attn_logits_soft_cap is not None:
        raise ValueError(
            "attn_logits_soft_cap is only supported for JAX on TPU. "
            "Set attn_logits_soft_cap=None when not using JAX on TPU."
        )
    del flash_attention
    return attend(query, key, value, bias, mask, scale, is_causal)


def attend(
    query: Any,
    key: Any,
    value: Any,
    bias: Any = None,
    mask: Any = None,
    scale: float | None = None,
    is_causal: bool = False,
    rate: float = 0.0,
    seed: Any = None,
    zero_masked: bool = False,
) -> Any:
    """As `dot_product_attention`, with dropout of the weights at `rate` in [0, 1).

    With `zero_masked`, a query for which the mask rules out every key has weights of 0.
    """
    query, key, value = promote_float(query, key, value)
    dtype = standardize_dtype(query.dtype)
    compute = result_type(dtype, "float32")
    operands = [as_dtype(x, compute) for x in (query, key, value)]
    shapes = [tuple(x.shape) for x in operands]
    if any(len(shape) != 4 for shape in shapes):
        raise ShapeError(
            "dot_product_attention: `dot_product_attention` only supports 4D inputs, expected "
            "query (B, T, N, H), key (B, S, K, H) and value (B, S, K, E), got "
            f"{', '.join(map(str, shapes))}"
        )
    if scale is None:
        depth = known(shapes[0][3]) or known(shapes[1][3]) or 1
        scale = 1 / math.sqrt(depth)
    if mask is not None:
        operands.append(as_tensor(mask))
    if bias is not None:
        operands.append(as_dtype(bias, compute))
    if rate > 0:
        operands.append(draw_seed(seed))
    attrs = {
        "scale": float(scale),
        "causal": bool(is_causal),
        "mask": mask is not None,
        "bias": bias is not None,
        "rate": float(rate),
        "zero_masked": bool(zero_masked),
    }
    return as_dtype(apply("attention", attrs, operands), dtype)
