"""The parts of the selftest, one after the other."""

from __future__ import annotations

import json
import os
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np

import chainrule
from chainrule import _core
from chainrule.layers import Dense, Input
from chainrule.models import Sequential
from chainrule.selftest.op_checks import DTYPES, check_ops
from chainrule.selftest.report import Rate, SelfTest, Training
from chainrule.selftest.rows import Numbers
from chainrule.selftest.trainings import TRAININGS, digest_of, trained
from chainrule.testing.making import global_floats

__all__ = ["PUBLISHED", "digests", "run", "system"]

PUBLISHED = Path(__file__).with_name("digests.json")
# The side of the matrices whose product is timed, and that for processors without fused
# multiply-adds, which take too long for the first.
_SIDES = (1024, 128)
_REPEATS, _SECONDS = 5, 0.5


def run() -> SelfTest:
    """Check the installed chainrule on this machine; takes some seconds.

    Returns
    -------
    SelfTest
        ``result.ok``, and the whole report when printed.
    """
    start = time.perf_counter()
    published = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    result = SelfTest(system(), expected=published["ops"])
    for dtype in DTYPES:
        result.ops += check_ops(dtype)
    for name in TRAININGS:
        expected = published["trainings"].get(name, "")
        result.trainings.append(Training(name, digest_of(trained(name)), expected))
    for dtype in DTYPES:
        result.gradients[dtype] = _gradients(dtype)
    for dtype in DTYPES:
        result.rates[dtype] = _rate(dtype)
    result.seconds = time.perf_counter() - start
    return result


def digests() -> dict[str, dict[str, str]]:
    """What a release publishes: the digests of the results of ops and of the weights of trainings."""
    ops = {f"{r.op} {r.dtype}": r.digest for dtype in DTYPES for r in check_ops(dtype)}
    return {"ops": ops, "trainings": {name: digest_of(trained(name)) for name in TRAININGS}}


def system() -> dict[str, str]:
    """Versions, processor, instruction set, threads and load."""
    load = ", ".join(f"{x:.2f}" for x in os.getloadavg()) if hasattr(os, "getloadavg") else "unknown"
    return {
        "chainrule": chainrule.version(),
        "Python": f"{platform.python_version()} ({platform.python_implementation()})",
        "NumPy": np.__version__,
        "platform": platform.platform(),
        "processor": f"{_processor()}, {os.cpu_count()} logical cores",
        "instructions": _core.isa(),
        "threads": str(_core.num_threads()),
        "load": load,
    }


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line]
    return names[0] if names else platform.machine()


def _gradients(dtype: str) -> str:
    """The check of gradients of a small network: "ok", or its report."""
    numbers = Numbers("gradients", dtype)
    with global_floats(dtype):
        model: Any = Sequential(
            [Input((6,)), Dense(8, activation="tanh"), Dense(3, activation="softmax")]
        )
        model.compile("sgd", "categorical_crossentropy")
        y = np.eye(3)[numbers.ints((16,), 0, 3)]
        report = model.check_gradients(numbers.floats((16, 6)), y.astype(dtype))
    return "ok" if report.ok else str(report)


def _rate(dtype: str) -> Rate:
    """GFLOP/s of the fastest of some products of square matrices."""
    large, small = _SIDES
    first = _product(dtype, small)
    if 2 * large**3 / (first * 1e9) > _SECONDS:
        return Rate(small, first)
    return Rate(large, _product(dtype, large))


def _product(dtype: str, side: int) -> float:
    numbers = Numbers("rate", dtype)
    a, b = numbers.floats((side, side)), numbers.floats((side, side))
    graph = _core.Graph()
    nodes = [graph.input("", x.shape, x.dtype.name) for x in (a, b)]
    attrs = {"transpose_a": False, "transpose_b": False}
    program = graph.compile(graph.push("matmul", attrs, nodes))
    seconds = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        program.run([a, b])
        seconds.append(time.perf_counter() - start)
    return 2 * side**3 / min(seconds) / 1e9
