"""Running a function of tensors inside a trace, for tests that compare with the eager result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule import ops
from chainrule.tracing.specs import compute_output_spec
from chainrule.tracing.tensor import KerasTensor, shape_equal
from chainrule.tracing.trace import Trace


def run_traced(function: Callable[..., Any], *arrays: np.ndarray) -> list[np.ndarray]:
    """The outputs of `function`, compiled for the shapes and dtypes of `arrays` and run once."""
    with Trace() as trace:
        inputs = [trace.input(f"x{i}", a.shape, a.dtype.name) for i, a in enumerate(arrays)]
        outputs = function(*inputs)
        outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
        program = trace.compile(outputs)
    results = program.run([np.ascontiguousarray(a) for a in arrays])
    check_inference(function, arrays, [result.shape for result in results])
    return results


def check_inference(
    function: Callable[..., Any], arrays: Sequence[np.ndarray], shapes: Sequence[tuple[int, ...]]
) -> None:
    """Whatever axis is not known, shapes are inferred that fit those of the results.

    A function that needs the number itself says so.
    """
    for number, array in enumerate(arrays):
        for axis in range(array.ndim if array.size else 0):
            inputs = [KerasTensor(a.shape, a.dtype) for a in arrays]
            inputs[number] = KerasTensor(
                [None if i == axis else n for i, n in enumerate(array.shape)], array.dtype
            )
            try:
                outputs = compute_output_spec(function, *inputs)
            except TypeError as error:
                assert "not known" in str(error), error
                continue
            outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
            found = [tuple(getattr(output, "shape", ())) for output in outputs]
            fits = [shape_equal(a, b) for a, b in zip(found, shapes, strict=True)]
            assert all(fits), f"axis {axis} of input {number} unknown: {found}, computed {shapes}"


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
