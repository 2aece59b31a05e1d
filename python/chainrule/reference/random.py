"""y = Philox4x32-10(seed, element index), as uniform, normal, truncated_normal or raw bits

no gradient

Shapes: seed uint32 (2,), y attrs["shape"]. Element i takes word i % 4 of the block with the counter
i // 4 and the key seed. uniform is u in [0, 1): the upper 24 bits for float32; 53 bits of the words
2 i (low) and 2 i + 1 (high) for float64. normal is sqrt(2) erfinv(2 v - 1) with v the middle of u's
cell, so that no end is hit; truncated_normal puts v between Phi(-2) and Phi(2), which cuts at two
standard deviations.
Source: Salmon, Moraes, Dror and Shaw, Parallel Random Numbers: As Easy as 1, 2, 3, 2011.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs
from chainrule.reference.unary import erfinv

MASK = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)
MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
WEYL = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10


def words(seed: Array, count: int) -> Array:
    """The first `count` 32-bit words of the stream of a seed, in uint64."""
    blocks: Array = np.arange((count + 3) // 4, dtype=np.uint64)
    zero: Array = np.zeros_like(blocks)
    c0, c1, c2, c3 = blocks & MASK, blocks >> HALF, zero, zero
    key0, key1 = int(seed[0]), int(seed[1])
    for _ in range(ROUNDS):
        product0, product1 = MULTIPLIERS[0] * c0, MULTIPLIERS[1] * c2
        c0, c1, c2, c3 = (
            (product1 >> HALF) ^ c1 ^ np.uint64(key0),
            product1 & MASK,
            (product0 >> HALF) ^ c3 ^ np.uint64(key1),
            product0 & MASK,
        )
        key0, key1 = (key0 + WEYL[0]) & 0xFFFFFFFF, (key1 + WEYL[1]) & 0xFFFFFFFF
    return np.ravel(np.stack([c0, c1, c2, c3], axis=1))[:count]


def _cells(seed: Array, count: int, dtype: str) -> tuple[Array, int]:
    """Whole numbers k below 2**bits, equally likely, and bits."""
    if np.dtype(dtype) == np.float32:
        return words(seed, count) >> np.uint64(8), 24
    pairs = words(seed, 2 * count).reshape(count, 2)
    return ((pairs[:, 1] << HALF) | pairs[:, 0]) >> np.uint64(11), 53


def uniform(seed: Array, count: int, dtype: str) -> Array:
    """u = k / 2**bits"""
    k, bits = _cells(seed, count, dtype)
    return np.asarray(k * 2.0**-bits, np.float64)


def _centred(seed: Array, count: int, dtype: str) -> Array:
    """2 v - 1 with v = (k + 1/2) / 2**bits: an odd number over 2**bits, exact in float64."""
    k, bits = _cells(seed, count, dtype)
    odd = 2 * k.astype(np.int64) + 1 - 2**bits
    return np.asarray(odd * 2.0**-bits, np.float64)


def normal(seed: Array, count: int, dtype: str) -> Array:
    """sqrt(2) * erfinv(2 v - 1)"""
    return math.sqrt(2) * erfinv(_centred(seed, count, dtype))


def truncated_normal(seed: Array, count: int, dtype: str) -> Array:
    """Phi(2) - Phi(-2) = erf(sqrt(2)), so the centred v is shrunk by that."""
    return math.sqrt(2) * erfinv(math.erf(math.sqrt(2)) * _centred(seed, count, dtype))


FUNCTIONS: dict[str, tuple[Callable[[Array, int, str], Array], None]] = {
    "uniform": (uniform, None),
    "normal": (normal, None),
    "truncated_normal": (truncated_normal, None),
    "bits": (lambda seed, count, dtype: words(seed, count), None),
}


def forward(attrs: Attrs, seed: Array) -> Array:
    """y = the first elements of the seed's stream, in row-major order"""
    shape = tuple(attrs["shape"])
    draw = FUNCTIONS[attrs["distribution"]][0]
    return draw(seed, math.prod(shape), attrs["dtype"]).astype(attrs["dtype"]).reshape(shape)


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """A seed is an integer."""
    return (None,)
