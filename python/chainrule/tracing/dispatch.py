"""The one place that decides whether an op computes, becomes a node, or is recorded.

- arrays in, arrays out: `apply` runs the op in the core;
- traced tensors in: `apply` pushes a node into the graph of the open trace;
- symbolic tensors in: `operation` records the call for a functional model and infers shapes by
  tracing it with stand-in sizes.

Arrays of dtypes that the core lacks are computed in the nearest that it has (see `arrays`), and
the result is cast back, or, in a trace, only labelled with the narrow dtype.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar, overload

import numpy as np

from chainrule import _core
from chainrule.base import loading, tree
from chainrule.base.dtypes import standardize_dtype
from chainrule.base.errors import DataError, DTypeError, ShapeError, hide_unknown, wanted_multiple
from chainrule.tracing import scopes
from chainrule.tracing.arrays import (
    ENGINE_DTYPES,
    Array,
    constant,
    engine_array,
    engine_dtype,
    storage_dtype,
)
from chainrule.tracing.tensor import KerasTensor, any_symbolic_tensors
from chainrule.tracing.variable import Variable

__all__ = [
    "STAND_INS",
    "Tensor",
    "any_symbolic",
    "apply",
    "compute_output_spec",
    "constant",
    "engine_array",
    "engine_dtype",
    "operation",
    "recorded_operation",
    "storage_dtype",
]

Tensor = Any  # np.ndarray outside a trace, KerasTensor inside
_Function = TypeVar("_Function", bound=Callable[..., Any])

_KEEPS_NO_DTYPE = frozenset({"arg_reduce", "argsort", "one_hot", "cast", "random", "top_k"})
_INDEXED = frozenset({"gather", "gather_along", "scatter_add", "scatter_along"})
STAND_INS = (840, 1680)
_MOST_GUESSES = 256
_LARGEST_FACTOR = 1 << 16
_RECORDED: dict[str, Callable[..., Any]] = {}
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
    narrow = _narrow_dtype(op, values)
    bounds = loading.current()
    if bounds is not None:
        bounds.call(op)
    try:
        results: list[Any]
        if any(isinstance(v, KerasTensor) for v in values):
            results = _push(op, attrs, values, narrow)
        else:
            arrays = [engine_array(v) for v in values]
            if bounds is not None:
                _check_sizes(bounds, op, attrs, arrays)
            results = _core.eager(op, attrs, arrays)
            if narrow is not None:
                results = [_narrowed(r, narrow) for r in results]
    except _CORE_ERRORS as error:
        name = f"{op} {attrs['function']}" if "function" in attrs else op
        message = str(error).replace(f"{op}: ", f"{name}: ", 1)
        raise _located(error, message) from error
    return results[0] if outputs == 1 else tuple(results)


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
    trace = scopes.current_trace()
    if trace is None:
        raise TypeError(
            f"{op}: a traced KerasTensor was used after its trace ended. A traced value cannot "
            "be kept in an attribute or a global for later."
        )
    trace.graph.set_layer(scopes.layer_path())
    numbers = trace.graph.push(op, attrs, [trace.lift(v).value for v in values])
    results = [trace.tensor(n) for n in numbers]
    if narrow is not None:
        engine = ENGINE_DTYPES[narrow]
        results = [
            KerasTensor.traced(trace, r.value, r.shape, narrow) if r.dtype == engine else r
            for r in results
        ]
    return results


def _narrowed(result: Array, narrow: str) -> Array:
    if result.dtype.name != ENGINE_DTYPES[narrow]:
        return result
    return result.astype(storage_dtype(narrow))


def _located(error: Exception, message: str) -> Exception:
    """The same error with the path of the layer being called in front of its message."""
    path = scopes.layer_path()
    if path and f"layer '{path}'" not in message:
        message = f"layer '{path}': {message}"
    return error if message == str(error) else _with_message(error, message)


def _with_message(error: Exception, message: str) -> Exception:
    try:
        return type(error)(message)
    except TypeError:
        return error


def any_symbolic(args: Any, kwargs: Any = None) -> bool:
    """Whether a symbolic KerasTensor is among the arguments."""
    return any_symbolic_tensors(args, kwargs)


@overload
def operation(
    function: _Function, *, spec: Callable[..., Any] | None = ...
) -> _Function: ...


@overload
def operation(
    *, spec: Callable[..., Any] | None = ...
) -> Callable[[_Function], _Function]: ...


def operation(
    function: Any = None, *, spec: Callable[..., Any] | None = None
) -> Any:
    """Decorator of public ops: a call on symbolic tensors is recorded, others go through.

    Parameters
    ----------
    function : callable
        Written in `apply` and other ops.
    spec : callable, optional
        Of the same arguments, gives the outputs as KerasTensors; for functions whose trace has
        no fixed length.

    Examples
    --------
    >>> @operation
    ... def double(x):
    ...     return apply("binary", {"function": "add"}, [x, x])
    >>> double(KerasTensor((None, 3))).shape
    (None, 3)
    """
    if function is None:
        return functools.partial(operation, spec=spec)
    if spec is None:
        spec = functools.partial(compute_output_spec, function)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if any_symbolic_tensors(args, kwargs):
            return _call_class(call, spec)().symbolic_call(*args, **kwargs)
        try:
            return function(*args, **kwargs)
        except (ShapeError, DTypeError, DataError) as error:
            message = str(error)
            if isinstance(error, DTypeError) and "argument" not in message:
                name = _argument_without_numbers(function, args, kwargs)
                if name is not None:
                    message = f"{function.__name__}: argument `{name}`: {error}"
            raise _located(error, message) from None
        except OverflowError as error:
            message = f"{function.__name__}: expected numbers that their dtypes hold, got {error}"
            raise _located(DataError(message), message) from error

    call.__wrapped_op__ = function  # type: ignore[attr-defined]
    call.__spec__ = spec  # type: ignore[attr-defined]
    _RECORDED[_camel_case(call.__name__)] = call
    return call


def recorded_operation(name: str) -> Callable[..., Any] | None:
    """The op whose calls functional models record under this name, such as "ExpandDims"."""
    return _RECORDED.get(name)


def _argument_without_numbers(
    function: Callable[..., Any], args: Any, kwargs: Any
) -> str | None:
    for name, value in inspect.signature(function).bind(*args, **kwargs).arguments.items():
        if isinstance(value, (np.ndarray, list, tuple)):
            if np.asarray(value, dtype=None if _is_regular(value) else object).dtype.kind in "OSUc":
                return name
    return None


def _is_regular(value: Any) -> bool:
    try:
        np.asarray(value)
    except (ValueError, TypeError):
        return False
    return True


@functools.cache
def _call_class(function: Callable[..., Any], spec: Callable[..., Any]) -> Any:
    """The operation that functional models record for calls of the op `function`."""
    from chainrule.tracing.operation import Operation

    class FunctionCall(Operation):
        """The call of one op in a functional model."""

        records_function = True

        def __init__(self) -> None:
            super().__init__(name=None)

        def call(self, *args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
            return spec(*args, **kwargs)

        def __reduce__(self) -> tuple[Any, ...]:
            return _blank_call, (function,), self.__getstate__()

    FunctionCall.__name__ = FunctionCall.__qualname__ = _camel_case(function.__name__)
    return FunctionCall


def _blank_call(function: Any) -> Any:
    """A recorded call without attributes: they come with the state."""
    cls = _call_class(function, function.__spec__)
    return cls.__new__(cls)


def _camel_case(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def compute_output_spec(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """The outputs of `function` on symbolic tensors: KerasTensors with shape and dtype.

    The function is traced into a scratch graph with two stand-ins for unknown sizes; a dimension
    of the result that differs between the two is unknown. Where that fails, unknown sizes are
    also tried equal to known ones, and where a stand-in cannot be cut as the function does, a
    multiple of it is. What the function raises says None in the place of a stand-in.

    Examples
    --------
    >>> from chainrule import ops
    >>> compute_output_spec(ops.transpose, KerasTensor((None, 2, 3))).shape
    (3, 2, None)
    """
    leaves = [x for x in tree.flatten((args, kwargs)) if _is_symbolic(x)]
    unknown = sum(size is None for x in leaves for size in x.shape)
    first: Exception | None = None
    for fixed in _guesses(leaves, unknown):
        trace = functools.partial(_trace_spec, function, args, kwargs, fixed)
        try:
            outputs = _infer(trace, None in fixed)
        except Exception as error:
            caught = error
        else:
            return outputs[0] if None not in fixed else tree.map_structure(_merge, *outputs)
        if first is None:
            first = caught
            if None in fixed:
                hide_unknown(first, _failure(trace, STAND_INS[1]), STAND_INS[0])
        if not isinstance(caught, ValueError):
            break
    assert first is not None
    raise first


def _infer(trace: Callable[[int], Any], is_open: bool) -> tuple[Any, ...]:
    """What the trace gives for each stand-in; for multiples of them where they cannot be cut."""
    factor = 1
    while True:
        try:
            return tuple(trace(size * factor) for size in STAND_INS[: 1 + is_open])
        except ValueError as error:
            multiple = wanted_multiple(error)
            if not is_open or multiple == 1 or factor * multiple > _LARGEST_FACTOR:
                raise
            factor *= multiple


def _failure(trace: Callable[[int], Any], stand_in: int) -> Exception | None:
    """What the trace raises with another stand-in."""
    try:
        trace(stand_in)
    except Exception as error:
        return error
    return None


def _is_symbolic(x: Any) -> bool:
    return isinstance(x, KerasTensor) and x.is_symbolic


def _guesses(leaves: list[KerasTensor], unknown: int) -> Iterator[tuple[int | None, ...]]:
    """What the unknown sizes may be, in order: all free, then some equal to known sizes.

    Free sizes take the stand-in. Two tensors of sizes None and 3 that are added need the second.
    """
    known = sorted({size for x in leaves for size in x.shape if size is not None and size != 1})
    choices = itertools.product([None, *known], repeat=unknown)
    few = sorted(itertools.islice(choices, _MOST_GUESSES), key=lambda g: unknown - g.count(None))
    yield from few or [()]


def _merge(a: Any, b: Any) -> Any:
    if not isinstance(a, KerasTensor):
        return a
    if a.ndim != b.ndim:
        raise ShapeError(
            f"The number of axes of the result depends on an unknown size: {a.ndim} and {b.ndim}."
        )
    return KerasTensor(
        tuple(m if m == n else None for m, n in zip(a.shape, b.shape)), a.dtype
    )


def _trace_spec(
    function: Callable[..., Any],
    args: Any,
    kwargs: Any,
    fixed: tuple[int | None, ...],
    stand_in: int,
) -> Any:
    sizes = iter(fixed)

    def known(size: int | None) -> int:
        if size is not None:
            return size
        guess = next(sizes)
        return stand_in if guess is None else guess

    with scopes.Trace() as trace, scopes.SymbolicScope():

        def enter(x: Any) -> Any:
            return trace.input("", map(known, x.shape), x.dtype) if _is_symbolic(x) else x

        args, kwargs = tree.map_structure(enter, (args, kwargs))
        outputs = function(*args, **kwargs)

        def leave(x: Any) -> Any:
            if isinstance(x, (KerasTensor, Variable)) or hasattr(x, "dtype"):
                return KerasTensor(tuple(x.shape), standardize_dtype(x.dtype))
            return x

        return tree.map_structure(leave, outputs)
