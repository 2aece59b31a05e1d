"""Hashes of texts that are the same everywhere: FarmHash's Fingerprint64 and SipHash-2-4.

Both are computed for all texts of one length at once, in NumPy's wrapping 64-bit arithmetic.
Sources: FarmHash (Google, 2014; `farmhashna`, whose Fingerprint64 is fixed for good), and
Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["fingerprint64", "fingerprint_cat64", "siphash64"]

Array = NDArray[Any]
Pair = tuple[Array, Array]

_MASK = (1 << 64) - 1


def _u(value: int) -> Any:
    """A number of 64 bits; what it is added to wraps."""
    return np.uint64(value & _MASK)


_K0 = _u(0xC3A5C85C97CB3127)
_K1 = _u(0xB492B66FBE98F273)
_K2 = _u(0x9AE16A3B2F90404F)
# Of the mixing of two fingerprints.
_CAT = _u(0xC6A4A7935BD1E995)


def _by_length(texts: Sequence[bytes], hashed: Callable[[Array], Array]) -> Array:
    """`hashed` of each group of texts of one length, as bytes (texts, length)."""
    result = np.empty(len(texts), dtype=np.uint64)
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    order = np.argsort(lengths, kind="stable")
    ends = np.flatnonzero(np.diff(lengths[order])) + 1
    for rows in np.split(order, ends) if len(texts) else ():
        joined = b"".join([texts[i] for i in rows])
        result[rows] = hashed(np.frombuffer(joined, np.uint8).reshape(len(rows), -1))
    return result


def fingerprint64(texts: Sequence[bytes]) -> Array:
    """FarmHash's Fingerprint64 of each text, as uint64.

    Examples
    --------
    >>> [hex(h) for h in fingerprint64([b"", b"abc"]).tolist()]
    ['0x9ae16a3b2f90404f', '0x24a5b3a074e7f369']
    """
    return _by_length(texts, _farm)


def siphash64(texts: Sequence[bytes], key: tuple[int, int]) -> Array:
    """SipHash-2-4 of each text under a key of two 64-bit numbers, as uint64.

    Examples
    --------
    >>> key = (0x0706050403020100, 0x0F0E0D0C0B0A0908)
    >>> hex(siphash64([bytes(range(15))], key)[0])
    '0xa129ca6149be45e5'
    """
    return _by_length(texts, lambda rows: _sip(rows, key))


def fingerprint_cat64(first: Array, second: Array) -> Any:
    """One fingerprint of two, which depends on their order."""
    mixed = (first ^ _CAT) ^ (_shift_mix(second * _CAT) * _CAT)
    return _shift_mix(_shift_mix(mixed * _CAT) * _CAT)


def _words(rows: Array, at: int, size: int = 8) -> Array:
    """The little-endian numbers of `size` bytes that begin at byte `at` of each text."""
    dtype = "<u8" if size == 8 else "<u4"
    cut = np.ascontiguousarray(rows[:, at : at + size])
    return cut.view(dtype)[:, 0].astype(np.uint64)


def _rotate(x: Array, right: int) -> Any:
    return (x >> _u(right)) | (x << _u(64 - right))


def _shift_mix(x: Array) -> Any:
    return x ^ (x >> _u(47))


def _mix(u: Array, v: Array, mul: Any) -> Array:
    """Murmur-like hash of two words."""
    a = _shift_mix((u ^ v) * mul)
    return np.asarray(_shift_mix((v ^ a) * mul) * mul)


def _farm(rows: Array) -> Any:
    n = rows.shape[1]
    mul = _u(int(_K2) + 2 * n)
    if n == 0:
        return np.full(len(rows), _K2)
    if n < 4:
        a, b, c = (rows[:, i].astype(np.uint64) for i in (0, n >> 1, n - 1))
        y, z = a + (b << _u(8)), _u(n) + (c << _u(2))
        return _shift_mix((y * _K2) ^ (z * _K0)) * _K2
    if n < 8:
        first, last = _words(rows, 0, 4), _words(rows, n - 4, 4)
        return _mix(_u(n) + (first << _u(3)), last, mul)
    if n <= 16:
        a, b = _words(rows, 0) + _K2, _words(rows, n - 8)
        c = _rotate(b, 37) * mul + a
        return _mix(c, (_rotate(a, 25) + b) * mul, mul)
    if n <= 64:
        return _farm_to_64(rows, n, mul)
    return _farm_long(rows, n)


def _farm_to_64(rows: Array, n: int, mul: Any) -> Array:
    """17 to 64 bytes: the ends of the text, and from 33 bytes on what is between."""
    long = n > 32
    a = _words(rows, 0) * (_K2 if long else _K1)
    b = _words(rows, 8)
    c = _words(rows, n - 8) * mul
    d = _words(rows, n - 16) * _K2
    y = _rotate(a + b, 43) + _rotate(c, 30) + d
    z = _mix(y, a + _rotate(b + _K2, 18) + c, mul)
    if not long:
        return z
    e, f = _words(rows, 16) * mul, _words(rows, 24)
    g = (y + _words(rows, n - 32)) * mul
    h = (z + _words(rows, n - 24)) * mul
    return _mix(_rotate(e + f, 43) + _rotate(g, 30) + h, e + _rotate(f + a, 18) + g, mul)


def _weak(rows: Array, at: int, a: Array, b: Array) -> Pair:
    """A weak hash of 32 bytes with two seeds."""
    w, x, y, z = (_words(rows, at + 8 * i) for i in range(4))
    a = a + w
    b = _rotate(b + a + z, 21)
    c = a
    a = a + x + y
    return a + z, b + _rotate(a, 44) + c


def _farm_long(rows: Array, n: int) -> Array:
    """More than 64 bytes: a state of 56 bytes over blocks of 64, the last of which overlaps."""
    zero = np.zeros(len(rows), dtype=np.uint64)
    seed = 81
    x = zero + _u(seed * int(_K2)) + _words(rows, 0)
    y = zero + _u(seed * int(_K1) + 113)
    z = _shift_mix(y * _K2 + _u(113)) * _K2
    v, w = (zero, zero), (zero, zero)
    blocks = [*range(0, (n - 1) // 64 * 64, 64), n - 64]
    for at in blocks:
        last = at == blocks[-1]
        mul, nine = zero + _K1, _u(1)
        if last:
            mul, nine = _K1 + ((z & _u(0xFF)) << _u(1)), _u(9)
            w = (w[0] + _u((n - 1) & 63), w[1])
            v = (v[0] + w[0], v[1])
            w = (w[0] + v[0], w[1])
        x = _rotate(x + y + v[0] + _words(rows, at + 8), 37) * mul
        y = _rotate(y + v[1] + _words(rows, at + 48), 42) * mul
        x = x ^ (w[1] * nine)
        y = y + v[0] * nine + _words(rows, at + 40)
        z = _rotate(z + w[0], 33) * mul
        v = _weak(rows, at, v[1] * mul, x + w[0])
        w = _weak(rows, at + 32, z + w[1], y + _words(rows, at + 16))
        z, x = x, z
    first = _mix(v[0], w[0], mul) + _shift_mix(y) * _K0 + z
    return _mix(first, _mix(v[1], w[1], mul) + x, mul)


def _sip_round(v: list[Array]) -> None:
    v[0] = v[0] + v[1]
    v[2] = v[2] + v[3]
    v[1] = _rotate(v[1], 51) ^ v[0]
    v[3] = _rotate(v[3], 48) ^ v[2]
    v[0] = _rotate(v[0], 32)
    v[2] = v[2] + v[1]
    v[0] = v[0] + v[3]
    v[1] = _rotate(v[1], 47) ^ v[2]
    v[3] = _rotate(v[3], 43) ^ v[0]
    v[2] = _rotate(v[2], 32)


def _sip(rows: Array, key: tuple[int, int]) -> Any:
    n = rows.shape[1]
    # The text, zeros, and its length in the last byte of the last word.
    padded = np.zeros((len(rows), n // 8 * 8 + 8), dtype=np.uint8)
    padded[:, :n] = rows
    padded[:, -1] = n & 0xFF
    zero = np.zeros(len(rows), dtype=np.uint64)
    start = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)
    v = [zero + _u(word ^ key[i % 2]) for i, word in enumerate(start)]
    for at in range(0, padded.shape[1], 8):
        word = _words(padded, at)
        v[3] = v[3] ^ word
        _sip_round(v)
        _sip_round(v)
        v[0] = v[0] ^ word
    v[2] = v[2] ^ _u(0xFF)
    for _ in range(4):
        _sip_round(v)
    return v[0] ^ v[1] ^ v[2] ^ v[3]
