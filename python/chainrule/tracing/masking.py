"""The mask of a tensor: a bool tensor that marks the time steps that count."""

from __future__ import annotations

import weakref
from typing import Any

__all__ = ["get_keras_mask", "set_keras_mask"]

# id of an array -> (the array, weakly; its mask). NumPy arrays take no attributes.
_masks: dict[int, tuple[weakref.ref[Any], Any]] = {}


def set_keras_mask(x: Any, mask: Any) -> None:
    """Attach `mask` to the tensor `x`; `None` takes it away.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.zeros((1, 2, 3))
    >>> set_keras_mask(x, np.array([[True, False]]))
    >>> get_keras_mask(x).tolist()
    [[True, False]]
    """
    try:
        x._keras_mask = mask
    except AttributeError:
        key = id(x)
        if mask is None:
            _masks.pop(key, None)
        else:
            masks = _masks  # at the interpreter's end, globals go before arrays do
            masks[key] = (weakref.ref(x, lambda _: masks.pop(key, None)), mask)


def get_keras_mask(x: Any) -> Any:
    """The mask attached to `x`, or `None`."""
    mask = getattr(x, "_keras_mask", None)
    if mask is None:
        reference, mask = _masks.get(id(x), (None, None))
        if reference is None or reference() is not x:
            return None
    return mask
