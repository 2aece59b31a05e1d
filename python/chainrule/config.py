"""Process-wide defaults, as `keras.config` has them."""

from __future__ import annotations

from chainrule.base.config import *  # noqa: F403
from chainrule.base.namespace import publish
from chainrule.tracing.policies import dtype_policy as dtype_policy
from chainrule.tracing.policies import set_dtype_policy as set_dtype_policy

publish(globals())
