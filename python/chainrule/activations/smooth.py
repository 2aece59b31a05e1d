"""Smooth activations."""

from __future__ import annotations

from typing import Any

from chainrule import ops

Tensor = Any


def sigmoid(x: Any) -> Tensor:
    """``f(x) = 1 / (1 + exp(-x))``, ``f'(x) = f(x) (1 - f(x))``.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    References
    ----------
    P.-F. Verhulst, Recherches mathematiques sur la loi d'accroissement de la population (1845).

    Examples
    --------
    >>> from chainrule import activations
    >>> activations.sigmoid([0.0])
    array([0.5], dtype=float32)
    """
    return ops.sigmoid(x)


def log_sigmoid(x: Any) -> Tensor:
    """``f(x) = -log(1 + exp(-x))``, ``f'(x) = 1 / (1 + exp(x))``.

    As `jax.nn.log_sigmoid`; nothing overflows.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import activations
    >>> np.round(activations.log_sigmoid([0.0]), 4)
    array([-0.6931], dtype=float32)
    """
    return ops.log_sigmoid(x)


def tanh(x: Any) -> Tensor:
    """``f(x) = (exp(x) - exp(-x)) / (exp(x) + exp(-x))``, ``f'(x) = 1 - f(x)**2``.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    References
    ----------
    Y. LeCun et al., Efficient BackProp (1998), section 4.4.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import activations
    >>> np.round(activations.tanh([1.0]), 4)
    array([0.7616], dtype=float32)
    """
    return ops.tanh(x)


def tanh_shrink(x: Any) -> Tensor:
    """``f(x) = x - tanh(x)``, ``f'(x) = tanh(x)**2``.

    As PyTorch's `torch.nn.functional.tanhshrink`.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import activations
    >>> np.round(activations.tanh_shrink([1.0]), 4)
    array([0.2384], dtype=float32)
    """
    return ops.tanh_shrink(x)


def exponential(x: Any) -> Tensor:
    """``f(x) = exp(x)``, ``f'(x) = exp(x)``.

    As Keras's `activations.exponential`.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> from chainrule import activations
    >>> activations.exponential([0.0])
    array([1.], dtype=float32)
    """
    return ops.exp(x)


def softplus(x: Any) -> Tensor:
    """``f(x) = log(1 + exp(x))``, ``f'(x) = 1 / (1 + exp(-x))``.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    References
    ----------
    C. Dugas et al., Incorporating Second-Order Functional Knowledge for Better Option Pricing,
    NeurIPS 2000.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import activations
    >>> np.round(activations.softplus([0.0]), 4)
    array([0.6931], dtype=float32)
    """
    return ops.softplus(x)


def softsign(x: Any) -> Tensor:
    """``f(x) = x / (1 + |x|)``, ``f'(x) = 1 / (1 + |x|)**2``.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    References
    ----------
    J. Bergstra et al., Quadratic Polynomials Learn Better Image Features (2009).

    Examples
    --------
    >>> from chainrule import activations
    >>> activations.softsign([-1.0, 1.0])
    array([-0.5,  0.5], dtype=float32)
    """
    return ops.softsign(x)


def squareplus(x: Any, b: float = 4) -> Tensor:
    """``f(x) = (x + sqrt(x**2 + b)) / 2``, ``f'(x) = (1 + x / sqrt(x**2 + b)) / 2``.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.
    b : float
        How wide the bend at 0 is, from 0 (relu) up. Default 4.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    References
    ----------
    J. T. Barron, Squareplus: A Softplus-Like Algebraic Rectifier, arXiv:2112.11687 (2021).

    Examples
    --------
    >>> from chainrule import activations
    >>> activations.squareplus([0.0])
    array([1.], dtype=float32)
    """
    return ops.squareplus(x, b=b)


