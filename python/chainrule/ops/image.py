"""The functions that `keras.ops.image` has, gathered from the files that define them."""

from __future__ import annotations

from chainrule.base.namespace import publish
from chainrule.ops.colors import *  # noqa: F403
from chainrule.ops.coordinates import *  # noqa: F403
from chainrule.ops.filters import *  # noqa: F403
from chainrule.ops.framing import *  # noqa: F403
from chainrule.ops.resizing import *  # noqa: F403
from chainrule.ops.warping import *  # noqa: F403

publish(globals())
