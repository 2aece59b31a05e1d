"""Single ops: what the core reaches, beside NumPy, JAX and PyTorch.

    python benches/ops.py                          all rows, a few minutes
    python benches/ops.py --only gemm              rows whose name has "gemm" in it (a regex)
    python benches/ops.py --only "gemm.*512" --rounds 9 --csv rows.csv
    python benches/ops.py --only "^conv"
    python benches/ops.py --only "^gemm" --isa avx2     everyone on AVX2, where the machine has more

A row is an op at a shape. Of ours it is a traced graph, run many times by `Program.epoch`, so that
no Python is in the loop; results stay in the memory that the program keeps. Of JAX it is a jitted
function, and each call is waited for (updates donate their state). Of NumPy it is the fastest of
the forms in `rows.py`, into kept buffers; of PyTorch (products and convolutions only) the faster of
channels last and contiguous, out of the autograd graph. A small op therefore shows the price of a
call in them.

How to read it: GFLOP/s for products (2mkn operations), else GB/s, counted as the bytes of inputs
and results that have to move at least once: more is better; of Fourier transforms (`sound_rows.py`)
the microseconds of a call: less is better. `ratio` is how many times as fast as
the fastest of the peers ours is, `% of peak` our part of the highest rate of any product of the same
dtype in the same run (convolutions alone measure one product for it). "gemm tn 784x128x512" is
C (784, 512) of A (784, 128), stored transposed, and B (128, 512); "gemm64" are products of float64,
"few rows" those of a few samples. "conv 128x32x32x16 3x3x32 /2 same" is images, kernel and filters,
stride, padding; `conv_transpose` is its gradient by the image, `conv_kernel_grad` by the kernel.
Shapes of 128x512 stay in a core's cache, 4096x1024 do not.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import os
import re
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measure import (
    Worker,
    add_isa,
    best_seconds,
    blas_kernels,
    installed,
    interleave,
    limit_isa,
    limit_threads,
    machine,
    ratio,
    table,
    write_csv,
)
from rows import FLOPS, TIME, Forms, Row, rows

OURS, NUMPY, JAX, TORCH = "chainrule", "numpy", "jax", "torch"
EVERYONE = (OURS, NUMPY, JAX, TORCH)
PRODUCTS = ("gemm", "gemm64")
GEMM_OF_PEAK = 85  # percent, from 512 up
PEAK_ROW = "gemm nn 1024x1024x1024"  # measured for rows of convolutions


class Bench:
    """One contestant's side of the rows, in a process of its own."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.rows = {row.name: row for row in rows()}
        self.loop: Callable[[int], Any] = lambda count: None
        self.count = 1

    def prepare(self, name: str, seconds: float) -> bool:
        """Compile the row and find how often it runs in `seconds`. False: has no such row."""
        row = self.rows[name]
        makers = {OURS: self._ours, NUMPY: self._numpy, JAX: self._jax, TORCH: self._torch}
        made = makers[self.kind](row)
        if made is None:
            return False
        self.loop = made
        self.loop(1)
        self.count = 1
        while self.run() * self.count < seconds / 4 and self.count < 1 << 20:
            self.count *= 4
        self.count = max(1, round(seconds / self.run()))
        return True

    def blas(self) -> str:
        """Which kernels NumPy's BLAS runs here."""
        return blas_kernels()

    def run(self) -> float:
        """Seconds of one of `count` runs."""
        start = time.perf_counter()
        self.loop(self.count)
        return (time.perf_counter() - start) / self.count

    def _ours(self, row: Row) -> Callable[[int], Any]:
        keras: Any = importlib.import_module("chainrule")
        tracing: Any = importlib.import_module("chainrule.tracing.trace")
        variables = [keras.Variable(a, dtype=a.dtype.name, trainable=True) for a in row.arrays()]
        if row.op.startswith("update"):
            optimizer, variable, gradient = row.ours(*variables)
            optimizer.build([variable])
            with tracing.Trace() as trace:
                optimizer.apply([trace.read(gradient)], [variable])
                program = trace.compile([])
        else:
            with tracing.Trace() as trace:
                outputs = row.ours(*(trace.read(v) for v in variables))
                program = trace.compile(outputs if isinstance(outputs, list) else [outputs])
        return lambda count: program.epoch([], None, 1, 0, count, [])

    def _numpy(self, row: Row) -> Callable[[int], Any] | None:
        return None if row.numpy is None else _fastest(row.numpy(*row.arrays()))

    def _torch(self, row: Row) -> Callable[[int], Any] | None:
        if row.torch is None:
            return None
        torch: Any = importlib.import_module("torch")
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
        torch.set_grad_enabled(False)
        return _fastest(row.torch(*row.arrays()))

    def _jax(self, row: Row) -> Callable[[int], Any] | None:
        if row.jax is None:
            return None
        jax: Any = importlib.import_module("jax")
        jax.config.update("jax_enable_x64", "64" in row.op)
        arrays = [jax.device_put(a) for a in row.arrays()]
        if not row.op.startswith("update"):
            call = jax.jit(row.jax)
            return functools.partial(_repeat, lambda: jax.block_until_ready(call(*arrays)))
        update = jax.jit(row.jax, donate_argnums=tuple(range(len(arrays))))
        state = [tuple(arrays)]

        def advance() -> None:
            state[0] = jax.block_until_ready(update(*state[0]))

        return functools.partial(_repeat, advance)


