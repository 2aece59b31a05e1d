"""What models of texts are called on."""

from __future__ import annotations

from typing import Any

_NAMES = ("token_ids", "padding_mask", "segment_ids")


def token_inputs(inputs: Any) -> tuple[Any, Any, Any]:
    """Tokens (N, T), and where they are given the padding mask and the segments, else None.

    Parameters
    ----------
    inputs : tensor or dict
        The tokens, or what there is by the names "token_ids", "padding_mask" and "segment_ids".

    Raises
    ------
    ValueError
        A dict without "token_ids", or with other names.
    """
    if not isinstance(inputs, dict):
        return inputs, None, None
    if "token_ids" not in inputs or not set(inputs) <= set(_NAMES):
        raise ValueError(f"inputs: expected 'token_ids' and some of {_NAMES[1:]}, got {list(inputs)}")
    tokens, padding, segments = (inputs.get(name) for name in _NAMES)
    return tokens, padding, segments
