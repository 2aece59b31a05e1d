"""One-hot and multi-hot encodings of labels."""

from __future__ import annotations

from typing import Any

from chainrule.base.config import floatx
from chainrule.base.dtypes import is_int_dtype, standardize_dtype
from chainrule.ops import reductions
from chainrule.ops._common import normalize_axis
from chainrule.ops.shaping import moveaxis
from chainrule.tracing.casting import as_dtype, as_tensor
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation

__all__ = ["multi_hot", "one_hot"]


@operation
def one_hot(
    x: Any, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False
) -> Any:
    """out[..., c] = 1 where x = c, else 0, as `jax.nn.one_hot`.

    A label outside [0, num_classes) gives zeros; labels given as floats are cut to integers.

    Parameters
    ----------
    x : tensor
        Labels, of any shape.
    num_classes : int
        The number of classes, from 0 up.
    axis : int
        Where the classes stand in the result. Default -1.
    dtype : str, optional
        Of the result. Default: `floatx()`.
    sparse : bool
        Only False: there are no sparse tensors. Default False.

    Returns
    -------
    tensor
        The shape of x with `num_classes` at `axis`, in that dtype.

    Raises
    ------
    ShapeError
        An axis that the result does not have.
    ValueError
        `sparse`, an unknown dtype, or a negative `num_classes`.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> one_hot([1, 0], 2).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    if sparse:
        raise ValueError("one_hot: there are no sparse tensors, `sparse` must be False")
    x = as_tensor(x)
    name = floatx() if dtype is None else standardize_dtype(dtype)
    labels = x if is_int_dtype(x.dtype) else as_dtype(x, "int32")
    place = normalize_axis(axis, x.ndim + 1, "one_hot")
    core = name if name in ("float32", "float64", "int32", "int64", "bool") else "int32"
    out = apply("one_hot", {"depth": int(num_classes), "dtype": core}, [labels])
    out = as_dtype(out, name)
    return out if place == x.ndim else moveaxis(out, -1, place)


@operation
def multi_hot(
    inputs: Any,
    num_classes: int | None = None,
    axis: int = -1,
    dtype: Any = None,
    sparse: bool = False,
    **kwargs: Any,
) -> Any:
    """1 for every class that occurs among the labels of a sample, else 0, as Keras's
    `ops.multi_hot`.

    The largest of the one-hot rows of a sample: labels outside [0, num_classes) count nowhere.

    Parameters
    ----------
    inputs : tensor
        Labels, (samples, n) or (n,).
    num_classes : int
        The number of classes. Must be given, though its default is None.
    axis : int
        Where the classes stand in the one-hot rows. Default -1.
    dtype : str, optional
        Of the result. Default: `floatx()`.
    sparse : bool
        Only False: there are no sparse tensors. Default False.
    **kwargs : int
        Only `num_tokens`, another name of `num_classes`.

    Returns
    -------
    tensor
        (samples, num_classes) or (num_classes,), in that dtype.

    Raises
    ------
    ValueError
        No `num_classes`, another keyword, `sparse`, or an unknown dtype.
    ShapeError
        An axis that is not there, or a sample without labels.
    DTypeError
        `inputs` holds no numbers.

    Examples
    --------
    >>> multi_hot([[0, 2]], 3).tolist()
    [[1.0, 0.0, 1.0]]
    """
    num_classes = kwargs.pop("num_tokens", num_classes)
    if kwargs or num_classes is None:
        raise ValueError(f"multi_hot: expected `num_classes`, got {num_classes} and {kwargs}")
    x = as_tensor(inputs)
    encoded = one_hot(as_dtype(x, "int32"), num_classes, axis, dtype, sparse)
    return reductions.max(encoded, axis=1 if x.ndim > 1 else 0)
