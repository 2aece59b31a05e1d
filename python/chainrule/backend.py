"""Keras's `backend` names: defaults, dtypes, variables, tensors."""

from chainrule.config import (
    backend,
    epsilon,
    floatx,
    image_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
)
from chainrule.dtypes import is_float_dtype, is_int_dtype, result_type, standardize_dtype
from chainrule.global_state import clear_session
from chainrule.utils.naming import get_uid

__all__ = [
    "backend",
    "clear_session",
    "epsilon",
    "floatx",
    "get_uid",
    "image_data_format",
    "is_float_dtype",
    "is_int_dtype",
    "result_type",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "standardize_dtype",
]
