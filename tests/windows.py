"""Attributes of ops that slide a window over images, and how hypothesis draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

Ints = int | Sequence[int]


def each(value: Ints, n: int) -> list[int]:
    """`n` ints from one or from `n`."""
    return [value] * n if isinstance(value, int) else list(value)


def convolution(
    rank: int, strides: Ints = 1, padding: Ints = 0, dilations: Ints = 1, groups: int = 1
) -> dict[str, Any]:
    """The attributes that the three conv ops share; one int stands for all axes and ends."""
    return {
        "strides": each(strides, rank),
        "padding": each(padding, 2 * rank),
        "dilations": each(dilations, rank),
        "groups": groups,
    }


@dataclass(frozen=True)
class Windows:
    """A drawn convolution: its attributes and the sizes of image, kernel and output."""

    attrs: dict[str, Any]
    sizes: tuple[int, ...]
    kernel: tuple[int, ...]
    outputs: tuple[int, ...]


def draw_windows(data: st.DataObject) -> Windows:
    """1 to 3 axes with a stride, a dilation, paddings and a kernel that fits, and groups."""
    rank = data.draw(st.integers(1, 3), label="spatial axes")
    most = 3 if rank < 3 else 2

    def ints(low: int, high: int, n: int, label: str) -> list[int]:
        return data.draw(st.lists(st.integers(low, high), min_size=n, max_size=n), label=label)

    strides, dilations = ints(1, 3, rank, "strides"), ints(1, 3, rank, "dilations")
    padding, kernel = ints(0, 3, 2 * rank, "padding"), ints(1, most, rank, "kernel")
    wanted, left_over = ints(1, most, rank, "outputs"), ints(0, 2, rank, "left over")
    sizes, outputs = [], []
    for axis in range(rank):
        ends = padding[2 * axis] + padding[2 * axis + 1]
        reach = (kernel[axis] - 1) * dilations[axis] + 1
        covered = (wanted[axis] - 1) * strides[axis] + reach - ends
        size = max(covered + left_over[axis], 1)
        sizes.append(size)
        outputs.append((size + ends - reach) // strides[axis] + 1)
    groups = data.draw(st.sampled_from([1, 1, 2, 3]), label="groups")
    attrs = convolution(rank, strides, padding, dilations, groups)
    return Windows(attrs, tuple(sizes), tuple(kernel), tuple(outputs))
