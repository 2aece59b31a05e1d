"""Cross-entropies, with the checks and the clipping of Keras."""

from __future__ import annotations

from typing import Any

from chainrule.base.config import epsilon as default_epsilon
from chainrule.base.dtypes import is_int_dtype, standardize_dtype
from chainrule.base.errors import ShapeError
from chainrule.base.sizes import may_be
from chainrule.ops._common import normalize_axis
from chainrule.ops.shaping import _reshape, moveaxis
from chainrule.tracing.casting import as_dtype, as_float, as_tensor
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation
from chainrule.tracing.tensor import shape_equal

__all__ = ["binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy"]


def _same_shapes(target: Any, output: Any, at_least_1d: bool) -> None:
    if not shape_equal(target.shape, output.shape):
        raise ShapeError(
            "Arguments `target` and `output` must have the same shape. Received: "
            f"target.shape={tuple(target.shape)}, output.shape={tuple(output.shape)}"
        )
    if at_least_1d and target.ndim < 1:
        raise ShapeError(
            "Arguments `target` and `output` must be at least rank 1. Received: "
            f"target.shape={tuple(target.shape)}, output.shape={tuple(output.shape)}"
        )


@operation
def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """-(t ln p + (1 - t) ln(1 - p)) for each element, with p = sigmoid(output) for logits; as
    Keras's `ops.binary_crossentropy`.

    Probabilities are clipped to [epsilon, 1 - epsilon] with epsilon = `config.epsilon()`.
    Derivative by logits: p - t.

    Parameters
    ----------
    target : tensor
        Labels from 0 to 1, of the shape of `output`.
    output : tensor
        Probabilities, or logits; integers are cast to `floatx()`.
    from_logits : bool
        Whether `output` holds logits. Default False.

    Returns
    -------
    tensor
        The shape of `output`, in its float dtype.

    Raises
    ------
    ShapeError
        Shapes that differ.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> f"{float(binary_crossentropy([1.0], [0.5])[0]):.4f}"
    '0.6931'
    """
    target, output = as_tensor(target), as_float(output)
    _same_shapes(target, output, False)
    attrs = {"from_logits": bool(from_logits), "epsilon": default_epsilon()}
    target = as_dtype(target, standardize_dtype(output.dtype))
    return apply("binary_cross_entropy", attrs, [output, target])


@operation
def categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Any:
    """-sum_c t_c ln p_c along `axis`, with p = softmax(output) for logits, else output/sum(output);
    as Keras's `ops.categorical_crossentropy`.

    Probabilities are clipped to [epsilon, 1 - epsilon] with epsilon = `config.epsilon()`.
    Derivative by logits: p sum(t) - t.

    Parameters
    ----------
    target : tensor
        A weight for each class, of the shape of `output`.
    output : tensor
        Probabilities, or logits, of one axis or more; integers are cast to `floatx()`.
    from_logits : bool
        Whether `output` holds logits. Default False.
    axis : int
        The axis of the classes. Default -1.

    Returns
    -------
    tensor
        The shape of `output` without `axis`, in its float dtype.

    Raises
    ------
    ShapeError
        Shapes that differ, scalars, or an axis that is not there.
    DTypeError
        An argument that holds no numbers.

    References
    ----------
    Goodfellow, Bengio and Courville, Deep Learning, section 6.2.2.

    Examples
    --------
    >>> f"{float(categorical_crossentropy([0.0, 1.0], [0.5, 0.5])):.4f}"
    '0.6931'
    """
    target, output = as_tensor(target), as_float(output)
    _same_shapes(target, output, True)
    axis = normalize_axis(axis, output.ndim, "categorical_crossentropy")
    target = as_dtype(target, standardize_dtype(output.dtype))
    target, output = moveaxis(target, axis, -1), moveaxis(output, axis, -1)
    return _cross_entropy(output, target, from_logits, False)


def _cross_entropy(output: Any, target: Any, from_logits: bool, sparse: bool) -> Any:
    attrs = {"from_logits": bool(from_logits), "epsilon": default_epsilon(), "sparse": sparse}
    return apply("cross_entropy", attrs, [output, target])


@operation
def sparse_categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Any:
    """-ln p_t for integer labels t, with p as in `categorical_crossentropy`; as Keras's
    `ops.sparse_categorical_crossentropy`.

    Parameters
    ----------
    target : integer tensor
        Labels from 0 to classes - 1, of the shape of `output` without `axis`, or with size 1 there
        as the last axis; floats are cut to integers.
    output : tensor
        Probabilities, or logits, of one axis or more; integers are cast to `floatx()`.
    from_logits : bool
        Whether `output` holds logits. Default False.
    axis : int
        The axis of the classes. Default -1.

    Returns
    -------
    tensor
        The shape of `output` without `axis`, in its float dtype.

    Raises
    ------
    ShapeError
        Labels of another shape, a scalar `output`, or an axis that is not there.
    DataError
        A label outside the classes.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> f"{float(sparse_categorical_crossentropy(1, [0.5, 0.5])):.4f}"
    '0.6931'
    """
    target, output = as_tensor(target), as_float(output)
    if output.ndim < 1:
        raise ShapeError(
            "Argument `output` must be at least rank 1. "
            f"Received: output.shape={tuple(output.shape)}"
        )
    axis = normalize_axis(axis, output.ndim, "sparse_categorical_crossentropy")
    if target.ndim == output.ndim and may_be(target.shape[-1], 1):
        target = _reshape(target, target.shape[:-1])
    if not shape_equal(target.shape, (n for i, n in enumerate(output.shape) if i != axis)):
        raise ShapeError(
            "Arguments `target` and `output` must have the same shape up until the last "
            f"dimension: target.shape={tuple(target.shape)}, output.shape={tuple(output.shape)}"
        )
    if not is_int_dtype(target.dtype) or standardize_dtype(target.dtype) not in (
        "int32",
        "int64",
        "uint8",
        "uint32",
    ):
        target = as_dtype(target, "int32")
    return _cross_entropy(moveaxis(output, axis, -1), target, from_logits, True)
