"""value_and_grad and grad: derivatives of a user's own function."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from chainrule.base import tree
from chainrule.base.dtypes import is_float_dtype, standardize_dtype
from chainrule.base.errors import DTypeError, ShapeError
from chainrule.tracing.arrays import constant
from chainrule.tracing.compiled_function import Compiled
from chainrule.tracing.recorder import observed
from chainrule.tracing.tensor import KerasTensor
from chainrule.tracing.trace import Trace, current_trace
from chainrule.tracing.variable import Variable

__all__ = ["grad", "value_and_grad"]


def value_and_grad(
    f: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """A function that returns `f(*args)` and its gradient by the arguments `argnums`.

    f is traced once for each combination of shapes and dtypes, and compiled. Arrays and floats
    among the arguments are inputs; other Python values are fixed and traced anew when they
    change. A Variable among the arguments, or used by f, is read at each call. Inside another
    trace the result is part of it, so gradients of gradients work.

    Parameters
    ----------
    f : callable
        Written in `chainrule.ops`; returns a scalar, or (scalar, anything) with `has_aux`.
    argnums : int or ints
        Positions of the arguments to differentiate by: arrays, Variables, or structures of them.
    has_aux : bool
        f returns a second value that is passed through.

    Returns
    -------
    callable
        Of the arguments of f: `(value, gradient)`, or `((value, aux), gradient)`. The gradient
        has the structure of the argument, or is a tuple of such for several `argnums`.

    Raises
    ------
    ShapeError
        When f returns no scalar.
    DTypeError
        When an argument to differentiate by, or the value, is not float.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import ops
    >>> value, gradient = value_and_grad(lambda w: ops.sum(ops.square(w)))(np.array([1.0, 2.0]))
    >>> value.item(), gradient.tolist()
    (5.0, [2.0, 4.0])
    """
    if not callable(f):
        raise TypeError(f"value_and_grad: expected a function, got {f!r}")
    differentiated = Compiled(
        lambda *a, **k: _differentiate(f, argnums, has_aux, a, k), name_of(f)
    )

    @functools.wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
        check_argnums("value_and_grad", argnums, args)
        return differentiated(*args, **kwargs)

    return call


def grad(
    f: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """As `value_and_grad`, returning the gradient alone, or `(gradient, aux)`.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import ops
    >>> grad(lambda x: ops.sum(ops.exp(x)))(np.zeros(2)).tolist()
    [1.0, 1.0]
    """
    both = value_and_grad(f, argnums, has_aux)

    @functools.wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
        value, gradient = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return call


def name_of(f: Callable[..., Any]) -> str:
    """A function's name, for messages."""
    return getattr(f, "__qualname__", type(f).__name__)


def check_argnums(place: str, argnums: int | Sequence[int], args: tuple[Any, ...]) -> None:
    """Check that `argnums` names arguments of floats."""
    numbers = [argnums] if isinstance(argnums, int) else list(argnums)
    for number in numbers:
        if not -len(args) <= number < len(args):
            raise ValueError(
                f"{place}: argnums={argnums} names positional argument {number}, "
                f"but the function was called with {len(args)}"
            )
        leaves = tree.flatten(args[number])
        if not leaves:
            raise ValueError(f"{place}: argument {number} holds no array")
        for leaf in leaves:
            dtype = leaf.dtype if hasattr(leaf, "dtype") else constant(leaf).dtype
            if not is_float_dtype(dtype):
                raise DTypeError(
                    f"{place}: argument {number} must be float to differentiate by it, "
                    f"got dtype {standardize_dtype(dtype)}"
                )


def _scalar_loss(result: Any, trace: Trace) -> KerasTensor:
    loss = trace.lift(result)
    if loss.shape != ():
        raise ShapeError(
            f"value_and_grad: expected the function to return a scalar, got shape {loss.shape}"
        )
    if not is_float_dtype(loss.dtype):
        raise DTypeError(
            f"value_and_grad: expected the function to return a float, got dtype {loss.dtype}"
        )
    return loss


def targets_of(
    trace: Trace, argnums: int | Sequence[int], args: tuple[Any, ...]
) -> tuple[list[Any], list[Any]]:
    """The arguments to call a function with, and the traced values to differentiate by.

    Each array among those stands for itself alone: other uses of the same value do not count.
    """
    values = list(args)
    targets = []
    for number in [argnums] if isinstance(argnums, int) else argnums:
        targets.append(
            tree.map_structure(
                lambda x: trace.read(x) if isinstance(x, Variable) else trace.separate(x),
                args[number],
            )
        )
        values[number] = tree.map_structure(
            lambda x, t: x if isinstance(x, Variable) else t, args[number], targets[-1]
        )
    return values, targets


def by_argument(argnums: int | Sequence[int], targets: Sequence[Any], found: Any) -> Any:
    """One result for each leaf of the targets, in their structure."""
    results = iter(found)
    packed = [tree.map_structure(lambda t: next(results), target) for target in targets]
    return packed[0] if isinstance(argnums, int) else tuple(packed)


def _differentiate(
    f: Callable[..., Any],
    argnums: int | Sequence[int],
    has_aux: bool,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    """Value and gradient as values of the open trace."""
    trace = current_trace()
    assert trace is not None, "functions are differentiated inside a trace"
    values, targets = targets_of(trace, argnums, args)
    result = f(*values, **kwargs)
    value, aux = result if has_aux else (result, None)
    loss = _scalar_loss(value, trace)
    flat = tree.flatten(targets)
    found = trace.gradients(loss, flat)
    observed(None, [loss, *flat], found)
    gradient = by_argument(argnums, targets, found)
    return ((loss, aux) if has_aux else loss), gradient
