"""Activations that are linear in pieces: zero, identity, clipped, shifted."""

from __future__ import annotations

from typing import Any

from chainrule import ops

Tensor = Any


def linear(x: Any) -> Any:
    """``f(x) = x``, ``f'(x) = 1``: the input, unchanged; as Keras's `activations.linear`.

    Parameters
    ----------
    x : object
        Anything.

    Returns
    -------
    object
        x itself.

    Examples
    --------
    >>> from chainrule import activations
    >>> activations.linear(3.0)
    3.0
    """
    return x


def relu(
    x: Any,
    negative_slope: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
) -> Tensor:
    """``f(x) = max(x, 0)``, ``f'(x) = [x > 0]``.

    With the arguments: ``max_value`` where ``x >= max_value``, ``x`` where
    ``threshold < x < max_value``, and ``negative_slope (x - threshold)`` below.

    Parameters
    ----------
    x : tensor
        Of any shape.
    negative_slope : float
        The slope below `threshold`. Default 0.0.
    max_value : float, optional
        The upper limit. Default: none.
    threshold : float
        Where the line begins. Default 0.0.

    Returns
    -------
    tensor
        The shape and the dtype of x; `floatx()` for integers with a slope alone.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    References
    ----------
    V. Nair, G. E. Hinton, Rectified Linear Units Improve Restricted Boltzmann Machines, ICML 2010.

    Examples
    --------
    >>> from chainrule import activations
    >>> activations.relu([-2.0, 0.5, 9.0])
    array([0. , 0.5, 9. ], dtype=float32)
    >>> activations.relu([-2.0, 0.5, 9.0], negative_slope=0.5, max_value=4.0)
    array([-1. ,  0.5,  4. ], dtype=float32)
    """
    x = ops.convert_to_tensor(x)
    if negative_slope and max_value is None and not threshold:
        return ops.leaky_relu(x, negative_slope=negative_slope)
    if max_value == 6 and not threshold and not negative_slope:
        return ops.relu6(x)
    if threshold:
        y = ops.where(ops.greater(x, threshold), x, ops.zeros_like(x))
    else:
        y = ops.relu(x)
    if max_value is not None:
        y = ops.clip(y, 0.0, max_value)
    if negative_slope:
        above = ops.greater(x, threshold)
        below = ops.where(above, ops.zeros_like(x), ops.subtract(x, threshold))
        y = ops.where(above, y, ops.multiply(below, negative_slope))
    return ops.cast(y, x.dtype)


def leaky_relu(x: Any, negative_slope: float = 0.2) -> Tensor:
    """``f(x) = x if x > 0 else a x``, ``f'(x) = 1 if x > 0 else a``, ``a = negative_slope``.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.
    negative_slope : float
        a, the slope below 0. Default 0.2.

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
    A. L. Maas et al., Rectifier Nonlinearities Improve Neural Network Acoustic Models, ICML 2013.

    Examples
    --------
    >>> from chainrule import activations
    >>> activations.leaky_relu([-1.0, 1.0])
    array([-0.2,  1. ], dtype=float32)
    """
    return ops.leaky_relu(x, negative_slope=negative_slope)


def relu6(x: Any) -> Tensor:
    """``f(x) = min(max(x, 0), 6)``, ``f'(x) = [0 < x < 6]``.

    Parameters
    ----------
    x : tensor
        Of any shape; booleans are cast to `floatx()`, integers stay.

    Returns
    -------
    tensor
        The shape and the dtype of x; `floatx()` for booleans.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    References
    ----------
    A. Krizhevsky, Convolutional Deep Belief Networks on CIFAR-10 (2010).

    Examples
    --------
    >>> from chainrule import activations
    >>> activations.relu6([-1.0, 3.0, 8.0])
    array([0., 3., 6.], dtype=float32)
    """
    return ops.relu6(x)


def threshold(x: Any, threshold: float, default_value: float) -> Tensor:
    """``f(x) = x if x > threshold else default_value``, ``f'(x) = [x > threshold]``.

    As PyTorch's `torch.nn.functional.threshold`.

    As PyTorch's `torch.nn.functional.threshold`.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.
    threshold : float
        Up to which x is replaced.
    default_value : float
        What replaces it.

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
    >>> activations.threshold([0.5, 2.0], threshold=1.0, default_value=-1.0)
    array([-1.,  2.], dtype=float32)
    """
    return ops.threshold(x, threshold, default_value)


