"""Dtype policies and loss scaling, under the names that Keras keeps for them."""

from __future__ import annotations

from chainrule.base.namespace import publish
from chainrule.optimizers.loss_scale_optimizer import LossScaleOptimizer as LossScaleOptimizer
from chainrule.tracing.policies import DTypePolicy as DTypePolicy
from chainrule.tracing.policies import dtype_policy as dtype_policy
from chainrule.tracing.policies import set_dtype_policy as set_dtype_policy

Policy = DTypePolicy
global_policy = dtype_policy
set_global_policy = set_dtype_policy

publish(globals())
