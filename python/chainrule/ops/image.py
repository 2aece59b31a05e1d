"""The functions that `keras.ops.image` has, gathered from the files that define them."""

from __future__ import annotations

from chainrule.ops.warping import *  # noqa: F403
