"""Checks for what users write: functions, layers, losses, metrics, optimizers, gradients.

Each check returns a `CheckReport`, which prints as a table and never raises for what it finds; in a
test, ``assert report.ok, str(report)``. `chainrule.testing.strategies` has strategies for hypothesis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.base.namespace import late, publish

if TYPE_CHECKING or not late(globals()):
    from chainrule.testing import strategies as strategies
    from chainrule.testing.compare import GradientComparison as GradientComparison
    from chainrule.testing.compare import WeightComparison as WeightComparison
    from chainrule.testing.compare import compare_gradients as compare_gradients
    from chainrule.testing.function import check_function as check_function
    from chainrule.testing.layer import check_layer as check_layer
    from chainrule.testing.loss import check_loss as check_loss
    from chainrule.testing.metric import check_metric as check_metric
    from chainrule.testing.optimizer import check_optimizer as check_optimizer
    from chainrule.testing.report import Check as Check
    from chainrule.testing.report import CheckReport as CheckReport

publish(globals())
