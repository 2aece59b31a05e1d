"""Gamma and beta numbers made of uniform ones, with a fixed number of draws, so in a graph too."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from chainrule import ops

# Each candidate is taken with a probability above 0.95, so none of them once in 10^10 draws.
_CANDIDATES = 8


def log_gamma_draws(
    uniform: Callable[[tuple[int, ...]], Any], shape: tuple[int, ...], alpha: Any
) -> Any:
    """Logarithms of draws from the gamma distribution of shape alpha and scale 1.

    ``log(d (1 + c z)^3)`` with d = a - 1/3, c = 1 / sqrt(9 d), for the first of eight candidates
    z ~ N(0, 1) that passes ``log u < z^2 / 2 + d - d v + d log v``. For alpha < 1 the draw is that
    of a = alpha + 1, plus ``log(u) / alpha``: as a logarithm it does not underflow.

    Parameters
    ----------
    uniform : callable
        Gives uniform numbers in [0, 1) of a shape.
    alpha : float or tensor
        Above 0, broadcast to the shape.

    Notes
    -----
    Marsaglia & Tsang 2000, A simple method for generating gamma variables, ACM TOMS 26(3).

    Examples
    --------
    >>> import numpy as np
    >>> log_gamma_draws(lambda shape: np.full(shape, 0.5), (2,), 1.0).round(3).tolist()
    [-0.405, -0.405]
    """
    n = _CANDIDATES
    u = uniform((2 * n + 1, *shape))
    alpha = ops.broadcast_to(ops.cast(alpha, u.dtype), shape)
    small = alpha < 1.0
    d = ops.where(small, alpha + 1.0, alpha) - 1.0 / 3.0
    z = ops.erfinv(2.0 * u[:n] - 1.0) * math.sqrt(2.0)
    root = 1.0 + z / (3.0 * ops.sqrt(d))
    positive = root > 0.0
    log_v = 3.0 * ops.log(ops.where(positive, root, 1.0))
    bound = 0.5 * z * z + d - d * ops.exp(log_v) + d * log_v
    passes = ops.logical_and(positive, ops.log(1.0 - u[n : 2 * n]) < bound)
    first = ops.expand_dims(ops.argmax(passes, axis=0), 0)
    drawn = ops.log(d) + ops.squeeze(ops.take_along_axis(log_v, first, axis=0), 0)
    return ops.where(small, drawn + ops.log(1.0 - u[2 * n]) / alpha, drawn)
