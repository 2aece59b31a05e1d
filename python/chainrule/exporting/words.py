"""Sizes in the attributes of ops: integers below `WORDS` are the words of sizes (rust/size.rs)."""

from __future__ import annotations

__all__ = ["WORDS"]

WORDS = -(1 << 63) + (1 << 40)
