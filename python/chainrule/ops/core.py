"""The functions that `keras.ops.core` has, gathered from the files that define them."""

from __future__ import annotations

from chainrule.base.namespace import publish
from chainrule.ops.blocks import *  # noqa: F403
from chainrule.ops.branches import *  # noqa: F403
from chainrule.ops.conversion import *  # noqa: F403
from chainrule.ops.custom import *  # noqa: F403
from chainrule.ops.loops import *  # noqa: F403

publish(globals())
