"""Numbers that were computed twice, side by side, and the chain rule written out with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.examples.tour.page import table

__all__ = ["chain", "largest_difference", "side_by_side", "sum_of_ways"]

Array = npt.NDArray[Any]

# Two libraries may round exp differently in the last bit; products of a few such numbers agree to 15
# digits still.
TOLERANCE = 16 * float(np.finfo(np.float64).eps)


def _pairs(
    ours: Mapping[str, Any], theirs: Mapping[str, Any]
) -> Iterator[tuple[str, float, float]]:
    """Every number by its name; the entries of an array `w` are `w1`, `w2` or `w11`, `w12`."""
    if list(ours) != list(theirs):
        raise ValueError(f"expected the same names, got {list(ours)} and {list(theirs)}")
    for name in ours:
        a, b = np.asarray(ours[name]), np.asarray(theirs[name])
        if a.shape != b.shape:
            raise ValueError(f"{name}: expected shape {b.shape} as NumPy's, got {a.shape}")
        for place in np.ndindex(a.shape):
            yield name + "".join(str(i + 1) for i in place), float(a[place]), float(b[place])


def _relative(a: float, b: float) -> float:
    return abs(a - b) / abs(b) if b else abs(a)


def side_by_side(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> str:
    """A table of chainrule's numbers and NumPy's.

    Raises
    ------
    ArithmeticError
        Two differ by more than sixteen roundings of float64.

    Examples
    --------
    >>> print(side_by_side({"z": [0.5, -2.0]}, {"z": [0.5, -2.0]}))
    number           chainrule               NumPy  difference
    z1       0.500000000000000   0.500000000000000           0
    z2      -2.000000000000000  -2.000000000000000           0
    """
    pairs = list(_pairs(ours, theirs))
    for name, a, b in pairs:
        if not _relative(a, b) <= TOLERANCE:
            raise ArithmeticError(f"{name}: chainrule computes {a!r}, NumPy {b!r}")
    rows = [[name, f"{a:.15f}", f"{b:.15f}", f"{a - b:.1g}"] for name, a, b in pairs]
    return table(["number", "chainrule", "NumPy", "difference"], rows)


def largest_difference(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> float:
    """Of all numbers, relative to NumPy's."""
    return max(_relative(a, b) for _, a, b in _pairs(ours, theirs))


def chain(name: str, **slopes: float) -> str:
    """A product of slopes as a textbook writes it; `dL_da` stands for dL/da.

    Examples
    --------
    >>> print(chain("dL/dw", dL_da=0.5, da_dw=-4.0))
    dL/dw = dL/da * da/dw
          = 0.500000 * -4.000000
          = -2.000000
    """
    return sum_of_ways(name, slopes)


def sum_of_ways(name: str, *ways: Mapping[str, float]) -> str:
    """The same where several ways lead to the loss: a product of slopes for each, added.

    Examples
    --------
    >>> print(sum_of_ways("dL/dx", {"dL_da": 0.5, "da_dx": -4.0}, {"dL_db": 1.0, "db_dx": 3.0}))
    dL/dx = dL/da * da/dx + dL/db * db/dx
          = 0.500000 * -4.000000 + 1.000000 * 3.000000
          = 1.000000
    """
    lines = [
        " + ".join(" * ".join(slope.replace("_", "/") for slope in way) for way in ways),
        " + ".join(" * ".join(f"{value:.6f}" for value in way.values()) for way in ways),
        f"{sum(np.prod(list(way.values())) for way in ways):.6f}",
    ]
    return "\n".join(f"{'' if i else name:{len(name)}} = {line}" for i, line in enumerate(lines))
