"""Shapes and dtypes of results, before there are numbers: a function traced with stand-in sizes."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any

from chainrule.base import tree
from chainrule.base.dtypes import standardize_dtype
from chainrule.base.errors import ShapeError, hide_unknown, wanted_multiple
from chainrule.tracing.scopes import SymbolicScope
from chainrule.tracing.tensor import KerasTensor
from chainrule.tracing.trace import Trace

__all__ = ["STAND_INS", "compute_output_spec"]

STAND_INS = (840, 1680)
_MOST_GUESSES = 256
_LARGEST_FACTOR = 1 << 16


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

    with Trace() as trace, SymbolicScope():

        def enter(x: Any) -> Any:
            return trace.input("", map(known, x.shape), x.dtype) if _is_symbolic(x) else x

        args, kwargs = tree.map_structure(enter, (args, kwargs))
        outputs = function(*args, **kwargs)

        def leave(x: Any) -> Any:
            if hasattr(x, "dtype"):
                return KerasTensor(tuple(x.shape), standardize_dtype(x.dtype))
            return x

        return tree.map_structure(leave, outputs)
