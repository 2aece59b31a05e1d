"""Tests that need an extra of the wheel: each file skips where its packages are absent.

With `CHAINRULE_EXTRAS=required`, as in the gate's own step for them, an absent package is a failure.
"""

from __future__ import annotations

import importlib
import os
from types import ModuleType

import pytest

__all__ = ["need"]


def need(name: str, minversion: str | None = None) -> ModuleType:
    """The package `name`, else a skip, or a failure where extras are required."""
    if os.environ.get("CHAINRULE_EXTRAS") == "required":
        return importlib.import_module(name)
    return pytest.importorskip(name, minversion=minversion)
