"""`profile`: a compiled step run a few times with its tasks timed, and all that it changed put back."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from chainrule import _core
from chainrule.base.errors import DataError
from chainrule.optimizers import Optimizer
from chainrule.profiling.operations import operations
from chainrule.profiling.report import ProfileReport
from chainrule.profiling.task import Task
from chainrule.training.data import ArraySource
from chainrule.training.feeds import Piece
from chainrule.training.runner import Outputs, Runner
from chainrule.utils.summary import weight_memory_size

__all__ = ["profile"]

_MODES = {"fit": "train", "evaluate": "test", "predict": "predict"}
_BATCH_SIZE, _WARM = 32, 3


def profile(
    model: Any,
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    batch_size: int | None = None,
    steps: int = 20,
    mode: str = "fit",
) -> ProfileReport:
    """Time a step of the model by layer and by op.

    Parameters
    ----------
    model : Model
    x, y, sample_weight
        As for `fit`; the step runs on the first rows, or on the first batch of a generator.
    batch_size : int, optional
        Rows of the step. Default: those of the last `fit`, else 32.
    steps : int
        How many steps are timed, after three that are not; the faster half counts. Default 20.
    mode : {"fit", "evaluate", "predict"}
        Whose step. Default "fit".

    Returns
    -------
    ProfileReport
        Tables when printed, ``report.flame()``, ``report.save_trace(path)``.

    Raises
    ------
    NotCompiledError
        A model without `compile`, unless `mode` is "predict".
    ShapeError, DTypeError, DataError
        Data that the model cannot take.
    ValueError
        Another mode, or less than one step or row.

    Notes
    -----
    It is the program that `fit` runs, timed task by task: two looks at the clock each. What it assigns
    (weights, the optimizer's state, seeds, metrics) is put back, so the model is as it was; no other thread
    should use it meanwhile. A task belongs to the layer in which its op was traced, forward and backward;
    one that does the work of several layers (element-wise ops joined, an op that goes on with the tiles of
    another) to one of them, and `Task.others` names the rest.

    Examples
    --------
    >>> import numpy as np, chainrule as keras
    >>> model = keras.Sequential([keras.layers.Dense(8, activation="relu"), keras.layers.Dense(1)])
    >>> model.compile(optimizer="adam", loss="mse")
    >>> report = model.profile(np.ones((64, 4)), np.ones(64), steps=4)
    >>> [row.name for row in report.by_layer() if "dense" in row.name]
    ['sequential/dense', 'sequential/dense_1']
    >>> total = sum(task.seconds for task in report.tasks) + report.other
    >>> bool(np.isclose(total, report.seconds))
    True
    """
    if mode not in _MODES:
        raise ValueError(f"profile: expected mode 'fit', 'evaluate' or 'predict', got {mode!r}")
    for name, value in (("batch_size", batch_size), ("steps", steps)):
        if value is not None and (not isinstance(value, (int, np.integer)) or value < 1):
            raise ValueError(f"profile: expected {name} to be 1 or more, got {value!r}")
    kind = _MODES[mode]
    if kind != "predict":
        model._check_compiled("profile")
    known = model._training.fitted.get("batch_size")
    with model._training.activity.running(model.name, "profile"):
        data = (x, None, None) if kind == "predict" else (x, y, sample_weight)
        batch = _batch(model, data, batch_size or known or _BATCH_SIZE)
        model._ensure_ready(kind, batch)
        if kind != "predict":
            model._check_targets(kind, batch)
        runner = Runner(model, kind)
        program, structure = runner.program((batch.x, batch.y, batch.sample_weight), batch.rows)
        run = _step(program, structure, batch, kind)
        seconds, each = _timed(program, run, int(steps))
    return ProfileReport(
        model=model.name,
        mode=mode,
        rows=batch.rows,
        steps=int(steps),
        seconds=seconds,
        tasks=_tasks(model, program, each),
        arena=program.arena_bytes,
        weights=weight_memory_size(model.weights),
    )


def _batch(model: Any, data: tuple[Any, Any, Any], size: int) -> ArraySource:
    """The first rows, in memory, or the first batch of a generator."""
    source = model._source(*data)
    if isinstance(source, ArraySource):
        return ArraySource(*source.batch(slice(0, min(size, source.rows))))
    first = source.peek()
    if first is None:
        raise DataError("profile: expected at least one batch, got an empty generator")
    return ArraySource(*first)


def _step(
    program: _core.Program, structure: Any, batch: ArraySource, kind: str
) -> Callable[[], Any]:
    """Runs one step; rows are gathered by number, as training with `shuffle` does."""
    leaves, rows = batch.leaves(), batch.rows
    results, order = [], None
    if kind == "predict":
        piece = Piece((batch.x, None, None), leaves, rows, 1)
        results = Outputs().room(structure, piece)
    elif kind == "train":
        order = np.arange(rows)
    return lambda: program.epoch(leaves, order, rows, 0, 1, results)


def _timed(
    program: _core.Program, run: Callable[[], Any], steps: int
) -> tuple[float, list[float]]:
    """Seconds of a step and of each task: the means over the faster half of the steps."""
    found = []
    with _put_back(program):
        for _ in range(_WARM):
            run()
        for _ in range(steps):
            program.time_tasks(True)
            start = time.perf_counter()
            run()
            found.append((time.perf_counter() - start, program.task_seconds()))
    fast = sorted(found)[: math.ceil(steps / 2)]
    each = np.mean([tasks for _, tasks in fast], axis=0)
    return sum(whole for whole, _ in fast) / len(fast), [float(t) for t in each]


@contextmanager
def _put_back(program: _core.Program) -> Iterator[None]:
    """What the program assigns inside has its value again afterwards."""
    before = [(cell, cell.read()) for cell in program.assigned()]
    try:
        yield
    finally:
        program.time_tasks(False)
        for cell, value in before:
            cell.write(value)


def _tasks(model: Any, program: _core.Program, seconds: list[float]) -> tuple[Task, ...]:
    optimizers = {o.name for o in vars(model).values() if isinstance(o, Optimizer)}
    # What could not be fused comes last, and is no task.
    return tuple(_task(task, s, optimizers) for task, s in zip(program.explain(), seconds))


def _task(task: dict[str, Any], seconds: float, optimizers: set[str]) -> Task:
    layer, parts = task["layer"], task["parts"]
    counts = [n for n in map(operations, parts) if n is not None]
    part = "update" if layer.partition("/")[0] in optimizers else "backward" if task["is_gradient"] else "forward"
    return Task(
        op=task["op"],
        ops=tuple(p["op"] for p in parts),
        layer=layer,
        others=tuple(dict.fromkeys(p["layer"] for p in parts if p["layer"] not in (layer, ""))),
        part=part,
        seconds=seconds,
        operations=sum(counts) if counts else None,
        bytes=task["bytes"],
        inputs=tuple(map(tuple, task["inputs"])),
        outputs=tuple(map(tuple, task["outputs"])),
    )
