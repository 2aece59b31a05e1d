"""Sequences of different lengths."""

from __future__ import annotations

from chainrule.base.namespace import publish
from chainrule.utils.arrays import pad_sequences as pad_sequences

publish(globals())
