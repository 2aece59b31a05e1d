"""Steps of one's own beside `fit`: a loop through `keras.function`, and a `train_step`.

    python benches/custom_loop.py                    the networks of train.py, medium alone by default
    python benches/custom_loop.py --model small --rounds 9
    python benches/custom_loop.py --quick            a few seconds, to see that it runs

784-512-256-10 with dropout 0.2, Adam, batch 128 ("medium" of train.py; "small" and "large" are there too).
All train from the same weights on the same rows, in an order that each draws, each in a process of its own
on the same cores; first, a few steps without dropout give all the same loss curve to the last bit, or the
bench fails. A round is one call of `fit`, or the epoch's loop in Python, which takes the rows of each batch
out of the arrays itself.

How to read it: milliseconds a step (the median round, and the best), and how many times as long as `fit` a
step takes, the median of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import functools
import statistics
from typing import Any

from contestants.task import TASKS, Contestant, Task
from measure import Worker, interleave, limit_threads, machine, ratio, table

FIT, LOOP, STEP = "fit", "loop of keras.function", "fit with a train_step"
TARGET = 1.05
CURVE_EPOCHS = 2


def make(kind: str, task: Task) -> Contestant:
    """The contestant; called in the process where it lives."""
    from contestants.keras_trainer import KerasTrainer
    from contestants.loop_trainer import LoopTrainer, StepTrainer

    kinds: dict[str, Any] = {FIT: KerasTrainer, LOOP: LoopTrainer, STEP: StepTrainer}
    made: Contestant = kinds[kind](task, True)
    return made


def compare(task: Task, rounds: int, epochs: int) -> None:
    """Run one task's rounds, and print its table.

    Raises
    ------
    AssertionError
        The losses are not the same.
    """
    workers = {kind: Worker(kind, functools.partial(make, kind, task)) for kind in (FIT, LOOP, STEP)}
    try:
        curves = {kind: worker.call("curve", CURVE_EPOCHS) for kind, worker in workers.items()}
        assert all(curve == curves[FIT] for curve in curves.values()), curves
        for worker in workers.values():
            worker.call("prepare")
        steps = epochs * task.steps

        def milliseconds(worker: Worker) -> float:
            return 1e3 * float(worker.call("run", epochs)) / steps

        calls = {kind: functools.partial(milliseconds, worker) for kind, worker in workers.items()}
        figures = interleave(calls, rounds)
    finally:
        for worker in workers.values():
            worker.close()
    print(f"\n{task.name}, batch {task.batch}, dropout {task.dropout}: {rounds} rounds of {steps} steps")
    times = {kind: ratio(figures[FIT], found) for kind, found in figures.items()}
    rows = [
        [kind, f"{statistics.median(found):.4g}", f"{min(found):.4g}", f"{times[kind]:.3f}"]
        for kind, found in figures.items()
    ]
    table(("", "ms a step", "best", "times fit"), rows)
    met = "met" if times[LOOP] <= TARGET else "not met"
    print(f"the loop takes {times[LOOP]:.3f} times as long as fit; target {TARGET}: {met}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--model", choices=TASKS, action="append", help="default: medium")
    parser.add_argument("--rounds", type=int, default=15, help="default 15")
    parser.add_argument("--threads", type=int, default=2, help="default 2")
    parser.add_argument("--quick", action="store_true", help="three short rounds")
    options = parser.parse_args()
    limit_threads(options.threads)
    print(machine(options.threads))
    for model in options.model or ["medium"]:
        task = TASKS[model]
        rounds, epochs = (3, 1) if options.quick else (options.rounds, 2 * task.epochs)
        compare(task, rounds, epochs)


if __name__ == "__main__":
    main()
