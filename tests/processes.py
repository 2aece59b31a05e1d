"""What a script prints in a process of its own, under other settings."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


def printed(script: str, threads: int, isa: str) -> str:
    """What the script prints with so many threads and this instruction set ("" for the best there is).

    Skips the test where the machine lacks the instruction set.
    """
    env = {**os.environ, "CHAINRULE_NUM_THREADS": str(threads), "CHAINRULE_ISA": isa}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
    if "CHAINRULE_ISA: expected one of" in done.stderr:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
