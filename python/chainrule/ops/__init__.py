"""Functions on tensors, named as in `keras.ops`.

On arrays they compute and return arrays. Inside a trace (a training step, `value_and_grad`) they
become nodes of a graph. On symbolic tensors from `Input` they are recorded for a functional model.
"""

from __future__ import annotations

from chainrule.base.namespace import publish
from chainrule.ops import core as core
from chainrule.ops import image as image
from chainrule.ops import linalg as linalg
from chainrule.ops import math as math
from chainrule.ops import nn as nn
from chainrule.ops import numpy as numpy
from chainrule.ops.core import *  # noqa: F403
from chainrule.ops.linalg import *  # noqa: F403
from chainrule.ops.math import *  # noqa: F403
from chainrule.ops.nn import *  # noqa: F403
from chainrule.ops.numpy import *  # noqa: F403
from chainrule.ops.rearranging import *  # noqa: F403

publish(globals())
