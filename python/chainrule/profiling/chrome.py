"""A profiled step as events of the Trace Event Format, which chrome://tracing and Perfetto show.

(https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU, "complete events".)
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from chainrule.profiling.task import OTHER, Task, places

__all__ = ["events"]

Event = dict[str, Any]


def events(title: str, seconds: float, tasks: Sequence[Task], model: str) -> list[Event]:
    """The step, its parts, layers and tasks one within the other, in microseconds from its begin.

    The tasks are laid one after the other, as they run; what is no task comes last.

    Examples
    --------
    >>> task = Task("dense", ("dense",), "net/out", (), "forward", 2e-6, 8, 16, (), ())
    >>> [(e["name"], round(e["ts"], 3), round(e["dur"], 3)) for e in events("step", 3e-6, [task], "net")]
    [('step', 0, 3.0), ('forward', 0.0, 2.0), ('out', 0.0, 2.0), ('dense', 0.0, 2.0), ('other', 2.0, 1.0)]
    """
    found = [_event(title, "step", 0, 1e6 * seconds)]
    timed: list[tuple[list[str], Task, float]] = []
    at = 0.0
    for task in tasks:
        timed.append((places(task, model), task, at))
        at += 1e6 * task.seconds
    found += _within(timed, 0)
    found.append(_event(OTHER, OTHER, at, 1e6 * seconds - at))
    return found


def _within(timed: list[tuple[list[str], Task, float]], depth: int) -> list[Event]:
    """The events of tasks that have `depth` places in common; neighbours in one place share its event."""
    found = []
    for place, group in groupby(timed, key=lambda item: "".join(item[0][depth : depth + 1])):
        inner = list(group)
        if not place:
            found += [_of_task(task, at) for _, task, at in inner]
            continue
        duration = sum(1e6 * task.seconds for _, task, _ in inner)
        kind = "layer" if depth else "part"
        found.append(_event(place, kind, inner[0][2], duration))
        found += _within(inner, depth + 1)
    return found


def _of_task(task: Task, at: float) -> Event:
    details: Event = {
        "ops": " ".join(task.ops),
        "reads": " ".join(map(str, task.inputs)),
        "makes": " ".join(map(str, task.outputs)),
        "bytes": task.bytes,
    }
    if task.operations is not None:
        details["operations"] = task.operations
    if task.others:
        details["also of"] = " ".join(task.others)
    return _event(task.op, "op", at, 1e6 * task.seconds, details)


def _event(
    name: str, category: str, at: float, duration: float, details: Event | None = None
) -> Event:
    event: Event = {"name": name, "cat": category, "ph": "X", "ts": at, "dur": duration}
    return {**event, "pid": 1, "tid": 1, "args": details or {}}
