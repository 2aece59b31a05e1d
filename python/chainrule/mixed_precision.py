"""Dtype policies and loss scaling, under the names that Keras keeps for them."""

from __future__ import annotations

from chainrule.base.namespace import publish
from chainrule.optimizers.loss_scale_optimizer import LossScaleOptimizer
from chainrule.tracing.policies import DTypePolicy, dtype_policy, set_dtype_policy

__all__ = [
    "DTypePolicy",
    "LossScaleOptimizer",
    "Policy",
    "dtype_policy",
    "global_policy",
    "set_dtype_policy",
    "set_global_policy",
]

Policy = DTypePolicy
global_policy = dtype_policy
set_global_policy = set_dtype_policy

publish(globals())
