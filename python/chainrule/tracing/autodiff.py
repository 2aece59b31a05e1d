"""value_and_grad and grad: derivatives of a user's own function."""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule._core import Program
from chainrule.base import tree
from chainrule.base.config import floatx
from chainrule.base.dtypes import is_float_dtype, standardize_dtype
from chainrule.base.errors import DTypeError, ShapeError
from chainrule.tracing.arrays import constant, engine_array, storage_dtype
from chainrule.tracing.tensor import KerasTensor
from chainrule.tracing.trace import Trace, current_trace
from chainrule.tracing.variable import Variable

__all__ = ["grad", "value_and_grad"]

_CACHE_SIZE = 32


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
    compiled: OrderedDict[Any, _Compiled] = OrderedDict()

    @functools.wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
        _check_argnums(argnums, args)
        trace = current_trace()
        if trace is not None:
            return _differentiate(trace, f, argnums, has_aux, args, kwargs)
        leaves = tree.flatten((args, kwargs))
        key = (floatx(), _skeleton((args, kwargs)), tuple(_signature(x) for x in leaves))
        entry = compiled.get(key)
        if entry is None:
            entry = compiled[key] = _Compiled(f, argnums, has_aux, args, kwargs)
            if len(compiled) > _CACHE_SIZE:
                compiled.popitem(last=False)
        else:
            compiled.move_to_end(key)
        return entry.run(leaves)

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


def _check_argnums(argnums: int | Sequence[int], args: tuple[Any, ...]) -> None:
    numbers = [argnums] if isinstance(argnums, int) else list(argnums)
    for number in numbers:
        if not -len(args) <= number < len(args):
            raise ValueError(
                f"value_and_grad: argnums={argnums} names positional argument {number}, "
                f"but the function was called with {len(args)}"
            )
        leaves = tree.flatten(args[number])
        if not leaves:
            raise ValueError(f"value_and_grad: argument {number} holds no array")
        for leaf in leaves:
            dtype = leaf.dtype if hasattr(leaf, "dtype") else constant(leaf).dtype
            if not is_float_dtype(dtype):
                raise DTypeError(
                    f"value_and_grad: argument {number} must be float to differentiate by it, "
                    f"got dtype {standardize_dtype(dtype)}"
                )


def _is_input(x: Any) -> bool:
    return isinstance(x, (np.ndarray, np.generic, float)) and not isinstance(x, Variable)


def _signature(x: Any) -> Any:
    """What of a leaf makes a new trace necessary."""
    if isinstance(x, Variable):
        return ("variable", id(x))
    if _is_input(x):
        return (np.shape(x), standardize_dtype(constant(x).dtype))
    return (type(x), x if x.__hash__ is not None else id(x))


def _skeleton(structure: Any) -> Any:
    """The structure without its leaves, as something to compare."""
    return repr(tree.map_structure(lambda leaf: None, structure, none_is_leaf=True))


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


def _differentiate(
    trace: Trace,
    f: Callable[..., Any],
    argnums: int | Sequence[int],
    has_aux: bool,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    """Value and gradient as values of `trace`."""
    numbers = [argnums] if isinstance(argnums, int) else list(argnums)
    values = list(args)
    targets = []
    for number in numbers:
        lifted = tree.map_structure(
            lambda x: trace.read(x) if isinstance(x, Variable) else trace.lift(x), args[number]
        )
        targets.append(lifted)
        values[number] = tree.map_structure(
            lambda x, t: x if isinstance(x, Variable) else t, args[number], lifted
        )
    result = f(*values, **kwargs)
    value, aux = result if has_aux else (result, None)
    loss = _scalar_loss(value, trace)
    gradients = iter(trace.gradients(loss, tree.flatten(targets)))
    by_argument = [tree.map_structure(lambda t: next(gradients), target) for target in targets]
    gradient = by_argument[0] if isinstance(argnums, int) else tuple(by_argument)
    return ((loss, aux) if has_aux else loss), gradient


class _Compiled:
    """A traced and compiled function for arguments of one signature."""

    def __init__(
        self,
        f: Callable[..., Any],
        argnums: int | Sequence[int],
        has_aux: bool,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        self.variables = [x for x in tree.flatten((args, kwargs)) if isinstance(x, Variable)]
        with Trace() as trace:

            def enter(x: Any) -> Any:
                if not _is_input(x):
                    return x
                return trace.input("", np.shape(x), standardize_dtype(constant(x).dtype))

            inside, named = tree.map_structure(enter, (args, kwargs))
            result = _differentiate(trace, f, argnums, has_aux, inside, named)
            self.structure = result
            outputs = tree.flatten(result)
            self.traced = [trace.lift(x) if _is_tensor(x) else None for x in outputs]
            self.outputs = outputs
        self.program: Program = trace.compile([x for x in self.traced if x is not None])

    def run(self, leaves: Sequence[Any]) -> Any:
        feeds = [engine_array(constant(x)) for x in leaves if _is_input(x)]
        found = iter(self.program.run(feeds))
        values = [
            plain if tensor is None else _stored(next(found), tensor.dtype)
            for plain, tensor in zip(self.outputs, self.traced)
        ]
        return tree.pack_sequence_as(self.structure, values)


def _is_tensor(x: Any) -> bool:
    return isinstance(x, (KerasTensor, np.ndarray, Variable))


def _stored(x: Any, dtype: str) -> Any:
    return x.astype(storage_dtype(dtype), copy=False)
