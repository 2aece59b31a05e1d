"""Process-wide defaults, as `keras.config` has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.base.config import *  # noqa: F403
from chainrule.base.namespace import late, publish

if TYPE_CHECKING or not late(globals()):
    from chainrule.tracing.policies import dtype_policy as dtype_policy
    from chainrule.tracing.policies import set_dtype_policy as set_dtype_policy

publish(globals())
