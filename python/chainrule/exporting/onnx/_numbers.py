"""Dtypes in which runtimes compute: ONNX names more than they have nodes for."""

from __future__ import annotations

__all__ = ["wide"]

_WIDER = {"bool": "int32", "uint8": "int32", "uint32": "int64", "uint64": "int64"}


def wide(dtype: str) -> str:
    """A dtype that holds the numbers of `dtype`, with nodes for sums, products and comparisons."""
    return _WIDER.get(dtype, dtype)
