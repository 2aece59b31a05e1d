"""What the reference files of linear algebra share."""

from __future__ import annotations

import numpy as np

from chainrule.reference._arrays import Array


def turned(x: Array) -> Array:
    """Matrices with rows and columns exchanged."""
    return np.swapaxes(x, -1, -2)


def folded(x: Array) -> Array:
    """The gradient by the lower triangle, where an element stands for its mirror image too."""
    both = np.tril(x + turned(x))
    return np.asarray(both - np.tril(np.triu(both)) / 2)


def sign_of_largest(columns: Array) -> Array:
    """(..., 1, k): the sign of the largest element of each column, the first of equal ones."""
    place = np.argmax(np.abs(columns), axis=-2, keepdims=True)
    return np.where(np.take_along_axis(columns, place, axis=-2) < 0, -1.0, 1.0)


def by_differences(values: Array, x: Array) -> Array:
    """x_ij / (values_j - values_i), 0 where they are equal."""
    differences = values[..., None, :] - values[..., :, None]
    return np.where(differences == 0, 0.0, x / np.where(differences == 0, 1.0, differences))
