"""5,000 damaged files: each is read, or refused with a ValueError or a MemoryError and no harm done.

They are read in processes of their own, under a limit of memory and of time, so that a crash, a hang
and a hunger for memory are seen and the file at fault is named. The same files each time;
`CHAINRULE_FUZZ=100000 pytest tests/test_fuzz_files.py` reads more, the same 5,000 among them.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzzing import KINDS

FILES = int(os.environ.get("CHAINRULE_FUZZ", "5000"))
# How many files of a kind there are for one of the others.
SHARES = {"model": 3, "state": 2, "json": 2, "images": 2, "calls": 2}
WORKERS = 2


def start(kind: str, files: int, worker: int) -> subprocess.Popen[str]:
    arguments = [kind, str(worker), str(files), str(WORKERS)]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.fuzzing", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )


def problem(kind: str, process: subprocess.Popen[str]) -> str | None:
    """What is wrong with what a process did, and with which file."""
    output, errors = process.communicate()
    lines = output.split()
    if process.returncode == 0 and "loaded" in lines:
        return None
    number = lines[-1] if lines else "the whole file"
    return (
        f"{kind} {number}: the process ended with {process.returncode}; "
        f"`python -m tests.fuzzing {kind} {number} {int(number) + 1} 1` shows it\n{errors[-3000:]}"
        if number.isdigit()
        else f"{kind}, {number}: {errors[-3000:]}"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files(kind: str) -> None:
    if kind == "picture" and importlib.util.find_spec("PIL") is None:
        pytest.skip("Pillow is not installed")
    every = sum(SHARES.get(name, 1) for name in KINDS)
    files = -(-FILES * SHARES.get(kind, 1) // every)
    processes = [start(kind, files, worker) for worker in range(WORKERS)]
    problems = [problem(kind, process) for process in processes]
    assert problems == [None] * WORKERS, "\n".join(filter(None, problems))


@pytest.mark.parametrize(
    ("harm", "word"),
    [
        ("os.abort()", "ended with -6"),
        ("time.sleep(60)", "Timeout"),
        ("bytearray(1 << 40)", "loaded"),
        ("{}['no such']", "KeyError"),
    ],
)
def test_harm_is_seen(harm: str, word: str) -> None:
    """A reader that crashes, hangs, wants too much memory or raises another error is reported."""
    script = (
        "import os, time\nfrom tests import fuzzing\nfuzzing.SECONDS = 1\n"
        f"fuzzing.Kind._idx = lambda self: (b'x' * 9, fuzzing.damaged_bytes, self.harm, '.gz')\n"
        f"def harm(self, path):\n    if path.name.startswith('damaged'): {harm}\n"
        "fuzzing.Kind.harm = harm\nfuzzing.main('idx', 0, 3, 1)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    found = problem("idx", process)
    if word == "loaded":  # MemoryError, as it should be
        assert found is None
    else:
        assert found is not None and word in found and "idx 0" in found
