"""One file of Keras's tests under pytest; a line of JSON for each test goes to the file of results."""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.keras_own import excluded, modules

# Files that refuse a backend that they do not know.
_AS_JAX = ("trainers/trainer_test.py",)


class Results:
    """A pytest plugin that leaves out what is excluded, and notes what comes of each test."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.path = path

    def note(self, test: str, outcome: str, why: str = "") -> None:
        with self.path.open("a") as file:
            file.write(json.dumps([test, outcome, why]) + "\n")

    def test_of(self, nodeid: str) -> str:
        return nodeid.partition("::")[2]

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        kept = []
        for item in items:
            test = self.test_of(item.nodeid)
            why = excluded.reason(f"{self.name}::{test}")
            self.note(test, "excluded" if why else "collected", why or "")
            if not why:
                kept.append(item)
        items[:] = kept

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.outcome != "passed":
            self.note("(the file)", report.outcome, str(report.longrepr))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            outcome = "passed" if hasattr(report, "wasxfail") else report.outcome
            self.note(self.test_of(report.nodeid), outcome, _why(report))


def _why(report: pytest.TestReport) -> str:
    longrepr: Any = report.longrepr
    if report.outcome == "skipped":
        return str(longrepr[-1]) if isinstance(longrepr, tuple) else str(longrepr)
    if report.outcome != "failed":
        return ""
    crash = getattr(longrepr, "reprcrash", None)
    return f"{report.longreprtext}\n{crash.message if crash else ''}"


def main(name: str, results: str) -> int:
    os.environ["KERAS_BACKEND"] = "jax"  # for the real Keras that other packages may load
    importlib.import_module("ml_dtypes")  # teaches NumPy bfloat16, as JAX does
    modules.install()
    if name in _AS_JAX:
        importlib.import_module("keras.src.backend").backend = lambda: "jax"  # type: ignore[attr-defined]
    path = modules.source_folder() / name
    options = ["-q", "-p", "no:cacheprovider", "--tb=short", "-W", "ignore", "-o", "addopts="]
    options += ["--import-mode=importlib", "--rootdir", str(modules.source_folder().parents[1])]
    options += ["-o", "python_files=*_test.py", "--show-capture=no"]
    return int(pytest.main([*options, str(path)], plugins=[Results(name, Path(results))]))


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
