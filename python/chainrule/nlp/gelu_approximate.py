"""gelu_approximate: GELU by the hyperbolic tangent, as GPT-2 has it."""

from __future__ import annotations

from typing import Any

from chainrule import activations
from chainrule.saving import register_keras_serializable


@register_keras_serializable("keras_hub")
def gelu_approximate(x: Any) -> Any:
    """``f(x) = x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x**3))) / 2``, as `activations.gelu` approximates.

    ``f'(x) = (1 + t) / 2 + x (1 - t**2) sqrt(1 / (2 pi)) (1 + 0.134145 x**2)`` with t the tangent.

    Parameters
    ----------
    x : tensor
        Of any shape.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Notes
    -----
    A name for ``activation=`` that files can hold. Hendrycks and Gimpel 2016, arXiv 1606.08415.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nlp
    >>> nlp.gelu_approximate(np.array([-1.0, 0.0, 1.0])).round(4).tolist()
    [-0.1588, 0.0, 0.8412]
    """
    return activations.gelu(x, approximate=True)
