"""``python -m tests.keras_own [FOLDER...] [--failures] [--json FILE] [--jobs N]``."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.keras_own.excluded import reason
from tests.keras_own.modules import source_folder

LIMIT = 900  # seconds a file may take
COLUMNS = ("passed", "failed", "excluded", "skipped")


def run_file(name: str) -> dict[str, tuple[str, str]]:
    """Test -> (outcome, why) of one file of tests, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "results"
        command = [sys.executable, "-m", "tests.keras_own.one", name, str(found)]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=LIMIT, check=False
            )
            end = f"the process ended with {done.returncode}: {done.stdout[-2000:]}{done.stderr[-500:]}"
        except subprocess.TimeoutExpired:
            end = f"not done after {LIMIT} s"
        lines = found.read_text().splitlines() if found.exists() else []
    results = {test: (outcome, why) for test, outcome, why in map(json.loads, lines)}
    if not results:
        return {"(the file)": ("failed", end)}
    # A test that began and did not end took the process with it, and those after it.
    return {t: ("failed", end) if o == "collected" else (o, w) for t, (o, w) in results.items()}


def files(chosen: list[str]) -> list[str]:
    """The test files below the folders, or those named; all without any."""
    root = source_folder()
    names = sorted(str(path.relative_to(root)) for path in root.rglob("*_test.py"))
    folders = tuple(choice.rstrip("/") for choice in chosen)
    return [
        name
        for name in names
        if not folders or name in folders or name.startswith(tuple(f"{f}/" for f in folders))
    ]


def row(name: str, results: dict[str, tuple[str, str]]) -> str:
    """A line of the table."""
    outcomes = [outcome for outcome, _ in results.values()]
    counts = [outcomes.count(column) for column in COLUMNS]
    counted = counts[0] + counts[1]
    share = f"{counts[0] / counted:7.1%}" if counted else "      -"
    return f"{name:74}" + "".join(f"{count:9d}" for count in counts) + share


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.keras_own", description=__doc__)
    parser.add_argument("folders", nargs="*", help="below keras/src; default: all")
    parser.add_argument("--failures", action="store_true", help="print why each test failed")
    parser.add_argument("--json", help="write every test's outcome to this file")
    parser.add_argument("--jobs", type=int, default=1, help="processes at once")
    parser.add_argument("--long", action="store_true", help="dtypes of results too, for hours")
    options = parser.parse_args()
    if options.long:
        os.environ["KERAS_OWN_LONG"] = "1"
    names = files(options.folders)
    everything: dict[str, tuple[str, str]] = {}
    print(f"{'':74}" + "".join(f"{column:>9}" for column in COLUMNS))
    with ThreadPoolExecutor(options.jobs) as pool:
        run = [name for name in names if not reason(name)]
        for name, results in zip(run, pool.map(run_file, run)):
            everything.update({f"{name}::{test}": result for test, result in results.items()})
            print(row(name, results), flush=True)
            if options.json:
                Path(options.json).write_text(json.dumps(everything, indent=1))
            if options.failures:
                for test, (outcome, why) in results.items():
                    if outcome == "failed":
                        print(f"    {test}: {why.strip().splitlines()[-1] if why.strip() else ''}")
    print(row("total", everything))
    for name in names:
        if why := reason(name):
            print(f"left out: {name}: {why}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
