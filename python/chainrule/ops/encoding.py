"""One-hot and multi-hot encodings of labels."""

from __future__ import annotations

from typing import Any

from chainrule.base.config import floatx
from chainrule.base.dtypes import is_int_dtype, standardize_dtype
from chainrule.ops import reductions
from chainrule.ops._common import as_dtype, as_tensor, normalize_axis
from chainrule.ops.shaping import moveaxis
from chainrule.tracing.dispatch import apply, operation

__all__ = ["multi_hot", "one_hot"]


@operation
def one_hot(
    x: Any, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False
) -> Any:
    """out[..., c] = 1 where x = c, else 0, with the classes along `axis` of the result.

    A label outside [0, num_classes) gives zeros; labels given as floats are cut to integers.

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
    """1 for every class that occurs among the labels of a sample, else 0.

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
