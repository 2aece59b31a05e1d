"""Lengths that a transform treats each in its own way."""

from __future__ import annotations

from tests.rows import Spec, integers

# Nothing, every radix, sums over a prime, and chirps (37, 74), with and without an even half.
LENGTHS = (1, 2, 3, 4, 5, 6, 7, 8, 15, 31, 37, 60, 62, 74, 128)
# Leading axes: none, rows alone, several rows at once, those that are left over.
LEADING = ((), (5,), (67,), (2, 1, 34))
LAYOUTS = ("F", "every_other", "backwards", "read_only")
INTS = Spec((3, 4), integers(0, 3), "int32")
