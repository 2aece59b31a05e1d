from __future__ import annotations

from tests.fusions import Chain, Fused


def _normalised(c: Chain) -> list[int]:
    x, gamma, beta = c.input(40, 3, 5), c.input(5), c.input(5)
    y, mean, variance = c.push("batch_norm", {"epsilon": 1e-3}, x, gamma, beta)
    return [c.f("relu", y), mean, variance]


ROWS = [Fused("with-relu", _normalised), Fused("alone", lambda c: _normalised(c)[:1])]
