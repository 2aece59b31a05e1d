"""What the benches share: contestants in processes of their own, interleaved rounds, tables.

Libraries that keep thread pools disturb each other inside one process (the idle threads of one
spin while the other computes), so each contestant lives in a process of its own, which waits on a
pipe while another one runs. All of them get the same cores, and are told the same number of
threads. A figure is the median over rounds; a ratio is the median of the ratios within each
round, so that a load that comes and goes meets both sides.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import importlib.util
import multiprocessing
import os
import statistics
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

_SETTLE = 0.02  # seconds after which the threads of the last contestant have gone to sleep
_ISAS = {
    "avx2": {
        "CHAINRULE_ISA": "avx2",
        "OPENBLAS_CORETYPE": "Haswell",
        # XLA's YNN kernels obey no limit: without them it runs oneDNN's, which do.
        "XLA_FLAGS": "--xla_cpu_max_isa=AVX2 --xla_cpu_experimental_ynn_fusion_type=",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "ATEN_CPU_CAPABILITY": "avx2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    },
    "best": {},
}


def limit_threads(threads: int) -> None:
    """Tell every library, and the processes started from here, to use this many threads.

    Must run before the libraries are imported: they read it once.
    """
    for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "CHAINRULE"):
        os.environ[f"{name}_NUM_THREADS"] = str(threads)
    os.environ["NPROC"] = str(threads)  # the pool of XLA
    for name in ("INTRAOP", "INTEROP"):
        os.environ[f"TF_NUM_{name}_THREADS"] = str(threads)
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    os.environ.setdefault("KERAS_BACKEND", "jax")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def add_isa(parser: argparse.ArgumentParser) -> None:
    """The option `--isa`, for `limit_isa`."""
    text = "instruction set of every contestant; default best: what the machine has"
    parser.add_argument("--isa", choices=_ISAS, default="best", help=text)


def limit_isa(isa: str) -> None:
    """Tell every library that is imported in processes started from here to use no more than this.

    What the environment says of OpenBLAS's kernels is dropped: some set an older machine's.
    """
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        os.environ.pop(name, None)
    os.environ.update(_ISAS[isa])


def blas_kernels() -> str:
    """Which kernels the BLAS of this process's NumPy has chosen, as "OpenBLAS 0.3.31 Haswell"."""
    if not installed("threadpoolctl"):
        return "unknown (threadpoolctl, which tells, is not installed)"
    threadpoolctl: Any = importlib.import_module("threadpoolctl")
    found = [x for x in threadpoolctl.threadpool_info() if x["user_api"] == "blas"]
    return ", ".join(
        f"{x['internal_api']} {x['version']} {x.get('architecture', '')}".strip() for x in found
    )


def installed(*modules: str) -> bool:
    """Whether all of these can be imported."""
    return all(importlib.util.find_spec(module) is not None for module in modules)


class Worker:
    """An object that lives in a process of its own and answers calls of its methods.

    Parameters
    ----------
    name : str
        Shown in errors.
    make : callable
        Makes the object, over there; a top-level function, or a partial of one.
    """

    def __init__(self, name: str, make: Callable[[], Any]) -> None:
        self.name = name
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, make), daemon=True)
        self._process.start()
        theirs.close()

    def call(self, method: str, *args: Any) -> Any:
        """`method(*args)` of the object, over there.

        Raises
        ------
        RuntimeError
            With the traceback of what went wrong over there.
        """
        self._pipe.send((method, args))
        try:
            failed, answer = self._pipe.recv()
        except EOFError:
            self._process.join()
            code = self._process.exitcode
            raise RuntimeError(f"{self.name}: expected an answer, got exit code {code}") from None
        if failed:
            raise RuntimeError(f"{self.name}.{method}:\n{answer}")
        return answer

    def close(self) -> None:
        """End the process."""
        if self._process.is_alive():
            self._pipe.send(None)
            self._process.join(10)


def _serve(pipe: Any, make: Callable[[], Any]) -> None:
    served: Any = None
    while (request := pipe.recv()) is not None:
        method, args = request
        try:
            served = make() if served is None else served
            pipe.send((False, getattr(served, method)(*args)))
        except Exception:
            pipe.send((True, traceback.format_exc()))


def interleave(
    contestants: Mapping[str, Callable[[], float]], rounds: int
) -> dict[str, list[float]]:
    """The figures of each contestant, a round each; who begins changes from round to round."""
    names = list(contestants)
    figures: dict[str, list[float]] = {name: [] for name in names}
    for at in range(rounds):
        first = at % len(names)
        for name in names[first:] + names[:first]:
            time.sleep(_SETTLE)
            figures[name].append(contestants[name]())
    return figures


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """How many times as long they take: the median of the rounds' ratios."""
    return statistics.median(t / o for o, t in zip(ours, theirs))


def best_seconds(call: Callable[[], Any], target: float) -> tuple[int, float]:
    """How many calls take about `target` seconds, and the seconds of one of them."""
    call()
    count, spent = 1, 0.0
    while True:
        start = time.perf_counter()
        for _ in range(count):
            call()
        spent = time.perf_counter() - start
        if spent >= target / 4 or count >= 1 << 20:
            break
        count *= 4
    each = spent / count
    return max(1, round(target / each)), each


def table(
    header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1, out: Any = None
) -> None:
    """Print columns; the first `left` of them flush left."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    for row in [header, ["-" * w for w in widths], *rows]:
        cells = enumerate(zip(row, widths))
        padded = (c.ljust(width) if i < left else c.rjust(width) for i, (c, width) in cells)
        print("  ".join(padded).rstrip(), file=out or sys.stdout, flush=True)


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """The rows with a header line; the names of the first row."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]) if rows else [])
        writer.writeheader()
        writer.writerows(rows)


def machine(threads: int) -> str:
    """One line on where the figures come from."""
    import platform

    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [x for x in info.read_text().splitlines() if x.startswith("model name")]
        model = lines[0].split(":", 1)[1].strip() if lines else model
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{model}, {threads} threads, Python {platform.python_version()}{load}"
