"""Whole training steps side by side: chainrule's `fit` and its peers on the same task.

    python benches/train.py                          the table
    python benches/train.py --model small --rounds 9
    python benches/train.py --quick                  a few seconds, to see that it runs

Three dense networks with Adam: 64-64-32-10 at batch 32, 784-512-256-10 at batch 128 with dropout
0.2, 1024-2048-2048-1000 at batch 512. Every contestant trains on the same rows in the same order
from the same weights, on the same cores; first, a few steps without dropout give all of them the
same loss curve, or the bench fails. A round is one call of `fit`, or of what stands for it, of so
many epochs; what it takes besides the steps is part of the figure. Training goes on from round to
round.

How to read it: milliseconds a step (the median round, and the best), GFLOP/s of the matrix
products at the median, and how many times as long a step takes as in chainrule's `fit`. "chainrule
core" is the same program without the epochs' Python around it: not a contestant but the part of
`fit` that is its steps. The lines under a table compare with the fastest peer, and with the fastest
that is called for each step (a scanned epoch can neither report nor be stopped within it). Peers
that are not installed are named and left out; `pip install keras jax scikit-learn` adds them.
"""

from __future__ import annotations

import argparse
import functools
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from contestants.task import TASKS, Contestant, Task
from measure import Worker, installed, interleave, limit_threads, machine, ratio, table, write_csv

OURS, CORE, SCAN = "chainrule fit", "chainrule core", "JAX, scanned epoch"
TOLERANCE = 1e-4  # relative: sums run in other orders
CURVE_EPOCHS = 2


def make(kind: str, task: Task, shuffle: bool) -> Contestant:
    """The contestant; called in the process where it lives."""
    from contestants.jax_trainer import JaxTrainer
    from contestants.keras_trainer import CoreTrainer, KerasTrainer
    from contestants.numpy_trainer import NumpyTrainer
    from contestants.sklearn_trainer import SklearnTrainer

    kinds: dict[str, Callable[[], Contestant]] = {
        OURS: lambda: KerasTrainer(task, shuffle, "chainrule"),
        CORE: lambda: CoreTrainer(task, shuffle, "chainrule"),
        "NumPy by hand": lambda: NumpyTrainer(task, shuffle),
        "JAX, jitted step": lambda: JaxTrainer(task, shuffle),
        SCAN: lambda: JaxTrainer(task, shuffle, scan=True),
        "Keras on JAX, fit": lambda: KerasTrainer(task, shuffle, "keras"),
        "scikit-learn fit": lambda: SklearnTrainer(task, shuffle),
    }
    return kinds[kind]()


def contestants(task: Task) -> tuple[list[str], list[str]]:
    """Who runs, and why others do not."""
    needs = {
        OURS: ("chainrule",),
        CORE: ("chainrule",),
        "NumPy by hand": ("numpy",),
        "JAX, jitted step": ("jax",),
        SCAN: ("jax",),
        "Keras on JAX, fit": ("keras", "jax"),
        "scikit-learn fit": ("sklearn",),
    }
    run, left_out = [], []
    for name, modules in needs.items():
        if not installed(*modules):
            left_out.append(f"{name}: not installed")
        elif name == "scikit-learn fit" and task.dropout:
            left_out.append(f"{name}: has no dropout")
        else:
            run.append(name)
    return run, left_out


def check_curves(curves: dict[str, list[float]]) -> float:
    """The largest relative difference from our loss curve.

    Raises
    ------
    AssertionError
        It is above `TOLERANCE`, or the loss does not fall.
    """
    ours = curves[OURS]
    assert ours[-1] < ours[0], f"expected a falling loss, got {ours}"
    worst = 0.0
    for name, curve in curves.items():
        assert len(curve) == len(ours), f"{name}: expected {len(ours)} epochs, got {len(curve)}"
        difference = max(abs(a - b) / abs(b) for a, b in zip(curve, ours))
        assert difference < TOLERANCE, f"{name}: expected the losses {ours}, got {curve}"
        worst = max(worst, difference)
    return worst


