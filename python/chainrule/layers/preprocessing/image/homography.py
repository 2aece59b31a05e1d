"""The projective map that takes four points to four others."""

from __future__ import annotations

from typing import Any

from chainrule import ops


def homography(start: Any, end: Any) -> Any:
    """(N, 8) transforms under which the points `end` show what is at the points `start`.

    Parameters
    ----------
    start, end : tensor
        (N, 4, 2): x and y of the corners upper left, upper right, lower left and lower right.

    Notes
    -----
    Heckbert 1989, Fundamentals of texture mapping and image warping, section 2.2.3: the map from
    the unit square to a quadrilateral in closed form, here for `start`, after the inverse of the
    one for `end`.

    Examples
    --------
    >>> import numpy as np
    >>> start = np.array([[[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]])
    >>> homography(start, 2.0 * start).tolist()
    [[0.5, 0.0, 0.0, 0.0, 0.5, 0.0, 0.0, 0.0]]
    """
    a, b, c, d, e, f, g, h, i = _product(_from_square(start), _adjugate(_from_square(end)))
    return ops.stack([x / i for x in (a, b, c, d, e, f, g, h)], axis=1)


def _from_square(points: Any) -> list[Any]:
    """The nine numbers, row by row, of the map from the unit square to the quadrilateral."""
    x, y = ([points[:, k, axis] for k in range(4)] for axis in (0, 1))
    right = x[1] - x[3], y[1] - y[3]
    below = x[2] - x[3], y[2] - y[3]
    bend = x[0] - x[1] - x[2] + x[3], y[0] - y[1] - y[2] + y[3]
    scale = right[0] * below[1] - below[0] * right[1]
    g = (bend[0] * below[1] - below[0] * bend[1]) / scale
    h = (right[0] * bend[1] - bend[0] * right[1]) / scale
    rows = [
        [p[1] - p[0] + g * p[1], p[2] - p[0] + h * p[2], p[0]] for p in (x, y)
    ]
    return [*rows[0], *rows[1], g, h, ops.ones_like(g)]


def _adjugate(m: list[Any]) -> list[Any]:
    """The inverse, times the determinant."""
    a, b, c, d, e, f, g, h, i = m
    return [
        e * i - f * h, c * h - b * i, b * f - c * e,
        f * g - d * i, a * i - c * g, c * d - a * f,
        d * h - e * g, b * g - a * h, a * e - b * d,
    ]  # fmt: skip


def _product(m: list[Any], n: list[Any]) -> list[Any]:
    return [
        sum(m[3 * row + k] * n[3 * k + column] for k in range(3))
        for row in range(3)
        for column in range(3)
    ]
