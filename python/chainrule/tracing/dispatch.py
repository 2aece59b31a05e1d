"""The one place that decides whether an op computes or becomes a node.

- arrays in, arrays out: `apply` runs the op in the core;
- traced tensors in: `apply` pushes a node into the graph of the open trace.

Symbolic tensors never come here: `recording` keeps calls on them for a functional model.

Values of dtypes that the core lacks are computed in the nearest that it has (see `arrays`). The op
`narrow` then rounds or wraps the result, of which each array or traced tensor carries the narrow
dtype; what an op only moves or chooses is narrow already.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule import _core
from chainrule.base import loading, tree
from chainrule.base.dtypes import standardize_dtype
from chainrule.base.errors import DataError, DTypeError, ShapeError
from chainrule.base.name_scopes import layer_path
from chainrule.base.sizes import Size
from chainrule.tracing.arrays import (
    ENGINE_DTYPES,
    NARROWED,
    Array,
    constant,
    engine_array,
    storage_dtype,
)
from chainrule.tracing.recorder import OPEN, Call, observed
from chainrule.tracing.scopes import in_symbolic_scope
from chainrule.tracing.tensor import KerasTensor
from chainrule.tracing.trace import current_trace

__all__ = ["Tensor", "apply", "located"]

Tensor = Any  # np.ndarray outside a trace, KerasTensor inside

# Ops whose callers say the dtypes of the results.
_KEEPS_NO_DTYPE = frozenset(
    {"arg_reduce", "argsort", "one_hot", "cast", "random", "scan", "top_k"}
    | {"custom_gradient", "numpy_function", "remat"}
)
_INDEXED = frozenset({"gather", "gather_along", "scatter_add", "scatter_along"})
# Ops and functions whose results are among the numbers that they are given, zeros or integers.
_MOVES = frozenset(
    {"reshape", "transpose", "broadcast_to", "concat", "slice", "gather", "gather_along", "select"}
    | {"sort", "stop_gradient", "identity", "frame", "narrow"}
)
_CHOOSES = frozenset(
    {"maximum", "minimum", "max", "min", "relu", "sign", "floor", "ceil", "round", "trunc"}
)
_CORE_ERRORS = (ShapeError, DTypeError, DataError, ValueError, TypeError)


def apply(op: str, attrs: dict[str, Any], inputs: Sequence[Any], outputs: int = 1) -> Any:
    """Run or record one op of the core.

    Parameters
    ----------
    op : str
        Its name, as in `_core.ops()`.
    attrs : dict
        Its attributes, exactly those that the op names.
    inputs : sequence
        Arrays, Python numbers, Variables or traced KerasTensors.
    outputs : int
        How many outputs the op has; for more than one the result is a tuple.

    Returns
    -------
    ndarray or KerasTensor
        A KerasTensor when an input is traced.

    Raises
    ------
    ShapeError, DTypeError, DataError, ValueError
        What the op refuses; the message begins with the path of the layer being called.

    Examples
    --------
    >>> apply("unary", {"function": "square"}, [3.0]).item()
    9.0
    """
    values = [constant(x) for x in inputs]
    narrow = attrs["format"] if op == "narrow" else _narrow_dtype(op, values)
    bounds = loading.current()
    if bounds is not None:
        bounds.call(op)
    try:
        results: list[Any]
        if any(isinstance(v, KerasTensor) for v in values) or _is_open(attrs):
            results = _push(op, attrs, values, narrow)
        else:
            arrays = [engine_array(v) for v in values]
            if bounds is not None:
                _check_sizes(bounds, op, attrs, arrays)
            results = _core.eager(op, attrs, arrays)
            if narrow is not None:
                rounds = not _is_exact(op, attrs)
                results = [_narrowed(r, narrow, rounds) for r in results]
    except _CORE_ERRORS as error:
        name = f"{op} {attrs['function']}" if "function" in attrs else op
        message = str(error).replace(f"{op}: ", f"{name}: ", 1)
        raise located(error, message) from error
    if OPEN:
        results = observed(_call(op, attrs, outputs), values, results)
    return results[0] if outputs == 1 else tuple(results)


def _call(op: str, attrs: dict[str, Any], outputs: int) -> Call:
    def replay(inputs: list[Any]) -> Sequence[Any]:
        results = apply(op, attrs, inputs, outputs)
        return [results] if outputs == 1 else results

    return Call(lambda: (op, repr(attrs), outputs), replay)


def _is_open(attrs: dict[str, Any]) -> bool:
    """Whether an attribute holds a size that is not known."""
    if not in_symbolic_scope():
        return False
    return any(isinstance(x, Size) for value in attrs.values() for x in tree.flatten(value))


def _check_sizes(
    bounds: loading.Loading, op: str, attrs: dict[str, Any], arrays: Sequence[Array]
) -> None:
    """Refuse results that are larger than what is being loaded may take."""
    graph = _core.Graph()
    inputs = [graph.input("", a.shape, a.dtype.name) for a in arrays]
    for number in graph.push(op, attrs, inputs):
        shape, dtype = graph.spec(number)
        bounds.array(op, math.prod(shape), np.dtype(dtype).itemsize)


def _narrow_dtype(op: str, values: Sequence[Any]) -> str | None:
    """The dtype that the core lacks and the results are to have, if there is one."""
    if op in _KEEPS_NO_DTYPE:
        return None
    for value in values[:1] if op in _INDEXED else values:
        dtype = standardize_dtype(value.dtype)
        if dtype != ENGINE_DTYPES.get(dtype):
            return dtype
    return None


def _push(
    op: str, attrs: dict[str, Any], values: Sequence[Any], narrow: str | None
) -> list[KerasTensor]:
    trace = current_trace()
    if trace is None:
        raise TypeError(
            f"{op}: a traced KerasTensor was used after its trace ended. A traced value cannot "
            "be kept in an attribute or a global for later."
        )
    trace.graph.set_layer(layer_path())
    numbers = trace.graph.push(op, attrs, [trace.lift(v).value for v in values])
    results = [trace.tensor(n) for n in numbers]
    if narrow is None:
        return results
    rounds = narrow in NARROWED and not _is_exact(op, attrs)
    for i, result in enumerate(results):
        if result.dtype == ENGINE_DTYPES[narrow]:
            number = result.value
            if rounds:
                number = trace.graph.push("narrow", {"format": narrow}, [number])[0]
            results[i] = KerasTensor.traced(trace, number, result.shape, narrow)
    return results


def _is_exact(op: str, attrs: dict[str, Any]) -> bool:
    """Whether the op makes only numbers of the dtype of those that it is given."""
    return op in _MOVES or attrs.get("function") in _CHOOSES


def _narrowed(result: Array, narrow: str, rounds: bool) -> Array:
    if result.dtype.name != ENGINE_DTYPES[narrow]:
        return result
    if rounds and narrow in NARROWED:
        result = _core.eager("narrow", {"format": narrow}, [result])[0]
    return result.astype(storage_dtype(narrow), copy=False)


def located(error: Exception, message: str) -> Exception:
    """The same error with the path of the layer being called in front of its message."""
    path = layer_path()
    if path and f"layer '{path}'" not in message:
        message = f"layer '{path}': {message}"
    return error if message == str(error) else _with_message(error, message)


def _with_message(error: Exception, message: str) -> Exception:
    try:
        return type(error)(message)
    except TypeError:
        return error