def _fastest(forms: Forms) -> Callable[[int], Any]:
    call = min(forms, key=lambda form: best_seconds(form, 0.01)[1])
    return functools.partial(_repeat, call)


def _repeat(call: Callable[[], Any], count: int) -> None:
    for _ in range(count):
        call()


def bench(row: Row, workers: dict[str, Worker], rounds: int, seconds: float) -> dict[str, Any]:
    """One line of the table: the rates of each, and the ratio to the fastest peer."""
    names = [who for who in workers if workers[who].call("prepare", row.name, seconds)]
    calls = {who: functools.partial(workers[who].call, "run") for who in names}
    figures = interleave(calls, rounds) if calls else {}
    peers = [who for who in names if who != OURS]
    fastest = min(peers, key=lambda who: statistics.median(figures[who]), default=None)
    found: dict[str, Any] = {"op": row.op, "shape": row.shape, "unit": row.unit}
    for who in EVERYONE:
        times = figures.get(who)
        found[who] = _rate(row, statistics.median(times)) if times else None
    found["ratio"] = None
    if fastest is not None and OURS in figures:
        found["ratio"] = ratio(figures[OURS], figures[fastest])
    return found


def _rate(row: Row, seconds: float) -> float:
    return 1e6 * seconds if row.unit == TIME else row.work / seconds / 1e9


def add_peaks(found: list[dict[str, Any]]) -> None:
    """Print the highest rate of each in products, and add to rows in FLOP/s our part of it all."""
    peaks: dict[str, float] = {}
    for kind in PRODUCTS:
        products = [row for row in found if row["op"].startswith(f"{kind} ")]
        for who in EVERYONE:
            if measured := [row for row in products if row[who] is not None]:
                best = max(measured, key=lambda row: float(row[who]))
                peaks[kind] = max(peaks.get(kind, 0.0), best[who])
                print(f"peak of {who}: {best[who]:.0f} {FLOPS} at {best['op']} {best['shape']}")
    for row in found:
        peak = peaks.get("gemm64" if row["op"].startswith("gemm64") else "gemm")
        counts = peak and row["unit"] == FLOPS and row[OURS] is not None
        row["% of peak"] = 100 * row[OURS] / peak if counts else None


def summary(found: list[dict[str, Any]]) -> None:
    """The rows below the peers and below the target."""
    for kind in ("gemm ", "gemm64 ", "tokens ", "few rows ", "conv"):
        rows = [r for r in found if r["op"].startswith(kind) and r["ratio"] is not None]
        if not rows:
            continue
        below = [row for row in rows if row["ratio"] < 1]
        print(f"{kind.strip()}: {len(rows) - len(below)} of {len(rows)} rows at least as fast as all peers")
        for row in below:
            print(f"  {row['op']} {row['shape']}: {row['ratio']:.2f}")
    for row in found:
        square = row["op"].endswith(" nn") and len(set(row["shape"].split("x"))) == 1
        part = row["% of peak"]
        if square and part is not None and int(row["shape"].split("x")[0]) >= 512:
            met = "met" if part >= GEMM_OF_PEAK else "not met"
            target = f"target {GEMM_OF_PEAK}%"
            print(f"  {row['op']} {row['shape']}: {part:.0f}% of the highest peak, {target}: {met}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", metavar="PATTERN", default="", help="a regex of rows' names")
    parser.add_argument("--who", metavar="PATTERN", default="", help="a regex of contestants")
    parser.add_argument("--rounds", type=int, default=7, help="default 7")
    parser.add_argument("--seconds", type=float, default=0.05, help="a measurement; default 0.05")
    parser.add_argument("--threads", type=int, default=2, help="for every contestant; default 2")
    add_isa(parser)
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the rows there too")
    options = parser.parse_args()
    limit_threads(options.threads)
    limit_isa(options.isa)
    chosen = [row for row in rows() if re.search(options.only, row.name)]
    flops = any(row.unit == FLOPS for row in chosen)
    if flops and not any(row.op.startswith("gemm") for row in chosen):
        chosen = [row for row in rows() if row.name == PEAK_ROW] + chosen
    print(machine(options.threads))
    present = [who for who in EVERYONE if installed(who) and re.search(options.who, who)]
    for who in EVERYONE:
        if not installed(who):
            print(f"left out: {who}: not installed")
    workers = {who: Worker(who, functools.partial(Bench, who)) for who in present}
    found = []
    try:
        if NUMPY in workers:
            print(f"numpy's products: {workers[NUMPY].call('blas')}")
        for row in chosen:
            found.append(bench(row, workers, options.rounds, options.seconds))
    finally:
        for worker in workers.values():
            worker.close()
    add_peaks(found)
    header = ("op", "shape", "unit", *EVERYONE, "ratio", "% of peak")
    table(header, [_line(row) for row in found], left=3)
    summary(found)
    if options.csv:
        write_csv(options.csv, found)


def _line(row: dict[str, Any]) -> list[str]:
    return [x if isinstance(x, str) else _figure(x) for x in row.values()]


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}" if value < 10 else f"{value:.0f}"


if __name__ == "__main__":
    main()
