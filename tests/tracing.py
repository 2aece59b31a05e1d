"""Running a function of tensors inside a trace, for tests that compare with the eager result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule import ops
from chainrule.tracing.trace import Trace


def run_traced(function: Callable[..., Any], *arrays: np.ndarray) -> list[np.ndarray]:
    """The outputs of `function`, compiled for the shapes and dtypes of `arrays` and run once."""
    with Trace() as trace:
        inputs = [trace.input(f"x{i}", a.shape, a.dtype.name) for i, a in enumerate(arrays)]
        outputs = function(*inputs)
        outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
        program = trace.compile(outputs)
    return program.run([np.ascontiguousarray(a) for a in arrays])


def gradient(function: Callable[[Any], Any], x: np.ndarray) -> np.ndarray:
    """d sum(function(x)) / dx, from a compiled graph."""

    def derive(traced: Any) -> Any:
        return traced.trace.gradients(ops.sum(function(traced)), [traced])

    return run_traced(derive, x)[0]


def finite_difference(
    function: Callable[[Any], Any], x: np.ndarray, direction: np.ndarray, step: float = 1e-6
) -> float:
    """The central difference of sum(function(x)) along `direction`."""
    above, below = (np.sum(function(x + sign * step * direction)) for sign in (1, -1))
    return float((above - below) / (2 * step))
