from __future__ import annotations

from tests.fusions import MEAN, Chain, Fused, Left, pool

OVERLAPPING = {"function": "max", "window": [3, 3], "strides": [1, 1], "padding": [1, 1, 1, 1]}


def _partial(c: Chain) -> list[int]:
    _, dy = pool(c, c.input(4, 6, 6, 3))
    return c.push("reduce", {"function": "sum", "axes": [0, 1], "keepdims": False}, dy)


ROWS = [
    Fused("max", lambda c: [c.sum(pool(c, c.input(4, 6, 6, 3))[1])], exact=False),
    Fused("mean", lambda c: [c.sum(pool(c, c.input(4, 6, 6, 3), MEAN)[1])], exact=False),
    Fused("overlap", lambda c: [c.sum(pool(c, c.input(4, 6, 6, 3), OVERLAPPING)[1])], exact=False),
    Left("some-axes", _partial),
    Left("of-images", lambda c: [c.sum(c.input(4, 6, 6, 3))]),
]
