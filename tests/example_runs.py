"""What the tests of examples share: what they need, whether pictures are drawn, a training that is stopped."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

import pytest

from chainrule.callbacks import BackupAndRestore

DRAWN = importlib.util.find_spec("matplotlib") is not None


def needs(*names: str) -> pytest.MarkDecorator:
    """Skips a test where `$CHAINRULE_DATA` lacks one of these files."""
    folder = os.environ.get("CHAINRULE_DATA", "")
    missing = [name for name in names if not (folder and Path(folder, name).exists())]
    return pytest.mark.skipif(bool(missing), reason=f"no {missing} in $CHAINRULE_DATA")


def needs_package(name: str) -> pytest.MarkDecorator:
    """Skips a test where a package is absent."""
    missing = importlib.util.find_spec(name) is None
    return pytest.mark.skipif(missing, reason=f"{name} is not installed")


def interrupted(before: int) -> type[BackupAndRestore]:
    """A `BackupAndRestore` that ends a training as Ctrl-C does, before epoch number `before`, from 0."""

    class Interrupted(BackupAndRestore):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            super().on_epoch_begin(epoch, logs)
            if epoch == before:
                raise KeyboardInterrupt

    return Interrupted
