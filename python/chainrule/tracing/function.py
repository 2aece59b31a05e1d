"""function: a user's own function, run as a compiled program."""

from __future__ import annotations

import functools
import sys
import types
import weakref
from collections.abc import Callable
from typing import Any

from chainrule.tracing.compiled_function import Compiled
from chainrule.tracing.stateless import in_stateless_scope
from chainrule.tracing.tensor import any_symbolic_tensors
from chainrule.tracing.trace import current_trace

__all__ = ["Function", "function"]


def function(f: Any = None, *, jit_compile: Any = None) -> Any:
    """Run a function of arrays as a compiled program; decorates functions and methods, with or without
    parentheses.

    f is traced once for each combination of shapes and dtypes: its ops, forward, backward and updates,
    become one program of the core, as a step of `fit` is. Variables that f reads or assigns, states of
    optimizers, metrics and seeds among them, are read and assigned at each call. Arrays and floats among
    the arguments are inputs; other Python values are fixed, and f is traced anew when they change. What f
    does in Python, as printing or appending to lists, it does when it is traced (at first once more, where
    layers or variables are made); what it uses from outside of its arguments is fixed then. Inside another
    trace, as of a `train_step`, f is part of that.

    Parameters
    ----------
    f : callable
        Written in `chainrule.ops` and layers; of arrays and structures of them.
    jit_compile : bool, optional
        Taken for TensorFlow's sake; has no effect.

    Returns
    -------
    Function
        Gives what f gives, arrays for tensors.

    Raises
    ------
    TypeError
        f is no function.
    RuntimeError
        At a call: f makes new variables each time that it is traced.

    Examples
    --------
    >>> import numpy as np, chainrule as keras
    >>> total = keras.Variable(0.0)
    >>> @keras.function
    ... def add(x):
    ...     print("traced for", x.shape)
    ...     total.assign_add(keras.ops.sum(x))
    ...     return x * 2, total
    >>> add(np.array([1.0, 2.0]))
    traced for (2,)
    (array([2., 4.]), array(3., dtype=float32))
    >>> add(np.array([3.0, 4.0]))[1].item()
    10.0
    """
    if f is None:
        return functools.partial(function, jit_compile=jit_compile)
    if not callable(f):
        raise TypeError(f"function: expected a function, got {f!r}")
    return Function(f)


class Function:
    """What `function` returns.

    Attributes
    ----------
    python_function : callable
        The function as it was given.
    """

    def __init__(self, f: Callable[..., Any]) -> None:
        functools.update_wrapper(self, f)
        self.python_function = f
        self._name = getattr(f, "__qualname__", type(f).__name__)
        self._compiled = Compiled(f, self._name)
        # By the id of the object to which a method is bound; they do not keep it alive.
        self._of: dict[int, tuple[weakref.ref[Any], Compiled]] = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return _called(self._compiled, args, kwargs)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        bound = functools.partial(_called_method, self, instance)
        return functools.update_wrapper(bound, types.MethodType(self.python_function, instance))

    def _compiled_of(self, instance: Any) -> Compiled:
        """The programs of the method of an object."""
        known = self._of.get(id(instance))
        if known is not None and known[0]() is instance:
            return known[1]
        number = id(instance)
        seen = weakref.ref(instance, lambda _: self._of.pop(number, None))

        def method(*args: Any, **kwargs: Any) -> Any:
            return self.python_function(seen(), *args, **kwargs)

        compiled = Compiled(method, self._name)
        self._of[number] = seen, compiled
        return compiled

    def __reduce__(self) -> Any:
        """By name where it stands under its name; a copy compiles anew."""
        found: Any = sys.modules.get(getattr(self, "__module__", ""))
        for part in self._name.split("."):
            found = getattr(found, part, None)
        return self._name if found is self else (function, (self.python_function,))

    def __repr__(self) -> str:
        return f"<Function {self._name}>"


def _called_method(self: Function, instance: Any, *args: Any, **kwargs: Any) -> Any:
    return _called(self._compiled_of(instance), args, kwargs)


def _called(compiled: Compiled, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    is_part = current_trace() is not None or in_stateless_scope()
    if is_part or any_symbolic_tensors(args, kwargs):
        return compiled.f(*args, **kwargs)
    return compiled(*args, **kwargs)
