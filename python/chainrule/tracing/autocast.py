"""AutocastScope: the dtype in which layers of mixed precision read their variables."""

from __future__ import annotations

from typing import Any

from chainrule.base.dtypes import is_float_dtype, standardize_dtype
from chainrule.base.global_state import get_global_attribute, set_global_attribute
from chainrule.tracing.casting import to_tensor

__all__ = ["AutocastScope", "get_autocast_scope"]

_AUTOCAST = "autocast_scope"


class AutocastScope:
    """Inside, float variables with `autocast=True` read as `dtype` (None: as they are stored)."""

    def __init__(self, dtype: Any) -> None:
        if dtype is not None:
            dtype = standardize_dtype(dtype)
            if not is_float_dtype(dtype):
                raise ValueError(
                    "`AutocastScope` can only be used with a floating-point target dtype, "
                    f"such as 'float16'. Received: dtype={dtype}"
                )
        self.dtype: str | None = dtype
        self.original_scope: AutocastScope | None = None

    def maybe_cast(self, value: Any) -> Any:
        """`value` cast to the scope's dtype where both are float."""
        if self.dtype is not None and is_float_dtype(value.dtype):
            return to_tensor(value, self.dtype)
        return value

    def __enter__(self) -> AutocastScope:
        self.original_scope = get_autocast_scope()
        set_global_attribute(_AUTOCAST, self)
        return self

    def __exit__(self, *error: object) -> None:
        set_global_attribute(_AUTOCAST, self.original_scope)


def get_autocast_scope() -> AutocastScope | None:
    """The innermost AutocastScope of this thread, or None."""
    scope: AutocastScope | None = get_global_attribute(_AUTOCAST)
    return scope
