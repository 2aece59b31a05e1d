"""Arguments of `Dataset`'s methods: numbers that are checked."""

from __future__ import annotations

import os
from typing import Any

__all__ = ["threads", "whole"]


def whole(method: str, name: str, value: Any, least: int | None = None) -> int:
    """`value` as an int of `least` or more.

    Raises
    ------
    ValueError
        Anything else; names the method of `Dataset` and the argument.
    """
    is_whole = hasattr(value, "__index__") and not isinstance(value, bool)
    if not is_whole or (least is not None and int(value) < least):
        bound = "" if least is None else f" of {least} or more"
        raise ValueError(
            f"Dataset.{method}: expected {name} to be an integer{bound}, got {value!r}"
        )
    return int(value)


def threads(method: str, calls: int | None) -> int:
    """How many threads `num_parallel_calls` means: none, so many, or for -1 one a processor, up to 8."""
    if calls is None:
        return 0
    given = whole(method, "num_parallel_calls", calls, -1)
    return min(8, os.cpu_count() or 1) if given < 0 else given
