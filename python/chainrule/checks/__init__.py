"""The check of gradients that a user can run: the core against NumPy and finite differences."""

from __future__ import annotations

from chainrule.checks.gradients import check_gradients as check_gradients
from chainrule.checks.report import GradientCheck as GradientCheck
from chainrule.checks.report import GradientFault as GradientFault
from chainrule.checks.report import GradientKink as GradientKink
from chainrule.checks.report import GradientReport as GradientReport

