"""The functions that `keras.ops.numpy` has, gathered from the files that define them."""

from __future__ import annotations

from chainrule.ops.arithmetic import *  # noqa: F403
from chainrule.ops.bits import *  # noqa: F403
from chainrule.ops.contraction import *  # noqa: F403
from chainrule.ops.creation import *  # noqa: F403
from chainrule.ops.elementwise import *  # noqa: F403
from chainrule.ops.indexing import *  # noqa: F403
from chainrule.ops.joining import *  # noqa: F403
from chainrule.ops.linalg import slogdet as slogdet
from chainrule.ops.linear import *  # noqa: F403
from chainrule.ops.reductions import *  # noqa: F403
from chainrule.ops.shaping import *  # noqa: F403
from chainrule.ops.sorting import *  # noqa: F403
