"""The memory that this process holds, whatever the machine does with it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

STATUS = "/proc/self/status"

needs_status = pytest.mark.skipif(not os.path.exists(STATUS), reason="no /proc here")


def _kib(*names: str) -> int:
    with open(STATUS, encoding="ascii") as file:
        lines = dict(line.split(":", 1) for line in file)
    return sum(int(lines[name].split()[0]) for name in names)


def held() -> int:
    """Bytes of anonymous memory, in RAM or swapped out; pages of files come and go by themselves."""
    return 1024 * _kib("RssAnon", "VmSwap")


@contextmanager
def takes_less(most: int) -> Iterator[None]:
    """Fails where the peak in between, whatever came before, is so many bytes above the start."""
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")  # The peak starts again from what is held.
    before = _kib("VmRSS")
    yield
    assert 1024 * (_kib("VmHWM") - before) < most
