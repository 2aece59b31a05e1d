"""Process-wide defaults, as `keras.config` has them."""

from __future__ import annotations

from chainrule.base.config import *  # noqa: F403
from chainrule.base.dtypes import dtype_policy as dtype_policy
from chainrule.base.dtypes import set_dtype_policy as set_dtype_policy
from chainrule.base.namespace import publish

publish(globals())
