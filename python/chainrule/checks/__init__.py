"""The check of gradients that a user can run: the core against NumPy and finite differences."""

from __future__ import annotations

from chainrule.checks.gradients import check_gradients
from chainrule.checks.report import GradientCheck, GradientFault, GradientKink, GradientReport

__all__ = ["GradientCheck", "GradientFault", "GradientKink", "GradientReport", "check_gradients"]