def bench(name: str, task: Task, rounds: int, epochs: int, shuffle: bool) -> list[dict[str, Any]]:
    """Run one model's contest, print its table, and give its rows."""
    names, left_out = contestants(task)
    workers = {who: Worker(who, functools.partial(make, who, task, shuffle)) for who in names}
    try:
        curves = {who: workers[who].call("curve", CURVE_EPOCHS) for who in names}
        worst = check_curves(curves)
        for worker in workers.values():
            worker.call("prepare")
        steps = epochs * task.steps
        calls = {
            who: functools.partial(_milliseconds, worker, epochs, steps)
            for who, worker in workers.items()
        }
        figures = interleave(calls, rounds)
    finally:
        for worker in workers.values():
            worker.close()
    print(
        f"\n{task.name}, batch {task.batch}, dropout {task.dropout}, Adam: "
        f"{rounds} rounds of {epochs} epochs of {task.steps} steps"
    )
    print(f"loss curves agree to {worst:.0e}: " + ", ".join(f"{x:.5f}" for x in curves[OURS]))
    medians = {who: statistics.median(times) for who, times in figures.items()}
    ratios = {who: ratio(figures[OURS], times) for who, times in figures.items()}
    rows = [
        {
            "model": name,
            "contestant": who,
            "median_ms": medians[who],
            "best_ms": min(figures[who]),
            "gflops": task.flops / medians[who] / 1e6,
            "times_ours": ratios[who],
        }
        for who in names
    ]
    table(
        ("", "ms a step", "best", "GFLOP/s", "times ours"),
        [
            (
                str(row["contestant"]),
                f"{row['median_ms']:.4f}",
                f"{row['best_ms']:.4f}",
                f"{row['gflops']:.1f}",
                f"{row['times_ours']:.2f}",
            )
            for row in rows
        ],
    )
    for line in left_out:
        print(f"left out: {line}")
    peers = [who for who in names if who not in (OURS, CORE)]
    by_call = [who for who in peers if who != SCAN]
    for kind, who in (("peer", peers), ("peer that is called for each step", by_call)):
        if who:
            verdict(kind, min(who, key=lambda name: medians[name]), ratios, task.target)
    return rows


def verdict(kind: str, fastest: str, ratios: dict[str, float], target: float) -> None:
    """The line that compares with the target."""
    met = "met" if ratios[fastest] >= target else "not met"
    print(
        f"{ratios[fastest]:.2f} times as fast as the fastest {kind} ({fastest}); "
        f"target {target}: {met}"
    )


def _milliseconds(worker: Worker, epochs: int, steps: int) -> float:
    return 1e3 * float(worker.call("run", epochs)) / steps


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--model", choices=TASKS, action="append", help="default: all of them")
    parser.add_argument("--rounds", type=int, default=11, help="default 11")
    parser.add_argument("--threads", type=int, default=2, help="for every contestant; default 2")
    parser.add_argument("--shuffle", action="store_true", help="each shuffles its rows each epoch")
    parser.add_argument("--quick", action="store_true", help="three short rounds")
    parser.add_argument("--csv", type=Path, help="write the rows there too")
    options = parser.parse_args()
    limit_threads(options.threads)
    if not installed("chainrule"):
        sys.exit("expected chainrule to be installed, or PYTHONPATH to name the folder it is in")
    print(machine(options.threads))
    rows: list[dict[str, Any]] = []
    for name in options.model or TASKS:
        task = TASKS[name]
        rounds, epochs = options.rounds, task.epochs
        if options.quick:
            rounds, epochs = 3, max(1, epochs // 4)
        rows += bench(name, task, rounds, epochs, options.shuffle)
    if options.csv:
        write_csv(options.csv, rows)


if __name__ == "__main__":
    main()
