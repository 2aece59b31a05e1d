"""Sizes of dtypes, and one float dtype for several tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.base.dtypes import standardize_dtype

__all__ = ["cast_to_common_dtype", "dtype_size", "is_float"]

_BITS = {
    **{f"float{bits}": bits for bits in (16, 32, 64)},
    **{f"{kind}{bits}": bits for kind in ("int", "uint") for bits in (8, 16, 32, 64)},
    "bfloat16": 16,
    "bool": 1,
}


def dtype_size(dtype: str) -> int:
    """The bits of a value.

    Raises
    ------
    ValueError
        When `dtype` is no name of a number's dtype.

    Examples
    --------
    >>> dtype_size("float64"), dtype_size("bool")
    (64, 1)
    """
    if dtype not in _BITS:
        raise ValueError(f"Invalid dtype: {dtype}")
    return _BITS[dtype]


def is_float(dtype: str) -> bool:
    """Whether the name is that of a float dtype."""
    return "float" in dtype


def cast_to_common_dtype(tensors: Sequence[Any]) -> list[Any]:
    """The tensors in the widest float dtype among them; as they are where none is a float.

    Examples
    --------
    >>> import numpy as np
    >>> a, b = cast_to_common_dtype([np.ones(1, "float32"), np.ones(1, "float64")])
    >>> a.dtype == b.dtype == "float64"
    True
    """
    from chainrule import ops

    floats = {n for n in (standardize_dtype(x.dtype) for x in tensors) if is_float(n)}
    if not floats:
        return list(tensors)
    widest = max(floats, key=dtype_size)
    if {"float16", "bfloat16"} <= floats and dtype_size(widest) < 32:
        widest = "float32"
    return [ops.cast(x, widest) for x in tensors]
