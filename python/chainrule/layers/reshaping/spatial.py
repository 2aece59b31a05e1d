"""What padding, cropping and up-sampling layers share: pairs of widths, the spatial axes."""

from __future__ import annotations

from typing import Any

from chainrule.layers.input_spec import InputSpec
from chainrule.layers.layer import Layer
from chainrule.layers.options import standardize_data_format

Pair = tuple[int, int]


def int_tuple(value: Any, n: int, name: str, smallest: int = 0) -> tuple[int, ...]:
    """`n` ints from one or from `n`; ValueError when one is below `smallest`."""
    message = f"The `{name}` argument must be a tuple of {n} integers. Received {name}={value}"
    values = (value,) * n if isinstance(value, int) else value
    if not hasattr(values, "__iter__") or isinstance(values, str):
        raise ValueError(message)
    values = tuple(values)
    if len(values) != n or not all(isinstance(v, int) for v in values):
        raise ValueError(message)
    low = {v for v in values if v < smallest}
    if low:
        bound = "value > 0" if smallest == 1 else f"value >= {smallest}"
        raise ValueError(f"{message}, including values {low} that do not satisfy `{bound}`")
    return values


def pairs(value: Any, n: int, name: str) -> tuple[Pair, ...]:
    """(before, after) for each of `n` axes, from an int, `n` ints or `n` pairs of ints.

    Raises
    ------
    ValueError
        For anything else, or negative widths.
    """
    if isinstance(value, int):
        if value < 0:
            raise ValueError(f"`{name}` cannot be negative. Received: {name}={value}.")
        return ((value, value),) * n
    if not hasattr(value, "__len__"):
        raise ValueError(
            f"`{name}` should be either an int, a tuple of {n} ints (one for both ends of each "
            f"axis), or a tuple of {n} tuples of 2 ints. Received: {name}={value}."
        )
    if len(value) != n:
        count = {2: "two", 3: "3"}[n]
        raise ValueError(f"`{name}` should have {count} elements. Received: {name}={value}.")
    ends = ("1st", "2nd", "3rd")
    return tuple(
        (pair[0], pair[1])
        for pair in (int_tuple(v, 2, f"{ends[i]} entry of {name}") for i, v in enumerate(value))
    )


class Spatial(Layer):
    """A layer on the axes between batch and channels; `rank` of them."""

    rank = 0

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def _axes(self) -> range:
        """The spatial axes of the input."""
        first = 2 if self.data_format == "channels_first" else 1
        return range(first, first + self.rank)
