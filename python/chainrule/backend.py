"""Keras's `backend` names: defaults, dtypes, variables, tensors, scopes."""

from chainrule import config, random
from chainrule.base.config import (
    backend,
    epsilon,
    floatx,
    image_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
)
from chainrule.base.dtypes import is_float_dtype, is_int_dtype, result_type, standardize_dtype
from chainrule.base.global_state import clear_session
from chainrule.base.name_scopes import name_scope
from chainrule.base.namespace import publish
from chainrule.base.naming import get_uid
from chainrule.ops import core, linalg, math, nn, numpy
from chainrule.ops.core import cast, convert_to_numpy, convert_to_tensor, is_tensor, shape
from chainrule.tracing.autocast import AutocastScope, get_autocast_scope
from chainrule.tracing.masking import get_keras_mask, set_keras_mask
from chainrule.tracing.scopes import SymbolicScope, device_scope, in_symbolic_scope
from chainrule.tracing.specs import compute_output_spec
from chainrule.tracing.stateless import StatelessScope, get_stateless_scope, in_stateless_scope
from chainrule.tracing.tensor import (
    KerasTensor,
    any_symbolic_tensors,
    is_keras_tensor,
    standardize_shape,
)
from chainrule.tracing.variable import Variable

__all__ = [
    "AutocastScope",
    "KerasTensor",
    "StatelessScope",
    "SymbolicScope",
    "Variable",
    "any_symbolic_tensors",
    "backend",
    "cast",
    "clear_session",
    "compute_output_spec",
    "config",
    "convert_to_numpy",
    "convert_to_tensor",
    "core",
    "device_scope",
    "epsilon",
    "floatx",
    "get_autocast_scope",
    "get_keras_mask",
    "get_stateless_scope",
    "get_uid",
    "image_data_format",
    "in_stateless_scope",
    "in_symbolic_scope",
    "is_float_dtype",
    "is_int_dtype",
    "is_keras_tensor",
    "is_tensor",
    "linalg",
    "math",
    "name_scope",
    "nn",
    "numpy",
    "random",
    "random_seed_dtype",
    "result_type",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "set_keras_mask",
    "shape",
    "standardize_dtype",
    "standardize_shape",
]

SUPPORTS_SPARSE_TENSORS = False
SUPPORTS_RAGGED_TENSORS = False
SUPPORTS_COMPLEX_DTYPES = False
IS_THREAD_SAFE = True


def random_seed_dtype() -> str:
    """The dtype of a `SeedGenerator`'s state."""
    return "uint32"


publish(globals())
