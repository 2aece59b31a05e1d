from __future__ import annotations

from tests.fusions import MAX, MEAN, Chain, Fused, Left, pool

OVERLAPPING = {**MAX, "window": [3, 3]}


def _given(c: Chain) -> list[int]:
    y, p, dp = c.input(2, 4, 4, 3), c.input(2, 2, 2, 3), c.input(2, 2, 2, 3)
    return c.push("pool_grad", MAX, y, p, dp)


def _backward(c: Chain) -> list[int]:
    y = c.input(3, 8, 8, 2)
    p, dy = pool(c, y)
    return [p, dy]


ROWS = [
    Fused("backward", _backward),
    Fused("gradient-alone", lambda c: _backward(c)[1:]),
    Left("mean", lambda c: [pool(c, c.input(3, 8, 8, 2), MEAN)[1]]),
    Left("overlapping", lambda c: [pool(c, c.input(3, 9, 9, 2), OVERLAPPING)[1]], "window"),
    Left("maxima-from-elsewhere", _given),
]
