from __future__ import annotations

from tests.fusions import MEAN, Chain, Fused, Left, pool


def _masked(c: Chain, y: int, dy: int, by: str = "gt") -> int:
    zero = c.constant(0.0)
    return c.push("select", {}, c.f(by, y, zero), dy, zero)[0]


def _backward(c: Chain) -> list[int]:
    y = c.f("relu", c.input(3, 8, 8, 2))
    return [_masked(c, y, pool(c, y)[1])]


def _twice(c: Chain) -> list[int]:
    y = c.f("relu", c.input(3, 8, 8, 2))
    p, _ = pool(c, y)
    _, dp = pool(c, p)
    attrs = {"function": "max", "window": [2, 2], "strides": [2, 2], "padding": [0, 0, 0, 0]}
    (dy,) = c.push("pool_grad", attrs, y, p, dp)
    return [_masked(c, y, dy)]


def _read_twice(c: Chain) -> list[int]:
    y = c.f("relu", c.input(3, 8, 8, 2))
    _, dy = pool(c, y)
    return [_masked(c, y, dy), dy]


def _other(c: Chain) -> list[int]:
    y, other = c.f("relu", c.input(3, 8, 8, 2)), c.input(3, 8, 8, 2)
    return [_masked(c, other, pool(c, y)[1])]


def _mean(c: Chain) -> list[int]:
    y = c.f("relu", c.input(3, 8, 8, 2))
    return [_masked(c, y, pool(c, y, MEAN)[1])]


def _below(c: Chain) -> list[int]:
    y = c.f("relu", c.input(3, 8, 8, 2))
    return [_masked(c, y, pool(c, y)[1], "ge")]


ROWS = [
    Fused("backward", _backward),
    Fused("two-pools", _twice),
    Left("read-twice", _read_twice, "read without the mask"),
    Left("another-mask", _other),
    Left("mean", _mean),
    Left("another-comparison", _below),
]
