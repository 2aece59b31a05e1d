"""The cases, one file an op: `ROWS`, `BAD`, and `draw(data)` for hypothesis."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType


def names() -> list[str]:
    """The ops that have a file of cases, sorted."""
    return sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))


def load(op: str) -> ModuleType:
    """The cases of one op."""
    return importlib.import_module(f"{__name__}.{op}")
