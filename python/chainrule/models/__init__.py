"""Models: layers that can be trained."""

from __future__ import annotations

from chainrule.models.functional import Functional
from chainrule.models.model import Model
from chainrule.models.sequential import Sequential

__all__ = ["Functional", "Model", "Sequential"]
