"""rearrange: axes split, reordered and joined, written with names."""

from __future__ import annotations

import math
import re
from typing import Any

from chainrule.base.errors import IndivisibleError, ShapeError
from chainrule.base.sizes import as_size, divides, is_size, may_be
from chainrule.ops.shaping import reshape, transpose
from chainrule.tracing.casting import as_tensor
from chainrule.tracing.recording import operation

__all__ = ["rearrange"]

_PART = re.compile(r"\s*(?:\(([^()]*)\)|(\w+))")


@operation
def rearrange(tensor: Any, pattern: str, **axes_lengths: int) -> Any:
    """The elements under other axes, which a pattern names; as Keras's `ops.rearrange`.

    `"b h w c -> b c h w"` reorders, `"b h w c -> b (h w c)"` joins, in row-major order, and
    `"b (h i) c -> b h i c"` splits an axis. (The notation of einops, Rogozhnikov 2022.)

    Parameters
    ----------
    tensor : tensor
        Of any shape and dtype.
    pattern : str
        A name for each axis before "->", and the same names after it; those in one pair of
        brackets stand for one axis.
    **axes_lengths : int
        Sizes of names that are split off; of those in one pair of brackets one may be missing.

    Returns
    -------
    tensor
        A size for each name or pair of brackets after "->", in the dtype of tensor.

    Raises
    ------
    ValueError
        A pattern that cannot be read, or whose sides differ in names; a length for no name of it.
    ShapeError
        Another number of axes, or lengths that do not fit their axis.
    DTypeError
        `tensor` holds no numbers.

    Examples
    --------
    >>> rearrange([[1, 2, 3, 4]], "b (h w) -> b w h", h=2).tolist()
    [[[1, 3], [2, 4]]]
    """
    sides = pattern.split("->")
    if len(sides) != 2:
        raise ValueError(f"rearrange: expected a pattern with one '->', got {pattern!r}")
    before, after = (_groups(side, pattern) for side in sides)
    names = [name for group in before for name in group]
    order = [name for group in after for name in group]
    if sorted(names) != sorted(order) or len(set(names)) != len(names):
        raise ValueError(
            f"rearrange: expected the same names on both sides, each once, got {pattern!r}"
        )
    unknown = sorted(set(axes_lengths) - set(names))
    if unknown:
        raise ValueError(f"rearrange: {pattern!r} has no axes named {unknown}")
    tensor = as_tensor(tensor)
    if tensor.ndim != len(before):
        raise ShapeError(
            f"rearrange: {pattern!r} names {len(before)} axes, got shape {tuple(tensor.shape)}"
        )
    sizes: dict[str, Any] = {}
    for group, size in zip(before, tensor.shape):
        sizes |= _split(group, size, axes_lengths, pattern)
    tensor = reshape(tensor, [sizes[name] for name in names])
    tensor = transpose(tensor, [names.index(name) for name in order])
    return reshape(tensor, [math.prod(sizes[name] for name in group) for group in after])


def _groups(side: str, pattern: str) -> list[list[str]]:
    """The names of each axis of one side."""
    side, groups, at = side.strip(), [], 0
    while at < len(side):
        found = _PART.match(side, at)
        if found is None:
            raise ValueError(f"rearrange: cannot read {side[at:].strip()!r} in the pattern {pattern!r}")
        joined, single = found.groups()
        groups.append([single] if joined is None else joined.split())
        at = found.end()
    return groups


def _split(group: list[str], size: Any, lengths: dict[str, int], pattern: str) -> dict[str, Any]:
    """The sizes of the names of one axis."""
    given = {name: lengths[name] for name in group if name in lengths}
    for name, length in given.items():
        if not is_size(length) or isinstance(length, bool) or length < 0:
            raise ValueError(f"rearrange: expected an int for `{name}`, got {length!r}")
    missing = [name for name in group if name not in given]
    if len(missing) > 1:
        raise ValueError(f"rearrange: {pattern!r} needs the length of one of {missing}")
    product = math.prod(as_size(length) for length in given.values())
    fits = divides(product, size) if missing else may_be(product, size)
    if not fits:
        raise IndivisibleError(
            f"rearrange: {pattern!r} with lengths {given} does not fit an axis of size {size}"
        )
    return {**given, **{name: size // product for name in missing}}
