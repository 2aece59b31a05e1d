"""The exceptions of chainrule: each names the place, what was expected and what came."""

from __future__ import annotations

from chainrule.base.errors import *  # noqa: F403
from chainrule.base.namespace import publish

publish(globals())
