"""What windows over images share: ints for each axis, paddings, sizes, and the place of channels.

A spatial axis is one between the batch and the channels. The core knows channels last only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.base import config
from chainrule.base.errors import ShapeError
from chainrule.base.sizes import at_least
from chainrule.ops.shaping import moveaxis
from chainrule.tracing.casting import as_tensor

MOST_AXES = 3


def per_axis(op: str, name: str, value: Any, rank: int, smallest: int = 1) -> list[int]:
    """`rank` ints from one or from `rank`.

    Raises
    ------
    ValueError
        For another number of them, something that is no int, or one below `smallest`.
    """
    values = list(value) if isinstance(value, (list, tuple)) else [value] * rank
    if len(values) != rank or not all(
        isinstance(v, (int, np.integer)) and not isinstance(v, bool) and v >= smallest
        for v in values
    ):
        raise ValueError(
            f"{op}: expected `{name}` of {rank} ints >= {smallest}, or one for all, got {value!r}"
        )
    return [int(v) for v in values]


def reach(window: int, dilation: int) -> int:
    """How many elements lie between the ends of a dilated window, both ends included."""
    return (window - 1) * dilation + 1


def explicit_padding(
    padding: str,
    sizes: Sequence[int],
    windows: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
) -> list[int]:
    """The zeros [lo, hi, lo, hi, ...] that a named padding stands for.

    "valid": none. "same": so many that there are ceil(size / stride) outputs, half of them before
    and, where the number is odd, one more after. "causal": all before, so that an output sees no
    element after its own.

    Examples
    --------
    >>> explicit_padding("same", [7], [4], [2], [1])
    [1, 2]
    """
    found: list[int] = []
    for n, k, s, d in zip(sizes, windows, strides, dilations, strict=True):
        total = 0
        if padding == "same":
            total = at_least((-(-n // s) - 1) * s + reach(k, d) - n, 0)
        elif padding == "causal":
            total = reach(k, d) - 1
        before = total if padding == "causal" else total // 2
        found += [before, total - before]
    return found


def check_padding(op: str, padding: Any, known: Sequence[str]) -> str:
    """The name of a padding in lower case.

    Raises
    ------
    ValueError
        For one that is not known.
    """
    name = padding.lower() if isinstance(padding, str) else padding
    if name not in known:
        raise ValueError(f"{op}: expected `padding` to be one of {tuple(known)}, got {padding!r}")
    return str(name)


def output_size(size: int | None, window: int, stride: int, dilation: int, padding: str) -> int | None:
    """The number of windows along an axis; `None` where the size is not known.

    Examples
    --------
    >>> output_size(7, 3, 2, 1, "valid"), output_size(7, 3, 2, 1, "same")
    (3, 4)
    """
    if size is None:
        return None
    if padding == "valid":
        return (size - reach(window, dilation)) // stride + 1
    return -(-size // stride)


def spatial_rank(x: Any, op: str, name: str = "inputs") -> int:
    """The number of spatial axes of a tensor.

    Raises
    ------
    ShapeError
        When there are none, or more than three.
    """
    rank: int = x.ndim - 2
    if not 1 <= rank <= MOST_AXES:
        raise ShapeError(
            f"{op}: expected `{name}` with a batch, 1 to {MOST_AXES} spatial axes and channels, "
            f"got shape {tuple(x.shape)}"
        )
    return rank


def channels_last(x: Any, data_format: str | None) -> tuple[Any, bool]:
    """The tensor with its channels last, and whether they were first."""
    x = as_tensor(x)
    first = config.standardize_data_format(data_format) == "channels_first"
    return (moveaxis(x, 1, -1) if first and x.ndim > 2 else x), first


def channels_back(x: Any, first: bool) -> Any:
    """The channels where they were before `channels_last`."""
    return moveaxis(x, -1, 1) if first else x
