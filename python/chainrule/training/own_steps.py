"""Steps that a model's class defines (`train_step` and its siblings), traced and compiled like the
standard ones."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from chainrule import _core, ops
from chainrule.base import tree
from chainrule.base.errors import ShapeError
from chainrule.tracing.arrays import engine_dtype, storage_dtype
from chainrule.tracing.tensor import KerasTensor
from chainrule.tracing.trace import Trace
from chainrule.tracing.variable import Variable
from chainrule.utils.packing import pack_x_y_sample_weight

__all__ = ["StepLogs", "check_steps", "run_own_step", "takes_state"]

_NUMBERS = (bool, int, float, np.generic)


class StepLogs:
    """The logs of the latest step: values that the compiled step leaves in cells of the core.

    Parameters
    ----------
    mode : str
        The step's.
    logs : dict
        What the step returned: numbers and traced tensors by name; dicts inside count as part of it.
    trace : Trace
        Gets an assignment for each tensor.
    cells : dict
        The cells of the model; those of steps for other batches serve again.

    Raises
    ------
    TypeError
        A value that is neither a number nor a tensor.
    """

    def __init__(
        self, mode: str, logs: dict[str, Any], trace: Trace, cells: dict[Any, _core.Cell]
    ) -> None:
        self._entries: list[tuple[str, Any, str]] = []
        for name, value in _flattened(logs):
            if isinstance(value, _NUMBERS):
                self._entries.append((name, float(value), ""))
                continue
            if not isinstance(value, (KerasTensor, np.ndarray, Variable)):
                raise TypeError(
                    f"expected numbers and tensors as logs, got {value!r} of type "
                    f"{type(value).__name__} for '{name}'"
                )
            tensor = trace.lift(ops.convert_to_tensor(value))
            key = (mode, name, tensor.shape, tensor.dtype)
            if key not in cells:
                cells[key] = _core.Cell(np.zeros(tensor.shape, engine_dtype(tensor.dtype)))
            trace.graph.assign(cells[key], tensor.value)
            self._entries.append((name, cells[key], tensor.dtype))

    def read(self) -> dict[str, Any]:
        """The values by name, scalars as floats."""
        return {
            name: _number(value.read(), dtype) if isinstance(value, _core.Cell) else value
            for name, value, dtype in self._entries
        }


def _number(array: Any, dtype: str) -> Any:
    return float(array) if array.ndim == 0 else array.astype(storage_dtype(dtype), copy=False)


def _flattened(logs: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in logs.items():
        if isinstance(value, dict):
            yield from _flattened(value)
        else:
            yield str(name), value


def takes_state(model: Any, mode: str) -> bool:
    """Whether the step is `step(state, data)`, which returns a new state, and not `step(data)`.

    Raises
    ------
    TypeError
        A step of other arguments.
    """
    name = f"{mode}_step"
    parameters = inspect.signature(getattr(model, name)).parameters.values()
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    required = [p.name for p in parameters if p.default is p.empty and p.kind in positional]
    takes_more = any(p.kind is p.VAR_POSITIONAL or p.kind in positional for p in parameters)
    if len(required) > 2 or not takes_more:
        raise TypeError(
            f"model '{model.name}': {name}: expected the arguments (self, data) or (self, state, "
            f"data), got {['self', *required]}"
        )
    return len(required) == 2


def check_steps(model: Any) -> None:
    """Raise where a step of the model's class takes other arguments than a step gets."""
    for mode in ("train", "test", "predict"):
        if model._has_own_step(mode):
            takes_state(model, mode)


@contextmanager
def _named(model: Any, step: str) -> Iterator[None]:
    """Errors inside name the model and the step; of an error that takes no message, it stays."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        try:
            named = type(error)(f"model '{model.name}': {step}: {error}")
        except TypeError:
            raise error from None
        raise named.with_traceback(error.__traceback__) from error


def run_own_step(model: Any, mode: str, trace: Trace, batch: tuple[Any, Any, Any]) -> Any:
    """Trace the step that the model's class defines.

    Returns
    -------
    StepLogs
        Of `train_step` and `test_step`.
    structure of KerasTensor
        Of `predict_step`: what it predicts.

    Raises
    ------
    TypeError, ValueError
        The step returned something else than logs, or logs and a state.
    """
    name = f"{mode}_step"
    step = getattr(model, name)
    data = pack_x_y_sample_weight(*batch)
    with _named(model, name):
        if takes_state(model, mode):
            result = _run_with_state(model, mode, trace, step, data)
        else:
            result = step(data)
        if mode == "predict":
            return tree.map_structure(lambda x: trace.lift(ops.convert_to_tensor(x)), result)
        if not isinstance(result, dict):
            raise TypeError(
                f"expected a dict of logs, as `{{m.name: m.result() for m in self.metrics}}`, got "
                f"{type(result).__name__}"
            )
        return StepLogs(mode, result, trace, model._training.log_cells)


def _run_with_state(model: Any, mode: str, trace: Trace, step: Any, data: Any) -> Any:
    """`step(state, data)`: the new state that it returns is assigned."""
    groups = model._state_variables(mode)
    state = tuple([trace.read(v) for v in group] for group in groups.values())
    result = step(state, data)
    if not (isinstance(result, tuple) and len(result) == 2):
        given = f"{len(result)} values" if isinstance(result, tuple) else type(result).__name__
        what = "outputs, non_trainable_variables" if mode == "predict" else "logs, state"
        raise TypeError(f"expected the step to return ({what}), got {given}")
    found, after = result
    if mode == "predict":
        groups.pop("trainable_variables")
        state, after = state[1:], [after]
    if not isinstance(after, (tuple, list)) or len(after) != len(groups):
        is_one = not isinstance(after, (tuple, list))
        shown = type(after).__name__ if is_one else f"{len(after)} parts"
        raise ValueError(f"expected the new state to be ({', '.join(groups)}), got {shown}")
    for (label, variables), old, new in zip(groups.items(), state, after):
        values = list(new)
        if len(values) != len(variables):
            raise ValueError(
                f"expected {len(variables)} values of {label} in the new state, got {len(values)}"
            )
        for variable, was, value in zip(variables, old, values):
            if value is was or value is variable:
                continue
            if tuple(ops.shape(value)) != variable.shape:
                raise ShapeError(
                    f"expected a new value of shape {variable.shape} for the variable "
                    f"'{variable.path}', got shape {tuple(ops.shape(value))}"
                )
            variable.assign(value)
    return found
