"""Layers: what a model is made of."""

from __future__ import annotations

from chainrule.layers.input_spec import InputSpec
from chainrule.layers.layer import Layer

__all__ = ["InputSpec", "Layer"]
