"""The functions that `keras.ops.numpy` has, gathered from the files that define them."""

from __future__ import annotations

from chainrule.base.namespace import publish
from chainrule.ops.arithmetic import *  # noqa: F403
from chainrule.ops.arranging import *  # noqa: F403
from chainrule.ops.bits import *  # noqa: F403
from chainrule.ops.comparison import *  # noqa: F403
from chainrule.ops.contraction import *  # noqa: F403
from chainrule.ops.counting import *  # noqa: F403
from chainrule.ops.creation import *  # noqa: F403
from chainrule.ops.diagonals import *  # noqa: F403
from chainrule.ops.differences import *  # noqa: F403
from chainrule.ops.elementwise import *  # noqa: F403
from chainrule.ops.grids import *  # noqa: F403
from chainrule.ops.indexing import *  # noqa: F403
from chainrule.ops.joining import *  # noqa: F403
from chainrule.ops.linear import *  # noqa: F403
from chainrule.ops.nan_statistics import *  # noqa: F403
from chainrule.ops.pairs import *  # noqa: F403
from chainrule.ops.positions import *  # noqa: F403
from chainrule.ops.quantiles import *  # noqa: F403
from chainrule.ops.reductions import *  # noqa: F403
from chainrule.ops.rounding import *  # noqa: F403
from chainrule.ops.searching import *  # noqa: F403
from chainrule.ops.shaping import *  # noqa: F403
from chainrule.ops.sorting import *  # noqa: F403
from chainrule.ops.systems import slogdet as slogdet
from chainrule.ops.vectorizing import *  # noqa: F403

publish(globals())
