"""The functions that `keras.ops.nn` has, gathered from the files that define them."""

from __future__ import annotations

from chainrule.ops.activation import *  # noqa: F403
from chainrule.ops.encoding import *  # noqa: F403
