"""Several tensors into one, and one into several."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.base.errors import IndivisibleError, ShapeError
from chainrule.base.loading import take_elements
from chainrule.base.sizes import as_size, at_least, at_most, divides
from chainrule.ops._common import block, normalize_axis
from chainrule.ops.shaping import expand_dims, ravel
from chainrule.tracing.casting import as_tensor, promote
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation

__all__ = [
    "append", "array_split", "concatenate", "dsplit", "dstack", "hsplit", "hstack", "split",
    "stack", "vsplit", "vstack",
]  # fmt: skip


@operation
def concatenate(xs: Any, axis: int | None = 0) -> Any:
    """The tensors one after the other along `axis`, as NumPy's `np.concatenate`.

    Parameters
    ----------
    xs : list of tensors
        Of one shape but for `axis`; brought to their common dtype.
    axis : int or None
        Along which. None flattens them first. Default 0.

    Returns
    -------
    tensor
        The shape of one, with the sum of the sizes along `axis`; in the common dtype.

    Raises
    ------
    ShapeError
        No tensors, sizes that differ along another axis, or an axis that is not there.
    DTypeError
        A tensor that holds no numbers.

    Examples
    --------
    >>> concatenate([[1, 2], [3]]).tolist()
    [1, 2, 3]
    """
    tensors = promote(*(as_tensor(x) for x in xs))
    if not tensors:
        raise ShapeError("concatenate: expected at least one tensor, got none")
    if axis is None:
        tensors, axis = [ravel(t) for t in tensors], 0
    axis = normalize_axis(axis, tensors[0].ndim, "concatenate")
    return tensors[0] if len(tensors) == 1 else apply("concat", {"axis": axis}, tensors)


@operation
def stack(x: Any, axis: int = 0) -> Any:
    """The tensors side by side along a new axis, as NumPy's `np.stack`.

    Parameters
    ----------
    x : list of tensors
        At least one, all of one shape; brought to their common dtype.
    axis : int
        Where the new axis stands in the result. Default 0.

    Returns
    -------
    tensor
        Their shape with their number at `axis`, in the common dtype.

    Raises
    ------
    ShapeError
        No tensors, shapes that differ, or an axis that the result does not have.
    DTypeError
        A tensor that holds no numbers.

    Examples
    --------
    >>> stack([[1, 2], [3, 4]], axis=1).tolist()
    [[1, 3], [2, 4]]
    """
    tensors = promote(*(as_tensor(t) for t in x))
    shapes = {tuple(t.shape) for t in tensors}
    if not tensors:
        raise ShapeError("stack: expected at least one tensor, got none")
    if len(shapes) > 1:
        raise ShapeError(f"stack: expected tensors of one shape, got {sorted(shapes)}")
    place = normalize_axis(axis, len(shapes.pop()) + 1, "stack")
    return concatenate([expand_dims(t, place) for t in tensors], place)


def _at_least(x: Any, rank: int) -> Any:
    x = as_tensor(x)
    if rank == 3 and x.ndim == 2:
        return expand_dims(x, 2)
    if rank == 3 and x.ndim == 1:
        return expand_dims(x, (0, 2))
    return expand_dims(x, tuple(range(rank - x.ndim))) if x.ndim < rank else x


def _all_at_least(xs: Any, rank: int, op: str) -> list[Any]:
    tensors = [_at_least(x, rank) for x in xs]
    if not tensors:
        raise ShapeError(f"{op}: expected at least one tensor, got none")
    return tensors


@operation
def vstack(xs: Any) -> Any:
    """Tensors below each other, 1-D ones as rows, others along axis 0; as NumPy's `np.vstack`.

    Parameters
    ----------
    xs : list of tensors
        Of one shape but for axis 0; scalars become (1, 1).

    Returns
    -------
    tensor
        Of two axes or more, in the common dtype.

    Raises
    ------
    ShapeError
        No tensors, or sizes that differ along another axis.
    DTypeError
        A tensor that holds no numbers.

    Examples
    --------
    >>> vstack([[1, 2], [3, 4]]).tolist()
    [[1, 2], [3, 4]]
    """
    return concatenate(_all_at_least(xs, 2, "vstack"), 0)


@operation
def hstack(xs: Any) -> Any:
    """Tensors beside each other, 1-D ones along axis 0, others along axis 1; as NumPy's
    `np.hstack`.

    Parameters
    ----------
    xs : list of tensors
        At least one, of one shape but for that axis; scalars become (1,).

    Returns
    -------
    tensor
        Of one axis or more, in the common dtype.

    Raises
    ------
    ShapeError
        No tensors, or sizes that differ along another axis.
    DTypeError
        A tensor that holds no numbers.

    Examples
    --------
    >>> hstack([[1, 2], [3]]).tolist()
    [1, 2, 3]
    """
    tensors = _all_at_least(xs, 1, "hstack")
    return concatenate(tensors, 0 if tensors[0].ndim == 1 else 1)


@operation
def dstack(xs: Any) -> Any:
    """Tensors behind each other, along axis 2; as NumPy's `np.dstack`.

    Parameters
    ----------
    xs : list of tensors
        Of one shape but for axis 2; (n,) becomes (1, n, 1) and (m, n) becomes (m, n, 1).

    Returns
    -------
    tensor
        Of three axes or more, in the common dtype.

    Raises
    ------
    ShapeError
        No tensors, or sizes that differ along another axis.
    DTypeError
        A tensor that holds no numbers.

    Examples
    --------
    >>> dstack([[1, 2], [3, 4]]).tolist()
    [[[1, 3], [2, 4]]]
    """
    return concatenate(_all_at_least(xs, 3, "dstack"), 2)


@operation
def append(x1: Any, x2: Any, axis: int | None = None) -> Any:
    """x2 after x1 along `axis`, as NumPy's `np.append`.

    Parameters
    ----------
    x1, x2 : tensor
        Of one shape but for `axis`; brought to their common dtype.
    axis : int or None
        Along which. Default None: both flattened.

    Returns
    -------
    tensor
        The shape of one, with the sum of the sizes along `axis`; in the common dtype.

    Raises
    ------
    ShapeError
        Sizes that differ along another axis, or an axis that is not there.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> append([1, 2], [3]).tolist()
    [1, 2, 3]
    """
    return concatenate([x1, x2], axis)


def _cut(x: Any, cuts: list[int], axis: int) -> list[Any]:
    n = x.shape[axis]
    ends = [at_most(c if c >= 0 else at_least(n + c, 0), n) for c in cuts]
    bounds = [0, *ends, n]
    return [block(x, axis, a, at_least(b, a)) for a, b in zip(bounds, bounds[1:])]


@operation
def split(x: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """x cut along `axis` into equal parts, or before each index; as NumPy's `np.split`.

    Parameters
    ----------
    x : tensor
        Of one axis or more, any dtype.
    indices_or_sections : int or ints
        How many equal parts, or the indices before which x is cut.
    axis : int
        Along which. Default 0.

    Returns
    -------
    list of tensors
        The parts in order along the axis, in the dtype of x.

    Raises
    ------
    ShapeError
        A number of parts that does not divide the axis, or an axis that `x` does not have.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> [part.tolist() for part in split([1, 2, 3, 4], 2)]
    [[1, 2], [3, 4]]
    """
    x = as_tensor(x)
    axis = normalize_axis(axis, x.ndim, "split")
    if not isinstance(indices_or_sections, (int, np.integer)):
        return _cut(x, [as_size(i) for i in indices_or_sections], axis)
    parts, n = int(indices_or_sections), x.shape[axis]
    if parts < 1 or not divides(parts, n):
        raise IndivisibleError(
            f"split: axis {axis} of shape {tuple(x.shape)} is not divisible into {parts} parts",
        )
    return _cut(x, [n // parts * i for i in range(1, parts)], axis)


@operation
def array_split(x: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """As `split`, where the first parts may be one longer than the last; as NumPy's
    `np.array_split`.

    Parameters
    ----------
    x : tensor
        Of one axis or more, any dtype.
    indices_or_sections : int or ints
        How many parts, or the indices before which x is cut.
    axis : int
        Along which. Default 0.

    Returns
    -------
    list of tensors
        The parts in order, along `axis` of sizes that differ by 1 at most; in the dtype of x.

    Raises
    ------
    ShapeError
        An axis that `x` does not have.
    ValueError
        Fewer than 1 part.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> [part.tolist() for part in array_split([1, 2, 3], 2)]
    [[1, 2], [3]]
    """
    x = as_tensor(x)
    axis = normalize_axis(axis, x.ndim, "array_split")
    if not isinstance(indices_or_sections, (int, np.integer)):
        return _cut(x, [as_size(i) for i in indices_or_sections], axis)
    parts, n = int(indices_or_sections), x.shape[axis]
    take_elements("array_split", parts)
    if parts < 1:
        raise ValueError(f"array_split: expected at least 1 part, got {parts}")
    return _cut(x, [n // parts * i + at_most(i, n % parts) for i in range(1, parts)], axis)


@operation
def vsplit(x: Any, indices_or_sections: Any) -> list[Any]:
    """`split` along axis 0, as NumPy's `np.vsplit`.

    Parameters
    ----------
    x : tensor
        Of two axes or more, any dtype.
    indices_or_sections : int or ints
        How many equal parts, or the indices before which x is cut.

    Returns
    -------
    list of tensors
        The parts in order along the axis, in the dtype of x.

    Raises
    ------
    ShapeError
        Fewer than two axes, or a number of parts that does not divide axis 0.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> [part.tolist() for part in vsplit([[1], [2]], 2)]
    [[[1]], [[2]]]
    """
    return _split_axis(x, indices_or_sections, 0, 2)


@operation
def hsplit(x: Any, indices_or_sections: Any) -> list[Any]:
    """`split` along axis 1, or along axis 0 of a 1-D tensor; as NumPy's `np.hsplit`.

    Parameters
    ----------
    x : tensor
        Of one axis or more, any dtype.
    indices_or_sections : int or ints
        How many equal parts, or the indices before which x is cut.

    Returns
    -------
    list of tensors
        The parts in order along the axis, in the dtype of x.

    Raises
    ------
    ShapeError
        A scalar, or a number of parts that does not divide the axis.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> [part.tolist() for part in hsplit([1, 2], 2)]
    [[1], [2]]
    """
    return _split_axis(x, indices_or_sections, 0 if as_tensor(x).ndim == 1 else 1, 1)


@operation
def dsplit(x: Any, indices_or_sections: Any) -> list[Any]:
    """`split` along axis 2, as NumPy's `np.dsplit`.

    Parameters
    ----------
    x : tensor
        Of three axes or more, any dtype.
    indices_or_sections : int or ints
        How many equal parts, or the indices before which x is cut.

    Returns
    -------
    list of tensors
        The parts in order along the axis, in the dtype of x.

    Raises
    ------
    ShapeError
        Fewer than three axes, or a number of parts that does not divide axis 2.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> [part.tolist() for part in dsplit([[[1, 2]]], 2)]
    [[[[1]]], [[[2]]]]
    """
    return _split_axis(x, indices_or_sections, 2, 3)


def _split_axis(x: Any, sections: Any, axis: int, rank: int) -> list[Any]:
    x = as_tensor(x)
    if x.ndim < rank:
        raise ShapeError(f"expected at least {rank} axes to split, got shape {tuple(x.shape)}")
    parts: list[Any] = split(x, sections, axis)
    return parts
