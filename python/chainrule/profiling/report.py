"""ProfileReport: what a step takes, by layer and by op, as text, in a notebook, and as files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape
from typing import Any

from chainrule.profiling.chrome import events
from chainrule.profiling.flame import draw
from chainrule.profiling.task import OTHER, PASSES, Task
from chainrule.utils.summary import readable_memory_size
from chainrule.utils.tables import html_table, text_table
from chainrule.utils.writing import replacing

__all__ = ["ProfileReport", "Row"]

_HEAD = ("share", "GFLOP/s", "MB")
# Ops of the second table.
_MOST = 15


@dataclass(frozen=True)
class Row:
    """Tasks added up.

    Attributes
    ----------
    name : str
        The layer's path, or the op.
    count : int
        How many tasks.
    seconds : dict of str to float
        By part of the step.
    operations : int or None
        None where those of no task are known.
    bytes : int
    known : float
        Seconds of the tasks whose operations are known.
    """

    name: str
    count: int
    seconds: dict[str, float]
    operations: int | None
    bytes: int
    known: float

    @property
    def total(self) -> float:
        """Seconds of all parts."""
        return sum(self.seconds.values())

    @property
    def rate(self) -> float | None:
        """Operations a second of the tasks whose operations are known, where these take most of it."""
        most = 2 * self.known > self.total
        return self.operations / self.known if self.operations and most else None


@dataclass(frozen=True)
class ProfileReport:
    """Where the time of a step goes; prints as tables, and shows with a picture in a notebook.

    Attributes
    ----------
    model : str
        The model's name.
    mode : str
        "fit", "evaluate" or "predict".
    rows, steps : int
        Of the batch; how many steps were timed.
    seconds : float
        What a step takes: the mean of the faster half.
    tasks : tuple of Task
        In the order in which they run; their seconds and `other` add up to `seconds`.
    arena : int
        Bytes of the memory that the step works in.
    weights : int
        Bytes of the model's weights.
    """

    model: str
    mode: str
    rows: int
    steps: int
    seconds: float
    tasks: tuple[Task, ...]
    arena: int
    weights: int

    @property
    def other(self) -> float:
        """Seconds of what is no task: the call, the batch's rows gathered, results copied."""
        return self.seconds - sum(task.seconds for task in self.tasks)

    @property
    def _title(self) -> str:
        return f"{self.model}: {self.mode}"

    def by_layer(self) -> list[Row]:
        """The tasks added up by layer, in the order of their first."""
        return _rows(self.tasks, lambda task: task.layer)

    def by_op(self, shapes: bool = False) -> list[Row]:
        """The tasks added up by op, or by op and shapes, the longest first."""
        rows = _rows(self.tasks, _with_shapes if shapes else lambda task: task.op)
        return sorted(rows, key=lambda row: -row.total)

    def layer_cells(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """Head and cells of the table by layer; the last row is the whole step."""
        parts = [p for p in PASSES if any(task.part == p for task in self.tasks)]
        rows = self.by_layer()
        names = _short([row.name for row in rows], self.model)
        cells = [
            (name, *(self._time(row.seconds.get(p, 0.0)) for p in parts), *self._figures(row))
            for name, row in zip(names, rows)
        ]
        blank = [""] * len(parts)
        cells.append((OTHER, *blank, self._time(self.other), self._share(self.other), "", ""))
        sums = [sum(t.seconds for t in self.tasks if t.part == p) for p in parts]
        whole = _rows(self.tasks, lambda _: "")[0]
        step = (self._time(self.seconds), self._share(self.seconds), *self._figures(whole)[2:])
        cells.append(("step", *map(self._time, sums), *step))
        return ("layer", *parts, self._unit, *_HEAD), cells

    def op_cells(
        self, top: int = _MOST, shapes: bool = False
    ) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """Head and cells of the table by op: of the `top` longest."""
        rows = self.by_op(shapes)[:top]
        cells = [(row.name, str(row.count), *self._figures(row)) for row in rows]
        return ("op", "tasks", self._unit, *_HEAD), cells

    def _figures(self, row: Row) -> tuple[str, ...]:
        rate = "" if row.rate is None else f"{row.rate / 1e9:.3g}"
        return self._time(row.total), self._share(row.total), rate, f"{row.bytes / 1e6:.3g}"

    @property
    def _unit(self) -> str:
        return "ms" if self.seconds >= 1e-3 else "us"

    def _time(self, seconds: float) -> str:
        return f"{1e3 * seconds:.3f}" if self.seconds >= 1e-3 else f"{1e6 * seconds:.1f}"

    def _share(self, seconds: float) -> str:
        return f"{seconds / self.seconds:.1%}"

    def _summary(self) -> str:
        what = {"fit": "a training step", "evaluate": "a step of evaluate"}
        of = what.get(self.mode, "a step of predict")
        return (
            f"{self.model}: {self._time(self.seconds)} {self._unit} {of} of {self.rows} rows, "
            f"{self.rows / self.seconds:,.0f} rows/s; the mean of the faster half of {self.steps}. "
            f"Weights {readable_memory_size(self.weights)}, "
            f"memory of the step {readable_memory_size(self.arena)}"
        )

    def text(self, top: int = _MOST, shapes: bool = False) -> str:
        """The tables by layer and by op, and a line that sums them up.

        Parameters
        ----------
        top : int
            Rows of the table by op. Default 15.
        shapes : bool
            Whether ops of other shapes are others. Default False.
        """
        layers = text_table(*self.layer_cells(), 1)
        return "\n\n".join([layers, text_table(*self.op_cells(top, shapes), 1), self._summary()])

    def __str__(self) -> str:
        return self.text()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        tables = html_table(*self.layer_cells()) + html_table(*self.op_cells())
        return f"<p>{escape(self._summary())}</p>{self.flame()}{tables}"

    def flame(self, path: Any = None) -> str:
        """The step as a picture: its parts, below them layers within layers, then ops.

        Widths are times; what one layer does is added up, parts and layers come in the order in which they
        begin. A pointer on a box shows its name and its time.

        Parameters
        ----------
        path : str or path, optional
            Where the picture is written, as SVG.

        Returns
        -------
        str
            The SVG document.

        Examples
        --------
        >>> import numpy as np, chainrule as keras
        >>> model = keras.Sequential([keras.layers.Dense(4)])
        >>> model.profile(np.ones((8, 3)), mode="predict").flame()[:4]
        '<svg'
        """
        text = draw(self._title, self.seconds, self.tasks, self.model)
        if path is not None:
            _write(path, text)
        return text

    def save_trace(self, path: Any) -> None:
        """Write the step as a trace that chrome://tracing and https://ui.perfetto.dev open.

        Parameters
        ----------
        path : str or path
            Usually ending in ".json".
        """
        found = events(self._title, self.seconds, self.tasks, self.model)
        _write(path, json.dumps({"traceEvents": found, "displayTimeUnit": "ms"}))


def _write(path: Any, text: str) -> None:
    with replacing(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
        file.write(text)


def _rows(tasks: Iterable[Task], key: Callable[[Task], str]) -> list[Row]:
    groups: dict[str, list[Task]] = {}
    for task in tasks:
        groups.setdefault(key(task), []).append(task)
    return [_row(name, group) for name, group in groups.items()]


def _row(name: str, tasks: list[Task]) -> Row:
    counted = [task for task in tasks if task.operations is not None]
    seconds: dict[str, float] = {}
    for task in tasks:
        seconds[task.part] = seconds.get(task.part, 0.0) + task.seconds
    return Row(
        name=name,
        count=len(tasks),
        seconds=seconds,
        operations=sum(task.operations or 0 for task in counted) if counted else None,
        bytes=sum(task.bytes for task in tasks),
        known=sum(task.seconds for task in counted),
    )


def _with_shapes(task: Task) -> str:
    """As "dense: 12x64 64x128 -> 12x128"; of what is read no more than three, a scalar as a dot."""
    reads, makes = (["x".join(map(str, s)) or "." for s in t] for t in (task.inputs, task.outputs))
    more = [*reads[:3], "..."] if len(reads) > 3 else reads
    return f"{task.op}: {' '.join(more)} -> {' '.join(makes[:3])}"


def _short(names: list[str], model: str) -> list[str]:
    """Without the model's own name, which all its layers' paths begin with."""
    return [name.removeprefix(f"{model}/") or "(no layer)" for name in names]
