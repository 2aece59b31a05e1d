"""The projective map that takes four points to four others."""

from __future__ import annotations

from typing import Any

from chainrule.ops.indexing import take_slice
from chainrule.ops.joining import stack


def _from_square(points: Any) -> list[Any]:
    """The nine numbers of the projective map that takes (0, 0), (1, 0), (0, 1), (1, 1) to points
    (..., 4, 2), row by row.

    Source: Heckbert, Fundamentals of Texture Mapping and Image Warping, 1989.
    """
    x, y = (take_slice(points, points.ndim - 1, i) for i in range(2))
    (x0, x1, x2, x3), (y0, y1, y2, y3) = (
        [take_slice(c, c.ndim - 1, i) for i in range(4)] for c in (x, y)
    )
    right_x, right_y, below_x, below_y = x1 - x3, y1 - y3, x2 - x3, y2 - y3
    sum_x, sum_y = x0 - x1 + x3 - x2, y0 - y1 + y3 - y2
    area = right_x * below_y - below_x * right_y
    g = (sum_x * below_y - below_x * sum_y) / area
    h = (right_x * sum_y - sum_x * right_y) / area
    one = g * 0.0 + 1.0
    return [
        *(x1 - x0 + g * x1, x2 - x0 + h * x2, x0),
        *(y1 - y0 + g * y1, y2 - y0 + h * y2, y0),
        *(g, h, one),
    ]


def homography(start: Any, end: Any) -> Any:
    """(..., 8) transforms under which the points `end` show what is at the points `start`: by way of
    the unit square.

    Parameters
    ----------
    start, end : tensor
        (..., 4, 2): x and y of the corners upper left, upper right, lower left and lower right.

    Examples
    --------
    >>> import numpy as np
    >>> start = np.array([[[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]])
    >>> homography(start, 2.0 * start).tolist()
    [[0.5, 0.0, 0.0, 0.0, 0.5, 0.0, 0.0, 0.0]]
    """
    s, (a, b, c, d, e, f, g, h, i) = _from_square(start), _from_square(end)
    # The adjugate is the inverse times a number that the last division takes out.
    inverse = [
        *(e * i - f * h, c * h - b * i, b * f - c * e),
        *(f * g - d * i, a * i - c * g, c * d - a * f),
        *(d * h - e * g, b * g - a * h, a * e - b * d),
    ]
    product = [
        s[3 * row] * inverse[column]
        + s[3 * row + 1] * inverse[3 + column]
        + s[3 * row + 2] * inverse[6 + column]
        for row in range(3)
        for column in range(3)
    ]
    return stack([entry / product[8] for entry in product[:8]], axis=-1)
