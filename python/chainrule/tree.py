"""Functions on nested structures of lists, tuples and dicts, as `keras.tree` has them."""

from __future__ import annotations

from chainrule.base.namespace import publish
from chainrule.base.tree import *  # noqa: F403

publish(globals())
