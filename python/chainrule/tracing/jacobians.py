"""Backward passes in a trace: for one sum, for every element of a value, for every element of a sample."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np

from chainrule.base.dtypes import is_float_dtype
from chainrule.base.errors import DTypeError, ShapeError
from chainrule.base.sizes import Size
from chainrule.tracing.arrays import storage_dtype
from chainrule.tracing.dispatch import apply
from chainrule.tracing.operators import call_op
from chainrule.tracing.tensor import KerasTensor
from chainrule.tracing.trace import Trace

__all__ = ["nothing", "pulled"]

Kind = Literal["sum", "rows", "samples"]


def pulled(
    kind: Kind,
    trace: Trace,
    values: Sequence[KerasTensor],
    seeds: Sequence[Any],
    wrt: Sequence[KerasTensor],
    fixed: Iterable[int] = (),
) -> list[KerasTensor | None]:
    """Derivatives of traced values by each w, None where nothing depends on it.

    "sum": of the sum of value * seed, of the shape of w. Of one value y, without seeds, "rows": dy/dw of the
    shape of y followed by that of w; "samples": the same, where sample n of y depends on sample n of w
    alone, of shape (n, rest of y, rest of w).
    """
    if kind == "sum":
        return trace.pullback(values, seeds, wrt, fixed)
    (y,) = values
    if kind == "rows":
        return _rows(trace, y, wrt, fixed)
    found = _rows(trace, call_op("sum", y, 0), wrt, fixed)
    return [x if x is None else call_op("moveaxis", x, y.ndim - 1, 0) for x in found]


def _rows(
    trace: Trace, y: KerasTensor, wrt: Sequence[KerasTensor], fixed: Iterable[int]
) -> list[KerasTensor | None]:
    if not is_float_dtype(y.dtype):
        raise DTypeError(f"jacobian: expected the function to return floats, got dtype {y.dtype}")
    if any(isinstance(n, Size) for n in y.shape):
        raise ShapeError(f"jacobian: expected a value whose sizes are known, got shape {y.shape}")
    count = int(np.prod(y.shape, dtype=np.int64))
    dtype = storage_dtype(y.dtype)
    # The backward pass for any weights of y, as the body of a loop over the rows of the unit matrix.
    weights = trace.separate(np.zeros(y.shape, dtype))
    found = trace.pullback([y], [weights], wrt, fixed)
    gradients = list({g.value: g for g in found if g is not None}.values())
    if not gradients:
        return list(found)
    numbers = [g.value for g in gradients]
    read = trace.graph.read_before([weights.value], numbers, weights.value)
    attrs = {
        "body": trace.graph.body([weights.value, *read], numbers),
        "carries": 0,
        "sequences": 1,
        "length": count,
        "reverse": False,
    }
    unit = np.eye(count, dtype=dtype).reshape(count, *y.shape)
    given = [trace.lift(unit), *(trace.tensor(n) for n in read)]
    results = apply("scan", attrs, given, outputs=len(gradients))
    stacked = dict(zip(numbers, [results] if len(numbers) == 1 else results))
    return [
        None if g is None else _shaped(trace, stacked[g.value], (*y.shape, *w.shape), w.dtype)
        for g, w in zip(found, wrt)
    ]


def _shaped(trace: Trace, x: KerasTensor, shape: tuple[Any, ...], dtype: str) -> KerasTensor:
    return KerasTensor.traced(trace, call_op("reshape", x, shape).value, shape, dtype)


def nothing(shape: Sequence[Any], dtype: str) -> Any:
    """Zeros, for a derivative by what a value does not depend on."""
    return apply("broadcast_to", {"shape": list(shape)}, [np.zeros((), storage_dtype(dtype))])
