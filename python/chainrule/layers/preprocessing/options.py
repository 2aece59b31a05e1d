"""Arguments that layers of texts and categories share, checked."""

from __future__ import annotations

from typing import Any

__all__ = ["LOOKUP_MODES", "check_choice", "check_lookup", "paired_salt", "refuse_sparse"]

LOOKUP_MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")


def check_choice(value: Any, known: tuple[Any, ...], name: str, layer: str) -> None:
    """Raise a ValueError for a word that is none of the known ones."""
    if value not in known:
        raise ValueError(
            f"Unknown value for `{name}` argument of {layer}. Allowed values are: {known}. "
            f"Received: {name}={value}"
        )


def check_lookup(
    layer: str,
    max_tokens: int | None,
    num_oov_indices: int,
    pad_to_max_tokens: bool,
    output_mode: str,
    invert: bool,
    sparse: bool,
    idf_weights: Any,
) -> None:
    """Raise a ValueError for arguments of a lookup that cannot be."""
    if max_tokens is not None and max_tokens <= 1:
        raise ValueError(
            f"If set, `max_tokens` must be greater than 1. Received: max_tokens={max_tokens}"
        )
    if pad_to_max_tokens and max_tokens is None:
        raise ValueError(
            "If pad_to_max_tokens is True, must set `max_tokens`. "
            f"Received: max_tokens={max_tokens}"
        )
    if num_oov_indices < 0:
        raise ValueError(
            "`num_oov_indices` must be greater than or equal to 0. "
            f"Received: num_oov_indices={num_oov_indices}"
        )
    for name, count in (("num_oov_indices", num_oov_indices), ("max_tokens", max_tokens)):
        if count is not None and count >= 2**63:
            raise ValueError(f"`{name}` must be below 2**63. Received: {name}={count}")
    check_choice(output_mode, LOOKUP_MODES, "output_mode", layer)
    if invert and output_mode != "int":
        raise ValueError(
            "`output_mode` must be `'int'` when `invert` is true. "
            f"Received: output_mode={output_mode}"
        )
    if sparse and output_mode == "int":
        raise ValueError(
            "`sparse` may only be true if `output_mode` is `'one_hot'`, `'multi_hot'`, "
            f"`'count'` or `'tf_idf'`. Received: sparse={sparse} and output_mode={output_mode}"
        )
    refuse_sparse(sparse, layer)
    if idf_weights is not None and output_mode != "tf_idf":
        raise ValueError(
            "`idf_weights` should only be set if `output_mode` is `'tf_idf'`. "
            f"Received: idf_weights={idf_weights} and output_mode={output_mode}"
        )


def paired_salt(salt: Any, layer: str) -> list[int] | None:
    """The key of SipHash as two numbers; None stays None.

    Raises
    ------
    ValueError
        For other than an integer or two of them.
    """
    if salt is None:
        return None
    if isinstance(salt, int) and not isinstance(salt, bool):
        return [salt, salt]
    is_pair = isinstance(salt, (tuple, list)) and len(salt) == 2
    if not is_pair or not all(isinstance(part, int) for part in salt):
        raise ValueError(
            f"The `salt` argument for `{layer}` can only be a tuple of size 2 integers, or a single "
            f"integer. Received: salt={salt}."
        )
    return list(salt)


def refuse_sparse(sparse: bool, layer: str) -> None:
    """Raise a ValueError for `sparse=True`."""
    if sparse:
        raise ValueError(
            f"{layer}: `sparse=True` is not supported: chainrule computes with dense arrays"
        )
