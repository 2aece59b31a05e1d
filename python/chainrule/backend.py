"""Keras's `backend` names: defaults, dtypes, variables, tensors, scopes."""

from chainrule import config as config

# Variables find initializers by name.
from chainrule import initializers as _initializers  # noqa: F401
from chainrule import random as random
from chainrule.base.config import backend as backend
from chainrule.base.config import epsilon as epsilon
from chainrule.base.config import floatx as floatx
from chainrule.base.config import image_data_format as image_data_format
from chainrule.base.config import set_epsilon as set_epsilon
from chainrule.base.config import set_floatx as set_floatx
from chainrule.base.config import set_image_data_format as set_image_data_format
from chainrule.base.dtypes import is_float_dtype as is_float_dtype
from chainrule.base.dtypes import is_int_dtype as is_int_dtype
from chainrule.base.dtypes import result_type as result_type
from chainrule.base.dtypes import standardize_dtype as standardize_dtype
from chainrule.base.global_state import clear_session as clear_session
from chainrule.base.name_scopes import name_scope as name_scope
from chainrule.base.namespace import publish
from chainrule.base.naming import get_uid as get_uid
from chainrule.ops import core as core
from chainrule.ops import linalg as linalg
from chainrule.ops import math as math
from chainrule.ops import nn as nn
from chainrule.ops import numpy as numpy
from chainrule.ops.core import cast as cast
from chainrule.ops.core import convert_to_numpy as convert_to_numpy
from chainrule.ops.core import convert_to_tensor as convert_to_tensor
from chainrule.ops.core import is_tensor as is_tensor
from chainrule.ops.core import shape as shape
from chainrule.tracing.autocast import AutocastScope as AutocastScope
from chainrule.tracing.autocast import get_autocast_scope as get_autocast_scope
from chainrule.tracing.masking import get_keras_mask as get_keras_mask
from chainrule.tracing.masking import set_keras_mask as set_keras_mask
from chainrule.tracing.scopes import SymbolicScope as SymbolicScope
from chainrule.tracing.scopes import device_scope as device_scope
from chainrule.tracing.scopes import in_symbolic_scope as in_symbolic_scope
from chainrule.tracing.specs import compute_output_spec as compute_output_spec
from chainrule.tracing.stateless import StatelessScope as StatelessScope
from chainrule.tracing.stateless import get_stateless_scope as get_stateless_scope
from chainrule.tracing.stateless import in_stateless_scope as in_stateless_scope
from chainrule.tracing.tensor import KerasTensor as KerasTensor
from chainrule.tracing.tensor import any_symbolic_tensors as any_symbolic_tensors
from chainrule.tracing.tensor import is_keras_tensor as is_keras_tensor
from chainrule.tracing.tensor import standardize_shape as standardize_shape
from chainrule.tracing.variable import Variable as Variable

SUPPORTS_SPARSE_TENSORS = False
SUPPORTS_RAGGED_TENSORS = False
SUPPORTS_COMPLEX_DTYPES = False
IS_THREAD_SAFE = True


def random_seed_dtype() -> str:
    """The dtype of a `SeedGenerator`'s state."""
    return "uint32"


publish(globals())
