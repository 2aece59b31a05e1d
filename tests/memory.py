"""The memory that this process holds, whatever the machine does with it."""

from __future__ import annotations

import os

import pytest

STATUS = "/proc/self/status"

needs_status = pytest.mark.skipif(not os.path.exists(STATUS), reason="no /proc here")


def held() -> int:
    """Bytes of anonymous memory, in RAM or swapped out; pages of files come and go by themselves."""
    with open(STATUS, encoding="ascii") as file:
        lines = dict(line.split(":", 1) for line in file)
    return 1024 * sum(int(lines[name].split()[0]) for name in ("RssAnon", "VmSwap"))
