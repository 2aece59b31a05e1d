"""Task: one thing that a compiled step runs, and what it takes."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["OTHER", "PASSES", "Task", "places"]

PASSES = ("forward", "backward", "update")
# What is no task.
OTHER = "other"


@dataclass(frozen=True)
class Task:
    """One task of the compiled step: an op, or several that are one.

    Attributes
    ----------
    op : str
        As "conv + pool_with_argmax"; element-wise ones are one "elementwise".
    ops : tuple of str
        The ops that it does the work of.
    layer : str
        Path of the layer, the loss, the metric or the optimizer that it belongs to; "" of none.
    others : tuple of str
        Paths of the other layers of which it does some work.
    part : str
        "forward", "backward" or "update".
    seconds : float
    operations : int or None
        Floating-point operations as `operations` counts them; None where they are not known.
    bytes : int
        Of what it reads and writes.
    inputs, outputs : tuple of tuple of int
        Their shapes.
    """

    op: str
    ops: tuple[str, ...]
    layer: str
    others: tuple[str, ...]
    part: str
    seconds: float
    operations: int | None
    bytes: int
    inputs: tuple[tuple[int, ...], ...]
    outputs: tuple[tuple[int, ...], ...]


def places(task: Task, model: str) -> list[str]:
    """What a task lies in, outermost first: the part of the step, then layers within layers.

    Examples
    --------
    >>> places(Task("dense", ("dense",), "net/block/out", (), "forward", 1e-6, 8, 16, (), ()), "net")
    ['forward', 'block', 'out']
    """
    path = task.layer.removeprefix(f"{model}/").split("/")
    return [task.part, *filter(None, path)]
