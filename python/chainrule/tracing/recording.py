"""Public ops: calls on symbolic tensors are recorded for a functional model, others go through."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, overload

import numpy as np

from chainrule.base.errors import DataError, DTypeError, ShapeError
from chainrule.tracing.dispatch import located
from chainrule.tracing.operation import Operation
from chainrule.tracing.operators import OPS
from chainrule.tracing.specs import compute_output_spec
from chainrule.tracing.tensor import any_symbolic_tensors

__all__ = ["operation", "recorded_operation"]

_Function = TypeVar("_Function", bound=Callable[..., Any])

_RECORDED: dict[str, Callable[..., Any]] = {}


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
    >>> from chainrule import KerasTensor
    >>> from chainrule.tracing.dispatch import apply
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
            raise located(error, message) from None
        except OverflowError as error:
            message = f"{function.__name__}: expected numbers that their dtypes hold, got {error}"
            raise located(DataError(message), message) from error

    call.__wrapped_op__ = function  # type: ignore[attr-defined]
    call.__spec__ = spec  # type: ignore[attr-defined]
    OPS[call.__name__] = _RECORDED[_camel_case(call.__name__)] = call
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
