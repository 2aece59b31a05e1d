"""The functions that `keras.ops.nn` has, gathered from the files that define them."""

from __future__ import annotations

from chainrule.base.namespace import publish
from chainrule.ops.attention import *  # noqa: F403
from chainrule.ops.convolution import *  # noqa: F403
from chainrule.ops.crossentropy import *  # noqa: F403
from chainrule.ops.ctc import *  # noqa: F403
from chainrule.ops.depth import *  # noqa: F403
from chainrule.ops.encoding import *  # noqa: F403
from chainrule.ops.normalization import *  # noqa: F403
from chainrule.ops.patches import *  # noqa: F403
from chainrule.ops.pooling import *  # noqa: F403
from chainrule.ops.rectifiers import *  # noqa: F403
from chainrule.ops.smooth import *  # noqa: F403
from chainrule.ops.softmaxes import *  # noqa: F403

publish(globals())
