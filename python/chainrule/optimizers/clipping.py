"""Gradient clipping by value, by the norm of each gradient, and by the norm of them all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule import ops


def clip_by_value(gradients: Sequence[Any], limit: float) -> list[Any]:
    """``g -> min(max(g, -limit), limit)``, element by element.

    Parameters
    ----------
    gradients
        Tensors of any shapes; ``None`` stays ``None``.
    limit
        The largest magnitude that an element keeps.
    """
    return [None if g is None else ops.clip(g, -limit, limit) for g in gradients]


def clip_by_norm(gradient: Any, limit: float) -> Any:
    """``g -> g * limit / max(||g||, limit)``, with the Euclidean norm of the whole tensor.

    Parameters
    ----------
    gradient
        A tensor of any shape.
    limit
        The largest norm that the gradient keeps.
    """
    norm = ops.sqrt(ops.sum(ops.square(gradient)))
    return ops.divide(ops.multiply(gradient, limit), ops.maximum(norm, limit))


def global_norm(gradients: Sequence[Any]) -> Any:
    """``sqrt(sum_i sum(g_i ** 2))``: the norm of all gradients as one vector.

    Parameters
    ----------
    gradients
        Tensors of any shapes; ``None`` counts as zero.
    """
    squares = [ops.sum(ops.square(g)) for g in gradients if g is not None]
    total = squares[0]
    for square in squares[1:]:
        total = ops.add(total, square)
    return ops.sqrt(total)


def clip_by_global_norm(gradients: Sequence[Any], limit: float) -> list[Any]:
    """``g_i -> g_i * limit * min(1 / n, 1 / limit)``, where ``n`` is the global norm.

    A norm that is not finite makes every gradient NaN, so that a failure shows at once.

    Parameters
    ----------
    gradients
        Tensors of any shapes; ``None`` stays ``None``. At least one is a tensor.
    limit
        The largest global norm that the gradients keep.

    References
    ----------
    Pascanu, Mikolov & Bengio (2013), "On the difficulty of training recurrent neural networks".
    """
    norm = global_norm(gradients)
    scale = ops.multiply(limit, ops.minimum(ops.divide(1.0, norm), 1.0 / limit))
    scale = ops.add(scale, ops.subtract(norm, norm))
    return [None if g is None else ops.multiply(g, scale) for g in gradients]
