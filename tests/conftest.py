"""How many examples hypothesis draws: the same few each time, or with `CHAINRULE_SOAK=1` many new ones.

`CHAINRULE_SKIPPED` may name a file: the tests that skipped are written to it, a line each, so that
`pytest @FILE` runs them where the packages that they lack are installed.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "ordinary",
    max_examples=50,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile(
    "soak", settings.get_profile("ordinary"), max_examples=1000, derandomize=False
)
settings.load_profile("soak" if os.environ.get("CHAINRULE_SOAK") == "1" else "ordinary")


_skipped: dict[str, None] = {}


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.skipped:
        _skipped[report.nodeid] = None


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        _skipped[report.nodeid] = None


def pytest_sessionfinish() -> None:
    if path := os.environ.get("CHAINRULE_SKIPPED"):
        Path(path).write_text("".join(f"{name}\n" for name in _skipped), "utf-8")
