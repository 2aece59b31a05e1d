"""Matrices that the ops of linear algebra are asked about."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.rows import Array, draw_array


# One number, square, tall, wide, vectors, batches, none.
SHAPES = ((1, 1), (4, 4), (5, 3), (3, 5), (1, 4), (4, 1), (2, 3, 4, 4), (2, 3, 2), (0, 2, 2))


def _orthogonal(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """The orthonormal columns of QR, or rows where there are fewer."""
    m, n = shape[-2:]
    normal = rng.standard_normal((*shape[:-2], max(m, n), min(m, n)))
    q = np.linalg.qr(normal)[0]
    return q if m >= n else np.swapaxes(q, -1, -2)


def separated(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Singular values 1, 1.5, 2, ...: a condition that is known, and vectors that are determined."""
    m, n = shape[-2:]
    k = min(m, n)
    values = 1 + np.arange(k) / 2
    lead = shape[:-2]
    left, right = _orthogonal(rng, (*lead, m, k)), _orthogonal(rng, (*lead, k, n))
    return left * values @ right


def positive(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Symmetric, with the eigenvalues 1, 1.5, 2, ..."""
    q = _orthogonal(rng, shape)
    return q * (1 + np.arange(shape[-1]) / 2) @ np.swapaxes(q, -1, -2)


def symmetric(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """With the eigenvalues 1, 1.5, ... less the middle one's, of both signs."""
    n = shape[-1]
    return positive(rng, shape) - (0.9 + n / 4) * np.eye(n)


def triangular(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Small numbers off a diagonal of 1 to 2; both triangles are there."""
    n = shape[-1]
    diagonal = np.eye(n) * rng.uniform(1, 2, (*shape[:-1], 1))
    return 0.3 * rng.standard_normal(shape) * (1 - np.eye(n)) + diagonal


def nearly_one(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Identity matrices, and small numbers: a triangle of a known condition."""
    return np.eye(shape[-1]) + rng.standard_normal(shape) / shape[-1]


def draw_matrix(
    data: st.DataObject, kind, square: bool = False, lead: tuple[int, ...] | None = None
) -> Array:
    """A batch of matrices of one of the kinds above, in a drawn memory layout."""
    if lead is None:
        lead = tuple(data.draw(st.lists(st.integers(1, 3), max_size=2), label="batch"))
    m = data.draw(st.integers(1, 4), label="rows")
    n = m if square else data.draw(st.integers(1, 4), label="columns")
    return draw_array(data, (*lead, m, n), kind)
