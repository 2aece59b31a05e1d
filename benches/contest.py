"""A contest of trainers on one task: same losses first, then interleaved rounds, a table, verdicts."""

from __future__ import annotations

import argparse
import functools
import re
import statistics
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from measure import (
    Worker,
    add_isa,
    installed,
    interleave,
    limit_isa,
    limit_threads,
    machine,
    ratio,
    table,
    write_csv,
)

OURS, CORE, SCAN = "chainrule fit", "chainrule core", "JAX, scanned epoch"
TOLERANCE = 1e-4  # relative: sums run in other orders
CURVE_EPOCHS = 2

Needs = Mapping[str, tuple[str, ...]]  # the modules that a contestant imports
Make = Callable[[str, Any, bool], Any]  # contestant, task, shuffle; called where it lives


def check_curves(curves: dict[str, list[float]]) -> float:
    """The largest relative difference from the first loss curve, which is ours if we take part.

    Raises
    ------
    AssertionError
        It is above `TOLERANCE`, or the loss does not fall.
    """
    first = next(iter(curves.values()))
    assert first[-1] < first[0], f"expected a falling loss, got {first}"
    worst = 0.0
    for name, curve in curves.items():
        assert len(curve) == len(first), f"{name}: expected {len(first)} epochs, got {len(curve)}"
        difference = max(abs(a - b) / abs(b) for a, b in zip(curve, first))
        assert difference < TOLERANCE, f"{name}: expected the losses {first}, got {curve}"
        worst = max(worst, difference)
    return worst


def contest(
    model: str, task: Any, make: Make, names: list[str], rounds: int, epochs: int, shuffle: bool
) -> list[dict[str, Any]]:
    """Run one task's contest, print its table, and give its rows.

    Parameters
    ----------
    model : str
        The task's short name.
    task : contestants.task.Task, or one like it
    make : callable
        A top-level function that makes a contestant (see `contestants.task.Contestant`).
    names : list of str
        Who takes part.
    rounds, epochs : int
        A round is so many epochs.
    shuffle : bool
    """
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
    losses = next(iter(curves.values()))
    print(f"loss curves agree to {worst:.0e}: " + ", ".join(f"{x:.5f}" for x in losses))
    medians = {who: statistics.median(times) for who, times in figures.items()}
    ratios = {who: ratio(figures.get(OURS, times), times) for who, times in figures.items()}
    rows = [
        {
            "model": model,
            "contestant": who,
            "median_ms": medians[who],
            "best_ms": min(figures[who]),
            "per_second": 1e3 * task.batch / medians[who],
            "gflops": task.flops / medians[who] / 1e6,
            "times_ours": ratios[who] if OURS in names else None,
        }
        for who in names
    ]
    header = ("", "ms a step", "best", f"{task.items}/s", "GFLOP/s", "times ours")
    table(header, [_line(row) for row in rows])
    if OURS in names:
        peers = [who for who in names if who not in (OURS, CORE)]
        verdict("peer", peers, medians, ratios, task.target)
        if SCAN in peers:
            peers.remove(SCAN)
            verdict("peer that is called for each step", peers, medians, ratios, task.target)
    return rows


def verdict(
    kind: str,
    peers: list[str],
    medians: dict[str, float],
    ratios: dict[str, float],
    target: float,
) -> None:
    """Print how the fastest of the peers compares with the target."""
    if peers:
        fastest = min(peers, key=lambda who: medians[who])
        met = "met" if ratios[fastest] >= target else "not met"
        print(
            f"{ratios[fastest]:.2f} times as fast as the fastest {kind} ({fastest}); "
            f"target {target}: {met}"
        )


def _milliseconds(worker: Worker, epochs: int, steps: int) -> float:
    return 1e3 * float(worker.call("run", epochs)) / steps


def _line(row: dict[str, Any]) -> list[str]:
    times = "-" if row["times_ours"] is None else f"{row['times_ours']:.2f}"
    milliseconds = [f"{row[name]:.4g}" for name in ("median_ms", "best_ms")]
    return [row["contestant"], *milliseconds, f"{row['per_second']:.0f}", f"{row['gflops']:.1f}", times]


def main(
    doc: str,
    tasks: Mapping[str, Any],
    make: Make,
    needs: Needs,
    cannot: Callable[[str, Any], str | None] = lambda who, task: None,
) -> None:
    """The command line of a bench of whole steps.

    Parameters
    ----------
    doc : str
        The bench's docstring.
    tasks : mapping of str to task
    make : callable
    needs : mapping of str to tuple of str
        All contestants, in the order of the table, and what they import.
    cannot : callable
        (contestant, task) -> why it does not take part, or None.
    """
    parser = argparse.ArgumentParser(description=doc.split("\n")[0])
    parser.add_argument("--model", choices=tasks, action="append", help="default: all of them")
    parser.add_argument("--only", metavar="PATTERN", default="", help="a regex of contestants")
    parser.add_argument("--rounds", type=int, default=11, help="default 11")
    parser.add_argument("--threads", type=int, default=2, help="for every contestant; default 2")
    parser.add_argument("--shuffle", action="store_true", help="each shuffles its rows each epoch")
    parser.add_argument("--quick", action="store_true", help="three short rounds")
    add_isa(parser)
    parser.add_argument("--csv", type=Path, help="write the rows there too")
    options = parser.parse_args()
    limit_threads(options.threads)
    limit_isa(options.isa)
    asked = [who for who in needs if re.search(options.only, who)]
    if OURS in asked and not installed("chainrule"):
        sys.exit("expected chainrule to be installed, or PYTHONPATH to name the folder it is in")
    print(machine(options.threads))
    rows: list[dict[str, Any]] = []
    for model in options.model or tasks:
        task = tasks[model]
        missing = {who: "not installed" for who in asked if not installed(*needs[who])}
        left_out = {**missing, **{who: why for who in asked if (why := cannot(who, task))}}
        names = [who for who in asked if who not in left_out]
        rounds, epochs = options.rounds, task.epochs
        if options.quick:
            rounds, epochs = 3, max(1, epochs // 4)
        rows += contest(model, task, make, names, rounds, epochs, options.shuffle)
        for who, why in left_out.items():
            print(f"left out: {who}: {why}")
    if options.csv:
        write_csv(options.csv, rows)
