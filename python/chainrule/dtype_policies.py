"""Dtype policies by name, as `keras.dtype_policies` has them."""

from __future__ import annotations

from chainrule.base.namespace import publish
from chainrule.tracing.policies import DTypePolicy as DTypePolicy
from chainrule.tracing.policies import DTypePolicyMap as DTypePolicyMap
from chainrule.tracing.policies import FloatDTypePolicy as FloatDTypePolicy
from chainrule.tracing.policies import deserialize as deserialize
from chainrule.tracing.policies import get as get
from chainrule.tracing.policies import serialize as serialize

publish(globals())
