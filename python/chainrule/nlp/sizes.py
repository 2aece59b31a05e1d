"""Checks of sizes that the layers and models of languages take as arguments."""

from __future__ import annotations

from typing import Any

_MOST_LAYERS = 1000


def check_size(name: str, value: Any) -> int:
    """The value, if it is a positive int.

    Raises
    ------
    ValueError
    """
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ValueError(f"`{name}` must be a positive integer. Received: {name}={value!r}")
    return value


def check_layers(value: Any) -> int:
    """The value, if it is a number of layers that a model can have.

    Raises
    ------
    ValueError
    """
    if check_size("num_layers", value) > _MOST_LAYERS:
        raise ValueError(f"`num_layers`: expected at most {_MOST_LAYERS}, got {value}")
    return int(value)


def head_size(hidden_dim: Any, num_heads: int, place: str) -> int:
    """How many of the features each head gets.

    Raises
    ------
    ValueError
        Features that are not known, or that the heads cannot share.
    """
    if not isinstance(hidden_dim, int) or hidden_dim % num_heads or hidden_dim < num_heads:
        raise ValueError(
            f"{place}: expected a number of features that is a multiple of "
            f"num_heads={num_heads}, got {hidden_dim}"
        )
    return hidden_dim // num_heads
