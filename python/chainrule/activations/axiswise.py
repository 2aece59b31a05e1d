"""Activations that look at a whole axis."""

from __future__ import annotations

from typing import Any

from chainrule import ops

Tensor = Any


def softmax(x: Any, axis: int = -1) -> Tensor:
    """``f(x)_i = exp(x_i) / sum_j exp(x_j)``, ``df_i/dx_j = f_i ([i = j] - f_j)``.

    Parameters
    ----------
    x : tensor
        Of one axis or more; integers and booleans are cast to `floatx()`.
    axis : int or tuple of int
        Along which the results sum to 1. Default -1.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    ShapeError
        An axis that `x` does not have.
    DTypeError
        `x` holds no numbers.

    References
    ----------
    J. S. Bridle, Probabilistic Interpretation of Feedforward Classification Network Outputs (1990).

    Examples
    --------
    >>> from chainrule import activations
    >>> activations.softmax([[1.0, 1.0]])
    array([[0.5, 0.5]], dtype=float32)
    """
    return ops.softmax(x, axis=axis)


def log_softmax(x: Any, axis: int = -1) -> Tensor:
    """``f(x)_i = x_i - log(sum_j exp(x_j))``, ``df_i/dx_j = [i = j] - softmax(x)_j``.

    As `jax.nn.log_softmax`; nothing overflows.

    Parameters
    ----------
    x : tensor
        Of one axis or more; integers and booleans are cast to `floatx()`.
    axis : int or tuple of int
        Along which the exponentials sum to 1. Default -1.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    ShapeError
        An axis that `x` does not have.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import activations
    >>> np.round(activations.log_softmax([[1.0, 1.0]]), 4)
    array([[-0.6931, -0.6931]], dtype=float32)
    """
    return ops.log_softmax(x, axis=axis)


def sparsemax(x: Any, axis: int = -1) -> Tensor:
    """``f(x)_i = max(x_i - tau, 0)``, with ``tau`` such that the results sum to 1.

    The Euclidean projection onto the simplex. ``df_i/dx_j = [i = j] - 1/k`` for i, j among the k
    positive results, else 0.

    Parameters
    ----------
    x : tensor
        Of one axis or more; integers and booleans are cast to `floatx()`.
    axis : int
        Along which the results sum to 1. Default -1.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    ShapeError
        An axis that `x` does not have.
    DTypeError
        `x` holds no numbers.

    References
    ----------
    A. F. T. Martins, R. F. Astudillo, From Softmax to Sparsemax, ICML 2016.

    Examples
    --------
    >>> from chainrule import activations
    >>> activations.sparsemax([[0.0, 0.5, 1.0]])
    array([[0.  , 0.25, 0.75]], dtype=float32)
    """
    return ops.sparsemax(x, axis=axis)


def glu(x: Any, axis: int = -1) -> Tensor:
    """``f(x) = a sigmoid(b)``, where ``a`` and ``b`` are the halves of ``x`` along ``axis``.

    ``df/da = sigmoid(b)``, ``df/db = a sigmoid(b)(1 - sigmoid(b))``.

    Parameters
    ----------
    x : tensor
        Of one axis or more, of an even size along `axis`; integers and booleans are cast to
        `floatx()`.
    axis : int
        The axis that is halved. Default -1.

    Returns
    -------
    tensor
        The shape of x with half the size along `axis`, in its float dtype.

    Raises
    ------
    ShapeError
        An odd size, or an axis that `x` does not have.
    DTypeError
        `x` holds no numbers.

    References
    ----------
    Y. N. Dauphin et al., Language Modeling with Gated Convolutional Networks, ICML 2017.

    Examples
    --------
    >>> from chainrule import activations
    >>> activations.glu([[2.0, 0.0]])
    array([[1.]], dtype=float32)
    """
    return ops.glu(x, axis=axis)