def elu(x: Any, alpha: float = 1.0) -> Tensor:
    """``f(x) = x if x > 0 else a (exp(x) - 1)``, ``f'(x) = 1 if x > 0 else a exp(x)``.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.
    alpha : float
        a; -a is the limit at minus infinity. Default 1.0.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    References
    ----------
    D.-A. Clevert et al., Fast and Accurate Deep Network Learning by Exponential Linear Units, ICLR
    2016.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import activations
    >>> np.round(activations.elu([-1.0, 1.0]), 4)
    array([-0.6321,  1.    ], dtype=float32)
    """
    return ops.elu(x, alpha=alpha)


def selu(x: Any) -> Tensor:
    """``f(x) = s elu(x, a)``, ``s = 1.05070098``, ``a = 1.67326324``.

    ``f'(x) = s if x > 0 else s a exp(x)``. The constants keep mean 0 and variance 1 from layer to
    layer for weights of the initializer ``lecun_normal``.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    References
    ----------
    G. Klambauer et al., Self-Normalizing Neural Networks, NeurIPS 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import activations
    >>> np.round(activations.selu([-1.0, 1.0]), 4)
    array([-1.1113,  1.0507], dtype=float32)
    """
    return ops.selu(x)


def celu(x: Any, alpha: float = 1.0) -> Tensor:
    """``f(x) = x if x > 0 else a (exp(x / a) - 1)``, ``f'(x) = 1 if x > 0 else exp(x / a)``.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.
    alpha : float
        a, not 0; -a is the limit at minus infinity. Default 1.0.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    References
    ----------
    J. T. Barron, Continuously Differentiable Exponential Linear Units, arXiv:1704.07483 (2017).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import activations
    >>> np.round(activations.celu([-1.0, 1.0], alpha=2.0), 4)
    array([-0.7869,  1.    ], dtype=float32)
    """
    return ops.celu(x, alpha=alpha)


def silu(x: Any) -> Tensor:
    """``f(x) = x s``, ``s = 1 / (1 + exp(-x))``, ``f'(x) = s + x s (1 - s)``; also called swish.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    References
    ----------
    S. Elfwing et al., Sigmoid-Weighted Linear Units, Neural Networks 107 (2018).
    P. Ramachandran et al., Searching for Activation Functions, arXiv:1710.05941 (2017).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import activations
    >>> np.round(activations.silu([1.0]), 4)
    array([0.7311], dtype=float32)
    """
    return ops.silu(x)


def gelu(x: Any, approximate: bool = False) -> Tensor:
    """``f(x) = x Phi(x)``, ``f'(x) = Phi(x) + x phi(x)``, the normal distribution and density.

    ``Phi(x) = (1 + erf(x / sqrt(2))) / 2``; when ``approximate``, ``erf`` is replaced by
    ``tanh(sqrt(2 / pi) (x + 0.044715 x**3))``.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.
    approximate : bool
        Whether to take the approximation by ``tanh``. Default False.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    References
    ----------
    D. Hendrycks, K. Gimpel, Gaussian Error Linear Units, arXiv:1606.08415 (2016).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import activations
    >>> np.round(activations.gelu([1.0]), 4)
    array([0.8413], dtype=float32)
    """
    return ops.gelu(x, approximate=approximate)


def mish(x: Any) -> Tensor:
    """``f(x) = x t``, ``t = tanh(log(1 + exp(x)))``, ``f'(x) = t + x (1 - t**2) sigmoid(x)``.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    References
    ----------
    D. Misra, Mish: A Self Regularized Non-Monotonic Activation Function, BMVC 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import activations
    >>> np.round(activations.mish([1.0]), 4)
    array([0.8651], dtype=float32)
    """
    x = ops.convert_to_tensor(x)
    # Beyond, x t is max(x, 0) to the last bit; of infinities the product's derivative is NaN.
    far = ops.greater(ops.abs(x), 1000)
    near = ops.where(far, ops.zeros_like(x), x)
    return ops.where(far, ops.relu(x), ops.multiply(near, ops.tanh(ops.softplus(near))))
