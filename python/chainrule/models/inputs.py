"""What a model is given against what its `Input` declares."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule import ops
from chainrule.base.errors import ShapeError

__all__ = ["fit_to_shape"]


def fit_to_shape(x: Any, shape: tuple[int | None, ...], model: str, name: str, sizes: bool) -> Any:
    """`x` with a last axis of size 1 added or taken away where `shape` has one more or less.

    Parameters
    ----------
    x : tensor
    shape : tuple
        What is declared, the batch first, None for sizes that are open.
    model, name : str
        Of the model and of its input, for the message.
    sizes : bool
        Whether the sizes must agree too, beside the rank.

    Raises
    ------
    ShapeError
        Another rank, or another size.
    """
    found = tuple(x.shape)
    texts = isinstance(x, np.ndarray) and x.dtype.kind in "OUST"
    if len(found) == len(shape) + 1 and found[-1] == 1:
        x = x[..., 0] if texts else ops.squeeze(x, axis=-1)
    elif len(found) == len(shape) - 1 and shape[-1] == 1:
        x = x[..., None] if texts else ops.expand_dims(x, axis=-1)
    given = tuple(x.shape)
    fits = len(given) == len(shape)
    if fits and sizes:
        fits = all(a is None or b is None or a == b for a, b in zip(given[1:], shape[1:]))
    if not fits:
        raise ShapeError(
            f"layer '{model}': input '{name}' expected shape={shape}, found shape={found}"
        )
    return x