def hard_shrink(x: Any, threshold: float = 0.5) -> Tensor:
    """``f(x) = x if |x| > threshold else 0``, ``f'(x) = [|x| > threshold]``.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.
    threshold : float
        From 0 up. Default 0.5.

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
    D. L. Donoho, I. M. Johnstone, Ideal Spatial Adaptation by Wavelet Shrinkage, Biometrika 81
    (1994).

    Examples
    --------
    >>> from chainrule import activations
    >>> activations.hard_shrink([-1.0, 0.25, 1.0])
    array([-1.,  0.,  1.], dtype=float32)
    """
    return ops.hard_shrink(x, threshold=threshold)


def soft_shrink(x: Any, threshold: float = 0.5) -> Tensor:
    """``f(x) = sign(x) max(|x| - threshold, 0)``, ``f'(x) = [|x| > threshold]``.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.
    threshold : float
        From 0 up. Default 0.5.

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
    D. L. Donoho, De-noising by Soft-thresholding, IEEE Trans. Inf. Theory 41 (1995).

    Examples
    --------
    >>> from chainrule import activations
    >>> activations.soft_shrink([-1.0, 0.25, 1.0])
    array([-0.5,  0. ,  0.5], dtype=float32)
    """
    return ops.soft_shrink(x, threshold=threshold)


def hard_tanh(x: Any) -> Tensor:
    """``f(x) = min(max(x, -1), 1)``, ``f'(x) = [-1 < x < 1]``.

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
    R. Collobert, Large Scale Machine Learning, thesis, Paris 6 (2004).

    Examples
    --------
    >>> from chainrule import activations
    >>> activations.hard_tanh([-2.0, 0.5, 2.0])
    array([-1. ,  0.5,  1. ], dtype=float32)
    """
    return ops.hard_tanh(x)


def hard_sigmoid(x: Any) -> Tensor:
    """``f(x) = min(max(x / 6 + 1 / 2, 0), 1)``, ``f'(x) = [-3 < x < 3] / 6``.

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
    M. Courbariaux et al., BinaryConnect, NeurIPS 2015.

    Examples
    --------
    >>> from chainrule import activations
    >>> activations.hard_sigmoid([-4.0, 0.0, 1.5, 4.0])
    array([0.  , 0.5 , 0.75, 1.  ], dtype=float32)
    """
    return ops.hard_sigmoid(x)


def hard_silu(x: Any) -> Tensor:
    """``f(x) = x min(max(x / 6 + 1 / 2, 0), 1)``; ``f'(x) = x / 3 + 1 / 2`` where ``|x| < 3``.

    Below -3 the derivative is 0, above 3 it is 1. Also called hard swish.

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
    A. Howard et al., Searching for MobileNetV3, ICCV 2019.

    Examples
    --------
    >>> from chainrule import activations
    >>> activations.hard_silu([0.0, 1.5, 4.0])
    array([0.   , 1.125, 4.   ], dtype=float32)
    """
    return ops.hard_silu(x)


def sparse_sigmoid(x: Any) -> Tensor:
    """``f(x) = min(max((x + 1) / 2, 0), 1)``, ``f'(x) = [-1 < x < 1] / 2``.

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
    A. F. T. Martins, R. F. Astudillo, From Softmax to Sparsemax, ICML 2016.

    Examples
    --------
    >>> from chainrule import activations
    >>> activations.sparse_sigmoid([-2.0, 0.0, 2.0])
    array([0. , 0.5, 1. ], dtype=float32)
    """
    return ops.sparse_sigmoid(x)


def sparse_plus(x: Any) -> Tensor:
    """``f(x) = (x + 1)**2 / 4`` where ``|x| < 1``, 0 below, ``x`` above.

    ``f'(x) = min(max((x + 1) / 2, 0), 1)``.

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
    M. Blondel, A. F. T. Martins, V. Niculae, Learning with Fenchel-Young Losses, JMLR 21 (2020).

    Examples
    --------
    >>> from chainrule import activations
    >>> activations.sparse_plus([-2.0, 0.0, 2.0])
    array([0.  , 0.25, 2.  ], dtype=float32)
    """
    return ops.sparse_plus(x)
