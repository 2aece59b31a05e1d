"""Sequences of different lengths."""

from __future__ import annotations

from chainrule.namespace import publish
from chainrule.utils.arrays import pad_sequences

__all__ = ["pad_sequences"]

publish(globals())
