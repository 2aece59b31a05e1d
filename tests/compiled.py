"""Run a function on arrays through a compiled graph, to compare with what it gives eagerly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule import tree
from chainrule.tracing.arrays import engine_array
from chainrule.tracing.trace import Trace


def run_traced(function: Callable[..., Any], *args: Any) -> list[np.ndarray]:
    """The outputs of `function(*args)`, with every array among args fed to a compiled graph."""
    arrays = [x for x in tree.flatten(args) if isinstance(x, np.ndarray)]
    with Trace() as trace:
        inside = tree.map_structure(
            lambda x: trace.input("", x.shape, x.dtype.name) if isinstance(x, np.ndarray) else x,
            args,
        )
        outputs = [trace.lift(x) for x in tree.flatten(function(*inside))]
    return trace.compile(outputs).run([engine_array(x) for x in arrays])


def assert_same_traced(function: Callable[..., Any], *args: Any) -> None:
    """The compiled graph gives the eager result to the last bit."""
    eager = tree.flatten(function(*args))
    traced = run_traced(function, *args)
    assert len(eager) == len(traced)
    for a, b in zip(eager, traced):
        a = engine_array(np.asarray(a))
        assert a.dtype == b.dtype and a.shape == b.shape
        assert a.tobytes() == b.tobytes()
