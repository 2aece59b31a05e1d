from __future__ import annotations

import numpy as np

from tests.fusions import Chain, Fused, Left

RATES = {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}


def _table(
    c: Chain, ids: np.ndarray, shape: tuple[int, ...] = (70, 12), axis: int = 0, **rates: float
) -> tuple[list[int], int]:
    """The new states, and the gradient. The averages of most rows are 0, one of them -0."""
    w, m, v = (c.rng.normal(size=shape) for _ in range(3))
    m[len(m) // 2 :], v[len(v) // 2 :] = 0, 0
    m[-1, ..., -1], w[-2] = -0.0, -0.0
    x = c.rng.normal(size=(*shape[:axis], *ids.shape, *shape[axis + 1 :]))
    x[..., 0] = -0.0
    attrs = {"axis": axis, "size": shape[axis]}
    (g,) = c.push("scatter_add", attrs, c.fed(x), c.fed(ids, "int64"))
    states = [c.fed(w), g, c.fed(m), c.fed(np.square(v)), c.fed(np.array(rates.pop("alpha", 1e-3)))]
    return c.push("adam", {**RATES, **rates}, *states), g


def _ids(c: Chain, *shape: int, rows: int = 70) -> np.ndarray:
    return c.rng.integers(-rows, rows, shape)


def _rows(*shape: int, **more: float):
    return lambda c: _table(c, _ids(c, *shape), **more)[0]


ROWS = [
    Fused("tokens", _rows(5, 9)),
    Fused("one", _rows()),
    Fused("none", _rows(0)),
    Fused("many", lambda c: _table(c, _ids(c, 3000, rows=40), (40, 33))[0]),
    Fused("large", lambda c: _table(c, _ids(c, 4, 100, rows=6000), (6000, 17))[0]),
    Fused("deep", lambda c: _table(c, _ids(c, 6, rows=9), (9, 3, 4))[0]),
    Fused("no-rate", _rows(5, alpha=0.0)),
    *(Fused(f"alpha-{a}", _rows(5, alpha=a)) for a in (-1.0, -0.0, float("inf"), float("nan"))),
    Fused("no-epsilon", _rows(5, epsilon=0.0)),
    Left("read-elsewhere", lambda c: [*(made := _table(c, _ids(c, 5)))[0], made[1]], "elsewhere"),
    Left("narrow", lambda c: _table(c, _ids(c, 5), (70, 7))[0], "narrow"),
    Left("columns", lambda c: _table(c, _ids(c, 5, rows=12), axis=1)[0]),
]
