"""The functions that `keras.ops.linalg` has, gathered from the files that define them."""

from __future__ import annotations

from chainrule.base.namespace import publish
from chainrule.ops.decompositions import *  # noqa: F403
from chainrule.ops.norms import *  # noqa: F403
from chainrule.ops.systems import *  # noqa: F403

publish(globals())
