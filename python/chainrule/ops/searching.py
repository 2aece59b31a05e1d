"""Counts, choices by condition, and searches for values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.base.dtypes import is_float_dtype, is_int_dtype, result_type, standardize_dtype
from chainrule.base.errors import DataError, DTypeError, ShapeError
from chainrule.ops._common import binary, sequence, unary
from chainrule.ops.comparison import _where
from chainrule.ops.shaping import _reshape, ravel
from chainrule.tracing.casting import as_dtype, as_tensor, is_traced, promote
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation

__all__ = ["bincount", "digitize", "isin", "searchsorted", "select", "unravel_index"]


@operation
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """For each element the choice of the first true condition, else `default`, as NumPy's
    `np.select`.

    Parameters
    ----------
    condlist : list of bool tensors
        Of shapes that broadcast, at least one.
    choicelist : list of tensors
        As many, of shapes that broadcast; brought to the common dtype.
    default : tensor
        Where no condition holds. Default 0.

    Returns
    -------
    tensor
        The broadcast shape, in the common dtype of choices and default.

    Raises
    ------
    ValueError
        No conditions, or another number of choices.
    ShapeError
        Shapes that do not broadcast.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> select([[True, False], [True, True]], [[1, 2], [3, 4]]).tolist()
    [1, 4]
    """
    if len(condlist) != len(choicelist) or not condlist:
        raise ValueError(
            "select: expected as many conditions as choices, at least one, "
            f"got {len(condlist)} and {len(choicelist)}"
        )
    *choices, result = promote(*choicelist, default)
    for condition, choice in reversed(list(zip(condlist, choices))):
        result = _where(condition, choice, result)
    return result


@operation
def searchsorted(sorted_sequence: Any, values: Any, side: str = "left") -> Any:
    """Where each value would go into a sorted 1-D tensor, as NumPy's `np.searchsorted`.

    Parameters
    ----------
    sorted_sequence : tensor
        (n,), ascending, NaN last.
    values : tensor
        Of any shape; brought to a common dtype with the sequence. NaN goes before or after the
        sequence's.
    side : str
        Before equal elements ("left") or after them ("right"). Default "left".

    Returns
    -------
    int32 tensor
        The shape of `values`, numbers from 0 to n.

    Raises
    ------
    ValueError
        A sequence that is not 1-D, or an unknown `side`.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> searchsorted([1, 2, 3], [2, 5]).tolist()
    [1, 3]
    """
    if side not in ("left", "right"):
        raise ValueError(f"searchsorted: expected `side` 'left' or 'right', got {side!r}")
    line, values = as_tensor(sorted_sequence), as_tensor(values)
    if line.ndim != 1:
        raise ValueError(
            "`searchsorted` only supports 1-D sorted sequences. "
            f"Received: sorted_sequence.shape={tuple(line.shape)}"
        )
    line, values = promote(line, values)
    column = _reshape(values, [*values.shape, 1])
    before = binary("lt" if side == "left" else "le", line, column)
    if is_float_dtype(standardize_dtype(line.dtype)):
        # NaN is above all numbers.
        above = unary("is_nan", column)
        if side == "left":
            above = binary("logical_and", above, unary("logical_not", unary("is_nan", line)))
        before = binary("logical_or", before, above)
    attrs = {"function": "sum", "axes": [values.ndim], "keepdims": False}
    return apply("reduce", attrs, [as_dtype(before, "int32")])


@operation
def digitize(x: Any, bins: Any) -> Any:
    """The number of bin edges that are at most x, as NumPy's `np.digitize` for ascending edges.

    Parameters
    ----------
    x : tensor
        Of any shape; NaN gives n.
    bins : tensor
        (n,), ascending.

    Returns
    -------
    int32 tensor
        The shape of x, numbers from 0 to n.

    Raises
    ------
    ValueError
        Bins that are not 1-D.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> digitize([0.5, 1.5], [0.0, 1.0]).tolist()
    [1, 2]
    """
    return searchsorted(bins, x, side="right")


@operation
def isin(x1: Any, x2: Any, assume_unique: bool = False, invert: bool = False) -> Any:
    """Whether each element of x1 is among those of x2, as NumPy's `np.isin`; NaN is in none.

    Parameters
    ----------
    x1 : tensor
        Of any shape, numbers or booleans.
    x2 : tensor
        Of any shape; brought to a common dtype with x1.
    assume_unique : bool
        Kept for NumPy's signature; has no effect. Default False.
    invert : bool
        Whether to turn the answers around. Default False.

    Returns
    -------
    bool tensor
        The shape of x1.

    Raises
    ------
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> isin([1, 2, 3], [2]).tolist()
    [False, True, False]
    """
    x1, x2 = promote(as_tensor(x1), as_tensor(x2))
    if standardize_dtype(x1.dtype) == "bool":
        x1, x2 = as_dtype(x1, "uint8"), as_dtype(x2, "uint8")
    same = binary("eq", _reshape(x1, [*x1.shape, 1]), ravel(x2))
    found = apply("reduce", {"function": "any", "axes": [x1.ndim], "keepdims": False}, [same])
    return apply("unary", {"function": "logical_not"}, [found]) if invert else found


@operation
def bincount(x: Any, weights: Any = None, minlength: int = 0, sparse: bool = False) -> Any:
    """How often each number from 0 occurs in x, or the sum of its weights, as NumPy's
    `np.bincount`.

    The rows of a 2-D x are counted apart. Inside a trace the length is `minlength`, which must then
    be above 0; numbers outside it, which are not known there, count nowhere.

    Parameters
    ----------
    x : integer tensor
        (n,) or (rows, n), numbers of 0 or more.
    weights : tensor, optional
        Of the shape of x.
    minlength : int
        The least length of the result. Default 0.
    sparse : bool
        Only False: there are no sparse tensors. Default False.

    Returns
    -------
    tensor
        (length,) or (rows, length); int32, or the common dtype of x and weights.

    Raises
    ------
    DataError
        A number below 0.
    DTypeError
        `x` holds no integers.
    ShapeError
        Neither 1 nor 2 axes, or weights of another size.
    ValueError
        `sparse`, or no `minlength` inside a trace.

    Examples
    --------
    >>> bincount([0, 2, 2]).tolist()
    [1, 0, 2]
    """
    if sparse:
        raise ValueError("bincount: there are no sparse tensors, `sparse` must be False")
    x = as_tensor(x)
    if not is_int_dtype(x.dtype) and standardize_dtype(x.dtype) != "bool":
        raise DTypeError(f"bincount: expected integers, got dtype {x.dtype}")
    if x.ndim not in (1, 2):
        raise ShapeError(f"bincount: expected 1 or 2 axes, got shape {tuple(x.shape)}")
    size = int(minlength)
    if not is_traced(x):
        if x.size and int(x.min()) < 0:
            raise DataError(f"bincount: expected numbers of 0 or more, got {int(x.min())}")
        size = max(size, int(x.max()) + 1 if x.size else 0)
    elif size <= 0:
        raise ValueError("bincount: `minlength` must be above 0 while tracing")
    if weights is None:
        weights, dtype = np.ones(x.shape, "int32"), "int32"
    else:
        weights = as_tensor(weights)
        dtype = result_type(x.dtype, weights.dtype)
    hits = apply("one_hot", {"depth": size, "dtype": "bool"}, [as_dtype(x, "int32")])
    weights = as_dtype(weights, dtype)
    column = _reshape(weights, [*x.shape, 1])
    counted = apply("select", {}, [hits, column, as_dtype(0, dtype)])
    return apply("reduce", {"function": "sum", "axes": [x.ndim - 1], "keepdims": False}, [counted])


@operation
def unravel_index(indices: Any, shape: Any) -> Any:
    """The index along each axis of row-major positions in `shape`, as NumPy's `np.unravel_index`.

    Negative positions count from the end; those beyond the shape wrap around.

    Parameters
    ----------
    indices : integer tensor
        Of any shape.
    shape : int or ints
        The sizes that positions run through.

    Returns
    -------
    tuple of tensors
        One for each size, of the shape and the dtype of `indices`.

    Raises
    ------
    DTypeError
        `indices` holds no numbers.

    Examples
    --------
    >>> [i.tolist() for i in unravel_index([3], (2, 2))]
    [[1], [1]]
    """
    flat = as_tensor(indices)
    dtype = standardize_dtype(flat.dtype)
    sizes = [int(n) for n in sequence(shape)]
    flat = _where(flat < 0, flat + math.prod(sizes), flat)
    found = []
    for n in reversed(sizes):
        found.append(binary("mod", flat, as_dtype(n, dtype)))
        flat = binary("floor_div", flat, as_dtype(n, dtype))
    return tuple(reversed(found))
